"""A sampling profiler of one thread, in one signal handler.

A timer interrupts every millisecond; the handler notes where the main thread is, weighed with the CPU time that the
thread has used since the sample before. So waiting weighs nothing, and what other threads use is not counted to where
this one happened to be. A call into C cannot be interrupted: its time is seen when it returns, at the call's own place
in the source, which is why places are expressions and not only lines. What is freed is charged to who lets go of it.
"""

from __future__ import annotations

import linecache
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from types import CodeType, FrameType

__all__ = ["Place", "Sampler", "expression"]

INTERVAL = 0.001  # seconds
LONGEST = 76  # characters of an expression that are shown

Place = tuple[CodeType, int]  # a function's code and an offset in it


class Sampler:
    """Stacks, innermost place first, with the CPU seconds that were spent in them."""

    def __init__(self) -> None:
        self.stacks: Counter[tuple[Place, ...]] = Counter()
        self.samples = 0
        self.own_seconds = 0.0  # of the handler itself
        self._before = 0.0
        self._noting = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample the main thread for the time of the `with`."""
        old = signal.signal(signal.SIGALRM, self._note)
        self._before = time.thread_time()
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noting:
            return  # the machine was busy, and the next signal came before this one was done with
        self._noting = True
        now = time.thread_time()
        stack = []
        while frame is not None:
            stack.append((frame.f_code, frame.f_lasti))
            frame = frame.f_back
        self.stacks[tuple(stack)] += now - self._before
        self.samples += 1
        self._before = time.thread_time()
        self.own_seconds += self._before - now
        self._noting = False

    @property
    def seconds(self) -> float:
        """The CPU seconds that are accounted for, the handler's own left out."""
        return sum(self.stacks.values())


@cache
def expression(place: Place) -> tuple[int, str]:
    """Return the line of `place` and the text of the expression that is worked on there."""
    code, offset = place
    positions = next(islice(code.co_positions(), max(offset, 0) // 2, None), (None, None, None, None))
    line, last, start, end = positions
    if line is None:
        return code.co_firstlineno, code.co_name
    text = linecache.getline(code.co_filename, line)
    if start is None or end is None:
        return line, text.strip()[:LONGEST]
    # The offsets are of UTF-8 bytes.
    piece = text.encode()[start : end if last == line else None].decode("utf-8", "replace").strip()
    return line, piece if len(piece) <= LONGEST else piece[: LONGEST - 1] + "…"
