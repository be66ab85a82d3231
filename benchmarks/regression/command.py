"""Count the instructions of each step and compare them with the stored baseline.

    python -m benchmarks check             1 when a step has become dearer than its tolerance allows
    python -m benchmarks check --save      store the present counts as the baseline
    python -m benchmarks check --only frontier,robots

A step's tolerance is 2 %, and 5 to 10 % where threads or sockets take part: more than runs of the same code differ by
(0.5 % and 6 % were seen). Counts depend on Python and on the libraries; when those are not what the baseline was made
with, the command says so, and a change may be theirs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from benchmarks.places import BASELINE
from benchmarks.regression.counting import HOW_TO_INSTALL, count, is_possible, made_with
from benchmarks.regression.workload import START
from benchmarks.steps.all import STEPS

__all__ = ["judge", "main"]

TOLERANCES = {START: 0.02, **{step.name: step.tolerance for step in STEPS}}
NOT_POSSIBLE = 2  # exit code


def main(arguments: list[str]) -> int:
    """Count, compare, print."""
    options = argparse.ArgumentParser(
        prog="benchmarks check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--save", action="store_true", help="store the counts as the baseline")
    options.add_argument("--only", default="", help="parts of names, with commas between them")
    chosen = options.parse_args(arguments)
    if not is_possible():
        print(HOW_TO_INSTALL)
        return NOT_POSSIBLE
    words = [word for word in chosen.only.split(",") if word]
    counts = count([step.name for step in STEPS if any(word in step.name for word in words)])
    if chosen.save:
        kept = json.loads(BASELINE.read_text())["instructions"] if words and BASELINE.exists() else {}
        made = {"made_with": made_with(), "instructions": {**kept, **counts}}
        BASELINE.write_text(json.dumps(made, indent=1) + "\n")
        print(f"stored in {BASELINE}")
        return 0
    if not BASELINE.exists():
        print(f"there is no baseline at {BASELINE}; make one with --save")
        return NOT_POSSIBLE
    baseline = json.loads(BASELINE.read_text())
    _warn(baseline["made_with"])
    lines, worse = judge(baseline["instructions"], counts)
    print("\n".join(lines))
    return 1 if worse else 0


def judge(before: Mapping[str, int], now: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Return the table and the names of the steps that have become dearer than is tolerated."""
    lines = ["| step | instructions before | now | change | tolerated | |", "|---|---|---|---|---|---|"]
    worse = []
    for name, count_now in now.items():
        known = before.get(name)
        if known is None:
            lines.append(f"| {name} | - | {count_now:,} | | | new: store it with --save |")
            continue
        change, tolerance = count_now / known - 1, TOLERANCES.get(name, 0.02)
        verdict = "WORSE" if change > tolerance else "better" if change < -tolerance else ""
        if verdict == "WORSE":
            worse.append(name)
        lines.append(f"| {name} | {known:,} | {count_now:,} | {change:+.1%} | {tolerance:.0%} | {verdict} |")
    lines.append("")
    lines.append(f"dearer than tolerated: {', '.join(worse)}" if worse else "no step has become dearer")
    return lines, worse


def _warn(before: Mapping[str, str]) -> None:
    now = made_with()
    differ = [
        f"{name} {before.get(name, 'none')} -> {found}" for name, found in now.items() if before.get(name) != found
    ]
    if differ:
        print(f"The baseline was made with other versions, so a change may be theirs: {', '.join(differ)}\n")
