"""SIGTERM, Ctrl-C and a terminal that goes, in each phase of a run: nothing is lost, and every item is there once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from case import case, row, table
from crawling import HANG, PATIENCE, Answer, Project, Site, soon
from forking import Driver, Life

OWN = "the project's own rule: a run may be ended at any moment, and the same command goes on"
LEAVES = 6
SENDING = """
import os
import pathlib
import signal

from scraper import Request, Spider

MARK = pathlib.Path(__file__).with_name("sent")


def send(phase):
    if phase == {phase!r} and not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), signal.{name})


send("import")


class Sending(Spider):
    def __init__(self):
        send("init")

    def start(self, seeds):
        send("start")
        return super().start(seeds)

    async def parse(self, page):
        yield {{"url": page.url}}
        yield page.follow("a", self.leaf)

    def leaf(self, page):
        send("callback")
        yield {{"url": page.url}}
"""


class Leaves:
    """A page with a few links; the `number`th request for `path` is told to `hear` before it is answered."""

    def __init__(self, path: str = "", hear: Callable[[], None] = lambda: None, number: int = 1) -> None:
        self.path, self.hear, self.left = path, hear, number

    def __call__(self, path: str) -> Answer:
        if path == self.path:
            self.left -= 1
            if self.left == 0:
                self.hear()
        if path == "/robots.txt":
            return 404, ""
        return "".join(f"<a href=/{n}>x</a>" for n in range(LEAVES)) if path == "/" else "<p>x"


def write(project: Project, site: Site, phase: str = "", name: str = "SIGTERM", **settings: object) -> None:
    wanted = {"commit": {"pages": 2, "interval": "20ms"}, "politeness": {"delay": 0, "concurrency": 2}} | settings
    project.write(site.origin + "/", spider=SENDING.format(phase=phase, name=name), **wanted)


def every_item(site: Site) -> list[str]:
    return sorted(f"{site.origin}/{n}" for n in ["", *range(LEAVES)])


def goes_on(driver: Driver, project: Project, site: Site) -> None:
    """The same command, left alone, ends the run; every item is there once."""
    code, life = driver.run(project.config)
    assert code == 0, life.err
    assert [item["url"] for item in project.items()] == every_item(site)


BEFORE = [(phase, name) for phase in ("import", "init") for name in ("SIGTERM", "SIGINT", "SIGHUP")]


@table(
    "resources", "phase, name",
    [row(f"{name.lower()}-in-{phase}", phase, name, behaviour=f"{name} in the spider's {phase}.")
     for phase, name in BEFORE],
    behaviour="A signal comes before there is a run:",
    expectation="Exit code 130 at once, no traceback, and no file was touched.",
    source=OWN,
)  # fmt: skip
def test_before_a_run_nothing_is_touched(driver: Driver, project: Project, phase: str, name: str) -> None:
    """The config is read, the spider imported and made: a signal ends the command as Ctrl-C does."""
    with Site(Leaves()) as site:
        write(project, site, phase, name)
        before = project.yesterday()
        code, life = driver.run(project.config)
        assert (code, site.paths) == (130, [])
        assert "Traceback" not in life.err
        assert not project.path(".scrape").exists()
        assert project.path("out/items.jsonl").read_bytes() == before
        goes_on(driver, project, site)


@case(
    "resources", "sigterm-while-the-config-is-read",
    behaviour="SIGTERM while the config cannot be read to its end: it is a pipe that nobody writes to.",
    expectation="Exit code 130 at once.",
    source=OWN,
)  # fmt: skip
def test_a_config_that_does_not_come_can_be_left(driver: Driver, project: Project) -> None:
    """Opening a named pipe blocks; the signal is heard all the same."""
    os.mkfifo(project.config)
    life = driver.start(project.config)
    assert soon(lambda: project.path("err.txt").exists())
    time.sleep(0.1)
    life.send(signal.SIGTERM)
    code = driver.wait(life)
    assert (code, life.out) == (130, "")
    assert "Traceback" not in life.err


PHASES = [("start", "SIGTERM"), ("start", "SIGHUP"), ("callback", "SIGTERM"), ("callback", "SIGINT")]


@table(
    "resources", "phase, name",
    [row(f"{name.lower()}-in-{phase}", phase, name, behaviour=f"{name} in the spider's {phase}.")
     for phase, name in PHASES],
    behaviour="A signal comes while the spider's own code runs:",
    expectation="Exit code 130, yesterday's output stands; the same command goes on, each item once.",
    source=OWN,
)  # fmt: skip
def test_a_signal_in_the_spiders_code(driver: Driver, project: Project, phase: str, name: str) -> None:
    """The step ends, what is under way too, and everything is committed."""
    with Site(Leaves()) as site:
        write(project, site, phase, name)
        before = project.yesterday()
        code, life = driver.run(project.config)
        assert code == 130, life.err
        assert "interrupted: run the same command again" in life.out
        assert "Traceback" not in life.err
        assert project.path("out/items.jsonl").read_bytes() == before
        goes_on(driver, project, site)
        pages = [path for path in site.paths if path != "/robots.txt"]
        assert len(pages) == len(set(pages)), "an orderly end loses no page that was fetched"


REQUESTS = [("/robots.txt", "the first robots.txt"), ("/", "the seed"), ("/3", "a page among others")]


@table(
    "resources", "path",
    [row(f"sigterm-{'-'.join(what.split()[-1:])}-in-flight".replace(".txt", ""), path, behaviour=f"{what}.")
     for path, what in REQUESTS],
    behaviour="SIGTERM while a request is in flight:",
    expectation="The answer is waited for and committed; exit code 130; the same command goes on, each item once.",
    source=OWN,
)  # fmt: skip
def test_a_signal_while_a_request_is_in_flight(driver: Driver, project: Project, path: str) -> None:
    """The server itself sends it, before it answers."""
    lives: list[Life] = []
    with Site(Leaves(path, lambda: lives[0].send(signal.SIGTERM)), delay=0.02) as site:
        write(project, site)
        lives.append(driver.start(project.config))
        assert driver.wait(lives[0]) == 130, lives[0].err
        assert "interrupted" in lives[0].out
        goes_on(driver, project, site)
        assert site.paths.count(path) == (2 if path == "/robots.txt" else 1)


BOUNDARIES = [
    ("gathered", "a group is complete and nothing of it is written", 130),
    ("written", "its items are written and not committed", 130),
    ("committed", "it is durable", 130),
    ("sealing", "the outputs are about to be finished", 0),
    ("sealed", "the outputs are finished", 0),
    ("ended", "the run has ended and the summary is not written", 0),
]


@table(
    "resources", "boundary, wanted",
    [row(f"sigterm-when-{boundary}", boundary, wanted, behaviour=f"{what}.",
         expectation="Exit code 0: it has ended." if wanted == 0 else "Exit code 130.")
     for boundary, what, wanted in BOUNDARIES],
    behaviour="SIGTERM in a commit, or at the end of a run:",
    expectation="The step is finished; the same command goes on if there is anything left, each item once.",
    source=OWN,
)  # fmt: skip
def test_a_signal_at_a_boundary(driver: Driver, project: Project, boundary: str, wanted: int) -> None:
    """The commit point is never torn, and a run that has ended is not called interrupted."""
    with Site(Leaves()) as site:
        write(project, site)
        code, life = driver.run(project.config, at=boundary)
        assert code == wanted, life.err
        assert "Traceback" not in life.err
        if wanted == 0:
            assert [item["url"] for item in project.items()] == every_item(site)
        goes_on(driver, project, site)


@table(
    "resources", "second",
    [row(f"second-{name.lower()}-in-the-drain", name, behaviour=name) for name in ("SIGINT", "SIGTERM")],
    behaviour="SIGTERM, and while a page that never answers is waited for a second signal:",
    expectation="The process ends at once with 130; what was committed stays, and no page of it is fetched again.",
    source="own measurement: a second Ctrl-C loses items elsewhere",
)  # fmt: skip
def test_the_second_signal_does_not_wait(driver: Driver, project: Project, second: str) -> None:
    """However long `shutdown.drain` is."""
    hang = [True]
    leaves = Leaves()
    with Site(lambda path: HANG if path == "/3" and hang else leaves(path)) as site:
        write(project, site, shutdown={"drain": "60s"}, fetch={"concurrency": 8})
        life = driver.start(project.config)
        assert site.wait_for(LEAVES + 2)
        assert soon(lambda: b"/5" in project.path("out/items.jsonl.part").read_bytes())
        time.sleep(0.05)
        life.send(signal.SIGTERM)
        time.sleep(0.1)
        begun = time.monotonic()
        life.send(getattr(signal, second))
        assert driver.wait(life) == 130
        assert time.monotonic() - begun < PATIENCE / 4
        hang.clear()
        asked = len(site.paths)
        goes_on(driver, project, site)
        assert {*site.paths[asked:]} == {"/robots.txt", "/3"}


@case(
    "resources", "sigterm-in-the-drain-of-a-limit",
    behaviour="SIGTERM while a run that has come to `limits.pages` waits for what is under way.",
    expectation="The run has ended by choice: exit code 0, and its output is in place.",
    source=OWN,
)  # fmt: skip
def test_a_signal_in_the_drain_of_a_limit(driver: Driver, project: Project) -> None:
    """The first reason to stop is the one that counts."""
    leaves = Leaves()
    with Site(lambda path: HANG if path == "/0" else leaves(path)) as site:
        write(
            project, site, limits={"items": 2}, shutdown={"drain": "300ms"},
            politeness={"delay": 0, "concurrency": 8}, fetch={"concurrency": 2},
        )  # fmt: skip
        life = driver.start(project.config)
        assert site.wait_for(4)
        assert soon(lambda: project.path("out/items.jsonl.part").read_bytes().count(b"\n") == 2)
        life.send(signal.SIGTERM)
        assert driver.wait(life) == 0, life.err
        assert "stopped by limits.items" in life.out
        assert len(project.items()) == 2


# -- the terminal --------------------------------------------------------------------------------------------------


@table(
    "resources", "ignored, wanted",
    [row("terminal-closes", (), 130, behaviour="its window is closed.", expectation="Exit code 130."),
     row("terminal-closes-nohup", ("SIGHUP",), 0, behaviour="it closes under a command that nohup started.",
         expectation="The run goes on to its end.")],
    behaviour="The terminal that a run shows its progress on goes away:",
    expectation="No write to it hurts the crawl; the same command goes on, each item once.",
    source="termios(3), setsid(2): SIGHUP, then EIO for every write; POSIX nohup",
)  # fmt: skip
def test_the_terminal_goes(driver: Driver, project: Project, ignored: tuple[str, ...], wanted: int) -> None:
    """All three streams are the terminal, and it is the controlling one."""
    ours, theirs = os.openpty()

    def hang_up() -> None:
        os.close(ours)

    with Site(Leaves("/2", hang_up), delay=0.02) as site:
        write(project, site)
        life = driver.start(project.config, terminal=os.ttyname(theirs), ignored=ignored)
        os.close(theirs)
        code = driver.wait(life)
        assert code == wanted
        goes_on(driver, project, site)


@case(
    "resources", "ctrl-c-on-a-terminal",
    behaviour="Ctrl-C is typed on the terminal twice, the second time while a page is waited for.",
    expectation="The kernel's SIGINT is heard like any other: the second ends the process at once, with 130.",
    source="termios(3), VINTR",
)  # fmt: skip
def test_ctrl_c_is_typed_twice(driver: Driver, project: Project) -> None:
    """The bytes 0x03 are written to the terminal, and the kernel makes signals of them."""
    ours, theirs = os.openpty()
    leaves = Leaves()
    hang = [True]
    with Site(lambda path: HANG if path == "/0" and hang else leaves(path)) as site:
        write(project, site, shutdown={"drain": "60s"})
        life = driver.start(project.config, terminal=os.ttyname(theirs))
        os.close(theirs)
        assert site.wait_for(LEAVES + 1)
        os.write(ours, b"\x03")
        time.sleep(0.1)
        with suppress(OSError):
            os.write(ours, b"\x03")
        assert driver.wait(life) == 130
        os.close(ours)
        hang.clear()
        goes_on(driver, project, site)


pytestmark = pytest.mark.timeout(PATIENCE)
