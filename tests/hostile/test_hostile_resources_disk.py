"""Disks that are full, read-only, slow or not disks at all: nothing is lost, and the same command goes on."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table
from crawling import Answer, Project, Site
from forking import Driver

from scraper.item import Record
from scraper.runs.runner import Run
from scraper.testing.clock import FakeClock, run
from scraper.testing.fake_fetcher import FakeFetcher
from scraper.testing.memory_sink import MemorySink
from tests.helpers import make_plan

OWN = "the project's own rule: what was committed stays, and the same command goes on"
PAGES = 40
SPIDER = """
import os

from scraper import Spider


class Large(Spider):
    async def parse(self, page):
        yield {"url": page.url, "text": os.urandom(4_000).hex()}
        yield page.follow("a")
        yield page.follow([f"/deny/{'x' * 1500}/{page.url[-2:]}/{n}" for n in range(8)])
"""


def listing(path: str) -> Answer:
    """A page with some links."""
    if path == "/robots.txt":
        return 404, ""
    return "".join(f"<a href=/{n}>x</a>" for n in range(10, 10 + PAGES)) if path == "/" else "<p>x"


def write(project: Project, site: Site, **settings: Any) -> None:
    wanted: dict[str, Any] = {"commit": {"pages": 4, "interval": "20ms"}, "scope": {"deny": "/deny/"}}
    project.write(site.origin + "/", spider=SPIDER, **wanted | settings)


def all_there(project: Project, site: Site, name: str = "out/items.jsonl") -> bool:
    wanted = sorted(f"{site.origin}/{n}" for n in ["", *range(10, 10 + PAGES)])
    return [item["url"] for item in project.items(name)] == wanted


class Disk:
    """A file system of its own, small, over a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def change(self, options: str) -> None:
        """Mount it again with other options: another size, `ro`."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Disk]:
    """Mount a tmpfs over `folder`, or skip the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a disk of one's own needs the right to mount: {done.stderr.decode().strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# -- full ----------------------------------------------------------------------------------------------------------


@table(
    "resources", "folder, size, settings, said",
    [
        row("full-disk-output", "out", "96k", {}, "items.jsonl.part",
            behaviour="that of the output, in the middle of the run."),
        row("full-disk-gzip", "out", "96k", {"output": "out/items.jsonl.gz"}, "items.jsonl.gz.part",
            behaviour="that of a compressed output."),
        row("full-disk-second-output", "more", "96k", {"output": ["out/items.jsonl", "more/items.jsonl"]},
            "more/items.jsonl.part", behaviour="that of the second of two outputs."),
        row("full-disk-table", "out", "512k", {"output": "out/items.csv"}, "items.csv.part",
            behaviour="that of a table, when it is made at the end."),
        row("full-disk-state", ".scrape", "256k", {}, "run.db",
            behaviour="that of the state, in the middle of the run."),
        row("full-disk-state-at-once", ".scrape", "12k", {}, ".scrape/crawl/",
            behaviour="that of the state, when it is made."),
    ],
    behaviour="A disk is full:",
    expectation="Exit code 1 and one line that names the file and the cure; yesterday's output stands. With more room "
    "the same command goes on; every item is there once.",
    source=f"write(2), ENOSPC, on a real file system; {OWN}",
)  # fmt: skip
def test_a_full_disk(
    driver: Driver, project: Project, folder: str, size: str, settings: dict[str, Any], said: str
) -> None:
    """Whichever file it is that cannot grow."""
    with Site(listing) as site, disk(project.path(folder), size) as small:
        write(project, site, **settings)
        output = settings.get("output", "out/items.jsonl")
        names = output if isinstance(output, list) else [output]
        before = project.yesterday(names[0])
        code, life = driver.run(project.config, "-q")
        assert code == 1, life.err
        assert said in life.err
        assert "same command" in life.err or "room on its disk" in life.err
        assert "Traceback" not in life.err
        assert project.path(names[0]).read_bytes() == before
        small.change("size=16m")
        code, life = driver.run(project.config)
        assert code == 0, life.err
        for name in names:
            if name.endswith(".csv"):
                assert project.path(name).read_text().count("\n") == PAGES + 2
                assert len(site.paths) == PAGES + 2, "the second life only makes the table"
            else:
                assert all_there(project, site, name)


@table(
    "resources", "limit, said",
    [row("file-size-limit-state", 6_000, "run.db", behaviour="6 kB."),
     row("file-size-limit-output", 150_000, "items.jsonl.part", behaviour="150 kB.")],
    behaviour="No file may be larger than (`ulimit -f`):",
    expectation="Exit code 1, the file, the cure; without the limit the same command goes on.",
    source=f"setrlimit(2), RLIMIT_FSIZE: EFBIG after SIGXFSZ; {OWN}",
)  # fmt: skip
def test_a_limit_of_a_files_size(driver: Driver, project: Project, limit: int, said: str) -> None:
    """Python ignores SIGXFSZ, so that it is an error like others."""
    with Site(listing) as site:
        write(project, site, scope={}, output="out/items.jsonl")
        project.path("spider.py").write_text(SPIDER.replace("        yield page.follow([f", "        # yield ([f"))
        code, life = driver.run(project.config, "-q", file_size=limit)
        assert code == 1, life.err
        assert said in life.err
        code, life = driver.run(project.config)
        assert code == 0, life.err
        assert all_there(project, site)


# -- read-only -----------------------------------------------------------------------------------------------------


@table(
    "resources", "folder, said",
    [row("read-only-output", "out", "out/items.jsonl.part", behaviour="that of the output."),
     row("read-only-state", ".scrape", ".scrape/crawl/lock", behaviour="that of the state.")],
    behaviour="A disk is read-only:",
    expectation="Exit code 1 before anything is fetched, with the path and the cure; once it can be written the same "
    "command does all.",
    source="mount(8), ro: EROFS; measured elsewhere: a read-only output ends with exit code 0",
)  # fmt: skip
def test_a_read_only_disk(driver: Driver, project: Project, folder: str, said: str) -> None:
    """A mounted one: the administrator's rights do not help there."""
    with Site(listing) as site, disk(project.path(folder), "16m") as small:
        write(project, site)
        small.change("ro")
        code, life = driver.run(project.config, "-q")
        assert (code, site.paths) == (1, [])
        assert said in life.err
        assert "Read-only file system" in life.err
        small.change("rw")
        code, life = driver.run(project.config)
        assert code == 0, life.err
        assert all_there(project, site)


@table(
    "resources", "folder",
    [row("read-only-output-at-resume", "out", behaviour="that of the output."),
     row("read-only-state-at-resume", ".scrape", behaviour="that of the state.")],
    behaviour="An interrupted run is gone on with, and meanwhile a disk has become read-only:",
    expectation="Exit code 1, nothing is fetched, nothing is harmed; once it can be written the same command goes on.",
    source="ext4(5), errors=remount-ro",
)  # fmt: skip
def test_a_disk_becomes_read_only(driver: Driver, project: Project, folder: str) -> None:
    """As a file system does that has found itself damaged."""
    with Site(listing) as site, disk(project.path(folder), "16m") as small:
        write(project, site)
        assert driver.run(project.config, "-q", at="committed", count=2)[0] == 130
        asked = len(site.paths)
        small.change("ro")
        code, life = driver.run(project.config, "-q")
        assert (code, len(site.paths)) == (1, asked)
        assert "Traceback" not in life.err
        small.change("rw")
        code, life = driver.run(project.config)
        assert code == 0, life.err
        assert "resumed" in life.out
        assert all_there(project, site)


# -- no disk -------------------------------------------------------------------------------------------------------


def full_link(path: Path) -> None:
    path.symlink_to("/dev/full")


@table(
    "resources", "name, make, said",
    [
        row("output-is-a-fifo", "items.jsonl", os.mkfifo, "not a regular file", behaviour="a named pipe."),
        row("work-file-is-a-fifo", "items.jsonl.part", os.mkfifo, "not a regular file",
            behaviour="a named pipe, where the work file goes."),
        row("output-leads-to-dev-full", "items.jsonl.part", full_link, "not a regular file",
            behaviour="a symbolic link to `/dev/full`."),
        row("output-is-a-folder", "items.jsonl", Path.mkdir, "it is a folder", behaviour="a folder."),
    ],
    behaviour="Where the output goes stands something that is no file:",
    expectation="Exit code 1 before anything is fetched; it is named and left alone.",
    source=OWN,
)  # fmt: skip
def test_an_output_that_is_no_file(
    driver: Driver, project: Project, name: str, make: Callable[[Path], object], said: str
) -> None:
    """Opening a pipe that nobody reads would wait for ever."""
    with Site(listing) as site:
        write(project, site)
        project.path("out").mkdir()
        make(project.path("out") / name)
        before = os.lstat(project.path("out") / name)
        code, life = driver.run(project.config, "-q")
        assert (code, site.paths) == (1, [])
        assert said in life.err
        assert os.path.samestat(os.lstat(project.path("out") / name), before)


@case(
    "resources", "work-file-removed",
    behaviour="Somebody removes the output's work file while the run goes on.",
    expectation="The run fails with the file's name; the next one refuses to go on and says --fresh; that does all.",
    source=OWN,
)  # fmt: skip
def test_a_work_file_that_is_gone(driver: Driver, project: Project) -> None:
    """Nothing is made up for what is not there."""

    def answer(path: str) -> Answer:
        if path == "/30":
            project.path("out/items.jsonl.part").unlink(missing_ok=True)
        return listing(path)

    with Site(answer) as site:
        write(project, site, politeness={"delay": 0, "concurrency": 1})
        before = project.yesterday()
        code, life = driver.run(project.config, "-q")
        assert code == 1
        assert "items.jsonl.part" in life.err
        assert project.path("out/items.jsonl").read_bytes() == before
        code, life = driver.run(project.config, "-q")
        assert code == 1
        assert "--fresh" in life.err
    with Site(listing) as site:
        write(project, site)
        assert driver.run(project.config, "--fresh")[0] == 0
        assert all_there(project, site)


# -- slow ----------------------------------------------------------------------------------------------------------


class SlowSink(MemorySink):
    """A disk that takes ten seconds for a batch; notes how far the crawl is ahead of it."""

    fetcher: FakeFetcher
    ahead = 0

    async def write(self, records: Sequence[Record]) -> int:
        """Take a batch after a while."""
        await asyncio.sleep(10.0)
        offset = await super().write(records)
        self.ahead = max(self.ahead, len(self.fetcher.visits) - offset)
        return offset


@table(
    "resources", "pages, group",
    [row("slow-disk-100", 100, 4, behaviour="100 pages."), row("slow-disk-1000", 1000, 4, behaviour="1,000 pages."),
     row("slow-disk-large-groups", 600, 32, behaviour="600 pages, 32 in a commit.")],
    behaviour="The disk takes 10 s for a batch, the site answers in 1 ms:",
    expectation="The crawl waits for the disk: what is fetched and not written is bounded, and nothing is lost.",
    source="back-pressure; " + OWN,
)  # fmt: skip
def test_a_slow_disk_slows_the_crawl(pages: int, group: int) -> None:
    """By one queue of two groups, one group in hand, and the workers; however many pages there are."""
    workers = 8
    site = {f"http://a.test/{n}": "x" for n in range(pages)}

    async def main() -> SlowSink:
        clock, sink = FakeClock(), SlowSink()
        async with FakeFetcher(site, clock=clock, latency=0.001) as fetcher:
            sink.fetcher = fetcher
            await sink.open(None)
            plan = make_plan(seeds=tuple(site), workers=workers, group=group)
            report = await Run(plan, clock=clock, fetcher=fetcher, sinks={"slow": sink}).execute()
            assert report.items == pages
        return sink

    sink = run(main())
    assert sorted(record["url"] for record in sink.records) == sorted(site)
    assert sink.ahead <= 3 * group + 2 * workers
