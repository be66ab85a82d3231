"""The embedded frontier keeps the rules of every frontier: on disk, with its thread, and in memory, without one."""

from __future__ import annotations

from pathlib import Path

from scraper.frontier.base import Gap
from scraper.frontier.sqlite import SqliteFrontier
from scraper.frontier.store import MEMORY
from scraper.policy.politeness import host_of
from scraper.testing.frontier_contract import FrontierContract
from scraper.testing.frontier_durable import DurableFrontierContract
from scraper.testing.frontier_steps import WaitingClock


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
