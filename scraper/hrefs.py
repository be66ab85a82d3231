"""What can be said of a link's text without a URL parser.

Three things. The usual shapes of links are resolved by cutting strings, since the parser takes 4.7 microseconds for
each: `Base.resolve`. Of nearly all it can be said on which part of a page's base they depend, so that what they mean is
known for other pages too: `Base.ground`. And a query is put into the bytes of the page's encoding, which the parser,
that knows UTF-8 alone, cannot do.

Invariant: `Base.resolve` gives exactly what the URL standard gives, or None, and then the parser is asked. Whatever
needs a rule of the standard (dot segments inside, odd characters, names that are not plain) is None.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["STRIPPED", "Base", "is_opaque", "with_encoded_query"]

STRIPPED = "".join(map(chr, range(0x21)))  # what the standard cuts off a URL's ends: C0 controls and space

# Characters that the standard leaves alone in a path, and in the query of an http URL.
_PATH = r"[A-Za-z0-9_~!$&()*+,;=:@%/.-]*+"
_QUERY = r"\?[A-Za-z0-9_~!$&()*+,;=:@%/.?\[\]-]*+"
_LOCAL = re.compile(rf"({_PATH})({_QUERY})?(?:#.*)?", re.DOTALL)
# What may stand behind a folder as it is, if no segment begins with a dot.
_PLAIN = re.compile(rf"[A-Za-z0-9_~!$&()*+,;=@-][A-Za-z0-9_~!$&()*+,;=:@/.-]*+(?:{_QUERY})?")
# A name of plain labels whose last one is no number in any notation, or an IPv4 address as the standard writes it; a
# port that is no scheme's own; no user.
_NAME = r"(?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*"
_NUMBER = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PORT = r"(?::(?!80/|443/)(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}))?"
_ROOT = re.compile(rf"https?://(?:{_NAME}|(?:{_NUMBER}\.){{3}}{_NUMBER}){_PORT}/")
_LONGEST_ROOT = 268  # characters: https://, a name of 253, a port and the slash
_ROOTS_MET = 256

# A scheme whose URLs have neither host nor folders; those of the standard's special schemes have, slash or no slash.
_OPAQUE_START = r"(?!(?:https?|wss?|ftp|file):)[a-z][a-z0-9+.-]*:(?!/)"
_OPAQUE = re.compile(_OPAQUE_START, re.IGNORECASE | re.ASCII)
# On what of its base a reference depends, by the group that matches. All else may depend on the whole of it: what is
# empty or begins with ? or #, `http:x`, and what becomes one of these when blanks, tabs and line breaks are cut out.
_GROUND = re.compile(
    rf"(/|https?:/|{_OPAQUE_START})"  # the origin, or nothing at all
    r"|((?:\./)*\.\./)"  # the folder above
    r"|([^\0- ?#:/][^:?#/\\]*(?:[/\\?#]|\Z))",  # the folder
    re.IGNORECASE | re.ASCII,
)


class Base:
    """A canonical http(s) URL, cut at the places where relative references are put on.

    `grounds` names the parts of it that a reference may depend on, a text for each: bases with one of these texts in
    common give one meaning to all references that `ground` puts there. They stand in the order of their use.
    """

    __slots__ = ("_above", "_folders", "_origin", "_path", "_root", "_url", "grounds")

    def __init__(self, url: str) -> None:
        path_at = url.find("/", 8)
        path = url.partition("?")[0]
        end = path.rfind("/")
        folder = path[: end + 1]
        above = folder if end == path_at else path[: path.rfind("/", 0, end) + 1]
        origin = url[:path_at]
        self._url = url
        self._path = path
        self._origin = origin
        self._root = origin + "/"
        self._above = above
        self._folders = [folder, above]  # where `./`, `../`, `../../` … lead; the rest when it is asked for
        self.grounds = (origin, above + "..", folder)  # no origin has a / behind it, and no folder ends in dots

    def ground(self, reference: str) -> str | None:
        """Return the one of `grounds` that alone decides what `reference` means, None when there is none."""
        if reference[:3] == "../":
            return self.grounds[1]
        match = _GROUND.match(reference)
        return None if match is None else self.grounds[(match.lastindex or 0) - 1]

    def resolve(self, reference: str) -> str | None:
        """Return the URL, without fragment, that `reference` means; None when only the parser can tell."""
        return self.placed(reference)[0]

    def placed(self, reference: str) -> tuple[str | None, str | None]:
        """Return what `resolve` and `ground` say of `reference`; of the usual shapes both are one look."""
        link = reference.partition("#")[0] if "#" in reference else reference
        origin, above, folder = self.grounds
        if link[:3] == "../" and link[3:4] != ".":
            ground, place, start = above, self._above, 3
        elif link[:1] == "/":
            ground, place, start = origin, self._root, 1
        elif ":" in link:
            start = link.find("/", 8) + 1
            ground, place = origin, link[:start]
            if place != self._root and not _is_root(place):
                return self._resolve_otherwise(reference), self.ground(reference)
        elif link[:1] == ".":
            place, start = self._climb(link)
            ground = above if ".." in link[:start] else folder
        else:
            ground, place, start = folder, folder, 0
        if link.find("/.", start) < 0 and _PLAIN.fullmatch(link, start):  # nearly always
            return place + link[start:], ground
        return self._resolve_otherwise(reference), self.ground(reference)

    def _resolve_otherwise(self, reference: str) -> str | None:
        own = reference.startswith(self._root)
        match = _LOCAL.fullmatch(reference, len(self._origin) if own else 0)
        if match is None:
            return None
        path, query = match.groups("")
        if not path:
            return self._path + query if query else self._url
        folder = self._origin
        if path[0] != "/":
            if ":" in path:
                return _far(path, query)
            folder, rest = self._climb(path)
            path = path[rest:]
        elif path[1:2] == "/" and not own:
            return None
        if "/." in path or path[:1] == "." or "%2" in path:
            flat = _without_dots(folder[len(self._origin) :] + path)
            return None if flat is None else f"{self._origin}{flat}{query}"
        return f"{folder}{path}{query}"

    def _climb(self, path: str) -> tuple[str, int]:
        """Return the folder where a relative `path` arrives by the dots that it begins with, and where they end."""
        folders, level, rest = self._folders, 0, 0
        while True:
            if path.startswith("../", rest):
                rest += 3
                if len(folders[level]) > len(self._root):
                    level += 1
                    if level == len(folders):
                        folders.append(folders[-1][: folders[-1].rfind("/", 0, -1) + 1])
            elif path.startswith("./", rest):
                rest += 2
            else:
                return folders[level], rest

    def __repr__(self) -> str:
        return f"<Base {self._url}>"


def _far(path: str, query: str) -> str | None:
    """Return the URL of another site that is cut into `path` and `query`; None when it is not plain."""
    root = path[: path.find("/", 8) + 1]
    return None if not _is_root(root) or path.find("/.", len(root) - 1) >= 0 or "%2" in path else path + query


def _is_root(text: str) -> bool:
    """Tell whether `text` is the URL of a site's root, and written as the standard writes it."""
    return len(text) <= _LONGEST_ROOT and _is_plain_root(text)


@lru_cache(_ROOTS_MET)
def _is_plain_root(text: str) -> bool:
    return _ROOT.fullmatch(text) is not None and "xn--" not in text


def _without_dots(path: str) -> str | None:
    """Return `path` without dot segments; None when some may be percent-encoded."""
    if "%2e" in path.lower():
        return None
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def is_opaque(reference: str) -> bool:
    """Tell whether `reference` is `mailto:`, `javascript:`, `tel:` or the like, which is always valid and no page."""
    return _OPAQUE.match(reference) is not None


# Names of the Encoding standard whose encoders Python has under another name; the rest have the same.
_CODECS = {
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "cp950",
    "iso-8859-8-i": "iso8859-8",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
}
_UTF = ("utf-8", "utf-16be", "utf-16le", "replacement")  # their forms send UTF-8 (Encoding standard, 4.3)
_JAPANESE = ("shift_jis", "euc-jp", "iso-2022-jp")
_FULL_WIDTH_MINUS = {0x2212: 0xFF0D}  # the encoders of the standard take one for the other
_KEPT_IN_QUERY = frozenset(range(0x21, 0x7F)) - frozenset(
    b"\"#<>'"
)  # the special-query percent-encode set, turned round
_IGNORED = str.maketrans("", "", "\t\n\r")


def with_encoded_query(reference: str, encoding: str) -> str:
    """Return `reference` with its query percent-encoded in the page's `encoding`, as a browser sends it.

    What the encoding lacks becomes a numeric character reference (URL standard, "percent-encode after encoding").
    """
    if encoding in _UTF or reference.isascii():
        return reference
    text = reference.strip(STRIPPED).translate(_IGNORED)
    link, hash_mark, fragment = text.partition("#")
    path, mark, query = link.partition("?")
    if query.isascii():
        return reference
    if encoding in _JAPANESE:
        query = query.translate(_FULL_WIDTH_MINUS)
    return f"{path}{mark}{_percent_encoded(query, encoding)}{hash_mark}{fragment}"


def _percent_encoded(query: str, encoding: str) -> str:
    codec = _CODECS.get(encoding, encoding)
    pieces, rest = [], query
    try:
        while rest:
            try:
                pieces.append(_escaped(rest.encode(codec)))
                break
            except UnicodeEncodeError as lacking:
                known, unknown, rest = rest[: lacking.start], rest[lacking.start], rest[lacking.start + 1 :]
                pieces += [_escaped(known.encode(codec)), f"%26%23{ord(unknown)}%3B"]
    except LookupError:  # a name that Python does not have: as in UTF-8
        return query
    return "".join(pieces)


def _escaped(data: bytes) -> str:
    return "".join(chr(byte) if byte in _KEPT_IN_QUERY else f"%{byte:02X}" for byte in data)
