"""Make the helpers of tests/runs known here; give a project folder, a small shop and the killing driver."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "runs"))

from crawling import BOOKS, Project, Site, shop
from killing import Driver


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    """A driver for all tests here."""
    process = Driver()
    yield process
    process.close()


@pytest.fixture(scope="session")
def small_shop() -> Iterator[Site]:
    """A shop of 60 books on 3 listing pages."""
    with shop(BOOKS) as site:
        yield site


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder of its own for a crawl."""
    return Project(tmp_path / "project")
