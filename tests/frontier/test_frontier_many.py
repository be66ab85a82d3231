"""More requests than are kept in memory: what was left on disk is read again, each at its turn and as it was."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

import pytest

from scraper.frontier.sqlite import SqliteFrontier
from scraper.frontier.store import MEMORY, RUN_ROWS
from scraper.outcome import Fetched, Reason
from scraper.policy.politeness import host_of
from scraper.request import Request
from scraper.testing.frontier_steps import WaitingClock, fixed_gap
from scraper.visit import Visit

MANY = 9000  # twice the texts that are kept, and some
HOSTS = 3


def frontier_on(path: Path | str) -> SqliteFrontier:
    """Return a frontier with two slots a host."""
    return SqliteFrontier(path, clock=WaitingClock(), per_host=2, gap=fixed_gap(0.0), host_of=host_of, ask_robots=False)


def request(number: int) -> Request:
    """Return a request that can be told from all others by everything that it carries."""
    return Request(
        f"http://h{number % HOSTS}.test/{number}",
        f"callback_{number}",
        meta={"n": number},
        headers={"X-Number": str(number)} if number % 2 else {},
        priority=number % 5 == 0,
        depth=number % 9,
    )


@pytest.mark.parametrize("where", ["disk", "memory", "reopened"])
def test_each_comes_once_at_its_turn_and_as_it_was(tmp_path: Path, where: str) -> None:
    """Whether its text stayed in memory, was read ahead, or read when its turn came."""
    path = MEMORY if where == "memory" else tmp_path / "run.db"

    async def main() -> dict[tuple[str, int], list[int]]:
        frontier = frontier_on(path)
        await frontier.open()
        await frontier.begin(1, {})
        for begin in range(0, MANY, 1000):
            await frontier.offer([request(number) for number in range(begin, begin + 1000)])
        if where == "reopened":
            await frontier.close()
            frontier = frontier_on(path)
            await frontier.open()
        turns: dict[tuple[str, int], list[int]] = defaultdict(list)
        while leases := await frontier.lease(5):
            for lease in leases:
                number = lease.request.meta["n"]
                assert lease.request == request(number)
                turns[lease.origin, lease.request.priority].append(number)
                frontier.release(lease, None)
            await frontier.commit([Visit(lease, Fetched(200)) for lease in leases], {})
        assert frontier.counts().finished == MANY
        await frontier.close()
        return turns

    turns = asyncio.run(main())
    assert len(turns) == 2 * HOSTS
    assert sum(map(len, turns.values())) == MANY
    for numbers in turns.values():
        assert numbers == sorted(numbers)


async def test_going_on_reads_every_run_of_rows(tmp_path: Path) -> None:
    """More requests than are read at a time, some done, of several hosts and priorities: each in its order, once."""
    asked = [
        Request(f"http://{'abc'[n % 3]}.test/{n}", priority=n % 2 * 7 - 3 * (n % 5 == 0))
        for n in range(2 * RUN_ROWS + 5)
    ]
    frontier = frontier_on(tmp_path / "run.db")
    await frontier.open()
    await frontier.begin(1, {})
    await frontier.offer(asked, [("mailto:a@b.test", Reason.SCHEME)])
    done = await frontier.lease(3)
    await frontier.commit([Visit(lease, Fetched(200)) for lease in done], {})
    ended = {lease.request.url for lease in done}
    await frontier.close()
    again = frontier_on(tmp_path / "run.db")
    assert (await again.open()).counts.queued == len(asked) - len(ended)
    assert len(again._books.seen) == len(asked) + 1
    assert (await again.offer(asked, [("mailto:a@b.test", Reason.SCHEME)])).duplicates == len(asked)
    for queue in again._index.by_id:
        mine = [(number, one) for number, one in enumerate(asked, 1) if one.url.startswith(queue.origin)]
        waiting = [(number, one) for number, one in mine if one.url not in ended]
        in_order = [number for number, _ in sorted(waiting, key=lambda entry: (-entry[1].priority, entry[0]))]
        assert [again._index._lanes.take(queue)[0] for _ in range(queue.length)] == in_order
    await again.close()
