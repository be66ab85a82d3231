"""The few steps that rules about a frontier are made of, and a clock for them that jumps when somebody waits.

Invariant: after every step the first law is checked, accepted = queued + in flight + finished. Several processes, one
after the other, are several `Memory` objects: their monotonic clocks have nothing in common, their wall clock is one.

No back end and no test runner may enter here.
"""

from __future__ import annotations

import asyncio

from scraper.frontier.base import Frontier, Gap, Resumed
from scraper.outcome import Fetched, Outcome, Reason
from scraper.request import Request
from scraper.visit import Lease, Visit

__all__ = ["EPOCH", "Memory", "Stuck", "WaitingClock", "fixed_gap"]

EPOCH = 1_700_000_000.0  # what the wall says when the clock begins


class Stuck(RuntimeError):
    """Somebody waits for ever: no time can pass that would help."""


class WaitingClock:
    """A clock that stands until somebody waits, and then is there. A new process has another `now`, and one wall."""

    def __init__(self, start: float = 0.0, *, wall: float = EPOCH) -> None:
        self.time = start
        self.patience = 0.0  # real seconds that an endless wait is given, where another task will end it
        self._behind = wall - start  # the wall is so many seconds ahead of `now`

    def now(self) -> float:
        """Return the seconds that were waited for, from `start`."""
        return self.time

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return self.time + self._behind

    def cpu(self) -> float:
        """Return none: no work is measured here."""
        return 0.0

    def queued(self) -> float:
        """Return none, for the same reason."""
        return 0.0

    async def wait(self, event: asyncio.Event, timeout: float | None) -> bool:
        """Jump to the end of the wait; raise Stuck when it has none."""
        await asyncio.sleep(0)
        if event.is_set():
            return True
        if timeout is not None:
            self.time += timeout
            return False
        try:
            async with asyncio.timeout(self.patience):
                return await event.wait()
        except TimeoutError:
            raise Stuck("everybody waits and no time is set") from None


def fixed_gap(delay: float) -> Gap:
    """Return a politeness of `delay` seconds, or more when the site asks for more."""
    return lambda crawl_delay: max(delay, crawl_delay or 0.0)


class Memory:
    """An open frontier with its clock, and the few steps that every rule is made of."""

    def __init__(self, frontier: Frontier, clock: WaitingClock, resumed: Resumed) -> None:
        self.frontier = frontier
        self.clock = clock
        self.resumed = resumed

    async def offer(self, *requests: Request | str) -> None:
        """Accept seeds."""
        await self.frontier.offer([Request(r) if isinstance(r, str) else r for r in requests])
        self.check()

    async def lease(self, limit: int = 100) -> list[Lease]:
        """Lease what may be had now or as soon as possible."""
        leases = await self.frontier.lease(limit)
        self.check()
        return leases

    async def one(self) -> Lease:
        """Lease exactly one."""
        (lease,) = await self.lease(1)
        return lease

    def release(self, lease: Lease, *, sent: bool = True) -> None:
        """Give the host's slot back, its request sent now."""
        self.frontier.release(lease, self.clock.now() if sent else None)
        self.check()

    async def end(self, lease: Lease, outcome: Outcome | None = None, *links: Request | str) -> dict[int, Reason]:
        """Release and commit one visit; return what the frontier overruled."""
        self.release(lease)
        requests = tuple(Request(r, depth=1) if isinstance(r, str) else r for r in links)
        committed = await self.frontier.commit([Visit(lease, outcome or Fetched(200), requests=requests)], {})
        self.check()
        return dict(committed.overruled)

    async def drain(self) -> list[str]:
        """Visit everything that is left, one by one; return the URLs in the order of their turns."""
        urls: list[str] = []
        while leases := await self.lease(1):
            urls.append(str(leases[0].request.url))
            await self.end(leases[0])
        return urls

    def check(self) -> None:
        """The first law."""
        counts = self.frontier.counts()
        assert counts.conserved, counts
