"""What the tests of frontier, engine and runs share: a plan with every value, spiders, a fetcher that is watched.

Everything here is plain: a plan's values are written out once, so that a test names only what it is about.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scraper.clock import Clock
from scraper.errors import RequestException
from scraper.page import Page
from scraper.request import Request
from scraper.response import Response
from scraper.runs.plan import OutputPlan, Plan
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.spider import Spider
from scraper.testing.clock import FakeClock, run
from scraper.testing.fake_fetcher import Answer, FakeFetcher
from scraper.testing.web import FORBIDDEN, Web
from scraper.urls import hostname, origin

__all__ = [
    "Exchange",
    "LinkSpider",
    "SteadyClock",
    "WatchedFetcher",
    "crawl_fast",
    "jsonl",
    "make_plan",
    "plain_loop",
    "read_rows",
]


LOOP_TICK = 1e-8  # seconds; ten times what asyncio takes for the present


class LinkSpider(Spider):
    """Follow every link of every page and yield one item a page."""

    def parse(self, page: Page) -> Iterator[Any]:
        """Yield the page's URL as an item, then all its links."""
        yield {"url": str(page.url)}
        yield page.follow_links()


class SteadyClock(FakeClock):
    """A clock that jumps and never stands still: the loop calls a timer that is a nanosecond away due without moving.

    A crawl that waits for the last bit of a float sum would ask again for ever.
    """

    async def wait(self, event: asyncio.Event, timeout: float | None) -> bool:
        """Wait for `event`, and at least a tick that the loop can see."""
        return await super().wait(event, timeout if not timeout or timeout < 0 else max(timeout, LOOP_TICK))


def make_plan(**changes: Any) -> Plan:
    """Return a plan without politeness, limits, robots or disk, with `changes` made to it."""
    values: dict[str, Any] = {
        "name": "test",
        "spider": LinkSpider(),
        "seeds": (),
        "home": Path("/"),
        "practice_shop": False,
        "state": None,
        "hosts": (),
        "subdomains": False,
        "allow": (),
        "deny": (),
        "depth": None,
        "url_length": 2083,
        "links_per_page": 10_000,
        "ignore": ("tracking", "sessions"),
        "pages_per_host": None,
        "pages_per_filter": None,
        "nofollow": "page",
        "max_pages": None,
        "max_items": None,
        "max_seconds": None,
        "max_memory": None,
        "max_wait": None,
        "obey_robots": False,
        "user_agent": "scraper/0.1",
        "per": "host",
        "per_host": 16,
        "delay": 0.0,
        "jitter": 0.0,
        "max_crawl_delay": 60.0,
        "max_retry_after": 600.0,
        "retries": 3,
        "backoff": 1.0,
        "max_backoff": 60.0,
        "workers": 16,
        "timeout": 30.0,
        "connect_timeout": 10.0,
        "max_body": 16 << 20,
        "keep_partial": False,
        "max_redirects": 10,
        "verify_tls": True,
        "headers": {},
        "connect_to": {},
        "allow_addresses": (),
        "cookies": True,
        "secrets": (),
        "proxy": "",
        "outputs": (),
        "group": 64,
        "interval": 0.25,
        "power_safe": False,
        "drain": 10.0,
    }
    assert values.keys() >= changes.keys()
    return Plan(**{**values, **changes})


def jsonl(path: Path) -> OutputPlan:
    """Return a plan for the items as JSON lines in `path`, replaced by each run."""
    return OutputPlan(path=str(path), format="jsonl", mode="replace", fields=None, formulas="keep")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as a server saw it, in clock seconds."""

    url: str
    start: float  # its first byte arrived
    end: float  # its answer was complete
    status: int  # 0: no answer


class WatchedFetcher:
    """Fetch from a fake site and write down when; each URL takes its own time.

    `connecting` and `answering` give the seconds before a request goes out and from then to its answer. `before` is
    called with the number of each request, from 1, before it is made.
    """

    def __init__(
        self,
        site: Mapping[str, Answer],
        clock: Clock,
        *,
        answering: Callable[[str], float] = lambda url: 0.0,
        connecting: Callable[[str], float] = lambda url: 0.0,
        before: Callable[[int], None] = lambda number: None,
        pause: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._inner = FakeFetcher(site, clock=clock)
        self._clock = clock
        self._answering = answering
        self._connecting = connecting
        self._before = before
        self._pause = pause
        self._number = 0
        self.exchanges: list[Exchange] = []

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)

    async def fetch(self, request: Request, *, timeout: float | None = None) -> Response:
        """Answer as the fake does, after its time."""
        self._number += 1
        self._before(self._number)
        await self._sleep(self._connecting(request.url))
        start, status = self._clock.now(), 0
        try:
            response = await self._inner.fetch(request, timeout=timeout)
            await self._sleep(self._answering(request.url))
            status = response.status
            return response
        except RequestException:
            await self._sleep(self._answering(request.url))
            raise
        finally:
            self.exchanges.append(Exchange(str(request.url), start, self._clock.now(), status))

    async def _sleep(self, seconds: float) -> None:
        if seconds and self._pause is not None:
            await self._pause(seconds)

    @property
    def pages(self) -> list[str]:
        """The URLs that were answered with 200, in order, robots.txt left out."""
        return [e.url for e in self.exchanges if e.status == 200 and not e.url.endswith("/robots.txt")]

    def by_host(self) -> dict[str, list[Exchange]]:
        """Return the exchanges of each host name, by their start."""
        hosts: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in sorted(self.exchanges, key=lambda e: e.start):
            hosts[hostname(exchange.url)].append(exchange)
        return hosts

    def by_origin(self) -> dict[str, list[Exchange]]:
        """Return the exchanges of each origin, by their start."""
        origins: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in sorted(self.exchanges, key=lambda e: e.start):
            origins[origin(Request(exchange.url).url)].append(exchange)
        return origins


def crawl_fast(site: Mapping[str, Answer], **changes: Any) -> tuple[Report, FakeFetcher]:
    """Crawl a fake site in memory on a clock that jumps; return the report and the fetcher that was asked."""

    async def main() -> tuple[Report, FakeFetcher]:
        clock = SteadyClock()
        async with FakeFetcher(site, clock=clock, latency=0.1) as fetcher:
            return await Run(make_plan(**changes), clock=clock, fetcher=fetcher).execute(), fetcher

    return run(main())


def plain_loop(web: Web) -> set[str]:
    """Return the pages that a crawler without any cleverness finds: one URL after the other, each once."""
    todo, seen, found = list(web.seeds), set(), set()
    while todo:
        url = todo.pop(0)
        host = hostname(url)
        if url in seen or host not in web.hosts or host in web.dead or FORBIDDEN in url:
            continue
        seen.add(url)
        if url in web.redirects:
            todo.append(web.redirects[url].target or "mailto://x")
        elif url in web.pages:
            found.add(url)
            todo.extend(link.target for link in web.pages[url] if link.target)
    return found


def read_rows(path: Path, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a state file, read as any person would: with SQL."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query, values).fetchall()
