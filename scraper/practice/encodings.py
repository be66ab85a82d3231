"""Which character encoding a practice page is in, and how (or whether) the page says so.

A tenth of the detail pages is not in declared UTF-8. Each of those can be read by the rules of the WHATWG Encoding and
HTML standards alone, and holds its own book's text as bytes of its encoding, never as character references.
Decoding must not enter here: the shop writes, `scraper.charset` reads, and neither may borrow the other's mistakes.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from functools import lru_cache

from scraper.practice.catalogue import RHYTHM, Book

__all__ = ["UTF8", "Wire", "wire_of"]

LEGACY_PLACES = (3, 13)  # of every RHYTHM books, so 10 %


@dataclass(frozen=True, slots=True)
class Wire:
    """One way to put a page on the wire."""

    codec: str  # Python's codec that writes what browsers read
    content_type: str = field(kw_only=True, default="text/html")
    head: str = field(kw_only=True, default="")  # what the page's own head says
    mark: bytes = field(kw_only=True, default=b"")  # byte order mark

    def encode(self, text: str) -> bytes:
        """Return `text` without the mark; what the encoding lacks becomes a character reference."""
        if self.codec == "utf-8":
            return text.encode()
        foreign = {ord(char): f"&#{ord(char)};" for char in set(text) if not _fits(char, self.codec)}
        return text.translate(foreign).encode(self.codec)


@lru_cache(maxsize=4096)
def _fits(char: str, codec: str) -> bool:
    """Tell whether `char` comes back; Python's cp932 would write a pound sign that is read as another one."""
    return char.isascii() or char.encode(codec, "ignore").decode(codec) == char


UTF8 = Wire("utf-8", content_type="text/html; charset=utf-8", head='<meta charset="utf-8">')

_UTF16 = (
    Wire("utf-16-le", content_type="text/html; charset=utf-16", mark=codecs.BOM_UTF16_LE),
    Wire("utf-16-be", mark=codecs.BOM_UTF16_BE),
)
_LEGACY = {
    "fr": (
        Wire("cp1252", head='<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">'),
        Wire("cp1252", content_type="text/html; charset=ISO-8859-1"),
    ),
    "en": (
        Wire("cp1252", head="<META charset=iso-8859-1>"),
        Wire("utf-8", content_type="text/html; charset=iso-8859-1", mark=codecs.BOM_UTF8),
        Wire("cp1252", content_type="TEXT/HTML;charset=windows-1252", head='<meta charset="utf-8">'),
    ),
    "de": (
        Wire("cp1252"),
        Wire("cp1252", head='<!-- <meta charset="utf-8"> --><meta charset="latin1">'),
    ),
    "pl": (Wire("iso8859-2", content_type="text/html; charset=ISO-8859-2"),),
    "cs": (Wire("iso8859-2", head="<meta charset=iso-8859-2>"),),
    "ru": (
        Wire("cp1251", content_type='text/html; charset="windows-1251"', head='<meta charset="utf-8">'),
        Wire("cp1251", head='<!-- <meta charset="koi8-r"> -->\n<meta charset="windows-1251">'),
    ),
    "ja": (
        Wire("cp932", content_type="text/html; charset=Shift_JIS"),
        Wire("cp932", head='<meta http-equiv="content-type" content="text/html; charset=shift_jis">'),
    ),
    "el": _UTF16,
    "zh": _UTF16,
    "ar": _UTF16,
}


def wire_of(book: Book) -> Wire:
    """Return the wire of a book's detail page."""
    if book.number % RHYTHM not in LEGACY_PLACES:
        return UTF8
    choices = _LEGACY[book.language]
    return choices[book.number // RHYTHM % len(choices)]
