"""Which character encoding a body is in, decided as browsers decide it (WHATWG Encoding and HTML standards).

Order: byte order mark, the header's charset, `<meta>` in the first 1,024 bytes, XML declaration, valid UTF-8,
windows-1252. Labels mean what browsers take them to mean (iso-8859-1 is windows-1252); a codec name that Python knows
and the web does not is never used, because the server chose it.

Guessing by letter frequency must not enter here: measured libraries err on short pages, and err silently.
"""

from __future__ import annotations

import codecs
import re

import webencodings

__all__ = ["declared_encoding", "decode"]

PRESCAN_BYTES = 1024  # HTML standard, "prescan a byte stream to determine its encoding"

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16be"), (codecs.BOM_UTF16_LE, "utf-16le"))
_HEADER = re.compile(r"""charset\s*=\s*["']?\s*([^\s;"']+)""", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"""<meta[\s/][^>]*?charset\s*=\s*["']?\s*([^\s"'/>;]+)""", re.IGNORECASE)
_XML = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']""")


def declared_encoding(body: bytes, content_type: str = "") -> str:
    """Return the name of the encoding that `body` is to be read in; always one that `decode` knows."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return encoding
    if content_type and (found := _HEADER.search(content_type)) and (name := _lookup(found[1])):
        return name
    head = body[:PRESCAN_BYTES]
    if (name := _from_markup(head)) is not None:
        return name
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def _from_markup(head: bytes) -> str | None:
    if xml := _XML.match(head):
        label = xml[1]
    else:
        if b"<!--" in head:
            head = _COMMENT.sub(b"", head)
        meta = _META.search(head)
        if meta is None:
            return None
        label = meta[1]
    name = _lookup(label.decode("ascii", "replace"))
    # A document whose ASCII tags could be read is not in UTF-16, whatever it says; x-user-defined is windows-1252.
    if name is not None and name.startswith("utf-16"):
        return "utf-8"
    return "windows-1252" if name == "x-user-defined" else name


def _lookup(label: str) -> str | None:
    encoding = webencodings.lookup(label)
    return None if encoding is None else str(encoding.name)


def decode(body: bytes, encoding: str) -> str:
    """Return `body` as text; wrong bytes become U+FFFD, a byte order mark is dropped."""
    if encoding == "utf-8":
        return body.decode("utf-8-sig", "replace")
    if encoding == "replacement":  # labels of encodings that browsers refuse, because they hide scripts
        return "\ufffd" if body else ""
    return str(webencodings.decode(body, encoding, "replace")[0])
