"""The frontier alone: memory and disk of queued URLs, the cost of a resume, and of a turn with many hosts."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.steps.material import Material
from scraper.clock import SystemClock
from scraper.frontier.base import HostPolicy
from scraper.outcome import Fetched
from scraper.request import Request
from scraper.runs.wiring import make_frontier
from scraper.visit import Visit

__all__ = ["queued", "resumed", "turns"]

BATCH = 5000  # requests that are offered at once
FIRST = 500  # requests before anything is counted
HOSTS = 1000  # that the queued URLs are on
GROUP = 64  # visits a commit
_KNOWN = HostPolicy(robots_until=1e12)


def queued(folder: Path, sizes: Sequence[int]) -> dict[str, Any]:
    """Queue URLs up to each of `sizes`; return bytes of memory and disk, and microseconds, a URL at each."""
    return asyncio.run(_queued(folder, sizes))


async def _queued(folder: Path, sizes: Sequence[int]) -> dict[str, Any]:
    frontier = await _open(folder)
    requests = _requests(HOSTS)
    await frontier.offer(list(islice(requests, FIRST)))  # what is made once is there from now on
    gc.collect()
    before, done, spent, found = machine.own_memory(), FIRST, 0.0, {}
    for size in sizes:
        while done < size:
            batch = list(islice(requests, min(BATCH, size - done)))
            began = time.process_time()
            await frontier.offer(batch)
            spent += time.process_time() - began
            done += len(batch)
        gc.collect()
        found[str(size)] = {
            "memory_bytes": (machine.own_memory() - before) / (done - FIRST),
            "disk_bytes": sum(file.stat().st_size for file in folder.iterdir()) / done,
            "offer_us": spent / (done - FIRST) * 1e6,
        }
    await frontier.close()
    return found


def resumed(folder: Path) -> dict[str, Any]:
    """Open what `queued` left behind; return seconds of CPU a million rows, and bytes of memory a URL."""
    return asyncio.run(_resumed(folder))


async def _resumed(folder: Path) -> dict[str, Any]:
    frontier = _frontier(folder)
    gc.collect()
    before, began = machine.own_memory(), time.process_time()
    memory = await frontier.open()
    spent = time.process_time() - began
    gc.collect()
    rows = memory.counts.accepted
    await frontier.close()
    return {
        "rows": rows,
        "cpu_seconds_a_million": spent / rows * 1e6,
        "memory_bytes": (machine.own_memory() - before) / rows,
    }


def turns(folder: Path, hosts: int, requests: int) -> dict[str, Any]:
    """Take `requests` on `hosts` hosts through lease, release and commit; return microseconds a request."""
    return asyncio.run(_turns(folder, hosts, requests))


async def _turns(folder: Path, hosts: int, requests: int) -> dict[str, Any]:
    frontier = await _open(folder)
    made = list(islice(_requests(hosts), requests))
    for first in range(0, requests, BATCH):
        await frontier.offer(made[first : first + BATCH])
    for origin in {f"http://h{number}.test" for number in range(min(hosts, requests))}:
        frontier.host_policy(origin, _KNOWN)
    gc.collect()
    done, began = 0, time.process_time()
    while leases := await frontier.lease(GROUP):
        for lease in leases:
            frontier.release(lease, None)
        await frontier.commit([Visit(lease, Fetched(200)) for lease in leases], {})
        done += len(leases)
    spent = time.process_time() - began
    await frontier.close()
    return {"requests": done, "us": spent / done * 1e6}


async def _open(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    frontier = _frontier(folder)
    await frontier.open()
    await frontier.begin(1, {})
    return frontier


def _frontier(folder: Path) -> Any:
    return make_frontier(Material(folder).plan(), folder / "run.db", clock=SystemClock())


def _requests(hosts: int) -> Iterator[Request]:
    number = 0
    while True:
        yield Request(f"http://h{number % hosts}.test/catalogue/some-book-with-a-name_{number}/index.html")
        number += 1
