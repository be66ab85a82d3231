"""The keys of one output: where the items go, in which form, and what becomes of what is there.

Only keys with their defaults and reasons, and how one follows from another. A path is a text with four placeholders,
none of which comes from a page; nothing here looks at a disk.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from scraper.config import checks
from scraper.config import values as v
from scraper.config.faults import Refusal, fault
from scraper.config.group import DERIVED, REQUIRED, Below, Group, Key
from scraper.config.kinds import Kind
from scraper.config.shapes import Many
from scraper.config.tree import Leaf

__all__ = ["OUTPUTS", "Output"]

_ENDINGS: Mapping[str, v.FormatWord] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_GZIP = ".gz"


def _format_of(before: Mapping[str, Any]) -> v.FormatWord:
    extension = posixpath.splitext(_path(before).removesuffix(_GZIP))[1]
    if extension not in _ENDINGS:
        raise fault("the extension tells no format; add format: jsonl or format: csv", instead="path")
    return _ENDINGS[extension]


def _promises_gzip(before: Mapping[str, Any]) -> bool:
    return _path(before).endswith(_GZIP)


def _path(before: Mapping[str, Any]) -> str:
    if "path" not in before:
        raise Refusal  # the path is wrong itself, which is told already
    return str(before["path"])


def _keeps_promise(gzip: bool, before: Mapping[str, Any]) -> None:
    if not gzip and "path" in before and _promises_gzip(before):
        raise fault("path ends in .gz, which promises gzip; remove gzip: false or the .gz")


def _has_cells(formulas: str, before: Mapping[str, Any]) -> None:
    if formulas == "escape" and before.get("format") == "jsonl":
        raise fault("no spreadsheet reads jsonl as cells; remove formulas, or let the format be csv")


def _each_once(fields: tuple[str, ...] | None, _: Mapping[str, Any]) -> None:
    checks.distinct_fields(fields)


class Output(Group):
    """One file that the items go to."""

    path = Key(
        v.OUTPUT_PATH,
        REQUIRED,
        "The file, relative to the config file. {run} {date} {time} {name} are filled in; with one of the first three "
        "each run writes a file of its own. Required: there is no place that is always right.",
    )
    format = Key(
        v.FORMAT,
        DERIVED,
        "How the items are written. By default from the extension of path: .jsonl and .ndjson are jsonl, .csv is csv, "
        "each also with .gz after it.",
        derive=_format_of,
    )
    mode = Key(
        v.MODE,
        "replace",
        "What a new run does with the file of the run before; replace, so that the file is one run's.",
    )
    gzip = Key(
        v.TRUTH,
        DERIVED,
        "Whether the file is compressed with gzip. By default from the extension of path: .gz is true.",
        derive=_promises_gzip,
        check=_keeps_promise,
    )
    fields = Key(
        v.FIELDS,
        None,
        "Fields of an item to write: a subset, and for csv the columns in this order. null: all of them.",
        check=_each_once,
    )
    formulas = Key(
        v.FORMULAS,
        "keep",
        "What a csv table does with texts that a spreadsheet would run as formulas (those that begin with = + - @, tab "
        "or line end): keep, as a program that reads the table wants what the page said; escape puts an apostrophe in "
        "front, for tables that people open.",
        check=_has_cells,
    )


class _One(Below[Output]):
    """One output; a text alone is its path."""

    __slots__ = ()

    def read(self, value: Any) -> Output:
        """Return the output."""
        return super().read({"path": value} if isinstance(value, Leaf | str | PurePath) else value)


class _All(Many[Output]):
    """The outputs; a single one, mapping or text, is a list of one."""

    __slots__ = ()

    def split(self, value: Any) -> tuple[Any, ...]:
        """Return the outputs as they are written."""
        return (value,) if isinstance(value, Mapping | Output) else super().split(value)


OUTPUTS: Kind[tuple[Output, ...]] = _All(_One(Output))
