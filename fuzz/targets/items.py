"""Items: whatever a callback may yield, to a record, to a line of JSON and a row of CSV, and read back by others.

An input is a recipe: each byte says what comes next (a text, a number, a list …), so every input is some item.
"""

from __future__ import annotations

import csv
import io
import json
import math
import struct
import tempfile
from collections.abc import Hashable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import json_lines, unicode_text
from fuzz.target import Target
from scraper.errors import ItemError
from scraper.item import Record
from scraper.sinks import table
from scraper.sinks.jsonlines import encode_lines

__all__ = ["ItemsTarget"]

MAX_FIELDS = 12
DEEPEST = 70  # levels; one more than an item may have is refused
csv.field_size_limit(1 << 24)


class ItemsTarget(Target):
    """An item is written as it is, or ItemError names the field."""

    name: ClassVar[str] = "items"
    rooms: ClassVar[str] = "item, sinks.jsonlines, sinks.table"
    largest: ClassVar[int] = 8 * 1024
    base_seconds: ClassVar[float] = 0.1
    kilobyte_seconds: ClassVar[float] = 0.01
    tokens: ClassVar[tuple[bytes, ...]] = (
        b"\x00", b"\x01", b"\x02", b"\x03", b"\x04", b"\x05\x05\x05\x05", b"\x06", b"\x07", b"\x08", b'"', b",",
        b"\r\n", b"\n", b"\r", b"=1+1", b"\0", b"\xed\xa0\x80",
        b"\xed\xb0\x80", b"\x7f\xf8\0\0\0\0\0\0", b"\x7f\xf0\0\0\0\0\0\0", b"\xff" * 8, "\u2028".encode(),
        b"\xef\xbb\xbf", b";", b"\t", b"'", b"\\",
    )  # fmt: skip

    def open(self) -> None:
        """Make ready."""
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-items-")
        self._spool = str(Path(self._folder.name) / "spool")

    def close(self) -> None:
        """Release."""
        self._folder.cleanup()

    def seeds(self) -> Iterable[bytes]:
        """Return recipes."""
        yield from (
            b"",
            bytes(range(40)),
            b"\x04title\0\x01Book",
            b'\x02\x05a"b,c\r\nd',
            b"\x05" * 200,
            b"\x03\x7f\xf8\0\0\0\0\0\0",
            b"\x06" * 100,
            b"\x09\x0a\x0b\x0c" * 9,
        )

    def strategy(self) -> SearchStrategy[bytes]:
        """Return recipes of every length."""
        piece = st.one_of(
            st.binary(max_size=12),
            st.sampled_from(self.tokens),
            st.text(max_size=6).map(
                lambda text: (
                    bytes((0, len(text.encode("utf-8", "surrogatepass")))) + text.encode("utf-8", "surrogatepass")
                )
            ),
        )
        return st.lists(piece, max_size=30).map(b"".join)

    def check(self, data: bytes) -> None:
        """Make items, write them, read them with other readers."""
        recipe = _Recipe(data)
        records: list[Record] = []
        for _ in range(3):
            item = recipe.item()
            try:
                records += json_lines([item])
            except ItemError as error:
                unicode_text(str(error))
                texts = all(isinstance(key, str) for key in item)
                assert not texts or "field" in str(error), "an error names the field"
                assert not _is_plain(item), "what JSON can hold is written"
        if records:
            self._csv(records)

    def _csv(self, records: list[Record]) -> None:
        first = self._table(records[:1], None)
        self._table(records, first)

    def _table(self, records: list[Record], existing: bytes | None) -> bytes:
        """Write a table, with the rows of an existing one; the csv module reads it back."""
        Path(self._spool).write_bytes(encode_lines(records))
        old = Path(self._folder.name) / "old.csv"
        if existing is not None:
            old.write_bytes(existing)
        out = io.BytesIO()
        rows = table.read_rows(str(old), compress=False) if existing else iter(())
        table.write_table(out, self._spool, fields=None, existing=rows, origin=str(old))
        read = list(csv.reader(io.StringIO(out.getvalue().decode(), newline=""), strict=True))
        if not read:
            assert not any(records), "only records without fields make no table"
            return b""
        header, *rows_read = read
        assert len(set(header)) == len(header), "a column stands once"
        assert len(rows_read) - len(records) == (1 if existing else 0), "one record, one row"
        for record, row in zip(reversed(records), reversed(rows_read), strict=False):
            for name, cell in zip(header, row, strict=True):
                _cell(record.get(name), cell)
        return out.getvalue()


def _cell(value: Any, cell: str) -> None:
    if value is None:
        assert cell == "", "null and absent are empty"
    elif isinstance(value, str):
        assert cell == value, "text is as it was"
    else:
        assert json.loads(cell) == value, "everything else is its JSON"


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Tell whether JSON can hold `value` beyond doubt."""
    if depth > 50:
        return False
    if isinstance(value, dict):
        return all(type(key) is str and _is_plain(entry, depth + 1) for key, entry in value.items()) and _apart(value)
    if isinstance(value, list):
        return all(_is_plain(entry, depth + 1) for entry in value)
    return (
        value is None
        or type(value) in (str, bool)
        or (type(value) is int and abs(value) < 2**63)
        or (type(value) is float and math.isfinite(value))
    )


def _apart(value: dict[str, Any]) -> bool:
    """Tell whether the keys stay apart when lone surrogates are replaced."""
    return len({key.encode("utf-8", "replace") for key in value}) == len(value)


class _Recipe:
    """Reads an item out of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def _byte(self) -> int:
        return self._take(1)[0] if self._at < len(self._data) else 0

    def item(self) -> dict[Any, Any]:
        """Return the next item."""
        return dict(self._pair(1) for _ in range(self._byte() % MAX_FIELDS))

    def _pair(self, depth: int) -> tuple[Any, Any]:
        key = self._leaf(self._byte() % 14) if self._byte() > 250 else self._text()
        return (key if isinstance(key, Hashable) else "odd"), self.value(depth)

    def _text(self) -> str:
        data = self._take(self._byte() % 40)
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return data.decode("latin-1")

    def value(self, depth: int) -> Any:
        """Return the next value."""
        way = self._byte() % 14
        if way in (4, 5) and depth < DEEPEST:
            if way == 4:
                return dict(self._pair(depth + 1) for _ in range(self._byte() % 4))
            return [self.value(depth + 1) for _ in range(self._byte() % 4)]
        return self._leaf(way)

    def _leaf(self, way: int) -> Any:
        match way:
            case 0 | 1:
                return self._text()
            case 2:
                return int.from_bytes(self._take(self._byte() % 12), "big", signed=True)
            case 3:
                return struct.unpack(">d", self._take(8).ljust(8, b"\0"))[0]
            case 6:
                return None
            case 7:
                return self._byte() % 2 == 0
            case 8:
                return self._take(self._byte() % 20)
            case 9:
                return (self._text(), self._byte())
            case 10:
                return {self._text()}
            case 11:
                return date.fromordinal(1 + self._byte())
            case 12:
                return Decimal(self._byte()) / 7
        return [object(), 1 << (self._byte() * 70), frozenset(), 1j][self._byte() % 4]
