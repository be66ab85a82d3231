"""The keys of one output: where the items go, in which form, and what becomes of what is there.

Only keys with their defaults and reasons, and how one follows from another. A path is a text with four placeholders,
none of which comes from a page; nothing here looks at a disk.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from scraper.config import checks
from scraper.config import values as v
from scraper.config.group import Group, key
from scraper.config.kinds import fault

__all__ = ["Output"]

_ENDINGS: Mapping[str, v.Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_UNKNOWN = ""  # no format can be told from the extension


class Output(Group):
    """One file that the items go to."""

    path: v.OutputPath = Field(
        description="The file, relative to the config file. {run} {date} {time} {name} are filled in; with one of the "
        "first three each run writes a file of its own. Required: there is no place that is always right."
    )
    format: v.Format = Field(
        default_factory=lambda data: _format_of(data["path"]),
        validate_default=True,
        description="How the items are written. By default from the extension of path: .jsonl and .ndjson are jsonl, "
        ".csv is csv, each also with .gz after it.",
    )
    mode: v.Mode = key(
        "replace", "What a new run does with the file of the run before; replace, so that the file is one run's."
    )
    gzip: v.Truth = Field(
        default_factory=lambda data: data["path"].endswith(".gz"),
        validate_default=True,
        description="Whether the file is compressed with gzip. By default from the extension of path: .gz is true.",
    )
    fields: v.Fields = key(
        None, "Fields of an item to write: a subset, and for csv the columns in this order. null: all of them."
    )

    formulas: v.Formulas = key(
        "keep",
        "What a csv table does with texts that a spreadsheet would run as formulas (those that begin with = + - @, tab "
        "or line end): keep, as a program that reads the table wants what the page said; escape puts an apostrophe in "
        "front, for tables that people open.",
    )

    @field_validator("format", mode="before")
    @classmethod
    def _is_known(cls, chosen: Any) -> Any:
        if chosen == _UNKNOWN:
            raise fault("the extension tells no format; add format: jsonl or format: csv", instead="path")
        return chosen

    @field_validator("gzip")
    @classmethod
    def _fits_path(cls, gzip: bool, info: ValidationInfo) -> bool:
        if not gzip and str(info.data.get("path", "")).endswith(".gz"):
            raise fault("path ends in .gz, which promises gzip; remove gzip: false or the .gz")
        return gzip

    @field_validator("formulas")
    @classmethod
    def _has_cells(cls, formulas: v.Formulas, info: ValidationInfo) -> v.Formulas:
        if formulas == "escape" and info.data.get("format") == "jsonl":
            raise fault("no spreadsheet reads jsonl as cells; remove formulas, or let the format be csv")
        return formulas

    @field_validator("fields")
    @classmethod
    def _each_once(cls, fields: tuple[str, ...] | None) -> tuple[str, ...] | None:
        checks.distinct_fields(fields)
        return fields


def _format_of(path: str) -> str:
    return _ENDINGS.get(posixpath.splitext(path.removesuffix(".gz"))[1], _UNKNOWN)
