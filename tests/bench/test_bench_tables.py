"""From runs to tables, pictures and verdicts: plain values in, plain texts out."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.contest.conditions import CONDITIONS
from benchmarks.contest.measuring import Result
from benchmarks.contest.picture import picture
from benchmarks.contest.tables import markdown, rows_of
from benchmarks.regression.command import judge
from benchmarks.website.write import Site

SITE = Site("/nowhere", ["http://127.0.0.1:1/"], 1000, 900, 30_000, 40_000, tiny=False)


def _run(name: str, cpu: float, right: int = 900, wrong: int = 0) -> Result:
    return Result(name, cpu, 2 * cpu, 50_000_000, 1001, 0.1, right, wrong, "", 0)


def test_a_row_is_the_median_of_its_rounds() -> None:
    """One slow round moves the spread, not the figure; the cheapest row comes first."""
    rows = rows_of(SITE, [_run("b", 1.0), _run("a", 9.0), _run("b", 3.0), _run("a", 8.0), _run("b", 1.2)])
    assert [row.name for row in rows] == ["b", "a"]
    assert (rows[0].cpu, rows[0].cpu_least, rows[0].cpu_most) == (1.2, 1.0, 3.0)


def test_a_wrong_item_in_one_round_makes_a_row_void() -> None:
    """A contestant that got an item wrong, or twice, did another job: it gets no ratio."""
    rows = rows_of(SITE, [_run("scrapy", 9.0), _run("ours", 1.0), _run("ours", 1.0, right=900, wrong=1)])
    table = markdown(CONDITIONS["realistic"], SITE, rows, 2)
    (line,) = (line for line in table.splitlines() if line.startswith("| ours"))
    assert "(void)" in line
    assert line.endswith("| - | - | - |")


def test_ratios_are_to_rows_of_the_same_table() -> None:
    """A contestant that takes a ninth of Scrapy's CPU is shown as 9.00 times less."""
    table = markdown(CONDITIONS["realistic"], SITE, rows_of(SITE, [_run("scrapy", 9.0), _run("scraper", 1.0)]), 1)
    assert "| 9.00 |" in table


def test_the_picture_is_well_formed_and_leaves_void_rows_out() -> None:
    """Each bar stands for a valid row; names are escaped."""
    rows = rows_of(SITE, [_run("scraper", 1.0), _run("a<b", 2.0), _run("void", 1.0, right=1)])
    root = ElementTree.fromstring(picture([("Pages & more", rows)]))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["Pages & more: pages per CPU second", "scraper", "1,000", "a<b", "500"]


@pytest.mark.parametrize(
    ("before", "now", "expected"), [(100_000, 101_900, []), (100_000, 102_100, ["robots.txt"]), (100_000, 90_000, [])]
)
def test_a_step_is_worse_beyond_its_tolerance_only(before: int, now: int, expected: list[str]) -> None:
    """Two in a hundred more instructions are noise, more are a regression, fewer are none."""
    lines, worse = judge({"robots.txt": before}, {"robots.txt": now, "a new step": 5})
    assert worse == expected
    assert any("a new step" in line and "new" in line for line in lines)
