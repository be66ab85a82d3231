"""The command: `python -m fuzz` for a run, `python -m fuzz replay TARGET FILE` for one input again.

    FUZZ_SECONDS=3600 make fuzz
    python -m fuzz --seconds 60 --targets robots,urls --seed 7

A run prints a line as each target ends, then one table, the new failures with their reproduction, and ends with 1 when
there is any. Half of a target's time goes to structured examples and mutation, half to atheris where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fuzz import targets
from fuzz.parent import Run, alone, run_target
from fuzz.target import REPOSITORY

__all__ = ["main"]

SECONDS = 300.0  # when nobody says otherwise
LAST_WORDS = 8  # lines of a trace
ROW = "{:<10} {:<9} {:>10} {:>9} {:>9} {:>22} {:>8}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, or replay; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["replay"]:
        return _replay(*arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("FUZZ_SECONDS") or SECONDS))
    parser.add_argument("--targets", default=os.environ.get("FUZZ_TARGETS") or ",".join(targets.NAMES))
    parser.add_argument("--engines", default=os.environ.get("FUZZ_ENGINES") or ",".join(_engines()))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FUZZ_SEED") or time.time()))
    asked = parser.parse_args(arguments)
    return _run(asked.targets.split(","), asked.engines.split(","), asked.seconds, asked.seed)


def _engines() -> list[str]:
    return ["mutation", *(["atheris"] if importlib.util.find_spec("atheris") else [])]


def _run(names: Sequence[str], engines: Sequence[str], seconds: float, seed: int) -> int:
    chosen = [targets.make(name) for name in names]
    whole = sum(target.weight for target in chosen) * len(engines)
    without = "" if importlib.util.find_spec("atheris") else " (atheris is not installed)"
    _say(f"{seconds:g} s, seed {seed}, engines: {', '.join(engines)}{without}, one process at a time")
    _say(ROW.format("target", "engine", "inputs", "inputs/s", "failures", "slowest", "memory"))
    runs = []
    for target in chosen:
        for engine in engines:
            run = run_target(target, engine=engine, seconds=seconds * target.weight / whole, seed=seed)
            runs.append(run)
            _say(_row(run))
    inputs, spent = sum(run.counts.inputs for run in runs), sum(run.counts.seconds for run in runs)
    failures = sum(len(run.counts.failures) for run in runs)
    _say(ROW.format("all", "", f"{inputs:,}", f"{inputs / (spent or 1):,.0f}", failures, f"{spent:,.0f} s in all", ""))
    for run in runs:
        _tell(run)
    return 1 if failures else 0


def _row(run: Run) -> str:
    counts = run.counts
    slowest = f"{1000 * counts.slowest:,.0f} ms ({counts.slowest_size / 1024:.1f} kB)"
    rate = f"{counts.inputs / (counts.seconds or 1):,.0f}"
    memory = f"{counts.peak / 2**20:.0f} MB"
    return ROW.format(run.target.name, run.engine, f"{counts.inputs:,}", rate, len(counts.failures), slowest, memory)


def _tell(run: Run) -> None:
    for failure in run.counts.failures:
        _say(f"\n{run.target.name}: {failure['signature']} ({failure['times']} times)\n  {failure['message']}")
        _say("".join(f"  | {line}\n" for line in failure["trace"].splitlines()[-LAST_WORDS:]).rstrip())
        if failure["file"]:
            file = Path(failure["file"])
            shown = file.relative_to(REPOSITORY) if file.is_relative_to(REPOSITORY) else file
            _say(f"  again: python -m fuzz replay {run.target.name} {shown}")


def _replay(target: str, file: str) -> int:
    code, told = alone(target, Path(file).resolve())
    failure = told["failure"]
    if failure is None:
        _say(f"{target}: {file}: nothing is wrong ({told['seconds']:.3f} s)")
        return 0
    _say(f"{failure['trace']}\n{target}: {failure['kind']}: {failure['message']}")
    return code if code > 0 else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
