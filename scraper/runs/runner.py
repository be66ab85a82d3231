"""One execution of a plan, from its lock to its report.

What surrounds one crawl happens here in a fixed order: lock, memory, outputs, crawl, verdict, seal. Whether a run
begins, goes on or only has to be sealed is read from the memory and from nowhere else. YAML, argv and signals must not
enter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from scraper.clock import Clock, SystemClock
from scraper.engine.crawler import Crawler
from scraper.engine.memory import LIMIT as MEMORY
from scraper.engine.memory import MemoryBudget
from scraper.engine.steps import Steps
from scraper.engine.tally import Tally
from scraper.errors import ScraperError
from scraper.fetch.base import Fetcher
from scraper.frontier.base import Committed, Counts, Resumed
from scraper.frontier.sqlite import SqliteFrontier
from scraper.practice import open_shop
from scraper.runs import opening
from scraper.runs.lock import Lock
from scraper.runs.opening import FAILING, NEW, SEALING, open_memory
from scraper.runs.outputs import Outputs
from scraper.runs.plan import Plan
from scraper.runs.report import DONE, FAILED, INTERRUPTED, STOPPED, Progress, Report
from scraper.runs.verdict import failures
from scraper.runs.wiring import first_requests, make_budget, make_crawler, make_fetcher
from scraper.sinks.base import Sink
from scraper.visit import Visit

__all__ = ["Observer", "Run"]

SHOP_HOST = "practice-shop.test"  # RFC 6761, 6.2: .test is nobody's, so these URLs are the same in every run
CPU_BOUND = 0.75  # share of the time with work for the processor, from which more requests at once add hardly a third
POLITENESS_BOUND = 0.5  # share of the time in which a free worker waited for a host to have rested
_INTERRUPTED = "interrupted"
_LOG = logging.getLogger("scraper")


class Observer(Protocol):
    """Hears of every committed visit; it cannot change the crawl."""

    def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
        """Take note of one commit: these visits and their outcomes are durable now."""
        ...


class Run:
    """One execution of a plan."""

    def __init__(
        self,
        plan: Plan,
        *,
        fresh: bool = False,
        clock: Clock | None = None,
        fetcher: Fetcher | None = None,
        sinks: Mapping[str, Sink] | None = None,
        observers: Sequence[Observer] = (),
        at: Callable[[str], None] = lambda boundary: None,
    ) -> None:
        """`fresh` gives up an unfinished run; `sinks` receive items beside the outputs; `at` hears each boundary."""
        self.plan = plan
        self.resumed = False
        self.tally = Tally()
        self._fresh = fresh
        self._clock = clock or SystemClock()
        self._fetcher = fetcher
        self._sinks = dict(sinks or {})
        self._observers: list[Observer] = [self.tally, *observers]
        self._at = at
        self._number = 0
        self._crawler: Crawler | None = None
        self._frontier: SqliteFrontier | None = None
        self._stop = ""
        self._started = self._clock.now()
        self._cpu_started = self._clock.cpu()
        self._queued_started = 0.0

    # -- seen from outside -------------------------------------------------------------------------------------------

    def stop(self, why: str = _INTERRUPTED) -> None:
        """Take no more work, let what is under way end, commit, and return from `execute`."""
        self._stop = self._stop or why
        if self._crawler is not None:
            self._crawler.stop(self._stop)

    def progress(self) -> Progress:
        """Return how far the run is."""
        counts = self._frontier.counts() if self._frontier else Counts(0, 0, 0, 0)
        busy = self._crawler.busy if self._crawler else 0
        return Progress(self._clock.now() - self._started, self.tally, counts, busy)

    # -- the order of things -----------------------------------------------------------------------------------------

    async def execute(self) -> Report:
        """Run the crawl to its end and return what it came to.

        Raises StateLocked when another run of this crawl is going on, and StateError, SinkError, ConfigError or
        SpiderError when it cannot begin or go on; then nothing that was committed is lost.
        """
        self._started, self._cpu_started = self._clock.now(), self._clock.cpu()
        self._queued_started = self._clock.queued()
        try:
            async with AsyncExitStack() as stack:
                return await self._execute(stack)
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _execute(self, stack: AsyncExitStack) -> Report:
        if self.plan.state is not None:
            stack.enter_context(Lock(self.plan.state, name=self.plan.name, clock=self._clock))
        outputs = await stack.enter_async_context(Outputs(self.plan))
        self._frontier, memory = await open_memory(self.plan, outputs, fresh=self._fresh, clock=self._clock)
        self._number = memory.run
        stack.push_async_callback(self._frontier.close)
        self.resumed = memory.status != NEW
        self.tally.restore(memory.history)
        if memory.status == NEW:
            await self._frontier.begin(memory.run, await outputs.begin(memory.run, self._clock.wall()))
        elif memory.status == FAILING:
            outputs.restore(memory.outputs)
        else:
            await outputs.resume(memory.outputs, sealing=memory.status == SEALING)
        if memory.status not in (SEALING, FAILING):
            await self._crawl(stack, outputs)
        return await self._conclude(memory, outputs)

    async def _crawl(self, stack: AsyncExitStack, outputs: Outputs) -> None:
        budget = make_budget(self.plan)
        if budget is not None:
            budget.check()
        seeds, connect_to = await self._find_seeds(stack)
        requests = first_requests(self.plan.spider, seeds)
        fetcher = self._fetcher
        if fetcher is None:
            fetcher = await stack.enter_async_context(make_fetcher(self.plan, connect_to, requests, clock=self._clock))
        assert self._frontier is not None
        self._crawler = make_crawler(
            self.plan,
            requests,
            frontier=self._frontier,
            fetcher=fetcher,
            sinks={**outputs.sinks, **self._sinks},
            clock=self._clock,
            steps=stack.enter_context(Steps(self.plan.state, run=self._number)),
            done=self.tally,
            hear=self._hear,
            at=self._at,
        )
        if self._stop:
            self._crawler.stop(self._stop)
        self.tally.turn_away(await self._crawler.submit(requests))
        await self._run_within(self._crawler, budget)

    async def _run_within(self, crawler: Crawler, budget: MemoryBudget | None) -> None:
        if budget is None:
            await crawler.run()
            return
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(budget.keep(crawler, ended, self._clock))
            await crawler.run()
            ended.set()

    async def _find_seeds(self, stack: AsyncExitStack) -> tuple[Sequence[str], dict[str, str]]:
        connect_to = dict(self.plan.connect_to)
        if not self.plan.practice_shop:
            return self.plan.seeds, connect_to
        port = await stack.enter_async_context(open_shop())
        connect_to[SHOP_HOST] = f"127.0.0.1:{port}"
        return (f"http://{SHOP_HOST}/",), connect_to

    def _hear(self, visits: Sequence[Visit], committed: Committed) -> None:
        for observer in tuple(self._observers):
            try:
                observer.hear(visits, committed)
            except Exception:
                self._observers.remove(observer)
                _LOG.exception("%r broke and is not told of anything more; the crawl goes on", observer)

    # -- the end -----------------------------------------------------------------------------------------------------

    async def _conclude(self, memory: Resumed, outputs: Outputs) -> Report:
        """Judge the run, finish its outputs or take them back, and write down how it ended."""
        stopped_by = self._crawler.stopped_by if self._crawler else ""
        reasons = () if memory.status == SEALING else failures(self.tally)
        if stopped_by == MEMORY and self.plan.state is None:
            stateless = f"{MEMORY} is used up, and a run without state cannot be gone on with: give it more"
            reasons = (stateless, *reasons)
        if unfinished := _unfinished(stopped_by, kept=self.plan.state is not None):
            status, reasons, paths = unfinished, (), outputs.unfinished
        elif reasons or memory.status == FAILING:
            status, paths = FAILED, outputs.taken_back
            await self._finish(FAILING, outputs.set_aside, opening.FAILED)
        else:
            status, paths = DONE, outputs.finished
            await self._finish(SEALING, outputs.seal, opening.ENDED)
        return Report(
            name=self.plan.name,
            run=memory.run,
            status=status,
            resumed=self.resumed,
            progress=self.progress(),
            cpu=self._clock.cpu() - self._cpu_started,
            bound_by=self._bound_by(),
            outputs=paths(),
            reasons=reasons,
            stopped_by=stopped_by,
            shop=self.plan.practice_shop,
        )

    async def _finish(self, doing: str, work: Callable[[], Awaitable[None]], done: str) -> None:
        """Do `work` on the outputs so that a kill in the middle of it is followed by doing it again."""
        assert self._frontier is not None
        await self._frontier.mark(doing)
        self._at(doing)
        await work()
        self._at("sealed")
        await self._frontier.mark(done)
        self._at("ended")

    def _bound_by(self) -> str:
        """Return what the rate was limited by: the processor, the rest that hosts are due, or waiting for answers.

        Work that waits for the processor, since others have it, is no waiting for answers.
        """
        assert self._frontier is not None
        elapsed = self._clock.now() - self._started
        working = self._clock.cpu() - self._cpu_started + self._clock.queued() - self._queued_started
        if working >= CPU_BOUND * elapsed:
            return "CPU"
        return "politeness" if self._frontier.resting_seconds >= POLITENESS_BOUND * elapsed else "latency"


def _unfinished(stopped_by: str, *, kept: bool) -> str:
    """Return the status of a run that was stopped before its end, and that goes on; "" for one that has ended.

    `kept`: whether the crawl has a memory on disk.
    """
    if stopped_by == MEMORY:
        return STOPPED if kept else ""
    return "" if stopped_by.startswith("limits.") or not stopped_by else INTERRUPTED


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that a person should hear of: one of ours if there is one."""
    leaves: list[BaseException] = []
    todo: list[BaseException] = [group]
    while todo:
        error = todo.pop(0)
        if isinstance(error, BaseExceptionGroup):
            todo.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, ScraperError)), leaves[0])
