"""One target in one process: every input is written on the board, tried, counted; every new failure is minimised.

The counts go to a file now and then, so they survive the process. What two failures have in common is their signature;
the first of each is kept, the rest are counted.
"""

from __future__ import annotations

import resource
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from fuzz.board import Board
from fuzz.minimise import minimise
from fuzz.target import Failure, Target, attempt

__all__ = ["Counts", "Session", "bound_memory"]

REPORT_EVERY = 1.0  # seconds
MINIMISE_TRIES, MINIMISE_SECONDS = 3000, 20.0
_PAGE = 4096  # bytes; of /proc/self/statm


@dataclass(slots=True)
class Counts:
    """What a process, or several of them, came to."""

    inputs: int = 0
    seconds: float = 0.0  # of wall time, minimising left out
    slowest: float = 0.0  # processor seconds of one input
    slowest_size: int = 0  # bytes of that input
    peak: int = 0  # bytes of memory of the process
    failures: list[dict[str, Any]] = field(default_factory=list)  # {signature, times, file, kind, where, message, …}

    def add(self, other: Counts) -> None:
        """Add what another process came to."""
        self.inputs += other.inputs
        self.seconds += other.seconds
        if other.slowest > self.slowest:
            self.slowest, self.slowest_size = other.slowest, other.slowest_size
        self.peak = max(self.peak, other.peak)
        for failure in other.failures:
            self.merge(failure)

    def merge(self, failure: dict[str, Any]) -> None:
        """Add a failure, or count it with the one that has its signature."""
        for known in self.failures:
            if known["signature"] == failure["signature"]:
                known["times"] += failure["times"]
                return
        self.failures.append(failure)

    def plain(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


class Session:
    """Tries inputs on an open target until its time is up."""

    def __init__(
        self, target: Target, *, board: Board, report: Path, found: Path, seconds: float, slack: float = 1.0
    ) -> None:
        """`seconds`: of wall time; `slack`: how much more processor time than the target says an input may take."""
        self.target = target
        self.counts = Counts()
        self._board = board
        self._report = report
        self._found = found
        self._slack = slack
        self._began = self._reported = time.monotonic()
        self._until = self._began + seconds
        self._pause = 0.0  # seconds that went into minimising

    def is_over(self) -> bool:
        """Tell whether the time is up."""
        return time.monotonic() >= self._until

    def take(self, data: bytes) -> float:
        """Try one input; return the processor seconds that it took."""
        data = data[: self.target.largest]
        self._board.begin(data)
        failure, taken = attempt(self.target, data, slack=self._slack)
        self._board.end()
        self.counts.inputs += 1
        if taken > self.counts.slowest:
            self.counts.slowest, self.counts.slowest_size = taken, len(data)
        if failure is not None:
            self._note(failure, data)
        if time.monotonic() - self._reported > REPORT_EVERY:
            self.report()
        return taken

    def _note(self, failure: Failure, data: bytes) -> None:
        known = any(old["signature"] == failure.signature for old in self.counts.failures)
        entry = {**failure.plain(), "signature": failure.signature, "times": 1, "file": ""}
        if not known:
            began = time.monotonic()
            entry["file"] = str(keep(self._found, failure, self._minimised(failure, data)))
            self._pause += time.monotonic() - began
        self.counts.merge(entry)
        self.report()

    def _minimised(self, failure: Failure, data: bytes) -> bytes:
        def fails(candidate: bytes) -> bool:
            self._board.begin(candidate)
            again, _ = attempt(self.target, candidate, slack=self._slack)
            self._board.end()
            return again is not None and again.signature == failure.signature

        return minimise(data, fails, tries=MINIMISE_TRIES, seconds=MINIMISE_SECONDS)

    def report(self) -> None:
        """Write the counts where the parent finds them."""
        self._reported = time.monotonic()
        self.counts.seconds = self._reported - self._began - self._pause
        self.counts.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        fresh = self._report.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self.counts.plain()))
        fresh.replace(self._report)


def keep(folder: Path, failure: Failure, data: bytes) -> Path:
    """Write a failing input to `folder` under a name that tells its failure; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    words = "".join(char if char.isalnum() else "-" for char in failure.signature.lower())
    path = folder / words.strip("-")[:80]
    path.write_bytes(data)
    return path


def bound_memory(headroom: int) -> None:
    """Bound the address space to what is taken now and `headroom` bytes more; processes it starts may raise it."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + headroom, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
