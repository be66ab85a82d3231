"""A web crawler that survives being killed: every item exactly once, every URL explained, polite by default.

The names below are the public ones. Those that need the HTTP client are loaded when they are first asked for, so that
spiders, `scrape --help` and `scrape check` start without it; type checkers read `__init__.pyi` beside this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from scraper.about import __version__
from scraper.errors import ScraperError
from scraper.page import Follow, Page
from scraper.request import Request
from scraper.response import Response
from scraper.selection import Selection
from scraper.spider import Results, Spider

__all__ = [
    "AsyncSession",
    "Follow",
    "Page",
    "Report",
    "Request",
    "Response",
    "Results",
    "ScraperError",
    "Selection",
    "Spider",
    "__version__",
    "crawl",
    "stream",
]

_LOADED_LATER = {
    "AsyncSession": "scraper.session",
    "Report": "scraper.runs.report",
    "crawl": "scraper.api",
    "stream": "scraper.api",
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_LATER:
        raise AttributeError(f"module 'scraper' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LOADED_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
