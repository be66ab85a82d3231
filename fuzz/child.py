"""`python -m fuzz.child`: one target in a process that may die; started by `fuzz.parent`.

    python -m fuzz.child page --seconds 60 --seed 1 --folder DIR --engine mutation
    python -m fuzz.child page --one FILE

The first writes to DIR what is in hand and what was counted; the second tries one input, prints its failure as JSON,
and ends with 1 when there is one. Memory is bounded before the first input.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
import msgspec
from hypothesis import HealthCheck, Phase
from hypothesis.strategies import SearchStrategy

from fuzz.board import Board
from fuzz.mutation import Mutator, Pool
from fuzz.session import Session, bound_memory
from fuzz.target import Target, attempt

__all__ = ["main"]

MEMORY = 512 * 1024 * 1024  # bytes above what the process takes when it is ready
INSTRUMENTED = 5.0  # times the processor time that code takes which counts its branches
BATCH = 60  # structured examples at a time
MUTANTS = 8  # for each of them


def main() -> int:
    """Do what the arguments say."""
    asked = _arguments()
    warnings.simplefilter("error")  # a coroutine that nobody awaited, a socket that nobody closed
    warnings.filterwarnings("ignore", module="hypothesis")
    target = _target(asked.target, guided=asked.engine == "atheris")
    target.open()
    bound_memory(asked.memory)
    if asked.one:
        return _one(target, Path(asked.one).read_bytes())
    folder = Path(asked.folder)
    with Board(folder / "board", target.largest) as board:
        session = Session(
            target, board=board, report=folder / "report.json", found=Path(asked.found), seconds=asked.seconds,
            slack=INSTRUMENTED if asked.engine == "atheris" else 1.0,
        )  # fmt: skip
        if asked.engine == "atheris":
            _guided(session, asked.seed, folder)
        else:
            _mutating(session, asked.seed)
        session.report()
    target.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz.child")
    parser.add_argument("target")
    parser.add_argument("--one", default="")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", default=".")
    parser.add_argument("--found", default=".")
    parser.add_argument("--engine", choices=("mutation", "atheris"), default="mutation")
    parser.add_argument("--memory", type=int, default=MEMORY)
    return parser.parse_args()


def _target(name: str, *, guided: bool) -> Target:
    """Return the target, its rooms instrumented for coverage when it is to be guided."""
    if guided:
        atheris: Any = importlib.import_module("atheris")
        with atheris.instrument_imports(include=["scraper", "yaml"]):
            module = importlib.import_module("fuzz.targets")
    else:
        module = importlib.import_module("fuzz.targets")
    found: Target = module.make(name)
    return found


def _one(target: Target, data: bytes) -> int:
    failure, taken = attempt(target, data)
    told = {
        "seconds": taken,
        "failure": None if failure is None else failure.plain() | {"signature": failure.signature},
    }
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    sys.stdout.flush()
    target.close()
    return 0 if failure is None else 1


# -- structured examples, and mutants of them and of the seeds --------------------------------------------------------


def _mutating(session: Session, seed: int) -> None:
    random = Random(seed)
    target = session.target
    pool, mutator = Pool(random), Mutator(random, target.tokens, target.largest)
    strategy = target.strategy()
    for data in target.seeds():
        _take(session, pool, data)
    while not session.is_over():
        for example in _examples(strategy, random.getrandbits(60)):
            _take(session, pool, example)
            for _ in range(MUTANTS):
                if session.is_over():
                    return
                data = mutator.mutate(pool.pick(), pool.pick())
                pool.note(data, session.take(data))


def _take(session: Session, pool: Pool, data: bytes) -> None:
    if not session.is_over():
        pool.add(data[: session.target.largest])
        session.take(data)


def _examples(strategy: SearchStrategy[bytes], seed: int) -> list[bytes]:
    """Return some examples of `strategy`, the same for the same seed."""
    found: list[bytes] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def gather(data: bytes) -> None:
        found.append(data)

    gather()
    return found


# -- guided by coverage ------------------------------------------------------------------------------------------------


def _guided(session: Session, seed: int, folder: Path) -> None:
    """Let libFuzzer choose the inputs; it ends the process, so the last input ends it first."""
    atheris: Any = importlib.import_module("atheris")
    target = session.target
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    examples = _examples(target.strategy(), seed)
    for number, data in enumerate((*target.seeds(), *examples)):
        (corpus / f"seed-{number}").write_bytes(data[: target.largest])
    words = folder / "words.dict"
    words.write_text("".join(f'"{_escaped(token)}"\n' for token in target.tokens if token), encoding="ascii")

    def one(data: bytes) -> None:
        session.take(data)
        if session.is_over():
            session.report()
            target.close()
            os._exit(0)

    options = [
        f"-seed={seed % 2**31 or 1}",
        f"-max_len={target.largest}",
        "-rss_limit_mb=0",
        "-timeout=1000",
        "-verbosity=0",
    ]
    options += ["-len_control=20", f"-dict={words}", f"-artifact_prefix={folder}/", "-handle_segv=0", "-handle_abrt=0"]
    atheris.Setup(["fuzz", *options, str(corpus)], one)
    atheris.Fuzz()


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token[:64])


if __name__ == "__main__":
    sys.exit(main())
