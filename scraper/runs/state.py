"""Where a crawl's memory is: one folder that can be deleted, holding the present run and the one before it.

    lock          held by the kernel while a run goes on
    run.db        the present or last run, all URLs and their outcomes
    previous.db   the run before that
    damaged.db    a state file that could not be read when the user chose to start over

A run that has ended makes room for the next by a rename; a run that was interrupted stays and is gone on with.
"""

from __future__ import annotations

import os
from pathlib import Path

from scraper.errors import StateError
from scraper.frontier.store import Store

__all__ = ["StateFolder"]


class StateFolder:
    """The state of one crawl on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.present = folder / "run.db"
        self.previous = folder / "previous.db"

    def exists(self) -> bool:
        """Tell whether there is a present run, readable or not."""
        return os.path.lexists(self.present)

    def retire(self) -> None:
        """Put the present run, closed, behind us; it stays readable as the previous one."""
        _move(self.present, self.previous)

    def set_aside(self) -> None:
        """Put a present run that cannot be read out of the way, where it can be looked at."""
        _move(self.present, self.folder / "damaged.db")

    def last_run(self) -> int:
        """Return the number of the run before the present one; 0 when there was none or it cannot be read."""
        if not self.previous.exists():
            return 0
        store = Store(self.previous, power_safe=False)
        try:
            store.open()
            found = store.run()
        except StateError:
            return 0
        finally:
            store.close()
        return found[0] if found else 0

    def __repr__(self) -> str:
        return f"<StateFolder {self.folder}>"


def _move(source: Path, target: Path) -> None:
    """Move a database with the files that SQLite keeps beside it while it is open; a closed one has none."""
    for path in _files(target):
        path.unlink(missing_ok=True)
    for path, kept in zip(_files(source), _files(target), strict=True):
        if path.exists():
            path.replace(kept)


def _files(path: Path) -> tuple[Path, Path, Path]:
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"), path
