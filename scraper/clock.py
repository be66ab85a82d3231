"""Time, as an argument.

`now` is monotonic and in seconds; every decision about politeness, back-off and deadlines uses it, so a wall clock
that is set back changes nothing. `wall` is seconds since the epoch and is only ever written down (state files, logs).

No other room may ask the system for the time or sleep: a test puts a clock that jumps in here and a crawl of hours
passes in a second.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


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

    async def wait(self, event: asyncio.Event, timeout: float | None) -> bool:
        """Wait until `event` is set or `timeout` seconds have passed (None: for ever); tell whether it was set."""
        ...


class SystemClock:
    """The running event loop's clock."""

    def now(self) -> float:
        """Return the loop's monotonic seconds; the system's own outside a loop."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since the epoch (UTC)."""
        return time.time()

    def cpu(self) -> float:
        """Return the CPU seconds of this process."""
        return time.process_time()

    async def wait(self, event: asyncio.Event, timeout: float | None) -> bool:
        """Wait for `event`, at most `timeout` seconds."""
        if timeout is not None and timeout <= 0:
            return event.is_set()
        try:
            async with asyncio.timeout(timeout):
                return await event.wait()
        except TimeoutError:
            return False
