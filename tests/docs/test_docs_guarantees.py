"""What docs/guarantees.md and the README promise in one sentence, each as one test with nothing but defaults."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scraper import Page, Results, Spider, crawl
from scraper.config.compile import compile_plan
from scraper.config.schema import from_kwargs
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.testing.clock import FakeClock
from scraper.testing.clock import run as run_jumping
from scraper.testing.fake_fetcher import Answer, FakeFetcher

SLOW_ANSWER = 2.5  # seconds, more than the default delay
LINKS = "".join(f'<a href="/{number}">{number}</a>' for number in range(10))
SITE: dict[str, Answer] = {"http://a.test/": LINKS, **{f"http://a.test/{number}": "page" for number in range(10)}}


class Everything(Spider):
    """Follow every link; one item a page."""

    async def parse(self, page: Page) -> Results:
        """Yield the URL."""
        yield {"url": page.url}
        yield page.follow_links()


class Broken(Spider):
    """Yield an item, then break."""

    async def parse(self, page: Page) -> Results:
        """Yield and raise."""
        yield {"url": page.url}
        raise ValueError(page.url)


def _crawl(site: dict[str, Answer], folder: Path, latency: float, **settings: Any) -> tuple[Report, FakeFetcher]:
    """Crawl a fake site with the defaults of the config, and `settings`, on a clock that jumps."""

    async def main() -> tuple[Report, FakeFetcher]:
        config = from_kwargs({"seeds": ["http://a.test/"], "state": None, **settings})
        plan = compile_plan(config, Everything(), folder, version="0")
        clock = FakeClock()
        async with FakeFetcher(site, clock=clock, latency=latency) as fetcher:
            return await Run(plan, clock=clock, fetcher=fetcher).execute(), fetcher

    return run_jumping(main())


@pytest.mark.parametrize("latency", [0.0, SLOW_ANSWER])
def test_with_no_setting_touched_a_crawl_is_polite(latency: float, tmp_path: Path) -> None:
    """robots.txt comes first and is obeyed; one request at a time; a second at least between two."""
    site = {**SITE, "http://a.test/robots.txt": "User-agent: *\nDisallow: /7"}
    report, fetcher = _crawl(site, tmp_path, latency)
    assert fetcher.urls[0] == "http://a.test/robots.txt"
    assert (report.pages, report.progress.tally.refused["robots"]) == (10, 1)
    assert "http://a.test/7" not in fetcher.urls
    gaps = [later.at - earlier.at for earlier, later in pairwise(fetcher.visits)]
    assert min(gaps) >= max(1.0, latency)


async def test_a_failed_run_leaves_yesterdays_file(tmp_path: Path) -> None:
    """A callback that breaks makes the run fail; the finished output is that of the run before."""
    output = tmp_path / "items.jsonl"
    options: dict[str, Any] = {"seeds": ["practice-shop"], "output": output, "limits": {"pages": 1}}
    good = await crawl(Everything, **options)
    yesterday = output.read_bytes()
    bad = await crawl(Broken, **options)
    assert (good.ok, bad.ok, bad.items) == (True, False, 1)
    assert output.read_bytes() == yesterday != b""


async def test_two_crawls_run_side_by_side_in_one_loop(tmp_path: Path) -> None:
    """Nothing is global: each has its own frontier, its own outputs and its own report."""
    reports = await asyncio.gather(
        *(
            crawl(
                Everything,
                name=f"crawl{depth}",
                seeds=["practice-shop"],
                politeness={"delay": 0, "concurrency": 4},
                scope={"depth": depth, "deny": "/category/"},
                output=tmp_path / f"{depth}.jsonl",
                state=tmp_path / "state",
            )
            for depth in (0, 1)
        )
    )
    lines = [len((tmp_path / f"{depth}.jsonl").read_text().splitlines()) for depth in (0, 1)]
    assert [report.reasons for report in reports] == [(), ()]
    assert [report.items for report in reports] == lines
    assert lines[0] == 1 < lines[1]
