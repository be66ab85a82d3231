"""What a case of the scoreboard is, and the list of them.

A case is a story that is played once for each contestant: it puts sites on a stage, lets the contestant crawl them and
returns a verdict. The story never learns who is on the stage, so the verdict is found in the same way for all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from zlib import crc32

from benchmarks.hostile.stage import Stage

__all__ = ["CASES", "Case", "Story", "Verdict", "case", "verdict"]

EVIDENCE_CHARS = 160


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the expectation was met, and what was seen."""

    right: bool
    evidence: str


Story = Callable[[Stage], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class Case:
    """One behaviour of the web."""

    topic: str
    name: str  # unique within its topic
    meets: str  # what the site, or the world, does
    expects: str  # what a crawler does then
    source: str  # who says so
    story: Story

    @property
    def key(self) -> str:
        """The name by which the case is chosen."""
        return f"{self.topic}/{self.name}"

    @property
    def words(self) -> str:
        """A digest of what it says: a result of other words is out of date."""
        return f"{crc32(f'{self.meets}|{self.expects}'.encode()):08x}"


CASES: dict[str, Case] = {}


def case(topic: str, name: str, *, meets: str, expects: str, source: str) -> Callable[[Story], Story]:
    """Put a story on the list."""

    def mark(story: Story) -> Story:
        new = Case(topic, name, meets, expects, source, story)
        if new.key in CASES:
            raise ValueError(f"there are two cases {new.key}")
        CASES[new.key] = new
        return story

    return mark


def verdict(right: bool, evidence: str) -> Verdict:
    """Return a verdict; its evidence is one short line."""
    line = " ".join(evidence.split())
    return Verdict(bool(right), line if len(line) <= EVIDENCE_CHARS else f"{line[: EVIDENCE_CHARS - 1]}…")
