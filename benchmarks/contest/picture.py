"""The tables as a picture: bars of pages per CPU second, one group a condition. SVG, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.contest.tables import Row

__all__ = ["picture"]

WIDTH, LEFT, RIGHT = 760, 150, 90  # pixels: the picture, before the bars, after them
BAR, GAP, HEAD = 20, 6, 40
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.head { font-weight: 600; }
.bar { fill: #8c959f; }
.ours { fill: #1f6feb; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .bar { fill: #6e7681; } .ours { fill: #58a6ff; } }
"""


def picture(groups: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Return an SVG document; rows that are not valid are left out."""
    parts: list[str] = []
    top = 0
    for title, rows in groups:
        shown = [row for row in rows if row.valid]
        parts.append(f'<text class="head" x="0" y="{top + 26}">{escape(title)}: pages per CPU second</text>')
        top += HEAD
        largest = max((1000 / row.cpu for row in shown), default=1.0)
        for row in shown:
            parts.append(_bar(row, top, largest))
            top += BAR + GAP
        top += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'role="img" aria-label="Pages per CPU second of several crawlers">\n<style>{_STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _bar(row: Row, top: int, largest: float) -> str:
    rate = 1000 / row.cpu
    length = max(1, round(rate / largest * (WIDTH - LEFT - RIGHT)))
    ours = "bar ours" if row.name.startswith("scraper") else "bar"
    middle = top + BAR - 5
    return (
        f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end">{escape(row.name)}</text>'
        f'<rect class="{ours}" x="{LEFT}" y="{top}" width="{length}" height="{BAR}" rx="2"/>'
        f'<text x="{LEFT + length + 6}" y="{middle}">{rate:,.0f}</text>'
    )
