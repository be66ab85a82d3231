"""The class that users subclass.

A spider says where to begin and what to take from a page; it never fetches, queues, waits or writes. Callbacks are
ordinary methods that take a Page and yield items and follow-ups; they are found again by name after a kill, so what
they need to know travels in the request (`meta`), not in the spider.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, ClassVar, TypeAlias

from scraper.page import Page
from scraper.request import Request

__all__ = ["Results", "Spider"]

Results: TypeAlias = AsyncIterator[Any]
"""What an async generator callback returns: items, Requests and Follows."""


class Spider:
    """Define a crawl: subclass it, give it `seeds` (or list them in the config) and write `parse`.

        class Books(Spider):
            seeds = ["https://books.example/"]

            async def parse(self, page):
                yield page.follow("h3 a", self.book)
                yield page.follow("li.next a")

            async def book(self, page):
                yield {"title": page.css("h1").text, "price": page.css(".price").number}

    A callback may be an async generator, a generator, or a (coroutine) function that returns one item or a list.
    """

    seeds: ClassVar[Sequence[str]] = ()  # absolute URLs to begin with; the config's `seeds` replace them

    def start(self, seeds: Iterable[str]) -> Iterable[Request]:
        """Return the first requests; override to send a method, headers or `meta` with them."""
        return [Request(url, "parse") for url in seeds]

    def parse(self, page: Page) -> Any:
        """Take what a seed's page has; every spider writes this one."""
        raise NotImplementedError(f"{type(self).__name__} has no parse(self, page) method; write one")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} spider>"
