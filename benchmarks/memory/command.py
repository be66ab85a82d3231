"""What many URLs, pages, hosts and large bodies take. Each measurement is a process of its own.

python -m benchmarks memory                     a million URLs, a hundred thousand pages: some minutes
python -m benchmarks memory --full              five million URLs, a million pages, 100,000 hosts: half an hour
python -m benchmarks memory --only queued,hot   of queued, turns, long, broad, hot, bulk
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, places
from benchmarks.servers.running import own_server

__all__ = ["main"]

ADDRESS = f"127.0.0.1:{os.environ.get('BENCH_PORT', 8745)}"
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    sizes: tuple[int, ...]  # queued URLs
    turns: int  # requests
    hosts: int
    pages: int  # of the long crawl
    broad: int  # pages of the broad crawl
    hot: int  # pages of the crawl with a hot host


SMALL = Scale(sizes=(1_000, 2_000), turns=500, hosts=100, pages=300, broad=300, hot=400)
USUAL = Scale(sizes=(100_000, 1_000_000), turns=50_000, hosts=10_000, pages=100_000, broad=20_000, hot=10_000)
FULL = Scale(
    sizes=(100_000, 1_000_000, 5_000_000), turns=200_000, hosts=100_000, pages=1_000_000, broad=200_000, hot=10_000
)


def main(arguments: list[str]) -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(
        prog="benchmarks memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--full", action="store_true")
    options.add_argument("--small", action="store_true", help="seconds: does it run?")
    options.add_argument("--only", default=",".join(_PARTS))
    options.add_argument("--out", type=Path, default=places.RESULTS / "memory.json")
    chosen = options.parse_args(arguments)
    scale = FULL if chosen.full else SMALL if chosen.small else USUAL
    found: dict[str, Any] = {"machine": machine.describe()}
    print(found["machine"])
    for name in chosen.only.split(","):
        with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
            found[name], lines = _PARTS[name](Path(folder), scale)
        print("\n".join(["", *lines]), flush=True)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(found, indent=1))
    return 0


Part = tuple[Any, list[str]]  # what was found, and that in lines


def _queued(folder: Path, scale: Scale) -> Part:
    queued = _probe("queued", folder=folder / "state", sizes=scale.sizes)
    resumed = _probe("resumed", folder=folder / "state")
    lines = ["| URLs queued | B of memory a URL | B of disk a URL | us to offer one |", "|---|---|---|---|"]
    lines += [
        f"| {int(size):,} | {row['memory_bytes']:.0f} | {row['disk_bytes']:.0f} | {row['offer_us']:.1f} |"
        for size, row in queued.items()
    ]
    lines += [
        "",
        f"resume: {resumed['cpu_seconds_a_million']:.2f} CPU s a million rows ({resumed['rows']:,} rows), "
        f"{resumed['memory_bytes']:.0f} B of memory a URL",
    ]
    return {"queued": queued, "resumed": resumed}, lines


def _turns(folder: Path, scale: Scale) -> Part:
    found = {}
    for hosts in (1, scale.hosts):
        found[hosts] = _probe("turns", folder=folder / f"{hosts}", hosts=hosts, requests=scale.turns)["us"]
    one, many = found.values()
    return found, [f"a turn (lease, release, commit): {one:.1f} us on 1 host, {many:.1f} us on {scale.hosts:,} hosts"]


def _long(folder: Path, scale: Scale) -> Part:
    with _web(scale.pages):
        found = _probe("long", folder=folder, address=ADDRESS, pages=scale.pages)
    lines = [
        f"{scale.pages:,} pages of one host: {found['cpu_us_a_page']:.0f} us of CPU a page, "
        f"{found['pages_a_second']:.0f} pages/s; memory as it went on:",
        "",
        "| pages | RSS MB |",
        "|---|---|",
    ]
    lines += [f"| {pages:,} | {memory:.1f} |" for pages, memory in found["curve"]]
    return found, lines


def _broad(folder: Path, scale: Scale) -> Part:
    found = {}
    for hosts in (1, scale.hosts):
        with _web(scale.broad, "--hosts", str(hosts)):
            (folder / str(hosts)).mkdir()
            found[hosts] = _probe("broad", folder=folder / str(hosts), address=ADDRESS, pages=scale.broad, hosts=hosts)
    lines = [
        f"{scale.broad:,} pages on {hosts:,} hosts: {row['cpu_us_a_page']:.0f} us of CPU a page, "
        f"{row['memory_mb']:.0f} MB (each host's robots.txt and connection included)"
        for hosts, row in found.items()
    ]
    return found, lines


def _hot(folder: Path, scale: Scale) -> Part:
    found = _probe("hot", folder=folder, pages=scale.hot)
    return found, [
        f"20 cold hosts of {found['cold_pages_a_host']} pages at a second a page are done after "
        f"{found['seconds_alone']:.1f} s alone, after {found['seconds_beside_a_hot_host']:.1f} s beside a host "
        "with nine tenths of the URLs"
    ]


def _bulk(folder: Path, scale: Scale) -> Part:
    found, lines = {}, []
    megabytes = 1 if scale is SMALL else 30
    for limit in (16 * MIB, 64 * MIB):
        place = folder / str(limit)
        place.mkdir()
        with own_server("bulk", [ADDRESS], "--megabytes", str(megabytes), processor=machine.processors()[0]):
            row = found[limit] = _probe("bulk", folder=place, address=ADDRESS, max_body=limit)
        lines.append(
            f"64 bodies of {megabytes} MB at once, max_body {limit // MIB} MiB: peak {row['peak_mb']:.0f} MB "
            f"({row['before_mb']:.0f} before), {row['pages']} visits"
        )
    return found, lines


_PARTS: dict[str, Callable[[Path, Scale], Part]] = {
    "queued": _queued,
    "turns": _turns,
    "long": _long,
    "broad": _broad,
    "hot": _hot,
    "bulk": _bulk,
}


def _web(pages: int, *more: str):
    return own_server("web", [ADDRESS], "--pages", str(pages), *more, processor=machine.processors()[0])


def _probe(name: str, *, folder: Path, **arguments: Any) -> dict[str, Any]:
    words = json.dumps({"folder": str(folder), **arguments})
    command = [sys.executable, "-m", "benchmarks.memory.probe", name, words]
    crawler = machine.processors()[1]
    done = subprocess.run(
        command, env=machine.environment(), capture_output=True, text=True, preexec_fn=machine.pinned(crawler)
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])
