"""The fuzzer itself: it finds what was planted, survives it, makes it small and says how to see it again."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from fuzz.__main__ import main
from fuzz.board import Board
from fuzz.minimise import minimise
from fuzz.mutation import Mutator, Pool
from fuzz.parent import Patience, alone, run_target
from fuzz.session import Session
from fuzz.target import Target, attempt
from tests.fuzz.planted import Breaks, Crashes, Eats, Hangs, Idles

SECONDS = 1.2  # of fuzzing: enough to put in one exclamation mark
PATIENCE = Patience(hang=0.6, minimising=2.0)


def test_a_broken_rule_is_a_failure_with_its_place() -> None:
    """What is asserted, and where, is what people are told."""
    failure, _ = attempt(Breaks(), b"hey!")
    assert failure is not None
    assert failure.kind == "AssertionError"
    assert failure.where.startswith("tests/fuzz/planted.py:")
    assert failure.message.startswith("nobody shouts")
    assert attempt(Breaks(), b"hey")[0] is None


def test_what_takes_too_long_is_a_failure() -> None:
    """Processor time is counted, and once more before it is believed."""

    class Counts(Idles):
        base_seconds, kilobyte_seconds = 0.01, 0.0

        def check(self, data: bytes) -> None:
            sum(range(1_000_000))

    failure, taken = attempt(Counts(), b"")
    assert failure is not None
    assert failure.kind == "slow"
    assert taken > 0.01
    assert attempt(Counts(), b"", slack=1000.0)[0] is None


def test_an_input_is_made_small() -> None:
    """All that does not matter goes, or becomes an `a`."""
    data = b"x" * 500 + b"<one>" + b"y" * 300 + b"<two>" + b"z" * 100
    small = minimise(data, lambda it: b"<one>" in it and b"<two>" in it, tries=5000, seconds=10.0)
    assert small == b"<one><two>"
    assert minimise(b"12345", lambda it: len(it) == 5, tries=500, seconds=10.0) == b"aaaaa"


def test_mutants_are_the_same_for_the_same_seed_and_never_too_large() -> None:
    """All chance comes from one number."""

    def some(seed: int) -> list[bytes]:
        random = Random(seed)
        pool, mutator = Pool(random), Mutator(random, (b"<b>",), 300)
        for data in (b"<p>one</p>", b"two", b""):
            pool.add(data)
        return [mutator.mutate(pool.pick(), pool.pick()) for _ in range(300)]

    assert some(1) == some(1)
    assert some(1) != some(2)
    assert max(map(len, some(1))) == 300
    assert any(b"<b><b>" in data for data in some(1))


def test_the_board_outlives_its_writer(tmp_path: Path) -> None:
    """Another process, or this one, reads what was in hand and since when."""
    with Board(tmp_path / "board", 10) as board, Board(tmp_path / "board", 10) as other:
        assert other.read() is None
        board.begin(b"in hand, cut")
        found = other.read()
        assert found is not None
        assert found[0] == b"in hand, c"
        assert 0 <= found[1] < 5
        board.end()
        assert other.read() is None


def test_a_failure_is_kept_once_and_counted(tmp_path: Path) -> None:
    """The first input of a failure is minimised and written, the others are a number."""
    target = Breaks()
    with Board(tmp_path / "board", target.largest) as board:
        session = Session(target, board=board, report=tmp_path / "report", found=tmp_path / "found", seconds=9.0)
        for data in (b"one!", b"fine", b"two!!"):
            session.take(data)
    (failure,) = session.counts.failures
    assert (failure["times"], session.counts.inputs) == (2, 3)
    (file,) = (tmp_path / "found").iterdir()
    assert file.read_bytes() == b"!"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "kind"), [(Breaks(), "AssertionError"), (Eats(), "MemoryError"), (Crashes(), "signal 11")]
)
def test_what_was_planted_is_found_in_a_child_and_kept(target: Target, kind: str, tmp_path: Path) -> None:
    """A rule, the memory's bound and a crash of the process are found, minimised, and fail again alone."""
    run = run_target(target, engine="mutation", seconds=SECONDS, seed=1, found=tmp_path, patience=PATIENCE)
    (failure,) = run.counts.failures
    assert failure["kind"] == kind
    file = Path(failure["file"])
    assert b"!" in file.read_bytes()
    assert (run.deaths > 0) is kind.startswith("signal")
    code, told = alone(target.name, file)
    assert code != 0
    assert told["failure"] is not None


@pytest.mark.slow
def test_a_hang_is_ended_and_kept(tmp_path: Path) -> None:
    """An input that does not come back costs its process, and nothing else."""
    run = run_target(Hangs(), engine="mutation", seconds=SECONDS, seed=1, found=tmp_path, patience=PATIENCE)
    assert [failure["kind"] for failure in run.counts.failures] == ["hang"]
    assert run.deaths >= 1
    assert b"!" in Path(run.counts.failures[0]["file"]).read_bytes()


@pytest.mark.slow
def test_the_command_ends_with_one_when_there_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a line a target, and a run without failures ends with 0."""
    asked = ["--seconds", "1.5", "--engines", "mutation", "--seed", "1", "--targets", Idles.name]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "inputs/s" in said
    assert Idles.name in said


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed")
def test_atheris_drives_the_same_targets(tmp_path: Path) -> None:
    """Bytes are bytes: what one engine finds, the other finds, keeps and minimises alike."""
    run = run_target(Breaks(), engine="atheris", seconds=SECONDS, seed=1, found=tmp_path, patience=PATIENCE)
    (failure,) = run.counts.failures
    assert Path(failure["file"]).read_bytes() == b"!"
    assert run.deaths == 0
