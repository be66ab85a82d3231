"""SIGKILL before every file operation of a run, and every state that a killed seal can leave.

The child below is a crawl reduced to its bargain: batches go to the sink, and a file that is replaced atomically stands
for the crawl's memory. An audit hook kills it before the n-th file operation, for every n until a run gets through.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scraper.item import Record
from scraper.sinks import Mode, Place, make_sink, place_for

BATCHES: list[list[Record]] = [[{"n": 1}, {"n": 2}], [{"n": 3, "late": "x"}]]
NAMES = ["out.jsonl", "out.jsonl.gz", "out.csv", "out.csv.gz"]
MODES: list[Mode] = ["replace", "append"]
FILE_OPERATIONS = {"open", "os.mkdir", "os.remove", "os.rename", "os.truncate", "os.chmod", "fcntl.flock"}


def numbers_of(path: Path) -> list[int]:
    """Return the field `n` of each record of an output."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = data.decode().splitlines()
    if ".csv" in path.name:
        return [int(row["n"]) for row in csv.DictReader(lines)]
    return [json.loads(line)["n"] for line in lines]


def yesterday(path: Path) -> None:
    """Write an output with one record, the number 0."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = b"n\r\n0\r\n" if ".csv" in path.name else b'{"n":0}\n'
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def remember(memory: Path, **state: Any) -> None:
    """Commit: afterwards exactly this is known."""
    draft = memory.with_suffix(".tmp")
    draft.write_text(json.dumps(state))
    draft.replace(memory)


async def crawl(path: Path, mode: Mode, memory: Path) -> None:
    """Begin or go on, to the end."""
    state: dict[str, Any] = {"offset": None, "done": 0, "sealing": False}
    if memory.exists():
        state = json.loads(memory.read_text())
    if state.get("sealed"):
        return
    place = Place.from_dict(state["place"]) if "place" in state else place_for(path, mode=mode)
    with ThreadPoolExecutor(1) as executor:
        sink = make_sink(place, executor=executor)
        try:
            offset = await sink.open(state["offset"], sealing=state["sealing"])
            known = {"place": sink.place.to_dict(), "sealing": False}
            remember(memory, **state | known | {"offset": offset, "sealing": state["sealing"]})
            for done, batch in enumerate(BATCHES[state["done"] :], state["done"] + 1):
                offset = await sink.write(batch)
                await sink.sync()
                state["done"] = done
                remember(memory, offset=offset, done=done, **known)
            remember(memory, **known | {"offset": offset, "done": len(BATCHES), "sealing": True})
            await sink.seal()
            remember(memory, sealed=True)
        finally:
            await sink.close()


def crawl_and_die(path: Path, mode: Mode, memory: Path, operation: int) -> None:
    """Run the crawl and kill this process before its n-th file operation."""
    count = 0

    def hook(event: str, _: object) -> None:
        nonlocal count
        if event not in FILE_OPERATIONS:
            return
        count += 1
        if count == operation:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    asyncio.run(crawl(path, mode, memory))


def kill_everywhere(folder: Path, name: str, mode: Mode) -> int:
    """Kill a run before each of its file operations, run it again, check the output; return the number of kills."""
    expected = [*([0] if mode == "append" else []), 1, 2, 3]
    for operation in range(1, 1000):
        path, memory = folder / str(operation) / "outputs" / name, folder / str(operation) / "memory.json"
        yesterday(path)
        child = os.fork()
        if child == 0:
            try:
                crawl_and_die(path, mode, memory, operation)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -signal.SIGKILL)
        visible = numbers_of(path)
        assert mode == "append" or visible in ([0], expected), f"kill {operation}: {visible} while going on"
        asyncio.run(crawl(path, mode, memory))
        assert numbers_of(path) == expected, f"kill {operation}: {numbers_of(path)}"
        assert [file.name for file in path.parent.iterdir()] == [name], f"kill {operation} left something behind"
        if status == 0:
            return operation - 1
    raise AssertionError("a run never got through")


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_a_kill_before_any_file_operation_costs_nothing_and_doubles_nothing(
    name: str, mode: Mode, tmp_path: Path
) -> None:
    """The same command again gives every record once, yesterday's file stands until then, and nothing is left over."""
    command = [sys.executable, __file__, str(tmp_path), name, mode]
    child = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) >= 15  # kills: there were operations to be killed before


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """One writer thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def go_on_sealing(place: Place, committed: int, executor: ThreadPoolExecutor) -> None:
    """Do what the next process does after a kill in `seal`."""
    sink = make_sink(place, executor=executor)
    try:
        assert await sink.open(committed, sealing=True) == committed
        await sink.seal()
    finally:
        await sink.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
async def test_every_state_that_a_killed_seal_leaves_is_healed(
    name: str, mode: Mode, executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Half a table, a whole one beside its spool, one without it, all done: each ends in the same output."""
    path = tmp_path / "made" / name
    yesterday(path)
    sink = make_sink(place_for(path, mode=mode), executor=executor)
    await sink.open(None)
    for batch in BATCHES:
        committed = await sink.write(batch)
    await sink.close()
    work, before = Path(sink.place.work).read_bytes(), path.read_bytes()
    await go_on_sealing(sink.place, committed, executor)
    done = path.read_bytes()
    final, spool = Path(sink.place.final), Path(sink.place.work)
    table, draft = Path(f"{final}.part"), Path(f"{final}.part.tmp")
    states: list[dict[Path, bytes]] = [{final: done}]
    if final != spool:
        states.append({final: before, spool: work + b"torn"})
    if ".csv" in name:
        states.append({final: before, spool: work, draft: done[:9]})
        states.append({final: before, spool: work, table: done})
        states.append({final: before, table: done})
    for state in states:
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        for file, content in state.items():
            file.write_bytes(content)
        await go_on_sealing(sink.place, committed, executor)
        assert numbers_of(path) == [*([0] if mode == "append" else []), 1, 2, 3]
        assert list(path.parent.iterdir()) == [path]


async def test_a_seal_does_not_take_yesterdays_output_for_its_own(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """A work file that vanished before the rename is missed, although a final file is there."""
    path = tmp_path / "out.jsonl"
    yesterday(path)
    before = path.read_bytes()
    sink = make_sink(place_for(path), executor=executor)
    await sink.open(None)
    committed = await sink.write(BATCHES[0])
    await sink.close()
    Path(sink.place.work).unlink()
    with pytest.raises(Exception, match="missing"):
        await go_on_sealing(sink.place, committed, executor)
    assert path.read_bytes() == before


async def test_discard_takes_everything_back_in_every_state_of_a_seal(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """A run that is given up in the middle of sealing leaves the folder as it was."""
    for name in NAMES:
        path = tmp_path / name / name
        yesterday(path)
        before = path.read_bytes()
        sink = make_sink(place_for(path), executor=executor)
        await sink.open(None)
        await sink.write(BATCHES[0])
        await sink.close()
        if ".csv" in name:
            Path(f"{path}.part").write_bytes(b"a table")
            Path(f"{path}.part.tmp").write_bytes(b"half a table")
        await make_sink(sink.place, executor=executor).discard()
        assert list(path.parent.iterdir()) == [path]
        assert path.read_bytes() == before


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(kill_everywhere(Path(arguments[0]), arguments[1], "append" if arguments[2] == "append" else "replace"))
