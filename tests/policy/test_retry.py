"""Which troubles are tried again, how often, after how long; and what Retry-After means."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.outcome import Failed, Retry
from scraper.policy.retry import RetryPolicy, retry_after


def policy(*, times: int = 3, backoff: float = 1.0, cap: float = 60.0, random: float = 0.5) -> RetryPolicy:
    return RetryPolicy(times=times, backoff=backoff, max_backoff=cap, max_retry_after=300.0, random=lambda: random)


def verdict(
    reason: str = "",
    status: int = 0,
    *,
    by: RetryPolicy | None = None,
    attempt: int = 1,
    method: str = "GET",
    after: float | None = None,
) -> Retry | Failed:
    judged = by or policy()
    return judged.judge(attempt=attempt, method=method, reason=reason, status=status, retry_after=after, detail="why")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526])
def test_a_passing_status_is_tried_again(status: int) -> None:
    """These statuses say "not now", not "no"."""
    assert verdict(status=status) == Retry(reason=f"http_{status}", delay=1.0, status=status)
    assert verdict("http_status", status) == Retry(reason=f"http_{status}", delay=1.0, status=status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 418, 451, 501, 505, 511, 519, 527, 599])
def test_a_lasting_status_fails_at_once(status: int) -> None:
    """Any other error status is final, named after itself, and keeps the detail."""
    assert verdict(status=status) == Failed(reason=f"http_{status}", status=status, detail="why")


@pytest.mark.parametrize("reason", ["connection", "connect_timeout", "dns", "proxy", "timeout", "truncated"])
def test_a_passing_error_is_tried_again(reason: str) -> None:
    """Troubles of the connection may pass, whatever status came before them."""
    assert verdict(reason) == Retry(reason=reason, delay=1.0)
    assert verdict(reason, 404) == Retry(reason=reason, delay=1.0, status=404)


@pytest.mark.parametrize(
    "reason",
    ["tls", "too_large", "malformed", "content_encoding", "redirects", "unsafe_address", "invalid_url", "unheard_of"],
)
def test_a_lasting_error_fails_at_once(reason: str) -> None:
    """An error that would come again is final, even beside a status that may pass."""
    assert verdict(reason, 503) == Failed(reason=reason, status=503, detail="why")


def test_times_counts_the_tries_after_the_first() -> None:
    """With 2 further tries, the third failure is the last."""
    judged = policy(times=2)
    assert isinstance(verdict("timeout", by=judged, attempt=1), Retry)
    assert isinstance(verdict("timeout", by=judged, attempt=2), Retry)
    assert verdict("timeout", by=judged, attempt=3) == Failed(reason="timeout", detail="why")
    assert isinstance(verdict("timeout", by=policy(times=0)), Failed)


@pytest.mark.parametrize(
    ("method", "again"), [("GET", True), ("HEAD", True), ("OPTIONS", True), ("POST", False), ("PUT", False)]
)
def test_only_methods_that_are_safe_to_repeat_are_repeated(method: str, again: bool) -> None:
    """A POST may have been carried out although no answer came."""
    assert isinstance(verdict("timeout", method=method), Retry) is again


def test_the_back_off_doubles_up_to_its_cap() -> None:
    """The ceiling of the jitter is backoff * 2 ** attempt, and max_backoff at most."""
    judged = policy(times=2000, backoff=1.5, cap=20.0, random=1.0)
    delays = [verdict("timeout", by=judged, attempt=n) for n in (1, 2, 3, 4, 2000)]
    assert [again.delay for again in delays if isinstance(again, Retry)] == [3.0, 6.0, 12.0, 20.0, 20.0]


def test_retry_after_is_a_floor_with_a_cap() -> None:
    """A server's wish is waited for, but not for ever, and does not shorten the back-off."""
    assert verdict(status=503, after=7.0) == Retry(reason="http_503", delay=7.0, status=503)
    assert verdict(status=503, after=9e9) == Retry(reason="http_503", delay=300.0, status=503)
    assert verdict(status=503, after=0.0) == Retry(reason="http_503", delay=1.0, status=503)


@given(random=st.floats(0, 1), attempt=st.integers(1, 5000), after=st.none() | st.floats(0, 1e12))
def test_a_delay_lies_between_its_bounds(random: float, attempt: int, after: float | None) -> None:
    """For every draw: not below Retry-After (capped), not above the larger of both caps."""
    again = verdict(status=503, by=policy(times=5000, random=random), attempt=attempt, after=after)
    assert isinstance(again, Retry)
    assert min(after or 0.0, 300.0) <= again.delay <= max(60.0, min(after or 0.0, 300.0))


NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC).timestamp()
CAP = 3600.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("+3", 3.0),
        ("-5", 0.0),
        ("99999999999999", CAP),
        ("9" * 5000, CAP),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90.0),
        ("Sunday, 22-Nov-26 12:01:30 GMT", 90.0),
        ("Sun Nov 22 12:01:30 2026", 90.0),
        ("sun, 22 nov 2026 12:01:30 gmt", 90.0),
        ("Sun Nov  1 12:00:00 2026", 0.0),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sunday, 06-Nov-76 08:49:37 GMT", CAP),
        ("Sunday, 06-Nov-77 08:49:37 GMT", 0.0),
        ("Fri, 01 Jan 9999 00:00:00 GMT", CAP),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    """Seconds and the three forms of HTTP-date are understood; the past asks for 0, the far future for the cap."""
    assert retry_after(value, NOW, CAP) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "1e3",
        "nan",
        "inf",
        "0x10",
        "1 2",
        "١٢",
        "Sun, 31 Feb 2026 12:00:00 GMT",
        "Sun, 22 Nov 2026 25:00:00 GMT",
        "Sun, 22 Nov 0000 12:00:00 GMT",
        "Sun, 22 Nov 2026 12:00:00 CET",
        "2026-11-22T12:00:00Z",
    ],
)
def test_a_retry_after_that_makes_no_sense_is_none(value: str) -> None:
    """Garbage asks for nothing."""
    assert retry_after(value, NOW, CAP) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d\d (Jan|Feb) \d{4} \d\d:\d\d:\d\d GMT"))
def test_no_header_raises_or_leaves_the_bounds(value: str) -> None:
    """Any text gives None or seconds between 0 and the cap."""
    seconds = retry_after(value, NOW, CAP)
    assert seconds is None or 0.0 <= seconds <= CAP


@given(st.integers(0, 3600))
def test_the_date_that_a_server_writes_is_read_back(ahead: int) -> None:
    """A date so many seconds ahead asks for so many seconds."""
    date = format_datetime(datetime.fromtimestamp(NOW + ahead, UTC), usegmt=True)
    assert retry_after(date, NOW, CAP) == ahead
