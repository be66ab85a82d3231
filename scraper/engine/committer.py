"""Group commit: items first, then the facts about them, in one transaction. This is where exactly-once is made.

    append the group's records to every output        a kill here: the tail is cut off at the next start
    (power durability: fsync the outputs)
    frontier.commit(outcomes, links, new lengths)     the commit point
    tell the observers                                only what is durable is counted

A group closes after so many visits, after so long, or at once when the frontier is hungry and a commit would feed it.
One task runs this; a slow disk fills the bounded queue and so slows the workers. It decides nothing about URLs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from scraper.frontier.base import Committed, Frontier
from scraper.sinks.base import Sink
from scraper.visit import Visit

__all__ = ["Committer"]


class Committer:
    """Makes finished visits durable, in the order they came."""

    def __init__(
        self,
        *,
        frontier: Frontier,
        sinks: Mapping[str, Sink],
        group: int,
        interval: float,
        power_safe: bool,
        hear: Callable[[Sequence[Visit], Committed], None],
        at: Callable[[str], None] = lambda boundary: None,
    ) -> None:
        """`group`: visits; `interval`: seconds; `at` is told the name of each boundary that is passed (for tests)."""
        self._frontier = frontier
        self._sinks = sinks
        self._group = group
        self._interval = interval
        self._power_safe = power_safe
        self._hear = hear
        self._at = at
        self._visits: list[Visit] = []  # finished, in the order they came
        self._closed = False
        self._some = asyncio.Event()  # there is a first visit, or the end
        self._due = asyncio.Event()  # there is a group that waits for nothing
        self._room = asyncio.Event()

    async def put(self, visit: Visit) -> None:
        """Hand over a finished visit; waits while the disk is behind."""
        while len(self._visits) >= 2 * self._group:
            self._room.clear()
            await self._room.wait()
        self._visits.append(visit)
        self._some.set()
        if self._is_due():
            self._due.set()

    def nudge(self) -> None:
        """Commit what is there now: somebody waits for it."""
        if self._visits:
            self._due.set()

    async def close(self) -> None:
        """Let `run` end after everything that was put is durable."""
        self._closed = True
        self._some.set()
        self._due.set()

    async def run(self) -> None:
        """Commit group after group until closed; raises SinkError or StateError when that is not possible."""
        while True:
            await self._some.wait()
            if not self._visits:
                return
            if not self._is_due():
                self._due.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._interval):
                        await self._due.wait()
            group = self._visits[: self._group]
            del self._visits[: self._group]
            if not self._visits and not self._closed:
                self._some.clear()
            self._room.set()
            await self._commit(group)

    def _is_due(self) -> bool:
        """Tell whether what is there waits for nothing more."""
        return len(self._visits) >= self._group or self._closed or self._frontier.hungry.is_set()

    async def _commit(self, group: Sequence[Visit]) -> None:
        self._at("gathered")
        records = [record for visit in group for record in visit.records]
        offsets: dict[str, int] = {}
        if records:
            for name, sink in self._sinks.items():
                offsets[name] = await sink.write(records)
                self._at("written")
                if self._power_safe:
                    await sink.sync()
                    self._at("synced")
        committed = await self._frontier.commit(group, offsets)
        self._at("committed")
        self._hear(group, committed)

    def __repr__(self) -> str:
        return f"<Committer {len(self._visits)} waiting | {len(self._sinks)} outputs>"
