"""docs/outcomes.md lists exactly what there is, and its questions to the state file are answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scraper.cli import main, run, signals
from scraper.engine.reading import HOSTILE_PAGE
from scraper.errors import RequestException
from scraper.frontier.store import Store
from scraper.outcome import Reason
from tests.docs.reading import ROOT, blocks, codes, commands, execute, save

PAGE = ROOT / "docs" / "outcomes.md"
OF_OUTCOMES = {"http_NNN", "callback", "internal", HOSTILE_PAGE}  # failures that no error of errors.py stands for


def _kinds(root: type[RequestException]) -> Iterator[type[RequestException]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


def test_the_table_of_refusals_lists_every_reason_once() -> None:
    """Reason is a closed list; a new one has to be explained."""
    assert sorted(codes(PAGE, "Refusals")) == sorted(reason.value for reason in Reason)


def test_the_tables_of_failures_list_every_code_once() -> None:
    """Every error's `reason`, and what only an outcome can be."""
    assert sorted(codes(PAGE, "Failures")) == sorted({kind.reason for kind in _kinds(RequestException)} | OF_OUTCOMES)


def test_the_exit_codes_are_those_of_the_command() -> None:
    """Code by code."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Exit codes\n")[2].partition("\n## ")[0]
    shown = [int(row.split("|")[1]) for row in section.splitlines() if row.startswith("| ") and row[2].isdigit()]
    assert shown == [main.DONE, main.FAILED, main.WRONG_CONFIG, run.STOPPED, main.LOCKED, signals.INTERRUPTED]


def test_every_table_of_the_state_file_is_described(tmp_path: Path) -> None:
    """The list of tables is the one of a new file."""
    store = Store(tmp_path / "run.db", power_safe=False)
    store.open()
    store.close()
    with closing(sqlite3.connect(tmp_path / "run.db")) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
    described = PAGE.read_text(encoding="utf-8").partition("| table | one row for |")[2]
    shown = [line.split("`")[1] for line in described.splitlines() if line.startswith("| `")]
    assert sorted(shown) == sorted(tables)


@pytest.mark.slow
def test_every_question_has_an_answer(tmp_path: Path) -> None:
    """The example crawl leaves a state file in which each query of the page finds something."""
    queries = []
    for block in blocks(PAGE):
        if block.file:
            save(block, tmp_path)
        if block.kind == "console":
            assert [execute(command, tmp_path) for command, _ in commands(block)] == [""]
        if block.kind == "sql":
            queries.append(block)
    with closing(sqlite3.connect(tmp_path / ".scrape" / "everything" / "run.db")) as database:
        unanswered = [str(block) for block in queries if not database.execute(block.text).fetchall()]
    assert (len(queries), unanswered) == (6, [])
