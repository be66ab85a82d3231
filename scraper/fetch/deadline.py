"""The time that an exchange has: a timer for all of them instead of one for each.

asyncio's own timeout puts a timer into the event loop's heap for every request and takes it out again; nearly all
requests end in time, so one timer, set for the soonest deadline there is, does the same work for nothing. What is
promised is what `asyncio.timeout` promises: TimeoutError inside the block's end, and no cancellation of anybody else's
swallowed.

Only time is known here; connections and bodies must not enter.
"""

from __future__ import annotations

import asyncio
from math import inf
from types import TracebackType
from typing import Self

__all__ = ["Deadline", "Deadlines"]


class Deadline:
    """One block's time; use it with `with`, inside a task."""

    __slots__ = ("_cancelling", "_expired", "_keeper", "_task", "_when")

    def __init__(self, keeper: Deadlines, when: float | None) -> None:
        self._keeper = keeper
        self._when = when

    def when(self) -> float | None:
        """Return the end in loop seconds, None when there is none."""
        return self._when

    def reschedule(self, when: float | None) -> None:
        """Move the end to loop time `when`, None: to nowhere."""
        self._when = when
        if when is not None:
            self._keeper.mind(when)

    def expire(self) -> None:
        """End the block now."""
        self._when = None
        self._expired = True
        self._task.cancel()

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._keeper.loop)
        if task is None:
            raise RuntimeError("a deadline needs a task that it can end")
        self._task, self._cancelling = task, task.cancelling()
        self._expired = False
        self._keeper.open.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.open.discard(self)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error


class Deadlines:
    """The deadlines of one event loop that are open."""

    def __init__(self) -> None:
        self.open: set[Deadline] = set()
        self.loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._look_at = inf  # loop time at which the timer goes off

    def after(self, seconds: float | None) -> Deadline:
        """Return a deadline so many seconds from now; None: never."""
        if seconds is None:
            return Deadline(self, None)
        when = self.loop.time() + seconds
        if when < self._look_at:
            self.mind(when)
        return Deadline(self, when)

    def mind(self, when: float) -> None:
        """See to it that somebody looks at the deadlines at loop time `when`."""
        if when >= self._look_at:
            return
        self.close()
        self._timer, self._look_at = self.loop.call_at(when, self._look), when

    def _look(self) -> None:
        self._timer, self._look_at = None, inf
        now = self.loop.time()
        ends = [(deadline._when, deadline) for deadline in self.open if deadline._when is not None]
        for when, deadline in ends:
            if when <= now:
                deadline.expire()
            else:
                self.mind(when)

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._look_at = None, inf

    def __repr__(self) -> str:
        return f"<Deadlines {len(self.open)} open>"
