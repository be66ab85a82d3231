"""Whole small crawls: of a web in memory on a clock that jumps, and over HTTP with the state on disk."""

from __future__ import annotations

import shutil

from msgspec.structs import replace

from benchmarks.steps.edges import served
from benchmarks.steps.material import Material, finish
from benchmarks.steps.step import Step, Work
from scraper.runs.runner import Run
from scraper.testing.clock import FakeClock, run
from scraper.testing.fake_fetcher import FakeFetcher

__all__ = ["STEPS"]

LATENCY = 0.05  # seconds of the clock that jumps


def _in_memory(material: Material) -> Work:
    plan = replace(material.plan(), outputs=())
    site = material.site

    async def crawl() -> int:
        clock = FakeClock()
        async with FakeFetcher(site, clock=clock, latency=LATENCY) as fetcher:
            report = await Run(plan, clock=clock, fetcher=fetcher).execute()
        return _pages(report, material)

    return lambda: run(crawl())


def _over_http(material: Material) -> Work:
    async def crawl() -> int:
        plan = material.plan(memory=False)
        shutil.rmtree(plan.state, ignore_errors=True)
        async with served(material):
            return _pages(await Run(plan, fresh=True).execute(), material)

    return lambda: finish(crawl())


def _pages(report, material: Material) -> int:
    tally = report.progress.tally
    assert report.ok, report.reasons
    assert tally.pages == len(material.bodies), f"{tally.pages} pages of {len(material.bodies)}: {tally}"
    return tally.pages


STEPS = (
    Step("crawl: a web in memory, state in memory", _in_memory, "page"),
    Step("crawl: over HTTP, state on disk", _over_http, "page", 0.05),
)
