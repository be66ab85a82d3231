"""The rules that every frontier keeps, as tests: subclass `FrontierContract` and say how to make yours.

    class TestMyFrontier(FrontierContract):
        def make(self, folder, clock, **politeness): return MyFrontier(folder / "run", clock=clock, **politeness)

Invariants checked: accepted = queued + in flight + finished after every step; nobody is leased a host that is full or
rests; a request ends once. What a kill leaves is in `frontier_durable`. pytest collects the class; neither pytest nor a
plugin is imported, and no rule waits: time passes on a clock that jumps when somebody waits for it.
"""

from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

from scraper.frontier.base import Frontier, Gap, HostPolicy, OutputState
from scraper.outcome import Failed, Fetched, Moved, Reason, Refused, Retry
from scraper.request import Request
from scraper.testing.frontier_steps import Memory, WaitingClock, fixed_gap
from scraper.urls import canonical
from scraper.visit import Visit

__all__ = ["FrontierContract", "rule"]

A, B = "http://a.test", "http://b.test"

Rule: TypeAlias = Callable[["FrontierContract", Path], None]


def rule(test: Callable[[Any, Path], Coroutine[Any, Any, None]]) -> Rule:
    """Run an async rule in a loop of its own, so that no plugin is needed."""

    @functools.wraps(test)
    def run(self: FrontierContract, tmp_path: Path) -> None:
        asyncio.run(test(self, tmp_path))

    return run


class FrontierContract(ABC):
    """Subclass it as `Test…` in a test module; `make` is all that a subclass has to write."""

    @abstractmethod
    def make(self, folder: Path, clock: WaitingClock, *, per_host: int, gap: Gap, ask_robots: bool) -> Frontier:
        """Return a frontier, not yet open, on the one memory below `folder`; the unit of politeness is a host name."""

    @asynccontextmanager
    async def opened(
        self,
        folder: Path,
        *,
        clock: WaitingClock | None = None,
        per_host: int = 1,
        delay: float = 0.0,
        robots: bool = False,
        outputs: Mapping[str, OutputState] | None = None,
    ) -> AsyncIterator[Memory]:
        """Open the memory as a new process would; close it at the end, whatever was left undone."""
        clock = clock or WaitingClock()
        frontier = self.make(folder, clock, per_host=per_host, gap=fixed_gap(delay), ask_robots=robots)
        try:
            resumed = await frontier.open()
            if resumed.status == "new":
                await frontier.begin(resumed.run, outputs or {})
            memory = Memory(frontier, clock, resumed)
            memory.check()
            yield memory
        finally:
            await frontier.close()

    # -- whose turn it is --------------------------------------------------------------------------------------------

    @rule
    async def test_an_empty_crawl_is_over(self, tmp_path: Path) -> None:
        """Nothing queued and nothing in flight: `lease` answers [] and does not wait."""
        async with self.opened(tmp_path) as it:
            assert it.resumed.status == "new"
            assert await it.lease() == []

    @rule
    async def test_each_request_is_accepted_once(self, tmp_path: Path) -> None:
        """URL, method and body are what a request is; a refusal is a link and a reason. A second one is not new."""
        async with self.opened(tmp_path) as it:
            same = [Request(f"{A}/"), Request(f"{A}/#x", "other"), Request(f"{A}/", priority=9)]
            other = [Request(f"{A}/", method="POST"), Request(f"{A}/", method="POST", body="x"), Request(f"{B}/")]
            committed = await it.frontier.offer([*same, *other])
            assert (committed.accepted, committed.duplicates) == (4, 2)
            committed = await it.frontier.offer([*same, *other])
            assert (committed.accepted, committed.duplicates) == (0, 6)
            refusals = [("mailto:a", Reason.SCHEME), ("mailto:a", Reason.SCHEME), ("mailto:a", Reason.INVALID_URL)]
            assert dict((await it.frontier.offer([], refusals)).refused) == {"scheme": 1, "invalid_url": 1}
            assert dict((await it.frontier.offer([], refusals)).refused) == {}

    @rule
    async def test_turns_are_first_come_first_served_within_a_priority(self, tmp_path: Path) -> None:
        """A higher priority goes first, whenever it came."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1", Request(f"{A}/low", priority=-1), f"{A}/2", Request(f"{A}/high", priority=5))
            first = await it.one()
            await it.end(first, Fetched(200), f"{A}/3", Request(f"{A}/higher", priority=6))
            assert [first.request.url, *await it.drain()] == [
                f"{A}/{n}" for n in ("high", "higher", "1", "2", "3", "low")
            ]

    @rule
    async def test_a_priority_counts_among_hosts_too(self, tmp_path: Path) -> None:
        """Of the hosts that may be visited now, the one with the highest request is next, however late that came."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1", f"{B}/1", Request(f"{B}/high", priority=3))
            assert [(await it.one()).request.url for _ in "ab"] == [f"{B}/high", f"{A}/1"]

    @rule
    async def test_a_host_rests_from_the_moment_its_request_was_sent(self, tmp_path: Path) -> None:
        """No request of the host is leased before; those of other hosts are."""
        async with self.opened(tmp_path, delay=10.0) as it:
            await it.offer(f"{A}/1", f"{A}/2", f"{B}/1")
            first, second = await it.lease()
            it.clock.time = 3.0
            it.frontier.release(first, 2.0)
            it.frontier.release(second, 2.5)
            await it.frontier.commit([Visit(first, Fetched(200)), Visit(second, Fetched(200))], {})
            await it.lease()
            assert it.clock.now() == 12.0

    @rule
    async def test_nobody_is_leased_a_host_whose_request_has_not_gone_out(self, tmp_path: Path) -> None:
        """Who is slow to connect would arrive beside the next one. It is the request that counts, not its answer."""
        async with self.opened(tmp_path, delay=10.0, per_host=2) as it:
            await it.offer(f"{A}/1", f"{A}/2", f"{B}/1")
            first = await it.one()
            it.clock.time = 30.0
            assert [lease.origin for lease in await it.lease()] == [B]
            it.frontier.sent(first, 25.0)
            assert ((await it.one()).origin, it.clock.now()) == (A, 35.0)

    @rule
    async def test_a_lease_that_sent_nothing_costs_the_host_no_rest(self, tmp_path: Path) -> None:
        """A page that robots.txt forbids does not hold up the next one."""
        async with self.opened(tmp_path, delay=10.0) as it:
            await it.offer(f"{A}/1", f"{A}/2")
            lease = await it.one()
            it.release(lease, sent=False)
            await it.frontier.commit([Visit(lease, Refused(Reason.ROBOTS))], {})
            await it.one()
            assert it.clock.now() == 0.0

    @rule
    async def test_no_host_has_more_requests_than_its_slots(self, tmp_path: Path) -> None:
        """A released slot can be leased again before its visit is committed."""
        async with self.opened(tmp_path, per_host=2) as it:
            await it.offer(*(f"{A}/{n}" for n in range(5)))
            held = await it.lease()
            assert len(held) == 2
            it.release(held[0])
            assert len(await it.lease()) == 1
            it.release(held[1])
            assert len(await it.lease()) == 1

    @rule
    async def test_all_origins_of_a_name_share_its_rest_and_slots(self, tmp_path: Path) -> None:
        """Ports and schemes are one machine; each still gets its turn."""
        origins = (A, "https://a.test", "http://a.test:8080")
        async with self.opened(tmp_path, delay=1.0) as it:
            await it.offer(*(f"{where}/{n}" for where in origins for n in range(2)))
            seen = []
            while leases := await it.lease():
                assert len(leases) == 1
                seen.append((it.clock.now(), leases[0].origin))
                await it.end(leases[0])
            assert [at for at, _ in seen] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
            assert {where for _, where in seen[:3]} == set(origins)

    @rule
    async def test_robots_txt_is_an_origins_first_visit(self, tmp_path: Path) -> None:
        """Its other requests wait until it is known, those of other origins do not; it is asked again when too old."""
        async with self.opened(tmp_path, robots=True) as it:
            await it.offer(f"{A}/1", f"{A}/2", f"{B}/1")
            asked = await it.lease()
            assert {str(lease.request.url) for lease in asked} == {f"{A}/robots.txt", f"{B}/robots.txt"}
            assert all(lease.is_robots for lease in asked)
            for lease in asked:
                await it.end(lease)
            known, unknown = asked
            it.frontier.host_policy(known.origin, HostPolicy(robots_until=50.0))
            (page,) = await it.lease()
            assert (page.origin, page.is_robots) == (known.origin, False)
            await it.end(page)
            it.clock.time = 50.0
            it.frontier.host_policy(unknown.origin, HostPolicy(robots_until=100.0))
            again = {(lease.origin, lease.is_robots) for lease in await it.lease()}
            assert again >= {(unknown.origin, False)}
            assert (known.origin, False) not in again

    @rule
    async def test_a_sites_wishes_are_kept(self, tmp_path: Path) -> None:
        """A crawl delay counts from the last request to the host; a rest is kept by all of the host's requests."""
        async with self.opened(tmp_path, delay=1.0) as it:
            await it.offer(*(f"{A}/{n}" for n in range(4)))
            await it.end(await it.one())
            it.frontier.host_policy(A, HostPolicy(crawl_delay=20.0))
            await it.end(await it.one())
            assert it.clock.now() == 20.0
            it.frontier.host_policy("https://a.test", HostPolicy(rest_until=500.0))
            await it.end(await it.one())
            assert it.clock.now() == 500.0
            await it.one()
            assert it.clock.now() == 520.0

    # -- what became of it -------------------------------------------------------------------------------------------

    @rule
    async def test_a_retry_waits_and_holds_nobody_up(self, tmp_path: Path) -> None:
        """The request comes back not before its delay, with one more try behind it."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1", f"{A}/2")
            await it.end(await it.one(), Retry("http_503", 30.0, 503))
            other = await it.one()
            assert (it.clock.now(), other.request.url, other.attempt) == (0.0, f"{A}/2", 0)
            await it.end(other)
            it.clock.time = 29.75
            await it.offer(f"{B}/1")
            assert [lease.origin for lease in await it.lease()] == [B]
            again = await it.one()
            assert (it.clock.now(), again.request.url, again.attempt) == (30.0, f"{A}/1", 1)
            await it.end(again, Failed("http_503", 503))
            assert it.frontier.counts().finished == 2

    @rule
    async def test_a_redirect_goes_on_at_its_target_as_the_same_request(self, tmp_path: Path) -> None:
        """It keeps what it carries and its whole chain, and takes its turn in the target's queue."""
        async with self.opened(tmp_path, delay=5.0) as it:
            await it.offer(Request(f"{A}/1", "book", meta={"n": 1}), f"{A}/2", f"{B}/1")
            start = await it.one()
            assert await it.end(start, Moved(canonical(f"{B}/moved"), 302)) == {}
            (hop,) = [lease for lease in await it.lease() if lease.id == start.id]
            assert (hop.request.url, hop.origin, hop.chain) == (f"{B}/moved", B, (f"{A}/1",))
            assert (hop.request.callback, hop.request.meta) == ("book", {"n": 1})
            await it.end(hop, Moved(canonical(f"{A}/1"), 302))
            assert it.frontier.counts().accepted == 3

    @rule
    async def test_a_redirect_onto_anothers_page_is_a_duplicate(self, tmp_path: Path) -> None:
        """Whoever came first owns a page: a request that waits for it, or one that was redirected to it."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1", f"{A}/2", f"{A}/3")
            first, second = await it.one(), canonical(f"{A}/3")
            assert await it.end(first, Moved(second, 301)) == {first.id: Reason.DUPLICATE}
            mover = await it.one()
            assert await it.end(mover, Moved(canonical(f"{A}/target"), 301)) == {}
            await it.end(await it.one(), Fetched(200), f"{A}/target", f"{A}/1")
            assert await it.drain() == [f"{A}/3"]

    @rule
    async def test_a_hop_begins_with_no_tries(self, tmp_path: Path) -> None:
        """What one server cost in patience is not taken from the next one."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1")
            await it.end(await it.one(), Retry("timeout", 1.0))
            await it.end(await it.one(), Moved(canonical(f"{B}/1"), 302))
            assert (await it.one()).attempt == 0

    @rule
    async def test_a_redirect_into_its_own_chain_is_followed(self, tmp_path: Path) -> None:
        """A cookie wall sends the visitor away and back; only the hop limit ends that."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1")
            for target in (f"{A}/wall", f"{A}/1", f"{A}/1"):
                assert await it.end(await it.one(), Moved(canonical(target), 302)) == {}
            last = await it.one()
            assert (last.request.url, last.chain) == (f"{A}/1", (f"{A}/1", f"{A}/wall", f"{A}/1"))

    @rule
    async def test_stop_ends_leasing_for_good(self, tmp_path: Path) -> None:
        """What is under way can still be released and committed."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1", f"{B}/1")
            lease = await it.one()
            it.frontier.stop()
            assert await it.lease() == []
            await it.end(lease)
            assert (await it.lease(), it.frontier.counts().finished) == ([], 1)

    @rule
    async def test_a_lease_that_waits_for_a_commit_is_hungry(self, tmp_path: Path) -> None:
        """Only a commit can bring more, so `hungry` asks for one; it is over as soon as there is something."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1")
            held = await it.one()
            it.clock.patience = 5.0
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(it.frontier.lease(1))
                await asyncio.wait_for(it.frontier.hungry.wait(), it.clock.patience)
                await it.end(held, Fetched(200), f"{A}/2")
            assert [str(lease.request.url) for lease in waiting.result()] == [f"{A}/2"]
            assert not it.frontier.hungry.is_set()
