"""One run of a crawl at a time: a lock that the kernel holds and lets go of when the process dies, however it dies.

So no lock is ever stale, and nobody has to delete a file after a crash. What stands in the file is only for people: no
decision may be made from it.
"""

from __future__ import annotations

import fcntl
import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from scraper.clock import Clock
from scraper.errors import StateError, StateLocked

__all__ = ["Lock"]

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600  # a crawl's memory may hold logins: URLs, request headers
SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a link in its place leads to somebody's file: no writing there
READABLE = 200  # bytes of the note that are shown


class Lock:
    """The right to run the crawl whose state is in `folder`; a context manager."""

    def __init__(self, folder: Path, *, name: str, clock: Clock) -> None:
        self._path = folder / "lock"
        self._name = name
        self._clock = clock
        self._file: int | None = None

    def __enter__(self) -> Self:
        """Take the lock; raise StateLocked when another process (or another run in this one) has it."""
        try:
            self._path.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | SAFELY, PRIVATE_FILE)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sign(self._file)
        except BlockingIOError:
            note = self._note()
            self._close()
            raise StateLocked(
                f"another run of the crawl {self._name!r} is going on{note}; wait for it to end, or stop it"
            ) from None
        except OSError as error:
            self._close()
            raise StateError(
                f"{self._path}: {error.strerror}; the crawl's state needs a folder that can be written"
            ) from None
        return self

    def _sign(self, file: int) -> None:
        """Write down who has the lock, for people."""
        since = datetime.fromtimestamp(self._clock.wall()).astimezone().isoformat(timespec="seconds")
        os.truncate(file, 0)
        os.pwrite(file, f"process {os.getpid()} since {since}\n".encode(), 0)

    def _note(self) -> str:
        assert self._file is not None
        text = os.pread(self._file, READABLE, 0).decode("utf-8", "replace").strip()
        return f" ({text})" if text.isprintable() and text else ""

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the lock. The file stays: deleting it would let two runs hold two files of one name."""
        self._close()
