"""One run of one contestant: its CPU, its wall time, its memory, and how many of its items are right.

CPU is what the kernel counted for the process and for all its children that it waited for, interpreter start included.
Memory is the largest resident sum of its process group that was seen, every 50 ms; `ru_maxrss` is of no use, since a
child begins with the size of the process that started it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.servers.running import Running
from benchmarks.website.write import Site

__all__ = ["Result", "measure", "truth_of"]

LOOK_EVERY = 0.05  # seconds between two looks at the memory
LONGEST = 300.0  # seconds of a run

Truth = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Result:
    """What one run came to."""

    contestant: str
    cpu: float  # seconds, user and system
    wall: float  # seconds
    memory: int  # bytes
    requests: int  # as the server counted them
    server_cpu: float  # seconds
    right: int  # items that are right in all fields, each counted once
    wrong: int  # items that are not, or are there twice
    first_wrong: str
    exit_code: int


def truth_of(site: Site) -> Truth:
    """Return the right items of a site by their number."""
    with (Path(site.folder) / "truth.jsonl").open(encoding="utf-8") as lines:
        return {item["sku"]: item for item in map(json.loads, lines)}


def measure(
    name: str, command: Sequence[str], site: Site, truth: Truth, server: Running, *, connections: int, processor: int
) -> Result:
    """Run `command` on the site and judge what it wrote."""
    folder = Path(tempfile.mkdtemp(prefix="bench-run-"))
    out = folder / "out.jsonl"
    environ = machine.environment(
        BENCH_START=site.starts[0],
        BENCH_STARTS=",".join(site.starts),
        BENCH_HOSTS=",".join(site.addresses),
        BENCH_OUT=str(out),
        BENCH_CONCURRENCY=str(connections),
        BENCH_PAGES=str(site.pages),
    )
    asked, served, began = server.count(), machine.busy_seconds(server.pid), time.monotonic()
    try:
        with (folder / "said").open("wb") as said:
            child = subprocess.Popen(
                command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True, preexec_fn=machine.pinned(processor),
            )  # fmt: skip
        peak = _Peak(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        right, wrong, first = _judge(out, truth)
        if child.returncode and not first:
            first = (folder / "said").read_text(errors="replace")[-300:]
        return Result(
            name, usage.ru_utime + usage.ru_stime, wall, peak.end(), server.count() - asked,
            machine.busy_seconds(server.pid) - served, right, wrong, first, child.returncode,
        )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Peak:
    """Watches the memory of a process group, and ends it when it takes too long."""

    def __init__(self, group: int) -> None:
        self._group, self._largest, self._over = group, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        ends = time.monotonic() + LONGEST
        while not self._over.wait(LOOK_EVERY):
            self._largest = max(self._largest, machine.tree_memory(self._group))
            if time.monotonic() > ends:
                os.killpg(self._group, signal.SIGKILL)
                return

    def end(self) -> int:
        self._over.set()
        self._thread.join()
        return self._largest


def _judge(out: Path, truth: Truth) -> tuple[int, int, str]:
    """Return how many items are right, how many are not, and the first that is not."""
    found: set[str] = set()
    wrong, first = 0, ""
    for line in out.read_text(encoding="utf-8").splitlines() if out.exists() else ():
        item = json.loads(line)
        expected = truth.get(item.get("sku"))
        if item == expected and item["sku"] not in found:
            found.add(item["sku"])
            continue
        wrong += 1
        first = first or _difference(item, expected)
    return len(found), wrong, first


def _difference(item: Mapping[str, Any], expected: Mapping[str, Any] | None) -> str:
    if expected is None:
        return f"no such item: {item.get('sku')!r}"
    names = [name for name in expected if item.get(name) != expected[name]]
    if not names:
        return f"{item['url']}: twice, or with more fields"
    return f"{item.get('url')}: {names[0]} is {item.get(names[0])!r}, not {expected[names[0]]!r}"
