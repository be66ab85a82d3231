"""What a turn and a queued URL cost, however large the crawl is.

Times are compared inside one run, smallest against smallest, so that a busy machine changes nothing; memory is that of
a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from scraper.frontier.index import Index
from scraper.policy.politeness import host_of

FEW, MANY = 100, 50_000  # hosts
TURNS = 1000  # a measurement
ROUNDS = 9
MOST = 3.0  # times as long a turn may take with many hosts
BYTES_A_URL = 60
URLS = 1_000_000

CHILD = """
import asyncio, sys
from pathlib import Path
from scraper.clock import SystemClock
from scraper.frontier.sqlite import SqliteFrontier
from scraper.policy.politeness import host_of
from scraper.request import Request
from scraper.urls import Url

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

async def main(path, count, step=2000):
    frontier = SqliteFrontier(
        path, clock=SystemClock(), per_host=1, gap=lambda asked: 1.0, host_of=host_of, ask_robots=False
    )
    await frontier.open()
    await frontier.begin(1, {})
    async def offer(begin, end):
        for first in range(begin, end, step):
            await frontier.offer([
                Request(Url(f"http://host-{n % 500}.test/some/path/page-{n}.html?number={n}"))
                for n in range(first, first + step)
            ])
    await offer(0, 40_000)
    before = memory()
    await offer(40_000, 40_000 + count)
    assert frontier.counts().queued == 40_000 + count
    print((memory() - before) / count)
    await frontier.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def make_index(hosts: int, gap: float) -> Index:
    """Return an index with two requests for each host."""
    index = Index(limit=1, gap=lambda asked: gap, host_of=host_of, ask_robots=False)
    for number in range(2 * hosts):
        queue = index.queue(f"http://host-{number % hosts}.test")
        index.append(number + 1, queue, 0, 0.0)
    return index


def turns(index: Index, now: float, step: float) -> tuple[float, float]:
    """Take turns, put each request back; return the seconds of one turn and the clock time afterwards."""
    began = time.perf_counter()
    for _ in range(TURNS):
        now += step
        ((request, queue),) = index.lease(now, 1)
        index.release(request, queue.origin, now, now)
        where, priority = index.settle(request, now)
        index.put_back(request, where, priority, now)
    return (time.perf_counter() - began) / TURNS, now


def entries(index: Index) -> int:
    """Return how many places in a line or in a heap there are."""
    return sum(map(len, index._ready.values())) + len(index._resting)


@pytest.mark.parametrize(("gap", "step"), [(0.0, 0.001), (1.0, 1.0)], ids=["never-resting", "always-resting"])
def test_a_turn_costs_the_same_with_many_hosts_as_with_few(gap: float, step: float) -> None:
    """O(log n) in hosts: 500 times as many hosts, at most 3 times the price."""
    sizes = {hosts: (make_index(hosts, gap), [0.0]) for hosts in (FEW, MANY)}
    prices: dict[int, list[float]] = {FEW: [], MANY: []}
    for _ in range(ROUNDS):
        for hosts, (index, clock) in sizes.items():
            price, now = turns(index, clock[-1], step)
            clock.append(now)
            prices[hosts].append(price)
    assert min(prices[MANY]) <= MOST * min(prices[FEW])


def test_the_heaps_do_not_grow_with_turns() -> None:
    """Entries that were overtaken are thrown away: a crawl of years needs the heaps of its hosts."""
    for gap, step in ((0.0, 0.001), (1.0, 1.0), (1.0, 0.5)):
        index = make_index(FEW, gap)
        now = turns(index, 0.0, max(step, gap))[1]
        sizes = []
        for _ in range(5):
            now = turns(index, now, max(step, gap))[1]
            sizes.append(entries(index) + len(index._delayed))
        assert max(sizes) <= 4 * FEW


def test_what_changes_nothing_gives_no_new_turn() -> None:
    """A host that stands where it may be asked keeps its place when one of its requests goes out or comes back."""
    index = Index(limit=9, gap=lambda asked: 0.0, host_of=host_of, ask_robots=False)
    queue = index.queue("http://host.test")
    for number in range(1, 10):
        index.append(number, queue, 0, 0.0)
    leased = index.lease(1.0, 5)
    before = entries(index)
    for request, where in leased:
        assert index.sent(request, where.origin, 1.0, 1.0)
        index.release(request, where.origin, 1.0, 1.0)
    assert entries(index) == before == 1


@pytest.mark.slow
def test_a_queued_url_costs_at_most_sixty_bytes(tmp_path: Path) -> None:
    """A million URLs in 500 queues, fingerprints included: the resident memory of the process that holds them."""
    result = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "run.db"), str(URLS)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert float(result.stdout) <= BYTES_A_URL
