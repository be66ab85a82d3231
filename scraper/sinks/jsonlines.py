"""One record a line: UTF-8 JSON and a newline, plain or gzip.

Invariant: every cut that the crawl's memory can ask for falls between two lines, and in gzip between two members, since
each batch is one complete member. In replace mode `final` is yesterday's file until `seal`; in append mode a run that
writes nothing leaves the file as it was.

What a record's fields mean may not enter this room.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

import msgspec

from scraper.errors import SinkError
from scraper.item import Record
from scraper.sinks import disk
from scraper.sinks.base import Mode, Place
from scraper.sinks.workfile import WorkFile

__all__ = ["GZIP_MAGIC", "JsonLinesSink", "encode_lines"]

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1
GZIP_LEVEL = 6  # zlib's own default: 1 µs a record of 200 bytes
EMPTY_MEMBER = gzip.compress(b"", GZIP_LEVEL, mtime=0)
READ_SIZE = 1 << 20  # bytes at once when an existing gzip file is checked

_encoder = msgspec.json.Encoder()


def encode_lines(records: Sequence[Record], fields: Sequence[str] | None = None) -> bytes:
    """Return one line of JSON a record; with `fields` only these, in this order, where the record has them."""
    if fields is not None:
        records = [{name: record[name] for name in fields if name in record} for record in records]
    return _encoder.encode_lines(records)


class JsonLinesSink:
    """JSON Lines, the output that a plain `tail -f` can follow in append mode."""

    def __init__(self, place: Place, *, executor: Executor, fields: Sequence[str] | None = None) -> None:
        self._place = place
        self._work = WorkFile(place.work, executor, like=place.final, private=place.private)
        self._fields = fields
        self._gzip = place.compressed
        self._joint = b""  # goes before the first batch, when the existing last line has no end
        self._sealed = False

    def __repr__(self) -> str:
        return f"<JsonLinesSink {self._place.final} | {self._work.offset} bytes>"

    @staticmethod
    def plan(final: str, mode: Mode, format: str) -> Place:  # noqa: A002 - the noun of the config
        """Return the place of a new run."""
        if mode == "append":
            return Place(final, final, None, mode, format)
        return Place(final, f"{final}.part", 0, mode, format)

    @property
    def place(self) -> Place:
        """Return the place; `base` is known once `open` has returned."""
        return self._place

    async def open(self, committed: int | None, *, sealing: bool = False) -> int:
        """Begin (None) or go on at `committed`; see `Sink.open`."""
        await self._work.run(lambda: disk.check_files(self._place.final, self._place.work))
        if sealing and await self._work.run(lambda: self._was_sealed(committed or 0)):
            self._sealed = True
            return committed or 0
        append = self._place.mode == "append"
        offset = await self._work.open(committed, keep=append)
        if committed is None and append:
            self._place = msgspec.structs.replace(self._place, base=offset)
        if append and 0 < offset == self._place.base:
            await self._work.run(self._look_at_the_end, doing="read")
        return offset

    async def write(self, records: Sequence[Record]) -> int:
        """Append one batch; return the new offset."""
        self._check_unsealed()
        data = self._joint + encode_lines(records, self._fields)
        if self._gzip:
            data = await self._work.run(lambda: gzip.compress(data, GZIP_LEVEL, mtime=0))
        offset = await self._work.write(data)
        self._joint = b""
        return offset

    async def sync(self) -> None:
        """Make what was written survive a power cut."""
        await self._work.sync()

    async def seal(self) -> None:
        """Make `final` show the run's result."""
        if self._sealed:
            return
        if self._gzip and self._work.offset == 0:  # no bytes at all are not a gzip file
            await self._work.write(EMPTY_MEMBER)
        await self._work.sync()
        if self._place.mode == "replace":
            await self._work.run(lambda: disk.replace(self._place.work, self._place.final), path=self._place.final)
        self._sealed = True

    async def discard(self) -> None:
        """Give the run up: the work file goes, or the existing file gets its old length back."""
        await self._work.close()
        base = self._place.base
        if base is not None:
            await self._work.run(lambda: disk.give_up(self._place.work, base), doing="cut back")
        if self._place.mode == "replace":
            await self._work.run(lambda: disk.remove(self._place.work), doing="remove")

    async def set_aside(self) -> None:
        """Leave the work of a failed run where it can be looked at; what was appended moves there, out of `final`."""
        await self._work.close()
        base = self._place.base
        if self._place.mode == "append" and base is not None:
            aside = f"{self._place.final}.part"
            await self._work.run(lambda: disk.move_tail(self._place.final, base, aside), doing="cut back")

    async def close(self) -> None:
        """Release the file and leave the work for a resume."""
        await self._work.close()

    def _check_unsealed(self) -> None:
        if self._sealed:
            raise SinkError(f"cannot write {self._place.final}: it is finished; begin a new run")

    def _was_sealed(self, committed: int) -> bool:
        """Tell whether an earlier process had already made the work the final file."""
        if self._place.mode == "append" or disk.size_of(self._place.work) is not None:
            return False
        sealed_size = len(EMPTY_MEMBER) if self._gzip and committed == 0 else committed
        return disk.size_of(self._place.final) == sealed_size

    def _look_at_the_end(self) -> None:
        """Find out whether the first batch has to end the existing file's last line; refuse what cannot be added to."""
        path = self._place.work
        ends_line = _gzip_ends_line(path) if self._gzip else _plain_ends_line(path)
        self._joint = b"" if ends_line else b"\n"


def _plain_ends_line(path: str) -> bool:
    with Path(path).open("rb") as file:
        if file.read(len(GZIP_MAGIC)) == GZIP_MAGIC:
            raise SinkError(f"cannot append to {path}: it is a gzip file. Name it {path}.gz, or choose another output")
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _gzip_ends_line(path: str) -> bool:
    """Read all of a gzip file, since lines added behind a broken member could never be read."""
    last = b"\n"
    try:
        with gzip.open(path, "rb") as file:
            while chunk := file.read(READ_SIZE):
                last = chunk[-1:]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        cure = "Repair it or move it away, or choose another output"
        raise SinkError(f"cannot append to {path}: it is not a whole gzip file ({error}). {cure}") from error
    return last == b"\n"
