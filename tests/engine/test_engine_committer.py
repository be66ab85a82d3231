"""The committer makes finished visits durable: in order, in groups, items before facts, and nothing twice.

It is driven by itself, with sinks and a frontier that write down what they are asked, on a clock that jumps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from scraper.engine.committer import Committer
from scraper.errors import SinkError, StateError
from scraper.frontier.base import Committed
from scraper.item import Record
from scraper.outcome import Fetched
from scraper.request import Request
from scraper.runs.runner import Run
from scraper.testing.clock import run
from scraper.testing.fake_fetcher import FakeFetcher
from scraper.visit import Lease, Visit
from tests.helpers import SteadyClock, make_plan


def visit(number: int, *, items: int = 1) -> Visit:
    """Return a finished visit that brought `items` items."""
    lease = Lease(number, request=Request(f"http://h.test/{number}"), origin="http://h.test")
    return Visit(lease, Fetched(200), tuple({"n": number, "part": part} for part in range(items)))


class Log:
    """What happened, in order, and when: the frontier's side, the sink's side and the observer's side."""

    def __init__(self, *, slow_disk: float = 0.0, broken_sink: int = 0, broken_frontier: int = 0) -> None:
        self.hungry = asyncio.Event()
        self.events: list[tuple[Any, ...]] = []
        self.slow_disk = slow_disk
        self.broken_sink = broken_sink
        self.broken_frontier = broken_frontier
        self.groups: list[list[int]] = []
        self.heard: list[list[int]] = []
        self.records: list[Record] = []
        self.times: list[float] = []

    async def commit(self, visits: Sequence[Visit], offsets: Mapping[str, int]) -> Committed:
        """Take a group, as a frontier does."""
        if len(self.groups) + 1 == self.broken_frontier:
            raise StateError("the disk is full")
        self.groups.append([v.lease.id for v in visits])
        self.times.append(asyncio.get_running_loop().time())
        self.events.append(("commit", dict(offsets)))
        return Committed()

    async def write(self, records: Sequence[Record]) -> int:
        """Take records, as a sink does."""
        if self.slow_disk:
            await asyncio.sleep(self.slow_disk)
        if len([e for e in self.events if e[0] == "write"]) + 1 == self.broken_sink:
            raise SinkError("the disk is full")
        self.records.extend(records)
        self.events.append(("write", len(self.records)))
        return len(self.records)

    async def sync(self) -> None:
        """Be told to make it last, as a sink is."""
        self.events.append(("sync",))

    def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
        """Be told of a commit, as the observers are."""
        self.heard.append([v.lease.id for v in visits])
        self.events.append(("hear",))


def committing(
    feed: Callable[[Committer, Log], Any], log: Log, *, group: int = 4, interval: float = 0.25, power_safe: bool = False
) -> Log:
    """Run a committer on a clock that jumps while `feed` feeds it; close it then."""

    async def main() -> None:
        committer = Committer(
            frontier=log,  # type: ignore[arg-type] - it only ever commits
            sinks={"out": log},  # type: ignore[dict-item]
            group=group,
            interval=interval,
            power_safe=power_safe,
            hear=log.hear,
            at=lambda boundary: log.events.append(("at", boundary)),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(committer.run())
            await feed(committer, log)
            await committer.close()

    run(main())
    return log


class TestGroups:
    """When a group is closed."""

    def test_a_group_closes_when_it_is_full(self) -> None:
        """So many visits, whatever is still coming."""

        async def feed(committer: Committer, log: Log) -> None:
            for number in range(1, 11):
                await committer.put(visit(number))

        log = committing(feed, Log())
        assert log.groups == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]

    def test_a_group_closes_when_its_time_is_over(self) -> None:
        """The time counts from its first visit; later ones do not put it off."""

        async def feed(committer: Committer, log: Log) -> None:
            for number in range(1, 7):
                await committer.put(visit(number))
                await asyncio.sleep(0.1)

        log = committing(feed, Log(), group=64)
        assert log.groups == [[1, 2, 3], [4, 5, 6]]
        assert log.times == pytest.approx([0.25, 0.55])

    def test_a_group_closes_at_once_when_the_frontier_is_hungry(self) -> None:
        """Nobody waits for the interval when only a commit can bring more."""

        async def feed(committer: Committer, log: Log) -> None:
            log.hungry.set()
            for number in (1, 2):
                await committer.put(visit(number))
            await asyncio.sleep(1.0)
            await committer.put(visit(3))
            await asyncio.sleep(1.0)

        log = committing(feed, Log())
        assert log.groups == [[1, 2], [3]]
        assert log.times == [0.0, 1.0]

    def test_a_nudge_closes_the_group_that_is_there(self) -> None:
        """Hunger may come after the visits; before any visit it changes nothing."""

        async def feed(committer: Committer, log: Log) -> None:
            committer.nudge()
            await committer.put(visit(1))
            await asyncio.sleep(0.1)
            committer.nudge()
            await asyncio.sleep(1.0)

        assert committing(feed, Log()).times == [0.1]

    def test_visits_and_their_items_keep_their_order(self) -> None:
        """What was put first is committed and written first, also within a page."""

        async def feed(committer: Committer, log: Log) -> None:
            for number in range(1, 40):
                await committer.put(visit(number, items=number % 3))
                if number % 7 == 0:
                    committer.nudge()
                    await asyncio.sleep(0)

        log = committing(feed, Log())
        assert [number for group in log.groups for number in group] == list(range(1, 40))
        assert log.records == [{"n": n, "part": part} for n in range(1, 40) for part in range(n % 3)]
        assert log.heard == log.groups

    def test_closing_commits_what_was_put(self) -> None:
        """Nothing is left behind, and nothing waits for the interval."""

        async def feed(committer: Committer, log: Log) -> None:
            await committer.put(visit(1))

        assert committing(feed, Log()).times == [0.0]


class TestOrder:
    """Items, then facts, then the word."""

    def test_items_are_written_before_the_facts_are_committed(self) -> None:
        """The length that is committed is the length that was written; observers hear last."""

        async def feed(committer: Committer, log: Log) -> None:
            await committer.put(visit(1, items=2))

        events = committing(feed, Log()).events
        assert events == [
            ("at", "gathered"),
            ("write", 2),
            ("at", "written"),
            ("commit", {"out": 2}),
            ("at", "committed"),
            ("hear",),
        ]

    def test_power_safe_syncs_in_between(self) -> None:
        """Bytes that the facts speak of are on the disk before the facts are."""

        async def feed(committer: Committer, log: Log) -> None:
            await committer.put(visit(1))

        events = [e for e in committing(feed, Log(), power_safe=True).events if e[0] != "at"]
        assert [e[0] for e in events] == ["write", "sync", "commit", "hear"]

    def test_a_group_without_items_writes_nothing(self) -> None:
        """Its facts are committed, the outputs' lengths stay."""

        async def feed(committer: Committer, log: Log) -> None:
            await committer.put(visit(1, items=0))

        events = [e for e in committing(feed, Log()).events if e[0] != "at"]
        assert events == [("commit", {}), ("hear",)]

    def test_putting_waits_while_the_disk_is_behind(self) -> None:
        """What waits is bounded, so a slow disk slows the crawl and fills no memory."""
        ahead: list[int] = []

        async def feed(committer: Committer, log: Log) -> None:
            for number in range(1, 60):
                await committer.put(visit(number))
                committer.nudge()
                ahead.append(number - sum(map(len, log.groups)))

        log = committing(feed, Log(slow_disk=5.0))
        assert max(ahead) <= 3 * 4  # two groups wait and one is being written
        assert [number for group in log.groups for number in group] == list(range(1, 60))


class TestFailures:
    """What cannot be written ends the crawl, and was never counted."""

    @pytest.mark.parametrize("broken", [{"broken_sink": 2}, {"broken_frontier": 2}])
    def test_a_group_that_fails_was_not_heard(self, broken: dict[str, int]) -> None:
        """The error comes out as it is; only what was committed before is counted."""

        async def feed(committer: Committer, log: Log) -> None:
            for number in range(1, 20):
                await committer.put(visit(number))

        log = Log(**broken)
        with pytest.raises(ExceptionGroup) as caught:
            committing(feed, log)
        assert caught.group_contains(SinkError if "broken_sink" in broken else StateError)
        assert log.heard == log.groups == [[1, 2, 3, 4]]

    @pytest.mark.parametrize("broken", [1, 3])
    def test_a_sink_that_fails_stops_the_crawl_with_its_own_error(self, broken: int) -> None:
        """`execute` raises it, not a group of errors, and promptly: no worker waits for ever."""
        site = {f"http://h.test/{n}": f'<a href="/{n + 1}">' for n in range(40)}
        log = Log(broken_sink=broken)

        async def main() -> Run:
            clock = SteadyClock()
            async with FakeFetcher(site, clock=clock, latency=0.1) as fetcher:
                plan = make_plan(seeds=tuple(site), per_host=4, group=2)
                crawl = Run(plan, clock=clock, fetcher=fetcher, sinks={"bad": log})  # type: ignore[dict-item]
                with pytest.raises(SinkError, match="the disk is full"):
                    await crawl.execute()
                assert crawl.progress().counts.conserved
                return crawl

        crawl = run(main())
        assert crawl.tally.items == crawl.tally.pages == len(log.records)

    def test_a_disk_that_stands_still_holds_up_the_fetching(self) -> None:
        """Pages fetched and not yet committed are bounded by the workers and the committer's queue."""
        site = {f"http://h.test/{n}": "x" for n in range(200)}

        async def main() -> int:
            clock = SteadyClock()
            async with FakeFetcher(site, clock=clock, latency=0.1) as fetcher:
                plan = make_plan(seeds=tuple(site), workers=3, group=2, max_seconds=50.0, drain=0.0)
                sink = Log(slow_disk=1000.0)
                await Run(plan, clock=clock, fetcher=fetcher, sinks={"s": sink}).execute()  # type: ignore[dict-item]
                return len(fetcher.visits)

        assert run(main()) <= 3 + 3 * 2

    def test_a_limit_of_items_is_kept_exactly_on_a_slow_disk(self) -> None:
        """A visit that has ended and waits for the disk is not under way: a stop may not throw it away."""
        site = {f"http://h.test/{n}": "x" for n in range(40)}
        log = Log(slow_disk=20.0)

        async def main() -> None:
            clock = SteadyClock()
            async with FakeFetcher(site, clock=clock, latency=0.1) as fetcher:
                plan = make_plan(seeds=tuple(site), workers=8, group=1, max_items=20)
                await Run(plan, clock=clock, fetcher=fetcher, sinks={"slow": log}).execute()  # type: ignore[dict-item]

        run(main())
        assert len(log.records) == 20
