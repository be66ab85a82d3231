"""The embedded frontier: the index in RAM decides, the store on disk remembers.

A commit first works out everything in RAM, then writes one transaction in the store's own thread, and only when that
is durable lets the index act on it: nothing becomes visible that a kill could take back. With the path MEMORY the same
code runs without a thread and without a disk.

What a URL means, whether it may be in the crawl and what to do with a response are decided elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from scraper.clock import Clock
from scraper.errors import StateDamaged
from scraper.frontier.base import Committed, Counts, Gap, HostPolicy, OutputState, Resumed
from scraper.frontier.books import Books
from scraper.frontier.entry import Entry
from scraper.frontier.hosts import HostQueue
from scraper.frontier.index import Index
from scraper.frontier.restoring import restore
from scraper.frontier.store import MEMORY, Store
from scraper.outcome import Reason
from scraper.policy.budget import Budget
from scraper.policy.pace import Heard, Pacing
from scraper.request import Request
from scraper.urls import Url
from scraper.visit import Lease, Visit

__all__ = ["SqliteFrontier"]

SHORTEST_WAIT = 1e-6  # seconds; a sum of floats may be a hair too small, and a timer of that length never passes
READ_AHEAD = 32  # texts of one host's next requests that are read with the one that is due

T = TypeVar("T")


class SqliteFrontier:
    """The crawl's memory in one file, for one process."""

    def __init__(
        self,
        path: Path | str,
        *,
        clock: Clock,
        per_host: int,
        gap: Gap,
        host_of: Callable[[str], str],
        ask_robots: bool,
        power_safe: bool = False,
        pacing: Pacing | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.hungry = asyncio.Event()
        self.on_hungry: Callable[[], None] = _nothing
        self.resting_seconds = 0.0  # time that a free worker waited for a host to have rested
        self._clock = clock
        self._index = Index(limit=per_host, gap=gap, host_of=host_of, ask_robots=ask_robots, pacing=pacing)
        self._books = Books(self._index, clock, budget)
        self.knows: Callable[[Url], bool] = self._books.recent.has  # what was offered long ago is found at the commit
        self._store = Store(path, power_safe=power_safe)
        self._thread = None if path == MEMORY else ThreadPoolExecutor(1, thread_name_prefix="frontier")
        self._wake = asyncio.Event()
        self._stopped = False

    async def open(self) -> Resumed:
        """Open or create the file and rebuild the index; raise StateDamaged for a file that is not ours."""
        await self._run(self._store.open)
        run = await self._run(self._store.run)
        self._books.set_time(await self._run(self._store.last_moment))
        if run is None:
            return Resumed(1, "new", self._clock.wall())
        with self._store.understood():
            await self._run(lambda: restore(self._books, self._store))
            outputs = {
                name: OutputState(msgspec.json.decode(place, type=dict[str, Any]), offset)
                for name, place, offset in await self._run(self._store.outputs)
            }
        number, started, status = run
        return Resumed(number, status, started, outputs, await self._run(self._store.history), self._index.counts())

    async def begin(self, run: int, outputs: Mapping[str, OutputState]) -> None:
        """Write down that a run has begun and where its outputs are."""
        rows = [(name, msgspec.json.encode(dict(out.place)), out.offset) for name, out in outputs.items()]
        await self._run(lambda: self._store.begin(run, self._clock.wall(), rows))

    async def offer(self, requests: Sequence[Request], refusals: Sequence[tuple[str, Reason]] = ()) -> Committed:
        """Accept seeds that were not seen before, durably."""
        entry = Entry(self._books)
        entry.offer(requests, refusals, parent=0)
        return await self._write(entry)

    async def commit(self, visits: Sequence[Visit], offsets: Mapping[str, int]) -> Committed:
        """Record outcomes, links and output offsets in one transaction."""
        entry = Entry(self._books)
        entry.batch.offsets.update(offsets)
        for visit in visits:
            entry.record(visit)
        return await self._write(entry)

    async def _write(self, entry: Entry) -> Committed:
        entry.rest(self._clock.now())
        entry.keep_budget()
        await self._run(lambda: self._store.write(entry.batch))
        entry.apply(self._clock.now())
        self._wake.set()
        return entry.result()

    async def lease(self, limit: int) -> list[Lease]:
        """Wait until at least one request may be made; return up to `limit`, or [] when the crawl is over."""
        while not self._stopped:
            taken = self._index.lease(self._clock.now(), limit)
            if taken:
                await self._read_texts(taken)
                return [self._books.lease(request, queue) for request, queue in taken]
            if self._index.over:
                break
            await self._starve()
        return []

    async def _starve(self) -> None:
        now = self._clock.now()
        until = self._index.next_event()
        self._wake.clear()
        self.hungry.set()
        self.on_hungry()
        await self._clock.wait(self._wake, None if until == inf else max(until - now, SHORTEST_WAIT))
        self.hungry.clear()
        if until != inf:
            self.resting_seconds += self._clock.now() - now

    async def _read_texts(self, taken: Sequence[tuple[int, HostQueue]]) -> None:
        """Read the texts of leased requests that are not in RAM, and of what the same hosts will yield next."""
        missing = [(request, queue) for request, queue in taken if request and not self._books.knows(request)]
        if not missing:
            return
        wanted = {request for request, _ in missing}
        if self._books.has_room:
            ahead = READ_AHEAD // len(missing)
            for _, queue in missing:
                wanted.update(i for i in self._index.ahead(queue, ahead) if not self._books.knows(i))
        rows = await self._run(lambda: self._store.read(sorted(wanted)))
        if len(rows) != len(wanted):
            raise StateDamaged(f"{self._store!r} has lost {len(wanted) - len(rows)} requests; start over with --fresh")
        with self._store.understood():
            self._books.remember_rows(rows)

    def sent(self, lease: Lease, at: float) -> None:
        """Let the host rest from `at`, when the request went out."""
        if self._index.sent(lease.id, lease.origin, at, self._clock.now()):
            self._wake.set()

    def release(self, lease: Lease, sent_at: float | None, heard: Heard | None = None) -> None:
        """Free the host's slot; it rests from `sent_at`, or not at all when nothing was sent."""
        self._index.release(lease.id, lease.origin, sent_at, self._clock.now(), heard)
        self._wake.set()

    def host_policy(self, origin: str, policy: HostPolicy) -> None:
        """Apply what is known of an origin."""
        self._books.note_robots(origin, policy)
        self._index.host_policy(origin, policy, self._clock.now())
        self._wake.set()

    def counts(self) -> Counts:
        """Return where the accepted requests are."""
        return self._index.counts()

    def stop(self) -> None:
        """Make this and every later `lease` answer []."""
        self._stopped = True
        self._wake.set()

    async def mark(self, status: str) -> None:
        """Write down the run's status; "ended" and "failed" are for good."""
        ended = self._clock.wall() if status in ("ended", "failed") else None
        await self._run(lambda: self._store.mark(status, ended))

    async def close(self) -> None:
        """Close the file; what is not committed is leased again by the next run."""
        await self._run(self._store.close)
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def __repr__(self) -> str:
        counts = self._index.counts()
        return f"<Frontier {counts.hosts} hosts | {counts.queued} queued | {counts.in_flight} in flight>"


def _nothing() -> None:
    """Stand in until somebody wants to hear of hunger."""
