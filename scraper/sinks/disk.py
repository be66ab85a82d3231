"""Blocking steps on files, each of which a sink runs in its writer thread.

Two invariants: an OSError leaves as a SinkError that names the path and the cure; a file that is written to is locked
(flock) and is the one that its path names, so two crawls that were given the same output cannot tear each other's.

No asyncio and no format may enter this room.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from scraper.errors import OutputShort, SinkError

__all__ = [
    "GO_ON",
    "check_files",
    "create",
    "ensure_folder",
    "give_up",
    "move_tail",
    "open_work",
    "remove",
    "replace",
    "size_of",
    "sync_data",
    "sync_folder",
    "take_mode",
    "translated",
]

NEW_FILE_MODE = 0o644  # less the umask
PRIVATE_MODE = 0o600
SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe without a reader is an error, not a wait for ever
GO_ON = "and run the same command again: it goes on where it stopped"
CURES = {
    errno.ENOSPC: f"Free some space {GO_ON}",
    errno.EDQUOT: f"Free some space of your quota {GO_ON}",
    errno.EFBIG: f"Raise the limit of a file's size (ulimit -f) {GO_ON}",
    errno.EMFILE: f"Raise the limit of open files (ulimit -n) {GO_ON}",
    errno.ENFILE: f"The system has too many files open: close some {GO_ON}",
    errno.EIO: f"The disk fails: save what is on it, {GO_ON[4:]}",
    errno.EROFS: "Choose an output on a disk that can be written",
    errno.EACCES: "Give this user the right to write there, or choose another output",
    errno.EPERM: "Give this user the right to write there, or choose another output",
    errno.ENOTDIR: "A file stands where a folder is needed; move it away, or choose another output",
    errno.EEXIST: "A file stands where a folder is needed; move it away, or choose another output",
    errno.EISDIR: "Name a file, not a folder",
    errno.ELOOP: "A symbolic link stands there that cannot be written through; remove it",
    errno.ENAMETOOLONG: "Choose a shorter name",
}
NO_LOCKS_HERE = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})  # some network file systems

# macOS has no fdatasync.
sync_data = getattr(os, "fdatasync", os.fsync)


@contextmanager
def translated(path: str, doing: str = "write") -> Iterator[None]:
    """Turn an OSError inside the block into a SinkError about `path`."""
    try:
        yield
    except OSError as error:
        cause = error.strerror or str(error)
        cure = CURES.get(error.errno or 0, f"Put that right {GO_ON}")
        raise SinkError(f"cannot {doing} {path}: {cause}. {cure}") from error


def check_files(*paths: str) -> None:
    """Raise SinkError when something that no file may replace stands at one of the paths."""
    for path in paths:
        try:
            kind = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISDIR(kind):
            raise SinkError(f"cannot write {path}: it is a folder. Name a file, not a folder")
        if not stat.S_ISREG(kind):
            raise SinkError(f"cannot write {path}: it is not a regular file. Name a file on a disk")


def ensure_folder(path: str) -> None:
    """Create the folder of `path` with its parents, durably; existing ones are left alone."""
    folder = Path(path).parent
    missing = [folder, *folder.parents]
    missing = missing[: next((n for n, each in enumerate(missing) if each.is_dir()), len(missing))]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(str(made))


def sync_folder(path: str) -> None:
    """Make the entry of `path` in its folder survive a power cut, where the file system can."""
    try:
        descriptor = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # a folder that may be written to but not listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # fsync(2): the file system has no such thing for folders
            raise
    finally:
        os.close(descriptor)


def open_work(path: str, flags: int, committed: int | None, *, keep: bool, like: str, private: bool = False) -> int:
    """Return a locked descriptor of `path`, cut back to `committed`; raise OutputShort when it is shorter.

    None begins anew: at the present end with `keep`, else at nothing. The file gets the permissions of `like`, and
    without one, when it is `private`, is for its owner alone.
    """
    try:
        descriptor = _open_locked(path, flags & ~os.O_CREAT if committed else flags, _first_mode(like, private))
    except FileNotFoundError:
        if committed:
            raise _short(path, None, committed) from None
        raise
    try:
        size = os.fstat(descriptor).st_size
        if committed is not None and size < committed:
            raise _short(path, size, committed)
        length = committed if committed is not None else size if keep else 0
        if length < size:
            os.ftruncate(descriptor, length)
        take_mode(descriptor, like, private=private)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _open_locked(path: str, flags: int, mode: int = PRIVATE_MODE) -> int:
    """Open and lock `path`; again when another process renamed it between the two."""
    while True:
        descriptor = os.open(path, flags | SAFELY, mode)
        try:
            _lock(descriptor, path)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, path: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"cannot write {path}: another run is writing it. Wait for its end, or choose another output"
        raise SinkError(message) from None
    except OSError as error:
        if error.errno not in NO_LOCKS_HERE:
            raise


def _short(path: str, size: int | None, committed: int) -> OutputShort:
    found = "is missing" if size is None else f"has only {size} bytes"
    return OutputShort(
        f"{path} {found}, but {committed} bytes were committed to it: something else has cut or removed it. "
        "Put it back, or begin again with --fresh"
    )


def create(path: str, *, like: str, private: bool = False) -> BinaryIO:
    """Open a new file for writing, with the permissions of `like`; a stale one at `path` goes."""
    remove(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY, _first_mode(like, private))
    take_mode(descriptor, like, private=private)
    return os.fdopen(descriptor, "wb")


def _first_mode(like: str, private: bool) -> int:
    """Return the permissions to make a file with; `take_mode` may widen them, but what is open stays open."""
    return PRIVATE_MODE if private or Path(like).exists() else NEW_FILE_MODE


def take_mode(descriptor: int, like: str, *, private: bool = False) -> None:
    """Give an open file the permissions of `like`, if that exists and this user may; else those of a private file."""
    with suppress(PermissionError):
        try:
            os.fchmod(descriptor, stat.S_IMODE(Path(like).stat().st_mode))
        except FileNotFoundError:
            if private:
                os.fchmod(descriptor, PRIVATE_MODE)


def size_of(path: str) -> int | None:
    """Return the length of the file in bytes; None when there is none."""
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return None


def replace(source: str, target: str) -> None:
    """Move `source` over `target`, durably; the content must have been synced before."""
    if size_of(source) is None:
        raise SinkError(f"{source} is missing: something else has removed it. Begin again with --fresh")
    Path(source).replace(target)
    sync_folder(target)


def remove(*paths: str) -> None:
    """Remove files, durably; missing ones are no error."""
    for path in paths:
        with suppress(FileNotFoundError):
            Path(path).unlink()
            sync_folder(path)


def give_up(path: str, base: int) -> None:
    """Take back what a run appended to `path` after its first `base` bytes; 0 leaves an empty file."""
    with suppress(FileNotFoundError):
        descriptor = _open_locked(path, os.O_RDWR)
        try:
            if os.fstat(descriptor).st_size > base:
                os.ftruncate(descriptor, base)
        finally:
            os.close(descriptor)


def move_tail(path: str, base: int, aside: str) -> None:
    """Move what `path` has after its first `base` bytes into the file `aside`; nothing there: do nothing."""
    with suppress(FileNotFoundError):
        descriptor = _open_locked(path, os.O_RDWR)
        with os.fdopen(descriptor, "r+b") as file:
            if os.fstat(descriptor).st_size <= base:
                return
            file.seek(base)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | SAFELY
            with os.fdopen(os.open(aside, flags, PRIVATE_MODE), "wb") as kept:
                take_mode(kept.fileno(), path)
                shutil.copyfileobj(file, kept)
                kept.flush()
                os.fsync(kept.fileno())
            os.ftruncate(descriptor, base)
