"""A lease and what became of it: the two values that travel between the frontier, the workers and the committer.

A lease is the right to make one request now; a visit is that lease with its outcome, the records and the links that it
brought. Nothing here decides or does anything.
"""

from __future__ import annotations

import msgspec

from scraper.item import Record
from scraper.outcome import Outcome, Reason, Refused
from scraper.request import Request
from scraper.urls import Url

__all__ = ["Fault", "Lease", "Visit"]

ROBOTS_ID = 0  # the id of every robots.txt lease: it belongs to an origin, not to an accepted request


class _Numbered(msgspec.Struct, frozen=True):
    id: int


class Lease(_Numbered, frozen=True, kw_only=True):
    """The right to make `request` now. Whoever holds it must release and commit it."""

    request: Request  # as it goes out: after redirects, the URL of the last hop
    origin: str  # scheme://host[:port] of that URL; of robots.txt, that which it is asked for
    attempt: int = 0  # tries already made at this hop
    chain: tuple[Url, ...] = ()  # earlier URLs of the redirect chain, oldest first
    host_is_dead: bool = False  # the right to nothing: it is leased to be refused

    @property
    def is_robots(self) -> bool:
        """Tell whether this asks for the origin's robots.txt."""
        return self.id == ROBOTS_ID

    @property
    def refusal(self) -> Refused | None:
        """Why it is not used: its host was given up."""
        return Refused(Reason.HOST_DOWN, "its host had stopped answering") if self.host_is_dead else None

    def __repr__(self) -> str:
        return f"<Lease {self.id} {self.request.url}>"


class Fault(msgspec.Struct, frozen=True):
    """Something that broke on a page without ending its visit: an item that cannot be written, a wrong yield."""

    reason: str  # "item", "callback"
    detail: str


class Visit(msgspec.Struct, frozen=True):
    """A lease that has ended in `outcome`, with all that it brought."""

    lease: Lease
    outcome: Outcome
    records: tuple[Record, ...] = ()
    requests: tuple[Request, ...] = ()  # links that passed the scope
    refusals: tuple[tuple[str, Reason], ...] = ()  # links that did not, as they were found
    known: int = 0  # links that were not looked at, since the frontier has them
    faults: tuple[Fault, ...] = ()
