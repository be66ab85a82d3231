"""Every step, in the order in which a page meets them."""

from __future__ import annotations

from benchmarks.steps import crawls, deciding, edges, reading
from benchmarks.steps.step import Step

__all__ = ["STEPS"]

STEPS: tuple[Step, ...] = (*reading.STEPS, *deciding.STEPS, *edges.STEPS, *crawls.STEPS)
