"""Where a crawl's memory is: one folder that can be deleted, holding the present run and the one before it.

    lock          held by the kernel while a run goes on
    run.db        the present or last run, all URLs and their outcomes
    previous.db   the run before that

A run that has ended makes room for the next by a rename; a run that was interrupted stays and is gone on with.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["StateFolder"]


class StateFolder:
    """The state of one crawl on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.present = folder / "run.db"
        self.previous = folder / "previous.db"

    def retire(self) -> None:
        """Put the present run, closed, behind us; it stays readable as the previous one."""
        for path in (self.previous, *_companions(self.previous)):
            path.unlink(missing_ok=True)
        for path, kept in zip(
            (*_companions(self.present), self.present), (*_companions(self.previous), self.previous), strict=True
        ):
            if path.exists():
                path.replace(kept)

    def __repr__(self) -> str:
        return f"<StateFolder {self.folder}>"


def _companions(path: Path) -> tuple[Path, Path]:
    """Return the files that SQLite keeps beside an open database; a closed one has none."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
