"""A sink without a disk: the records of a crawl as a list, with the same bargain as a file.

Invariant: what a `MemoryOutput` holds outlives the sink, as a file outlives a process, so a test can drop a sink in the
middle, open another on the same output, and see what a user would see. Records are kept as JSON: what a file could not
hold fails here too.

No path is ever touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from scraper.errors import OutputShort, SinkError
from scraper.item import Record
from scraper.sinks.base import Mode, Place

__all__ = ["MemoryOutput", "MemorySink"]


@dataclass(slots=True)
class MemoryOutput:
    """What would be on the disk: the final output and the work, one JSON text a record; None: no such file."""

    name: str = "memory"
    final: list[bytes] | None = None
    work: list[bytes] | None = field(default=None, kw_only=True)

    @property
    def records(self) -> list[Record] | None:
        """Return the finished output; None when there is none yet."""
        return None if self.final is None else [msgspec.json.decode(line) for line in self.final]


class MemorySink:
    """Write to a `MemoryOutput`; an offset is a number of records."""

    def __init__(
        self, output: MemoryOutput | None = None, *, mode: Mode = "replace", place: Place | None = None
    ) -> None:
        self.output = output or MemoryOutput()
        base = 0 if mode == "replace" else None
        name = f"/{self.output.name}"
        self._place = place or Place(name, name if mode == "append" else f"{name}.part", base, mode, "memory")
        self._open = False
        self._sealed = False

    def __repr__(self) -> str:
        return f"<MemorySink {self.output.name} | {len(self._work or ())} records>"

    @property
    def records(self) -> list[Record]:
        """Return what was written so far, finished or not."""
        lines = self.output.final if self._work is None else self._work
        return [msgspec.json.decode(line) for line in lines or ()]

    @property
    def place(self) -> Place:
        """Return the place; `base` is known once `open` has returned."""
        return self._place

    async def open(self, committed: int | None, *, sealing: bool = False) -> int:
        """Begin (None) or go on at `committed`; see `Sink.open`."""
        self._sealed = (
            sealing and self._place.mode == "replace" and self._work is None and self.output.final is not None
        )
        if self._sealed:
            return committed or 0
        lines = self._work or []
        if committed is not None and len(lines) < committed:
            raise OutputShort(f"{self._place.work} has {len(lines)} records, but {committed} were committed to it")
        begin = len(lines) if self._place.mode == "append" else 0
        offset = begin if committed is None else committed
        if committed is None:
            self._place = msgspec.structs.replace(self._place, base=begin)
        self._work = lines[:offset]
        self._open = True
        return offset

    async def write(self, records: Sequence[Record]) -> int:
        """Append one batch; return the new number of records."""
        lines = self._held()
        lines.extend(msgspec.json.encode(record) for record in records)
        return len(lines)

    async def sync(self) -> None:
        """Check only that the sink is open: memory has no power cut to survive."""
        self._held()

    async def seal(self) -> None:
        """Make the final output show the run's result."""
        if self._sealed:
            return
        self.output.final = self._held()
        if self._place.mode == "replace":
            self._work = None
        self._sealed = True

    async def discard(self) -> None:
        """Give the run up."""
        if self._place.mode == "replace":
            self._work = None
        elif self._place.base is not None and self._work is not None:
            del self._work[self._place.base :]
        self._open = False

    async def set_aside(self) -> None:
        """Leave the final list as it was before a run that has failed."""
        if self._place.mode == "append" and self._place.base is not None and self._work is not None:
            del self._work[self._place.base :]
        self._open = False

    async def close(self) -> None:
        """Leave the work for a resume."""
        self._open = False

    @property
    def _work(self) -> list[bytes] | None:
        return self.output.final if self._place.mode == "append" else self.output.work

    @_work.setter
    def _work(self, lines: list[bytes] | None) -> None:
        if self._place.mode == "append":
            self.output.final = lines
        else:
            self.output.work = lines

    def _held(self) -> list[bytes]:
        if not self._open or self._sealed or self._work is None:
            raise SinkError(f"cannot write {self._place.final}: it is not open")
        return self._work
