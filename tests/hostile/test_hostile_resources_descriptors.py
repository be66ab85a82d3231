"""Few file descriptors, none at all, and child processes that are killed: the crawl says what it lacks and goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from case import case, row, table
from crawling import Answer, Project, Site
from forking import Driver

from scraper.fetch.sockets import share_descriptors

OWN = "the project's own rule: what this process lacks is no fault of a host or of a page"
HOSTS = 120
PLAIN = """
from scraper import Spider


class Plain(Spider):
    async def parse(self, page):
        yield {"url": page.url}
        yield page.follow("a")
"""
GREEDY = (
    PLAIN.replace("from scraper", "import os\n\nfrom scraper")
    + """
        if page.url.endswith("/"):
            self.held = []
            try:
                while True:
                    self.held.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pass
        elif page.url.endswith("{gives_back_on}"):
            for number in self.held:
                os.close(number)
"""
)
SUSPICIOUS = "<div>" * 60_000  # is read in a child process


def small(path: str) -> Answer:
    """A page with two links, one of them to markup that a child reads."""
    if path == "/robots.txt":
        return 404, ""
    return "<a href=/bomb>x</a><a href=/plain>x</a>" if path == "/" else SUSPICIOUS if path == "/bomb" else "<p>x"


@table(
    "resources", "descriptors",
    [row(f"hosts-120-descriptors-{number}", number, behaviour=f"{number}.") for number in (80, 64, 40, 24)],
    behaviour="A crawl of 120 hosts that keep their connections, by a process that may have so many descriptors:",
    expectation="Every page of every host; no failure and no retry; exit code 0.",
    source="getrlimit(2), RLIMIT_NOFILE; own measurement: aiohttp counts no idle connections",
)  # fmt: skip
def test_many_hosts_with_few_descriptors(driver: Driver, project: Project, descriptors: int) -> None:
    """The real command; robots.txt of each host too."""
    with Site(lambda path: (404, "") if path == "/robots.txt" else "<a href=/2>x</a>") as site:
        names = [f"h{number}.test" for number in range(HOSTS)]
        project.write(
            "", seeds=[f"http://{name}/" for name in names], spider=PLAIN, retry={"times": 3},
            fetch={"connect_to": dict.fromkeys(names, f"127.0.0.1:{site.port}"), "concurrency": 64},
        )  # fmt: skip
        code, life = driver.run(project.config, descriptors=descriptors)
        assert code == 0, life.out + life.err
        assert "failed" not in life.out
        assert "retries" not in life.out
        assert len(project.items()) == 2 * HOSTS
        assert len(site.paths) == 3 * HOSTS


@table(
    "resources", "descriptors",
    [row(f"server-and-client-descriptors-{number}", number, behaviour=f"{number}.") for number in (64, 32)],
    behaviour="A server and its crawler in one process, each with an end of every connection, that may have so many "
    "descriptors:",
    expectation="Every page comes; who cannot be accepted yet waits in the kernel.",
    source="accept(2), EMFILE; listen(2)",
)  # fmt: skip
def test_both_ends_in_one_process(driver: Driver, project: Project, descriptors: int) -> None:
    """The practice shop is served by the run itself."""
    project.write(
        "practice-shop", limits={"pages": 60}, fetch={"concurrency": 64}, politeness={"delay": 0, "concurrency": 64}
    )
    code, life = driver.run(project.config, descriptors=descriptors)
    assert code == 0, life.out + life.err
    assert "failed" not in life.out


@table(
    "resources", "descriptors, said",
    [row(f"descriptors-{number}", number, said, behaviour=f"{number}.")
     for number, said in [(7, "run.db"), (11, "ulimit -n"), (13, "descriptor"), (15, "ulimit -n")]],
    behaviour="So few descriptors that not even files can be opened:",
    expectation="Exit code 1, one line that names the file and what is lacking; with enough the same command goes on.",
    source=OWN,
)  # fmt: skip
def test_too_few_descriptors_to_begin(driver: Driver, project: Project, descriptors: int, said: str) -> None:
    """Wherever they run out: state, output, the seal."""
    with Site(small) as site:
        project.write(site.origin + "/", spider=PLAIN, output=["out/items.jsonl", "out/items.csv"])
        before = project.yesterday()
        code, life = driver.run(project.config, "-q", descriptors=descriptors)
        assert code == 1, life.err
        assert said in life.err
        assert "Traceback" not in life.err
        assert project.path("out/items.jsonl").read_bytes() == before
        code, life = driver.run(project.config)
        assert code == 0, life.err
        assert len(project.items()) == 3


@case(
    "resources", "spider-takes-all-descriptors",
    behaviour="A spider opens files until no descriptor is left.",
    expectation="Requests, look-ups and child processes fail as `resources`, with the cure; they are tried again; no "
    "host is called down, and nothing is called a fault of scraper's own or of the page's.",
    source="open(2), EMFILE; " + OWN,
)  # fmt: skip
def test_a_spider_that_takes_every_descriptor(driver: Driver, project: Project) -> None:
    """It gives none back, so the run fails at last, and says for want of what."""
    elsewhere = "<a href=http://localhost:1/x>x</a>"
    with Site(lambda path: str(small(path)) + elsewhere if path == "/" else small(path)) as site:
        project.write(
            site.origin + "/", spider=GREEDY.replace("{gives_back_on}", "never"), retry={"times": 1, "backoff": "10ms"},
            scope={"hosts": ["127.0.0.1", "localhost"]}, politeness={"robots": "ignore", "delay": 0},
        )  # fmt: skip
        code, life = driver.run(project.config, "-v", descriptors=64)
        assert code == 1, life.out
        assert "raise `ulimit -n`" in life.err
        assert "again in" in life.err
        assert "http://localhost:1/x failed: resources" in life.err
        for wrong in ("connection:", "dns:", "internal", "hostile_page"):
            assert wrong not in life.err


@case(
    "resources", "descriptors-come-back",
    behaviour="No descriptor is left for a while, then the spider closes its files.",
    expectation="What failed for that is tried again and comes; exit code 0.",
    source=OWN,
)  # fmt: skip
def test_what_failed_for_want_of_descriptors_comes_later(driver: Driver, project: Project) -> None:
    """The kept connection serves the plain page, whose callback gives back; then a child process can be started."""
    with Site(small, delay=0.01) as site:
        project.write(
            site.origin + "/", spider=GREEDY.replace("{gives_back_on}", "/plain"),
            retry={"times": 3, "backoff": "50ms"}, politeness={"delay": 0, "concurrency": 1},
        )  # fmt: skip
        code, life = driver.run(project.config, "-v", descriptors=64)
        assert code == 0, life.err
        assert "resources" in life.err
        assert [item["url"] for item in project.items()] == [site.origin + path for path in ("/", "/bomb", "/plain")]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc")
@case(
    "resources", "child-process-killed",
    behaviour="The child process that reads a suspicious page is killed from outside, as the OOM killer does it.",
    expectation="That page has failed as `hostile_page`, with the signal; the others come; no process is left behind.",
    source=OWN,
)  # fmt: skip
def test_a_child_that_is_killed_costs_its_page(driver: Driver, project: Project) -> None:
    """Found by its parent in /proc, and killed while it reads."""
    killed: list[int] = []

    def kill_children(parent: int) -> None:
        deadline = time.monotonic() + 10
        while not killed and time.monotonic() < deadline:
            for number in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
                if b"parsing.child" in Path(f"/proc/{number}/cmdline").read_bytes():
                    os.kill(int(number), signal.SIGKILL)
                    killed.append(int(number))
            time.sleep(0.002)

    with Site(small) as site:
        project.write(site.origin + "/", spider=PLAIN)
        life = driver.start(project.config)
        hunter = threading.Thread(target=kill_children, args=(life.pid,))
        hunter.start()
        code = driver.wait(life)
        hunter.join()
        assert killed
        assert code == 0, life.err
        assert "1 hostile_page" in life.out
        assert [item["url"] for item in project.items()] == [site.origin + path for path in ("/", "/plain")]
        assert not Path(f"/proc/{killed[0]}").exists()


@table(
    "resources", "free, busy, idle",
    [
        row("share-of-1024", 1000, 16, 484, behaviour="1,000.", expectation="16 and 484."),
        row("share-of-50", 50, 16, 9, behaviour="50.", expectation="16 and 9."),
        row("share-of-20", 20, 6, 4, behaviour="20.", expectation="6 and 4."),
        row("share-of-none", 0, 1, 1, behaviour="none.", expectation="1 and 1: it tries."),
    ],
    behaviour="So many descriptors are left for a client that wants 16 connections:",
    expectation="Connections in use, and idle ones, that it may have:",
    source="getrlimit(2); the other half is for files",
)  # fmt: skip
def test_descriptors_are_shared(free: int, busy: int, idle: int) -> None:
    """Once, when the client is opened."""
    share = share_descriptors(16, free)
    assert (share.busy, share.idle) == (busy, idle)
