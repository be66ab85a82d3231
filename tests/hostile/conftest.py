"""Let the case modules import `case` and the helpers of tests/runs by their plain names; give what lives need."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parent.parent / "runs"))

from crawling import Project
from forking import Driver


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    """A driver of the command, for all tests here."""
    with Driver() as process:
        yield process


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder of its own for a crawl."""
    return Project(tmp_path / "project")
