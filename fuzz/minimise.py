"""A failing input made small: pieces are left out for as long as it fails in the same way.

Delta debugging over bytes, then over single bytes made plain, within a budget of tries and time. What "fails" means is
a function, so an input that kills its process is minimised by the same steps, one process a try.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["minimise"]


def minimise(data: bytes, fails: Callable[[bytes], bool], *, tries: int, seconds: float) -> bytes:
    """Return the smallest input found for which `fails` still is true; `data` itself if nothing can go."""
    budget = _Budget(tries, time.monotonic() + seconds)
    size = max(1, len(data) // 2)
    while size and budget.left():
        shorter = _without_pieces(data, size, fails, budget)
        size = size // 2 if shorter == data else min(size, max(1, len(shorter) // 2))
        data = shorter
    return _plain(data, fails, budget)


class _Budget:
    def __init__(self, tries: int, until: float) -> None:
        self._tries = tries
        self._until = until

    def left(self) -> bool:
        return self._tries > 0 and time.monotonic() < self._until

    def take(self) -> bool:
        self._tries -= 1
        return self.left()


def _without_pieces(data: bytes, size: int, fails: Callable[[bytes], bool], budget: _Budget) -> bytes:
    at = 0
    while at < len(data) and budget.take():
        candidate = data[:at] + data[at + size :]
        if fails(candidate):
            data = candidate
        else:
            at += size
    return data


def _plain(data: bytes, fails: Callable[[bytes], bool], budget: _Budget) -> bytes:
    """Put an `a` in the place of every byte that does not matter, so that what matters is seen."""
    for at in range(min(len(data), 200)):
        candidate = data[:at] + b"a" + data[at + 1 :]
        if candidate != data and budget.take() and fails(candidate):
            data = candidate
    return data
