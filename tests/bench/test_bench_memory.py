"""The measurements of memory, at a scale of seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.memory.hot import hot_host
from benchmarks.memory.queues import queued, resumed, turns


def test_queued_urls_and_their_resume_are_measured(tmp_path: Path) -> None:
    """What was queued is what a resume finds."""
    assert set(queued(tmp_path / "state", [1000, 2000])) == {"1000", "2000"}
    assert resumed(tmp_path / "state")["rows"] == 2000


@pytest.mark.parametrize("hosts", [1, 30])
def test_every_request_gets_its_turn(tmp_path: Path, hosts: int) -> None:
    """As many requests come out of the frontier as went in, however many hosts they are on."""
    assert turns(tmp_path / "state", hosts, 300)["requests"] == 300


def test_a_hot_host_does_not_hold_the_others_up(tmp_path: Path) -> None:
    """Beside a host with nine tenths of the URLs the other hosts are done as soon as without it."""
    found = hot_host(tmp_path, 800)
    assert found["seconds_beside_a_hot_host"] <= 1.05 * found["seconds_alone"]
