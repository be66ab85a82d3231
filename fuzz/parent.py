"""The run: one target after the other, each in a process of its own, its deaths survived and told.

A child that dies (Lexbor's crash, the kernel's kill) leaves its input on the board; it is tried alone, minimised one
process a try, kept, and the child is started again for the time that is left. An input that takes longer than any may
is the same: its process is killed, by its id. One child runs at a time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from fuzz.board import Board
from fuzz.minimise import minimise
from fuzz.session import Counts, keep
from fuzz.target import REPOSITORY, Failure, Target

__all__ = ["FOUND", "Patience", "Run", "alone", "run_target"]

FOUND = REPOSITORY / "fuzz" / "found"
MEMORY_FOLDER = Path("/dev/shm")
START_SECONDS = 10.0  # that a process may need before its input
LOOK_EVERY = 0.5  # seconds
DEATH_TRIES = 60  # of minimising an input that kills its process
LEAST_SECONDS = 1.0  # worth a new child
MOST_DEATHS = 20  # of one target's children


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    hang: float = 20.0  # for one input; the slowest that is allowed takes a tenth
    minimising: float = 60.0  # an input that kills its process


PATIENCE = Patience()


@dataclass(slots=True)
class Run:
    """One target's run with one engine."""

    target: Target
    engine: str
    patience: Patience = PATIENCE
    counts: Counts = field(default_factory=Counts)
    deaths: int = 0
    said: str = ""  # the last words of a child that could not begin


def run_target(
    target: Target,
    *,
    engine: str,
    seconds: float,
    seed: int,
    found: Path = FOUND,
    patience: Patience = PATIENCE,
) -> Run:
    """Fuzz `target` for so many seconds, over as many child processes as it takes."""
    run = Run(target, engine, patience)
    while (left := seconds - run.counts.seconds) > LEAST_SECONDS and run.deaths < MOST_DEATHS:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
            if not _child(run, Path(name), left, seed + run.deaths, found / target.name):
                break
    return run


def _child(run: Run, folder: Path, seconds: float, seed: int, found: Path) -> bool:
    """Run one child to its end; return whether it died and another one should go on."""
    target = run.target
    with Board(folder / "board", target.largest) as board, (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "fuzz.child", target.name, "--seconds", str(seconds), "--seed", str(seed)]
        command += ["--folder", str(folder), "--found", str(found), "--engine", run.engine]
        began = time.monotonic()
        with subprocess.Popen(command, cwd=REPOSITORY, stdin=-3, stdout=log, stderr=log, env=_environment()) as child:
            hung = _watch(child, board, run.patience.hang)
        left = board.read()
    counts = _reported(folder / "report.json")
    if child.returncode:
        counts.seconds = time.monotonic() - began  # those in which it hung are spent too
    run.counts.add(counts)
    if child.returncode == 0:
        return False
    run.deaths += 1
    said = (folder / "log").read_text("utf-8", "replace")[-2000:]
    if left is None:  # it died between two inputs, or before the first
        run.said = f"the process ended with {child.returncode} outside of any input:\n{said}"
        run.counts.merge(_entry(Failure("process", target.name, run.said), ""))
        return counts.inputs > 0
    kind = "hang" if hung else f"signal {-child.returncode}" if child.returncode < 0 else "exit"
    _keep_death(run, Failure(kind, target.name, f"the process ended with {child.returncode}", said), left[0], found)
    return True


def _watch(child: subprocess.Popen[bytes], board: Board, hang: float) -> bool:
    """Wait for the child's end; kill it when one input takes too long, and return whether that was so."""
    while True:
        try:
            child.wait(LOOK_EVERY)
        except subprocess.TimeoutExpired:
            now = board.read()
            if now is not None and now[1] > hang:
                child.kill()
                child.wait()
                return True
        else:
            return False


def _keep_death(run: Run, failure: Failure, data: bytes, found: Path) -> None:
    """Keep an input with which a process died; say when it does no harm alone."""
    if any(known["signature"] == failure.signature for known in run.counts.failures):
        run.counts.merge(_entry(failure, ""))
        return
    dies = _dying_with(run.target.name, run.patience.hang)
    if dies(data):
        data = minimise(data, dies, tries=DEATH_TRIES, seconds=run.patience.minimising)
    else:
        failure = Failure(
            failure.kind, failure.where, f"{failure.message}; alone, the input does no harm", failure.trace
        )
    run.counts.merge(_entry(failure, str(keep(found, failure, data))))


def _dying_with(target: str, hang: float) -> Callable[[bytes], bool]:
    def dies(data: bytes) -> bool:
        with tempfile.NamedTemporaryFile(prefix="fuzz-one-") as file:
            file.write(data)
            file.flush()
            return alone(target, Path(file.name), hang=hang)[0] not in (0, 1)

    return dies


def alone(target: str, file: Path, *, hang: float = PATIENCE.hang) -> tuple[int, dict[str, Any]]:
    """Try one input in a process of its own; return how that ended, and what it said of the input's failure."""
    command = [sys.executable, "-m", "fuzz.child", target, "--one", str(file)]
    try:
        done = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, timeout=hang + START_SECONDS, check=False, env=_environment()
        )
    except subprocess.TimeoutExpired:
        return -9, {"failure": {"kind": "hang", "message": f"it took longer than {hang:g} s", "trace": ""}}
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode("utf-8", "replace")[-2000:]
        return done.returncode or -1, {"failure": {"kind": "process", "message": f"{done.returncode}", "trace": said}}
    return done.returncode, told


def _environment() -> dict[str, str]:
    """Return the variables of a child: the rules are asserts, so they may not be optimised away."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONOPTIMIZE"}
    if MEMORY_FOLDER.is_dir():
        environ["TMPDIR"] = str(MEMORY_FOLDER)
    return environ | {"PYTHONFAULTHANDLER": "1"}


def _reported(path: Path) -> Counts:
    return msgspec.json.decode(path.read_bytes(), type=Counts) if path.exists() else Counts()


def _entry(failure: Failure, file: str) -> dict[str, Any]:
    return {**failure.plain(), "signature": failure.signature, "times": 1, "file": file}
