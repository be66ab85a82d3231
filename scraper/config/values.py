"""The types of the keys: which kind of value stands there, and between which bounds.

A bound here is either the sense of a kind (no duration is negative) or a guard against slips of the pen; what suits a
crawl is a default, and those stand in `schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from scraper.config import checks
from scraper.config.kinds import Choice, Flag, Kind, Quantity, Text, Whole
from scraper.config.shapes import InPython, Many, Nullable, Texts
from scraper.config.units import DURATION, PERCENT, SIZE

__all__ = [
    "ADDRESSES",
    "COUNT",
    "DURABILITY",
    "FIELDS",
    "FOLDER",
    "FORMAT",
    "FORMULAS",
    "FROM_ONE",
    "HEADERS",
    "HOPS",
    "HOSTS",
    "IGNORED",
    "LIMIT",
    "LIMIT_COUNT",
    "LIMIT_SIZE",
    "LIMIT_TIME",
    "MODE",
    "NAME",
    "NETWORKS",
    "NOFOLLOW",
    "OUTPUT_PATH",
    "PARALLEL",
    "PARTIAL",
    "PATTERNS",
    "PER",
    "PROXY",
    "ROBOTS",
    "SEEDS",
    "SHARE",
    "SPACE",
    "SPAN",
    "SPIDER",
    "TIMEOUT",
    "TRUTH",
    "USER_AGENT",
    "FormatWord",
]

YEAR = 365 * 86400.0  # seconds; the longest duration, far beyond any crawl
TICK = 1e-3  # seconds; the shortest time-out, what an event loop can tell apart
MAX_PARALLEL = 10_000  # requests; a process runs out of sockets before
MAX_BODY = 2**40  # bytes
MAX_HOPS = 100  # tries or redirects; browsers follow 20

_RobotsWord: TypeAlias = Literal["obey", "ignore"]
_NofollowWord: TypeAlias = Literal["page", "link", "ignore"]
_PartialWord: TypeAlias = Literal["retry", "keep"]
_PerWord: TypeAlias = Literal["host", "domain"]
FormatWord: TypeAlias = Literal["jsonl", "csv"]
_ModeWord: TypeAlias = Literal["replace", "append"]
_FormulasWord: TypeAlias = Literal["keep", "escape"]
_DurabilityWord: TypeAlias = Literal["process", "power"]
ROBOTS: Kind[_RobotsWord] = Choice(*get_args(_RobotsWord))
NOFOLLOW: Kind[_NofollowWord] = Choice(*get_args(_NofollowWord))
PARTIAL: Kind[_PartialWord] = Choice(*get_args(_PartialWord))
PER: Kind[_PerWord] = Choice(*get_args(_PerWord))
FORMAT: Kind[FormatWord] = Choice(*get_args(FormatWord))
FORMULAS: Kind[_FormulasWord] = Choice(*get_args(_FormulasWord))
MODE: Kind[_ModeWord] = Choice(*get_args(_ModeWord))
DURABILITY: Kind[_DurabilityWord] = Choice(*get_args(_DurabilityWord))

TRUTH = Flag()
COUNT = Whole()
FROM_ONE = Whole(least=1)
HOPS = Whole(most=MAX_HOPS)
PARALLEL = Whole(least=1, most=MAX_PARALLEL)
SPAN = Quantity(DURATION, float, most=YEAR)
TIMEOUT = Quantity(DURATION, float, least=TICK, most=YEAR)
SPACE = Quantity(SIZE, int, least=1, most=MAX_BODY)
SHARE = Quantity(PERCENT, float, most=1)
LIMIT = Nullable(FROM_ONE)
LIMIT_COUNT = Nullable(COUNT)
LIMIT_TIME = Nullable(TIMEOUT)
LIMIT_SIZE = Nullable(SPACE)

NAME = Text(checks.name, pattern=f"^{checks.NAME_PATTERN}$")
SPIDER = InPython(Text(checks.spider))  # required in a file, and an argument of its own in Python
FOLDER = InPython(Text(checks.folder))  # None: a crawl in memory
OUTPUT_PATH = Text(checks.output_path)
USER_AGENT = Nullable(Text(checks.user_agent))
SEEDS = Many(Text(checks.seed))
HOSTS = Many(Text(checks.site))
IGNORED = Many(Text(checks.ignored))
PATTERNS = Many(Text(checks.regex))
FIELDS = Nullable(Many(Text(checks.field_name)))
HEADERS: Kind[Mapping[str, str]] = Texts(Text(checks.header_name), Text(checks.header_value))
PROXY = Nullable(Text(checks.proxy))
NETWORKS = Many(Text(checks.network))
ADDRESSES: Kind[Mapping[str, str]] = Texts(Text(checks.host), Text(checks.address))
