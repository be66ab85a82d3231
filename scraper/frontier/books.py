"""What the frontier knows of its requests beyond whose turn it is.

Fingerprints seen, the way of each redirected or retried request, and the texts that are in RAM anyway; how a request
becomes a row and a row a lease again.

Synchronous; no SQL and no asyncio here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from scraper.clock import Clock, SteadyWall
from scraper.frontier.base import HostPolicy
from scraper.frontier.hosts import HostQueue
from scraper.frontier.index import Index
from scraper.frontier.seen import Seen
from scraper.frontier.store import Row
from scraper.policy.budget import Budget
from scraper.policy.redirect import next_hop
from scraper.recent import Recent
from scraper.request import Request
from scraper.urls import Url
from scraper.visit import Lease

__all__ = ["Books", "Trail", "url_row"]

TEXTS_IN_RAM = 4096  # requests whose text is kept beside the index: about 2 MB
RECENT_LINKS = 16_384  # links met lately, twice at most; about 6 MB
SPENT_EVERY = 10_000  # new URLs, until the budget is written down anew; twenty thousand places take 20 ms
SPENT_SHARE = 10  # and a tenth of all: what is counted again when going on


class Trail(msgspec.Struct):
    """How far a request has come: tries made, and the hops of its redirect chain as (URL, status)."""

    attempt: int = 0
    hops: tuple[tuple[Url, int], ...] = ()


class Books:
    """What the frontier knows of its requests."""

    def __init__(self, index: Index, clock: Clock, budget: Budget | None) -> None:
        self.index = index
        self.clock = clock
        self.budget = budget  # None: nothing is counted
        self.wall: SteadyWall  # from `set_time` on
        self.seen = Seen()
        self.recent = Recent[Url, int](RECENT_LINKS)
        self.trails: dict[int, Trail] = {}
        self.claims: dict[int, list[int]] = {}  # request in a redirect chain -> fingerprints that only its hops brought
        self.wanted: dict[int, tuple[Request, int] | None] = {}  # such a fingerprint -> who else asked for it, on what
        self.last_id = 0
        self.spent_upto = 0  # the last id whose URL the store's row of the budget knows
        self._robots_moved: dict[str, tuple[Url, ...]] = {}  # origin -> where its robots.txt was redirected to
        self._texts: dict[int, Request] = {}

    def set_time(self, last: float) -> None:
        """Begin to count; `last`: the latest moment on record, in epoch seconds, 0 for none.

        Time goes on from there: a wall clock that was set back since prolongs no rest and reorders no outcomes.
        """
        self.wall = SteadyWall(self.clock, least=last)

    @property
    def has_room(self) -> bool:
        """Tell whether more texts may be kept in RAM."""
        return len(self._texts) < TEXTS_IN_RAM

    def knows(self, request: int) -> bool:
        """Tell whether the text of a request is in RAM."""
        return request in self._texts

    def remember(self, number: int, request: Request) -> None:
        """Keep the text of a request in RAM, if there is room."""
        if len(self._texts) < TEXTS_IN_RAM:
            self._texts[number] = request

    def note(self, request: Request) -> None:
        """Note that `request` was offered, for those who only ask about a link."""
        if request.method == "GET" and not request.body:
            self.recent.put(request.url, 1)

    def remember_rows(self, rows: Iterable[Row]) -> None:
        """Keep the texts that were read from the store, whatever the room: they are about to be leased."""
        for number, url, priority, depth, parent, callback, extra in rows:
            more = msgspec.json.decode(extra, type=_Extra) if extra else _NO_EXTRA
            self._texts[number] = Request(
                Url(url),
                callback,
                method=more.method,
                headers=more.headers,
                body=more.body,
                meta=more.meta,
                priority=priority,
                retry=more.retry,
                depth=depth,
                parent=parent,
            )

    def lease(self, number: int, queue: HostQueue) -> Lease:
        """Make the lease of a request whose turn has come."""
        if not number:
            way = (Url(queue.origin + "/robots.txt"), *self._robots_moved.get(queue.origin, ()))
            return Lease(0, request=Request(way[-1]), origin=queue.origin, chain=way[:-1])
        request = self._texts.pop(number)
        trail, dead = self.trails.get(number), queue.host.dead
        if trail is None:
            return Lease(number, request=request, origin=queue.origin, host_is_dead=dead)
        chain = (request.url, *(url for url, _ in trail.hops[:-1])) if trail.hops else ()
        for url, status in trail.hops:
            request = next_hop(request, status, url)
        return Lease(
            number,
            request=request,
            origin=queue.origin,
            attempt=trail.attempt,
            chain=chain,
            host_is_dead=dead,
        )

    def claim(self, number: int, mark: int) -> None:
        """Let a request own the page that it was redirected to, until its chain ends."""
        self.claims.setdefault(number, []).append(mark)
        self.wanted[mark] = None

    def disclaim(self, number: int, *, disowned: bool) -> list[tuple[Request, int]]:
        """End a request's chain; return the others (with the page they were on) that wanted what it has disowned."""
        others = []
        for mark in self.claims.pop(number, ()):
            other = self.wanted.pop(mark)
            if disowned:
                self.seen.discard(mark)
                others += [other] if other is not None else []
        return others

    def note_robots(self, origin: str, policy: HostPolicy) -> None:
        """Remember where an origin's robots.txt was moved to, until it is known what it says."""
        if policy.robots_at is not None:
            self._robots_moved[origin] = (*self._robots_moved.get(origin, ()), policy.robots_at)
        elif policy.robots_until is not None:
            self._robots_moved.pop(origin, None)

    def spent(self) -> tuple[int, int, bytes] | None:
        """Return the row that keeps the budget, when enough has changed to write it down anew."""
        if self.budget is None or self.last_id - self.spent_upto < max(SPENT_EVERY, self.last_id // SPENT_SHARE):
            return None
        self.spent_upto = self.last_id
        return 1, self.last_id, self.budget.told()


class _Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """What few requests have, in one JSON column."""

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    meta: dict[str, Any] = {}
    retry: bool | None = None


_NO_EXTRA = _Extra()


def url_row(number: int, host: int, request: Request, mark: int, parent: int) -> Row:
    """Return the row that keeps a request."""
    extra = None
    if request.method != "GET" or request.headers or request.body or request.meta or request.retry is not None:
        more = _Extra(request.method, request.headers, request.body, dict(request.meta), request.retry)
        extra = msgspec.json.encode(more)
    return (
        number,
        host,
        request.priority,
        mark,
        str(request.url),
        request.depth,
        parent,
        request.callback,
        extra,
    )
