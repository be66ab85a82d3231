"""Which character encoding a body is in, decided as browsers decide it (WHATWG Encoding and HTML standards).

Order: byte order mark, the header's charset, `<meta>` in the first 1,024 bytes, XML declaration, valid UTF-8,
windows-1252. Labels mean what browsers take them to mean (iso-8859-1 is windows-1252); a codec name that Python knows
and the web does not is never used, because the server chose it.

Guessing by letter frequency must not enter here: measured libraries err on short pages, and err silently.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache

from webencodings.labels import LABELS

from scraper.decoding import decode_legacy

__all__ = ["declared_encoding", "decode", "encoding_of_label"]

LABELS_KEPT = 256  # content types and labels; a site has one or two
PRESCAN_BYTES = 1024  # HTML standard, "prescan a byte stream to determine its encoding"

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16be"), (codecs.BOM_UTF16_LE, "utf-16le"))
_BOM_STARTS = frozenset((b"\xef", b"\xfe", b"\xff"))
_UTF16_XML = ((b"<\0?\0x\0", "utf-16le"), (b"\0<\0?\0x", "utf-16be"))
_SPACE = "\t\n\f\r "
_HEADER = re.compile(r"""(?:^|[;,])\s*charset\s*=\s*(?:"([^"]*)"?|'?([^\s;,"']+))""", re.IGNORECASE)


def declared_encoding(body: bytes, content_type: str = "") -> str:
    """Return the name of the encoding that `body` is to be read in; always one that `decode` knows."""
    if body[:1] in _BOM_STARTS:
        for mark, encoding in _BOMS:
            if body.startswith(mark):
                return encoding
    name = _from_header(content_type)
    if name is not None:
        return name
    usual = _USUAL.match(body, 0, PRESCAN_BYTES)
    if usual is not None:
        name = _from_label(usual[usual.lastindex or 0])
    if name is not None or (name := _from_markup(body[:PRESCAN_BYTES])) is not None:
        return name
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


@lru_cache(maxsize=LABELS_KEPT)
def _from_header(content_type: str) -> str | None:
    found = _HEADER.search(content_type)
    return encoding_of_label(found[1] or found[2] or "") if found else None


def encoding_of_label(label: str) -> str | None:
    """Return the encoding that browsers take `label` for (Encoding standard, 4.2); None for a label that is none."""
    return LABELS.get(label.strip(_SPACE).lower()) if label.isascii() else None


def decode(body: bytes, encoding: str) -> str:
    """Return `body` as text; wrong bytes become U+FFFD, a byte order mark is dropped."""
    if encoding == "utf-8":
        return body.decode("utf-8-sig", "replace")
    for mark, marked in _BOMS:
        if body.startswith(mark):
            body, encoding = body[len(mark) :], marked
            break
    return body.decode("utf-8", "replace") if encoding == "utf-8" else decode_legacy(body, encoding)


# -- the prescan (HTML standard, 13.2.3.2) -----------------------------------------------------------------------------

# How most pages begin, up to the end of the tag that tells: nothing in it is a comment or a riddle, so that the prescan
# would come to the same tag and read the same label.
_LABEL = rb"([a-z0-9_-]+)"
_USUAL = re.compile(
    rb"""[\t\n\f\r ]*(?:<!doctype[ ][^>]*>[^<]*)?(?:<html(?:[ ][a-z]+(?::[a-z]+)?="[^"]*")*>[^<]*)?(?:<head>[^<]*)?
    <meta[ ](?:charset=(?:(?:"%b"|'%b')[ ]?/?|%b(?:[ ]/?)?)
    |http-equiv="content-type"[ ]content="text/html;[ ]?charset=%b"[ ]?/?)>"""
    % (_LABEL, _LABEL, _LABEL, _LABEL),
    re.VERBOSE | re.IGNORECASE,
)
_TOKEN = re.compile(rb"<(?:(!--)|(meta)(?=[\t\n\f\r /])|/?([a-z][^\t\n\f\r >]*)|([!/?]))", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    rb"""[\t\n\f\r /]*(?:(?P<end>>)|(?P<name>=?[^\t\n\f\r />=]+|=)
    (?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>(?!["'])[^\t\n\f\r >]*)))?)""",
    re.VERBOSE,
)
_BROKEN_VALUE = re.compile(rb"[\t\n\f\r ]*=")
_CONTENT = re.compile(r"""charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^"'\t\n\f\r ;][^\t\n\f\r ;]*))""")
_XML = re.compile(rb"""<\?xml[^>]*?encoding[\0-\x20]*=[\0-\x20]*(?:"([^"\0-\x20>]*)"|'([^'\0-\x20>]*)')""", re.DOTALL)


def _from_markup(head: bytes) -> str | None:
    if b"<" not in head:
        return None
    for start, encoding in _UTF16_XML:
        if head.startswith(start):
            return encoding
    name = _from_meta(head)
    if name is None and (xml := _XML.match(head)):
        label = encoding_of_label((xml[1] or xml[2] or b"").decode("latin-1"))
        name = "utf-8" if label in ("utf-16le", "utf-16be") else label
    return name


def _from_meta(head: bytes) -> str | None:
    """Return what the first `<meta>` that names a known encoding says, stepping over comments and other tags."""
    position = 0
    while token := _TOKEN.search(head, position):
        comment, meta, tag, _ = token.groups()
        if comment:
            position = head.find(b"-->", token.start() + 2) + 3
            if position < 3:
                return None
        elif meta or tag:
            attributes: dict[str, str] = {}
            position = token.end()
            for name, value, end in _attributes(head, position):
                attributes.setdefault(name, value)
                position = end
            if meta and (encoding := _meant(attributes)):
                return encoding
        else:
            position = head.find(b">", token.end()) + 1
            if not position:
                return None
    return None


def _attributes(head: bytes, position: int) -> Iterator[tuple[str, str, int]]:
    """Yield name, value and the place behind each attribute of a tag; a tag that is cut off ends the search."""
    while found := _ATTRIBUTE.match(head, position):
        position = found.end()
        if found["end"]:
            return
        value = found["double"] or found["single"] or found["bare"] or b""
        if position >= len(head) or (_BROKEN_VALUE.match(head, position) and not value):
            yield "", "", len(head)
            return
        yield found["name"].lower().decode("latin-1"), value.lower().decode("latin-1"), position


@lru_cache(maxsize=LABELS_KEPT)
def _from_label(label: bytes) -> str | None:
    return _meant({"charset": label.decode("latin-1")})


def _meant(attributes: dict[str, str]) -> str | None:
    """Return the encoding that a `<meta>` means; one that could be read as ASCII is not in UTF-16, whatever it says."""
    if "" in attributes:
        return None  # cut off by the end of the bytes
    if "charset" in attributes:
        name = encoding_of_label(attributes["charset"])
    elif attributes.get("http-equiv") == "content-type" and (found := _CONTENT.search(attributes.get("content", ""))):
        name = encoding_of_label(found[1] or found[2] or found[3] or "")
    else:
        return None
    if name is not None and name.startswith("utf-16"):
        return "utf-8"
    return "windows-1252" if name == "x-user-defined" else name
