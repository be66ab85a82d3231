"""What a target is: bytes go into real rooms, and what comes out is held against rules.

A target takes bytes, so that every engine can drive it: structured examples, mutation, coverage guidance, or one file
to be looked at again. It says how long an input may be and how much processor time each kilobyte of it may take. A rule
is an `assert` with a sentence; whatever is raised, the rule or something else, is a failure of the input.

No engine, no process and no folder of found inputs may enter this room.
"""

from __future__ import annotations

import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from hypothesis.strategies import SearchStrategy

__all__ = ["Failure", "Target", "attempt", "seconds_for"]

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIRMATIONS = 2  # further runs of an input that seems slow; the quickest counts, so no hiccup of the machine does
LONGEST_MESSAGE = 500  # characters


class Target(ABC):
    """One way in: `open`, then `check` for each input, then `close`."""

    name: ClassVar[str]
    rooms: ClassVar[str]  # what is driven, for people
    weight: ClassVar[float] = 1.0  # share of the time
    largest: ClassVar[int] = 16_384  # bytes of an input
    base_seconds: ClassVar[float] = 0.05  # of processor time that any input may take
    kilobyte_seconds: ClassVar[float] = 0.005  # and for each kilobyte more
    tokens: ClassVar[tuple[bytes, ...]] = ()  # words that mean something to the rooms

    @abstractmethod
    def seeds(self) -> Iterable[bytes]:
        """Return inputs to begin with."""

    @abstractmethod
    def strategy(self) -> SearchStrategy[bytes]:
        """Return structured inputs: mostly right, wrong in interesting places."""

    @abstractmethod
    def check(self, data: bytes) -> None:
        """Drive the rooms with `data`; raise AssertionError, or let come what comes, when a rule is broken."""

    def open(self) -> None:
        """Make ready, once a process."""

    def close(self) -> None:
        """Release what `open` took."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one input."""

    kind: str  # the exception's type, "slow", "hang", "signal 11"
    where: str  # innermost line of this repository, "" when there is none
    message: str
    trace: str = ""

    @property
    def signature(self) -> str:
        """What makes two failures one: the same kind at the same place."""
        return f"{self.kind} {self.where}".strip()

    def plain(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


def seconds_for(target: Target, size: int) -> float:
    """Return the processor time that an input of `size` bytes may take."""
    return target.base_seconds + target.kilobyte_seconds * size / 1024


def attempt(target: Target, data: bytes, *, slack: float = 1.0) -> tuple[Failure | None, float]:
    """Check one input; return its failure, if any, and the processor seconds that it took.

    `slack`: how many times the processor time that the target allows is allowed.
    """
    failure, taken = _once(target, data)
    allowed = slack * seconds_for(target, len(data))
    if failure is None and taken > allowed:
        for _ in range(CONFIRMATIONS):
            failure, again = _once(target, data)
            taken = min(taken, again)
            if failure is not None or taken <= allowed:
                return failure, taken
        failure = Failure("slow", target.name, f"{len(data):,} bytes took {taken:.2f} s, more than {allowed:.2f} s")
    return failure, taken


def _once(target: Target, data: bytes) -> tuple[Failure | None, float]:
    began = time.process_time()
    try:
        target.check(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # whatever it is, it is a finding
        return _failure(error), time.process_time() - began
    return None, time.process_time() - began


def _failure(error: BaseException) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(REPOSITORY)]
    where = f"{Path(own[-1].filename).relative_to(REPOSITORY)}:{own[-1].lineno}" if own else ""
    trace = "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, where, str(error)[:LONGEST_MESSAGE], trace)
