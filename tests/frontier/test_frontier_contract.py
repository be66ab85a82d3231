"""The embedded frontier keeps the rules of every frontier: on disk, with its thread, and in memory, without one."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path

import pytest

from scraper.frontier.base import Gap, HostPolicy
from scraper.frontier.sqlite import SqliteFrontier
from scraper.frontier.store import MEMORY
from scraper.outcome import Moved, Reason, Retry
from scraper.policy.politeness import host_of
from scraper.request import Request
from scraper.testing.frontier_contract import FrontierContract
from scraper.testing.frontier_durable import DurableFrontierContract
from scraper.testing.frontier_steps import WaitingClock
from scraper.urls import canonical


class TestSqliteOnDisk(DurableFrontierContract):
    """The file survives its process."""

    def make(self, folder: Path, clock: WaitingClock, *, per_host: int, gap: Gap, ask_robots: bool) -> SqliteFrontier:
        """Return a frontier on a file of `folder`."""
        return SqliteFrontier(
            folder / "run.db", clock=clock, per_host=per_host, gap=gap, host_of=host_of, ask_robots=ask_robots
        )


class TestSqlitePowerSafe(DurableFrontierContract):
    """So does the one that waits for the disk."""

    def make(self, folder: Path, clock: WaitingClock, *, per_host: int, gap: Gap, ask_robots: bool) -> SqliteFrontier:
        """Return a frontier that syncs each commit."""
        return SqliteFrontier(
            folder / "run.db",
            clock=clock,
            per_host=per_host,
            gap=gap,
            host_of=host_of,
            ask_robots=ask_robots,
            power_safe=True,
        )


class TestSqliteInMemory(FrontierContract):
    """The same code without a disk."""

    def make(self, folder: Path, clock: WaitingClock, *, per_host: int, gap: Gap, ask_robots: bool) -> SqliteFrontier:
        """Return a frontier that nothing survives."""
        return SqliteFrontier(MEMORY, clock=clock, per_host=per_host, gap=gap, host_of=host_of, ask_robots=ask_robots)


@pytest.mark.xfail(strict=True, reason="a chain is known by its URLs, without their methods")
def test_a_form_that_leads_to_its_own_url_by_get_is_another_request(tmp_path: Path) -> None:
    """POST and GET of one URL are two requests; the answer page belongs to whoever came first, and is fetched once."""
    url = "http://a.test/form"

    async def main() -> dict[int, Reason]:
        async with TestSqliteInMemory().opened(tmp_path) as it:
            await it.offer(url, Request(url, method="POST", body="q", priority=1))
            form = await it.one()
            assert form.request.method == "POST"
            return await it.end(form, Moved(canonical(url), 303))

    assert list(asyncio.run(main()).values()) == [Reason.DUPLICATE]


def test_an_origin_whose_robots_txt_did_not_come_is_not_preferred(tmp_path: Path) -> None:
    """Its next try stands in line behind those who have not been asked at all."""
    a, b = "http://a.test", "http://b.test"

    async def main() -> list[str]:
        async with TestSqliteInMemory().opened(tmp_path, robots=True) as it:
            await it.offer(f"{a}/1", f"{b}/1")
            asked = await it.one()
            await it.end(asked, Retry("timeout", delay=0.0))
            it.frontier.host_policy(asked.origin, HostPolicy(robots_until=-inf))
            return [(await it.one()).origin for _ in "ba"]

    assert asyncio.run(main()) == [b, a]


def test_an_origins_first_page_follows_its_robots_txt_at_once(tmp_path: Path) -> None:
    """Of many hosts each would come round when its connection is long closed. From then on it stands in line."""
    a, b, c = (f"http://{name}.test" for name in "abc")

    async def main() -> list[str]:
        async with TestSqliteInMemory().opened(tmp_path, robots=True, per_host=2) as it:
            await it.offer(*(f"{origin}/{n}" for n in (1, 2) for origin in (a, b, c)))
            asked = await it.one()
            await it.end(asked)
            it.frontier.host_policy(asked.origin, HostPolicy(robots_until=50.0))
            return [str((await it.one()).request.url) for _ in "abca"]

    assert asyncio.run(main()) == [f"{a}/1", f"{b}/robots.txt", f"{c}/robots.txt", f"{a}/2"]
