"""The folder of a crawl's memory: the present run and the one before it, and nothing else."""

from __future__ import annotations

from pathlib import Path

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
