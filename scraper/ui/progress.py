"""What the user sees while a crawl runs: one live line on a terminal, a plain line every few seconds elsewhere.

It looks at a run from outside, four times a second at most, and writes to one stream. A stream that is gone (a closed
terminal, a full pipe's reader that left) ends the display and never the crawl.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from typing import TextIO

from scraper.clock import Clock
from scraper.runs.report import Progress
from scraper.ui.words import amount, duration, plural

__all__ = ["Display", "line"]

LIVE_SECONDS = 0.25  # 4 Hz: what an eye follows
PLAIN_SECONDS = 5.0
_CLEAR = "\r\x1b[K"


def line(name: str, progress: Progress, left: float | None) -> str:
    """Return one line that tells how far a run is; `left`: seconds, when that is knowable."""
    tally, counts = progress.tally, progress.counts
    errors = tally.failed.total() + tally.faults.total()
    parts = [
        plural(tally.pages, "page"),
        plural(tally.items, "item"),
        f"{counts.queued:,} queued",
        f"{progress.in_flight} in flight",
        f"{amount(progress.rate)}/s",
        plural(errors, "error"),
        duration(progress.elapsed),
    ]
    if left is not None:
        parts.append(f"about {duration(left)} left")
    return f"{name}: " + " · ".join(parts)


class Display:
    """Shows a run's progress until told to stop."""

    def __init__(
        self, name: str, progress: Callable[[], Progress], *, stream: TextIO, live: bool, max_pages: int | None
    ) -> None:
        """`progress` is asked for the state; `live`: the stream is a terminal; `max_pages`: the run's limit."""
        self._name = name
        self._progress = progress
        self._stream: TextIO | None = stream
        self._live = live
        self._max_pages = max_pages
        self._accepted = 0

    async def show(self, clock: Clock, done: asyncio.Event) -> None:
        """Show the progress until `done` is set."""
        while not await clock.wait(done, LIVE_SECONDS if self._live else PLAIN_SECONDS):
            progress = self._progress()
            text = line(self._name, progress, self._left(progress))
            if self._live:
                width = shutil.get_terminal_size().columns
                self._write(_CLEAR + text[: width - 1])
            else:
                self._write(text + "\n")
        self.clear()

    def clear(self) -> None:
        """Take the live line away, so that something else can be written."""
        if self._live:
            self._write(_CLEAR)

    def _left(self, progress: Progress) -> float | None:
        """Return the seconds left: knowable under a page limit, or when the queue has stopped growing."""
        growing = progress.counts.accepted != self._accepted
        self._accepted = progress.counts.accepted
        if not progress.rate:
            return None
        if self._max_pages is not None:
            return max(0, self._max_pages - progress.tally.pages) / progress.rate
        return None if growing else (progress.counts.queued + progress.in_flight) / progress.rate

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None
