"""Pages that only a redirect chain led to: they are its own while it goes on, and anybody's when it was given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from scraper.frontier.sqlite import SqliteFrontier
from scraper.outcome import Failed, Fetched, Moved, Outcome, Reason, Refused
from scraper.policy.politeness import host_of
from scraper.testing.frontier_steps import Memory, WaitingClock, fixed_gap
from scraper.urls import canonical

A = "http://a.test"
GIVEN_UP = Refused(Reason.REDIRECT_LIMIT, "more than 2 redirects")


async def opened(path: Path) -> Memory:
    """Open the crawl's memory as a process does."""
    clock = WaitingClock()
    frontier = SqliteFrontier(path, clock=clock, per_host=9, gap=fixed_gap(0.0), host_of=host_of, ask_robots=False)
    resumed = await frontier.open()
    if resumed.status == "new":
        await frontier.begin(1, {})
    return Memory(frontier, clock, resumed)


async def reopened(it: Memory, path: Path) -> Memory:
    """End the process and begin another one."""
    await it.frontier.close()
    return await opened(path)


async def same(it: Memory, path: Path) -> Memory:
    """Go on in the same process."""
    return it


async def moved(it: Memory, *targets: str) -> None:
    """Redirect the next request from one target to the other."""
    for target in targets:
        await it.end(await it.one(), Moved(canonical(A + target), 302))


Process = Callable[[Memory, Path], Awaitable[Memory]]


@pytest.mark.parametrize(("then", "at_last"), [(same, same), (reopened, same), (same, reopened)])
def test_what_a_given_up_chain_owned_may_be_had_by_others(tmp_path: Path, then: Process, at_last: Process) -> None:
    """Its targets are new again, in a later process too; the page that it began with has had its visit."""

    async def main() -> None:
        it = await opened(tmp_path / "run.db")
        await it.offer(f"{A}/1")
        await moved(it, "/x", "/1", "/y")
        it = await then(it, tmp_path / "run.db")
        await it.end(await it.one(), GIVEN_UP)
        it = await at_last(it, tmp_path / "run.db")
        await it.offer(f"{A}/1", f"{A}/x", f"{A}/y")
        assert await it.drain() == [f"{A}/x", f"{A}/y"]
        await it.frontier.close()

    asyncio.run(main())


@pytest.mark.parametrize("then", [same, reopened])
@pytest.mark.parametrize("end", [Fetched(200), Failed("http_404", 404), Refused(Reason.ROBOTS)])
def test_what_a_chain_came_to_is_its_own(tmp_path: Path, then: Process, end: Outcome) -> None:
    """Nobody else would get anything else there."""

    async def main() -> None:
        it = await opened(tmp_path / "run.db")
        await it.offer(f"{A}/1")
        await moved(it, "/x", "/y")
        await it.end(await it.one(), end)
        it = await then(it, tmp_path / "run.db")
        await it.offer(f"{A}/x", f"{A}/y")
        assert await it.drain() == []
        await it.frontier.close()

    asyncio.run(main())


def test_a_link_to_a_chain_under_way_is_not_lost_with_it(tmp_path: Path) -> None:
    """Who asked for its page meanwhile gets it, as it was asked for; what nobody asked for stays away."""

    async def main() -> None:
        it = await opened(tmp_path / "run.db")
        await it.offer(f"{A}/1")
        await moved(it, "/x", "/y")
        await it.offer(f"{A}/2")
        chain = await it.one()
        await it.end(await it.one(), Fetched(200), f"{A}/x")
        assert it.frontier.counts().accepted == 2
        await it.end(chain, GIVEN_UP)
        lease = await it.one()
        assert (lease.request.url, lease.request.depth, lease.chain) == (f"{A}/x", 1, ())
        await it.end(lease)
        assert await it.drain() == []
        await it.frontier.close()

    asyncio.run(main())
