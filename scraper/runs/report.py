"""What a run came to, as values: for the summary, for exit codes, for whoever called `crawl`.

Both are snapshots that nobody has to keep up to date. How they look to a person is decided in `ui`, what the process
answers to its parent in `cli`; neither may enter here.
"""

from __future__ import annotations

import msgspec

from scraper.engine.tally import Tally
from scraper.frontier.base import Counts

__all__ = ["DONE", "FAILED", "INTERRUPTED", "Progress", "Report", "STOPPED"]

DONE, FAILED, INTERRUPTED = "done", "failed", "interrupted"
STOPPED = "stopped"  # by itself, before its end: the same command goes on


class Progress(msgspec.Struct, frozen=True):
    """A run at one moment."""

    elapsed: float  # seconds in this process
    tally: Tally
    counts: Counts
    in_flight: int  # requests under way

    @property
    def rate(self) -> float:
        """Pages a second in this process, so far."""
        return (self.tally.pages - self.tally.resumed_pages) / self.elapsed if self.elapsed else 0.0


class Report(msgspec.Struct, frozen=True):
    """A run that has ended, or was stopped."""

    name: str
    run: int  # its number, from 1
    status: str  # DONE, FAILED, INTERRUPTED or STOPPED
    resumed: bool
    progress: Progress
    cpu: float  # seconds of this process
    bound_by: str  # "politeness", "latency" or "CPU": what the rate was limited by
    outputs: tuple[str, ...]  # paths of the finished outputs; of the unfinished work when it did not succeed
    reasons: tuple[str, ...] = ()  # why it failed, in sentences
    stopped_by: str = ""  # the limit that ended it, or "interrupted"
    shop: bool = False  # it crawled the practice shop

    @property
    def ok(self) -> bool:
        """Tell whether the run succeeded."""
        return self.status == DONE

    @property
    def pages(self) -> int:
        """Pages fetched, in all processes of the run."""
        return self.progress.tally.pages

    @property
    def items(self) -> int:
        """Items written, in all processes of the run."""
        return self.progress.tally.items
