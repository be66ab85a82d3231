"""Untidy markup, written with method: attributes, entities and links as many hurried hands would write them.

Whatever the spelling, a parser and a URL joiner that follow the WHATWG standards read back exactly what was meant.
Absolute links are written with the mark ORIGIN, which becomes the client's own scheme and host when the page is sent.
No page, book or encoding may enter here.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["ORIGIN", "Hand", "escape"]

ORIGIN = "\ue000"  # private use, so no text of the shop has it

_BARE = re.compile(r"[\w./#-]+")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_NAMED = _ESCAPES | str.maketrans(
    {"“": "&ldquo;", "”": "&rdquo;", "‘": "&lsquo;", "’": "&rsquo;", "—": "&mdash;", "–": "&ndash;", "é": "&eacute;",
     "ï": "&iuml;", "½": "&frac12;", "£": "&pound;", "…": "&hellip;"}
)  # fmt: skip
_NUMBERED = str.maketrans(
    {"’": "&#8217;", "“": "&#x201C;", "”": "&#x201d;", "é": "&#233;", "£": "&#163;", "&": "&#38;", "<": "&#60;",
     ">": "&#x3E;"}
)  # fmt: skip
# Numbers of windows-1252, which the HTML standard says to read as such ("numeric character reference end state").
_OUTDATED = _ESCAPES | str.maketrans(
    {"’": "&#146;", "“": "&#147;", "”": "&#148;", "–": "&#150;", "—": "&#151;", "…": "&#133;"}
)
_ENTITIES = (_ESCAPES, _NAMED, _NUMBERED, _ESCAPES, _OUTDATED)


def escape(text: str) -> str:
    """Return `text` for use between tags and in double quotes."""
    return text.translate(_ESCAPES)


class Hand:
    """One person's way of writing a page: the same number writes the same page."""

    def __init__(self, number: int, *, folder: str, entities: bool = True) -> None:
        """Write for a page whose relative links start at `folder` (an absolute path that ends with a slash)."""
        self._step = number
        self._folder = folder
        self._parent = folder[: folder.rstrip("/").rfind("/") + 1]
        self.up = "../" * (folder.count("/") - 1)  # from the folder to the site's root
        self._entities = _ENTITIES[number % len(_ENTITIES)] if entities else _ESCAPES

    def text(self, text: str) -> str:
        """Return `text` for use between tags."""
        return text.translate(self._entities)

    def attribute(self, name: str, value: str) -> str:
        """Return one attribute with a space before it."""
        style = self._next() % 7
        if style == 1:
            return f' {name.upper()}="{escape(value)}"'
        if style == 3:
            return f" {name}='{escape(value).replace(chr(39), '&#39;')}'"
        if style == 5 and _BARE.fullmatch(value):
            return f" {name}={value}"
        return f' {name} = "{escape(value)}"' if style == 6 else f' {name}="{escape(value)}"'

    def link(self, path: str, label: str, *, kind: str = "", title: str = "") -> str:
        """Return a link to the absolute `path` of this site; `label` is markup."""
        extra = (self.attribute("class", kind) if kind else "") + (self.attribute("title", title) if title else "")
        return f"<a{self.attribute('href', self.reference(path))}{extra}>{label}</a>"

    def reference(self, path: str) -> str:
        """Return one of the ways to write the absolute `path`: mostly relative, at times with white space around it."""
        style = self._next() % 13
        if style == 4:
            return path
        if style == 7:
            return ORIGIN + path
        relative = self.relative(path)
        if style == 9:
            return f"\n        {relative}  "
        return unquote(relative) if style == 11 else relative

    def relative(self, path: str) -> str:
        """Return the absolute `path` as seen from the page's folder."""
        if path.startswith(self._folder) and len(path) > len(self._folder):
            return path[len(self._folder) :]
        if len(self._parent) > 1 and path.startswith(self._parent):
            return f"../{path[len(self._parent) :]}"
        return f"{self.up or './'}{path[1:]}"

    def _next(self) -> int:
        self._step += 1
        return self._step
