"""A fictitious bookshop, served on loopback: what a new user crawls first, and what tests and benchmarks crawl.

The books come from word lists, the pages are as untidy as real ones, and the right answer is known without them.

The server and its words are loaded when the shop opens: nobody who crawls another site should wait for them.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib import import_module

__all__ = ["open_shop"]


def open_shop() -> AbstractAsyncContextManager[int]:
    """Serve the shop while the context lasts and give its port, on 127.0.0.1; raises OSError."""
    serve = import_module("scraper.practice.server").serve
    shop = import_module("scraper.practice.site").Shop()
    found: AbstractAsyncContextManager[int] = serve(shop)
    return found
