"""A budget of memory: near it the crawl works with less at once, at it it stops, and the same command goes on."""

from __future__ import annotations

import asyncio
import mmap
from pathlib import Path

import pytest
from case import case, row, table
from crawling import Answer, Project, Site, on_the_wire
from forking import Driver

from scraper.engine.memory import LIMIT, LOOK_EVERY, MemoryBudget, give_back, resident
from scraper.errors import ConfigError
from scraper.testing.clock import FakeClock, run

OWN = "the project's own rule: a limit of memory slows a crawl down, then stops it, and loses nothing"
MIB = 1 << 20
PAGES = 20
LEAVES = 60
WORKERS = 16


@table(
    "resources", "held, allowed",
    [
        row("memory-plenty", 0.5, 16, behaviour="half of it.", expectation="all 16."),
        row("memory-80-percent", 0.8, 16, behaviour="80 %.", expectation="all 16."),
        row("memory-90-percent", 0.9, 8, behaviour="90 %.", expectation="8."),
        row("memory-99-percent", 0.99, 1, behaviour="99 %.", expectation="1."),
        row("memory-all", 1.0, 0, behaviour="all of it.", expectation="none: the run stops."),
        row("memory-more-than-all", 3.0, 0, behaviour="three times as much.", expectation="none: the run stops."),
    ],
    behaviour="The process holds a share of `limits.memory`:", expectation="Requests that may be under way at once:",
    source=OWN,
)  # fmt: skip
def test_less_memory_is_fewer_requests(held: float, allowed: int) -> None:
    """From 80 % on evenly down; never none before all is used up."""
    budget = MemoryBudget(1000 * MIB, workers=16, resident=lambda: int(held * 1000 * MIB), give_back=lambda: None)
    assert budget.allows(0.0) == allowed


@case(
    "resources", "memory-given-back-first",
    behaviour="The process holds more than its budget, most of it free pages that malloc keeps.",
    expectation="They are given back to the system before anything is said to be used up; not at every look.",
    source="malloc_trim(3); " + OWN,
)  # fmt: skip
def test_what_is_free_is_given_back_first() -> None:
    """Seldom near the budget, since that takes time; always before a stop."""
    holds, given = [900], []

    def less() -> None:
        given.append(holds[0])
        holds[0] = 500

    budget = MemoryBudget(1000, workers=4, resident=lambda: holds[0], give_back=less)
    assert (budget.allows(0.0), given) == (4, [900])
    holds[0] = 950
    assert (budget.allows(1.0), given) == (1, [900])
    holds[0] = 1200
    assert (budget.allows(1.1), given) == (4, [900, 1200])
    holds[0] = 950
    assert (budget.allows(7.0), given) == (4, [900, 1200, 950])


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only /proc tells what is held now")
@case(
    "resources", "memory-is-what-is-held-now",
    behaviour="100 MiB are taken and let go of again.",
    expectation="What is looked at rises and falls with them: it is no high-water mark.",
    source="proc(5): statm",
)  # fmt: skip
def test_what_is_looked_at_is_what_is_held() -> None:
    """The resident set of this very process."""
    with mmap.mmap(-1, 100 * MIB) as taken:  # straight from the system: what Python has in reserve does not matter
        before = resident()
        taken.write(b"x" * (100 * MIB))
        held = resident()
    give_back()
    assert held - before > 80 * MIB
    assert held - resident() > 80 * MIB


class Pool:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def narrow(self, workers: int) -> None:
        self.told.append(workers)

    def stop(self, why: str) -> None:
        self.told.append(why)


@case(
    "resources", "memory-goes-up-and-down",
    behaviour="Memory gets short, comes back, gets short again and ends.",
    expectation="The pool is narrowed, widened, narrowed and stopped; told only of what changes.",
    source=OWN,
)  # fmt: skip
def test_a_pool_is_held_to_the_budget() -> None:
    """Looked at now and then, by the crawl's clock."""
    shares = [0.1, 0.1, 0.9, 0.9, 0.1, 0.95, 1.0]

    async def main() -> list[object]:
        pool, clock = Pool(), FakeClock()

        def resident() -> int:
            return int(shares[round(clock.now() / LOOK_EVERY) - 1] * 1000)

        budget = MemoryBudget(1000, workers=10, resident=resident, give_back=lambda: None)
        await budget.keep(pool, asyncio.Event(), clock)
        return pool.told

    assert run(main()) == [5, 10, 2, LIMIT]


HOARDER = """
from scraper import Spider
from scraper.engine.memory import resident

HOARD = []


class Hoarder(Spider):
    async def parse(self, page):
        yield {{"url": page.url}}
        {hoard}
        yield page.follow("a")
"""
EACH = 'HOARD.append(b"x" * 12_000_000)'
UP_TO = 'HOARD.append(b"x" * int({share} * {budget} - resident())) if not HOARD else None'


def linked(path: str) -> Answer:
    """A chain of pages, so that each page takes its own memory, and a fan of them below /fan."""
    if path == "/robots.txt":
        return 404, ""
    if path == "/fan":
        return "".join(f"<a href=/leaf/{n}>x</a>" for n in range(LEAVES))
    number = int(path.strip("/") or 0)
    return f"<a href=/{number + 1}>x</a>" if number < PAGES - 1 else "<p>the end"


@case(
    "resources", "memory-used-up",
    behaviour="A spider keeps 12 MB of each page, and the budget is enough for half of them.",
    expectation="The run stops with exit code 3, says which key and how to go on, yesterday's output stands; the same "
    "command goes on until all is done; every item is there once.",
    source=OWN,
)  # fmt: skip
def test_a_run_that_needs_too_much_stops_and_goes_on(driver: Driver, project: Project) -> None:
    """Each life gets on by some pages."""
    with Site(linked) as site:
        project.write(
            site.origin + "/", spider=HOARDER.format(hoard=EACH), limits={"memory": "170MiB"},
            politeness={"delay": "30ms", "jitter": 0, "concurrency": 1}, commit={"pages": 4, "interval": "20ms"},
        )  # fmt: skip
        before = project.yesterday()
        code, life = driver.run(project.config)
        assert code == 3, (life.out, life.err)
        assert "stopped by limits.memory" in life.out
        assert "run the same command again" in life.out
        assert "the crawl stops" in life.err
        assert project.path("out/items.jsonl").read_bytes() == before
        lives = 1
        while code == 3:
            code, life = driver.run(project.config, "-q")
            assert code or not life.err
            lives += 1
            assert lives < PAGES
        assert code == 0, life.err
        assert lives >= 2
        wanted = [f"{site.origin}/{n or ''}" for n in range(PAGES)]
        assert sorted(item["url"] for item in project.items()) == sorted(wanted)
        assert len([path for path in site.paths if path != "/robots.txt"]) == PAGES, "no page was lost"


@case(
    "resources", "memory-used-up-without-state",
    behaviour="The budget is used up in a run that keeps no state (`--memory`).",
    expectation="It has failed, with exit code 1 and the reason: nothing can be gone on with, and a loop around the "
    "command would begin anew for ever.",
    source=OWN,
)  # fmt: skip
def test_a_run_without_state_cannot_go_on(driver: Driver, project: Project) -> None:
    """Yesterday's output stands."""
    with Site(linked) as site:
        project.write(
            site.origin + "/", spider=HOARDER.format(hoard=UP_TO.format(share=1.1, budget=150 * MIB)),
            limits={"memory": "150MiB"}, politeness={"delay": "40ms", "jitter": 0, "concurrency": 1},
        )  # fmt: skip
        before = project.yesterday()
        code, life = driver.run(project.config, "--memory")
        assert code == 1
        assert "FAILED: limits.memory is used up" in life.out
        assert "run the same command again" not in life.out
        assert project.path("out/items.jsonl").read_bytes() == before


@case(
    "resources", "memory-nearly-used-up",
    behaviour="The process holds nine tenths of its budget, and does not take more.",
    expectation="The crawl comes to its end, with fewer requests at once.",
    source=OWN,
)  # fmt: skip
async def test_near_the_budget_there_are_fewer_requests(driver: Driver, project: Project) -> None:
    """The server sees it: when those that were leased before have been answered, 8 of 16 workers ask."""
    at_once = most = came = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most, came
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode()
                body = linked(path) if "leaf" not in path else "<p>x"
                if "leaf" in path:
                    came += 1
                    at_once += 1
                    most = max(most, at_once if came > 2 * WORKERS else 0)
                    await asyncio.sleep(0.03)
                    at_once -= 1
                status, text = body if isinstance(body, tuple) else (200, str(body))
                writer.write(on_the_wire((status, text)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    budget = 260 * MIB
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        project.write(
            f"http://127.0.0.1:{port}/fan", limits={"memory": f"{budget}B"}, fetch={"concurrency": WORKERS},
            spider=HOARDER.format(hoard=UP_TO.format(share=0.9, budget=budget)),
        )  # fmt: skip
        life = driver.start(project.config)
        code = await asyncio.to_thread(driver.wait, life)
        assert code == 0, life.err
        assert "the crawl slows down" in life.err
        assert 1 <= most <= 9
    assert len(project.items()) == LEAVES + 1


@case(
    "resources", "memory-too-small-to-begin",
    behaviour="The budget is less than what the process holds before its first page.",
    expectation="Exit code 2 with the key, both numbers and the cure: a loop around the command comes to its end.",
    source=OWN,
)  # fmt: skip
def test_a_budget_that_is_too_small_is_refused(driver: Driver, project: Project) -> None:
    """Nothing is fetched."""
    with Site(linked) as site:
        project.write(site.origin + "/", limits={"memory": "20MiB"})
        code, life = driver.run(project.config)
        assert (code, site.paths) == (2, [])
        assert "limits.memory: 20MiB are less than the" in life.err
        assert "or more" in life.err


def test_the_message_of_a_small_budget_names_twice_what_is_held() -> None:
    """So that the next try has room."""
    with pytest.raises(ConfigError, match=r"limits.memory: 1MiB are less than the 50MiB .* write 100MiB or more"):
        MemoryBudget(MIB, workers=1, resident=lambda: 50 * MIB, give_back=lambda: None).check()
