"""Standard streams that are closed, broken or full: a run is what it is, whether somebody listens or not."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from case import row, table
from crawling import Answer, Project, Site
from forking import Driver

OWN = "the project's own rule: who listens, or has gone away, makes no difference to a crawl"
PAGES = 30
SPIDER = """
from scraper import Spider


class Plain(Spider):
    async def parse(self, page):
        print("said by the spider")
        yield {"url": page.url}
        yield page.follow("a")
"""


def listing(path: str) -> Answer:
    """A page with some links."""
    if path == "/robots.txt":
        return 404, ""
    return "".join(f"<a href=/{n}>x</a>" for n in range(1, PAGES)) if path == "/" else "<p>x"


WAYS = [
    ("stdin-closed", {"closed": (0,)}, (), "stdin is closed (`<&-`)."),
    ("stdout-closed", {"closed": (1,)}, (), "stdout is closed (`>&-`)."),
    ("stderr-closed", {"closed": (2,)}, ("-v",), "stderr is closed (`2>&-`), with a log."),
    ("stderr-closed-json", {"closed": (2,)}, ("--json-log",), "stderr is closed, with a JSON log."),
    ("all-closed", {"closed": (0, 1, 2)}, (), "all three are closed, as under a careless daemon."),
    ("all-closed-quiet", {"closed": (0, 1, 2)}, ("-q",), "all three are closed, under -q."),
    ("stdout-reader-left", {"broken": (1,)}, (), "the reader of stdout has gone (`| head -0`)."),
    ("stderr-reader-left", {"broken": (2,)}, ("-v",), "the reader of stderr has gone, with a log."),
    ("both-readers-left", {"broken": (1, 2)}, ("-v",), "the reader of both has gone (`2>&1 | head -1`)."),
    ("json-reader-left", {"broken": (1, 2)}, ("--json-log",), "the reader of a JSON log has gone."),
    ("stdout-full", {"full": (1,)}, (), "the disk behind stdout is full (`>/dev/full`)."),
    ("both-full", {"full": (1, 2)}, ("-v",), "the disk behind stdout and the log is full."),
]


@table(
    "resources", "circumstances, options",
    [row(name, circumstances, options, behaviour=behaviour) for name, circumstances, options, behaviour in WAYS],
    behaviour="Nobody listens:",
    expectation="The run comes to its end with exit code 0 and the whole output; nothing for people is in a file.",
    source=f"open(2): the lowest free number; pipe(7): EPIPE; {OWN}",
)  # fmt: skip
def test_a_run_whose_streams_fail(
    driver: Driver, project: Project, circumstances: dict[str, tuple[int, ...]], options: tuple[str, ...]
) -> None:
    """A spider that prints is no exception."""
    with Site(listing) as site:
        project.write(site.origin + "/", spider=SPIDER)
        code, life = driver.run(project.config, *options, **circumstances)
        assert code == 0, life.err
        assert len(project.items()) == PAGES
    with closing(sqlite3.connect(project.path(".scrape/crawl/run.db"))) as state:
        assert state.execute("pragma integrity_check").fetchone() == ("ok",)
        assert state.execute("select count(*) from done").fetchone() == (PAGES,)
    for name, content in project.files().items():
        assert b"said by" not in content or name in ("spider.py", "out.txt")


@table(
    "resources", "circumstances",
    [row(f"failure-{name}", circumstances, behaviour=behaviour)
     for name, circumstances, options, behaviour in WAYS if not options],
    behaviour="A run fails (its site answers 404), and nobody listens:",
    expectation="Exit code 1, as ever.",
    source=OWN,
)  # fmt: skip
def test_a_failure_that_nobody_hears_of(
    driver: Driver, project: Project, circumstances: dict[str, tuple[int, ...]]
) -> None:
    """The exit code is all that is left to tell of it."""
    with Site(lambda path: (404, "")) as site:
        project.write(site.origin + "/", spider=SPIDER)
        code, _ = driver.run(project.config, **circumstances)
        assert code == 1


@table(
    "resources", "circumstances",
    [row(f"config-{name}", circumstances, behaviour=behaviour)
     for name, circumstances, _, behaviour in WAYS if 2 in sum(circumstances.values(), ())],
    behaviour="The config is wrong, and nobody listens:",
    expectation="Exit code 2, as ever.",
    source=OWN,
)  # fmt: skip
def test_a_wrong_config_that_nobody_hears_of(
    driver: Driver, project: Project, circumstances: dict[str, tuple[int, ...]]
) -> None:
    """What cannot be said does not change what is."""
    project.write("http://a.test/", limits={"pages": -1})
    code, _ = driver.run(project.config, **circumstances)
    assert code == 2
