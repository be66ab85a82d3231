"""Standard streams that cannot hurt a crawl.

A closed stream (`>&-`, a daemon) is opened onto nothing before any file is: otherwise the crawl's own database could
get number 2 and receive what is meant for people. A letter that a stream's encoding does not have is escaped.
"""

from __future__ import annotations

import os
import sys

__all__ = ["flush", "secure_streams"]

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


def flush() -> None:
    """Write out what was said; raises OSError when nobody can take it."""
    sys.stdout.flush()
    sys.stderr.flush()
