"""Tables that somebody opens in a spreadsheet, and tables with everything in their cells."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table
from hypothesis import given
from hypothesis import strategies as st

from scraper.config.schema import from_kwargs
from scraper.errors import ConfigError
from scraper.item import to_record
from scraper.sinks import Mode, make_sink, place_for
from scraper.sinks.formulas import Formulas, escaped, unescaped

OWASP = "OWASP, CSV Injection; CWE-1236"
FULL_WIDTH = "＝＋－＠"


async def write(
    path: Path, *batches: Sequence[dict[str, Any]], formulas: Formulas = "keep", mode: Mode = "replace", **options: Any
) -> list[list[str]]:
    """Do a whole run that is taken up again after each batch; return the table as the csv module reads it."""
    with ThreadPoolExecutor(1) as thread:
        place, offset = place_for(path, mode=mode, formulas=formulas), None
        for batch in batches:
            sink = make_sink(place, executor=thread, **options)
            await sink.open(offset)
            offset, place = await sink.write([to_record(item) for item in batch]), sink.place
            await sink.close()
        sink = make_sink(place, executor=thread, **options)
        await sink.open(offset)
        await sink.seal()
        await sink.close()
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline=""), strict=True))


@table(
    "output",
    "text, cell",
    [
        row("formula-equals", "=1+1", "'=1+1"),
        row("formula-command", "=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
        row("formula-plus", "+1+1", "'+1+1"),
        row("formula-minus", "-2+3", "'-2+3"),
        row("formula-at", "@SUM(1)", "'@SUM(1)"),
        row("formula-tab", "\t=1", "'\t'=1"),
        row("formula-carriage-return", "\r=1", "'\r'=1"),
        row("formula-line-feed", "\n=1", "'\n'=1"),
        row("formula-full-width", FULL_WIDTH, f"'{FULL_WIDTH}"),
        row("formula-behind-blanks", "  =1", "'  =1"),
        row("formula-behind-nul", "\0=1", "'\0=1"),
        row("formula-behind-byte-order-mark", "\ufeff=1", "'\ufeff=1"),
        row("formula-behind-zero-width", "\u200b=1", "'\u200b=1"),
        row("formula-behind-semicolon", "x;=1", "x;'=1", expectation="Excel splits there where a comma is decimal."),
        row("formula-in-second-line", 'x"\n=1', "x\"\n'=1"),
        row("formula-already-escaped", "'=1", "''=1"),
        row("text-plain", "a = b - c @ d", "a = b - c @ d"),
        row("text-apostrophe", "'tis", "'tis"),
        row("text-empty", "", ""),
        row("text-number", "-12.50", "-12.50"),
        row("text-number-plus", "+1e5", "+1e5"),
        row("number-negative", -5, "-5"),
        row("number-float", -1.5e-7, "-1.5e-7"),
        row("nested", ["=1"], '["=1"]'),
        row("truth", True, "true"),
        row("nothing", None, ""),
    ],
    behaviour="A field holds what a spreadsheet would run.",
    expectation="With `formulas: escape` an apostrophe stands in front of each formula, numbers stay numbers;",
    source=OWASP,
)
async def test_a_formula_is_text_when_that_is_asked_for(text: Any, cell: str, tmp_path: Path) -> None:
    """And without being asked, what the page said is what is written."""
    rows = await write(tmp_path / "a.csv", [{"first": "x", "field": text}], formulas="escape")
    assert rows == [["first", "field"], ["x", cell]]
    kept = await write(tmp_path / "b.csv", [{"first": "x", "field": text}])
    expected = text if isinstance(text, str) else "" if text is None else None
    assert expected is None or kept[1][1] == expected


@given(st.text(alphabet="'=+-@;\t\r\n a1\0,\"\u3000\ufeff＝"))
def test_nothing_is_lost_by_escaping(text: str) -> None:
    """Taking one apostrophe away from where formulas begin gives back what the page said."""
    spelled = escaped(text)
    assert unescaped(spelled) == text
    if not re.fullmatch(r"[+-]?[0-9.]+", text):
        assert not any(re.match(r"[\s\0\ufeff]*[=+\-@＝]", cell) for cell in re.split(r"[;\t\r\n]", spelled))


@case(
    "output",
    "formula-as-name",
    behaviour="The names of fields come from a page, and are formulas.",
    expectation="They are escaped in the header, and found again when the next run appends.",
    source=OWASP,
)
async def test_names_of_columns_are_escaped_and_found_again(tmp_path: Path) -> None:
    """Two runs make one column."""
    for _ in range(2):
        rows = await write(tmp_path / "a.csv", [{"=name": "=x", "n": 1}], formulas="escape", mode="append")
    assert rows == [["'=name", "n"], ["'=x", "1"], ["'=x", "1"]]


def test_formulas_are_for_tables() -> None:
    """A promise that a format cannot keep is refused."""
    with pytest.raises(ConfigError, match=r"output\.0\.formulas|formulas"):
        from_kwargs({"output": {"path": "a.jsonl", "formulas": "escape"}})
    (output,) = from_kwargs({"output": {"path": "a.csv.gz", "formulas": "escape"}}).output
    assert output.formulas == "escape"


CELLS = {
    "quote": 'say "no"',
    "only-quotes": '""""',
    "comma": "a,b",
    "line-feed": "a\nb",
    "carriage-return": "a\rb",
    "both": "a\r\nb\r\n",
    "ends-in-line-end": "a\n",
    "nul": "a\0b",
    "blank-ends": "  a  ",
    "lone-surrogate": "a\ud800b",
    "unicode-lines": "a\u2028b\x85c\x0bd\x0ce",
    "byte-order-mark": "\ufeffa",
    "backslash": 'a\\"b\\',
    "very-long": "x" * 1_000_000,
    "long-with-quotes": '",\n' * 50_000,
    "sub-character": "\x1a",
    "escape-sequence": "\x1b[31m",
}


@table(
    "output",
    "text",
    [row(f"csv-{name}", text, behaviour=name.replace("-", " ") + ".") for name, text in CELLS.items()],
    behaviour="A field, and a field's name, hold",
    expectation="CSV and JSON Lines are read back as they were, half a letter as U+FFFD; a next run finds the column.",
    source="RFC 4180 2, RFC 8259 7",
)
async def test_any_text_comes_back(text: str, tmp_path: Path) -> None:
    """With the strict reader of Python's csv module, whatever its limit of a field."""
    csv.field_size_limit(10_000_000)
    whole = text.encode("utf-8", "replace").decode().replace("?", "\ufffd") if "\ud800" in text else text
    name = whole[:40]
    await write(tmp_path / "a.csv", [{"first": 1, text[:40]: text}])
    rows = await write(tmp_path / "a.csv", [{text[:40]: text}], mode="append")
    assert rows == [["first", name], ["1", whole], ["", whole]]
    with ThreadPoolExecutor(1) as thread:
        sink = make_sink(place_for(tmp_path / "a.jsonl"), executor=thread)
        await sink.open(None)
        await sink.write([to_record({text[:40]: text})])
        await sink.seal()
        await sink.close()
    assert json.loads((tmp_path / "a.jsonl").read_bytes()) == {name: whole}
    assert (tmp_path / "a.jsonl").read_bytes().count(b"\n") == 1


@case(
    "output",
    "csv-late-columns-after-a-kill",
    behaviour="A run is taken up again, and its items have fields that none had before.",
    expectation="One table with all columns; earlier rows have empty cells there.",
    source="architecture.md, law 2",
)
async def test_fields_that_come_after_a_resume_have_columns(tmp_path: Path) -> None:
    """The columns are known at the end only."""
    rows = await write(tmp_path / "a.csv", [{"a": 1}], [{"b": 2}], [{"c": 3, "a": 4}])
    assert rows == [["a", "b", "c"], ["1", "", ""], ["", "2", ""], ["4", "", "3"]]


async def test_chosen_fields_stay_chosen_after_a_resume(tmp_path: Path) -> None:
    """What is not among them is not written, whenever it comes."""
    rows = await write(tmp_path / "a.csv", [{"a": 1}], [{"b": 2, "a": 3}], fields=("a",))
    assert rows == [["a"], ["1"], ["3"]]
