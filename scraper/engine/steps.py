"""The moments in which foreign matter holds the event loop: a page being parsed, a step of a user's callback.

A step is what runs between two awaits. While one runs, its request's id stands in a small file that is mapped into
memory, so a process that dies in it leaves a crumb, and the next process knows which page it was and how often that has
happened. A watching thread names a step that takes too long, with its stack. Both cost a fraction of a microsecond.

Nothing is decided here about pages; time is counted in looks of the watching thread, not read from a clock.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import msgspec

from scraper.errors import StateError
from scraper.visit import Lease

__all__ = ["Steps"]

LOOK_EVERY = 1.0  # seconds
BLOCKED_AFTER = 5.0  # seconds in one step, from which it is named
STACK_FRAMES = 12  # innermost ones of a step that is named
SUSPECTS_KEPT = 1000
_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_CRUMB = struct.Struct("<qq")  # the run's number, the request's id; 0: nobody is in a step
_NOBODY = _CRUMB.pack(0, 0)
_LOG = logging.getLogger("scraper")


class _Suspects(msgspec.Struct):
    """Pages that were being read when a process died, of one run."""

    run: int
    deaths: dict[int, int] = {}  # request id -> processes


class Steps:
    """Who holds the loop; a context manager. With no folder nothing is remembered."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        run: int = 0,
        look_every: float = LOOK_EVERY,
        blocked_after: float = BLOCKED_AFTER,
    ) -> None:
        """`look_every`, `blocked_after`: seconds."""
        self._blocked_after = blocked_after
        self._folder = folder
        self._run = run
        self._look_every = look_every
        self._suspects = _Suspects(run)
        self._memory: mmap.mmap | None = None
        self._lease: Lease | None = None
        self._number = 0  # of the step
        self._named = 0  # requests whose step was named
        self._loop_thread = 0
        self._end = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Read what an earlier process left and begin to watch."""
        if self._folder is not None:
            self._remember(self._folder)
        self._loop_thread = threading.get_ident()
        self._watcher = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._watcher is not None:
            self._watcher.join()
        if self._memory is not None:
            self._memory.close()

    def deaths(self, request: int) -> int:
        """Return how many processes have died while they read this request's page."""
        return self._suspects.deaths.get(request, 0)

    @property
    def suspects(self) -> Mapping[int, int]:
        """Request ids, and how many processes died with each."""
        return self._suspects.deaths

    def enter(self, lease: Lease) -> None:
        """A step of `lease`'s page begins."""
        self._number += 1
        self._lease = lease
        if self._memory is not None:
            _CRUMB.pack_into(self._memory, 0, self._run, lease.id)

    def leave(self) -> None:
        """The step is over."""
        self._lease = None
        if self._memory is not None:
            self._memory[: _CRUMB.size] = _NOBODY

    # -- what a dead process left --------------------------------------------------------------------------------------

    def _remember(self, folder: Path) -> None:
        self._load(folder / "suspects.json")
        try:
            file = os.open(folder / "crumb", os.O_RDWR | os.O_CREAT | _SAFELY, 0o600)
        except OSError as error:
            raise StateError(f"{folder / 'crumb'}: {error.strerror}; move it away") from None
        try:
            left = os.pread(file, _CRUMB.size, 0)
            os.pwrite(file, _NOBODY, 0)  # a written block is there for good: no full disk can take the mapping away
            self._memory = mmap.mmap(file, _CRUMB.size)
        except OSError as error:
            raise StateError(
                f"{folder / 'crumb'}: {error.strerror}; the crawl's state needs room on its disk and a free descriptor"
            ) from None
        finally:
            os.close(file)
        run, request = _CRUMB.unpack(left) if len(left) == _CRUMB.size else (0, 0)
        if run == self._run and request and len(self._suspects.deaths) < SUSPECTS_KEPT:
            self._suspects.deaths[request] = self.deaths(request) + 1
            fresh = folder / "suspects.json.new"
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600), "wb") as kept:
                kept.write(msgspec.json.encode(self._suspects))
            fresh.replace(folder / "suspects.json")

    def _load(self, path: Path) -> None:
        try:
            suspects = msgspec.json.decode(path.read_bytes(), type=_Suspects)
        except (OSError, msgspec.MsgspecError):
            return  # none, or torn by the death that it would tell of
        if suspects.run == self._run:
            self._suspects = suspects

    # -- what takes too long -------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Look at the loop's thread now and then; name a step that it has been in for too long, once a request."""
        seen, looks = 0, 0
        while not self._end.wait(self._look_every):
            lease, number = self._lease, self._number
            looks = looks + 1 if lease is not None and number == seen else 0
            seen = number
            if lease is not None and looks * self._look_every >= self._blocked_after and lease.id != self._named:
                self._named = lease.id
                frame = sys._current_frames().get(self._loop_thread)
                self._name(lease, looks * self._look_every, frame)

    def _name(self, lease: Lease, seconds: float, frame: FrameType | None) -> None:
        stack = "".join(traceback.format_stack(frame)[-STACK_FRAMES:]) if frame else ""
        _LOG.warning(
            "%s: %s has blocked the whole crawl for %.0f s; await instead, or use asyncio.to_thread\n%s",
            lease.request.url,
            lease.request.callback,
            seconds,
            stack.rstrip(),
            extra={"url": str(lease.request.url), "outcome": "blocking"},
        )

    def __repr__(self) -> str:
        return f"<Steps {self._number} | {self._lease!r} | {len(self._suspects.deaths)} suspects>"
