"""Leases on their way to the workers that wait for one.

There is never a lease more than there are idle workers, so nothing has to wait for room, and no lease waits for long.
Whose turn it is was decided before; nothing is lost when a worker is cancelled while it waits.
"""

from __future__ import annotations

import asyncio
from collections import deque

from scraper.visit import Lease

__all__ = ["Ready"]


class Ready:
    """From the one that leases to the many that visit, in the order of the leases."""

    __slots__ = ("_leases", "_waiting")

    def __init__(self) -> None:
        self._leases: deque[Lease | None] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()

    def put(self, lease: Lease | None) -> None:
        """Hand `lease` over; None: there is no more work for one worker."""
        self._leases.append(lease)
        self._call()

    def _call(self) -> None:
        """Wake the worker that has waited longest."""
        while self._waiting:
            worker = self._waiting.popleft()
            if not worker.done():
                worker.set_result(None)
                break

    async def get(self) -> Lease | None:
        """Wait for a lease, or for None."""
        while not self._leases:
            called = asyncio.get_running_loop().create_future()
            self._waiting.append(called)
            try:
                await called
            except asyncio.CancelledError:
                self._call()  # who is cancelled may have been called; what it was called for is another's now
                raise
        return self._leases.popleft()

    def __repr__(self) -> str:
        return f"<Ready {len(self._leases)} leases | {len(self._waiting)} workers waiting>"
