"""JSON Lines, plain and gzip: where it is cut, how it is appended to, what a reader gets back."""

from __future__ import annotations

import gzip
import itertools
import json
import math
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.errors import OutputShort, SinkError
from scraper.item import Record, to_record
from scraper.sinks import Mode, Place, Sink, make_sink, place_for

BATCHES: list[list[Record]] = [[{"n": 1}, {"n": 2, "t": "é\n"}], [{"n": 3}], [{"n": 4, "t": [None, True, 1.5]}]]
NAMES = ["out.jsonl", "out.jsonl.gz"]

json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
records = st.lists(st.dictionaries(st.text(), json_data, max_size=4).map(to_record), min_size=1, max_size=5)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """One writer thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def run(place: Place, executor: ThreadPoolExecutor, batches: list[list[Record]], **options: Any) -> Sink:
    """Do a whole run and seal it."""
    sink = make_sink(place, executor=executor, **options)
    try:
        await sink.open(None)
        for batch in batches:
            await sink.write(batch)
        await sink.seal()
    finally:
        await sink.close()
    return sink


def text_of(path: Path) -> str:
    """Return the text of a file, unpacked."""
    return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["replace", "append"])
async def test_whatever_length_a_kill_left_the_file_at_every_record_is_there_once(
    name: str, mode: Mode, executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """A file of any length from the commit on is cut to it; any shorter one is refused and left as it was."""
    place = place_for(tmp_path / "whole" / name, mode=mode)
    sink = make_sink(place, executor=executor)
    offsets = [await sink.open(None)] + [await sink.write(batch) for batch in BATCHES]
    await sink.close()
    whole = Path(place.work).read_bytes()
    victim = place_for(tmp_path / "killed" / name, mode=mode)
    for index, committed in enumerate(offsets):
        for length in range(len(whole) + 1):
            shutil.rmtree(tmp_path / "killed", ignore_errors=True)
            Path(victim.work).parent.mkdir()
            Path(victim.work).write_bytes(whole[:length])
            resumed = make_sink(victim, executor=executor)
            if length < committed:
                with pytest.raises(OutputShort, match=rf"{victim.work} .*{length} bytes.*{committed} bytes.*--fresh"):
                    await resumed.open(committed)
                assert Path(victim.work).read_bytes() == whole[:length]
                continue
            assert await resumed.open(committed) == committed
            assert Path(victim.work).read_bytes() == whole[:committed]
            for batch in BATCHES[index:]:
                await resumed.write(batch)
            await resumed.close()
            assert Path(victim.work).read_bytes() == whole


async def test_a_missing_file_is_refused_without_making_its_folder(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """A resume that cannot go on leaves no trace."""
    place = place_for(tmp_path / "gone" / "out.jsonl")
    with pytest.raises(OutputShort, match=r"out\.jsonl\.part is missing, but 7 bytes"):
        await make_sink(place, executor=executor).open(7)
    assert list(tmp_path.iterdir()) == []


async def test_each_gzip_batch_is_a_member_of_its_own_and_the_same_bytes_each_time(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """A prefix up to any offset is a valid gzip file; no time of day gets in."""
    place = place_for(tmp_path / "out.jsonl.gz")
    sink = make_sink(place, executor=executor)
    offsets = [await sink.open(None)] + [await sink.write(batch) for batch in BATCHES]
    await sink.close()
    data = Path(place.work).read_bytes()
    for number, (begin, end) in enumerate(itertools.pairwise(offsets)):
        assert [json.loads(line) for line in gzip.decompress(data[begin:end]).splitlines()] == BATCHES[number]
        assert data[begin + 4 : begin + 8] == b"\0\0\0\0"  # RFC 1952: MTIME


async def test_fields_choose_and_order_what_is_written(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """A record without a field has no such key."""
    path = tmp_path / "out.jsonl"
    await run(place_for(path), executor, [[{"a": 1, "b": 2, "c": 3}, {"b": 4}]], fields=["b", "a"])
    assert path.read_text() == '{"b":2,"a":1}\n{"b":4}\n'


async def test_an_unfinished_last_line_gets_its_end_before_the_first_record(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """It is not glued to a record, also after a resume at the beginning; a run without records changes nothing."""
    for name in NAMES:
        path = tmp_path / name
        old = b'{"n":0}'
        path.write_bytes(gzip.compress(old) if name.endswith(".gz") else old)
        before = path.read_bytes()
        await run(place_for(path, mode="append"), executor, [])
        assert path.read_bytes() == before
        sink = make_sink(place_for(path, mode="append"), executor=executor)
        begin = await sink.open(None)
        await sink.write([{"n": 99}])
        await sink.close()
        resumed = make_sink(sink.place, executor=executor)
        await resumed.open(begin)
        assert path.read_bytes() == before
        await resumed.write([{"n": 1}])
        await resumed.write([{"n": 2}])
        await resumed.seal()
        await resumed.close()
        assert text_of(path) == '{"n":0}\n{"n":1}\n{"n":2}\n'
        await make_sink(sink.place, executor=executor).discard()
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("out.jsonl", gzip.compress(b"{}\n"), "is a gzip file"),
        ("out.jsonl.gz", b'{"n":0}\n', "not a whole gzip file"),
        ("out.jsonl.gz", gzip.compress(b"{}\n" * 99)[:-9], "not a whole gzip file"),
        ("out.jsonl.gz", gzip.compress(b"{}\n") + b"garbage", "not a whole gzip file"),
    ],
)
async def test_a_file_that_cannot_be_appended_to_is_refused_and_left_alone(
    name: str, content: bytes, message: str, executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """The error comes from `open`, so nothing has been fetched; it names the file and a cure."""
    path = tmp_path / name
    path.write_bytes(content)
    sink = make_sink(place_for(path, mode="append"), executor=executor)
    with pytest.raises(SinkError, match=rf"{path}.*{message}.*choose another output"):
        await sink.open(None)
    await sink.close()
    assert path.read_bytes() == content


async def test_a_gzip_output_without_records_is_a_gzip_file(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """Zero bytes would not be one."""
    for mode in ("replace", "append"):
        path = tmp_path / mode / "out.jsonl.gz"
        await run(place_for(path, mode="append" if mode == "append" else "replace"), executor, [])
        assert path.stat().st_size > 0
        assert gzip.decompress(path.read_bytes()) == b""


async def test_a_finished_sink_takes_no_more(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """What a reader may already have is not written to."""
    sink = make_sink(place_for(tmp_path / "out.jsonl"), executor=executor)
    await sink.open(None)
    await sink.seal()
    with pytest.raises(SinkError, match="finished"):
        await sink.write([{"n": 1}])
    await sink.close()


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(records, max_size=3), gz=st.booleans())
async def test_any_record_comes_back_as_it_was(
    batches: list[list[Record]], gz: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One line a record, whatever is in it."""
    path = tmp_path_factory.mktemp("any") / ("out.jsonl.gz" if gz else "out.jsonl")
    with ThreadPoolExecutor(1) as executor:
        await run(place_for(path), executor, batches)
    lines = text_of(path).split("\n")
    assert lines.pop() == ""
    back = [json.loads(line) for line in lines]
    assert back == [record for batch in batches for record in batch]
    assert all(math.copysign(1, a) == math.copysign(1, b) for a, b in _floats(back, batches))


def _floats(back: list[Record], batches: list[list[Record]]) -> Iterator[tuple[float, float]]:
    for got, sent in zip(back, (record for batch in batches for record in batch), strict=True):
        yield from ((got[key], value) for key, value in sent.items() if isinstance(value, float))
