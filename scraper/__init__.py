"""A web crawler that survives being killed: every item exactly once, every URL explained, polite by default.

The names below are the public ones. Those that need the HTTP client are loaded when they are first asked for, so that a
spider, `scrape --help` and `scrape check` start without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from scraper.page import Page
from scraper.request import Request
from scraper.response import Response
from scraper.selection import Selection
from scraper.spider import Results, Spider

__all__ = [
    "Page",
    "Request",
    "Response",
    "Results",
    "Selection",
    "Spider",
]
