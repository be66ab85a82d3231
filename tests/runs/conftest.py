"""A project folder and a small shop for tests of runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from crawling import BOOKS, Project, Site, shop


@pytest.fixture(scope="session")
def small_shop() -> Iterator[Site]:
    """A shop of 60 books on 3 listing pages, shared by all tests here."""
    with shop(BOOKS) as site:
        yield site


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder of its own for a crawl."""
    return Project(tmp_path / "project")
