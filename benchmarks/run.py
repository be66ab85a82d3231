"""CPU seconds a page against Scrapy (newest): one paired, interleaved run on the practice shop, durability on.

    make bench                      3 rounds
    python benchmarks/run.py --rounds 5 --json results.json

The shop is served by a process of its own, on another processor where there is one. Each contestant is a whole
process, interpreter start included; its CPU is what the kernel counted for it. Items are compared with the shop's
catalogue. Quote the ratio, not the seconds: machines differ and are noisy. Scrapy gets a virtual environment of its
own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS_VENV = Path(os.environ.get("BENCH_ENVS", HERE / ".envs")) / "scrapy"
_PAGES = re.compile(r"pages +([\d,]+)")
SHOP_CPU, CRAWL_CPU = 0, -1  # of the processors that we may use


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one contestant."""

    name: str
    pages: int
    right_items: int
    cpu: float
    wall: float
    rss_mb: float


def main() -> int:
    """Run the rounds and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--books", type=int, default=1000)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    scrapy = _scrapy_python()
    cpus = sorted(os.sched_getaffinity(0))
    shop = subprocess.Popen(
        [sys.executable, "-m", "scraper", "shop", "--port", "0", "--books", str(chosen.books)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {cpus[SHOP_CPU]}),
    )
    try:
        assert shop.stdout is not None
        start = shop.stdout.readline().split()[0]
        results = _rounds(start, chosen.rounds, chosen.books, scrapy, cpus[CRAWL_CPU])
    finally:
        shop.terminate()
        shop.wait()
    _print_table(results)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(result) for result in results], indent=2))
    return 0 if all(result.right_items == chosen.books for result in results if result.name == "scraper") else 1


def _scrapy_python() -> Path:
    python = PEERS_VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", PEERS_VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "scrapy"], check=True)
    return python


def _rounds(start: str, rounds: int, books: int, scrapy: Path, cpu: int) -> list[Result]:
    commands = {
        "scraper": [sys.executable, "-m", "scraper", "run", str(HERE / "shop" / "config.yaml")],
        "scrapy": [str(scrapy), str(HERE / "peers" / "scrapy_shop.py")],
    }
    outputs = {"scraper": "ours.jsonl", "scrapy": "scrapy.jsonl"}
    truth = _truth(start, books)
    results = []
    for number in range(rounds):
        for name in sorted(commands, reverse=bool(number % 2)):
            with tempfile.TemporaryDirectory() as folder:
                result = _measure(name, commands[name], start, Path(folder), outputs[name], truth, cpu)
                results.append(result)
                print(
                    f"round {number + 1}: {name} {result.cpu:.2f} CPU s, {result.right_items} right items", flush=True
                )
    return results


def _truth(start: str, books: int) -> dict[str, dict[str, object]]:
    from scraper.practice.site import Shop

    return {row["url"]: row for row in Shop(books).truth(start.rstrip("/"))}


def _measure(
    name: str, command: list[str], start: str, folder: Path, output: str, truth: dict[str, dict[str, object]], cpu: int
) -> Result:
    environ = {**os.environ, "BENCH_START": start, "BENCH_FOLDER": str(folder)}
    began = time.monotonic()
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            command,
            env=environ,
            stdout=said,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
        ) as child,
    ):
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        said.seek(0)
        told = _PAGES.search(said.read())
    lines = (folder / output).read_text(encoding="utf-8").splitlines()
    right = sum(truth.get(item["url"]) == item for item in map(json.loads, lines))
    pages = int(told[1].replace(",", "")) if told else 0  # Scrapy keeps silent; it fetches the same pages
    return Result(name, pages, right, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def _print_table(results: list[Result]) -> None:
    print(f"\n{'':10}{'CPU s/1k pages':>16}{'(min-max)':>16}{'pages/s':>10}{'peak RSS MB':>13}{'right items':>13}")
    medians = {}
    pages = max(result.pages for result in results)
    for name in ("scraper", "scrapy"):
        rows = [result for result in results if result.name == name]
        costs = [row.cpu / pages * 1000 for row in rows]
        medians[name] = statistics.median(costs)
        rate = statistics.median(pages / row.wall for row in rows)
        spread = f"{min(costs):.2f}-{max(costs):.2f}"
        rss = max(row.rss_mb for row in rows)
        print(f"{name:10}{medians[name]:16.2f}{spread:>16}{rate:10.0f}{rss:13.0f}{rows[0].right_items:13}")
    print(f"\nscraper uses {medians['scraper'] / medians['scrapy']:.2f} of Scrapy's CPU a page", end=" ")
    print(f"({medians['scrapy'] / medians['scraper']:.1f} times less)")


if __name__ == "__main__":
    sys.exit(main())
