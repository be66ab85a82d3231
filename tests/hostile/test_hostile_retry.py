"""What is asked again, how often, and after how long: one table, seen from the server's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from case import case, row, table
from hypothesis import given
from hypothesis import strategies as st
from logged import Reply, crawl, logged

from scraper.frontier.sqlite import SqliteFrontier
from scraper.outcome import Failed, Retry
from scraper.policy.politeness import host_of
from scraper.policy.redirect import next_hop
from scraper.policy.retry import PASSING_ERRORS, PASSING_STATUSES, RetryPolicy, retry_after
from scraper.request import Request
from scraper.spider import Spider
from scraper.testing.frontier_steps import WaitingClock, fixed_gap
from scraper.urls import canonical
from tests.helpers import LinkSpider

HTTP = "RFC 9110 15; RFC 6585 4; RFC 8470 5.2; Cloudflare's list of 5xx"
TIMES = 2  # further tries, in these tests


async def tries(reply: Reply, *, spider: Spider | None = None, path: str = "/x", **changes: object) -> tuple[int, str]:
    """Return how often a page that always answers `reply` is asked for, and why it has failed ("": it has not)."""
    async with logged({path: reply}) as server:
        more = {"spider": spider} if spider else {}
        report = await crawl(
            server.url(path), obey_robots=False, retries=TIMES, backoff=0.005, max_backoff=0.01, **more, **changes
        )
        failed = report.progress.tally.failed
        return server.paths.count(path), next(iter(failed), "")


@table(
    "politeness", ("status",),
    [row(f"again-{status}", status) for status in sorted(PASSING_STATUSES)],
    behaviour="a page always answers with this status", expectation=f"is asked 1 + {TIMES} times", source=HTTP,
)  # fmt: skip
async def test_a_status_that_may_pass(status: int) -> None:
    """Not now is not never."""
    assert await tries(Reply(b"", status)) == (1 + TIMES, f"http_{status}")


@table(
    "politeness", ("status",),
    [row(f"once-{status}", status)
     for status in (400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 418, 422, 451, 501, 505, 511, 530)],
    behaviour="a page always answers with this status", expectation="is asked once", source=HTTP,
)  # fmt: skip
async def test_a_status_that_stays(status: int) -> None:
    """The same question would get the same answer."""
    assert await tries(Reply(b"", status)) == (1, f"http_{status}")


def test_the_table_is_the_one_that_was_agreed() -> None:
    """These statuses and no others."""
    assert {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526} == PASSING_STATUSES


CUT = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\n<html>"
CHUNK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<html>\r\n"


@table(
    "politeness", ("reply", "reason"),
    [
        row("again-reset-before", Reply(raw=b"", end="reset"), "connection", behaviour="resets before an answer"),
        row("again-closed-before", Reply(raw=b"", end="close"), "connection", behaviour="closes before an answer"),
        row("again-half-a-head", Reply(raw=b"HTTP/1.1 200 OK\r\nConte", end="close"), "connection",
            behaviour="closes inside the head"),
        row("again-reset-in-the-body", Reply(raw=CUT, end="reset"), "truncated", behaviour="resets inside the body"),
        row("again-body-cut", Reply(raw=CUT, end="close"), "truncated", behaviour="closes inside the body"),
        row("again-chunk-cut", Reply(raw=CHUNK, end="close"), "truncated", behaviour="closes between two chunks"),
        row("again-silence", Reply(raw=b"", end="hang"), "timeout", behaviour="does not answer"),
        row("again-silence-in-the-body", Reply(raw=CUT, end="hang"), "timeout", behaviour="stops inside the body"),
    ],
    behaviour="a server always", expectation=f"is asked 1 + {TIMES} times", source="RFC 9110 9.2.2, RFC 9112 9.3.1",
)  # fmt: skip
async def test_a_connection_that_breaks(reply: Reply, reason: str) -> None:
    """Each try is a new connection, and the client adds none of its own."""
    assert await tries(reply, timeout=0.1) == (1 + TIMES, reason)


@table(
    "politeness", ("reply", "reason"),
    [
        row("once-too-large", Reply(b"x" * 5000), "too_large", behaviour="sends more than a body may have"),
        row("once-junk", Reply(raw=b"SSH-2.0-OpenSSH_9.6\r\n\r\n", end="close"), "malformed", behaviour="speaks SSH"),
        row("once-broken-gzip", Reply(b"junk", headers={"Content-Encoding": "gzip"}), "content_encoding",
            behaviour="says gzip and sends none"),
    ],
    behaviour="a server always", expectation="is asked once", source="RFC 9110 9.2.2",
)  # fmt: skip
async def test_an_answer_that_stays_wrong(reply: Reply, reason: str) -> None:
    """Asking again would cost the host a request and bring the same."""
    assert await tries(reply, max_body=1000) == (1, reason)


@case(
    "politeness", "succeeds-at-last",
    behaviour="a page answers 500, breaks off, then comes", expectation="is one page; two retries are counted",
    source=HTTP,
)  # fmt: skip
async def test_it_succeeds_at_last() -> None:
    """That is what it is for."""
    answers = iter([Reply(b"", 500), Reply(raw=CUT, end="close"), Reply(b"<p>here")])
    async with logged(lambda path: next(answers)) as server:
        report = await crawl(server.url("/x"), obey_robots=False, backoff=0.005)
        assert report.ok
        assert (report.pages, report.progress.tally.retries) == (1, 2)


class Poster(LinkSpider):
    """Ask with one method, and say whether that may be repeated."""

    def __init__(self, method: str, retry: bool | None) -> None:
        self.method, self.again = method, retry

    def start(self, seeds: Sequence[str]) -> Iterator[Request]:
        """Yield one request a seed."""
        for seed in seeds:
            yield Request(seed, method=self.method, body=b"q=1", retry=self.again)


@table(
    "politeness", ("method", "asked", "count"),
    [
        row("post", "POST", None, 1, behaviour="POST"),
        row("put", "PUT", None, 1, behaviour="PUT"),
        row("delete", "DELETE", None, 1, behaviour="DELETE"),
        row("patch", "PATCH", None, 1, behaviour="PATCH"),
        row("post-when-asked", "POST", True, 1 + TIMES, behaviour="POST with retry=True"),
        row("options", "OPTIONS", None, 1 + TIMES, behaviour="OPTIONS"),
        row("get-unless-asked-not-to", "GET", False, 1, behaviour="GET with retry=False"),
    ],
    behaviour="a server answers 503 to",
    expectation="only what changes nothing is repeated, unless the request says so", source="RFC 9110 9.2.1, 9.2.2",
)  # fmt: skip
async def test_only_what_may_be_repeated(method: str, asked: bool | None, count: int) -> None:
    """An order must not be placed twice."""
    assert (await tries(Reply(b"", 503), spider=Poster(method, asked)))[0] == count


@case(
    "politeness", "a-broken-post",
    behaviour="the connection breaks under a POST", expectation="nothing is sent twice, by nobody",
    source="RFC 9110 9.2.2; aiohttp re-sends idempotent requests by itself",
)  # fmt: skip
async def test_a_broken_post_is_not_sent_twice() -> None:
    """Nobody knows whether it was carried out."""
    assert await tries(Reply(raw=b"", end="reset"), spider=Poster("POST", None)) == (1, "connection")


@case(
    "politeness", "said-of-a-request-and-kept",
    behaviour="a request with retry=True is written down, restored and redirected",
    expectation="it is still repeatable", source="law 2: nothing is lost by a kill",
)  # fmt: skip
async def test_what_was_said_is_kept(tmp_path: Path) -> None:
    """A request survives a kill as it was."""
    request = Request("http://a.test/x", method="POST", body=b"x", retry=True)

    def opened() -> SqliteFrontier:
        path, clock = tmp_path / "run.db", WaitingClock()
        return SqliteFrontier(path, clock=clock, per_host=1, gap=fixed_gap(0.0), host_of=host_of, ask_robots=False)

    first = opened()
    await first.open()
    await first.begin(1, {})
    await first.offer([request])
    await first.close()
    second = opened()
    await second.open()
    (lease,) = await second.lease(1)
    await second.close()
    assert lease.request == request
    assert next_hop(request, 307, canonical("http://a.test/y")).retry is True


policies = st.builds(
    RetryPolicy,
    times=st.integers(0, 10),
    backoff=st.floats(0, 100),
    max_backoff=st.floats(0, 1000),
    max_retry_after=st.floats(0, 1000),
    random=st.floats(0, 1, exclude_max=True).map(lambda value: lambda: value),
)


@case(
    "politeness", "full-jitter",
    behaviour="any failure, try, Retry-After and dice",
    expectation="tries are bounded; the wait is between nothing and the doubled back-off, or what the server asks for, "
    "and never above the caps",
    source="Brooker, Exponential Backoff and Jitter (AWS, 2015)",
)  # fmt: skip
@given(
    policy=policies, attempt=st.integers(1, 5000), status=st.sampled_from(sorted(PASSING_STATUSES)),
    wait=st.none() | st.floats(0, 1e12),
)  # fmt: skip
def test_waits_are_bounded(policy: RetryPolicy, attempt: int, status: int, wait: float | None) -> None:
    """However long it goes on."""
    judged = policy.judge(attempt=attempt, method="GET", reason="", status=status, retry_after=wait)
    if attempt > policy.times:
        assert isinstance(judged, Failed)
        return
    assert isinstance(judged, Retry)
    asked = min(wait or 0.0, policy.max_retry_after)
    assert asked <= judged.delay <= max(asked, policy.max_backoff, 0.0)


@case(
    "politeness", "jitter-spreads",
    behaviour="a hundred requests fail at once", expectation="come back spread over the whole back-off, in no rhythm",
    source="Brooker, Exponential Backoff and Jitter (AWS, 2015)",
)  # fmt: skip
def test_jitter_spreads() -> None:
    """From the first moment to the last."""
    dice = iter([number / 100 for number in range(100)])
    policy = RetryPolicy(times=3, backoff=10.0, max_backoff=20.0, max_retry_after=0.0, random=lambda: next(dice))
    outcomes = [policy.judge(attempt=1, method="GET", reason="timeout", status=0, retry_after=None) for _ in range(100)]
    waits = [outcome.delay for outcome in outcomes if isinstance(outcome, Retry)]
    assert (min(waits), len(set(waits))) == (0.0, 100)
    assert max(waits) > 19


WALL = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@table(
    "politeness", ("value", "seconds"),
    [
        row("after-seconds", "120", 120.0),
        row("after-spaces", "  120 ", 120.0),
        row("after-fraction", "1.5", 1.5),
        row("after-sign", "+5", 5.0),
        row("after-negative", "-5", 0.0),
        row("after-zero", "0", 0.0),
        row("after-huge", "9" * 400, 600.0),
        row("after-exponent", "1e9", None),
        row("after-infinite", "inf", None),
        row("after-nan", "nan", None),
        row("after-hex", "0x10", None),
        row("after-other-digits", "\u0661\u0662", None),
        row("after-unit", "10s", None),
        row("after-empty", "", None),
        row("after-imf-date", "Tue, 14 Nov 2023 22:15:20 GMT", 120.0),
        row("after-rfc-850-date", "Tuesday, 14-Nov-23 22:15:20 GMT", 120.0),
        row("after-asctime-date", "Tue Nov 14 22:15:20 2023", 120.0),
        row("after-lower-case-date", "tue, 14 nov 2023 22:15:20 gmt", 120.0),
        row("after-past-date", "Tue, 14 Nov 2000 22:15:20 GMT", 0.0),
        row("after-epoch", "Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        row("after-year-9999", "Fri, 31 Dec 9999 23:59:59 GMT", 600.0),
        row("after-year-0", "Fri, 31 Dec 0000 23:59:59 GMT", None),
        row("after-no-such-day", "Tue, 31 Feb 2024 22:15:20 GMT", None),
        row("after-no-such-hour", "Tue, 14 Nov 2023 25:15:20 GMT", None),
        row("after-leap-second", "Tue, 14 Nov 2023 22:15:60 GMT", 159.0),
        row("after-iso-date", "2023-11-14T22:15:20Z", None),
        row("after-two", "120, 130", None),
    ],
    behaviour="Retry-After is", expectation="a number of seconds from 0 to the cap, or not understood",
    source="RFC 9110 10.2.3, 5.6.7",
)  # fmt: skip
def test_retry_after_is_understood(value: str, seconds: float | None) -> None:
    """Seconds, or one of three forms of a date."""
    assert retry_after(value, WALL, 600.0) == seconds


@case(
    "politeness", "after-any-text",
    behaviour="any text as Retry-After, at any time", expectation="never raises, never above the cap",
    source="RFC 9110 10.2.3",
)  # fmt: skip
@given(value=st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", fullmatch=True),
       wall=st.floats(0, 4e9), cap=st.floats(0, 1e6))  # fmt: skip
def test_no_retry_after_raises(value: str, wall: float, cap: float) -> None:
    """A header is foreign text."""
    found = retry_after(value, wall, cap)
    assert found is None or 0 <= found <= cap


def test_errors_that_may_pass_are_told() -> None:
    """A certificate does not get better by asking; these do."""
    assert {"connection", "connect_timeout", "dns", "timeout", "truncated"} <= PASSING_ERRORS
    assert not {"tls", "malformed", "too_large", "content_encoding", "unsafe_address"} & PASSING_ERRORS
    assert Counter(PASSING_ERRORS).most_common(1)[0][1] == 1
