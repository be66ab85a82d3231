"""The end of the process, whoever is still busy in it.

Python waits at its end for every thread that is not a daemon, so one that hangs, in a spider or in a library of its,
would keep cron waiting for ever after a run that is over, sealed and told. They get some seconds; then they are named,
and the process ends without them, with the run's own exit code.

Nothing here knows a run; what has to be durable must be so before this is asked.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Collection
from concurrent.futures import thread as pools

__all__ = ["PATIENCE", "leave"]

PATIENCE = 10.0  # seconds that threads get; as long as requests get when a run is stopped
AT_ONCE = 0.5  # seconds in which nobody has to be told that there is something to wait for
LOOK_EVERY = 0.02  # seconds


def leave(
    code: int,
    before: Collection[threading.Thread],
    say: Callable[[str], object],
    *,
    patience: float = PATIENCE,
    end: Callable[[int], object] = os._exit,
) -> None:
    """Return when no thread but those of `before` is busy; when one stays so, name it and `end` the process."""
    try:
        if _wait(before, min(AT_ONCE, patience)):
            return
        say(f"waiting {patience:g} s at most for {_names(before)}")
        if _wait(before, patience):
            return
    except KeyboardInterrupt:
        pass  # somebody is in a hurry
    say(f"ended without {_names(before)}")
    end(code)


def _wait(before: Collection[threading.Thread], seconds: float) -> bool:
    """Wait until all are done; return whether they are."""
    never = threading.Event()
    for _ in range(round(seconds / LOOK_EVERY)):
        if not _busy(before):
            return True
        never.wait(LOOK_EVERY)
    return not _busy(before)


def _busy(before: Collection[threading.Thread]) -> list[threading.Thread]:
    """Return the threads that Python would wait for, but for those of pools that have nothing to do."""
    frames = sys._current_frames()
    found = [one for one in threading.enumerate() if not one.daemon and one not in before]
    return [one for one in found if (at := frames.get(one.ident or 0)) is not None and at.f_code is not _IDLE]


_IDLE = pools._worker.__code__  # a worker whose innermost frame is this one waits for work


def _names(before: Collection[threading.Thread]) -> str:
    frames = sys._current_frames()
    told = []
    for one in _busy(before):
        at = frames.get(one.ident or 0)
        place = f" at {at.f_code.co_filename}:{at.f_lineno}" if at is not None else ""
        told.append(f"{one.name!r}{place}")
    return f"threads that a spider or a library has left behind: {', '.join(told)}"
