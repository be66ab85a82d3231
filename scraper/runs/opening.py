"""Which run is this: a new one, or one to go on with? Decided from the crawl's memory on disk and from nowhere else.

An ended run is put behind (it stays readable as the previous one) and makes room for the next; an unfinished one is
gone on with, unless the user starts over. A state file that is damaged or foreign is never written to, and only moved
aside when the user asks to start over.
"""

from __future__ import annotations

from msgspec.structs import replace

from scraper.clock import Clock
from scraper.errors import StateDamaged
from scraper.frontier.base import Resumed
from scraper.frontier.files import CURE
from scraper.frontier.sqlite import SqliteFrontier
from scraper.frontier.store import MEMORY
from scraper.runs.outputs import Outputs
from scraper.runs.plan import Plan
from scraper.runs.state import StateFolder
from scraper.runs.wiring import make_frontier

__all__ = ["ENDED", "FAILED", "FAILING", "NEW", "SEALING", "open_memory"]

NEW, RUNNING = "new", "running"  # as the memory itself says
SEALING, FAILING = "sealing", "failing"  # the outputs are being finished, or being taken back
ENDED, FAILED = "ended", "failed"  # for good
_STATUSES = frozenset({NEW, RUNNING, SEALING, FAILING, ENDED, FAILED})


async def open_memory(plan: Plan, outputs: Outputs, *, fresh: bool, clock: Clock) -> tuple[SqliteFrontier, Resumed]:
    """Return the open memory of the run that is to be, and what it remembers; a new run has the next number."""
    if plan.state is None:
        frontier = make_frontier(plan, MEMORY, clock=clock)
        return frontier, await frontier.open()
    folder = StateFolder(plan.state)
    if fresh and folder.exists():
        await _give_up(plan, folder, outputs, clock)
    frontier, memory = await _open(plan, folder, clock)
    if memory.status in (ENDED, FAILED):
        await frontier.close()
        if memory.status == FAILED:
            await outputs.clear_away(memory.outputs)
        folder.retire()
        frontier, memory = await _open(plan, folder, clock)
    if memory.status == NEW:
        memory = replace(memory, run=folder.last_run() + 1)
    return frontier, memory


async def _open(plan: Plan, folder: StateFolder, clock: Clock) -> tuple[SqliteFrontier, Resumed]:
    frontier = make_frontier(plan, folder.present, clock=clock)
    try:
        memory = await frontier.open()
        if memory.status not in _STATUSES:
            raise StateDamaged(f"{folder.present}: the run's status is {memory.status!r}, which is none; {CURE}")
        return frontier, memory
    except BaseException:
        await frontier.close()
        raise


async def _give_up(plan: Plan, folder: StateFolder, outputs: Outputs, clock: Clock) -> None:
    """Start over: take back what the unfinished run has written, and put it behind."""
    try:
        frontier, memory = await _open(plan, folder, clock)
    except StateDamaged:
        folder.set_aside()
        return
    await frontier.close()
    if memory.status in (NEW, ENDED, FAILED):
        return
    try:
        await outputs.discard(memory.outputs)
    except StateDamaged:
        folder.set_aside()
    else:
        folder.retire()
