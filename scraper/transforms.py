"""Text as pages write it, into text and numbers as programs want them.

Pure helpers from text to value: what cannot be read is None, never an exception, because a page's text is not the
program's fault. The rules are few and fixed; a page that follows others is read by its spider.

No node, no page and no locale of the machine may enter here.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["collapse", "integer", "number"]

MAX_DIGITS = 308  # of the whole part: a float ends there, and a longer run of digits is no quantity

_GAP = "[ \u00a0\u2007\u2009\u202f'\u2019]"  # white space that does not break a number, and apostrophes
_END = r"(?![.,]?\d)"
# Whole part and fraction of the number that begins here; the first form that fits is meant.
_FORMS = (
    r"([1-9]\d{0,2}(?:,\d{3})+)(?:\.(\d+))?",  # 1,234.5
    r"([1-9]\d?(?:,\d\d)+,\d{3})(?:\.(\d+))?",  # 1,23,456.5 in India
    r"([1-9]\d{0,2}(?:\.\d{3})+),(\d+)",  # 1.234,5
    r"([1-9]\d{0,2}(?:\.\d{3}){2,})()",  # 1.234.567
    rf"([1-9]\d{{0,2}}(?:{_GAP}\d{{3}}(?!\d))+)(?:[.,](\d+))?",  # 1 234,5
    r"(\d*)[.,](\d+)",  # 1.5 and 1,5 and .5
)
_DIGITS = r"(\d+)()"
# Where a number begins, and all of it when it is what most are: digits, perhaps a point and digits, nothing that goes
# on. Any form would say the same of such a one.
_FIRST = re.compile(
    r"(?:(?<!\w)([-\u2212])[$€£¥]?)?(?=\d|(?<![\w.,])[.,]\d)"
    rf"(?:(\d{{1,{MAX_DIGITS}}}+)(?:\.(\d++))?(?!(?:[.,]|{_GAP})?\d))?"
)
_NOT_DIGITS = re.compile(r"\D+")


def collapse(text: str) -> str:
    """Return `text` with each run of white space, no-break spaces included, as one space, and none at the ends."""
    if text.isprintable() and "  " not in text:  # of white space only the space is printable
        return text.strip()
    return " ".join(text.split())


def number(text: str) -> float | None:
    """Return the first number in `text`; None when there is none.

    A separator that stands before exactly three digits groups them, and the last separator of another kind begins the
    fraction: "£1,234.50", "1.234,50 €", "1 234,50", "1'234.50". A lone comma before three digits groups ("1,500" is
    1500), a lone point is always the decimal point ("1.500" is 1.5), and so is a comma before any other number of
    digits ("1,5"). Minus signs count where no letter or digit stands before them ("-3", not "A-3" or "1-3").
    """
    found = _find(text)
    if found is None:
        return None
    sign, whole, fraction = found
    return float(f"{sign}{whole}.{fraction}")


def integer(text: str) -> int | None:
    """Return the first number in `text`, as `number` reads it, when it is whole; None for "3.7" too: nothing is cut."""
    found = _find(text)
    if found is None or found[2].strip("0"):
        return None
    sign, whole, _ = found
    return int(sign + whole)


def _find(text: str) -> tuple[str, str, str] | None:
    """Return sign, whole digits and fraction digits of the first number."""
    first = _FIRST.search(text)
    if first is None:
        return None
    minus, plain, fraction = first.groups()
    sign = "-" if minus else ""
    if plain is not None:
        return sign, plain, fraction or "0"
    match = next(filter(None, (form.match(text, first.end()) for form in _forms())), None)
    if match is None:
        return None
    whole = _NOT_DIGITS.sub("", match[1]) or "0"
    if len(whole) > MAX_DIGITS:
        return None
    return sign, whole, match[2] or "0"


@cache
def _forms() -> tuple[re.Pattern[str], ...]:
    """Return every form in the order in which they are tried, compiled when the first number is none of the plain."""
    return *(re.compile(form + _END) for form in _FORMS), re.compile(_DIGITS)
