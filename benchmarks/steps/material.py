"""What the steps work on: pages of the made-up shop in memory, and the plan of the crawl that would fetch them.

Deterministic: the same pages in the same order in every process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from benchmarks.places import CONFIG
from benchmarks.website.filler import Filler
from benchmarks.website.shop import ROBOTS, Shop
from scraper.cli.prepare import prepare
from scraper.clock import SystemClock
from scraper.frontier.store import MEMORY
from scraper.page import Page
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.runs.plan import Plan
from scraper.runs.wiring import make_frontier
from scraper.testing.clock import FakeClock

__all__ = ["Material"]

HTML = Headers((("Content-Type", "text/html"),))
T = TypeVar("T")


@dataclass(frozen=True)
class Material:
    """Pages of one shop; `tiny`: of 2 KB."""

    folder: Path  # for what must be a file
    tiny: bool = False
    size: int = 80  # pages
    port: int = 8743

    @cached_property
    def shop(self) -> Shop:
        """The shop."""
        origin = f"http://127.0.0.1:{self.port}"
        return Shop(origin, self.size, seed=1, tiny=self.tiny, filler=Filler(1))

    @cached_property
    def bodies(self) -> Mapping[str, bytes]:
        """Every page of the shop by its path, listings first."""
        shop = self.shop
        listings = {shop.listing_path(n): shop.listing(n) for n in range(1, shop.listings + 1)}
        return {**listings, **{shop.paths[n]: shop.detail(n)[0] for n in range(shop.books)}}

    @cached_property
    def responses(self) -> list[Response]:
        """An answer for each page."""
        made = []
        for path, body in self.bodies.items():
            request = Request(self.shop.origin + path)
            made.append(Response(request, status=200, url=request.url, headers=HTML, body=body))
        return made

    def fresh(self) -> list[Page]:
        """Return the pages, nothing of them looked at yet."""
        # A response keeps what it found out about its encoding.
        return [Page(replace(response)) for response in self.responses]

    def parsed(self) -> list[Page]:
        """Return the pages, parsed."""
        pages = self.fresh()
        for page in pages:
            page.parse()
        return pages

    @cached_property
    def references(self) -> list[tuple[str, list[str]]]:
        """The links of each page as it writes them."""
        return [(page.url, page.links().references()) for page in self.parsed()]

    @cached_property
    def urls(self) -> list[str]:
        """Different URLs, many more than there are pages."""
        origin = self.shop.origin
        return [f"{origin}/catalogue/some-book-with-a-name_{number}/index.html" for number in range(5000)]

    def environ(self, out: Path) -> dict[str, str]:
        """Return the variables of the job."""
        origin = self.shop.origin
        return {
            "BENCH_STARTS": origin + self.shop.listing_path(1),
            "BENCH_HOSTS": origin.partition("//")[2],
            "BENCH_OUT": str(out),
            "BENCH_CONCURRENCY": "32",
        }

    def plan(self, *, memory: bool = True) -> Plan:
        """Return the job as the config says it, its items in a file; commits are never made by the time alone."""
        plan = prepare(CONFIG, self.environ(self.folder / "out.jsonl"), memory=memory)
        return msgspec.structs.replace(plan, interval=3600.0)

    def frontier(self, path: str | Path) -> Any:
        """Return an empty frontier for the plan; one in memory for a loop whose time jumps."""
        return make_frontier(self.plan(), path, clock=FakeClock() if path == MEMORY else SystemClock())

    @property
    def site(self) -> dict[str, tuple[int, Mapping[str, str], bytes]]:
        """The shop as answers for a fake fetcher."""
        origin, html = self.shop.origin, {"Content-Type": "text/html"}
        site = {origin + path: (200, html, body) for path, body in self.bodies.items()}
        site[origin + "/robots.txt"] = (200, {"Content-Type": "text/plain"}, ROBOTS.encode())
        return site


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own."""
    return asyncio.run(work)
