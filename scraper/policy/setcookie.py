"""What a Set-Cookie header says: parsed as RFC 6265bis, section 5.6, tells browsers to, dates included.

Nothing that a server writes raises; a header that says nothing usable is None. Whether the host may set such a cookie
is decided by the jar.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from math import inf

import msgspec

__all__ = ["CONTROLS", "MAX_LIFE", "SetCookie", "parse_date", "parse_set_cookie"]

MAX_PAIR = 4096  # bytes of name and value together (RFC 6265bis, 5.6)
MAX_ATTRIBUTE = 1024  # bytes of an attribute's value; a longer one is as if it were not there
MAX_LIFE = 400 * 86_400.0  # seconds (RFC 6265bis, 5.5)

CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # none of them may be in a cookie (RFC 6265bis, 5.6)
_BLANK = " \t"
_SECONDS = re.compile(r"-?[0-9]+")
_DELIMITERS = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")  # RFC 6265, 5.1.1
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL)
_DAY = re.compile(r"([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL)
_YEAR = re.compile(r"([0-9]{2,4})(?:[^0-9].*)?", re.DOTALL)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_USUAL_DATE = 40  # characters; a server writes the same date in all that it says within a second
DATES_KEPT = 256
_LONGEST_NUMBER = 15  # digits of a Max-Age that matter


class SetCookie(msgspec.Struct, frozen=True):
    """One cookie as a server wrote it."""

    name: str
    value: str
    domain: str = ""  # lower case, without a dot in front; "" when none is named
    path: str = ""  # "" when there is none that counts
    secure: bool = False
    http_only: bool = False
    expires: float = inf  # epoch seconds; inf: with the session


def parse_set_cookie(header: str, now: float, *, behind: float = 0.0) -> SetCookie | None:
    """Return the cookie of a Set-Cookie header that came at epoch second `now`; None when there is none in it.

    `behind`: seconds that the server's clock is behind ours, by which its dates are put right.
    """
    if CONTROLS.search(header):
        return None
    pair, *attributes = header.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(_BLANK), value.strip(_BLANK)
    if not (name or value) or _size(name) + _size(value) > MAX_PAIR:
        return None
    pairs = [_attribute(text) for text in attributes]
    found = dict(pairs)
    path = found.get("path", "")
    return SetCookie(
        name,
        value,
        domain=found.get("domain", "").removeprefix(".").lower(),
        path=path if path.startswith("/") else "",
        secure="secure" in found,
        http_only="httponly" in found,
        expires=_expiry(pairs, now, behind),
    )


def _attribute(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    name, value = name.strip(_BLANK).lower(), value.strip(_BLANK)
    return (name, value) if _size(value) <= MAX_ATTRIBUTE else ("", "")


def _size(text: str) -> int:
    """Return how many bytes a text is on the wire."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _expiry(attributes: list[tuple[str, str]], now: float, behind: float) -> float:
    """Return when the cookie ends: by the last Max-Age that is a number, else by the last Expires that is a date."""
    age = date = None
    for name, value in attributes:
        if name == "max-age" and _SECONDS.fullmatch(value):
            age = -inf if value.startswith("-") else float(value.lstrip("0")[:_LONGEST_NUMBER] or -inf)
        elif name == "expires" and (parsed := parse_date(value)) is not None:
            date = parsed
    if age is not None:
        return now + min(age, MAX_LIFE)
    return inf if date is None else min(date + behind, now + MAX_LIFE)


def parse_date(text: str) -> float | None:
    """Return the epoch second of a cookie's date in any of its many forms, None when it is none (RFC 6265, 5.1.1)."""
    return _usual_date(text) if len(text) <= _USUAL_DATE else _date(text)


def _date(text: str) -> float | None:
    clock = day = month = year = None
    for token in filter(None, _DELIMITERS.split(text)):
        if clock is None and (found := _TIME.fullmatch(token)):
            clock = (int(found[1]), int(found[2]), int(found[3]))
        elif day is None and (found := _DAY.fullmatch(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = 1 + _MONTHS.index(token[:3].lower())
        elif year is None and (found := _YEAR.fullmatch(token)):
            year = int(found[1])
    if clock is None or day is None or month is None or year is None:
        return None
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    try:
        return datetime(year, month, day, *clock, tzinfo=UTC).timestamp() if year >= 1601 else None
    except ValueError:
        return None


_usual_date = lru_cache(maxsize=DATES_KEPT)(_date)
