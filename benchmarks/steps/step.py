"""One step: a name, what it is counted by, and how its work is made ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.steps.material import Material

__all__ = ["Step", "Work"]

Work = Callable[[], int]  # does the step, returns how many units that were; may be called again and again


@dataclass(frozen=True, slots=True)
class Step:
    """A part of what happens to a page."""

    name: str
    prepare: Callable[[Material], Work]
    unit: str
    tolerance: float = 0.02  # share by which instructions may grow: what different runs of one code differ, twice
