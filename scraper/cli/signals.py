"""Ctrl-C and SIGTERM: the first asks a run to end in order, the second ends the process at once.

Either is safe, because whatever is not committed is fetched again. Plain signal handlers are used and not the event
loop's own, so that a second Ctrl-C works even while a callback blocks the loop.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["INTERRUPTED", "stop_on_signals"]

INTERRUPTED = 130  # exit code: 128 + SIGINT, as shells have it
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` in `loop` at the first signal and leave the process at the second, while the context lasts."""
    heard: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if heard and number != signal.SIGHUP:
            os._exit(INTERRUPTED)
        heard.append(number)
        loop.call_soon_threadsafe(stop)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if before[number] != signal.SIG_IGN:  # nohup and shells' background jobs ask to be left alone
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
