"""What kind of thing a body is: markup to read, data, text, or bytes that only a program can read.

The label is believed as far as browsers believe it (WHATWG MIME Sniffing), with two differences that a crawler needs:
bytes that begin like a PDF, a picture, a film or an archive are that, whatever they are called, because reading them as
markup costs 16 times their size in memory; and a document that begins like HTML is HTML although it is called plain
text or bytes, unless the server forbids it (`X-Content-Type-Options: nosniff`).

Only the first bytes are looked at, once a page. Nothing is parsed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

__all__ = ["Kind", "essence", "kind_of_body"]

SNIFFED_BYTES = 1445  # MIME Sniffing 3: the resource header
BINARY_SHARE = 0.1  # of control characters in the resource header, from which "text/html" is not text


class Kind(StrEnum):
    """What a body is."""

    HTML = "html"  # XHTML too
    XML = "xml"
    JSON = "json"
    TEXT = "text"  # also scripts, style sheets, CSV
    PDF = "pdf"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    ARCHIVE = "archive"  # compressed files; office documents and books are archives too
    FONT = "font"
    BINARY = "binary"  # other bytes


def essence(content_type: str) -> str:
    """Return `text/html` for `Text/HTML; charset=x`; of several joined by a comma the last, "" when there is none."""
    return content_type.rpartition(",")[2].partition(";")[0].strip().lower()


def kind_of_body(body: bytes, headers: Mapping[str, str]) -> Kind:
    """Return what `body` is, from its header fields and its first bytes."""
    declared = essence(headers.get("content-type", ""))
    labelled = _LABELS.get(declared) or _by_suffix(declared)
    head = body[:SNIFFED_BYTES]
    if head[:1] in _MARKUP_STARTS:  # most bodies, and no magic number begins so
        return labelled if labelled in _MARKUP else _unlabelled(head, labelled, headers)
    return _magic(head) or _sniffed(head, labelled, headers)


def _sniffed(head: bytes, labelled: Kind | None, headers: Mapping[str, str]) -> Kind:
    if labelled is Kind.HTML or labelled is Kind.XML:
        return Kind.BINARY if _is_noise(head, headers) else labelled
    return _unlabelled(head, labelled, headers)


def _unlabelled(head: bytes, labelled: Kind | None, headers: Mapping[str, str]) -> Kind:
    """Return the kind of what is not called markup: plain text, JSON, bytes, nothing or a type that is not known."""
    if labelled not in _OPAQUE and labelled not in (Kind.TEXT, Kind.JSON):
        return labelled or Kind.BINARY
    if headers.get("x-content-type-options", "").strip().lower() != "nosniff" or labelled is None:
        if _HTML.match(head) and essence(headers.get("content-type", "")) not in _NEVER_HTML:
            return Kind.HTML
        if labelled in _OPAQUE and _XML.match(head):
            return Kind.XML
        if labelled is None and _ANY_TAG.match(head):  # who labels nothing may begin with any tag
            return Kind.HTML
    if labelled in (Kind.TEXT, Kind.JSON):
        return Kind.BINARY if _is_noise(head, headers) else labelled
    if _CONTROL.search(head) and not head.startswith(_BOMS):
        return Kind.BINARY
    if labelled is None or not head.strip():
        return Kind.JSON if _JSON.match(head) else Kind.TEXT
    return Kind.TEXT if _CONTROL.search(head) is None else Kind.BINARY


def _by_suffix(declared: str) -> Kind | None:
    """Return the kind that a type's family or suffix tells (MIME Sniffing 4.6); None when there is no type."""
    if declared in _UNKNOWN:
        return None
    if declared.endswith("+xml"):
        return Kind.XML
    if declared.endswith("+json"):
        return Kind.JSON
    return _FAMILIES.get(declared.partition("/")[0], Kind.BINARY)


def _magic(head: bytes) -> Kind | None:
    """Return the kind that the first bytes prove (MIME Sniffing 6)."""
    for start, kind in _MAGIC:
        if head.startswith(start):
            return kind
    if head[4:8] == b"ftyp":  # 6.2.1: MP4 and its relatives
        return Kind.IMAGE if head[8:12] in (b"avif", b"avis", b"heic", b"mif1") else Kind.VIDEO
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    return Kind.IMAGE if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0" else None


def _is_noise(head: bytes, headers: Mapping[str, str]) -> bool:
    """Tell whether what is called text is none: full of control characters, and not in UTF-16."""
    if _CONTROL.search(head) is None or head.startswith(_BOMS) or "utf-16" in headers.get("content-type", "").lower():
        return False
    return len(_CONTROL.findall(head)) > BINARY_SHARE * len(head) and _TAG.search(head) is None


_MARKUP = (Kind.HTML, Kind.XML)
_OPAQUE = (None, Kind.BINARY)
_MARKUP_STARTS = frozenset((b"<", b"\n", b"\r", b"\t", b" "))
_BOMS = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")
_CONTROL = re.compile(rb"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]")  # MIME Sniffing 3, binary data byte
_TAG = re.compile(rb"<(?:!doctype\s|html|head|body|title)", re.IGNORECASE)
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*<(?:!--|(?:!doctype[ ]html|html|head|script|iframe|h1|div|font|table|a|style|title"
    rb"|b|body|br|p)(?=[ >\t\n\f\r/]))",
    re.IGNORECASE,
)  # MIME Sniffing 7.1, first table
_XML = re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*<(?:\?xml|rss[\s>]|feed[\s>]|svg[\s>]|urlset[\s>]|sitemapindex[\s>])")
_ANY_TAG = re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*<[a-zA-Z!]")
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\r ]*[\[{]")
_UNKNOWN = frozenset(("", "unknown/unknown", "application/unknown", "*/*", "content/unknown"))
_NEVER_HTML = frozenset(("text/css", "text/javascript", "application/javascript", "text/markdown"))
_FAMILIES: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "image": Kind.IMAGE,
    "audio": Kind.AUDIO,
    "video": Kind.VIDEO,
    "font": Kind.FONT,
}
_LABELS: Mapping[str, Kind] = {
    "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.HTML,
    "text/xml": Kind.XML,
    "application/xml": Kind.XML,
    "application/json": Kind.JSON,
    "text/json": Kind.JSON,
    "application/pdf": Kind.PDF,
    "application/zip": Kind.ARCHIVE,
    "application/gzip": Kind.ARCHIVE,
    "application/javascript": Kind.TEXT,
    "application/x-javascript": Kind.TEXT,
    "application/ecmascript": Kind.TEXT,
    "application/x-ndjson": Kind.TEXT,
    "application/yaml": Kind.TEXT,
}
_RIFF: Mapping[bytes, Kind] = {b"WEBP": Kind.IMAGE, b"AVI ": Kind.VIDEO, b"WAVE": Kind.AUDIO}
_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF-", Kind.PDF),
    (b"\x89PNG\r\n\x1a\n", Kind.IMAGE),
    (b"GIF87a", Kind.IMAGE),
    (b"GIF89a", Kind.IMAGE),
    (b"\xff\xd8\xff", Kind.IMAGE),
    (b"\0\0\x01\0", Kind.IMAGE),
    (b"\0\0\x02\0", Kind.IMAGE),
    (b"II*\0", Kind.IMAGE),
    (b"MM\0*", Kind.IMAGE),
    (b"PK\x03\x04", Kind.ARCHIVE),
    (b"PK\x05\x06", Kind.ARCHIVE),
    (b"\x1f\x8b\x08", Kind.ARCHIVE),
    (b"Rar!\x1a\x07", Kind.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", Kind.ARCHIVE),
    (b"\xfd7zXZ\0", Kind.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", Kind.ARCHIVE),
    (b"BZh91AY&SY", Kind.ARCHIVE),
    (b"\x1aE\xdf\xa3", Kind.VIDEO),  # WebM, Matroska
    (b"\0\0\x01\xba", Kind.VIDEO),
    (b"\0\0\x01\xb3", Kind.VIDEO),
    (b"FLV\x01", Kind.VIDEO),
    (b"OggS\0", Kind.AUDIO),
    (b"ID3\x02", Kind.AUDIO),
    (b"ID3\x03", Kind.AUDIO),
    (b"ID3\x04", Kind.AUDIO),
    (b"fLaC", Kind.AUDIO),
    (b"MThd\0\0\0\x06", Kind.AUDIO),
    (b"wOFF", Kind.FONT),
    (b"wOF2", Kind.FONT),
    (b"OTTO\0", Kind.FONT),
    (b"\0\x01\0\0", Kind.FONT),
    (b"%!PS-Adobe-", Kind.BINARY),
    (b"\x7fELF", Kind.BINARY),
    (b"MZ\x90\0", Kind.BINARY),
    (b"\0asm", Kind.BINARY),
    (b"SQLite format 3\0", Kind.BINARY),
    (b"\xca\xfe\xba\xbe", Kind.BINARY),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.BINARY),  # older office documents
)
