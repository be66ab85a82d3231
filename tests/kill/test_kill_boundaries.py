"""SIGKILL at every boundary that a commit and an ending pass, as often as a run passes it.

Law 2: the committed offset is the truth. Between any two boundaries a kill may lose time, never an item, and never add
one; and the finished output of yesterday stands until the run has succeeded.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from crawling import BOOKS, SPIDER, Project, Site, by_url, read_items, truth
from killing import KILLED, Driver

pytestmark = pytest.mark.slow

GROUP = 8  # visits a commit: 63 pages and robots.txt make 8 commits at least
OUTPUTS = ["out/items.jsonl", "out/items.jsonl.gz"]
IN_COMMITS = ["gathered", "written", "synced", "committed"]
COMMIT_CASES = [
    (boundary, durability)
    for boundary in IN_COMMITS
    for durability in ("process", "power")
    if (boundary, durability) != ("synced", "process")  # nothing is synced when only the process may die
]
MODES = ["replace", "append"]
YESTERDAY = {"url": "yesterday"}
LAST_IS_GOOD = """
        yield {"url": page.url}
"""
LIVES = 200  # processes that a run may need at most; each commits something, so it needs far fewer


def make(project: Project, site: Site, *, mode: str, durability: str, outputs: list[str] | None = None) -> Project:
    """Write a project with yesterday's outputs in place."""
    names = outputs or OUTPUTS
    for name in names:
        project.yesterday(name)
    return project.write(
        site.origin + "/catalogue/page-1.html",
        output=[{"path": name, "mode": mode} for name in names],
        commit={"pages": GROUP, "interval": "20ms", "durability": durability},
    )


def expected(site: Site, mode: str) -> list[dict[str, Any]]:
    """Return what an output holds after one whole run."""
    items = truth(BOOKS, site.origin)
    return by_url([*items, YESTERDAY]) if mode == "append" else items


def assert_yesterday(project: Project, before: dict[str, bytes]) -> None:
    """Every finished output is as it was."""
    for name, content in before.items():
        assert project.path(name).read_bytes() == content, f"{name} was touched before the run had ended"


def live(driver: Driver, project: Project, boundary: str, *, step: int, mode: str) -> int:
    """Kill a run at its `step`-th pass of a boundary, again and again, until it gets through; return the kills."""
    before = {name: project.path(name).read_bytes() for name in OUTPUTS}
    for kills in range(LIVES):
        status = driver.run(project.config, boundary=boundary, count=step)
        if status != KILLED:
            assert status == 0, f"after {kills} kills at {boundary!r} the run ended with {status}"
            return kills
        if mode == "replace":
            assert_yesterday(project, before)
    raise AssertionError(f"the run does not get on when it is killed at {boundary!r} number {step}")


@pytest.mark.parametrize("commits", [2, 5])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("boundary", "durability"), COMMIT_CASES)
def test_killed_at_each_boundary_of_a_commit_nothing_is_lost_or_doubled(
    driver: Driver, project: Project, small_shop: Site, boundary: str, mode: str, durability: str, commits: int
) -> None:
    """However often a run dies at one boundary, each of its lives a few commits long, it tells each item once."""
    make(project, small_shop, mode=mode, durability=durability)
    step = commits + 1
    if boundary in ("written", "synced"):  # passed once an output, and not by the commit of robots.txt
        step = (commits - 1) * len(OUTPUTS) + 1
    kills = live(driver, project, boundary, step=step, mode=mode)
    assert kills, "the crawl was over before it could be killed: this test tests nothing"
    for name in OUTPUTS:
        assert project.items(name) == expected(small_shop, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", range(1, 9))
def test_killed_between_the_outputs_of_one_commit_nothing_is_lost_or_doubled(
    driver: Driver, project: Project, small_shop: Site, count: int, mode: str
) -> None:
    """When the first output has a batch and the second has not, both are cut back to the same items."""
    make(project, small_shop, mode=mode, durability="process")
    assert driver.run(project.config, boundary="written", count=count) == KILLED
    assert driver.run(project.config) == 0
    for name in OUTPUTS:
        assert project.items(name) == expected(small_shop, mode)


@pytest.mark.parametrize("durability", ["process", "power"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("boundary", ["sealing", "sealed"])
def test_killed_while_the_outputs_are_finished_the_same_command_only_finishes_them(
    driver: Driver, project: Project, small_shop: Site, boundary: str, mode: str, durability: str
) -> None:
    """Three kills around the seal and a fourth start: the outputs are one run's, and nothing is fetched again."""
    make(project, small_shop, mode=mode, durability=durability)
    assert driver.run(project.config, boundary=boundary, count=1) == KILLED
    asked = len(small_shop.paths)
    for _ in range(2):
        assert driver.run(project.config, boundary=boundary, count=1) == KILLED
    assert driver.run(project.config) == 0
    assert len(small_shop.paths) == asked, "a run that has only to be sealed fetched something"
    for name in OUTPUTS:
        assert project.items(name) == expected(small_shop, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("boundary", ["failing", "sealed"])
def test_killed_while_a_failed_run_takes_its_items_back_yesterday_stands(
    driver: Driver, project: Project, small_shop: Site, boundary: str, mode: str
) -> None:
    """However often it is killed on its way out, a run that failed leaves yesterday's outputs and stays a failure."""
    make(project, small_shop, mode=mode, durability="process")
    before = {name: project.path(name).read_bytes() for name in OUTPUTS}
    project.path("spider.py").write_text(SPIDER.replace('"stock"', '"price": float("nan"), "stock"', 1) + LAST_IS_GOOD)
    for _ in range(3):
        assert driver.run(project.config, boundary=boundary, count=1) == KILLED
    asked = len(small_shop.paths)
    assert driver.run(project.config) == 1
    assert len(small_shop.paths) == asked
    assert_yesterday(project, before)


@pytest.mark.parametrize("mode", MODES)
def test_killed_after_its_end_a_run_is_over(driver: Driver, project: Project, small_shop: Site, mode: str) -> None:
    """What was killed when it had written down its end left whole outputs, and the same command begins a new run."""
    make(project, small_shop, mode=mode, durability="process")
    assert driver.run(project.config, boundary="ended", count=1) == KILLED
    for name in OUTPUTS:
        assert project.items(name) == expected(small_shop, mode)
    assert driver.run(project.config) == 0
    twice = by_url([YESTERDAY, *2 * truth(BOOKS, small_shop.origin)])
    for name in OUTPUTS:
        assert project.items(name) == (twice if mode == "append" else truth(BOOKS, small_shop.origin))


@pytest.mark.parametrize("boundary", [*IN_COMMITS, "sealing", "sealed"])
def test_a_table_survives_every_boundary(driver: Driver, project: Project, small_shop: Site, boundary: str) -> None:
    """CSV, which is made at the end from a spool, holds each row once wherever the run was killed."""
    make(project, small_shop, mode="replace", durability="power", outputs=["out/items.csv"])
    step = 1 if boundary in ("sealing", "sealed") else 3
    assert driver.run(project.config, boundary=boundary, count=step) == KILLED
    assert driver.run(project.config, boundary=boundary, count=step) in (KILLED, 0)
    assert driver.run(project.config) == 0
    assert rows(project.path("out/items.csv")) == truth(BOOKS, small_shop.origin)


def rows(path: Path) -> list[dict[str, Any]]:
    """Return a table's rows as items."""
    with path.open(newline="") as file:
        return by_url([{**row, "stock": int(row["stock"])} for row in csv.DictReader(file)])


# -- can these tests fail? ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_without_the_cut_items_are_doubled(driver: Driver, project: Project, small_shop: Site, mode: str) -> None:
    """Negative control: with a sink that does not cut its file back, the very same kills give wrong results."""
    make(project, small_shop, mode=mode, durability="process", outputs=["out/items.jsonl"])
    for _ in range(3):
        assert driver.run(project.config, boundary="written", count=2, careless=True) == KILLED
    assert driver.run(project.config, careless=True) == 0
    found = read_items(project.path("out/items.jsonl"))
    right = expected(small_shop, mode)
    assert len(found) > len(right), "items must be doubled when the cut is missing, or the kills above prove nothing"
    assert {item["url"] for item in found} == {item["url"] for item in right}


def test_without_a_kill_the_careless_sink_is_right(driver: Driver, project: Project, small_shop: Site) -> None:
    """Negative control: the sink without the cut is wrong only because of the kills."""
    make(project, small_shop, mode="replace", durability="process", outputs=["out/items.jsonl"])
    assert driver.run(project.config, careless=True) == 0
    assert project.items() == truth(BOOKS, small_shop.origin)
