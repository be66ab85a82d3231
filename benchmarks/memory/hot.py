"""One host with nine tenths of all URLs: do the others get their pages as soon as without it? On a clock that jumps.

Each host rests a second after each request. The cold hosts' last page comes when their own rests allow it, or later
if the hot host takes the workers, the ready queue or the index away from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.steps.material import Material
from scraper.runs.runner import Run
from scraper.testing.clock import FakeClock, run
from scraper.testing.fake_fetcher import FakeFetcher

__all__ = ["hot_host"]

COLD_HOSTS, REST, LATENCY = 20, 1.0, 0.1  # hosts; seconds


def hot_host(folder: Path, pages: int) -> dict[str, Any]:
    """Crawl `pages` pages; return the seconds until the cold hosts were done, with the hot host and without."""
    cold = max(1, pages // 10 // COLD_HOSTS)
    with_hot = _cold_done(folder, cold, pages - cold * COLD_HOSTS)
    alone = _cold_done(folder, cold, 0)
    return {"cold_pages_a_host": cold, "seconds_alone": alone, "seconds_beside_a_hot_host": with_hot}


def _cold_done(folder: Path, cold: int, hot: int) -> float:
    urls = [f"http://hot.test/{number}" for number in range(hot)]
    urls += [f"http://cold{host}.test/{number}" for number in range(cold) for host in range(COLD_HOSTS)]
    links = "".join(f'<a href="{url}">x</a>' for url in urls)
    site = {"http://start.test/": links, **dict.fromkeys(urls, "<p>a page</p>")}
    plan = replace(
        Material(folder).plan(), seeds=("http://start.test/",), hosts=("test",), subdomains=True, outputs=(),
        links_per_page=len(urls) + 1, delay=REST, jitter=0.0, per_host=1, workers=32, interval=0.25,
        obey_robots=False,
    )  # fmt: skip

    async def crawl() -> float:
        clock = FakeClock()
        async with FakeFetcher(site, clock=clock, latency=LATENCY) as fetcher:
            await Run(plan, clock=clock, fetcher=fetcher).execute()
        return max(visit.at for visit in fetcher.visits if "//cold" in visit.request.url)

    return run(crawl())
