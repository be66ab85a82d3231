"""Callbacks that misbehave: each is counted and named with its URL and its traceback, and the crawl goes on."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table

from scraper.config.compile import compile_plan
from scraper.config.schema import from_kwargs
from scraper.engine import harvest as harvesting
from scraper.engine.harvest import MAX_FAULTS, MAX_YIELDS, gather
from scraper.engine.steps import Steps
from scraper.page import Page
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.runs.plan import Plan
from scraper.runs.report import FAILED
from scraper.runs.runner import Run
from scraper.spider import Spider
from scraper.testing.fake_fetcher import FakeFetcher
from scraper.visit import Lease

OWN = "the project's own rule: a callback's fault costs its page, never the crawl"
PAGES = {f"http://s.test/{name}": "<p>x" for name in ("bad", "good")} | {
    "http://s.test/": "<a href=/bad>1</a><a href=/good>2</a>"
}


class Misbehaving(Spider):
    """Does something bad on /bad and yields an item on /good."""

    async def parse(self, page: Page) -> Any:
        yield page.follow("a", self.page)

    def page(self, page: Page) -> Any:
        if page.url.endswith("/bad"):
            return self.misbehave(page)
        return {"url": page.url}

    def misbehave(self, page: Page) -> Any:
        raise NotImplementedError


class Raises(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        raise ValueError("the reason")


class RaisesAfterYielding(Misbehaving):
    def misbehave(self, page: Page) -> Iterator[Any]:
        yield {"url": "kept"}
        raise ValueError("the reason")


class Exits(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        sys.exit("the reason")


class RecursesForEver(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        return self.misbehave(page)


class YieldsForEver(Misbehaving):
    def misbehave(self, page: Page) -> Iterator[Any]:
        while True:
            yield None


class YieldsForEverAsync(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        while True:
            yield None


class FollowsForEver(Misbehaving):
    def misbehave(self, page: Page) -> Iterator[Any]:
        links = page.follow_url("/good")
        while True:
            yield links


class YieldsItself(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        nest: list[Any] = []
        nest.append(nest)
        return nest


class CancelsItself(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        yield None


class CancelsItselfAndReturns(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()


class RaisesCancelled(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        raise asyncio.CancelledError("the reason")


class StopsTheLoop(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        asyncio.get_running_loop().stop()
        yield None


class ClosesTheLoop(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        asyncio.get_running_loop().close()


class RunsALoop(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        work = asyncio.sleep(0)
        try:
            asyncio.run(work)
        finally:
            work.close()


class HugeMessage(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        raise ValueError("x" * 10_000_000)


class BadMessage(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        class Bad(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        raise Bad


class NoSuchCallback(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        return page.missing  # type: ignore[attr-defined]


class RaisesKeyboardInterrupt(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        raise KeyboardInterrupt("the reason")


class RaisesGeneratorExit(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        raise GeneratorExit


class RaisesABaseException(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        class Odd(BaseException):
            pass

        raise Odd("the reason")


class RaisesMemoryError(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        return [0] * 2**60


class RaisesAGroup(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        async def fail() -> None:
            raise ValueError("the reason")

        async with asyncio.TaskGroup() as group:
            group.create_task(fail())


class RaisesAnEndlessChain(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        error = ValueError("the reason")
        error.__cause__ = error
        raise error


class RaisesWhatIsNoText(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        raise ValueError("the \ud800 reason \0 \x1b[2J")


class RaisesStopIteration(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        return next(iter(()))


class ClosesItsGenerator(Misbehaving):
    async def misbehave(self, page: Page) -> Any:
        try:
            yield {"url": "kept"}
            raise ValueError("the reason")
        finally:
            yield {"url": "in its clean-up"}


class ChangesThePage(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        page.__dict__.clear()
        return page.css("a")


class ChangesTheRequest(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        page.request.url = "http://elsewhere.test/"  # type: ignore[misc, assignment]


class IsWrongForEver(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        return itertools.count()


CRASHES: list[tuple[type[Misbehaving], str]] = [
    (Raises, "ValueError: the reason"),
    (RaisesAfterYielding, "ValueError: the reason"),
    (Exits, "SystemExit: the reason"),
    (RecursesForEver, "RecursionError"),
    (YieldsForEver, f"more than {MAX_YIELDS:,} values"),
    (YieldsForEverAsync, f"more than {MAX_YIELDS:,} values"),
    (FollowsForEver, f"more than {MAX_YIELDS:,} values"),
    (YieldsItself, "RecursionError"),
    (CancelsItself, "cancelled the crawl's own task"),
    (CancelsItselfAndReturns, "cancelled the crawl's own task"),
    (RaisesCancelled, "CancelledError: the reason"),
    (StopsTheLoop, "stopped the crawl's event loop"),
    (ClosesTheLoop, "Cannot close a running event loop"),
    (RunsALoop, "cannot be called from a running event loop"),
    (HugeMessage, "ValueError: xxx"),
    (BadMessage, "exception str() failed"),
    (NoSuchCallback, "has no attribute 'missing'"),
    (RaisesKeyboardInterrupt, "KeyboardInterrupt: the reason"),
    (RaisesGeneratorExit, "raised GeneratorExit"),
    (RaisesABaseException, "Odd: the reason"),
    (RaisesMemoryError, "MemoryError"),
    (RaisesAGroup, "ValueError: the reason"),
    (RaisesAnEndlessChain, "ValueError: the reason"),
    (RaisesWhatIsNoText, "reason"),
    (RaisesStopIteration, "StopIteration"),
    (ClosesItsGenerator, "ValueError: the reason"),
    (ChangesThePage, "AttributeError"),
    (ChangesTheRequest, "cannot assign to field 'url'"),
    (IsWrongForEver, f"more than {MAX_FAULTS:,} values that are wrong"),
]


@contextmanager
def heard(level: int = logging.WARNING) -> Iterator[list[str]]:
    """Collect what the package logs in the meantime, by a handler that nobody else has.

    Not `caplog`: it also listens to loggers that do not propagate, and hears twice what then does.
    """
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    handler, logger = Listener(level), logging.getLogger("scraper")
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)


async def run(spider: type[Spider], pages: dict[str, Any] | None = None, **settings: Any) -> Any:
    config = from_kwargs(
        {"seeds": ["http://s.test/"], "politeness": {"delay": 0, "concurrency": 4}, "state": None, **settings}
    )
    plan: Plan = compile_plan(config, spider(), Path.cwd(), version="0")
    async with FakeFetcher(pages or PAGES) as fetcher:
        return await Run(plan, fetcher=fetcher).execute()


@table(
    "spiders",
    "spider, said",
    [row(f"callback-{spider.__name__.lower()}", spider, said, behaviour=spider.__name__) for spider, said in CRASHES],
    behaviour="A callback misbehaves on one page:",
    expectation="That page has failed, with the URL and the traceback; the others are crawled; the run has failed.",
    source=OWN,
)
async def test_a_callback_costs_its_page(spider: type[Spider], said: str) -> None:
    """Counted, named, listed; the crawl goes on and its end tells."""
    report = await run(spider)
    tally = report.progress.tally
    assert report.status == FAILED
    assert dict(tally.failed) == {"callback": 1}
    trouble = list(tally.troubles.values())[-1]
    assert trouble.url == "http://s.test/bad"
    assert trouble.reason == "callback"
    assert said in trouble.detail
    assert any(map(str.isalnum, trouble.line))
    assert len(trouble.detail) < 10_000
    assert tally.pages == 2
    assert tally.items >= 1


class WrongYields(Misbehaving):
    def misbehave(self, page: Page) -> Iterator[Any]:
        yield 5
        yield "text"
        yield object()
        yield {"n": float("nan")}
        yield {"f": open}
        yield {"big": "x" * 17_000_000}
        yield {"good": 1}


@case(
    "spiders",
    "wrong-yields",
    behaviour="A callback yields numbers, text, objects, NaN, a function and 17 MB, and then an item.",
    expectation="Each is a fault with its URL; the item is written; the run has failed.",
    source=OWN,
)
async def test_wrong_yields_are_faults() -> None:
    """What is wrong is counted one by one; what is right is kept."""
    report = await run(WrongYields)
    tally = report.progress.tally
    assert dict(tally.faults) == {"callback": 3, "item": 3}
    assert tally.items == 2
    assert report.status == FAILED
    assert {trouble.url for trouble in tally.troubles.values()} == {"http://s.test/bad"}


class SwallowsCancellation(Spider):
    async def parse(self, page: Page) -> Any:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue


class CleansUp(Spider):
    cleaned = False

    async def parse(self, page: Page) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            CleansUp.cleaned = True


@case(
    "spiders",
    "swallows-cancellation",
    behaviour="A callback that waits for ever swallows its cancellation when the crawl stops.",
    expectation="The crawl stops all the same, after a moment for a clean-up; its page is not finished.",
    source="asyncio documentation, Task.cancel",
)
@pytest.mark.parametrize("spider", [SwallowsCancellation, CleansUp])
async def test_a_callback_cannot_keep_a_crawl_from_stopping(spider: type[Spider]) -> None:
    """The second cancellation ends it; an honest clean-up has time."""
    async with asyncio.timeout(10):
        report = await run(spider, limits={"time": 0.05}, shutdown={"drain": 0.05})
    assert report.progress.counts.finished == 0
    assert spider is SwallowsCancellation or CleansUp.cleaned


class Blocks(Spider):
    def parse(self, page: Page) -> Any:
        time.sleep(0.35)
        return {"url": page.url}


@case(
    "spiders",
    "blocking-call",
    behaviour="A callback blocks the event loop (time.sleep, requests, a slow loop).",
    expectation="It is named once with its URL and its stack, while it blocks; the crawl goes on afterwards.",
    source="asyncio documentation, Developing with asyncio: Running Blocking Code",
)
async def test_a_blocking_callback_is_named() -> None:
    """A watching thread samples the loop's thread; honest steps are never named."""
    lease = Lease(1, request=Request("http://s.test/"), origin="http://s.test")
    page = Page(Response(lease.request, status=200, url="http://s.test/", headers=Headers(())))
    with heard() as told, Steps(look_every=0.02, blocked_after=0.1) as steps:
        harvest = await gather(Blocks(), lease, page, steps)
        assert harvest.records == [{"url": "http://s.test/"}]
        await asyncio.sleep(0.2)
    (only,) = told
    assert only.startswith("http://s.test/: parse has blocked the whole crawl")
    assert "time.sleep(0.35)" in only


class StartsThreads(Misbehaving):
    def misbehave(self, page: Page) -> Any:
        threading.Thread(target=time.sleep, args=(0.01,)).start()
        return {"url": "threads"}


@case(
    "spiders",
    "starts-threads",
    behaviour="A callback starts a thread.",
    expectation="It is the spider's own business; the crawl ends as ever.",
    source=OWN,
)
async def test_a_callback_may_start_threads() -> None:
    """Nothing is counted as wrong."""
    report = await run(StartsThreads)
    assert report.ok
    assert report.items == 2


@case(
    "spiders",
    "honest-page-with-many-items",
    behaviour="One page brings 20,000 items.",
    expectation="All are written; the budget is far away.",
    source="the project's own measurement",
)
async def test_many_items_are_no_runaway() -> None:
    """The budget is more than any page of 16 MiB can hold."""

    class Many(Spider):
        def parse(self, page: Page) -> Iterator[Any]:
            for number in range(20_000):
                yield {"n": number}

    assert (await run(Many)).items == 20_000


@case(
    "spiders",
    "items-without-end",
    behaviour="A callback yields large items without end.",
    expectation="It is stopped at a number of bytes, long before memory runs out.",
    source="the project's own bound",
)
async def test_large_items_without_end_are_stopped() -> None:
    """The items of one page have a bound together."""
    spent = harvesting.Harvest(bytes=harvesting.MAX_YIELDED + 1)
    with pytest.raises(Exception, match="bytes of items"):
        spent.spend(1)


KILLER = """
import os
from scraper import Spider


class Killer(Spider):
    def parse(self, page):
        yield page.follow("a", self.page)

    async def page(self, page):
        if page.url.endswith("/bad"):
            os.abort()
        yield {"url": page.url}
"""


@case(
    "spiders",
    "page-kills-every-process",
    behaviour="A page's callback ends the process, as a segmentation fault does, again and again.",
    expectation="The same command goes on; after three deaths that page has failed by name, all others are there.",
    source="architecture.md, law 2",
)
@pytest.mark.slow
def test_a_page_that_kills_every_process_is_left_alone(tmp_path: Path) -> None:
    """The fourth process finishes the crawl without it."""
    (tmp_path / "spider.py").write_text(KILLER)
    (tmp_path / "run.py").write_text(f"""
import asyncio, sys
sys.path.insert(0, {str(tmp_path)!r})
from spider import Killer
from scraper.testing.fake_fetcher import FakeFetcher
from scraper.runs.runner import Run
from scraper.config.compile import compile_plan
from scraper.config.schema import from_kwargs
from pathlib import Path

async def main():
    config = from_kwargs({{"seeds": ["http://s.test/"], "politeness": {{"delay": 0, "concurrency": 4}},
        "state": "state", "output": "items.jsonl"}})
    plan = compile_plan(config, Killer(), Path({str(tmp_path)!r}), version="0")
    async with FakeFetcher({PAGES!r}) as fetcher:
        report = await Run(plan, fetcher=fetcher).execute()
    print(dict(report.progress.tally.failed), report.items)

asyncio.run(main())
""")
    ends = []
    for _ in range(4):
        done = subprocess.run([sys.executable, str(tmp_path / "run.py")], capture_output=True, text=True, timeout=60)
        ends.append(done.returncode)
    assert ends == [-signal.SIGABRT] * 3 + [0], done.stderr
    assert done.stdout.strip() == "{'hostile_page': 1} 1"
    assert [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()] == [
        {"url": "http://s.test/good"}
    ]
