"""A web crawler that survives being killed: every item exactly once, every URL explained, polite by default.

The names below are the public ones. Each is loaded when it is first asked for, so that spiders and `scrape check` start
without the HTTP client, and `scrape --help` without anything; type checkers read `__init__.pyi` beside this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from scraper.about import __version__

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
    "Follow": "scraper.page",
    "Page": "scraper.page",
    "Report": "scraper.runs.report",
    "Request": "scraper.request",
    "Response": "scraper.response",
    "Results": "scraper.spider",
    "ScraperError": "scraper.errors",
    "Selection": "scraper.selection",
    "Spider": "scraper.spider",
    "crawl": "scraper.api",
    "stream": "scraper.api",
}


def __getattr__(name: str) -> Any:
    if name in _LOADED_LATER:
        value = getattr(import_module(_LOADED_LATER[name]), name)
    elif f"{__name__}.{name}" in _LOADED_LATER.values():  # `scraper.errors.Timeout` needs no second import
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module 'scraper' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
