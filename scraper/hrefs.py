"""What can be said of a link's text without a URL parser.

Two things. The usual shapes of links are resolved by cutting strings: nine links in ten have one of these shapes, and
the parser takes 4.7 microseconds for each, cutting 1.5. And a query is put into the bytes of the page's encoding, which
the parser, that knows UTF-8 alone, cannot do.

Invariant: `Base.resolve` gives exactly what the URL standard gives, or None, and then the parser is asked. Whatever
needs a rule of the standard (dot segments inside, odd characters, ports, names that are not plain) is None, never a
guess.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["STRIPPED", "Base", "start_of", "with_encoded_query"]

STRIPPED = "".join(map(chr, range(0x21)))  # what the standard cuts off a URL's ends: C0 controls and space

# Characters that the standard leaves alone in a path, and in the query of an http URL.
_PATH = r"[A-Za-z0-9_~!$&()*+,;=:@%/.-]*"
_QUERY = r"\?[A-Za-z0-9_~!$&()*+,;=:@%/.?\[\]-]*"
_LOCAL = re.compile(rf"({_PATH})({_QUERY})?(?:#.*)?", re.DOTALL)
# A name of plain labels whose last one is no number in any notation; no port, no user.
_FAR = re.compile(
    rf"(https?://(?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*(?=/))({_PATH})({_QUERY})?(?:#.*)?",
    re.DOTALL,
)
BASES_KEPT = 256  # pages in work at once are fewer


class Base:
    """A canonical http(s) URL, cut at the places where relative references are put on."""

    __slots__ = ("_folder", "_inside", "_origin", "_path", "_url")

    def __init__(self, url: str) -> None:
        path_at = url.find("/", 8)
        query_at = url.find("?", path_at)
        self._url = url
        self._origin = url[:path_at]
        self._inside = self._origin + "/"
        self._path = url[path_at:] if query_at < 0 else url[path_at:query_at]
        self._folder = self._path[: self._path.rfind("/") + 1]

    def resolve(self, reference: str) -> str | None:
        """Return the URL, without fragment, that `reference` means; None when only the parser can tell."""
        own = reference.startswith(self._inside)
        match = _LOCAL.fullmatch(reference, len(self._origin) if own else 0)
        if match is None:
            return None
        path, query = match.groups("")
        if not path:
            return f"{self._origin}{self._path}{query}" if query else self._url
        if path[0] != "/":
            return self._below(path, query) if ":" not in path else _far(reference)
        if _has_dots(path) or (not own and path[1:2] == "/"):
            return None
        return f"{self._origin}{path}{query}"

    def _below(self, path: str, query: str) -> str | None:
        folder = self._folder
        while path.startswith("../"):
            folder = folder[: folder.rfind("/", 0, -1) + 1] or "/"
            path = path[3:]
        path = path.removeprefix("./")
        if path[:1] == "." or _has_dots(path):
            return None
        return f"{self._origin}{folder}{path}{query}"

    def __repr__(self) -> str:
        return f"<Base {self._url}>"


def _far(reference: str) -> str | None:
    match = _FAR.fullmatch(reference)
    if match is None:
        return None
    site, path, query = match.groups("")
    return None if _has_dots(path) or "xn--" in site else f"{site}{path}{query}"


def _has_dots(path: str) -> bool:
    """Tell whether `path` may hold dot segments, written out or percent-encoded."""
    return "/." in path or ("%" in path and "%2e" in path.lower())


@lru_cache(maxsize=BASES_KEPT)
def start_of(url: str) -> Base:
    """Return the cut form of a canonical `url`; the links of a page ask for the same one again and again."""
    return Base(url)


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
