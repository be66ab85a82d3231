"""What stands where a crawl's memory belongs: a new file, a whole one, or something that nobody may write to.

SQLite would write through a symbolic link, wait at a pipe, and read zeros where the end of a file is missing; so it is
asked only when there is a file of this folder, and a whole one. A new file is for its owner alone, whatever the umask.
What is looked at here is not changed.

What stands inside of the file is for `store` to know; nothing here runs SQL.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

from scraper.errors import StateDamaged, StateError

__all__ = ["CURE", "PRIVATE", "claim", "keep_private"]

CURE = "move it away, or start over with --fresh"
PRIVATE = 0o600  # URLs and request headers may hold logins
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_MAGIC = b"SQLite format 3\0"
_HEAD = struct.Struct(">16sH")  # https://sqlite.org/fileformat.html, 1.3: the magic, the size of a page
_LARGEST_PAGE = 65536  # bytes, which the head says as 1


def claim(path: Path) -> None:
    """Make the file when there is none; raise StateError for what is none, StateDamaged for one without its end."""
    try:
        file = os.open(path, _OPEN, PRIVATE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _stands_there(path, "a symbolic link") from None
        return  # whatever it is, SQLite tells of it in a moment
    try:
        status, head = os.fstat(file), os.pread(file, _HEAD.size, 0) if _is_file(file) else b""
    finally:
        os.close(file)
    if not stat.S_ISREG(status.st_mode):
        raise _stands_there(path, "something that is no file")
    if len(head) == _HEAD.size and head.startswith(_MAGIC) and not _has_log(path):
        page = _HEAD.unpack(head)[1]
        if status.st_size % (_LARGEST_PAGE if page == 1 else page or 1):
            raise StateDamaged(f"{path}: its end is missing; {CURE}")


def keep_private(path: Path) -> None:
    """Take back from others what they may read of a file that is ours, and of those that SQLite puts beside it."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(OSError):  # not there, or made by somebody else who may decide
            if stat.S_IMODE(each.lstat().st_mode) != PRIVATE:
                each.chmod(PRIVATE)


def _is_file(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _has_log(path: Path) -> bool:
    """Tell whether SQLite has a log from which it would mend the file by itself."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _stands_there(path: Path, what: str) -> StateError:
    return StateError(f"{path}: {what} stands where the crawl's state belongs; move it away")
