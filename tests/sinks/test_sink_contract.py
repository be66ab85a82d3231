"""The shipped contract suite, run against every sink that is shipped."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from scraper.item import Record
from scraper.sinks import Mode, Place, Sink, make_sink, place_for
from scraper.testing.memory_sink import MemoryOutput, MemorySink
from scraper.testing.sink_contract import SinkContract


class FileContract(SinkContract):
    """Any format of the factory."""

    name: ClassVar[str]
    executor: ThreadPoolExecutor

    @pytest.fixture(autouse=True)
    def writer_thread(self) -> Iterator[None]:
        """Give the sinks of one test their thread."""
        with ThreadPoolExecutor(1) as self.executor:
            yield

    def make(self, folder: Path, mode: Mode, place: Place | None = None) -> Sink:
        """Make it as the composition root does."""
        return make_sink(place or place_for(folder / self.name, mode=mode), executor=self.executor)

    def content(self, place: Place) -> str | None:
        """Return the final file's text, unpacked."""
        if not Path(place.final).exists():
            return None
        data = Path(place.final).read_bytes()
        return (gzip.decompress(data) if place.compressed else data).decode()


class TestJsonLines(FileContract):
    """Plain lines."""

    name = "out.jsonl"

    def read(self, place: Place) -> list[Record] | None:
        """Parse each line."""
        text = self.content(place)
        return None if text is None else [json.loads(line) for line in text.splitlines()]


class TestJsonLinesGzip(TestJsonLines):
    """A member a batch."""

    name = "out.jsonl.gz"


class TestCsv(FileContract):
    """A table."""

    name = "out.csv"

    def read(self, place: Place) -> list[Record] | None:
        """Read it with the csv module; an empty cell is a missing field."""
        text = self.content(place)
        if text is None:
            return None
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        return [{k: int(v) if k == "n" else v for k, v in row.items() if v} for row in rows]


class TestCsvGzip(TestCsv):
    """A compressed table."""

    name = "out.csv.gz"


class TestMemory(SinkContract):
    """The sink without a disk; an output a folder."""

    outputs: dict[str, MemoryOutput]

    @pytest.fixture(autouse=True)
    def memory(self) -> None:
        """Forget the last test's outputs."""
        self.outputs = {}

    def make(self, folder: Path, mode: Mode, place: Place | None = None) -> Sink:
        """Find the folder's output again."""
        output = self.outputs.setdefault(str(folder), MemoryOutput(str(folder)))
        return MemorySink(output, mode=mode, place=place)

    def read(self, place: Place) -> list[Record] | None:
        """Look into it."""
        return self.outputs[place.final[1:]].records

    def lose(self, place: Place) -> None:
        """Forget everything."""
        output = self.outputs[place.final[1:]]
        output.work = output.final = None
