"""The folder of a crawl's memory: the present run and the one before it, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scraper.runs.state import StateFolder


def test_retiring_keeps_one_run(tmp_path: Path) -> None:
    """The present run becomes the previous one; what was previous is gone."""
    state = StateFolder(tmp_path)
    state.present.write_text("new")
    state.previous.write_text("old")
    state.retire()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"previous.db": "new"}


def test_retiring_takes_the_log_along(tmp_path: Path) -> None:
    """A database and its write-ahead log belong together: the old log must not meet the new database."""
    state = StateFolder(tmp_path)
    for name in ("run.db", "run.db-wal", "run.db-shm", "previous.db", "previous.db-wal"):
        (tmp_path / name).write_text(name)
    state.retire()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "previous.db": "run.db",
        "previous.db-wal": "run.db-wal",
        "previous.db-shm": "run.db-shm",
    }


def test_retiring_nothing_is_no_error(tmp_path: Path) -> None:
    """A process that died in the middle of retiring has perhaps moved everything already."""
    StateFolder(tmp_path).retire()
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_is_there_all_the_same(tmp_path: Path) -> None:
    """Starting over has to judge a damaged file, and a link that leads nowhere; only where nothing is it need not."""
    state = StateFolder(tmp_path)
    assert not state.exists()
    state.present.symlink_to(tmp_path / "nowhere")
    assert state.exists()
    state.present.unlink()
    state.present.write_text("no database")
    assert state.exists()


OPENED = """
import asyncio, sys
from scraper import Spider, crawl

class Lost(Spider):
    def parse(self, page):
        return None

opened = []
sys.addaudithook(lambda event, args: opened.append(args) if event == "sqlite3.connect" else None)
settings = {"seeds": ["http://127.0.0.1:1/"], "retry": {"times": 0}, "politeness": {"robots": "ignore"}}
asyncio.run(crawl(Lost, state=sys.argv[1], fresh=True, **settings))
print(len(opened))
"""


@pytest.mark.slow
def test_starting_over_where_nothing_is_opens_the_memory_once(tmp_path: Path) -> None:
    """A file that is made only to be given up costs a dozen waits for the disk."""
    command = [sys.executable, "-c", OPENED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
