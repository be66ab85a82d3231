"""How long a callback may wait: it is named when it has waited long, and ended when it has waited too long.

A callback that awaits something that never comes would hold its worker, and the end of the crawl, for ever. Its time
runs from its first wait until it is done; a callback that waits for nothing costs nothing here. What ends it is a
cancellation, so that it may clean up; `driving` makes the page's failure of it.

Nothing here knows pages or items, and nothing is decided about the page.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

import msgspec

from scraper.visit import Lease

__all__ = ["NAMED_AFTER", "Patience", "Wait", "waiting_at"]

NAMED_AFTER = 60.0  # seconds of a callback's waiting, from which it is named in the log
STACK_FRAMES = 12  # innermost ones of what is named
CLEAN_UP = 1.0  # seconds that a callback which was ended has for its own clean-up
_LOG = logging.getLogger("scraper")


class Patience(msgspec.Struct, frozen=True):
    """How long a callback may wait, in seconds."""

    ended_after: float | None = None  # None: for ever
    named_after: float = NAMED_AFTER
    clean_up: float = CLEAN_UP


class Wait:
    """One callback's waiting, from its first wait on; `over` tells that it was ended, `end` that nobody waits."""

    def __init__(self, worker: asyncio.Task[Any], work: Coroutine[Any, Any, Any], lease: Lease, most: Patience) -> None:
        self.over = False
        self._stops = 0  # cancellations of ours that the worker has not been freed from
        self._worker = worker
        self._work = work
        self._lease = lease
        self._most = most
        self._began = worker.get_loop().time()
        self._timers = []
        if most.ended_after is None or most.named_after < most.ended_after:
            self._timers.append(self._in(most.named_after, self._name))
        if most.ended_after is not None:
            self._timers.append(self._in(most.ended_after, self._stop))

    def _in(self, seconds: float, do: Callable[[], None]) -> asyncio.TimerHandle:
        return self._worker.get_loop().call_later(seconds, do)

    def end(self) -> None:
        """The callback is done."""
        for timer in self._timers:
            timer.cancel()

    def take_back(self) -> None:
        """Free the worker from our cancellations, which were for its callback."""
        while self._stops:
            self._stops -= 1
            self._worker.uncancel()

    @property
    def reason(self) -> str:
        """What is said of a callback that was ended."""
        return f"the callback was ended after {self._most.ended_after:g} s of waiting (limits.callback)"

    def _name(self) -> None:
        url, callback = self._lease.request.url, self._lease.request.callback
        seconds = self._worker.get_loop().time() - self._began
        end = f"; limits.callback ends it after {self._most.ended_after:g} s" if self._most.ended_after else ""
        stack = "".join(traceback.format_list(waiting_at(self._work)[-STACK_FRAMES:])).rstrip()
        extra = {"url": str(url), "outcome": "waiting"}
        _LOG.warning("%s: %s has waited for %.0f s%s\n%s", url, callback, seconds, end, stack, extra=extra)

    def _stop(self) -> None:
        self.over = True
        self._stops += 1
        self._worker.cancel()
        self._timers.append(self._in(self._most.clean_up, self._stop))  # it may swallow the first


def waiting_at(work: Any) -> list[traceback.FrameSummary]:
    """Return where a suspended coroutine or generator waits, the innermost frame last."""
    summary = traceback.StackSummary.extract((frame, frame.f_lineno) for frame in _frames(work))
    return list(summary)


def _frames(work: Any) -> Iterator[FrameType]:
    while work is not None:
        frame = _first(work, "cr_frame", "ag_frame", "gi_frame")
        if frame is not None:
            yield frame
        inner = _first(work, "cr_await", "ag_await", "gi_yieldfrom")
        if inner is None and frame is None:  # one step of an asynchronous generator does not say whose it is
            inner = next((found for found in gc.get_referents(work) if isinstance(found, AsyncGenerator)), None)
        work = inner


def _first(work: Any, *names: str) -> Any:
    """Return the first of the attributes that `work` has and that is not None."""
    return next((found for name in names if (found := getattr(work, name, None)) is not None), None)
