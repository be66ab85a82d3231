"""Kills on a site with redirects, retries and duplicates, and kills after which the state has lost its last seconds."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter

import pytest
from crawling import BOOKS, Answer, Project, Site, truth
from killing import KILLED, Driver

from scraper.practice.site import Reply

pytestmark = pytest.mark.slow

PAGES = 40
SPIDER = """
from scraper import Request, Spider


class Untidy(Spider):
    async def parse(self, page):
        for n in range(40):
            yield page.follow(f"/moved/{n}", self.leaf, meta={"n": n})
            yield page.follow(f"/page/{n + 100}", self.leaf, meta={"n": n + 100})
        yield page.follow([f"/twin/{n}" for n in range(40)], self.leaf)

    async def leaf(self, page):
        yield {"url": page.url, "n": page.meta.get("n")}
"""


class UntidySite:
    """Half of its pages are found behind two redirects, a third says "not now" once, and twins lead to known pages."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, path: str) -> Answer:
        """Answer a request."""
        self.asked[path] += 1
        if path == "/robots.txt":
            return 404, ""
        kind, _, number = path.strip("/").partition("/")
        if number and int(number) % 3 == 0 and self.asked[path] == 1:
            return 503, "not now"
        to = {"moved": "/hop/", "hop": "/page/", "twin": "/page/"}.get(kind)
        if to:
            return Reply(302, headers=(("Location", f"{to}{number}"),))
        return f"<h1>{path}</h1>"


@pytest.mark.parametrize("boundary", ["gathered", "written", "committed"])
def test_redirects_and_retries_survive_kills(driver: Driver, project: Project, boundary: str) -> None:
    """Each page is one item, with the meta of the link that led there, however often the run was killed."""
    with Site(UntidySite()) as site:
        project.write(
            site.origin + "/",
            spider=SPIDER,
            retry={"times": 3, "backoff": "10ms", "max_backoff": "20ms"},
            commit={"pages": 6, "interval": "20ms"},
            politeness={"delay": 0, "concurrency": 4},
        )
        kills = 0
        while (status := driver.run(project.config, boundary=boundary, count=6)) == KILLED:
            kills += 1
            assert kills < 60, "the run does not get on"
        assert status == 0
        assert kills >= 2
        found = project.items()
        assert Counter(item["url"] for item in found) == Counter(
            [f"{site.origin}/page/{n}" for n in [*range(PAGES), *range(100, 100 + PAGES)]]
        )
        of_their_own = [item for item in found if item["n"] is not None and item["n"] >= 100]
        assert all(item["url"].endswith(f"/{item['n']}") for item in found if item["n"] is not None)
        assert len(of_their_own) == PAGES


@pytest.mark.parametrize("seed", range(4))
def test_a_state_that_lost_its_last_commits_is_only_older(
    driver: Driver, project: Project, small_shop: Site, seed: int
) -> None:
    """A log that a power cut has shortened is an earlier moment of the run; what the output has beyond it is cut."""
    project.write(
        small_shop.origin + "/catalogue/page-1.html",
        output=["out/items.jsonl", "out/items.jsonl.gz"],
        commit={"pages": 4, "interval": "20ms"},
    )
    dice = random.Random(seed)
    assert driver.run(project.config, boundary="committed", count=10) == KILLED
    log = project.path(".scrape/crawl/run.db-wal")
    content = log.read_bytes()
    log.write_bytes(content[: dice.randrange(len(content) // 3, len(content))])
    assert driver.run(project.config) == 0
    for name in ("out/items.jsonl", "out/items.jsonl.gz"):
        assert project.items(name) == truth(BOOKS, small_shop.origin)


def test_a_state_is_never_half_a_commit(driver: Driver, project: Project, small_shop: Site) -> None:
    """After a kill at any boundary the state can be read by any SQLite, and the books balance: law 1."""
    project.write(small_shop.origin + "/catalogue/page-1.html", commit={"pages": 4, "interval": "20ms"})
    for boundary in ("gathered", "written", "committed") * 2:
        assert driver.run(project.config, boundary=boundary, count=3) == KILLED
        with sqlite3.connect(project.path(".scrape/crawl/run.db")) as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)
            (items,) = db.execute("select coalesce(sum(items), 0) from done").fetchone()
            (offset,) = db.execute("select offset from out").fetchone()
            (orphans,) = db.execute("select count(*) from done where id not in (select id from url)").fetchone()
            (twice,) = db.execute("select count(*) - count(distinct fp) from url").fetchone()
        db.close()
        committed = project.path("out/items.jsonl.part").read_bytes()[:offset]
        assert committed.count(b"\n") == items, "outcomes and output disagree on what is committed"
        assert (orphans, twice) == (0, 0)
