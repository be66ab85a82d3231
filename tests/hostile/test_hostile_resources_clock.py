"""A wall clock that is wrong, or is set while a crawl runs: monotonic time decides, so nothing is hurried or late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from case import case, row, table
from http_fetching import client
from servers import OK, Server, sends

from scraper.clock import SteadyWall, SystemClock
from scraper.frontier.base import HostPolicy
from scraper.frontier.sqlite import SqliteFrontier
from scraper.outcome import Failed, Fetched, Retry
from scraper.policy.cookies import CookieJar
from scraper.policy.pace import Heard, Pacing, Sign
from scraper.policy.politeness import host_of
from scraper.policy.retry import retry_after
from scraper.request import Request
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.testing.clock import FakeClock, run
from scraper.ui.report import summary
from scraper.urls import canonical
from scraper.visit import Visit
from tests.helpers import SteadyClock, WatchedFetcher, make_plan, read_rows

OWN = "the project's own rule: time is monotonic; the wall is only written down"
HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0
JUMPS = [
    ("an-hour-back", -HOUR, "back by an hour."),
    ("a-day-forward", DAY, "forward by a day."),
    ("a-year-back", -YEAR, "back by a year."),
    ("to-1970", -1_700_000_000.0, "to 1970, as on a machine without a battery."),
]


def rows(prefix: str, *more: object) -> list[tuple[str, tuple[object, ...], str, str]]:
    return [row(f"{prefix}-{name}", seconds, *more, behaviour=words) for name, seconds, words in JUMPS]


def crawl(pages: dict[str, object], jump: Callable[[int, FakeClock], None], **changes: object):
    """Crawl a site on a clock that jumps; before each request `jump` may set the wall. Return report and exchanges."""

    async def main() -> tuple[Report, WatchedFetcher]:
        clock = SteadyClock()
        fetcher = WatchedFetcher(pages, clock, before=lambda number: jump(number, clock))
        async with fetcher:
            return await Run(make_plan(per_host=1, **changes), clock=clock, fetcher=fetcher).execute(), fetcher

    return run(main())


@table(
    "resources", "seconds", rows("wall-set"),
    behaviour="While a crawl runs, the wall clock is set",
    expectation="The rests between requests, robots.txt's 24 hours and the report's duration stay as they were.",
    source=f"RFC 9309 2.4; {OWN}",
)  # fmt: skip
def test_a_wall_clock_that_is_set_changes_nothing(seconds: float) -> None:
    """A crawl of 30 pages, an hour apart, with the wall set before the fifth and set right before the twentieth."""
    pages = {f"http://a.test/{n}": "x" for n in range(30)}

    def jump(number: int, clock: FakeClock) -> None:
        clock.wall_offset += {5: seconds, 20: -seconds}.get(number, 0.0)

    report, watched = crawl(pages, jump, seeds=tuple(pages), delay=HOUR, obey_robots=True)
    assert report.ok
    asked = [exchange.start for exchange in watched.exchanges]
    assert all(HOUR - 1 < later - earlier < HOUR + 1 for earlier, later in pairwise(asked))
    robots = [exchange.start for exchange in watched.exchanges if exchange.url.endswith("/robots.txt")]
    assert len(robots) == 2
    assert DAY <= robots[1] - robots[0] < DAY + 2 * HOUR
    assert abs(report.progress.elapsed - asked[-1]) < 2 * HOUR
    assert report.progress.elapsed > 0
    assert "-" not in summary(report).splitlines()[0]


@table(
    "resources", "seconds", rows("times-on-record"),
    behaviour="While a crawl runs, the wall clock is set",
    expectation="The times in the state file go on evenly: none lies before the one of an earlier visit.",
    source=OWN,
)  # fmt: skip
def test_times_on_record_are_in_order(tmp_path: Path, seconds: float) -> None:
    """Read as any person would, with SQL, in two lives of one run."""

    async def life(offset: float, pages: range, again: range) -> None:
        clock = FakeClock()
        clock.wall_offset += offset
        frontier = opened(tmp_path, clock)
        resumed = await frontier.open()
        if resumed.status == "new":
            await frontier.begin(1, {})
            await frontier.offer([Request(f"http://a.test/{n}") for n in range(8)])
        for n in pages:
            (lease,) = await frontier.lease(1)
            frontier.release(lease, clock.now())
            await frontier.commit([Visit(lease, Fetched(200))], {})
            if n in again:
                clock.wall_offset += seconds
        await frontier.close()

    run(life(0.0, range(4), range(2, 3)))
    run(life(seconds, range(4), range(1, 2)))
    times = [at for (at,) in read_rows(tmp_path / "run.db", "select at from done order by id")]
    assert len(times) == 8
    assert times == sorted(times)


@table(
    "resources", "seconds, least, most",
    [
        row("rest-over-restart-an-hour-back", -HOUR, 590, 600, behaviour="back by an hour.", expectation="all of it."),
        row("rest-over-restart-a-year-back", -YEAR, 590, 600, behaviour="back by a year.", expectation="all of it."),
        row("rest-over-restart-not-set", 60.0, 530, 541, behaviour="not at all, and a minute has passed.",
            expectation="what is left."),
        row("rest-over-restart-a-day-forward", DAY, 0, 1, behaviour="forward by a day.",
            expectation="nothing: nobody can tell it from a day that has passed."),
    ],
    behaviour="A host has asked for ten minutes' rest, the crawl is killed, and before it is started again the wall "
    "clock is set",
    expectation="How long the host still rests:",
    source=OWN,
)  # fmt: skip
def test_a_rest_over_a_restart(tmp_path: Path, seconds: float, least: float, most: float) -> None:
    """Never shorter than it was promised while that can be known, and never longer than it was at all."""

    async def first() -> None:
        clock = FakeClock()
        frontier = opened(tmp_path, clock)
        await frontier.open()
        await frontier.begin(1, {})
        await frontier.offer([Request(f"http://a.test/{n}") for n in range(3)])
        (lease,) = await frontier.lease(1)
        frontier.release(lease, clock.now(), Heard(Sign.BUSY, clock.now(), 0.1))
        frontier.host_policy(lease.origin, HostPolicy(rest_until=clock.now() + 600))
        await frontier.commit([Visit(lease, Fetched(200))], {})
        await frontier.close()

    run(first())
    assert least <= run(waited(tmp_path, seconds)) <= most


@table(
    "resources", "seconds, least, most",
    [
        row("retry-over-restart-an-hour-back", -HOUR, 0, 31, behaviour="back by an hour."),
        row("retry-over-restart-a-year-back", -YEAR, 0, 31, behaviour="back by a year."),
        row("retry-over-restart-a-day-forward", DAY, 0, 31, behaviour="forward by a day."),
    ],
    behaviour="A request waits half a minute for its next try, the crawl is killed, and before it is started again the "
    "wall clock is set",
    expectation="It is tried after half a minute at the latest.",
    source=OWN,
)  # fmt: skip
def test_a_retry_over_a_restart(tmp_path: Path, seconds: float, least: float, most: float) -> None:
    """A clock that was set back by a year puts nothing off for a year."""

    async def first() -> None:
        clock = FakeClock()
        frontier = opened(tmp_path, clock)
        await frontier.open()
        await frontier.begin(1, {})
        await frontier.offer([Request("http://a.test/0")])
        (lease,) = await frontier.lease(1)
        frontier.release(lease, clock.now())
        await frontier.commit([Visit(lease, Retry("http_503", 30.0, 503))], {})
        await frontier.close()

    run(first())
    assert least <= run(waited(tmp_path, seconds)) <= most


async def waited(folder: Path, seconds: float) -> float:
    """Go on with a wall clock that is off by `seconds`; return how long it takes until a request may be made."""
    clock = FakeClock()
    clock.wall_offset += seconds
    frontier = opened(folder, clock)
    await frontier.open()
    assert await frontier.lease(1)
    await frontier.close()
    return clock.now()


def opened(folder: Path, clock: FakeClock) -> SqliteFrontier:
    """Return the crawl's memory in `folder`, worked without a thread so that the clock may jump."""
    frontier = SqliteFrontier(
        folder / "run.db", clock=clock, per_host=1, gap=lambda wish: 1.0, host_of=host_of, ask_robots=False,
        pacing=Pacing(backoff=1.0, max_backoff=60.0, random=lambda: 0.0),
    )  # fmt: skip
    frontier._thread = None
    return frontier


@case(
    "resources", "dead-host-and-the-wall",
    behaviour="A host's pages came; then the wall clock is set back by a day, the host stops answering, and the run is "
    "gone on with.",
    expectation="It counts as a host that stopped answering: what is on record is in the order it happened in.",
    source=OWN,
)  # fmt: skip
def test_a_wall_clock_that_is_set_back_makes_no_dead_host_alive(tmp_path: Path) -> None:
    """The verdict of a resumed run is read from the state file, by its times."""

    async def life(seconds: float, outcomes: list[Fetched | Failed]) -> None:
        clock = FakeClock()
        clock.wall_offset += seconds
        frontier = opened(tmp_path, clock)
        if (await frontier.open()).status == "new":
            await frontier.begin(1, {})
            await frontier.offer([Request(f"http://a.test/{n}") for n in range(8)])
        for outcome in outcomes:
            (lease,) = await frontier.lease(1)
            frontier.release(lease, clock.now())
            await frontier.commit([Visit(lease, outcome)], {})
        await frontier.close()

    async def streaks() -> object:
        frontier = opened(tmp_path, FakeClock())
        history = (await frontier.open()).history
        await frontier.close()
        return history.streaks

    run(life(0.0, [Fetched(200), Fetched(200)]))
    run(life(-DAY, [Failed("timeout")] * 5))
    assert run(streaks()) == [("http://a.test", 5)]


# -- dates of others -----------------------------------------------------------------------------------------------

NOON = 1_700_049_600.0  # Wed, 15 Nov 2023 12:00:00 GMT
DATE, SOON = "Wed, 15 Nov 2023 12:00:00 GMT", "Wed, 15 Nov 2023 12:00:30 GMT"


@table(
    "resources", "seconds", rows("retry-after"),
    behaviour="Retry-After is a date, half a minute after the answer's own Date, and our wall clock is off: it was set",
    expectation="The host rests for half a minute.",
    source="RFC 9110 10.2.3 and 6.6.1",
)  # fmt: skip
def test_a_retry_after_date_is_the_servers(seconds: float) -> None:
    """What counts is the server's own clock, where it shows it."""
    assert retry_after(SOON, NOON + seconds, 600.0, date=DATE) == 30.0


@table(
    "resources", "date",
    [row(f"date-{name}", text, behaviour=f"{words}.")
     for name, text, words in [("missing", "", "missing"), ("words", "soon", "nonsense"), ("zero", "0", "a number")]],
    behaviour="Retry-After is a date, and the answer's Date is",
    expectation="Our own clock counts.",
    source="RFC 9110 6.6.1",
)  # fmt: skip
def test_without_a_date_our_clock_counts(date: str) -> None:
    """As it always has."""
    assert retry_after(SOON, NOON + 10, 600.0, date=date) == 20.0


@table(
    "resources", "seconds", rows("cookie-expires"),
    behaviour="A cookie expires in an hour by the server's clock, and our wall clock is off: it was set",
    expectation="It is sent for an hour.",
    source="RFC 6265bis 5.5; Chromium and Firefox take the difference of the clocks out as well",
)  # fmt: skip
def test_a_cookies_date_is_the_servers(seconds: float) -> None:
    """A clock that is a day ahead would end every login at once."""
    jar, url, ours = CookieJar(), canonical("http://a.test/"), NOON + seconds
    jar.receive(url, ["a=1; Expires=Wed, 15 Nov 2023 13:00:00 GMT"], ours, date=DATE)
    assert jar.header(url, ours + 3500) == "a=1"
    assert jar.header(url, ours + 3700) == ""


@case(
    "resources", "cookie-deleted-whatever-the-date",
    behaviour="A cookie is deleted by an Expires in 1970, by a server whose Date is in 1970 or in 2100.",
    expectation="It is gone.",
    source="RFC 6265bis 4.1.1",
)  # fmt: skip
def test_a_deleted_cookie_is_gone() -> None:
    """The past is the past by every clock."""
    for date in ("", DATE, "Thu, 01 Jan 1970 00:00:10 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"):
        jar, url = CookieJar(), canonical("http://a.test/")
        jar.receive(url, ["a=1"], NOON)
        jar.receive(url, ["a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], NOON, date=date)
        assert jar.header(url, NOON) == ""


class WrongClock(SystemClock):
    """The system's clock with a wall that can be set."""

    def __init__(self) -> None:
        self.off = 0.0

    def wall(self) -> float:
        """Return what the wall shows."""
        return super().wall() + self.off


@table(
    "resources", "seconds", rows("cookie-and-the-wall"),
    behaviour="A site sets a cookie for an hour (Max-Age); then our wall clock is set",
    expectation="The next request still carries the cookie.",
    source=OWN,
)  # fmt: skip
async def test_a_cookie_outlives_a_jump(seconds: float) -> None:
    """Over real sockets: a jar's time is steady."""
    clock = WrongClock()
    answer = OK + b"Set-Cookie: a=1; Max-Age=3600\r\nContent-Length: 2\r\n\r\nhi"
    async with Server(sends(answer, then="keep")) as server, client(clock=clock, cookies=True) as it:
        await it.fetch(Request(server.base + "/"))
        clock.off = seconds
        await it.fetch(Request(server.base + "/"))
    assert ["cookie" in seen.headers for seen in server.log] == [False, True]


@case(
    "resources", "steady-wall",
    behaviour="The wall clock is set back and forward, again and again.",
    expectation="Steady time passes as monotonic time does, from what the wall said at first; it may be told a moment "
    "that has passed for sure.",
    source=OWN,
)  # fmt: skip
def test_steady_time_is_steady() -> None:
    """For whatever is compared with itself later."""

    async def main() -> None:
        clock = FakeClock()
        start = clock.wall()
        steady, later = SteadyWall(clock), SteadyWall(clock, least=start + 500)
        for jump in (-HOUR, DAY, -YEAR, YEAR):
            clock.wall_offset += jump
            await asyncio.sleep(10)
        assert steady.now() - start == 40
        assert later.now() - start == 540

    run(main())
