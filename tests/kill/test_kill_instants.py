"""The product's claim, as a user would test it: kill -9 at random instants, run the same command again, count.

2,000 pages from a server that survives, the real command, and kills spread over the crawl by a seeded generator: by the
number of pages that the server was asked for, plus a few random milliseconds, so that they fall inside of fetches,
callbacks and commits alike.
"""

from __future__ import annotations

import csv
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from crawling import Project, Site, by_url, ended, shop, truth
from killing import KILLED

pytestmark = pytest.mark.slow

BOOKS = 1900
LISTINGS = -(-BOOKS // 20)
PAGES = BOOKS + LISTINGS
SPARE = 250  # pages at the end of the crawl that are left to the last life
JITTER = 0.03  # seconds between the request that decides on a kill and the kill


@pytest.fixture(scope="module")
def big_shop() -> Iterator[Site]:
    """A shop of 1,995 pages."""
    with shop(BOOKS) as site:
        yield site


def make(project: Project, site: Site, outputs: list[Any]) -> Project:
    """Write a crawl of the whole shop."""
    return project.write(site.origin + "/catalogue/page-1.html", output=outputs)


def kill_all_over(project: Project, site: Site, *, kills: int, seed: int, check: Callable[[], None]) -> str:
    """Run the command until it has been killed so often, then to its end; `check` after each kill. Return its words."""
    dice = random.Random(seed)
    begun = len(site.paths)
    for number, instant in enumerate(sorted(dice.randrange(PAGES - SPARE) for _ in range(kills))):
        asked = len(site.paths)
        with ended(project.start("-q")) as process:
            while process.poll() is None:
                if len(site.paths) > asked and len(set(site.paths[begun:])) >= instant:
                    break
                time.sleep(0.005)
            time.sleep(dice.random() * JITTER)
            process.kill()
            assert process.wait() == KILLED, f"the crawl was over before kill {number + 1} of {kills}"
        check()
    last = project.scrape()
    assert last.returncode == 0, last.stderr
    return last.stdout


def test_killed_thirty_times_every_item_is_there_once(project: Project, big_shop: Site) -> None:
    """Plain and gzip JSONL hold exactly the shop's books, and yesterday's files stood until the end."""
    outputs = ["out/items.jsonl", "out/items.jsonl.gz"]
    before = {name: project.yesterday(name) for name in outputs}

    def yesterday_stands() -> None:
        for name, content in before.items():
            assert project.path(name).read_bytes() == content, f"{name} changed before the run had ended"

    make(project, big_shop, outputs)
    said = kill_all_over(project, big_shop, kills=30, seed=1, check=yesterday_stands)
    assert "resumed" in said
    assert "1,900" in said, "the summary counts the whole run, not only its last life"
    for name in outputs:
        assert_exactly(project.items(name), truth(BOOKS, big_shop.origin))
    assert leftovers(project) == []


def test_killed_ten_times_a_table_has_every_row_once(project: Project, big_shop: Site) -> None:
    """CSV, appended to yesterday's table, holds yesterday's row and each book once."""
    table = project.path("out/items.csv")
    table.parent.mkdir(parents=True)
    content = b"url,title,stock\r\nyesterday,,\r\n"
    table.write_bytes(content)

    def yesterday_stands() -> None:
        assert table.read_bytes() == content

    make(project, big_shop, [{"path": "out/items.csv", "mode": "append"}])
    kill_all_over(project, big_shop, kills=10, seed=2, check=yesterday_stands)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"url": "yesterday", "title": "", "stock": ""}
    assert_exactly(by_url([{**row, "stock": int(row["stock"])} for row in rows[1:]]), truth(BOOKS, big_shop.origin))
    assert leftovers(project) == []


def assert_exactly(found: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
    """Say what is lost, doubled or wrong, instead of comparing 1,900 items on the screen."""
    counted = Counter(str(item["url"]) for item in found)
    doubled = [url for url, number in counted.items() if number > 1]
    lost = {str(item["url"]) for item in right} - counted.keys()
    assert (len(lost), len(doubled)) == (0, 0), f"{len(lost)} lost, {len(doubled)} doubled: {[*lost, *doubled][:5]}"
    assert found == right


def leftovers(project: Project) -> list[str]:
    """Return work files that a finished run has left behind."""
    return [name for name in project.files() if ".part" in name or name.endswith(("-wal", "-shm"))]
