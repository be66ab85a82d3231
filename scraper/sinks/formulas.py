"""Cells that a spreadsheet would take for formulas, and how they are spelled so that it does not.

A text that begins like a formula gets an apostrophe in front (OWASP, CSV Injection). So does what stands behind a
semicolon, a tab or a line end inside of a text, where a spreadsheet that was told other delimiters sees another cell
begin. Numbers stay numbers. One more apostrophe is put before those that are there, so that nothing is lost:
`unescaped(escaped(text)) == text`, whatever the text.

Pure text; who wants this, and where cells stand, is decided elsewhere.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

__all__ = ["Formulas", "escaped", "unescaped"]

Formulas: TypeAlias = Literal["keep", "escape"]

# What spreadsheets skip in front of a formula: blanks, controls, marks that are not seen.
_BLANKS = r"[ \x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*"
_FORMULA = _BLANKS + r"[=+\-@\uff1d\uff0b\uff0d\uff20]"  # the last four are the full-width forms
_CELL = rf"(?:^(?='*[\t\r\n])|^(?='*{_FORMULA})|(?<=[;\t\r\n])(?='*{_FORMULA}))"
_ESCAPED_CELL = _CELL + "'"  # both are compiled when first used: few outputs ask for it
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def escaped(text: str) -> str:
    """Return `text` as no spreadsheet takes it for a formula."""
    if _NUMBER.fullmatch(text):
        return text
    return re.sub(_CELL, "'", text)


def unescaped(text: str) -> str:
    """Return the text that `escaped` has spelled so."""
    return re.sub(_ESCAPED_CELL, "", text)
