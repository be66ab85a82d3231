"""Where items go: files that a crawl may be killed over at any instant and still finish with each item once.

What makes a sink needs asyncio, so it is loaded when it is first asked for: `scrape check` only wants to know what an
output is. Type checkers read `__init__.pyi` beside this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from scraper.sinks.base import Mode, Place, Sink

__all__ = ["FORMATS", "Mode", "Place", "Sink", "make_sink", "place_for"]

_MAKING = "scraper.sinks.factory"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MAKING), name)
    return value
