"""From runs to rows: medians, spreads and ratios, as a Markdown table and as plain data.

A contestant that missed an item, or got one wrong, in any round is shown without a rate: it did another job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.contest.conditions import Condition
from benchmarks.contest.measuring import Result
from benchmarks.website.write import Site

__all__ = ["Row", "as_data", "markdown", "rows_of"]

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant under one condition; CPU is in seconds a 1,000 pages."""

    name: str
    cpu: float
    cpu_least: float
    cpu_most: float
    pages_a_second: float
    memory_mb: float
    requests: float
    right_share: float  # of the items, in the worst round

    @property
    def valid(self) -> bool:
        """Tell whether every item was right in every round."""
        return self.right_share == 1.0


def rows_of(site: Site, results: Sequence[Result]) -> list[Row]:
    """Return the rows, the cheapest first."""
    names = dict.fromkeys(result.contestant for result in results)
    rows = [_row(name, site, [result for result in results if result.contestant == name]) for name in names]
    return sorted(rows, key=lambda row: row.cpu)


def _row(name: str, site: Site, runs: Sequence[Result]) -> Row:
    costs = [run.cpu / site.pages * 1000 for run in runs]
    return Row(
        name=name,
        cpu=median(costs),
        cpu_least=min(costs),
        cpu_most=max(costs),
        pages_a_second=median(site.pages / run.wall for run in runs),
        memory_mb=median(run.memory for run in runs) / MB,
        requests=median(run.requests for run in runs),
        right_share=min((run.right - run.wrong) / site.items for run in runs),
    )


def markdown(condition: Condition, site: Site, rows: Sequence[Row], rounds: int) -> str:
    """Return a heading, a line about the site, and the table."""
    lines = [
        f"### {condition.title}",
        "",
        f"{site.pages:,} pages with {site.items:,} items, median {site.median_bytes / 1000:.1f} KB; "
        f"{rounds} interleaved rounds; {condition.connections} connections.",
        "",
        "| crawler | CPU s a 1,000 pages (least to most) | pages/s | peak RSS MB | requests | right items "
        "| CPU: times less than scrapy | of raw's speed per CPU s | of raw's pages/s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    by_name = {row.name: row for row in rows}
    return "\n".join([*lines, *(_line(row, by_name) for row in rows), ""])


def _line(row: Row, by_name: dict[str, Row]) -> str:
    def ratio(name: str, what: str) -> str:
        other = by_name.get(name)
        if other is None or not row.valid:
            return "-"
        if what == "cpu":
            return f"{other.cpu / row.cpu:.2f}"
        return f"{row.pages_a_second / other.pages_a_second:.2f}"

    share = f"{100 * row.right_share:.1f} %" + ("" if row.valid else " (void)")
    return (
        f"| {row.name} | {row.cpu:.2f} ({row.cpu_least:.2f} to {row.cpu_most:.2f}) | {row.pages_a_second:.0f} "
        f"| {row.memory_mb:.0f} | {row.requests:.0f} | {share} "
        f"| {ratio('scrapy', 'cpu')} | {ratio('raw', 'cpu')} | {ratio('raw', 'rate')} |"
    )


def as_data(condition: Condition, site: Site, rows: Sequence[Row], results: Sequence[Result]) -> dict[str, Any]:
    """Return everything of one condition as plain data."""
    return {
        "condition": asdict(condition),
        "site": asdict(site),
        "rows": [asdict(row) for row in rows],
        "runs": [asdict(result) for result in results],
    }
