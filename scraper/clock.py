"""Time, as an argument.

`now` is monotonic and in seconds; every decision about politeness, back-off and deadlines uses it, so a wall clock
that is set back changes nothing. `wall` is seconds since the epoch and is only ever written down (state files, logs);
what is compared with the dates of others, or later with itself, comes from a `SteadyWall`.

No other room may ask the system for the time or sleep: a test puts a clock that jumps in here and a crawl of hours
passes in a second.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Protocol

__all__ = ["Clock", "SteadyWall", "SystemClock"]

_SCHEDSTAT = Path("/proc/thread-self/schedstat")  # Linux, sched-stats.rst: the second number, in nanoseconds


class Clock(Protocol):
    """Where a crawl gets its time from."""

    def now(self) -> float:
        """Return monotonic seconds from an arbitrary start."""
        ...

    def wall(self) -> float:
        """Return seconds since the epoch (UTC)."""
        ...

    def cpu(self) -> float:
        """Return the CPU seconds, user and system, that this process has used."""
        ...

    def queued(self) -> float:
        """Return the seconds in which this thread had work and no processor, since others had it."""
        ...

    async def wait(self, event: asyncio.Event, timeout: float | None) -> bool:
        """Wait until `event` is set or `timeout` seconds have passed (None: for ever); tell whether it was set."""
        ...


class SteadyWall:
    """Seconds since the epoch that pass evenly: what the wall said once, and the monotonic seconds since.

    A wall clock that is set back or forward while a crawl runs moves no date of the crawl's own.
    """

    def __init__(self, clock: Clock, *, least: float = 0.0) -> None:
        """`least`: epoch seconds that have passed for sure, whatever the wall says."""
        self._clock = clock
        self._ahead = max(clock.wall(), least) - clock.now()  # of the monotonic clock

    def now(self) -> float:
        """Return epoch seconds, never less than before."""
        return self._ahead + self._clock.now()


class SystemClock:
    """The system's clock, which event loops go by."""

    now = staticmethod(time.monotonic)  # half a dozen times a page

    def wall(self) -> float:
        """Return seconds since the epoch (UTC)."""
        return time.time()

    def cpu(self) -> float:
        """Return the CPU seconds of this process."""
        return time.process_time()

    def queued(self) -> float:
        """Return the seconds that this thread has waited for a processor; 0 where the system does not tell."""
        try:
            return int(_SCHEDSTAT.read_bytes().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    async def wait(self, event: asyncio.Event, timeout: float | None) -> bool:
        """Wait for `event`, at most `timeout` seconds."""
        if timeout is not None and timeout <= 0:
            return event.is_set()
        try:
            async with asyncio.timeout(timeout):
                return await event.wait()
        except TimeoutError:
            return False
