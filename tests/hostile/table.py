"""Write docs/hostile-web.md from the cases: `python tests/hostile/table.py`.

Every line of the page is a case that registered itself when its test module was imported, so the page can hold nothing
that is not tested. Families of more than ALL_SHOWN rows, such as published tables of a standard, are one line. A test
fails when the page is older than the cases. Only the introduction stands here; no case may be written down.
"""

from __future__ import annotations

import importlib
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT), str(HERE.parent / "runs")]

from case import CASES, Case  # noqa: E402 - by the plain name that the test modules use: there is one list of cases

__all__ = ["PAGE", "page"]

PAGE = ROOT / "docs" / "hostile-web.md"
ALL_SHOWN = 60  # rows of one family; a longer one is a line
EXAMPLES = 3  # names that such a line gives
STAYING = ("Ll", "Lu", "Lo", "Nd", "Po", "Pd")  # categories of letters that are shown as they are
LEAST_BLANKS = 2  # in a beginning that says something

INTRODUCTION = """\
# The hostile web

What sites and networks do to crawlers, by malice or by mistake, and what this one does about it. Each row is a test in
`tests/hostile`; the page is made from the tests by `python tests/hostile/table.py`, and cannot hold a case that has
none. Run them all with

    python -m pytest tests/hostile

One case is run by its name, such as `-k host-only-subdomain`. *Source* says who describes the behaviour: a standard, a
published weakness, or a measurement of the project's own. An empty cell is the same as the one above it. A family of
more than {all_shown} rows is one line with its number of cases and the file that holds them. How Scrapy does in some of
them: [scoreboard.md](scoreboard.md).

{count:,} cases:
"""

Placed: TypeAlias = tuple[str, Case]  # the file's name, the case


def collect() -> list[Placed]:
    """Import every module of cases; return the cases, each with its file."""
    found: list[Placed] = []
    for path in sorted(HERE.glob("test_hostile_*.py")):
        importlib.import_module(path.stem)
        found += [(path.name, case) for case in CASES[len(found) :]]
    return found


def page() -> str:
    """Return the text of the page."""
    cases = sorted(collect(), key=lambda placed: placed[1].topic)  # stable: within a topic the files' order
    topics = {topic: list(group) for topic, group in groupby(cases, key=lambda placed: placed[1].topic)}
    parts = [INTRODUCTION.format(count=len(cases), all_shown=ALL_SHOWN), "\n| topic | cases |\n| --- | --- |\n"]
    parts += [f"| [{topic}](#{topic}) | {len(group):,} |\n" for topic, group in topics.items()]
    for topic, group in topics.items():
        parts += [f"\n## {topic}\n\n| case | behaviour | expectation | source |\n| --- | --- | --- | --- |\n"]
        parts += _lines(_rows(group))
    return "".join(parts)


def _rows(cases: Iterable[Placed]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the cells of each line: a case, or a family that is too long to be shown."""
    for (file, source), group in groupby(cases, key=lambda placed: (placed[0], placed[1].source)):
        family = [case for _, case in group]
        if len(family) <= ALL_SHOWN:
            yield from ((case.name, case.behaviour, case.expectation, source) for case in family)
        else:
            names = ", ".join(case.name for case in family[:EXAMPLES])
            behaviour = _shared([case.behaviour for case in family])
            expectation = _shared([case.expectation for case in family])
            yield f"{len(family)} cases in `{file}`: {names}, …", behaviour, expectation, source


def _shared(texts: list[str]) -> str:
    """Return what is said of most of `texts`, or how all of them begin, or one of them as an example."""
    usual, count = Counter(texts).most_common(1)[0]
    if count > len(texts) / 2:
        return usual
    first, last = min(texts), max(texts)
    same = next((place for place, letter in enumerate(first) if last[place : place + 1] != letter), len(first))
    beginning = first[:same].rpartition(" ")[0]
    return f"{beginning} …" if beginning.count(" ") >= LEAST_BLANKS else f"For example: {texts[len(texts) // 2]}"


def _lines(rows: Iterable[tuple[str, str, str, str]]) -> Iterator[str]:
    above: tuple[str, ...] = ("", "", "", "")
    for row in rows:
        cells = ["" if cell == same else _cell(cell) for cell, same in zip(row, above, strict=True)]
        yield f"| {' | '.join(cells)} |\n"
        above = row


def _cell(text: str) -> str:
    """Return `text` as Markdown shows it in a cell of a table; what is between backticks stays code."""
    text = "".join(map(_visible, text))
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        pieces = ["'".join(pieces)]
    shown = [piece if code % 2 else _plain(piece) for code, piece in enumerate(pieces)]
    return "`".join(shown).replace("|", "\\|")


def _plain(text: str) -> str:
    return re.sub(r"([\\*_\[\]])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;")


def _visible(letter: str) -> str:
    """Return a letter, or the number of one that could not be seen or would not stay in its place."""
    if " " <= letter <= "~" or (
        letter <= "\uffff" and unicodedata.category(letter) in ("Ll", "Lu", "Lo", "Nd", "Po", "Pd")
    ):
        return letter
    return letter if letter in "“”‘’…→§" else f"U+{ord(letter):04X} "


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
