"""The rules that every sink keeps, as tests: subclass `SinkContract`, say how to make your sink and how to read it.

    class TestMySink(SinkContract):
        def make(self, folder, mode, place=None): return MySink(place or my_place(folder, mode))
        def read(self, place): return [...] or None

Invariant checked: whatever was written, cut off or done twice, a reader sees each committed record once, in order.
pytest collects the class; neither pytest nor a plugin is imported, so the suite asks for nothing else.
"""

from __future__ import annotations

import asyncio
import functools
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

from scraper.errors import OutputShort, SinkError
from scraper.item import Record
from scraper.sinks.base import Mode, Place, Sink

__all__ = ["BATCHES", "SinkContract"]

# What the suite writes: integers under "n", text under the rest; "late" appears in the last batch only.
BATCHES: tuple[tuple[Record, ...], ...] = (
    ({"n": 1, "title": "first"}, {"n": 2, "title": 'zwei, "drei"\nvier'}),
    ({"n": 3, "title": "日本 😀"},),
    ({"n": 4, "title": "last", "late": "x"}, {"n": 5, "late": " y "}),
)
EVERYTHING = [record for batch in BATCHES for record in batch]
YESTERDAY: tuple[Record, ...] = ({"n": 0, "title": "yesterday"},)

Rule: TypeAlias = Callable[["SinkContract", Path], None]


def rule(test: Callable[[Any, Path], Coroutine[Any, Any, None]]) -> Rule:
    """Run an async rule in a loop of its own, so that no plugin is needed."""

    @functools.wraps(test)
    def run(self: SinkContract, tmp_path: Path) -> None:
        asyncio.run(test(self, tmp_path))

    return run


class SinkContract(ABC):
    """Subclass it as `Test…` in a test module; every rule runs in the modes that `modes` names."""

    modes: tuple[Mode, ...] = ("replace", "append")

    @abstractmethod
    def make(self, folder: Path, mode: Mode, place: Place | None = None) -> Sink:
        """Return a sink for one and the same output below `folder`: a new run's, or that of a stored place."""

    @abstractmethod
    def read(self, place: Place) -> list[Record] | None:
        """Return what a reader of the final output sees, as it was written; None when there is no final output."""

    def lose(self, place: Place) -> None:
        """Destroy the work, as a user who tidies up would."""
        Path(place.work).unlink()

    @asynccontextmanager
    async def opened(
        self,
        folder: Path,
        mode: Mode,
        committed: int | None = None,
        *,
        place: Place | None = None,
        sealing: bool = False,
    ) -> AsyncIterator[Sink]:
        """Open the output as a new process would, with a place that has been through JSON; close it at the end."""
        if place is not None:
            place = Place.from_dict(json.loads(json.dumps(place.to_dict())))
        sink = self.make(folder, mode, place)
        try:
            offset = await sink.open(committed, sealing=sealing)
            assert committed is None or offset == committed
            yield sink
        finally:
            await sink.close()

    async def finished(self, folder: Path, mode: Mode, batches: tuple[tuple[Record, ...], ...]) -> Place:
        """Do a whole run."""
        async with self.opened(folder, mode) as sink:
            for batch in batches:
                await sink.write(batch)
            await sink.seal()
            return sink.place

    @rule
    async def test_a_sealed_run_shows_every_record_once_and_in_order(self, tmp_path: Path) -> None:
        """What was written is what a reader sees."""
        for mode in self.modes:
            place = await self.finished(tmp_path / mode, mode, BATCHES)
            assert self.read(place) == EVERYTHING

    @rule
    async def test_offsets_grow_and_begin_where_open_said(self, tmp_path: Path) -> None:
        """Every write returns a larger offset; sync may come at any time."""
        for mode in self.modes:
            sink = self.make(tmp_path / mode, mode)
            offsets = [await sink.open(None)]
            for batch in BATCHES:
                offsets.append(await sink.write(batch))
                await sink.sync()
            await sink.close()
            assert offsets == sorted(set(offsets))

    @rule
    async def test_a_resume_cuts_back_to_each_committed_offset_and_goes_on(self, tmp_path: Path) -> None:
        """Whatever was written after the commit is gone, and written again it is there once."""
        for mode in self.modes:
            for kept in range(len(BATCHES) + 1):
                folder = tmp_path / f"{mode}{kept}"
                sink = self.make(folder, mode)
                offsets = [await sink.open(None)]
                offsets += [await sink.write(batch) for batch in BATCHES]
                await sink.close()
                async with self.opened(folder, mode, offsets[kept], place=sink.place) as resumed:
                    again = [await resumed.write(batch) for batch in BATCHES[kept:]]
                    await resumed.seal()
                assert self.read(sink.place) == EVERYTHING
                assert again == offsets[kept + 1 :]

    @rule
    async def test_yesterdays_output_stands_until_seal(self, tmp_path: Path) -> None:
        """A run that was killed, or given up, leaves a replaced output as it was."""
        place = await self.finished(tmp_path, "replace", (YESTERDAY,))
        async with self.opened(tmp_path, "replace") as sink:
            await sink.write(BATCHES[0])
            await sink.sync()
            assert self.read(place) == list(YESTERDAY)
        assert self.read(place) == list(YESTERDAY)
        async with self.opened(tmp_path, "replace") as sink:
            await sink.write(BATCHES[0])
            await sink.discard()
        assert self.read(place) == list(YESTERDAY)

    @rule
    async def test_a_new_run_forgets_the_work_of_an_abandoned_one(self, tmp_path: Path) -> None:
        """`open(None)` in replace mode begins at nothing."""
        async with self.opened(tmp_path, "replace") as sink:
            await sink.write(YESTERDAY)
        assert self.read(await self.finished(tmp_path, "replace", BATCHES)) == EVERYTHING

    @rule
    async def test_a_run_without_records_is_sealed_as_an_empty_output(self, tmp_path: Path) -> None:
        """No item is a result too: yesterday's may not stand for today's."""
        for mode in self.modes:
            assert self.read(await self.finished(tmp_path / mode, mode, ())) == []
        await self.finished(tmp_path / "replace", "replace", BATCHES)
        assert self.read(await self.finished(tmp_path / "replace", "replace", ())) == []

    @rule
    async def test_seal_may_be_called_again_here_and_in_a_new_process(self, tmp_path: Path) -> None:
        """A crash behind any step of `seal` is healed by `open(…, sealing=True)` and `seal`."""
        for mode in self.modes:
            for count in range(len(BATCHES) + 1):
                folder = tmp_path / f"{mode}{count}"
                sink = self.make(folder, mode)
                offset = await sink.open(None)
                for batch in BATCHES[:count]:
                    offset = await sink.write(batch)
                for sealing in (False, True, True):  # before seal; after it, with the crash before anybody was told
                    await sink.close()
                    async with self.opened(folder, mode, offset, place=sink.place, sealing=sealing) as resumed:
                        await resumed.seal()
                        await resumed.seal()
                    assert self.read(sink.place) == [record for batch in BATCHES[:count] for record in batch]

    @rule
    async def test_appending_keeps_what_was_there(self, tmp_path: Path) -> None:
        """Each run of append mode adds to the last, also after a resume at its very beginning."""
        if "append" not in self.modes:
            return
        await self.finished(tmp_path, "append", (YESTERDAY,))
        sink = self.make(tmp_path, "append")
        begin = await sink.open(None)
        await sink.write(BATCHES[0])
        await sink.close()
        async with self.opened(tmp_path, "append", begin, place=sink.place) as resumed:
            for batch in BATCHES:
                await resumed.write(batch)
            await resumed.seal()
        assert self.read(sink.place) == [*YESTERDAY, *EVERYTHING]
        assert self.read(await self.finished(tmp_path, "append", ())) == [*YESTERDAY, *EVERYTHING]

    @rule
    async def test_discard_gives_an_appended_output_its_old_records_back(self, tmp_path: Path) -> None:
        """It does so in a new process without `open`, and never before `base` is known."""
        if "append" not in self.modes:
            return
        place = await self.finished(tmp_path, "append", (YESTERDAY,))
        await self.make(tmp_path, "append").discard()
        assert self.read(place) == list(YESTERDAY)
        async with self.opened(tmp_path, "append") as sink:
            await sink.write(BATCHES[0])
        await self.make(tmp_path, "append", sink.place).discard()
        assert self.read(place) == list(YESTERDAY)

    @rule
    async def test_an_output_shorter_than_its_commit_is_refused(self, tmp_path: Path) -> None:
        """Nothing is made up for records that have vanished."""
        for mode in self.modes:
            folder = tmp_path / mode
            sink = self.make(folder, mode)
            await sink.open(None)
            offset = await sink.write(BATCHES[0])
            await sink.close()
            for committed in (offset + 1, offset):
                await _refused(self.make(folder, mode, sink.place), committed)
                if committed > offset:
                    self.lose(sink.place)

    @rule
    async def test_close_needs_no_open_and_ends_writing(self, tmp_path: Path) -> None:
        """`close` may come at any time and twice; nothing can be written afterwards."""
        sink = self.make(tmp_path, "replace")
        await sink.close()
        await sink.open(None)
        await sink.close()
        await sink.close()
        try:
            await sink.write(BATCHES[0])
        except SinkError:
            return
        raise AssertionError("a closed sink took records")


async def _refused(sink: Sink, committed: int) -> None:
    try:
        await sink.open(committed)
    except OutputShort:
        return
    finally:
        await sink.close()
    raise AssertionError(f"an output shorter than {committed} was accepted")
