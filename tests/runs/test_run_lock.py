"""The lock of a run: held by the kernel, free when its process is gone, however it went."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scraper.clock import SystemClock
from scraper.errors import StateError, StateLocked
from scraper.runs.lock import Lock


def lock(folder: Path) -> Lock:
    """Return a lock on `folder`."""
    return Lock(folder, name="books", clock=SystemClock())


def test_a_lock_makes_its_folder(tmp_path: Path) -> None:
    """The first run of a crawl finds nothing and needs nothing."""
    with lock(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / "lock").exists()


def test_a_second_lock_is_refused_and_says_who_has_it(tmp_path: Path) -> None:
    """Not even one process can hold the same crawl twice; the message has its number and the name of the crawl."""
    with lock(tmp_path), pytest.raises(StateLocked, match=rf"'books'.*process {os.getpid()} since \d{{4}}-"):
        lock(tmp_path).__enter__()


def test_a_refused_lock_takes_nothing_away(tmp_path: Path) -> None:
    """Who was refused does not free the lock of the one who has it, and the note stays."""
    with lock(tmp_path):
        note = (tmp_path / "lock").read_bytes()
        for _ in range(3):
            with pytest.raises(StateLocked):
                lock(tmp_path).__enter__()
        assert (tmp_path / "lock").read_bytes() == note


def test_a_lock_is_free_afterwards(tmp_path: Path) -> None:
    """The end of a run, good or bad, frees the crawl; the file stays."""
    with pytest.raises(KeyError), lock(tmp_path):
        raise KeyError
    with lock(tmp_path):
        pass
    assert (tmp_path / "lock").exists()


def test_locks_of_two_folders_are_two(tmp_path: Path) -> None:
    """Different crawls do not wait for each other."""
    with lock(tmp_path / "a"), lock(tmp_path / "b"):
        pass


@pytest.mark.parametrize("note", [b"", b"\xff\xfe\x00", b"process 1\x1b[31m since", b"x" * 10_000])
def test_a_strange_note_is_not_repeated_to_a_terminal(tmp_path: Path, note: bytes) -> None:
    """What stands in the lock's file is for people, so nothing in it may command their terminal."""
    with lock(tmp_path):
        (tmp_path / "lock").write_bytes(note)
        with pytest.raises(StateLocked) as refused:
            lock(tmp_path).__enter__()
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


HOLDER = """
import sys, time
from pathlib import Path
from scraper.clock import SystemClock
from scraper.runs.lock import Lock
with Lock(Path(sys.argv[1]), name="books", clock=SystemClock()):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_lock_cannot_be_stale(tmp_path: Path) -> None:
    """SIGKILL frees the lock: there is nothing for anybody to delete."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(StateLocked, match=f"process {child.pid} since"):
            lock(tmp_path).__enter__()
        child.kill()
        child.wait()
        with lock(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    """The message names the path and what is needed."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"file.*needs a folder that can be written"):
        lock(tmp_path / "file" / "crawl").__enter__()
