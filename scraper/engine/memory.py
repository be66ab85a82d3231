"""How much memory the process may hold: near the budget a crawl works with fewer requests at once, at it, it stops.

What is looked at is what the process really holds (its resident set), now and then. Before anything is said to be used
up, what is free inside of the process is given back to the system: Python's cycles and the pages that malloc keeps.

Nothing here knows a URL, and nothing is measured by item or page: whoever holds the memory, it is the process's.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from scraper.clock import Clock
from scraper.errors import ConfigError

__all__ = ["LIMIT", "MemoryBudget", "give_back", "resident"]

LIMIT = "limits.memory"  # what a run that stopped here names
LOOK_EVERY = 0.1  # seconds; a page or two, and a look takes 10 µs
SLOW_FROM = 0.8  # of the budget: from here on there are fewer requests at once
REST = 5.0  # seconds between two times that memory is given back; walking a large heap takes a tenth of one
MIB = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
_STATM = Path("/proc/self/statm")  # Linux: the second number is the resident pages, proc(5)
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes that getrusage(2) counts in
_LOG = logging.getLogger("scraper")


class Pool(Protocol):
    """What can work with less, and be told to stop."""

    def narrow(self, workers: int) -> None:
        """Let at most so many requests be under way from now on."""
        ...

    def stop(self, why: str) -> None:
        """Take no more work."""
        ...


def resident() -> int:
    """Return the bytes of memory that this process holds; where the system does not tell, the most it ever held."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT


def give_back() -> None:
    """Return to the system what the process holds and does not use."""
    gc.collect()
    trim = getattr(_LIBC, "malloc_trim", None)  # glibc has it
    if trim is not None:
        trim(0)


class MemoryBudget:
    """So many bytes, for a pool of `workers`."""

    def __init__(
        self,
        budget: int,
        *,
        workers: int,
        resident: Callable[[], int] = resident,
        give_back: Callable[[], None] = give_back,
    ) -> None:
        """`resident` tells the bytes that are held; `give_back` lessens them if it can."""
        self._budget = budget
        self._workers = workers
        self._resident = resident
        self._give_back = give_back
        self._given_back = -REST  # when
        self._open = workers

    def check(self) -> None:
        """Raise ConfigError when the budget is used up before the first page: the crawl would never get on."""
        if not self.allows(0.0):
            held = self._resident()
            raise ConfigError(
                f"{LIMIT}: {_mib(self._budget)} are less than the {_mib(held)} that the process holds before the first "
                f"page; write {_mib(2 * held)} or more"
            )

    def allows(self, now: float) -> int:
        """Return how many requests there may be at once; 0 when the budget is used up. `now`: seconds."""
        held = self._resident()
        if held >= SLOW_FROM * self._budget and now - self._given_back >= REST:
            self._given_back = now
            self._give_back()
            held = self._resident()
        elif held >= self._budget:
            self._give_back()
            held = self._resident()
        left = (self._budget - held) / (self._budget * (1 - SLOW_FROM))
        return 0 if left <= 0 else max(1, min(self._workers, int(left * self._workers)))

    async def keep(self, pool: Pool, ended: asyncio.Event, clock: Clock) -> None:
        """Hold `pool` to the budget until `ended`."""
        while not await clock.wait(ended, LOOK_EVERY):
            allowed = self.allows(clock.now())
            if not allowed:
                _LOG.warning("%s: the process holds %s; the crawl stops", LIMIT, self._words())
                pool.stop(LIMIT)
                return
            if allowed < self._workers == self._open:
                _LOG.info("%s: the process holds %s; the crawl slows down", LIMIT, self._words())
            if allowed != self._open:
                self._open = allowed
                pool.narrow(allowed)

    def _words(self) -> str:
        return f"{_mib(self._resident())} of {_mib(self._budget)}"

    def __repr__(self) -> str:
        return f"<MemoryBudget {self._words()} | {self._open} of {self._workers} workers>"


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f}MiB"


def _libc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except OSError:
        return None


_LIBC = _libc()
