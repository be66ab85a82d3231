"""What an output is to the crawl: a place, and seven verbs in a fixed order.

The bargain with the crawl's memory: a sink appends whole batches and tells the length that it has reached; the memory
stores that length in the same transaction as the pages' outcomes. On resume the output is cut back to the stored
length, so after a SIGKILL at any instant the same command gives every item exactly once.

No format, no file and no policy may enter this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from scraper.item import Record
from scraper.sinks.formulas import Formulas

__all__ = ["GZIP_ENDING", "Mode", "Place", "Sink"]

GZIP_ENDING = ".gz"

Mode: TypeAlias = Literal["replace", "append"]


class Place(msgspec.Struct, frozen=True):
    """What the crawl's memory keeps for one output.

    `final` has its symbolic links resolved, so that a run which goes on another day writes where it began.
    """

    final: str  # absolute path of the finished output; in append mode of a plain log also the one written to
    work: str  # absolute path that is written to during the run
    base: int | None  # length of `work`, as an offset, when the run began; None: not known before `open`
    mode: Mode
    format: str  # "jsonl", "csv", "jsonl.gz", …: `make_sink` reads it
    formulas: Formulas = "keep"  # what a table does with texts that a spreadsheet would run
    private: bool = False  # new files are for their owner alone, whatever the umask

    @property
    def compressed(self) -> bool:
        """Tell whether the final output is gzip."""
        return self.format.endswith(GZIP_ENDING)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return msgspec.structs.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Place:
        """Return the place that `to_dict` described; raise msgspec.ValidationError for anything else."""
        return msgspec.convert(data, cls)


class Sink(Protocol):
    """One output of one run: `open`, then `write` and `sync` many times, then `seal` or `discard`, always `close`.

    Offsets are opaque to the caller and never shrink during a run; for files they are bytes of `place.work`. Calls
    never overlap. Every failure of the output is a SinkError that names the path and the cure.
    """

    @property
    def place(self) -> Place:
        """Return the place; `base` is known once `open` has returned."""
        ...

    async def open(self, committed: int | None, *, sealing: bool = False) -> int:
        """Begin a new run (None), or go on at `committed`, cutting off what is beyond it; return the offset.

        `sealing` says that an earlier process had reached `seal` for this run: then the work may have become the final
        output already, and only `seal`, `discard` and `close` may follow. Raises OutputShort, and touches nothing,
        when less is there than was committed.
        """
        ...

    async def write(self, records: Sequence[Record]) -> int:
        """Append one batch of at least one record; return the new offset.

        After a write that failed or was cancelled the output may hold a part of the batch: nothing but `discard` and
        `close` is possible then, and the next `open` cuts it off.
        """
        ...

    async def sync(self) -> None:
        """Make what was written survive a power cut."""
        ...

    async def seal(self) -> None:
        """Make `place.final` show the run's result. May be called again, here or after `open(…, sealing=True)`."""
        ...

    async def discard(self) -> None:
        """Give up a run that is not sealed: leave `place.final` as it was before. Only `close` may follow.

        Works without `open`, since `open` may be what fails. A place whose `base` is not known was never written to.
        """
        ...

    async def set_aside(self) -> None:
        """Leave `place.final` as it was before a run that has failed, and its items beside it, to be looked at.

        Works without `open`; may be called again after a crash in the middle. Only `close` may follow.
        """
        ...

    async def close(self) -> None:
        """Release the output and leave the work for a resume. May be called at any time, also twice."""
        ...
