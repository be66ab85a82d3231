"""What a host is owed, measured from its own log, and what becomes of one that is busy, slow or dead."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest
from case import case, row, table
from hypothesis import given, settings
from hypothesis import strategies as st
from logged import NOT_THERE, Logged, Reply, crawl, links, logged

from scraper.errors import ConnectionError, ReadTimeout  # noqa: A004 - requests' own name
from scraper.frontier.base import HostPolicy
from scraper.frontier.hosts import Host
from scraper.frontier.index import Index
from scraper.frontier.sqlite import SqliteFrontier
from scraper.policy.pace import (
    FRESH,
    GIVE_UP,
    LEAST_SHARE,
    MILD_SHARE,
    PATIENCE,
    RECOVERY,
    REST_JITTER,
    WELL,
    Heard,
    Pace,
    Pacing,
    Sign,
    sign_of,
)
from scraper.policy.politeness import Politeness, host_of
from scraper.request import Request
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.testing.clock import FakeClock, run
from scraper.testing.fake_fetcher import Answer
from tests.helpers import Exchange, WatchedFetcher, make_plan

AIMD = "Chiu and Jain 1989 (AIMD); RFC 5681 3.1; Google's crawl-rate documentation"
BREAKER = "Nygard, Release It! (circuit breaker); RFC 9110 15.6.4; the project's own measurement"
VISITS = PATIENCE + GIVE_UP  # that a dead host costs

# -- the pace of one host ----------------------------------------------------------------------------------------------

PACING = Pacing(backoff=1.0, max_backoff=60.0, random=lambda: 0.0)
times = st.floats(0.0, 100.0)
heards = st.lists(st.tuples(st.sampled_from(Sign), times, times), max_size=60)


def after(*signs: Sign, latency: float = 0.1, pace: Pace = WELL) -> Pace:
    """Return the pace after visits one after the other."""
    for number, sign in enumerate(signs, 1):
        pace = PACING.hear(pace, Heard(sign, float(number), latency), number + 0.5)
    return pace


@case(
    "politeness", "never-faster-than-configured",
    behaviour="any order of good answers, complaints and silence",
    expectation="the gap is never shorter and the slots never more than configured", source=AIMD,
)  # fmt: skip
@given(heards=heards, gap=times, limit=st.integers(1, 50))
def test_a_pace_only_slows_down(heards: list[tuple[Sign, float, float]], gap: float, limit: int) -> None:
    """Nothing that a host does makes the crawl faster than its user wants."""
    pace, now = FRESH, 0.0
    for sign, wait, latency in heards:
        started, now = now, now + wait
        pace = PACING.hear(pace, Heard(sign, started, latency), now)
        assert LEAST_SHARE <= pace.share <= 1.0
        assert pace.gap(gap, limit) >= gap
        assert 1 <= pace.slots(limit) <= limit


@table(
    "politeness", ("signs", "share"),
    [
        row("halved-by-503", [Sign.BUSY], 1 / 2, behaviour="one 503"),
        row("halved-twice", [Sign.BUSY] * 2, 1 / 4, behaviour="two in a row"),
        row("least-share", [Sign.BUSY] * 9, LEAST_SHARE, behaviour="nine in a row"),
        row("least-share-of-faults", [Sign.FAULT] * 9, MILD_SHARE, behaviour="nine 500 in a row"),
        row("given-back", [Sign.BUSY, Sign.FINE], 1 / 2 + RECOVERY, behaviour="a 503 and a good answer"),
        row("given-back-step-by-step", [Sign.BUSY] + [Sign.FINE] * 4, 1 / 2 + 4 * RECOVERY,
            behaviour="a 503 and four good answers"),
        row("all-given-back", [Sign.BUSY] * 3 + [Sign.FINE] * 14, 1.0, behaviour="three 503 and 14 good answers"),
        row("connections-break", [Sign.DOWN], 1 / 2, behaviour="a connection that broke"),
    ],
    behaviour="a host shows",
    expectation="it gets a share of the configured rate: halved by trouble, added to by success", source=AIMD,
)  # fmt: skip
def test_multiplicative_down_additive_up(signs: list[Sign], share: float) -> None:
    """TCP's way of finding what another side can bear."""
    assert after(*signs).share == share


@case(
    "politeness", "one-complaint-a-round",
    behaviour="sixteen requests at once that are all answered with 429",
    expectation="count as one complaint: the others left before it was heard", source="RFC 5681 (once a round trip)",
)  # fmt: skip
def test_requests_of_one_round_say_one_thing() -> None:
    """A burst must not look like a long story."""
    pace = WELL
    for number in range(16):
        pace = PACING.hear(pace, Heard(Sign.BUSY, 1.0, 0.1), 1.1 + number / 100)
    assert (pace.share, pace.streak) == (1 / 2, 1)


@case(
    "politeness", "slow-answers",
    behaviour="a host's answers take ten times as long as they used to, and more than a second",
    expectation="its share falls to a quarter, and is given back when it is quick again", source=AIMD,
)  # fmt: skip
def test_latency_slows_down() -> None:
    """A host that suffers does not have to say so."""
    slow = after(*[Sign.FINE] * 8, latency=5.0)
    assert slow.share == MILD_SHARE
    assert slow.gap(1.0, 1) > 4.0
    assert after(*[Sign.FINE] * 40, latency=0.1, pace=slow) is WELL


@table(
    "politeness", ("latency",),
    [row("as-slow-as-ever", 3.0, behaviour="3 s, as always"), row("slower-below-a-second", 0.9, behaviour="0.9 s")],
    behaviour="answers take", expectation="are no sign of distress", source=AIMD,
)  # fmt: skip
def test_what_is_usual_slows_nothing(latency: float) -> None:
    """Some sites are slow, and other pages of a site are heavier."""
    assert after(*[Sign.FINE] * 50, latency=latency, pace=FRESH).share == 1.0


@case(
    "politeness", "heavier-pages",
    behaviour="a quick front page, and all other pages take 3 s",
    expectation="the crawl slows down for a while, then takes that for usual", source="the project's own measurement",
)  # fmt: skip
def test_a_new_usual_is_learned() -> None:
    """Or one light page would make a site slow for ever."""
    pace = after(Sign.FINE, *[Sign.FINE] * 60, latency=3.0)
    assert pace.share == 1.0


@table(
    "politeness", ("status", "reason", "sign"),
    [
        *(row(f"sign-{status}", status, "", sign) for status, sign in {
            200: Sign.FINE, 301: Sign.FINE, 304: Sign.FINE, 403: Sign.FINE, 404: Sign.FINE, 451: Sign.FINE,
            429: Sign.BUSY, 503: Sign.BUSY, 500: Sign.FAULT, 501: Sign.FAULT, 599: Sign.FAULT,
            502: Sign.DOWN, 504: Sign.DOWN, 520: Sign.DOWN, 526: Sign.DOWN,
        }.items()),
        *(row(f"sign-{reason.replace('_', '-')}", 0, reason, sign) for reason, sign in {
            "connection": Sign.DOWN, "connect_timeout": Sign.DOWN, "dns": Sign.DOWN, "timeout": Sign.DOWN,
            "tls": Sign.DOWN, "malformed": Sign.DOWN, "truncated": Sign.FAULT, "too_large": Sign.FINE,
            "content_encoding": Sign.FINE,
        }.items()),
    ],
    behaviour="a visit ends with this", expectation="says of the host: fine, a fault of one page, busy, or down",
    source="RFC 9110 15, RFC 6585 4, Cloudflare's list of 5xx",
)  # fmt: skip
def test_signs(status: int, reason: str, sign: Sign) -> None:
    """What the page is worth is another question."""
    assert sign_of(status, reason) is sign


@case(
    "politeness", "rests-double",
    behaviour="a host complains again and again",
    expectation="its rest doubles, up to the longest back-off; jitter adds", source=BREAKER,
)  # fmt: skip
def test_rests_double() -> None:
    """From the first 429 or 503 on, and from the third silence on."""
    assert [PACING.rest(after(*[Sign.BUSY] * n)) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [after(*[Sign.DOWN] * n).rested_at > -inf for n in (1, 2, 3, 4)] == [False, False, True, True]
    jittered = Pacing(backoff=1.0, max_backoff=60.0, random=lambda: 0.5)
    assert jittered.rest(after(Sign.BUSY)) == 1 + REST_JITTER / 2
    assert PACING.rest(Pace(streak=5000)) == 60


@case(
    "politeness", "memory-of-an-idle-host",
    behaviour="100,000 hosts that are well, or were not visited", expectation="share one pace: eight bytes a host more",
    source="the project's own measurement: 100,000 hosts",
)  # fmt: skip
def test_idle_hosts_cost_nothing() -> None:
    """Only trouble is remembered."""
    host = Host("a.test")
    assert host.pace is FRESH
    host.hear(Heard(Sign.FINE, 1.0, 0.2), 1.2, PACING)
    assert host.pace is WELL
    host.hear(Heard(Sign.BUSY, 2.0, 0.2), 2.2, PACING)
    assert sys.getsizeof(host.pace) < 100
    for second in range(3, 30):
        host.hear(Heard(Sign.FINE, float(second), 0.2), second + 0.2, PACING)
    assert host.pace is WELL


# -- turns, on a clock that jumps --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Run1:
    """What a crawl on the jumping clock came to."""

    report: Report
    exchanges: list[Exchange]
    seconds: float

    @property
    def starts(self) -> list[float]:
        """When each request went out."""
        return sorted(exchange.start for exchange in self.exchanges)

    @property
    def gaps(self) -> list[float]:
        """The seconds between them."""
        return [later - sooner for sooner, later in pairwise(self.starts)]

    @property
    def peak(self) -> int:
        """The most requests under way at once."""
        events = [(e.start, 1) for e in self.exchanges] + [(e.end, -1) for e in self.exchanges]
        level = peak = 0
        for _, change in sorted(events, key=lambda event: (event[0], event[1])):
            level += change
            peak = max(peak, level)
        return peak


def simulate(
    site: dict[str, Answer],
    *,
    seeds: tuple[str, ...],
    latency: Callable[[str], float] = lambda url: 0.1,
    connecting: Callable[[str], float] = lambda url: 0.0,
    **changes: object,
) -> Run1:
    """Crawl `seeds` of a fake site; hours pass in milliseconds."""

    async def main() -> Run1:
        clock = FakeClock()
        fetcher = WatchedFetcher(site, clock, answering=latency, connecting=connecting, pause=asyncio.sleep)
        async with fetcher:
            settings = {"delay": 1.0, "per_host": 1, "seeds": seeds, **changes}
            report = await Run(make_plan(**settings), clock=clock, fetcher=fetcher).execute()
        return Run1(report, fetcher.exchanges, clock.now())

    return run(main())


def urls(number: int, host: str = "a.test") -> tuple[str, ...]:
    return tuple(f"http://{host}/{n}" for n in range(number))


def now() -> float:
    return asyncio.get_running_loop().time()


@table(
    "politeness", ("answer", "latency"),
    [
        row("dead-refuses", ConnectionError("refused"), 0.0, behaviour="refuses connections"),
        row("dead-times-out", ReadTimeout("slow"), 30.0, behaviour="lets every request wait for 30 s"),
        row("dead-502", (502, ""), 0.1, behaviour="answers 502"),
        row("dead-503", (503, ""), 0.1, behaviour="answers 503"),
        row("dead-429", (429, ""), 0.1, behaviour="answers 429"),
        row("dead-521", (521, ""), 0.1, behaviour="answers 521"),
    ],
    behaviour="a host with 1,000 queued URLs",
    expectation=f"costs {VISITS} visits; the others are refused as host_down; exit 1 within a quarter of an hour",
    source=BREAKER,
)  # fmt: skip
def test_a_dead_host_ends_the_crawl(answer: Answer, latency: float) -> None:
    """Not a thousand timeouts."""
    seeds = urls(1000)
    it = simulate(dict.fromkeys(seeds, answer), seeds=seeds, latency=lambda url: latency)
    assert len(it.exchanges) == VISITS
    assert it.seconds < 900
    assert it.report.status == "failed"
    assert any("given up" in reason for reason in it.report.reasons)
    tally = it.report.progress.tally
    assert tally.refused["host_down"] + tally.failed.total() == 1000
    assert it.report.progress.counts.conserved


@case(
    "politeness", "dead-with-16-at-once",
    behaviour="a host that dies under 16 requests at once",
    expectation="those, then single probes with rests; a few dozen requests in all", source=BREAKER,
)  # fmt: skip
def test_a_host_that_dies_under_load() -> None:
    """What was sent before the first rest began tells nothing new."""
    seeds = urls(1000)
    it = simulate(
        dict.fromkeys(seeds, ReadTimeout("slow")), seeds=seeds, latency=lambda url: 30.0, delay=0.0, per_host=16
    )
    assert len(it.exchanges) <= 16 + VISITS
    assert it.seconds < 900
    probes = sorted(it.exchanges, key=lambda e: e.start)[16:]
    assert all(later.start >= sooner.end + 4.0 for sooner, later in pairwise(probes))


@case(
    "politeness", "an-outage",
    behaviour="a host is down for five minutes in the middle of a crawl of 200 URLs",
    expectation="a few probes, and then every URL is fetched: no request spends all its tries on it", source=BREAKER,
)  # fmt: skip
def test_an_outage_loses_nothing() -> None:
    """The breaker closes with the first answer."""
    seeds = urls(200)

    def answer(request: Request) -> Answer:
        return ConnectionError("down") if 50 < now() < 350 else "here"

    it = simulate(dict.fromkeys(seeds, answer), seeds=seeds)  # type: ignore[arg-type]
    assert it.report.ok, it.report.reasons
    assert it.report.pages == 200
    assert len(it.exchanges) < 200 + 15


@case(
    "politeness", "one-dead-host-among-others",
    behaviour="one of two hosts is dead", expectation="the other one is crawled at its own pace", source=BREAKER,
)  # fmt: skip
def test_others_are_not_held_up() -> None:
    """The rest is one host's."""
    dead, alive = urls(50, "dead.test"), urls(50, "alive.test")
    it = simulate({**dict.fromkeys(dead, (503, "")), **dict.fromkeys(alive, "here")}, seeds=dead + alive)
    good = [e.start for e in it.exchanges if "alive" in e.url]
    assert len(good) == 50
    assert max(good) < 52
    assert it.report.status == "failed"


@case(
    "politeness", "a-broken-section",
    behaviour="200 pages in a row answer 500, the rest of the site is well",
    expectation="slower, to a quarter of the rate, and nothing of the rest is lost",
    source="Google's crawl documentation",
)  # fmt: skip
def test_a_broken_section_is_no_dead_host() -> None:
    """A host that answers is alive."""
    broken, good = urls(200, "a.test"), tuple(f"http://a.test/good/{n}" for n in range(20))
    it = simulate({**dict.fromkeys(broken, (500, "")), **dict.fromkeys(good, "here")}, seeds=broken + good, retries=0)
    assert it.report.pages == 20
    assert it.seconds < 220 * 4 * 1.2


@case(
    "politeness", "a-single-url-keeps-its-tries",
    behaviour="a site's only URL always answers 503", expectation="is tried 1 + 3 times, whatever the breaker does",
    source="retry.times",
)  # fmt: skip
def test_one_url_has_its_number_of_tries() -> None:
    """Tries are counted in one place."""
    it = simulate({"http://a.test/0": (503, "")}, seeds=urls(1))
    assert len(it.exchanges) == 4
    assert it.seconds < 120


@table(
    "politeness", ("status", "headers", "least", "most"),
    [
        row("retry-after-seconds", 429, {"Retry-After": "120"}, 120.0, 125.0, behaviour="429 with 120 seconds"),
        row("retry-after-503", 503, {"Retry-After": "120"}, 120.0, 125.0, behaviour="503 with 120 seconds"),
        row("retry-after-date", 503, {"Retry-After": "Tue, 14 Nov 2023 22:18:20 GMT"}, 290.0, 302.0,
            behaviour="503 with a date five minutes ahead"),
        row("retry-after-past", 503, {"Retry-After": "Tue, 14 Nov 2000 22:18:20 GMT"}, 1.0, 5.0,
            behaviour="503 with a date in the past"),
        row("retry-after-zero", 429, {"Retry-After": "0"}, 1.0, 5.0, behaviour="429 with 0 seconds"),
        row("retry-after-negative", 429, {"Retry-After": "-5"}, 1.0, 5.0, behaviour="429 with -5 seconds"),
        row("retry-after-absurd", 429, {"Retry-After": "99999999999"}, 600.0, 605.0, behaviour="429 with 3,000 years"),
        row("retry-after-year-9999", 429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 600.0, 605.0,
            behaviour="429 with the year 9999"),
        row("retry-after-with-403", 403, {"Retry-After": "120"}, 120.0, 121.0, behaviour="403 with 120 seconds"),
        row("retry-after-with-500", 500, {"Retry-After": "120"}, 120.0, 125.0, behaviour="500 with 120 seconds"),
        row("retry-after-with-404-in-the-past", 404, {"Retry-After": "-5"}, 0.4, 1.0, behaviour="404 with -5"),
        row("retry-after-words", 503, {"Retry-After": "soon"}, 1.0, 5.0, behaviour="503 with a word"),
        row("retry-after-missing", 429, {}, 1.0, 5.0, behaviour="429 without a word"),
        row("retry-after-missing-503", 503, {}, 1.0, 5.0, behaviour="503 without a word"),
    ],
    behaviour="the tenth page of a host answers",
    expectation="nobody visits that host for so long, with 429 and 503 at least the first back-off, at most 10 min",
    source="RFC 9110 10.2.3, RFC 6585 4",
)  # fmt: skip
def test_the_whole_host_rests(status: int, headers: dict[str, str], least: float, most: float) -> None:
    """It is the host that has enough, not the page."""
    answered: list[float] = []
    ended: list[float] = []

    def answer(request: Request) -> Answer:
        answered.append(now())
        if len(answered) == 10:
            ended.append(now() + 0.1)
            return status, headers, ""
        return "here"

    seeds = urls(30)
    it = simulate(dict.fromkeys(seeds, answer), seeds=seeds, delay=0.5)  # type: ignore[arg-type]
    assert it.report.pages == 30 - (status in (403, 404))
    following = min(start for start in it.starts if start >= ended[0])
    assert least - 0.11 <= following - ended[0] <= most


@case(
    "politeness", "rest-under-load",
    behaviour="one of eight requests at once is answered with 429 and Retry-After: 60",
    expectation="none of the others starts a new one before that", source="RFC 6585 4",
)  # fmt: skip
def test_a_rest_is_kept_by_all_workers() -> None:
    """Requests under way may end, no other begins."""
    seeds = urls(60)
    site: dict[str, Answer] = dict.fromkeys(seeds, "here")
    site[seeds[11]] = lambda request: (429, {"Retry-After": "60"}, "") if now() < 30 else "here"
    it = simulate(site, seeds=seeds, delay=0.0, per_host=8, latency=lambda url: 0.5)
    told = min(e.end for e in it.exchanges if e.status == 429)
    assert it.report.pages == 60
    assert not [start for start in it.starts if told < start < told + 60]


@case(
    "politeness", "slow-host-gets-room",
    behaviour="a host whose answers take 0.2 s, then 4 s for a minute, then 0.2 s again",
    expectation="the gaps grow while it is slow, and shrink to the configured one afterwards", source=AIMD,
)  # fmt: skip
def test_gaps_follow_latency() -> None:
    """Never below what was configured."""
    seeds = urls(150)
    it = simulate(dict.fromkeys(seeds, "here"), seeds=seeds, latency=lambda url: 4.0 if 30 < now() < 90 else 0.2)
    assert min(it.gaps) >= 1.0 - 1e-9
    assert max(it.gaps) > 6.0
    assert it.gaps[-5:] == [1.0] * 5 or max(it.gaps[-5:]) < 1.0 + 1e-6


# -- properties: any site, any trouble -------------------------------------------------------------------------------

troubles = st.sampled_from(["here", "here", "here", (500, ""), (503, ""), (429, ""), (404, ""), ConnectionError("x")])


@case(
    "politeness", "any-site-any-trouble",
    behaviour="sites of several hosts, with any mix of answers, redirects and latencies",
    expectation="each host's gap and concurrency are kept by every request, robots.txt, retries and redirects included",
    source="architecture, law 3",
)  # fmt: skip
@settings(max_examples=40, deadline=None)
@given(
    answers=st.lists(troubles, min_size=1, max_size=25),
    moved=st.booleans(),
    latency=st.sampled_from([0.0, 0.3, 2.5]),
    delay=st.sampled_from([0.0, 0.4, 2.0]),
    per_host=st.integers(1, 4),
)
def test_limits_hold_whatever_happens(
    answers: list[Answer], moved: bool, latency: float, delay: float, per_host: int
) -> None:
    """Obedience is verified from the log of the requests."""
    site: dict[str, Answer] = {}
    for number, answer in enumerate(answers):
        site[f"http://{'ab'[number % 2]}.test/{number}"] = answer
    if moved:
        site["http://a.test/away"] = (302, {"Location": "http://b.test/there"}, "")
        site["http://b.test/there"] = "here"
    it = simulate(
        site, seeds=tuple(site), latency=lambda url: latency, delay=delay, per_host=per_host, obey_robots=True
    )
    assert it.report.progress.counts.conserved
    for host in ("a.test", "b.test"):
        mine = sorted((e for e in it.exchanges if host in e.url), key=lambda e: e.start)
        assert all(later.start - sooner.start >= delay - 1e-9 for sooner, later in pairwise(mine))
        assert Run1(it.report, mine, 0.0).peak <= per_host
        assert sum(e.url.endswith("/robots.txt") for e in mine) <= 4


@case(
    "politeness", "100000-hosts",
    behaviour="100,000 hosts, one of which is in trouble",
    expectation="a turn costs the same: no list is asked", source="architecture, law 3: O(log n) in hosts",
)  # fmt: skip
def test_a_turn_does_not_look_at_all_hosts() -> None:
    """Counted in hosts that a lease touches."""
    asked: Counter[str] = Counter()

    def gap(wish: float | None) -> float:
        asked["gap"] += 1
        return 1.0

    index = Index(limit=1, gap=gap, host_of=host_of, ask_robots=False, pacing=PACING)
    for number in range(20_000):
        index.append(number + 1, index.queue(f"http://h{number}.test"), 0, 0.0)
    ((request, queue),) = index.lease(0.0, 1)
    index.release(request, queue.origin, 0.0, 0.1, Heard(Sign.BUSY, 0.0, 0.1))
    index.settle(request, 0.1)
    assert asked["gap"] == 1
    assert len(index.lease(0.2, 50)) == 50
    assert asked["gap"] == 51


@case(
    "politeness", "complaints-out-of-order",
    behaviour="A host that answers two requests complains, first about the earlier one",
    expectation="the longer rest counts from the last request that it got", source="the project's own rule",
)  # fmt: skip
@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize("sign", [Sign.FAULT, Sign.BUSY])
def test_a_slower_pace_counts_from_the_last_request(order: tuple[int, int], sign: Sign) -> None:
    """Whichever answer comes first."""
    index = Index(limit=2, gap=lambda wish: 10.0, host_of=host_of, ask_robots=False, pacing=PACING)
    queue = index.queue("http://h.test")
    for number in range(1, 9):
        index.append(number, queue, 0, 0.0)
    sent = {1: 0.0, 2: 10.0}
    for number, at in sent.items():
        assert [request for request, _ in index.lease(at, 5)] == [number]
        index.sent(number, queue.origin, at, at)
    for number, now in zip(order, (11.0, 11.5), strict=True):
        index.release(number, queue.origin, sent[number], now, Heard(sign, sent[number], now - sent[number]))
    pace = queue.host.pace.gap(10.0, 2)
    assert pace > 10.0
    assert queue.host.next_at == 10.0 + pace


# -- the delay itself --------------------------------------------------------------------------------------------------


@case(
    "politeness", "jitter-only-adds",
    behaviour="any delay, jitter and wish of the site",
    expectation="the gap is the longer wish plus at most the jitter", source="Heritrix and BUbiNG's documentation",
)  # fmt: skip
@given(
    delay=times, jitter=times, wish=st.none() | st.floats(0, 1e9), cap=times, random=st.floats(0, 1, exclude_max=True)
)
def test_jitter_only_adds(delay: float, jitter: float, wish: float | None, cap: float, random: float) -> None:
    """No rhythm, and never too early."""
    politeness = Politeness(delay=delay, jitter=jitter, concurrency=1, max_crawl_delay=cap, random=lambda: random)
    least = max(delay, min(wish or 0.0, cap))
    assert least <= politeness.gap(wish) <= least + jitter


# -- against real sockets --------------------------------------------------------------------------------------------


@case(
    "politeness", "gaps-in-a-servers-log",
    behaviour="a site with robots.txt, ten pages, a redirect and a 503, and 16 workers",
    expectation="the server's log shows no two requests closer than the delay", source="the server's log",
)  # fmt: skip
async def test_gaps_are_kept() -> None:
    """Every request counts, whatever it is for."""
    shown: list[str] = []

    def answer(path: str) -> Reply:
        shown.append(path)
        if path == "/robots.txt":
            return Reply(b"User-agent: *\nDisallow: /no")
        if path == "/moved":
            return Reply(status=302, headers={"Location": "/there"})
        if path == "/busy" and shown.count(path) == 1:
            return Reply(b"", 503)
        return links("/moved", "/busy", "/no", *(f"/{n}" for n in range(4)))

    async with logged(answer) as server:
        report = await crawl(server.url(), delay=0.03, jitter=0.01, per_host=4)
        assert report.ok, report.reasons
        assert {"/there", "/busy", "/3"} <= set(server.paths)
        assert "/no" not in server.paths
        assert min(server.gaps()) >= 0.03 - 0.005


@case(
    "politeness", "slow-answers-cost-no-rate",
    behaviour="four slots, and answers that take five times the delay",
    expectation="a request leaves after each delay, never sooner, while up to four are under way",
    source="the server's log; the rest counts from the request, not from its answer",
)  # fmt: skip
async def test_a_slow_answer_does_not_slow_the_rate() -> None:
    """Concurrency is for that."""
    async with logged(lambda path: Reply(wait=0.15)) as server:
        seeds = [server.url(f"/{n}") for n in range(8)]
        await crawl(*seeds, obey_robots=False, delay=0.04, per_host=4, timeout=2.0)
        assert len(server.log) == 8
        assert min(server.gaps()) >= 0.04 - 0.005
        assert server.peak >= 3
        assert server.log[-1].start - server.log[0].start < 8 * 0.15 / 2


@case(
    "politeness", "slow-to-connect",
    behaviour="four slots, and requests that take up to 3 s from their turn until they go out (connection, TLS, proxy)",
    expectation="no two of them arrive closer than the delay", source="the project's own measurement",
)  # fmt: skip
@settings(max_examples=30, deadline=None)
@given(connecting=st.lists(st.sampled_from([0.0, 0.3, 0.9, 3.0]), min_size=12, max_size=12), per_host=st.integers(2, 5))
def test_the_delay_is_between_requests_that_arrive(connecting: list[float], per_host: int) -> None:
    """A turn is no request yet."""
    times = iter([*connecting, *[0.0] * 99])
    seeds = urls(10)
    it = simulate(
        dict.fromkeys(seeds, "here"), seeds=seeds, connecting=lambda url: next(times), latency=lambda url: 5.0,
        per_host=per_host, obey_robots=True,
    )  # fmt: skip
    assert it.report.pages == 10
    assert min(it.gaps) >= 1.0 - 1e-6
    assert 2 <= it.peak <= per_host


@case(
    "politeness", "concurrency-in-a-servers-log",
    behaviour="two slots, 32 workers, slow pages, redirects, retries and breaking connections",
    expectation="the server's log never shows more than two requests at once", source="Scrapy measured: 4 to 6 of 2",
)  # fmt: skip
async def test_concurrency_is_kept() -> None:
    """Also when connections are kept, broken and opened again."""
    shown: Counter[str] = Counter()

    def answer(path: str) -> Reply:
        shown[path] += 1
        if path.startswith("/moved"):
            return Reply(status=301, headers={"Location": path.replace("moved", "there")}, wait=0.005)
        if path.startswith("/reset") and shown[path] == 1:
            return Reply(raw=b"", end="reset", wait=0.005)
        return Reply(wait=0.01, end="close" if path.endswith("7") else "keep")

    paths = [f"/{kind}{n}" for n in range(10) for kind in ("page", "moved", "reset")]
    async with logged(answer) as server:
        report = await crawl(*map(server.url, paths), workers=32, per_host=2)
        assert report.pages == 30
        assert server.peak == 2


@case(
    "politeness", "two-ports-one-host",
    behaviour="two servers on two ports of one address, one slot", expectation="share the slot and the rest",
    source="BUbiNG (politeness by host)",
)  # fmt: skip
async def test_ports_share_the_hosts_rest() -> None:
    """One machine has one patience."""
    async with logged(lambda path: Reply()) as one, logged(lambda path: Reply()) as two:
        seeds = [server.url(f"/{n}") for n in range(3) for server in (one, two)]
        await crawl(*seeds, delay=0.03, obey_robots=False)
        both = sorted(entry.start for server in (one, two) for entry in server.log)
        assert len(both) == 6
        assert min(later - sooner for sooner, later in pairwise(both)) >= 0.03 - 0.005


async def at_names(*seeds: str, server: Logged, **changes: object) -> Report:
    """Crawl names that all lead to one server."""
    names = {url.split("/")[2].partition(":")[0] for url in seeds}
    return await crawl(*seeds, connect_to=dict.fromkeys(names, f"127.0.0.1:{server.port}"), **changes)


@table(
    "politeness", ("per", "least", "together"),
    [
        row("names-of-a-domain", "domain", 0.04, 1, behaviour="per: domain", expectation="share one delay, one slot"),
        row("names-of-a-host", "host", 0.0, 3, behaviour="per: host", expectation="have a delay and a slot each"),
    ],
    behaviour="three names and two ports of one registered domain, each with its robots.txt, under politeness",
    expectation="", source="the choice politeness.per; publicsuffix.org",
)  # fmt: skip
async def test_names_of_a_domain_rest_together_by_choice(per: str, least: float, together: int) -> None:
    """robots.txt stays each origin's own; who else is registered below the suffix is a stranger."""

    def answer(path: str) -> Reply:
        return Reply(b"User-agent: *\nDisallow: /no" if path == "/robots.txt" else b"<a href=/no>x</a>", wait=0.02)

    async with logged(answer) as server:
        names = ("shop.example.co.uk", "www.shop.example.co.uk", "img.shop.example.co.uk:81")
        report = await at_names(
            *(f"http://{name}/{n}" for n in range(2) for name in names), server=server, per=per, per_host=1, delay=0.04
        )
        assert report.ok, report.reasons
        assert server.paths.count("/robots.txt") == 3
        assert "/no" not in server.paths
        assert min(server.gaps()) >= least - 0.005
        assert server.peak == together


@case(
    "politeness", "a-rest-of-a-domain",
    behaviour="one name answers 429 with Retry-After, under per: domain, beside names of another domain",
    expectation="no name of its domain is asked before that time; the other domain is", source="RFC 6585 4",
)  # fmt: skip
def test_a_rest_is_the_domains() -> None:
    """Whoever of it said so."""
    mine = ("http://a.one.test/1", "http://b.one.test/1", "https://one.test/1", "http://b.one.test./2")
    theirs = tuple(f"http://two.test/{n}" for n in range(20))
    site: dict[str, Answer] = dict.fromkeys(mine + theirs, "here")
    site[mine[0]] = lambda request: (429, {"Retry-After": "120"}, "") if now() < 60 else "here"
    it = simulate(site, seeds=mine + theirs, per="domain", latency=lambda url: 0.1)
    assert it.report.ok, it.report.reasons
    told = next(e.end for e in it.exchanges if e.status == 429)
    assert not [e for e in it.exchanges if "one.test" in e.url and told < e.start < told + 120]
    assert max(e.start for e in it.exchanges if "two.test" in e.url) < 30


@case(
    "politeness", "a-name-with-its-dot",
    behaviour="a site links to itself as a.test and as a.test. (with the dot that ends a complete name)",
    expectation="two origins, one host: one rest and one slot", source="RFC 1034 3.1",
)  # fmt: skip
async def test_a_final_dot_makes_no_other_host() -> None:
    """Or a host would be asked twice as often."""
    async with logged(lambda path: Reply(wait=0.02)) as server:
        await at_names(
            *(f"http://a.test{dot}/{n}" for n in range(2) for dot in ("", ".")), server=server, per_host=1, delay=0.03
        )
        assert len(server.pages) == 4
        assert min(server.gaps()) >= 0.03 - 0.005
        assert server.peak == 1


@case(
    "politeness", "nobody-listens",
    behaviour="1,000 URLs of a port where nobody listens", expectation="fails in bounded time with host_down",
    source="Scrapy measured: ends finished, exit 0",
)  # fmt: skip
async def test_nobody_listens() -> None:
    """Connection refused, for real."""
    async with logged({}) as server:
        port = server.port
    seeds = [f"http://127.0.0.1:{port}/{n}" for n in range(1000)]
    report = await crawl(*seeds, obey_robots=False, backoff=0.01, max_backoff=0.02)
    assert report.status == "failed"
    assert report.progress.tally.refused["host_down"] >= 990
    assert report.progress.elapsed < 15


@case(
    "politeness", "dies-in-the-middle",
    behaviour="a server that goes silent after its tenth answer, with 300 URLs left",
    expectation="single probes with growing rests, a few timeouts in all, exit 1", source=BREAKER,
)  # fmt: skip
async def test_it_dies_in_the_middle() -> None:
    """Silence is the most expensive death."""
    answered: list[str] = []

    def answer(path: str) -> Reply:
        answered.append(path)
        return Reply() if len(answered) <= 10 else Reply(raw=b"", end="hang")

    async with logged(answer) as server:
        seeds = [server.url(f"/{n}") for n in range(300)]
        report = await crawl(*seeds, obey_robots=False, timeout=0.05, backoff=0.005, max_backoff=0.01, per_host=4)
        assert report.pages == 10
        assert report.status == "failed"
        assert len(server.log) <= 10 + 4 + VISITS
        assert report.progress.tally.refused["host_down"] >= 280


@case(
    "politeness", "it-comes-back",
    behaviour="a server that answers 503 sixteen times in a row, then serves again",
    expectation="one probe at a time, and everything is fetched", source=BREAKER,
)  # fmt: skip
async def test_it_comes_back() -> None:
    """With eight slots: the probes are alone."""
    answered: list[str] = []

    def answer(path: str) -> Reply:
        answered.append(path)
        return Reply(b"", 503, wait=0.01) if 4 < len(answered) <= 20 else Reply(wait=0.005)

    async with logged(answer) as server:
        report = await crawl(*(server.url(f"/{n}") for n in range(20)), obey_robots=False, per_host=8)
        assert report.ok, report.reasons
        assert report.pages == 20
        last = [entry for entry in server.log if entry.status == 503][-1]
        assert last.at_once == 1


@case(
    "politeness", "429-in-a-servers-log",
    behaviour="a page answers 429 with Retry-After: 3 while eight workers have work",
    expectation="no request at all before that time (here cut to 0.2 s by max_retry_after)",
    source="RFC 6585 4; Scrapy measured: three requests in 13 ms",
)  # fmt: skip
async def test_429_is_a_rest_in_the_log() -> None:
    """The time counts from the answer."""
    seen: list[str] = []

    def answer(path: str) -> Reply:
        seen.append(path)
        return Reply(b"", 429, {"Retry-After": "3"}) if len(seen) == 3 else Reply()

    async with logged(answer) as server:
        report = await crawl(
            *(server.url(f"/{n}") for n in range(8)), obey_robots=False, per_host=1, max_retry_after=0.2
        )
        assert report.ok, report.reasons
        assert report.pages == 8
        (told,) = [entry for entry in server.log if entry.status == 429]
        assert min(entry.start for entry in server.log if entry.start > told.start) - told.end >= 0.19


@case(
    "politeness", "404-is-no-trouble",
    behaviour="a site where every other page is missing", expectation="is crawled at its configured rate",
    source="RFC 9110 15.5.5",
)  # fmt: skip
def test_missing_pages_slow_nothing() -> None:
    """An answer is an answer."""
    seeds = urls(100)
    site: dict[str, Answer] = {url: "here" if n % 2 else (404, "") for n, url in enumerate(seeds)}
    it = simulate(site, seeds=seeds)
    assert max(it.gaps) <= 1.0 + 1e-6
    assert NOT_THERE.status == 404


@case(
    "politeness", "a-rest-survives-a-kill",
    behaviour="a host asks for ten minutes (429), and the crawl is killed and started again after one",
    expectation="the host is left alone for the nine that are left, robots.txt included", source="RFC 6585 4; law 2",
)  # fmt: skip
def test_a_rest_survives_a_kill(tmp_path: Path) -> None:
    """Starting again is no way around it."""

    async def first() -> None:
        frontier = opened(tmp_path, FakeClock())
        await frontier.open()
        await frontier.begin(1, {})
        await frontier.offer([Request(url) for url in urls(2)])
        (lease,) = await frontier.lease(1)
        frontier.release(lease, now(), Heard(Sign.BUSY, now(), 0.1))
        frontier.host_policy(lease.origin, HostPolicy(rest_until=now() + 600))
        await frontier.commit([], {})
        await frontier.close()

    async def second() -> float:
        clock = FakeClock()
        clock.wall_offset += 60
        frontier = opened(tmp_path, clock)
        await frontier.open()
        (lease,) = await frontier.lease(1)
        assert lease.is_robots
        await frontier.close()
        return now()

    run(first())
    assert run(second()) >= 540 - 1e-3


def opened(folder: Path, clock: FakeClock) -> SqliteFrontier:
    """Return the crawl's memory in `folder`, worked without a thread so that the clock may jump."""
    frontier = SqliteFrontier(
        folder / "run.db",
        clock=clock,
        per_host=1,
        gap=lambda wish: 1.0,
        host_of=host_of,
        ask_robots=True,
        pacing=PACING,
    )
    frontier._thread = None
    return frontier
