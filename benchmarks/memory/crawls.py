"""Whole crawls of a made-up web on loopback: a very long one, a very broad one, one of large bodies."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks import machine
from benchmarks.places import CONFIG
from benchmarks.servers.loopback import WEB_NAMES as NAMES
from scraper.cli.prepare import prepare
from scraper.runs.plan import Plan
from scraper.runs.runner import Run

__all__ = ["broad", "bulk", "long"]

LOOKS = 20  # at the memory, in the course of a long crawl


def long(folder: Path, address: str, pages: int) -> dict[str, Any]:
    """Crawl `pages` pages of one host; return the curve of the memory and what a page cost."""
    curve = _Curve(pages)
    found = _crawl(_plan(folder, f"http://{address}/n/0", address), curve)
    assert curve.pages == pages, f"{curve.pages} pages of {pages}"
    return {**found, "curve": curve.points}


def broad(folder: Path, address: str, pages: int, hosts: int) -> dict[str, Any]:
    """Crawl `pages` pages that stand on `hosts` hosts; return what a page cost."""
    names = {f"h{number}.{NAMES}": address for number in range(hosts)}
    port = address.rpartition(":")[2]
    plan = replace(
        _plan(folder, f"http://h0.{NAMES}:{port}/n/0", address), hosts=(NAMES,), subdomains=True, connect_to=names
    )
    curve = _Curve(pages)
    found = _crawl(plan, curve)
    assert curve.pages == pages, f"{curve.pages} pages of {pages}"
    return {**found, "hosts": hosts}


def bulk(folder: Path, address: str, max_body: int) -> dict[str, Any]:
    """Fetch 64 bodies of 30 MB at once, bodies above `max_body` bytes refused; return the largest memory seen."""
    plan = replace(_plan(folder, f"http://{address}/", address), workers=64, per_host=64, max_body=max_body)
    before, peak = machine.own_memory(), _Peak()
    curve = _Curve(64)
    found = _crawl(plan, curve)
    return {**found, "pages": curve.pages, "peak_mb": peak.end() / 1e6, "before_mb": before / 1e6}


class _Curve:
    """Looks at the memory as commits come in."""

    def __init__(self, pages: int) -> None:
        self._every, self.pages, self.points = max(1, pages // LOOKS), 0, list[tuple[int, float]]()

    def hear(self, visits: Sequence[Any], committed: Any) -> None:
        """Count the pages of a commit."""
        before = self.pages // self._every
        self.pages += sum(1 for visit in visits if not visit.lease.is_robots)
        if self.pages // self._every > before:
            self.points.append((self.pages, machine.own_memory() / 1e6))


class _Peak:
    """The largest resident memory of this process, looked at every 5 ms."""

    def __init__(self) -> None:
        self._largest, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self._largest = max(self._largest, machine.own_memory())

    def end(self) -> int:
        self._over.set()
        self._thread.join()
        return self._largest


def _plan(folder: Path, start: str, host: str) -> Plan:
    environ = {
        **os.environ,
        "BENCH_STARTS": start,
        "BENCH_HOSTS": host,
        "BENCH_OUT": str(folder / "out.jsonl"),
        "BENCH_CONCURRENCY": "32",
    }
    return prepare(CONFIG, environ, memory=False)


def _crawl(plan: Plan, curve: _Curve) -> dict[str, Any]:
    gc.freeze()  # as the command does
    began, began_wall = time.process_time(), time.monotonic()
    report = asyncio.run(Run(plan, fresh=True, observers=[curve]).execute())
    spent = time.process_time() - began
    return {
        "cpu_us_a_page": spent / max(1, curve.pages) * 1e6,
        "pages_a_second": curve.pages / (time.monotonic() - began_wall),
        "memory_mb": machine.own_memory() / 1e6,
        "status": report.status,
    }
