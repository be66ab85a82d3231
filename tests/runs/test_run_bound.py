"""What a run says its rate was limited by."""

from __future__ import annotations

import asyncio

import pytest
from helpers import SteadyClock, make_plan

from scraper.clock import SystemClock
from scraper.runs.runner import Run
from scraper.testing.clock import run
from scraper.testing.fake_fetcher import FakeFetcher

HOST = "http://a.test"
SITE = {f"{HOST}/": "".join(f'<a href="/{n}">x</a>' for n in range(50))} | {f"{HOST}/{n}": "<p>x" for n in range(50)}


class BusyClock(SteadyClock):
    """A clock by which the process has, or waits for, a share of a processor all the time."""

    def __init__(self, *, cpu: float, queued: float) -> None:
        super().__init__()
        self._cpu, self._queued = cpu, queued

    def cpu(self) -> float:
        """Return the CPU seconds so far."""
        return self._cpu * self.now()

    def queued(self) -> float:
        """Return the seconds of waiting for a processor so far."""
        return self._queued * self.now()


def bound_by(*, cpu: float = 0.0, queued: float = 0.0, delay: float = 0.0) -> str:
    """Crawl a site of 51 pages and return what the rate was limited by."""

    async def main() -> str:
        clock = BusyClock(cpu=cpu, queued=queued)
        await asyncio.sleep(100.0)  # the process was there before
        async with FakeFetcher(SITE, clock=clock, latency=0.1) as fetcher:
            plan = make_plan(seeds=(f"{HOST}/",), delay=delay, per_host=1 if delay else 16)
            return (await Run(plan, clock=clock, fetcher=fetcher).execute()).bound_by

    return run(main())


@pytest.mark.parametrize(("cpu", "queued"), [(0.95, 0.0), (0.8, 0.0), (0.4, 0.4), (0.1, 0.9)])
def test_work_for_the_processor_all_the_time_is_bound_by_the_processor(cpu: float, queued: float) -> None:
    """On a machine that others keep busy, too: there, more requests at once would make it worse."""
    assert bound_by(cpu=cpu, queued=queued) == "CPU"


@pytest.mark.parametrize(("cpu", "queued"), [(0.3, 0.0), (0.7, 0.0), (0.3, 0.4)])
def test_a_processor_with_little_to_do_waits_for_answers(cpu: float, queued: float) -> None:
    """Then more requests at once are what helps."""
    assert bound_by(cpu=cpu, queued=queued) == "latency"


def test_a_processor_with_little_to_do_waits_for_hosts_that_rest() -> None:
    """Then nothing helps but more hosts."""
    assert bound_by(cpu=0.3, delay=1.0) == "politeness"


def test_the_system_tells_of_waiting_for_a_processor() -> None:
    """Linux counts it for each thread; it never grows less."""
    clock = SystemClock()
    before = clock.queued()
    assert 0.0 <= before <= clock.queued()
