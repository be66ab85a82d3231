"""Standard streams that cannot hurt a crawl.

A closed stream (`>&-`, a daemon) is opened onto nothing before any file is: otherwise the crawl's own database could
get number 2 and receive what is meant for people. A letter that a stream's encoding does not have is escaped.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

__all__ = ["Spoken", "flush", "secure_streams", "settle"]

_STREAMS = (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w"))


def secure_streams() -> None:
    """Make sure that stdin, stdout and stderr exist and take any text."""
    for name, number, mode in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - lives as long as we do
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def settle() -> None:
    """Write out what was said; what nobody takes, a terminal that is gone or a full disk, is dropped for good."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):  # it would be tried again at every later flush
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


def flush() -> None:
    """Write out what was said; raises OSError when nobody can take it."""
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:  # a spider may close what it prints to
            stream.flush()


class Spoken:
    """A stream for what a spider prints: when nobody takes it, its pages are none the worse for it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, or drop it."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write out what was said, if anybody takes it."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def close(self) -> None:
        """Do nothing: the summary is still to come."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
