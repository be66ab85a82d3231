"""What the tests of the benchmarks share: the project's folder on the path, a free port, the environment of a child."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # `benchmarks` is no installed package


@pytest.fixture
def port() -> int:
    """Return a port that is free now, below those that outgoing connections are given."""
    while True:
        number = random.randint(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", number))
            return number


@pytest.fixture
def bench(port: int, tmp_path: Path) -> Callable[..., str]:
    """Return what runs a command of the benchmarks in a process, as a person would, and returns what it printed."""

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", *words],
            cwd=ROOT,
            env={**os.environ, "BENCH_PORT": str(port), "BENCH_SITES": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
