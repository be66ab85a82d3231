"""Bytes to text as browsers do it, where Python's codecs of the same name differ (WHATWG Encoding standard, 4 to 14).

Python's codecs do the bulk of the work, at C speed; what they refuse goes to an error handler that answers as the
standard's decoder would, and the few characters that they map otherwise are put right afterwards. So a page that only
uses what everybody agrees on pays nothing.

Names are those of the standard. Which encoding a body is in must not be decided here, and no name that a server chose
may reach Python's codec registry.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["decode_legacy"]

_REPLACEMENT: Final = "\ufffd"
_C1 = range(0x80, 0xA0)  # bytes of the windows code pages that stand for themselves where no character is assigned

_PYTHON_NAMES: Mapping[str, str] = {
    "iso-8859-8-i": "iso8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "euc-kr": "cp949",
    "gbk": "gb18030",  # the standard's gbk decoder is the one of gb18030
}
_CONTROLS = "scraper.controls"
_HEBREW = "scraper.hebrew"
_PAIRS = "scraper.pairs"
_GB18030 = "scraper.gb18030"
_EUC_JP = "scraper.euc-jp"
_HANDLERS: Mapping[str, str] = {
    "windows-1255": _HEBREW,
    "big5": _PAIRS,
    "euc-kr": _PAIRS,
    "shift_jis": _PAIRS,
    "gbk": _GB18030,
    "gb18030": _GB18030,
    "euc-jp": _EUC_JP,
}
_GB18030_2022 = dict(zip(range(0xE78D, 0xE797), "︐︒︑︓︔︕︖︗︘︙", strict=True)) | {
    0xE5E5: "\u3000", 0xE7C7: "ḿ", 0xE81E: "龴", 0xE826: "龵", 0xE82B: "龶", 0xE82C: "龷", 0xE832: "龸", 0xE843: "龹",
    0xE854: "龺", 0xE864: "龻",
}  # fmt: skip
# Characters that Python gives for bytes that mean others on the web; none of them can come from other bytes, and none
# is what another one becomes.
_CORRECTIONS: Mapping[str, Mapping[int, str | int]] = {
    "koi8-u": {0x255D: "ў", 0x256C: "Ў"},  # the web's koi8-u is koi8-ru
    "shift_jis": dict.fromkeys(range(0xF8F0, 0xF8F4), _REPLACEMENT),
    # Symbols as in Windows code page 950 and in HKSCS's own table.
    "big5": dict(zip(map(ord, "•､‾∼♁☉¥¢£"), "‧﹑¯～⊕⊙￥￠￡", strict=True)),
    # GB 18030-2022 gave characters to what were private places before.
    "gb18030": _GB18030_2022,
    "gbk": _GB18030_2022,
    # The JIS row 1 and 2 characters that Microsoft, and so the web, took for full-width forms.
    "euc-jp": {0x301C: 0xFF5E, 0x2016: 0x2225, 0x2212: 0xFF0D, 0xA2: 0xFFE0, 0xA3: 0xFFE1, 0xAC: 0xFFE2},
}
_REPLACED: Mapping[str, tuple[tuple[str, str], ...]] = {
    name: tuple((chr(wrong), chr(right) if isinstance(right, int) else right) for wrong, right in pairs.items())
    for name, pairs in _CORRECTIONS.items()
}


def decode_legacy(body: bytes, name: str) -> str:
    """Return `body` as text; `name`: an encoding of the WHATWG standard, in lower case, that is not utf-8.

    Nothing is raised for wrong bytes: they become U+FFFD, as many as in a browser.
    """
    special = _SPECIAL.get(name)
    if special is not None:
        return special(body)
    handler = _HANDLERS.get(name) or (_CONTROLS if name.startswith("windows-") else "replace")
    text = codecs.decode(body, _PYTHON_NAMES.get(name, name), handler)
    if not text.isascii():
        for wrong, right in _REPLACED.get(name, ()):  # a search in C for each; str.translate calls back for each letter
            text = text.replace(wrong, right)
    return text


def _user_defined(body: bytes) -> str:
    return "".join(map(_USER_DEFINED.__getitem__, body))


def _refused(body: bytes) -> str:
    """Encodings that browsers refuse to read, because they hide scripts from filters (Encoding standard, 14.1)."""
    return _REPLACEMENT if body else ""


_USER_DEFINED = [chr(byte if byte < 0x80 else 0xF700 + byte) for byte in range(256)]

# -- iso-2022-jp (12.2.1) ----------------------------------------------------------------------------------------------

_ESCAPES: Mapping[bytes, str] = {b"(B": "ascii", b"(J": "roman", b"(I": "kana", b"$@": "kanji", b"$B": "kanji"}
_ESCAPE = re.compile(rb"\x1b(\([BJI]|\$[@B])")
_NOT_ASCII = re.compile(r"[\x0e\x0f\x1b\x80-\xff]")  # of bytes, one character each
_ROMAN = str.maketrans("\\~", "¥‾")


def _iso_2022_jp(body: bytes) -> str:
    pieces = _ESCAPE.split(body)
    text = [_segment(pieces[0], "ascii")]
    for number in range(1, len(pieces), 2):
        state, segment = _ESCAPES[pieces[number]], pieces[number + 1]
        if not segment and number + 2 < len(pieces):
            text.append(_REPLACEMENT)  # an escape that is followed at once by another one
        text.append(_segment(segment, state))
    return "".join(text)


def _segment(segment: bytes, state: str) -> str:
    if state == "kana":
        return "".join(chr(byte + 0xFF40) if 0x21 <= byte <= 0x5F else _REPLACEMENT for byte in segment)
    if state == "kanji":
        return _PAIR_OR_BYTE.sub(_kanji, segment.decode("latin-1"))
    text = _NOT_ASCII.sub(_REPLACEMENT, segment.decode("latin-1"))
    return text.translate(_ROMAN) if state == "roman" else text


_PAIR_OR_BYTE = re.compile(r"[\x21-\x7e][\x21-\x7e]|[^\x21-\x7e]|[\x21-\x7e][^\x21-\x7e]?", re.DOTALL)


def _kanji(match: re.Match[str]) -> str:
    pair = match[0]
    if len(pair) == 2 and "\x21" <= pair[1] <= "\x7e":
        return decode_legacy(bytes((ord(pair[0]) | 0x80, ord(pair[1]) | 0x80)), "euc-jp")
    return "\n" if pair == "\n" else _REPLACEMENT


_SPECIAL: Mapping[str, Callable[[bytes], str]] = {
    "replacement": _refused,
    "x-user-defined": _user_defined,
    "iso-2022-jp": _iso_2022_jp,
}

# -- what Python's codecs refuse --------------------------------------------------------------------------------------


def _controls(error: UnicodeError) -> tuple[str, int]:
    """Unassigned bytes of windows code pages: 0x80 to 0x9F stand for themselves (9, the indexes)."""
    assert isinstance(error, UnicodeDecodeError)
    byte = error.object[error.start]
    if byte in _C1:
        return chr(byte), error.start + 1
    return _REPLACEMENT, error.start + 1


def _hebrew(error: UnicodeError) -> tuple[str, int]:
    """The web's windows-1255 has one point more than Python's."""
    assert isinstance(error, UnicodeDecodeError)
    return ("\u05ba", error.start + 1) if error.object[error.start] == 0xCA else _controls(error)


def _skip(body: bytes, start: int) -> int:
    """Return where to go on after a wrong sequence: a second byte in ASCII is kept, it may be markup."""
    lead = body[start]
    if not 0x81 <= lead <= 0xFE or start + 1 >= len(body) or body[start + 1] < 0x80:
        return start + 1
    return start + 2


def _pairs(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _REPLACEMENT, _skip(error.object, error.start)


def _gb18030(error: UnicodeError) -> tuple[str, int]:
    """10.2.1: 0x80 is the euro sign; of four bytes that mean nothing only the first is wrong."""
    assert isinstance(error, UnicodeDecodeError)
    body, start = error.object, error.start
    if body[start] == 0x80:
        return "€", start + 1
    if body[start] != 0xFF and b"0" <= body[start + 1 : start + 2] <= b"9" and start + 4 > len(body):
        return _REPLACEMENT, len(body)  # the end cuts a sequence of four
    return _REPLACEMENT, _skip(body, start)


def _euc_jp(error: UnicodeError) -> tuple[str, int]:
    """12.1.1: NEC's and IBM's rows of JIS X 0208, which Python keeps for shift_jis only."""
    assert isinstance(error, UnicodeDecodeError)
    body, start = error.object, error.start
    pair = body[start : start + 2]
    if len(pair) == 2 and min(pair) >= 0xA1 and max(pair) <= 0xFE:
        row, cell = pair[0] - 0xA0, pair[1] - 0xA0
        lead = (row - 1) // 2 + (0x81 if row <= 62 else 0xC1)
        trail = cell + 0x3F + (cell > 63) if row % 2 else cell + 0x9E
        text = bytes((lead, trail)).decode("cp932", "replace")
        return (text if len(text) == 1 else _REPLACEMENT), start + 2
    return _REPLACEMENT, _skip(body, start)


codecs.register_error(_CONTROLS, _controls)
codecs.register_error(_HEBREW, _hebrew)
codecs.register_error(_PAIRS, _pairs)
codecs.register_error(_GB18030, _gb18030)
codecs.register_error(_EUC_JP, _euc_jp)
