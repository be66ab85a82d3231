"""A table for spreadsheets: every field has a column, also one that only the last item has.

The columns are known at the end only, so records are spooled as JSON Lines and the table is made by `seal`, in steps
that each leave one of four states on the disk. A new process can tell them apart, so no row is added twice:

    spool                a run, or a seal that had not finished its table: the table is made (again)
    spool and table      the table is whole, `final` is still untouched: likewise
    table only           the table has to be moved to `final`
    neither              sealed

How CSV looks stands in `table`, not here.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import BinaryIO, cast

from scraper.errors import SinkError
from scraper.item import Record
from scraper.sinks import disk, table
from scraper.sinks.base import Mode, Place
from scraper.sinks.jsonlines import GZIP_LEVEL, encode_lines
from scraper.sinks.workfile import WorkFile

__all__ = ["CsvSink"]

BUFFER = 1 << 20  # bytes handed to the compressor, or to the disk, at once


class CsvSink:
    """One CSV table; in append mode new rows, and new columns, are merged into the existing one."""

    def __init__(self, place: Place, *, executor: Executor, fields: Sequence[str] | None = None) -> None:
        self._place = place
        self._spool = WorkFile(place.work, executor, like=place.final, private=place.private)
        self._table = f"{place.final}.part"
        self._draft = f"{place.final}.part.tmp"
        self._fields = fields
        self._gzip = place.compressed
        self._spool_gone = False
        self._sealed = False

    def __repr__(self) -> str:
        return f"<CsvSink {self._place.final} | {self._spool.offset} bytes spooled>"

    @staticmethod
    def plan(final: str, mode: Mode, format: str) -> Place:  # noqa: A002 - the noun of the config
        """Return the place of a new run."""
        return Place(final, f"{final}.part.jsonl", 0, mode, format)

    @property
    def place(self) -> Place:
        """Return the place."""
        return self._place

    async def open(self, committed: int | None, *, sealing: bool = False) -> int:
        """Begin (None) or go on at `committed`; see `Sink.open`."""
        final, work = self._place.final, self._place.work
        await self._spool.run(lambda: disk.check_files(final, work, self._table, self._draft))
        if sealing and await self._spool.run(self._has_lost_its_spool):
            self._spool_gone = True
            return committed or 0
        await self._spool.run(self._check_existing, path=final, doing="read")
        offset = await self._spool.open(committed)
        if committed is None:
            await self._spool.run(lambda: disk.remove(self._table, self._draft), doing="clear")
        return offset

    async def write(self, records: Sequence[Record]) -> int:
        """Spool one batch; return the spool's new offset."""
        if self._sealed:
            raise SinkError(f"cannot write {self._place.final}: it is finished; begin a new run")
        return await self._spool.write(encode_lines(records, self._fields))

    async def sync(self) -> None:
        """Make what was spooled survive a power cut."""
        await self._spool.sync()

    async def seal(self) -> None:
        """Make the table and move it to `final`."""
        if self._sealed:
            return
        if not self._spool_gone:
            await self._spool.sync()
            await self._spool.run(self._make_table, path=self._draft)
            self._spool_gone = True
        await self._spool.run(self._publish, path=self._place.final)
        self._sealed = True

    async def discard(self) -> None:
        """Give the run up: spool and table go, `final` stays as it is."""
        await self._spool.close()
        await self._spool.run(self._clear, doing="remove")

    async def set_aside(self) -> None:
        """Leave the spool of a failed run where it can be looked at; `final` was never touched."""
        await self._spool.close()

    async def close(self) -> None:
        """Release the spool and leave it for a resume."""
        await self._spool.close()

    def _has_lost_its_spool(self) -> bool:
        final, work = self._place.final, self._place.work
        return disk.size_of(work) is None and any(disk.size_of(path) is not None for path in (self._table, final))

    def _has_existing(self) -> bool:
        return self._place.mode == "append" and bool(disk.size_of(self._place.final))

    def _check_existing(self) -> None:
        if self._has_existing():
            table.check_table(
                self._place.final, compress=self._gzip, fields=self._fields, formulas=self._place.formulas
            )

    def _make_table(self) -> None:
        if self._spool.offset or not self._has_existing():
            try:
                with disk.create(self._draft, like=self._place.final, private=self._place.private) as file:
                    self._write_table(file)
                    file.flush()
                    os.fsync(file.fileno())
                disk.replace(self._draft, self._table)
            except BaseException:  # on a full disk the half table would keep the user from going on
                disk.remove(self._draft)
                raise
        disk.remove(self._place.work)

    def _write_table(self, file: BinaryIO) -> None:
        final = self._place.final
        existing = table.read_rows(final, compress=self._gzip) if self._has_existing() else iter(())
        write = partial(
            table.write_table,
            spool=self._place.work,
            fields=self._fields,
            existing=existing,
            origin=final,
            formulas=self._place.formulas,
        )
        if not self._gzip:
            write(file)
            return
        with gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=file, mtime=0) as member:
            buffered = io.BufferedWriter(cast("io.RawIOBase", member), BUFFER)
            write(buffered)
            buffered.flush()
            buffered.detach()

    def _publish(self) -> None:
        if disk.size_of(self._table) is not None:
            disk.replace(self._table, self._place.final)

    def _clear(self) -> None:
        disk.give_up(self._place.work, 0)
        disk.remove(self._place.work, self._table, self._draft)
