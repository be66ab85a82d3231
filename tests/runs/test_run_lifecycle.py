"""What a run does with what is there: begin, go on, start over, finish, refuse; and what it leaves behind."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from crawling import BOOKS, Project, Site, by_url, read_items, truth

from scraper.cli.prepare import prepare
from scraper.clock import SystemClock
from scraper.errors import ConfigError, OutputShort, SinkError, StateDamaged, StateError, StateLocked
from scraper.frontier.base import Committed
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.runs.state import StateFolder
from scraper.visit import Visit

YESTERDAY = {"url": "yesterday"}


class StopAfter:
    """An observer that stops its run after so many committed visits."""

    def __init__(self, visits: int) -> None:
        self._left = visits
        self.run: Run

    def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
        """Count, and stop when it is time."""
        self._left -= len(visits)
        if self._left <= 0:
            self.run.stop()


class DiedError(Exception):
    """Stands for the end of a process: nothing after it is done."""


class Tomorrow(SystemClock):
    """A clock on whose wall it is a day later."""

    def wall(self) -> float:
        """Return the time a day from now."""
        return super().wall() + 24 * 3600


def new_run(project: Project, *, memory: bool = False, **more: Any) -> Run:
    """Return a run of the project's config."""
    return Run(prepare(project.config, {}, memory=memory), **more)


async def whole(project: Project, **more: Any) -> Report:
    """Run to the end."""
    return await new_run(project, **more).execute()


async def half(project: Project, *, visits: int = 20, **more: Any) -> Report:
    """Run until about so many visits are committed, then stop in order."""
    stopper = StopAfter(visits)
    stopper.run = new_run(project, observers=[stopper], **more)
    report = await stopper.run.execute()
    assert report.status == "interrupted"
    return report


def state_of(project: Project) -> StateFolder:
    """Return the state folder of the project's crawl."""
    return StateFolder(project.path(".scrape/crawl"))


@pytest.fixture
def crawl(project: Project, small_shop: Site) -> Project:
    """A crawl of the small shop with small commits, so that it can be stopped in the middle."""
    return write(project, small_shop)


def write(project: Project, site: Site, **settings: Any) -> Project:
    """Write the config of a crawl of `site`."""
    more = {"commit": {"pages": 5}, "politeness": {"delay": 0, "concurrency": 4}, **settings}
    return project.write(site.origin + "/catalogue/page-1.html", **more)


# -- going on ----------------------------------------------------------------------------------------------------


async def test_a_stopped_run_goes_on_and_fetches_nothing_twice(crawl: Project, small_shop: Site) -> None:
    """The second process fetches only what the first has not committed, and the items are those of one run."""
    begun = len(small_shop.paths)
    first = await half(crawl)
    second = await whole(crawl)
    assert (first.run, second.run, second.resumed, second.status) == (1, 1, True, "done")
    assert crawl.items() == truth(BOOKS, small_shop.origin)
    pages = [path for path in small_shop.paths[begun:] if path != "/robots.txt"]
    assert len(pages) == len(set(pages))
    assert (second.items, second.pages) == (BOOKS, BOOKS + 3)


async def test_a_run_may_be_stopped_in_every_life(crawl: Project, small_shop: Site) -> None:
    """Stopped again and again, it comes to the same end."""
    for _ in range(4):
        await half(crawl, visits=5)
    report = await whole(crawl)
    assert (report.run, report.items) == (1, BOOKS)
    assert crawl.items() == truth(BOOKS, small_shop.origin)


async def test_an_unfinished_run_leaves_yesterdays_output(crawl: Project, small_shop: Site) -> None:
    """Until a run has succeeded its items are in a work file, and the output is yesterday's."""
    before = crawl.yesterday()
    report = await half(crawl)
    assert crawl.path("out/items.jsonl").read_bytes() == before
    assert report.outputs == (str(crawl.path("out/items.jsonl.part")),)
    assert (await whole(crawl)).outputs == (str(crawl.path("out/items.jsonl")),)
    assert crawl.items() == truth(BOOKS, small_shop.origin)
    assert not crawl.path("out/items.jsonl.part").exists()


async def test_a_run_stopped_before_its_first_page_goes_on(crawl: Project, small_shop: Site) -> None:
    """A stop that comes before the crawl has begun is obeyed and loses nothing."""
    run = new_run(crawl)
    run.stop()
    report = await run.execute()
    assert (report.status, report.pages) == ("interrupted", 0)
    assert (await whole(crawl)).items == BOOKS


async def test_a_cancelled_run_goes_on(crawl: Project, small_shop: Site) -> None:
    """Cancelling the coroutine is as safe as a kill."""
    passed = asyncio.Event()
    task = asyncio.create_task(whole(crawl, at=lambda boundary: boundary == "written" and passed.set()))
    await passed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    report = await whole(crawl)
    assert (report.resumed, report.items) == (True, BOOKS)
    assert crawl.items() == truth(BOOKS, small_shop.origin)


async def test_appending_goes_on_where_it_was(project: Project, small_shop: Site) -> None:
    """In append mode the existing items stay in front, and a stopped run's items come once."""
    write(project, small_shop, output=[{"path": "out/items.jsonl", "mode": "append"}]).yesterday()
    await half(project)
    await whole(project)
    assert read_items(project.path("out/items.jsonl"))[0] == YESTERDAY
    assert project.items() == by_url([YESTERDAY, *truth(BOOKS, small_shop.origin)])


async def test_what_others_appended_to_a_stopped_run_is_cut_off(crawl: Project, small_shop: Site) -> None:
    """The committed length is the truth: whatever is beyond it in the work file goes."""
    await half(crawl)
    with crawl.path("out/items.jsonl.part").open("ab") as file:
        file.write(b'{"url":"half a li')
    await whole(crawl)
    assert crawl.items() == truth(BOOKS, small_shop.origin)


async def test_a_run_goes_on_in_the_file_it_began(project: Project, small_shop: Site) -> None:
    """A run that goes on the next day still writes the file with yesterday's date in its name."""
    write(project, small_shop, output=["out/{name}-{run}-{date}.jsonl"])
    before = await half(project)
    after = await whole(project, clock=Tomorrow())
    assert [path + ".part" for path in after.outputs] == list(before.outputs)
    assert project.items(f"out/{Path(after.outputs[0]).name}") == truth(BOOKS, small_shop.origin)


async def test_a_seal_that_was_cut_short_is_only_finished(crawl: Project, small_shop: Site) -> None:
    """A run that died while finishing its outputs fetches nothing more and reports what was fetched before."""

    def die(boundary: str) -> None:
        if boundary == "sealing":
            raise DiedError

    with pytest.raises(DiedError):
        await whole(crawl, at=die)
    asked = len(small_shop.paths)
    report = await whole(crawl)
    assert (report.status, report.resumed, report.items) == ("done", True, BOOKS)
    assert len(small_shop.paths) == asked
    assert crawl.items() == truth(BOOKS, small_shop.origin)


# -- beginning ---------------------------------------------------------------------------------------------------


async def test_a_finished_run_makes_room_for_the_next(crawl: Project, small_shop: Site) -> None:
    """The same command after the end is a new run with the next number, which fetches everything again."""
    reports = [await whole(crawl) for _ in range(3)]
    assert [report.run for report in reports] == [1, 2, 3]
    assert not any(report.resumed for report in reports)
    assert crawl.items() == truth(BOOKS, small_shop.origin)
    state = state_of(crawl)
    assert sorted(path.name for path in state.folder.iterdir()) == ["crumb", "lock", "previous.db", "run.db"]


async def test_every_run_has_a_file_of_its_own(project: Project, small_shop: Site) -> None:
    """With {run} in the name no run touches another's file."""
    write(project, small_shop, output=["out/{run}.jsonl"])
    for _ in range(3):
        await whole(project)
    names = [f"out/00000{number}.jsonl" for number in (1, 2, 3)]
    assert sorted(path.name for path in project.path("out").iterdir()) == [Path(name).name for name in names]
    assert all(project.items(name) == truth(BOOKS, small_shop.origin) for name in names)


async def test_a_kill_between_two_runs_does_not_lose_the_number(project: Project, small_shop: Site) -> None:
    """A process that dies after putting the last run aside, before the next is written down, must not begin at 1."""
    write(project, small_shop, output=["out/{run}.jsonl"])
    await whole(project)
    first = project.path("out/000001.jsonl").read_bytes()
    await whole(project)
    state_of(project).retire()  # exactly what stands on the disk when the kill comes here
    report = await whole(project)
    assert report.run == 3
    assert project.path("out/000001.jsonl").read_bytes() == first


async def test_fresh_gives_an_unfinished_run_up(crawl: Project, small_shop: Site) -> None:
    """With --fresh nothing of the unfinished run is left and everything is fetched again."""
    before = crawl.yesterday()
    await half(crawl)
    asked = len(small_shop.paths)
    report = await whole(crawl, fresh=True)
    assert (report.resumed, report.run, report.items) == (False, 2, BOOKS)
    assert len(small_shop.paths) - asked == BOOKS + 3 + 1  # the pages and robots.txt
    assert crawl.items() == truth(BOOKS, small_shop.origin)
    assert crawl.path("out/items.jsonl").read_bytes() != before


async def test_fresh_takes_back_what_was_appended(project: Project, small_shop: Site) -> None:
    """In append mode the items of the run that is given up leave the file, and yesterday's stay."""
    write(project, small_shop, output=[{"path": "out/items.jsonl", "mode": "append"}]).yesterday()
    await half(project)
    assert len(read_items(project.path("out/items.jsonl"))) > 1
    await whole(project, fresh=True)
    assert project.items() == by_url([YESTERDAY, *truth(BOOKS, small_shop.origin)])


async def test_fresh_works_where_nothing_is(crawl: Project) -> None:
    """--fresh is no error on the first run, nor after a finished one, and is asked for once only."""
    assert (await whole(crawl, fresh=True)).run == 1
    assert (await whole(crawl, fresh=True)).run == 2


async def test_fresh_is_over_when_it_is_stopped(crawl: Project, small_shop: Site) -> None:
    """A fresh run that is stopped goes on with the plain command."""
    await half(crawl)
    await half(crawl, fresh=True)
    report = await whole(crawl)
    assert (report.resumed, report.run) == (True, 2)
    assert crawl.items() == truth(BOOKS, small_shop.origin)


# -- refusing ----------------------------------------------------------------------------------------------------


async def test_changed_outputs_are_refused(crawl: Project, small_shop: Site) -> None:
    """A run cannot go on into other files; it says which it had, and going back to them works."""
    await half(crawl)
    before = crawl.files()
    for outputs in (["out/other.jsonl"], ["out/items.jsonl", "out/more.csv"], []):
        write(crawl, small_shop, output=outputs)
        with pytest.raises(ConfigError, match=r"out/items\.jsonl.*--fresh"):
            await whole(crawl)
        after = crawl.files()
        assert {**after, "crawl.yaml": b"", ".scrape/crawl/lock": b""} == {
            **before, "crawl.yaml": b"", ".scrape/crawl/lock": b"",
        }  # fmt: skip
    write(crawl, small_shop)
    assert (await whole(crawl)).items == BOOKS


@pytest.mark.parametrize("change", [{"mode": "append"}, {"format": "csv"}, {"fields": ["title"]}])
async def test_an_output_that_means_something_else_is_refused(
    crawl: Project, small_shop: Site, change: dict[str, Any]
) -> None:
    """Mode, format and fields belong to an output: half a file of each is nobody's wish."""
    await half(crawl)
    write(crawl, small_shop, output=[{"path": "out/items.jsonl", **change}])
    with pytest.raises(ConfigError):
        await whole(crawl)


async def test_a_folder_may_be_moved_with_its_unfinished_run(crawl: Project, small_shop: Site) -> None:
    """Config, state and outputs lie in one folder so that all of it can be moved."""
    await half(crawl)
    moved = Project(crawl.folder.rename(crawl.folder.with_name("elsewhere")))
    report = await whole(moved)
    assert report.resumed
    assert moved.items() == truth(BOOKS, small_shop.origin)


async def test_an_output_that_was_cut_is_refused(crawl: Project, small_shop: Site) -> None:
    """Less than was committed means that items are gone: that is said, and nothing is touched."""
    await half(crawl)
    work = crawl.path("out/items.jsonl.part")
    content = work.read_bytes()
    work.write_bytes(content[:-1])
    with pytest.raises(OutputShort, match=str(work)):
        await whole(crawl)
    assert work.read_bytes() == content[:-1]
    work.unlink()
    with pytest.raises(OutputShort, match=str(work)):
        await whole(crawl)
    work.write_bytes(content)
    await whole(crawl)
    assert crawl.items() == truth(BOOKS, small_shop.origin)


def text_file(path: Path) -> None:
    """Put a text where the state should be."""
    path.write_text("my notes, do not delete\n" * 100)


def other_database(path: Path) -> None:
    """Put a database of somebody else there."""
    with sqlite3.connect(path) as db:
        db.execute("create table notes (text)")
    db.close()


def other_layout(path: Path) -> None:
    """Turn the state into one of a later version."""
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 99")
    db.close()


def torn(path: Path) -> None:
    """Overwrite the middle of the state."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


DAMAGES = [text_file, other_database, other_layout, torn]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_state_that_is_not_ours_or_not_whole_is_named_and_left_alone(
    crawl: Project, damage: Callable[[Path], None]
) -> None:
    """The message names the file and the cure; the file and the outputs stay as they are."""
    await half(crawl)
    state = state_of(crawl).present
    if damage in (text_file, other_database):
        state.unlink()
    damage(state)
    before = crawl.files()
    with pytest.raises(StateDamaged, match=str(state)):
        await whole(crawl)
    after = crawl.files()
    changed = {name for name in before if before[name] != after.get(name)} - {".scrape/crawl/lock"}
    assert not changed


@pytest.mark.parametrize("damage", DAMAGES)
async def test_fresh_starts_over_as_the_message_says(
    crawl: Project, small_shop: Site, damage: Callable[[Path], None]
) -> None:
    """`move it away, or start over with --fresh`: then --fresh has to start over."""
    await half(crawl)
    state = state_of(crawl).present
    if damage in (text_file, other_database):
        state.unlink()
    damage(state)
    report = await whole(crawl, fresh=True)
    assert report.items == BOOKS
    assert crawl.items() == truth(BOOKS, small_shop.origin)


async def test_a_state_folder_that_cannot_be_made_is_explained(crawl: Project) -> None:
    """A file where the folder should be is a StateError that names it, and nothing is written elsewhere."""
    crawl.path(".scrape").write_text("a file")
    with pytest.raises(StateError, match=r"\.scrape"):
        await whole(crawl)
    assert not crawl.path("out").exists()


async def test_an_output_that_cannot_be_opened_costs_nothing(crawl: Project, small_shop: Site) -> None:
    """Outputs are opened before anything is fetched, and once the way is clear the same command works."""
    crawl.path("out/items.jsonl").mkdir(parents=True)
    asked = len(small_shop.paths)
    with pytest.raises(SinkError, match="it is a folder"):
        await whole(crawl)
    assert len(small_shop.paths) == asked
    crawl.path("out/items.jsonl").rmdir()
    assert (await whole(crawl)).items == BOOKS


async def test_two_runs_of_one_crawl_exclude_each_other(crawl: Project) -> None:
    """While one run goes on another of the same state is refused, in the same process too; afterwards it may."""
    begun = asyncio.Event()

    class Pause(StopAfter):
        def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
            begun.set()

    first = asyncio.create_task(whole(crawl, observers=[Pause(0)]))
    await begun.wait()
    with pytest.raises(StateLocked, match=r"process \d+ since"):
        await whole(crawl)
    assert (await first).ok
    assert (await whole(crawl)).ok


# -- limits ------------------------------------------------------------------------------------------------------


async def test_a_limit_of_pages_is_exact(project: Project, small_shop: Site) -> None:
    """Never more pages are asked for than the limit allows, and a run that ends by a limit has succeeded."""
    write(project, small_shop, limits={"pages": 10})
    begun = len(small_shop.paths)
    report = await whole(project)
    assert (report.status, report.stopped_by, report.pages) == ("done", "limits.pages", 10)
    assert len([path for path in small_shop.paths[begun:] if path != "/robots.txt"]) == 10


async def test_a_limit_of_pages_counts_all_lives_of_a_run(project: Project, small_shop: Site) -> None:
    """A run that was stopped has only the rest of its limit left."""
    write(project, small_shop, limits={"pages": 30})
    first = await half(project, visits=10)
    assert 0 < first.pages < 30
    assert (await whole(project)).pages == 30


async def test_a_limit_of_items_is_exact(project: Project, small_shop: Site) -> None:
    """The output has exactly as many items as the limit allows."""
    write(project, small_shop, limits={"items": 7})
    report = await whole(project)
    assert (report.status, report.stopped_by, report.items) == ("done", "limits.items", 7)
    assert len(project.items()) == 7


async def test_a_limit_of_time_ends_the_run(project: Project, small_shop: Site) -> None:
    """A run ends in order when its time is over."""
    write(project, small_shop, limits={"time": "300ms"}, politeness={"delay": "100ms", "concurrency": 1})
    report = await whole(project)
    assert (report.status, report.stopped_by) == ("done", "limits.time")
    assert 0 < report.pages < BOOKS


async def test_after_a_limit_the_next_run_begins_anew(project: Project, small_shop: Site) -> None:
    """A run that ended by a limit is over: its output is whole, and the same command is a new run."""
    write(project, small_shop, limits={"pages": 10})
    first = await whole(project)
    assert len(project.items()) == first.items
    second = await whole(project)
    assert (second.run, second.resumed, second.pages) == (2, False, 10)


# -- memory ------------------------------------------------------------------------------------------------------


async def test_a_run_in_memory_writes_no_state(crawl: Project, small_shop: Site) -> None:
    """With --memory only the output is written."""
    report = await whole(crawl, memory=True)
    assert report.items == BOOKS
    assert not crawl.path(".scrape").exists()
    assert crawl.items() == truth(BOOKS, small_shop.origin)


async def test_a_run_in_memory_leaves_an_unfinished_run_alone(crawl: Project, small_shop: Site) -> None:
    """Trying something with --memory does not cost the run that waits to go on."""
    await half(crawl)
    await whole(crawl, memory=True)
    report = await whole(crawl)
    assert (report.resumed, report.items) == (True, BOOKS)


async def test_a_run_that_had_reached_its_limit_ends_at_once(project: Project, small_shop: Site) -> None:
    """The last page of the limit was committed and the process died: the next start only finishes the outputs."""
    write(project, small_shop, limits={"pages": 10}, commit={"pages": 1, "interval": 0})

    def die(boundary: str) -> None:
        if boundary == "committed" and run.tally.pages == 9:
            raise DiedError

    run = new_run(project, at=die)
    with pytest.raises(DiedError):
        await run.execute()
    async with asyncio.timeout(2):
        report = await whole(project)
    assert (report.status, report.pages) == ("done", 10)


async def test_a_limit_of_items_holds_over_all_lives_of_a_run(project: Project, small_shop: Site) -> None:
    """Killed when the last item of the limit was committed, a run adds none when it goes on."""
    write(project, small_shop, limits={"items": 7}, commit={"pages": 1, "interval": 0})

    def die(boundary: str) -> None:
        if boundary == "committed" and run.tally.items == 6:
            raise DiedError

    run = new_run(project, at=die)
    with pytest.raises(DiedError):
        await run.execute()
    async with asyncio.timeout(5):
        report = await whole(project)
    assert (report.status, report.items) == ("done", 7)
    assert len(project.items()) == 7
