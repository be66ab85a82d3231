"""The scoreboard of benchmarks/hostile: its page is what its results say, its cases can be played, and can be failed.

Nothing here needs Scrapy: what was measured against it stands in the results, which `make scoreboard` makes again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.hostile.board import CASES
from benchmarks.hostile.cases import TOPICS
from benchmarks.hostile.contestants import Scrape
from benchmarks.hostile.job import Job
from benchmarks.hostile.page import page
from benchmarks.hostile.program import PAGE, RESULTS, play


@dataclass(frozen=True)
class Idle:
    """A contestant that does nothing and is content with it."""

    name: str = "idle"
    version: str = "0"

    def prepare(self, folder: Path, job: Job) -> list[str]:
        """Return a command that does nothing."""
        return ["true"]


def test_the_page_is_what_the_results_say() -> None:
    """When this fails, run `python -m benchmarks.hostile --page`."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(results, CASES, TOPICS)


def test_every_topic_says_what_it_is_and_every_case_has_one() -> None:
    """A case whose topic is not on the list would not be on the page."""
    assert {case.topic for case in CASES.values()} == set(TOPICS)
    assert all(TOPICS.values())
    assert all(case.meets and case.expects and case.source for case in CASES.values())


@pytest.mark.slow
@pytest.mark.parametrize("key", ["resources/misspelt", "tls/expired", "output/nowhere", "content/gb2312"])
def test_a_case_can_be_played(key: str) -> None:
    """The stories, the sites and the judge work together with the crawler of this repository."""
    played = play(key, Scrape())
    assert played.right, played.evidence


@pytest.mark.slow
def test_who_does_nothing_is_never_right() -> None:
    """A verdict that an idle contestant gets would be no verdict."""
    assert [key for key in CASES if play(key, Idle()).right] == []
