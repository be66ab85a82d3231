"""The ways a visit ends. Every leased request ends in exactly one of them; a retry is one too.

These are values: nothing here decides. The small integers are what the crawl's memory stores, so they never change
meaning. A refusal has a reason from a closed list; a failure has a stable code (an error's `reason`, `http_404`,
`callback`), so that every URL that the crawl saw can be explained.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from scraper.urls import Url

__all__ = ["PARTIAL", "Failed", "Fetched", "Moved", "Outcome", "Reason", "Refused", "Retry", "kind_of"]

PARTIAL: Final = "truncated"  # how a page whose body was cut short is told apart; as a failure it has the same code


class Reason(StrEnum):
    """Why a URL was not fetched although it was seen."""

    DUPLICATE = "duplicate"  # another request owns it
    OFF_SCOPE = "off_scope"  # not one of the crawl's hosts
    DENIED = "denied"  # a deny pattern, or no allow pattern, of the scope
    TOO_DEEP = "too_deep"
    SCHEME = "scheme"  # mailto:, javascript:, file: …
    INVALID_URL = "invalid_url"
    TOO_LONG = "too_long"
    TOO_MANY_LINKS = "too_many_links"  # beyond the links of one page
    NOFOLLOW = "nofollow"  # the page asks robots not to follow it
    TRAP_REPETITION = "trap_repetition"  # its path or query goes round in circles
    TRAP_CALENDAR = "trap_calendar"  # a date that no calendar needs
    TRAP_CHAIN = "trap_chain"  # the end of a chain of pages in one place that led to nothing else
    BUDGET_HOST = "budget_host"  # beyond the pages of one host
    BUDGET_FILTER = "budget_filter"  # beyond the pages of one path with the same four or more parameters
    ROBOTS = "robots"  # robots.txt says no
    ROBOTS_UNREACHABLE = "robots_unreachable"  # RFC 9309, 2.3.1.4: no answer means no
    REDIRECT_LIMIT = "redirect_limit"
    HOST_DOWN = "host_down"  # it did not answer for so long that what was left of it was given up
    UNSAFE_ADDRESS = "unsafe_address"  # not a public address, and nobody named it
    CROSS_ORIGIN = "cross_origin"  # a redirect that would carry a body to another origin


class Fetched(msgspec.Struct, frozen=True, gc=False):
    """The page came, and its callback ran to the end."""

    status: int
    bytes: int = 0
    elapsed: float = 0.0  # seconds
    partial: bool = False  # its body was cut short, and was wanted all the same


class Refused(msgspec.Struct, frozen=True, gc=False):
    """It was not fetched, on purpose."""

    reason: Reason
    detail: str = ""  # one line: what would have let it in


class Failed(msgspec.Struct, frozen=True, gc=False):
    """It brought no page, or its callback broke; no further try."""

    reason: str
    status: int = 0  # of the last response; 0: there was none
    detail: str = ""  # one line, or the callback's traceback


class Retry(msgspec.Struct, frozen=True, gc=False):
    """It goes back to the frontier and may not be leased again for `delay` seconds."""

    reason: str
    delay: float
    status: int = 0


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A redirect: the same request goes on at `target`, through the front door."""

    target: Url
    status: int


Outcome: TypeAlias = Fetched | Refused | Failed | Retry | Moved

_KINDS: dict[type, int] = {Fetched: 1, Refused: 2, Failed: 3, Retry: 4, Moved: 5}


def kind_of(outcome: Outcome) -> int:
    """Return the small integer under which this kind of outcome is stored."""
    return _KINDS[type(outcome)]
