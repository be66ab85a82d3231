"""What a disk can do to an output, and what the user reads then: real full disks, real permissions, real locks."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from scraper.errors import ConfigError, OutputShort, SinkError
from scraper.sinks import Mode, Place, make_sink, place_for
from scraper.sinks.workfile import WorkFile

NAMES = ["out.jsonl", "out.jsonl.gz", "out.csv", "out.csv.gz"]
RECORDS = [{"n": n, "text": "x" * 200} for n in range(200)]

# Writes until the disk is full, tells the error and what was committed; then there is room again, and it goes on.
FILL_THE_DISK = """
import asyncio, json, os, pathlib, resource, sys
from concurrent.futures import ThreadPoolExecutor
from scraper.errors import SinkError
from scraper.sinks import make_sink, place_for

async def main(folder, name, limit):
    with ThreadPoolExecutor(1) as executor:
        sink = make_sink(place_for(folder / name), executor=executor)
        committed, batches, said, torn, late = await sink.open(None), 0, "", 0, ""
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
        else:
            (folder / "ballast").write_bytes(bytes(32_000))
        try:
            while batches < 100:
                committed = await sink.write([{"n": batches, "text": os.urandom(2500).hex()}])
                batches += 1
        except SinkError as error:
            said = str(error)
        torn = os.path.getsize(sink.place.work) - committed
        for verb in (lambda: sink.write([{"n": -1}]), sink.seal):
            try:
                await verb()
            except SinkError as error:
                late += str(error)
        await sink.close()
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            (folder / "ballast").unlink()
        again = make_sink(sink.place, executor=executor)
        await again.open(committed)
        await again.write([{"n": batches, "text": ""}])
        await again.seal()
        await again.close()
        text = (folder / name).read_text()
        print(json.dumps({"batches": batches, "said": said, "torn": torn, "late": late, "text": text}))

asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
"""
RENAME_BEFORE_LOCK = """
import os, sys
from scraper.sinks.disk import open_work

work, final = sys.argv[1:]
with open(work, "w") as file:
    file.write("sealed")

def hook(event, _):
    if event == "fcntl.flock" and not os.path.exists(final):
        os.rename(work, final)

sys.addaudithook(hook)
os.write(open_work(work, os.O_RDWR | os.O_CREAT | os.O_APPEND, None, keep=False, like=work), b"new")
"""
TINY_DISK = 'mount -t tmpfs -o size=64k none "$2" && exec "$0" -c "$1" "$2" "$3" ""'


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """One writer thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def check_report(stdout: str, cause: str, cure: str) -> None:
    """Check what the child above tells."""
    report = json.loads(stdout)
    assert re.fullmatch(
        rf"cannot write \S+out\.jsonl\.part: {cause}\. {cure}.*the same command again.*", report["said"]
    )
    assert report["torn"] > 0  # a part was written, so the cut of the resume has been seen to work
    assert report["late"].count("an earlier write to it failed") == 2
    assert [json.loads(line)["n"] for line in report["text"].splitlines()] == list(range(report["batches"] + 1))


@pytest.mark.slow
def test_a_limit_of_file_size_is_named_and_the_run_goes_on_when_it_is_raised(tmp_path: Path) -> None:
    """The kernel writes a part, then says EFBIG; the part is cut off."""
    command = [sys.executable, "-c", FILL_THE_DISK, str(tmp_path), "out.jsonl", "20000"]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert child.returncode == 0, child.stderr
    check_report(child.stdout, "File too large", "Raise the limit")


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """A file system of 64 kB in a mount namespace of the child's own."""
    private = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if (
        sys.platform != "linux"
        or subprocess.run([*private, "mount -t tmpfs none /mnt"], capture_output=True).returncode
    ):
        pytest.skip("this system lets no user mount a file system of their own")
    command = [*private, TINY_DISK, sys.executable, FILL_THE_DISK, str(tmp_path), "out.jsonl"]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert child.returncode == 0, child.stderr
    check_report(child.stdout, "No space left on device", "Free some space")


async def test_a_disk_that_is_full_for_the_table_keeps_the_spool(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """`seal` fails, removes its half table, and can be called again in the same process."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "out.csv"
    sink = make_sink(place_for(path, mode="append"), executor=executor)
    path.write_bytes(b"n,text\r\n" + b"0,old\r\n" * 20_000)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    await sink.open(None)
    await sink.write(RECORDS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(SinkError, match=r"out\.csv\.part\.tmp: File too large"):
            await sink.seal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"out.csv", "out.csv.part.jsonl"}
    await sink.seal()
    await sink.close()
    assert path.read_bytes().startswith(before)
    assert path.read_bytes().count(b"\r\n") == 1 + 20_000 + len(RECORDS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["replace", "append"])
async def test_what_cannot_be_a_file_is_refused_by_open(
    name: str, mode: Mode, executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """A path below a regular file, a folder, a named pipe, a file system that takes no files: each is named."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder" / name).mkdir(parents=True)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / name)
    wanted = [
        (tmp_path / "file" / name, "A file stands where a folder is needed"),
        (tmp_path / "file" / "deeper" / name, "A file stands where a folder is needed"),
        (tmp_path / "folder" / name, "is a folder"),
        (tmp_path / "pipe" / name, "not a regular file"),
        (tmp_path / ("x" * 250 + name), "Choose a shorter name"),
        (Path("/proc/self/task") / name, r"/proc/\S+: .*[.] \S"),
    ]
    for path, message in wanted:
        sink = make_sink(place_for(path, mode=mode), executor=executor)
        with pytest.raises(SinkError, match=f"cannot .*{message}"):
            await sink.open(None)
        await sink.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder", "pipe"]


async def test_folders_are_made_and_new_files_get_the_usual_rights(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """0644 less the umask, whatever the format."""
    old = os.umask(0)
    try:
        for umask, mode in ((0, 0o644), (0o027, 0o640)):
            os.umask(umask)
            for name in NAMES:
                path = tmp_path / f"{umask}" / "b" / name
                await seal_one(place_for(path), executor)
                assert path.stat().st_mode & 0o777 == mode
    finally:
        os.umask(old)


async def test_an_output_that_the_user_made_private_stays_private(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """The new file takes over the old one's rights, from its first byte."""
    for name in NAMES:
        path = tmp_path / name
        path.write_bytes(b"")
        path.chmod(0o600)
        sink = make_sink(place_for(path), executor=executor)
        await sink.open(None)
        assert Path(sink.place.work).stat().st_mode & 0o777 == 0o600
        await sink.seal()
        await sink.close()
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_symbolic_link_stays_and_its_target_is_replaced(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """The work is beside the target, so the rename stays on one disk; a stored place does not follow the link again."""
    for name in NAMES:
        link, target = tmp_path / "links" / name, tmp_path / "data" / name.replace("out.", "real-")
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(target)
        place = place_for(link)
        assert Path(place.work).parent == target.parent
        await seal_one(Place.from_dict(place.to_dict()), executor)
        assert link.is_symlink()
        assert target.stat().st_size > 0


async def test_a_link_in_the_works_place_is_not_written_through(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """In a folder that others can write to, a planted link would empty any file of this user."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "out.jsonl.part").symlink_to(victim)
    with pytest.raises(SinkError, match="not a regular file"):
        await make_sink(place_for(tmp_path / "out.jsonl"), executor=executor).open(None)
    with pytest.raises(SinkError, match=r"symbolic link stands there.*remove it"):
        await make_sink(place_for(tmp_path / "out.jsonl"), executor=executor).discard()
    assert victim.read_text() == "precious"


async def test_two_runs_cannot_write_one_output(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """The second is refused and harms nothing, whether it begins, goes on or gives up."""
    for name in NAMES:
        for mode in ("replace", "append"):
            place = place_for(tmp_path / mode / name, mode="append" if mode == "append" else "replace")
            first = make_sink(place, executor=executor)
            await first.open(None)
            committed = await first.write(RECORDS[:2])
            before = Path(place.work).read_bytes()
            second = make_sink(first.place, executor=executor)
            for verb in (second.open(None), second.open(committed), second.discard()):
                with pytest.raises(SinkError, match="another run is writing it"):
                    await verb
            assert Path(place.work).read_bytes() == before
            await first.seal()
            await first.close()


def test_a_work_file_that_is_renamed_between_open_and_lock_is_not_emptied(tmp_path: Path) -> None:
    """A new run that opens while the old one seals gets a file of its own, and the sealed one stays whole."""
    child = subprocess.run(
        [sys.executable, "-c", RENAME_BEFORE_LOCK, str(tmp_path / "out.part"), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert (tmp_path / "out").read_text() == "sealed"
    assert (tmp_path / "out.part").read_text() == "new"


async def test_a_cancelled_write_leaves_the_output_to_the_next_open(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Nobody knows how much of it the thread has done, so nothing more is taken and nothing is sealed."""
    sink = make_sink(place_for(tmp_path / "out.jsonl"), executor=executor)
    await sink.open(None)
    release = threading.Event()
    executor.submit(release.wait)
    task = asyncio.create_task(sink.write([{"n": 1}]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    for verb in (sink.write([{"n": 2}]), sink.seal(), sink.sync()):
        with pytest.raises(SinkError, match="an earlier write to it failed"):
            await verb
    await sink.close()
    assert not (tmp_path / "out.jsonl").exists()


async def test_a_new_run_clears_away_the_table_of_an_abandoned_seal(
    executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """It could be taken for its own later."""
    path = tmp_path / "out.csv"
    for ending in ("part", "part.tmp"):
        Path(f"{path}.{ending}").write_bytes(b"old")
    sink = make_sink(place_for(path), executor=executor)
    await sink.open(None)
    await sink.close()
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv.part.jsonl"]


async def test_errors_of_the_system_are_told_with_path_cause_and_cure(executor: ThreadPoolExecutor) -> None:
    """The device that is always full stands for a disk that is."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    file = WorkFile("/dev/full", executor)
    await file.open(0)
    with pytest.raises(SinkError, match=r"cannot write /dev/full: No space left on device\. Free some space") as caught:
        await file.write(b"x")
    await file.close()
    assert isinstance(caught.value.__cause__, OSError)


async def test_a_resume_with_nothing_committed_may_find_nothing(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """Zero bytes cannot be missing."""
    for name in NAMES:
        sink = make_sink(place_for(tmp_path / "new" / name), executor=executor)
        assert await sink.open(0) == 0
        await sink.close()
    with pytest.raises(OutputShort):
        await make_sink(place_for(tmp_path / "other" / "out.csv"), executor=executor).open(1)


def test_a_place_survives_json_and_nothing_else_becomes_one(tmp_path: Path) -> None:
    """What the crawl's memory stored comes back equal, an unknown `base` too; a damaged one is an error."""
    for place in (place_for(tmp_path / "a.csv"), place_for(tmp_path / "a.jsonl", mode="append")):
        assert Place.from_dict(json.loads(json.dumps(place.to_dict()))) == place
    for change in ({"mode": "overwrite"}, {"base": "1"}, {"final": None}):
        with pytest.raises(msgspec.ValidationError):
            Place.from_dict(place_for(tmp_path / "a.csv").to_dict() | change)


def test_the_name_says_the_format_and_the_user_may_overrule_it(executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    """An ending that says nothing needs a format; the cure is in the message."""
    formats = {"a.jsonl": "jsonl", "a.JL.GZ": "jsonl.gz", "a.ndjson": "jsonl", "a.csv.gz": "csv.gz", "a.csv": "csv"}
    for name, expected in formats.items():
        assert place_for(tmp_path / name).format == expected
    assert place_for(tmp_path / "a.txt", format="csv").format == "csv"
    assert place_for(tmp_path / "a.txt", format="csv.gz").format == "csv.gz"
    assert place_for(tmp_path / "a.txt.gz", format="csv").format == "csv.gz"
    for name, wanted, message in [("a.json", None, "let it end in .jsonl"), ("a", "xlsx", "choose one of jsonl, csv")]:
        with pytest.raises(ConfigError, match=message):
            place_for(tmp_path / name, format=wanted)
    with pytest.raises(ConfigError, match="no output format 'xlsx'"):
        make_sink(Place("/a", "/a.part", 0, "replace", "xlsx"), executor=executor)


async def seal_one(place: Place, executor: ThreadPoolExecutor) -> None:
    """Do a run of one record."""
    sink = make_sink(place, executor=executor)
    await sink.open(None)
    await sink.write([{"n": 1}])
    await sink.seal()
    await sink.close()
