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
from typing import Final

from scraper.frontier.base import Committed, Frontier
from scraper.sinks.base import Sink
from scraper.visit import Visit

__all__ = ["Committer"]

_NUDGE: Final = "nudge"
_END: Final = "end"


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
        self._visits: asyncio.Queue[Visit | str] = asyncio.Queue(2 * group)

    async def put(self, visit: Visit) -> None:
        """Hand over a finished visit; waits while the disk is behind."""
        await self._visits.put(visit)

    def nudge(self) -> None:
        """Commit what is there now: somebody waits for it."""
        if not self._visits.full():
            self._visits.put_nowait(_NUDGE)

    async def close(self) -> None:
        """Let `run` end after everything that was put is durable."""
        await self._visits.put(_END)

    async def run(self) -> None:
        """Commit group after group until closed; raises SinkError or StateError when that is not possible."""
        going = True
        while going:
            group, going = await self._gather()
            if group:
                await self._commit(group)

    async def _gather(self) -> tuple[list[Visit], bool]:
        """Return the next group, and whether more may come."""
        group: list[Visit] = []
        first = await self._visits.get()
        if isinstance(first, str):
            return group, first != _END
        group.append(first)
        try:
            async with asyncio.timeout(self._interval):
                while len(group) < self._group and not (self._visits.empty() and self._frontier.hungry.is_set()):
                    visit = await self._visits.get()
                    if not isinstance(visit, str):
                        group.append(visit)
                    elif visit == _END:
                        return group, False
                    elif self._visits.empty():
                        break
        except TimeoutError:
            pass
        return group, True

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
        return f"<Committer {self._visits.qsize()} waiting | {len(self._sinks)} outputs>"
