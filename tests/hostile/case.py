"""What a case of the hostile web is: a behaviour that was met, what the product does about it, and who says so.

A test function with `@case` is one case; with `@table` it is run once a row and each row is a case. The table in
docs/hostile-web.md is made from these (`python tests/hostile/table.py`), so a case without a test cannot be in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

__all__ = ["CASES", "Case", "case", "row", "table"]


@dataclass(frozen=True, slots=True)
class Case:
    """One behaviour of the web."""

    topic: str  # robots, politeness, urls, redirects, cookies, http, addresses, content, spiders, output, resources
    name: str  # unique within its topic, lower case with dashes
    behaviour: str  # what the site, or the world, does
    expectation: str  # what the crawler does
    source: str  # RFC 9309 2.3.1, WHATWG URL 4.4, CVE-…, the project's own measurement


CASES: list[Case] = []


def case(topic: str, name: str, *, behaviour: str, expectation: str, source: str) -> Callable[[Any], Any]:
    """Make a test one case."""

    def mark(test: Any) -> Any:
        _add(Case(topic, name, behaviour, expectation, source))
        return test

    return mark


def row(name: str, *values: Any, behaviour: str = "", expectation: str = "") -> tuple[str, tuple[Any, ...], str, str]:
    """Return one row of a `table`; its behaviour and expectation complete the table's."""
    return name, values, behaviour, expectation


def table(
    topic: str,
    arguments: str,
    rows: Iterable[tuple[str, tuple[Any, ...], str, str]],
    *,
    behaviour: str,
    expectation: str,
    source: str,
) -> Callable[[Any], Any]:
    """Run a test once a row, each a case; `arguments` names the values as `pytest.mark.parametrize` does."""
    rows = list(rows)
    for name, _, more, wanted in rows:
        _add(Case(topic, name, f"{behaviour} {more}".strip(), f"{expectation} {wanted}".strip(), source))
    return pytest.mark.parametrize(arguments, [pytest.param(*values, id=name) for name, values, _, _ in rows])


def _add(new: Case) -> None:
    if any((known.topic, known.name) == (new.topic, new.name) for known in CASES):
        raise ValueError(f"there are two cases {new.topic}/{new.name}")
    CASES.append(new)
