"""Ctrl-C, SIGTERM and a terminal that closes: a run ends in order at the first, the process at the second.

Either is safe, because whatever is not committed is fetched again. Before there is a run (the config is read, a spider
imported) the first one ends the process, with the same exit code. Plain signal handlers are used and not the event
loop's own, so that a second Ctrl-C works even while a callback blocks the loop.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["INTERRUPTED", "leave_on_signals", "stop_on_signals"]

INTERRUPTED = 130  # exit code: 128 + SIGINT, as shells have it
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def leave_on_signals() -> Iterator[None]:
    """Let every signal raise KeyboardInterrupt, as Ctrl-C does; does nothing outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled_by(handle):
        yield


@contextmanager
def stop_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` at the first signal and leave the process at the second, while the context lasts.

    `stop` is called between any two steps of the main thread, so it must be safe there.
    """
    heard: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if heard and number != signal.SIGHUP:
            os._exit(INTERRUPTED)
        heard.append(number)
        stop()

    with _handled_by(handle):
        yield


@contextmanager
def _handled_by(handle: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if before[number] != signal.SIG_IGN:  # nohup and shells' background jobs ask to be left alone
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
