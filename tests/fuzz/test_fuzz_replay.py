"""Every input that fuzzing has found, tried again: what was repaired stays repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz import targets
from fuzz.parent import FOUND
from fuzz.target import Target, attempt

SLACK = 10.0  # times the processor time that an input may take: code whose branches are counted is slow
INPUTS = sorted(path for path in FOUND.glob("*/*") if path.is_file())


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[str, Target]]:
    """The targets of the inputs, ready."""
    made = {name: targets.make(name) for name in dict.fromkeys(path.parent.name for path in INPUTS)}
    for target in made.values():
        target.open()
    yield made
    for target in made.values():
        target.close()


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_is_right(path: Path, opened: dict[str, Target]) -> None:
    """An input in fuzz/found breaks no rule of its target any more, and takes no longer than it may."""
    failure, _ = attempt(opened[path.parent.name], path.read_bytes(), slack=SLACK)
    assert failure is None, f"{failure.message}\n{failure.trace}"


@pytest.mark.parametrize("name", targets.NAMES)
def test_a_target_bears_its_first_seeds(name: str) -> None:
    """Each target can be opened, takes its own seeds and closes, so `make fuzz` does not begin with a broken one."""
    target = targets.make(name)
    target.open()
    try:
        for _, data in zip(range(3), target.seeds(), strict=False):
            failure, _ = attempt(target, data, slack=10.0)
            assert failure is None, f"{failure.message}\n{failure.trace}"
    finally:
        target.close()


def test_every_found_input_is_of_a_target() -> None:
    """A folder of another name would be replayed by nobody."""
    assert {path.parent.name for path in INPUTS} <= set(targets.NAMES)
