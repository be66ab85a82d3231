"""`--help` and `check` are there at once: a coarse guard on what is imported, and on CPU time. Not a benchmark."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from crawling import LISTING, SCRAPE, Project

pytestmark = pytest.mark.slow

TRIES = 5  # the best one counts: others measure who else is using the machine
HELP_SECONDS = 0.2  # of CPU
CHECK_SECONDS = 0.5


@pytest.fixture
def config(project: Project) -> Path:
    """A valid config; nobody is asked at its seed."""
    return project.write("http://127.0.0.1:1" + LISTING).config


def cpu_seconds(*arguments: str) -> float:
    """Return the CPU seconds of one command, user and system, of the best of a few tries."""
    best = float("inf")
    for _ in range(TRIES):
        with subprocess.Popen([SCRAPE, *arguments], stdout=subprocess.DEVNULL) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        best = min(best, usage.ru_utime + usage.ru_stime)
    return best


def imported(*arguments: str) -> set[str]:
    """Return the modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "scraper", *arguments], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", done.stderr, re.M))


def test_help_is_there_at_once() -> None:
    """`scrape --help` costs at most 0.2 s of CPU."""
    assert cpu_seconds("--help") <= HELP_SECONDS


def test_check_is_there_at_once(config: Path) -> None:
    """`scrape check` costs at most 0.5 s of CPU, the spider's import included."""
    assert cpu_seconds("check", str(config)) <= CHECK_SECONDS


def test_help_imports_no_heavy_library() -> None:
    """Neither the HTTP client, nor asyncio, nor a parser of anything is needed to print a text."""
    modules = imported("--help")
    assert "scraper.cli.main" in modules
    heavy = {"aiohttp", "asyncio", "ssl", "sqlite3", "yaml", "publicsuffixlist", "selectolax", "msgspec", "ada_url"}
    assert not modules & heavy
    own = {"scraper", "scraper.about", "scraper.cli", "scraper.cli.main", "scraper.cli.signals", "scraper.cli.streams"}
    assert {name for name in modules if name.partition(".")[0] == "scraper"} == own


def test_check_never_imports_the_http_client(config: Path) -> None:
    """Looking at a config needs no network code; the spider is imported without it too."""
    modules = imported("check", str(config))
    assert "scraper.config.load" in modules
    assert not {name for name in modules if name.partition(".")[0] in ("aiohttp", "yarl", "multidict")}
    assert not {name for name in modules if name.startswith(("scraper.fetch", "scraper.engine", "scraper.practice"))}
    assert not modules & {"asyncio", "aiofiles", "scraper.sinks.factory"}


def test_the_schema_needs_no_crawl() -> None:
    """`scrape schema`, which editors call, imports neither the HTTP client nor the engine."""
    modules = imported("schema")
    assert not modules & {"aiohttp", "scraper.engine.crawler", "scraper.runs.runner"}


def test_a_spider_is_imported_without_the_http_client() -> None:
    """`from scraper import Spider, Page` in a spider's file does not load what only a crawl needs."""
    code = (
        "import sys; from scraper import Page, Request, Spider; print('aiohttp' in sys.modules, 'yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
