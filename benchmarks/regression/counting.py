"""Instructions a unit of each step, counted by callgrind."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import machine as architecture
from platform import python_version

from benchmarks import machine

__all__ = ["HOW_TO_INSTALL", "count", "is_possible", "made_with"]

HOW_TO_INSTALL = "instructions are counted by valgrind, which is not here; install it: apt-get install valgrind"
LIBRARIES = ("aiohttp", "selectolax", "msgspec", "yarl", "multidict", "ada-url", "pyyaml")
_TOTAL = re.compile(r"^(?:summary|totals): (\d+)$", re.MULTILINE)
LONGEST = 1800.0  # seconds


def is_possible() -> bool:
    """Tell whether valgrind is installed."""
    return shutil.which("valgrind") is not None


def made_with() -> dict[str, str]:
    """Return what the counts depend on beside our own code."""
    found = {"python": python_version(), "processor": architecture()}
    return {**found, **{name: _version(name) for name in LIBRARIES}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def count(names: Sequence[str] = ()) -> dict[str, int]:
    """Return the instructions a unit of each step, or of those that are named."""
    with tempfile.TemporaryDirectory(prefix="bench-callgrind-") as folder:
        out = Path(folder) / "counts"
        command = [
            "valgrind", "--tool=callgrind", "--dump-before=getloadavg", f"--callgrind-out-file={out}",
            sys.executable, "-m", "benchmarks.regression.workload", *names,
        ]  # fmt: skip
        warm = [sys.executable, "-c", "import scraper.cli.run, scraper.config.load, benchmarks.steps.all"]
        subprocess.run(warm, env=machine.environment(), check=True)  # compiled files are there from now on
        done = subprocess.run(command, env=machine.environment(), capture_output=True, text=True, timeout=LONGEST)
        if done.returncode:
            raise SystemExit(f"the workload failed under valgrind:\n{done.stderr[-4000:]}")
        units = json.loads(done.stdout.splitlines()[-1])
        # Dumps come in pairs: what was before a step, and the step.
        totals = [_total(Path(f"{out}.{number}")) for number in range(1, 2 * len(units) + 1)]
    return {name: round(totals[2 * n + 1] / size) for n, (name, size) in enumerate(units.items())}


def _total(file: Path) -> int:
    match = _TOTAL.search(file.read_text(errors="replace"))
    assert match is not None, f"{file} has no total"
    return int(match[1])
