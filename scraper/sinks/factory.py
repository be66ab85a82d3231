"""From what the user wrote to a sink. A new format is its module and one line of `FORMATS`.

Invariant: a place alone says how its output is written, so a run that goes on finds its work again whatever has become
of the config or of a symbolic link. Nothing here touches a file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

import msgspec

from scraper.errors import ConfigError
from scraper.sinks.base import GZIP_ENDING, Mode, Place, Sink
from scraper.sinks.csvfile import CsvSink
from scraper.sinks.formulas import Formulas
from scraper.sinks.jsonlines import JsonLinesSink

__all__ = ["FORMATS", "make_sink", "place_for"]


class Format(Protocol):
    """What a class of sinks needs to be a format: it is called to make a sink."""

    def plan(self, final: str, mode: Mode, format: str) -> Place:  # noqa: A002 - the noun of the config
        """Return the place of a new run."""
        ...

    def __call__(self, place: Place, *, executor: Executor, fields: Sequence[str] | None = None) -> Sink:
        """Make the sink."""
        ...


FORMATS: dict[str, Format] = {"jsonl": JsonLinesSink, "csv": CsvSink}
ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".jl": "jsonl", ".csv": "csv"}


def place_for(
    path: str | os.PathLike[str],
    *,
    mode: Mode = "replace",
    format: str | None = None,  # noqa: A002 - the noun of the config
    formulas: Formulas = "keep",
    private: bool = False,
) -> Place:
    """Return the place of a new run's output.

    `format` overrides the name's ending; a name or a format that ends in .gz is compressed. A symbolic link is
    followed: the link stays, the file that it points to is replaced. Raises ConfigError when the format is not known.
    """
    name = os.fspath(path)
    plain = (format or _format_of(name)).removesuffix(GZIP_ENDING)
    if plain not in FORMATS:
        raise ConfigError(f"there is no output format {format!r}; choose one of {', '.join(FORMATS)}, also with .gz")
    compressed = name.lower().endswith(GZIP_ENDING) or (format or "").endswith(GZIP_ENDING)
    place = FORMATS[plain].plan(os.path.realpath(name), mode, plain + GZIP_ENDING * compressed)
    return msgspec.structs.replace(place, formulas=formulas, private=private)


def make_sink(place: Place, *, executor: Executor, fields: Sequence[str] | None = None) -> Sink:
    """Return the sink of a place, new or stored by an earlier run.

    `executor` has exactly one thread; sinks may share it. `fields`: write only these, in this order. Raises ConfigError
    when the place's format is not known.
    """
    maker = FORMATS.get(place.format.removesuffix(GZIP_ENDING))
    if maker is None:
        raise ConfigError(f"there is no output format {place.format!r}; choose one of {', '.join(FORMATS)}")
    return maker(place, executor=executor, fields=fields)


def _format_of(path: str) -> str:
    """Return the format that the file name's ending says."""
    ending = Path(path.lower().removesuffix(GZIP_ENDING)).suffix
    if ending not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise ConfigError(f"no format is known for {path}: let it end in {known} (and .gz), or name a format")
    return ENDINGS[ending]
