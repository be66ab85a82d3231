"""How many bytes of large bodies are in memory while they come: a sum, shared by all exchanges of a fetcher.

A body takes its share as it grows, so one that drips holds what it has brought and keeps nobody waiting. When the sum
is used up the others wait, in order, but for one, which may go on to its end: so something always comes to its end,
and never more is held than the sum and one body. Waiting is our own doing and does not count against an exchange.

What a body may be at most is decided elsewhere; nothing here reads.
"""

from __future__ import annotations

import asyncio
from collections import deque

from scraper.fetch.deadline import Deadline

__all__ = ["GRANT", "BytesInFlight", "Share"]

GRANT = 256 * 1024  # bytes that a body is given at a time


class BytesInFlight:
    """At most `most` bytes, and one body beyond them."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._ahead: Share | None = None  # the one that need not wait
        self._waiting: deque[tuple[Share, asyncio.Future[None]]] = deque()

    async def grant(self, share: Share) -> None:
        """Let `share` hold GRANT bytes more, at once or when others have given back theirs."""
        if not self._waiting and self._takes(share):
            return
        if share is self._ahead:
            self._give(share)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((share, turn))
        try:
            await turn
        finally:
            if (share, turn) in self._waiting:  # it was cancelled
                self._waiting.remove((share, turn))

    def give_back(self, share: Share) -> None:
        """Take back all that `share` holds, and let those go on that can."""
        self._free += share.held
        share.held = 0
        if self._ahead is share:
            self._ahead = None
        while self._waiting and self._takes(self._waiting[0][0]):
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)

    def _takes(self, share: Share) -> bool:
        if self._free < GRANT and self._ahead in (None, share):
            self._ahead = share
        if self._free >= GRANT or self._ahead is share:
            self._give(share)
            return True
        return False

    def _give(self, share: Share) -> None:
        self._free -= GRANT
        share.held += GRANT

    def __repr__(self) -> str:
        return f"<BytesInFlight {self._free} free | {len(self._waiting)} waiting>"


class Share:
    """What one body holds; `deadline` stands still while it waits."""

    __slots__ = ("_all", "_deadline", "held")

    def __init__(self, shared: BytesInFlight, deadline: Deadline) -> None:
        self._all = shared
        self._deadline = deadline
        self.held = 0  # bytes

    async def grow(self) -> int:
        """Take more, and return how many bytes that is in all."""
        when, clock = self._deadline.when(), asyncio.get_running_loop().time
        began = clock()
        self._deadline.reschedule(None)
        await self._all.grant(self)
        if when is not None:
            self._deadline.reschedule(when + clock() - began)
        return self.held

    def give_back(self) -> None:
        """Hold nothing any more."""
        if self.held:
            self._all.give_back(self)
