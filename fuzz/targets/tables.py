"""Tables: any bytes as an existing CSV, plain or gzip, to which rows shall be added; cookies' and states' neighbours.

What is refused is refused with file, line and cure. What is accepted keeps its bytes, and the csv module reads the
old rows as before and the new one behind them.
"""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import printable
from fuzz.target import Target
from scraper.errors import SinkError
from scraper.sinks import table

__all__ = ["TablesTarget"]

RECORD = b'{"name":"new \\"one\\"","number":1.5}\n'
BOM = b"\xef\xbb\xbf"
csv.field_size_limit(1 << 24)


class TablesTarget(Target):
    """A file is a table that rows can be added to, or SinkError says why not."""

    name: ClassVar[str] = "tables"
    rooms: ClassVar[str] = "sinks.table"
    largest: ClassVar[int] = 64 * 1024
    base_seconds: ClassVar[float] = 0.1
    kilobyte_seconds: ClassVar[float] = 0.005
    tokens: ClassVar[tuple[bytes, ...]] = (
        b",", b'"', b'""', b"\r\n", b"\n", b"\r", b"\0", b"name", b"number", b"a,b\r\n", b'"a\nb",', b"\xef\xbb\xbf",
        b";", b"\t", b"\xff", b"http://", b"1.5", b"\x1f\x8b\x08\0",
    )  # fmt: skip

    def open(self) -> None:
        """Make ready."""
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-tables-")
        self._old, self._spool = Path(self._folder.name) / "old.csv", Path(self._folder.name) / "spool"
        self._spool.write_bytes(RECORD)

    def close(self) -> None:
        """Release."""
        self._folder.cleanup()

    def seeds(self) -> Iterable[bytes]:
        """Return tables, and files that are none."""
        yield from (
            b"", b"name,number\r\na,1\r\n", b"name,number\na,1\nb,2", BOM + b'"na""me",number\r\n"a\r\nb",2\r\n',
            b"a;b\n1;2\n", b"name\r\n\r\nx\r\n", b'name,"open',
            b"name,name\r\n", b"x,y,z\n,,\n", gzip.compress(b"name\r\na\r\n", mtime=0),
            gzip.compress(b"name\r\n", mtime=0)[:-3], b"https://site.test/,1.5\r\n", b"\r\n",
        )  # fmt: skip

    def strategy(self) -> SearchStrategy[bytes]:
        """Return tables that csv wrote, and some with a mistake."""
        cell = st.one_of(st.text(max_size=6), st.sampled_from(["name", "number", "", '"', ",", "a\r\nb", "\n", "\r"]))
        rows = st.integers(1, 4).flatmap(
            lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=6)
        )
        written = st.builds(_written, rows, st.sampled_from(["\r\n", "\n"]), st.booleans())
        return st.one_of(
            written,
            written,
            st.builds(lambda data, end: data + end, written, st.binary(max_size=6)),
            written.map(lambda data: gzip.compress(data, mtime=0)),
        )

    def check(self, data: bytes) -> None:
        """Check it, add to it, read it again."""
        self._old.write_bytes(data)
        compress = data.startswith(b"\x1f\x8b")
        try:
            table.check_table(str(self._old), compress=compress, fields=None)
        except SinkError as error:
            printable(str(error).replace(repr(data[:40]), ""))
            assert str(self._old) in str(error), "the file is named"
            return
        out = io.BytesIO()
        rows = table.read_rows(str(self._old), compress=compress)
        table.write_table(out, str(self._spool), fields=None, existing=rows, origin=str(self._old))
        before = gzip.decompress(data) if compress and data else data
        _kept(before, out.getvalue())


def _kept(before: bytes, after: bytes) -> None:
    old, new = _read(before), _read(after)
    added = len(new[0]) - (len(old[0]) if old else 0)
    assert added >= 0, "no column goes"
    assert new[-1][new[0].index("name")] == 'new "one"', "the new row is behind the others"
    kept = [row + [""] * added for row in old[1:]]
    assert new[1:-1] == kept, "the old rows are as they were"
    if old:
        assert new[0][: len(old[0])] == old[0], "the old columns come first"
    assert before[:3] != BOM or after[:3] == BOM, "a byte order mark stays"


def _read(data: bytes) -> list[list[str]]:
    text = data.removeprefix(BOM).decode()
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


def _written(rows: list[list[str]], end: str, mark: bool) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    return (BOM if mark else b"") + out.getvalue().encode("utf-8", "replace")
