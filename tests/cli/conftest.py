"""Make the helpers of tests/runs known here, and give a project folder and a small shop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "runs"))

from crawling import BOOKS, Here, Project, Site, shop

from scraper.cli.main import main


@pytest.fixture(scope="session")
def small_shop() -> Iterator[Site]:
    """A shop of 60 books on 3 listing pages, shared by all tests here."""
    with shop(BOOKS) as site:
        yield site


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder of its own for a crawl."""
    return Project(tmp_path / "project")


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """The command inside of this process: for what it says, where a process of its own makes no difference."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, out, err)

    return run
