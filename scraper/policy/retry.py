"""Retry: does a visit that went wrong deserve another try, and how long must it wait?

One table says which troubles may pass by themselves. The answer is a value for the frontier (`Retry` with a delay, or
`Failed`): nobody sleeps here, and time comes in as an argument.

Only methods that are safe to repeat are tried again (RFC 9110, 9.2.2), unless the request itself says otherwise. No
exception, no clock and no count of a crawl may enter here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import msgspec

from scraper.outcome import Failed, Retry

__all__ = ["RetryPolicy", "retry_after"]

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})

# Error codes (errors.py) of troubles that may pass. Not here, because the same answer would come again and cost the
# host a request: tls, malformed, content_encoding, too_large, redirects, unsafe_address, invalid_url, scheme.
PASSING_ERRORS = frozenset(
    {
        "connection",
        "connect_timeout",
        "dns",  # a resolver that is overloaded says the same as one that knows no such name
        "resources",  # this process's own: others give theirs back
        "proxy",  # one exit of many may be down
        "timeout",
        "truncated",  # a connection that broke inside the body, unlike a body that is wrong
    }
)
# 520 to 526 are what Cloudflare answers in place of an origin server that it could not reach.
PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 527)})

MAX_DOUBLINGS = 64  # of the back-off; far beyond any cap, and 2.0 ** 1024 would overflow


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how patiently a request is tried again."""

    times: int  # further tries after the first
    backoff: float  # seconds; doubled with each try made
    max_backoff: float  # seconds
    max_retry_after: float  # seconds; a server's Retry-After counts up to here
    random: Callable[[], float]  # evenly spread over [0, 1)

    def judge(
        self,
        *,
        attempt: int,
        method: str,
        reason: str,
        status: int,
        retry_after: float | None,
        detail: str = "",
        repeat: bool | None = None,
    ) -> Retry | Failed:
        """Return what becomes of a request after its try number `attempt` (1: the first) went wrong.

        `reason` is the error's code; when the status itself is the trouble it is "" or "http_status", and the outcome
        is named after the status (`http_503`). `retry_after` is in seconds. The delay is evenly spread between 0 and
        the back-off ("full jitter"), so that requests that failed together do not come back together. `repeat`: whether
        the request may be made twice; None: its method says it.
        """
        by_status = reason in ("", "http_status")
        code = f"http_{status}" if by_status else reason
        passing = status in PASSING_STATUSES if by_status else reason in PASSING_ERRORS
        may_repeat = method in IDEMPOTENT if repeat is None else repeat
        if not passing or attempt > self.times or not may_repeat:
            return Failed(reason=code, status=status, detail=detail)
        ceiling = min(self.max_backoff, self.backoff * 2.0 ** min(attempt, MAX_DOUBLINGS))
        asked = 0.0 if retry_after is None else min(retry_after, self.max_retry_after)
        return Retry(reason=code, delay=max(self.random() * ceiling, asked), status=status)


_SECONDS = re.compile(r"([+-]?)(\d+(?:\.\d+)?)", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = (
    rf"[a-z]{{3}}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",  # IMF-fixdate
    rf"[a-z]{{6,9}}, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_TIME} GMT",  # RFC 850
    rf"[a-z]{{3}} {_MONTH} (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",  # asctime
)
_LAST_SECOND = 59  # datetime knows no leap second, HTTP-date does


def retry_after(value: str, wall: float, cap: float, *, date: str = "") -> float | None:
    """Return the seconds that a Retry-After header asks for, at most `cap`; None when it cannot be understood.

    `wall` is now, in seconds since the epoch; where the answer has a Date header, `date`, the server's own clock counts
    instead. Takes seconds and the three forms of HTTP-date (RFC 9110, 10.2.3 and 5.6.7); what lies in the past, or
    below zero, asks for 0.
    """
    text = value.strip()
    if seconds := _SECONDS.fullmatch(text):
        return 0.0 if seconds[1] == "-" else min(float(seconds[2]), cap)
    moment, now = _moment(text, wall), _moment(date.strip(), wall)
    return None if moment is None else max(0.0, min(moment - (wall if now is None else now), cap))


def _moment(text: str, wall: float) -> float | None:
    """Return the seconds since the epoch that an HTTP-date means; None for what is none."""
    matches = filter(None, (form.fullmatch(text) for form in _dates()))
    return next((_epoch(date, wall) for date in matches), None)


@cache
def _dates() -> tuple[re.Pattern[str], ...]:
    """Return the three forms, compiled when the first server asks for patience."""
    return tuple(re.compile(form, re.ASCII | re.IGNORECASE) for form in _DATES)


def _epoch(date: re.Match[str], wall: float) -> float | None:
    """Return the seconds since the epoch of a matched HTTP-date; None for a moment that no calendar has."""
    year = int(date["year"])
    if len(date["year"]) == 2:
        year = _full_year(year, wall)
    month = _MONTHS.index(date["month"].lower()) + 1
    clock = int(date["hour"]), int(date["minute"]), min(int(date["second"]), _LAST_SECOND)
    try:
        return datetime(year, month, int(date["day"]), *clock, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _full_year(two_digits: int, wall: float) -> int:
    """Complete a year: one that seems more than 50 years ahead was in the past (RFC 9110, 5.6.7)."""
    this_year = datetime.fromtimestamp(wall, UTC).year
    year = this_year - this_year % 100 + two_digits
    return year - 100 if year > this_year + 50 else year
