"""Path patterns: which line of a robots.txt decides about a URL (RFC 9309, 2.2.2 and 2.2.3).

The longest pattern that matches decides, allow in a draw; where none does, the URL may be visited. Octets are compared,
spelled alike: an escape of what needs none counts as the character itself. `*` is any run of octets, `$` at the end of
a pattern is the end of the path.

A pattern without a star costs a look into a dict, any other one at most its own length and the URL's: no file can be
built to take time. Files, groups and names of crawlers must not enter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Pattern", "Patterns"]

Pattern = tuple[bytes, bool]  # as written in the file; whether it allows

_ESCAPED = {octet: f"%{octet:02X}" for octet in range(256) if not 0x21 <= octet <= 0x7E}
_USUAL = re.compile(rb"[!-#&-~]*")  # octets that have one spelling: neither to be escaped nor a % or $
_OWN_MEANING = "%*$"  # these are escaped wherever they stand for themselves
_DELIMITERS = "/?"  # in a path their escapes are something else; in a query they are not (RFC 9309, 2.2.2)
_TO_SPELL = re.compile(r"%(?:[0-9A-Fa-f]{2})?|[*$]")
_TO_SPELL_IN_PATTERN = re.compile(r"%(?:[0-9A-Fa-f]{2})?|\$")
_FOLDER_PAGE = "index.htm"  # Google's parser: who allows this page allows the folder's URL as well


class _Wild(NamedTuple):
    """A pattern with a star or an end; of two, the one that decides is the greater."""

    length: int
    allows: bool
    pieces: list[str]  # what stands between the stars
    ends: bool

    def matches(self, path: str) -> bool:
        """Tell whether `path` fits; the first place where a piece stands is as good as any later one."""
        first, *others = self.pieces
        if not path.startswith(first):
            return False
        if not others:
            return len(path) == len(first)
        at, last = len(first), others.pop()
        for piece in others:
            at = path.find(piece, at) + len(piece)
            if at < len(piece):
                return False
        return path.endswith(last, at) if self.ends else path.find(last, at) >= 0


class Patterns:
    """What one robots.txt allows and disallows to one crawler."""

    __slots__ = ("_lengths", "_plain", "_wild")

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        known: dict[str, bool] = {}
        for written, allows in patterns:
            pattern = written.decode() if _USUAL.fullmatch(written) else _in_one_spelling(written)
            if pattern.startswith(("/", "*")):
                known[pattern] = allows or known.get(pattern, False)
            if allows and _FOLDER_PAGE in pattern:
                folder, slash, page = pattern.rpartition("/")
                if slash and page.startswith(_FOLDER_PAGE):
                    known[f"{folder}/$"] = True
        wild = [pattern for pattern in known if "*" in pattern or pattern.endswith("$")]
        self._wild = sorted((_wild(pattern, known.pop(pattern)) for pattern in wild), reverse=True)
        self._plain = known
        self._lengths = sorted(set(map(len, known)), reverse=True)

    def allow(self, path: str) -> bool:
        """Tell whether `path`, a canonical URL's from its first slash on, may be visited."""
        if not ("%" in path or "*" in path or "$" in path):
            return self._decide(path)[1]
        decided = self._decide(_spelled(path, _TO_SPELL))
        if "?" in path:
            # A pattern without a question mark may mean the path or the query: its slashes are in either spelling.
            decided = max(decided, self._decide(_spelled(path, _TO_SPELL, as_path=True)))
        return decided[1]

    def _decide(self, path: str) -> tuple[int, bool]:
        """Return the length of the pattern that decides, and what it says."""
        found = (-1, True)
        for length in self._lengths:
            allows = self._plain.get(path[:length]) if length <= len(path) else None
            if allows is not None:
                found = (length, allows)
                break
        for pattern in self._wild:
            if pattern[:2] <= found:
                break
            if pattern.matches(path):
                return pattern[:2]
        return found

    def __bool__(self) -> bool:
        return bool(self._plain or self._wild)

    def __repr__(self) -> str:
        return f"<Patterns {len(self._plain)} plain | {len(self._wild)} wild>"


def _wild(pattern: str, allows: bool) -> _Wild:
    return _Wild(len(pattern), allows, pattern.removesuffix("$").split("*"), pattern.endswith("$"))


def _in_one_spelling(written: bytes) -> str:
    """Return a pattern as a file has it with every octet in its one spelling; a `$` at its end stays the end."""
    pattern = _spelled(written.decode("latin-1").translate(_ESCAPED).removesuffix("$"), _TO_SPELL_IN_PATTERN)
    return pattern + "$" if written.endswith(b"$") else pattern


def _spelled(text: str, odd: re.Pattern[str], *, as_path: bool = False) -> str:
    """Return `text` with every octet in its one spelling: escaped when it has to be, and then in upper case."""
    path, mark, query = (text, "", "") if as_path else text.partition("?")
    return odd.sub(_in_path, path) + mark + odd.sub(_octet, query)


def _in_path(found: re.Match[str]) -> str:
    spelled = _octet(found)
    return found[0].upper() if spelled in _DELIMITERS else spelled


def _octet(found: re.Match[str]) -> str:
    """Return the spelling of an escape, or of a character that has a meaning of its own."""
    written = found[0]
    octet = chr(int(written[1:], 16)) if len(written) > 1 else written
    return octet if "!" <= octet <= "~" and octet not in _OWN_MEANING else f"%{ord(octet):02X}"
