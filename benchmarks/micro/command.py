"""What each step of a page costs, in CPU time and without its neighbours.

    python -m benchmarks micro            realistic pages of 30 KB
    python -m benchmarks micro --tiny     pages of 2 KB
    python -m benchmarks micro --only frontier,resolve

All steps are taken in turn, several rounds; the table has the median and the least of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.steps.all import STEPS
from benchmarks.steps.material import Material

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Time the steps and print the table."""
    chosen = _options().parse_args(arguments)
    words = [word for word in chosen.only.split(",") if word]
    steps = [step for step in STEPS if not words or any(word in step.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="bench-micro-") as folder:
        material = Material(Path(folder), tiny=chosen.tiny, size=chosen.pages)
        works = {step: step.prepare(material) for step in steps}
        for work in works.values():
            work()
        gc.collect()
        gc.freeze()
        costs = {step: [_cost(work) for _ in range(1)] for step, work in works.items()}
        for _ in range(chosen.rounds - 1):
            for step, work in works.items():
                costs[step].append(_cost(work))
        size = sum(map(len, material.bodies.values())) / len(material.bodies)
    print(machine.describe())
    print(f"{chosen.pages} pages of {size / 1000:.1f} KB on the average, {chosen.rounds} rounds\n")
    print("| step | us | of a | least |")
    print("|---|---|---|---|")
    for step, found in costs.items():
        print(f"| {step.name} | {median(found):.1f} | {step.unit} | {min(found):.1f} |")
    if chosen.json:
        chosen.json.write_text(json.dumps({step.name: median(found) for step, found in costs.items()}, indent=1))
    return 0


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="benchmarks micro", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--tiny", action="store_true", help="pages of 2 KB")
    options.add_argument("--pages", type=int, default=200)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--only", default="", help="parts of names, with commas between them")
    options.add_argument("--json", type=Path)
    return options


def _cost(work) -> float:
    """Return the microseconds of CPU a unit."""
    began = time.process_time()
    units = work()
    return (time.process_time() - began) / units * 1e6
