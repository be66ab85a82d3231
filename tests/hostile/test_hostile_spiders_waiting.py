"""Callbacks that wait: for ever, for too long, or for as long as they say themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from case import case, row, table
from test_hostile_spiders import Misbehaving, heard, run

from scraper.engine.harvest import Harvest, gather
from scraper.engine.patience import Patience
from scraper.engine.steps import Steps
from scraper.page import Page
from scraper.request import Request
from scraper.response import Response
from scraper.runs.report import FAILED
from scraper.spider import Spider
from scraper.visit import Lease

ASYNCIO = "asyncio documentation, Task.cancel and timeout"
OWN = "the project's own rule: a callback's fault costs its page, never the crawl"
SHORT = {"callback": 0.1}


async def gather_one(spider: Spider, patience: Patience) -> Harvest:
    """Let a spider read one page."""
    lease = Lease(1, request=Request("http://s.test/"), origin="http://s.test")
    page = Page(Response(lease.request, status=200, url="http://s.test/"))
    return await gather(spider, lease, page, Steps(), patience)


class AwaitsNothing(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        await asyncio.Event().wait()


class AwaitsBetweenItems(Misbehaving):
    async def misbehave(self, page: Page) -> AsyncIterator[Any]:
        yield {"url": "kept"}
        await asyncio.Event().wait()
        yield {"url": "never"}


class AwaitsAThread(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        await asyncio.get_running_loop().run_in_executor(None, asyncio.run, asyncio.sleep(0.3))


class AwaitsInPieces(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        while True:
            await asyncio.sleep(0.01)


class AwaitsAndSwallows(Spider):
    async def parse(self, page: Page) -> Any:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue


class AwaitsAndReturns(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {"url": "late"}


class AwaitsAndRaises(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("in its clean-up")


class AwaitsItself(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        lock = asyncio.Lock()
        async with lock, lock:
            yield {"url": "never"}


class AwaitsATaskThatWaits(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        await asyncio.gather(asyncio.Event().wait(), asyncio.Event().wait())


WAITERS = [
    row(f"callback-{spider.__name__.lower()}", spider, behaviour=spider.__name__)
    for spider in (
        *(AwaitsNothing, AwaitsBetweenItems, AwaitsAThread, AwaitsInPieces, AwaitsAndReturns, AwaitsAndRaises),
        *(AwaitsItself, AwaitsATaskThatWaits),
    )
]


@table(
    "spiders",
    "spider",
    WAITERS,
    behaviour="A callback awaits what never comes:",
    expectation="At `limits.callback` it is ended; its page has failed, with the key's name, what was yielded before "
    "stands, the other pages are crawled.",
    source=ASYNCIO,
)
async def test_a_callback_that_waits_for_ever_costs_its_page(spider: type[Spider]) -> None:
    """One worker, so that the crawl could not go on if it were still held."""
    async with asyncio.timeout(5):
        report = await run(spider, limits=SHORT, fetch={"concurrency": 1})
    tally = report.progress.tally
    assert report.status == FAILED
    assert dict(tally.failed) == {"callback": 1}
    (trouble,) = tally.troubles.values()
    assert trouble.url == "http://s.test/bad"
    assert "ended after 0.1 s of waiting (limits.callback)" in trouble.line
    assert tally.pages == 2
    assert tally.items == 1 + (spider is AwaitsBetweenItems or spider is AwaitsAndReturns)


@case(
    "spiders",
    "waiting-is-named",
    behaviour="A callback has waited for a minute.",
    expectation="The log names it once, with its URL, the limit and the line that it waits at.",
    source=OWN,
)
@pytest.mark.parametrize("spider", [AwaitsBetweenItems, AwaitsNothing])
async def test_a_callback_that_waits_is_named_with_its_line(spider: type[Misbehaving]) -> None:
    """The line is found in the suspended coroutine, or in the asynchronous generator, itself."""

    class Waits(spider):  # type: ignore[misc, valid-type]
        parse = spider.misbehave

    with heard() as told:
        harvest = await gather_one(Waits(), Patience(0.15, named_after=0.05))
    (only,) = told
    assert only.startswith("http://s.test/: parse has waited for 0 s; limits.callback ends it after 0.15 s\n")
    assert "await asyncio.Event().wait()" in only
    assert "in misbehave" in only
    assert "limits.callback" in harvest.crash


async def test_a_callback_that_is_soon_done_is_not_named() -> None:
    """Neither is one that waits for nothing."""

    class Quick(Spider):
        async def parse(self, page: Page) -> Any:
            await asyncio.sleep(0.01)
            return {"n": 1}

    with heard() as told:
        harvest = await gather_one(Quick(), Patience(0.1, named_after=0.05))
        await asyncio.sleep(0.15)
    assert (harvest.records, harvest.crash, told) == ([{"n": 1}], "", [])


@case(
    "spiders",
    "own-time-outs",
    behaviour="A callback uses time-outs of its own, several in a row and one in another, and catches them.",
    expectation="They are its own affair: its items are written and the crawl goes on.",
    source=f"{ASYNCIO}: a time-out cancels the task that it is in, and takes that back",
)
async def test_a_callbacks_own_timeouts_are_its_own() -> None:
    """Each of them cancels the worker from outside of a step, as the crawl does when it stops."""

    class TimesOut(Misbehaving):
        async def misbehave(self, page: Page) -> Any:
            for number in range(3):
                try:
                    async with asyncio.timeout(5), asyncio.timeout(0.01):
                        await asyncio.Event().wait()
                except TimeoutError:
                    yield {"url": number}
            try:
                await asyncio.wait_for(asyncio.Event().wait(), 0.01)
            except TimeoutError:
                yield {"url": "last"}

    async with asyncio.timeout(5):
        report = await run(TimesOut)
    assert report.ok
    assert report.items == 5


@case(
    "spiders",
    "swallows-its-end",
    behaviour="A callback that has waited too long swallows its cancellation and waits on.",
    expectation="It has a moment for its clean-up, and then it is closed; its page has failed.",
    source=ASYNCIO,
)
async def test_a_callback_cannot_swallow_its_end() -> None:
    """The second cancellation is not its to catch."""
    async with asyncio.timeout(5):
        harvest = await gather_one(AwaitsAndSwallows(), Patience(0.05, clean_up=0.05))
    assert "limits.callback" in harvest.crash


async def test_without_a_limit_a_callback_may_wait() -> None:
    """`limits.callback: null` is for spiders that know better."""

    class Slow(Misbehaving):
        async def misbehave(self, page: Page) -> Any:
            await asyncio.sleep(0.15)
            return {"url": "slow"}

    assert (await run(Slow, limits={"callback": None})).items == 2
    assert (await run(Slow, limits=SHORT)).items == 1
