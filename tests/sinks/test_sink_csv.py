"""CSV: late fields, types of values, merging into an existing table, and what is refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scraper.errors import SinkError
from scraper.item import Record, to_record
from scraper.sinks import Mode, make_sink, place_for

json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
# Names as fields have them: one that looks like a price or an address is refused by the next append, see below.
names = st.text(min_size=1).filter(lambda name: name[0].isalpha() and not re.search("[;\t]|^http", name, re.IGNORECASE))
records = st.lists(st.dictionaries(names, json_data, max_size=4).map(to_record), max_size=6)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """One writer thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def run(
    path: Path,
    executor: ThreadPoolExecutor,
    batch: list[Record],
    mode: Mode = "replace",
    fields: list[str] | None = None,
) -> None:
    """Do a whole run and seal it."""
    sink = make_sink(place_for(path, mode=mode), executor=executor, fields=fields)
    try:
        await sink.open(None)
        if batch:
            await sink.write(batch)
        await sink.seal()
    finally:
        await sink.close()


def table_of(path: Path) -> list[list[str]]:
    """Return header and rows as the csv module reads them."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


def cell(value: Any) -> str:
    """Return what stands in a cell: the promise, written a second time."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def test_a_field_that_only_the_last_record_has_gets_a_column(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Columns stand in the order of first appearance; nothing is lost."""
    path = tmp_path / "out.csv"
    await run(path, executor, [{"b": 1}, {"a": 2, "b": 3}, {"late": "x"}])
    assert path.read_bytes() == b"b,a,late\r\n1,,\r\n3,2,\r\n,,x\r\n"


async def test_values_are_text_json_or_nothing(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """Numbers stay exact, nested values are JSON, None is an empty cell, the rest is quoted where RFC 4180 asks."""
    path = tmp_path / "out.csv"
    values = [None, True, False, 10**30, 0.1, [1, None], {"k": "é"}, 'say "x", y', "a\rb", "a\nb", "nul\0", " x "]
    await run(path, executor, [{f"c{n}": value for n, value in enumerate(values)}])
    assert table_of(path)[1] == [
        *["", "true", "false", "1" + "0" * 30, "0.1", "[1,null]", '{"k":"é"}'],
        *['say "x", y', "a\rb", "a\nb", "nul\0", " x "],
    ]


async def test_without_records_there_is_an_empty_table(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """With `fields` it has its header; a gzip one is a gzip file."""
    for name in ("out.csv", "out.csv.gz"):
        await run(tmp_path / name, executor, [])
        assert table_of(tmp_path / name) == []
        await run(tmp_path / name, executor, [], fields=["a", "b"])
        assert table_of(tmp_path / name) == [["a", "b"]]


async def test_fields_are_the_columns(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """Others are left out, and the order is theirs."""
    await run(tmp_path / "out.csv", executor, [{"a": 1, "b": 2, "c": 3}], fields=["c", "x", "a"])
    assert table_of(tmp_path / "out.csv") == [["c", "x", "a"], ["3", "", "1"]]


async def test_appending_extends_rows_and_header_and_keeps_the_order(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """New columns come at the right; old rows get empty cells there."""
    for name in ("out.csv", "out.csv.gz"):
        path = tmp_path / name
        await run(path, executor, [{"a": "1\n", "b": ""}, {"b": 2}], "append")
        await run(path, executor, [{"new": 'x"', "b": 3}], "append")
        await run(path, executor, [], "append", fields=["a", "unused"])
        await run(path, executor, [{"b": 9, "late": 5, "a": 4}], "append", fields=["a", "late"])
        assert table_of(path) == [
            ["a", "b", "new", "late"],
            ["1\n", "", "", ""],
            ["", "2", "", ""],
            ["", "3", 'x"', ""],
            ["4", "", "", "5"],
        ]


async def test_an_existing_table_keeps_its_bytes_and_its_line_ends(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Byte order mark, needless quotes, empty lines and LF stay; a missing last line end is added."""
    path = tmp_path / "out.csv"
    path.write_bytes(b'\xef\xbb\xbf"name",b\n"x",1\n\n"y\n",2')
    await run(path, executor, [{"b": "r\rn", "name": "z"}], "append")
    assert path.read_bytes() == b'\xef\xbb\xbf"name",b\n"x",1\n\n"y\n",2\nz,"r\rn"\n'
    await run(path, executor, [{"c": "new"}], "append")
    assert path.read_bytes() == b'\xef\xbb\xbf"name",b,c\n"x",1,\n\n"y\n",2,\nz,"r\rn",\n,,new\n'


async def test_a_cell_larger_than_the_csv_modules_limit_is_appended_to(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """The module's process-wide limit (131,072 characters) is neither hit nor changed."""
    path, limit = tmp_path / "out.csv", csv.field_size_limit()
    await run(path, executor, [{"text": 'x"\n' * 100_000}], "append")
    await run(path, executor, [{"text": "y", "more": 1}], "append")
    assert path.read_bytes().endswith(b'x""\n",\r\ny,1\r\n')
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\r\na,b\r\n", ":1: the first line is empty"),
        (b"a,b,a\r\n", ":1: 'a' stands twice"),
        (b"A Light in the Attic,51.77,true\r\n", ":1: '51.77' looks like data.*`fields`"),
        (b"https://example.org/,x\r\n", ":1: 'https://example.org/' looks like data"),
        (b"a;b\r\n1;2\r\n", ":1: the columns are not separated by commas"),
        (b"a,b\r\n1,2\r\n3\r\n", ":3: the row has 1 cells, the header 2"),
        (b'a,b\r\n"x\r\ny",2\r\n1,2,3\r\n', ":4: the row has 3 cells"),
        (b'a,b\r\n1,"2\r\n3,4\r\n', ":2: a quoted cell does not end"),
        (b'a,b\r\n1,x"y"z\r\n', ":2: the row's quotes"),
        (b'a,b\r\n1,"x"z\r\n', ":2: the row's quotes"),
        (b"a,b\r1,2\r", ":1: the row's quotes or line end"),
        (b"a,b\r\n1,\xff\r\n", ":2: the row is not UTF-8"),
        ("a,b\r\n1,2\r\n".encode("utf-16"), ":1: the row is not UTF-8"),
        (gzip.compress(b"a,b\r\n", mtime=0), ":1: the row is not UTF-8"),
    ],
)
async def test_a_foreign_or_broken_table_is_refused_by_open_and_left_alone(
    content: bytes, message: str, executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Nothing has been fetched then; the message names file, line and cure."""
    for name in ("out.csv", "out.csv.gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        before = path.read_bytes()
        sink = make_sink(place_for(path, mode="append"), executor=executor)
        with pytest.raises(SinkError, match=rf"(?s){path}.*{message}.*choose another output"):
            await sink.open(None)
        await sink.close()
        assert path.read_bytes() == before
        assert list(tmp_path.glob("*.part*")) == []


async def test_a_gzip_table_that_is_not_whole_is_refused(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """A plain file under that name, or a torn one."""
    path = tmp_path / "out.csv.gz"
    for content in (b"a,b\r\n", gzip.compress(b"a,b\r\n" * 99)[:-9]):
        path.write_bytes(content)
        with pytest.raises(SinkError, match="not a whole gzip file"):
            await make_sink(place_for(path, mode="append"), executor=executor).open(None)
        assert path.read_bytes() == content


async def test_fields_settle_whose_header_it_is(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """One column in common makes it ours, none makes it foreign, however they look."""
    path = tmp_path / "out.csv"
    path.write_bytes(b"1.5,b\r\n")
    await run(path, executor, [{"b": 1}], "append", fields=["b"])
    assert table_of(path) == [["1.5", "b"], ["", "1"]]
    with pytest.raises(SinkError, match=r"none of the columns in `fields` is among 1\.5, b"):
        await run(path, executor, [{"c": 1}], "append", fields=["c"])


async def test_a_table_that_breaks_during_the_run_is_left_alone_and_the_records_wait(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Once it is repaired, the same command makes the table."""
    path = tmp_path / "out.csv"
    path.write_bytes(b"a,b\r\n1,2\r\n")
    sink = make_sink(place_for(path, mode="append"), executor=executor)
    await sink.open(None)
    committed = await sink.write([{"c": 3}])
    for broken, message in (
        (b'a,b\r\n1,"2\r\n', "quoted cell does not end"),
        (b"a,b\r\n1\r\n", ":2: the row has 1 cells"),
    ):
        path.write_bytes(broken)
        with pytest.raises(SinkError, match=message):
            await sink.seal()
        assert path.read_bytes() == broken
    await sink.close()
    path.write_bytes(b"a,b\r\n1,2\r\n")
    resumed = make_sink(sink.place, executor=executor)
    await resumed.open(committed, sealing=True)
    await resumed.seal()
    await resumed.close()
    assert table_of(path) == [["a", "b", "c"], ["1", "2", ""], ["", "", "3"]]
    assert list(tmp_path.iterdir()) == [path]


async def test_a_damaged_spool_is_named_with_its_line(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """`final` keeps yesterday's table."""
    path = tmp_path / "out.csv"
    path.write_bytes(b"yesterday\r\n")
    sink = make_sink(place_for(path), executor=executor)
    await sink.open(None)
    await sink.write([{"a": 1}])
    await sink.write([{"a": 2}])
    Path(sink.place.work).write_bytes(b'{"a":1}\n{"a"~2}\n')
    with pytest.raises(SinkError, match=r"out\.csv\.part\.jsonl:2: not a record"):
        await sink.seal()
    await sink.close()
    assert path.read_bytes() == b"yesterday\r\n"


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
async def test_memory_does_not_grow_with_the_table(name: str, executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """Making and merging a table of 4 MB takes a fraction of that."""
    path, row = tmp_path / name, {"text": "x" * 1000, "n": 1}
    await run(path, executor, [row] * 2000, "append")
    sink = make_sink(place_for(path, mode="append"), executor=executor)
    await sink.open(None)
    await sink.write([row] * 2000)
    tracemalloc.start()
    await sink.seal()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    await sink.close()
    assert len(table_of(path)) == 4001
    assert peak < 1_700_000  # bytes; the compressor's buffer alone has 1 MiB


@settings(max_examples=60, deadline=None)
@given(first=records, second=records, gz=st.booleans())
@example(first=[{"a": ""}, {"a": None}], second=[{"a": "\r"}, {"b": "\n"}], gz=False)
async def test_any_records_in_two_runs_make_one_table(
    first: list[Record], second: list[Record], gz: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each field of each record stands in its column, as the csv module reads it."""
    path = tmp_path_factory.mktemp("any") / ("out.csv.gz" if gz else "out.csv")
    with ThreadPoolExecutor(1) as executor:
        await run(path, executor, first, "append")
        await run(path, executor, second, "append")
    columns = list(dict.fromkeys(name for record in [*first, *second] for name in record))
    rows = table_of(path)
    expected = [[cell(record.get(name)) for name in columns] for record in [*first, *second]]
    if not columns:
        assert rows == []
        return
    if not any(first):  # records without any field leave no row when there is no column yet
        expected = expected[len(first) :]
    assert rows[0] == columns
    assert [[_exact(text) for text in row] for row in rows[1:]] == [[_exact(text) for text in row] for row in expected]


def _exact(text: str) -> Any:
    """Compare numbers by value: 1e22 and 1e+22 are two spellings of one."""
    try:
        return json.loads(text)
    except ValueError:
        return text
