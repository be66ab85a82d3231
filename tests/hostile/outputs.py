"""Whole runs in a folder of their own, from a config as a user has one, on a site that is a dict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scraper.config.compile import compile_plan
from scraper.config.schema import from_kwargs
from scraper.page import Page
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.spider import Spider
from scraper.testing.fake_fetcher import FakeFetcher

__all__ = ["SITE", "Items", "files", "run_in"]

SITE: dict[str, Any] = {
    "http://s.test/": "<a href=/1>1</a><a href=/2>2</a>",
    "http://s.test/1": "<h1>one</h1>",
    "http://s.test/2": "<h1>two</h1>",
}


class Items(Spider):
    """Yields an item a page and follows every link."""

    def parse(self, page: Page) -> Any:
        """Yield the page's URL."""
        yield {"url": page.url}
        yield page.follow("a")


async def run_in(
    folder: Path,
    spider: type[Spider] = Items,
    *,
    site: Any = SITE,
    fresh: bool = False,
    at: Callable[[str], None] = lambda boundary: None,
    **settings: Any,
) -> Report:
    """Run a crawl whose config stands in `folder`, in this process; its state is in `folder/.scrape/crawl`."""
    given = {"seeds": ["http://s.test/"], "politeness": {"delay": 0, "concurrency": 4}, "retry": {"times": 0}}
    plan = compile_plan(from_kwargs({**given, **settings}), spider(), folder, version="0")
    async with FakeFetcher(site) as fetcher:
        return await Run(plan, fetcher=fetcher, fresh=fresh, at=at).execute()


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, with its content; what is no file is only named."""
    found = [path for path in folder.rglob("*") if not path.is_dir()]
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in found}
