"""A clock that jumps: hours of politeness, back-off and time limits pass in milliseconds.

`run` drives a coroutine on an event loop whose time stands still while there is something to do and jumps to the next
timer when there is not. Everything that waits by the loop (asyncio.sleep, timeouts, Clock.wait) takes part; real
sockets and threads do not, so use it with fakes.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["FakeClock", "run"]

EPOCH = 1_700_000_000.0  # what the wall says when a fake run begins
T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Asks real sockets without waiting, and jumps ahead instead of sleeping."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(0)
        if not events and timeout is None:
            raise RuntimeError("everything waits and no timer is set: this would hang for ever")
        if not events and timeout:
            self.now += timeout
        return events


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class FakeClock:
    """The clock of a coroutine under `run`: it starts at 0 and jumps."""

    def __init__(self) -> None:
        self.wall_offset = EPOCH  # set it back to see what a wrong wall clock does

    def now(self) -> float:
        """Return the loop's seconds."""
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        """Return seconds since the epoch, as this clock has them."""
        return self.wall_offset + self.now()

    def cpu(self) -> float:
        """Return no CPU time: it is not real."""
        return 0.0

    def queued(self) -> float:
        """Return none, for the same reason."""
        return 0.0

    async def wait(self, event: asyncio.Event, timeout: float | None) -> bool:
        """Wait for `event`, at most `timeout` jumping seconds."""
        if timeout is not None and timeout <= 0:
            return event.is_set()
        try:
            async with asyncio.timeout(timeout):
                return await event.wait()
        except TimeoutError:
            return False


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a loop that jumps; return its result."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return runner.run(main)
