"""The benchmark commands run to their end on a tiny site, over loopback."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.contest.contestants import CONTESTANTS, available, command_of
from benchmarks.contest.measuring import measure, truth_of
from benchmarks.servers.running import Running, file_server
from benchmarks.website.write import Site, write_site

pytestmark = pytest.mark.slow

PAGES = 42


@pytest.fixture
def site(tmp_path: Path, port: int) -> Site:
    """Return a small site."""
    return write_site(tmp_path / "site", pages=PAGES, tiny=True, port=port)


@pytest.fixture(params=["files", "latency"])
def server(request: pytest.FixtureRequest, site: Site) -> Iterator[Running]:
    """Serve the site, by nginx where there is one, and by our own server with latency."""
    with file_server(site, delay="1-3" if request.param == "latency" else "") as running:
        yield running


def _python_of(name: str) -> list[str]:
    """Return a contestant's command; one of our own dependencies alone runs with this Python."""
    contestant = CONTESTANTS[name]
    return command_of(contestant) if available(contestant) else [sys.executable, *contestant.arguments]


@pytest.mark.parametrize("name", ["scraper", "scraper --memory", "raw", "raw session"])
def test_our_own_contestants_get_every_item_right(name: str, site: Site, server: Running) -> None:
    """The package and the hand-written loop do the whole job: each page once, each item right."""
    result = measure(
        name, _python_of(name), site, truth_of(site), server, connections=8, processor=machine.processors()[1]
    )
    assert (result.right, result.wrong, result.exit_code) == (site.items, 0, 0), result.first_wrong
    assert result.requests == PAGES + 1  # and robots.txt
    assert result.cpu > 0.05
    assert result.memory > 10_000_000


@pytest.mark.parametrize("name", ["scrapy", "crawlee"])
def test_peers_that_are_installed_get_every_item_right(name: str, site: Site) -> None:
    """The other frameworks do the same job; where their environments were not made, there is nothing to try."""
    if not available(CONTESTANTS[name]):
        pytest.skip(f"{name} is not installed; make bench installs it")
    with file_server(site) as running:
        result = measure(
            name, _python_of(name), site, truth_of(site), running, connections=8, processor=machine.processors()[1]
        )
    assert (result.right, result.wrong) == (site.items, 0), result.first_wrong


def test_no_stranger_is_measured(site: Site) -> None:
    """Where a server of an earlier run still answers, nothing is measured."""
    host, _, port = site.addresses[0].rpartition(":")
    with socket.create_server((host, int(port))), pytest.raises(SystemExit, match="is taken"), file_server(site):
        pass


def test_a_contest_is_kept_as_table_data_and_picture(bench: Callable[..., str], tmp_path: Path) -> None:
    """`crawl` prints its table and keeps all three forms of it."""
    out = tmp_path / "out"
    said = bench("crawl", "--conditions", "tiny", "--contestants", "scraper", "--pages", "42", "--rounds", "1",
                 "--out", str(out))  # fmt: skip
    assert "### Tiny pages" in said
    assert json.loads((out / "crawl.json").read_text())["tiny"]["rows"][0]["right_share"] == 1.0
    assert (out / "crawl.svg").read_text().startswith("<svg")
    assert "| scraper |" in (out / "crawl.md").read_text()


def test_a_profile_accounts_for_the_time_of_a_page(bench: Callable[..., str], tmp_path: Path) -> None:
    """`profile` says which rooms and libraries the time went to; parsing is among them."""
    bench("profile", "--pages", "105", "--repeat", "1", "--json", str(tmp_path / "p.json"))
    rooms = json.loads((tmp_path / "p.json").read_text())["rooms"]
    assert rooms["selectolax: parse"] > 0
    assert any(name.startswith("scraper.") for name in rooms)


def test_the_memory_command_measures_a_web_that_it_serves(bench: Callable[..., str], tmp_path: Path) -> None:
    """`memory` crawls a made-up web of one host and of many, and large bodies, each in a process of its own."""
    out = tmp_path / "memory.json"
    bench("memory", "--small", "--only", "long,broad", "--out", str(out))
    found = json.loads(out.read_text())
    assert found["long"]["curve"][-1][0] == 300
    assert set(found["broad"]) == {"1", "100"}
