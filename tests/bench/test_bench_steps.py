"""Every step of the micro-benchmarks runs, twice, on a few pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.steps.all import STEPS
from benchmarks.steps.material import Material
from benchmarks.steps.step import Step


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_can_be_done_again_and_again(step: Step, tmp_path: Path, port: int) -> None:
    """A step does the same amount of work each time, so that rounds can be compared."""
    work = step.prepare(Material(tmp_path, tiny=True, size=22, port=port))
    assert work() == work() > 0
