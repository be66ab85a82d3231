"""The types of the keys: which kind of value stands there, and between which bounds.

A bound here is either the sense of a kind (no duration is negative) or a guard against slips of the pen; what suits a
crawl is a default, and those stand in `schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import WithJsonSchema

from scraper.config import checks
from scraper.config.kinds import GROUP, LIST, NULL, Choice, Flag, Quantity, Text, Whole
from scraper.config.units import DURATION, PERCENT, SIZE

__all__ = [
    "Addresses",
    "Count",
    "Duration",
    "Durability",
    "Fields",
    "Folder",
    "Format",
    "Formulas",
    "FromOne",
    "Headers",
    "Hops",
    "Hosts",
    "Ignored",
    "Limit",
    "Mode",
    "Name",
    "Networks",
    "Nofollow",
    "OutputPath",
    "Parallel",
    "Partial",
    "Patterns",
    "Per",
    "Percent",
    "Proxy",
    "Robots",
    "Seeds",
    "Size",
    "SpiderName",
    "Timeout",
    "Truth",
    "UserAgent",
]

YEAR = 365 * 86400.0  # seconds; the longest duration, far beyond any crawl
TICK = 1e-3  # seconds; the shortest time-out, what an event loop can tell apart
MAX_PARALLEL = 10_000  # requests; a process runs out of sockets before
MAX_BODY = 2**40  # bytes
MAX_HOPS = 100  # tries or redirects; browsers follow 20

_RobotsWord = Literal["obey", "ignore"]
_NofollowWord = Literal["page", "link", "ignore"]
_PartialWord = Literal["retry", "keep"]
_PerWord = Literal["host", "domain"]
_FormatWord = Literal["jsonl", "csv"]
_ModeWord = Literal["replace", "append"]
_FormulasWord = Literal["keep", "escape"]
_DurabilityWord = Literal["process", "power"]
Robots: TypeAlias = Annotated[_RobotsWord, Choice(get_args(_RobotsWord))]
Nofollow: TypeAlias = Annotated[_NofollowWord, Choice(get_args(_NofollowWord))]
Partial: TypeAlias = Annotated[_PartialWord, Choice(get_args(_PartialWord))]
Per: TypeAlias = Annotated[_PerWord, Choice(get_args(_PerWord))]
Format: TypeAlias = Annotated[_FormatWord, Choice(get_args(_FormatWord))]
Formulas: TypeAlias = Annotated[_FormulasWord, Choice(get_args(_FormulasWord))]
Mode: TypeAlias = Annotated[_ModeWord, Choice(get_args(_ModeWord))]
Durability: TypeAlias = Annotated[_DurabilityWord, Choice(get_args(_DurabilityWord))]

Truth: TypeAlias = Annotated[bool, Flag()]
Count: TypeAlias = Annotated[int, Whole()]
FromOne: TypeAlias = Annotated[int, Whole(least=1)]
Hops: TypeAlias = Annotated[int, Whole(most=MAX_HOPS)]
Parallel: TypeAlias = Annotated[int, Whole(least=1, most=MAX_PARALLEL)]
Limit: TypeAlias = Annotated[FromOne | None, NULL]
Duration: TypeAlias = Annotated[float, Quantity(DURATION, most=YEAR)]
Timeout: TypeAlias = Annotated[float, Quantity(DURATION, least=TICK, most=YEAR)]
Size: TypeAlias = Annotated[int, Quantity(SIZE, least=1, most=MAX_BODY, whole=True)]
Percent: TypeAlias = Annotated[float, Quantity(PERCENT, most=1)]

Name: TypeAlias = Annotated[str, Text(checks.name, pattern=f"^{checks.NAME_PATTERN}$")]
SpiderName: TypeAlias = Annotated[str, Text(checks.spider)]
# None is for Python alone: a crawl in memory. In a file null is as odd here as it is for any text.
Folder: TypeAlias = Annotated[Annotated[str, Text(checks.folder)] | None, WithJsonSchema({"type": "string"})]
OutputPath: TypeAlias = Annotated[str, Text(checks.output_path)]
UserAgent: TypeAlias = Annotated[Annotated[str, Text(checks.user_agent)] | None, NULL]
Seeds: TypeAlias = Annotated[tuple[Annotated[str, Text(checks.seed)], ...], LIST]
Hosts: TypeAlias = Annotated[tuple[Annotated[str, Text(checks.site)], ...], LIST]
Ignored: TypeAlias = Annotated[tuple[Annotated[str, Text(checks.ignored)], ...], LIST]
Patterns: TypeAlias = Annotated[tuple[Annotated[str, Text(checks.regex)], ...], LIST]
Fields: TypeAlias = Annotated[Annotated[tuple[Annotated[str, Text(checks.field_name)], ...], LIST] | None, NULL]
Headers: TypeAlias = Annotated[
    Mapping[Annotated[str, Text(checks.header_name)], Annotated[str, Text(checks.header_value)]], GROUP
]
Proxy: TypeAlias = Annotated[Annotated[str, Text(checks.proxy)] | None, NULL]
Networks: TypeAlias = Annotated[tuple[Annotated[str, Text(checks.network)], ...], LIST]
Addresses: TypeAlias = Annotated[
    Mapping[Annotated[str, Text(checks.host)], Annotated[str, Text(checks.address)]], GROUP
]
