"""What a frontier is: the memory of a crawl behind six verbs.

    offer        requests enter (seeds); those already seen do not
    lease        the right to make requests now, of hosts that may be visited now
    sent         a request went out: its host rests from that moment
    release      the host's slot is free again
    commit       outcomes, new links and output offsets become durable, all in one transaction
    host_policy  what a site asked for: a delay, a rest, its robots.txt known for a while

Invariants, for every back end: accepted = queued + in flight + finished; a host that rests or is full is not leased;
what was committed survives SIGKILL, what was not is leased again. Retry and redirect are outcomes: the frontier puts
the request back. `lease` answers [] exactly when the crawl is over or was told to stop: no other place decides that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from scraper.outcome import Reason
from scraper.policy.pace import Heard
from scraper.request import Request
from scraper.urls import Url
from scraper.visit import Lease, Visit

__all__ = ["Committed", "Counts", "Frontier", "History", "HostPolicy", "OutputState", "Resumed"]


class Counts(msgspec.Struct, frozen=True):
    """Where the accepted requests are."""

    accepted: int
    queued: int  # waiting, resting or delayed
    in_flight: int  # leased and not yet committed
    finished: int
    hosts: int = 0

    @property
    def conserved(self) -> bool:
        """Tell whether the first law holds."""
        return self.accepted == self.queued + self.in_flight + self.finished


class OutputState(msgspec.Struct, frozen=True):
    """What is committed of one output: plain JSON data about its place, and its length in bytes."""

    place: Mapping[str, Any]
    offset: int


class History(msgspec.Struct, frozen=True):
    """What earlier processes of a run have committed."""

    visits: Sequence[tuple[int, str, int, int, int]] = ()  # kind, reason, visits, items, bytes
    refused: Sequence[tuple[str, int]] = ()  # reason, links
    faults: Sequence[tuple[str, int]] = ()  # reason, faults
    troubles: Sequence[tuple[str, str, str]] = ()  # url, reason, detail: of failures, the first ones
    lost_seeds: Sequence[tuple[str, str, str]] = ()  # url, reason, detail
    retries: int = 0
    redirects: int = 0
    streaks: Sequence[tuple[str, int]] = ()  # origin, visits since its last page that found the host down


class Resumed(msgspec.Struct, frozen=True):
    """What a frontier remembered when it was opened."""

    run: int  # number of the run, from 1
    status: str  # "new", "running", "sealing", "failing", "ended" or "failed"
    started: float  # epoch seconds
    outputs: Mapping[str, OutputState] = {}
    history: History = History()
    counts: Counts = Counts(0, 0, 0, 0)


class HostPolicy(msgspec.Struct, frozen=True):
    """What is now known of an origin; None leaves a value as it was. Times are clock seconds."""

    robots_at: Url | None = None  # where its robots.txt was moved to; that is to be asked for next
    robots_until: float | None = None  # its robots.txt is known until then; before that its pages are not leased
    crawl_delay: float | None = None  # seconds, as the site asked
    rest_until: float | None = None  # nobody visits the host before that


class Committed(msgspec.Struct, frozen=True):
    """What a commit did with the visits' links."""

    accepted: int = 0
    duplicates: int = 0
    refused: Mapping[str, int] = {}  # reason -> links that were not refused for it before
    overruled: Mapping[int, Reason] = {}  # lease id -> why its redirect was not followed


class Frontier(Protocol):
    """The crawl's memory."""

    hungry: asyncio.Event  # set while a lease call waits and commits could feed it

    async def open(self) -> Resumed:
        """Open or create the memory; raise StateDamaged for a file that is not ours or not whole."""
        ...

    async def begin(self, run: int, outputs: Mapping[str, OutputState]) -> None:
        """Write down that a run has begun and where its outputs are."""
        ...

    async def offer(self, requests: Sequence[Request], refusals: Sequence[tuple[str, Reason]] = ()) -> Committed:
        """Accept seeds that were not seen before, durably."""
        ...

    def knows(self, url: Url) -> bool:
        """Tell, at no cost, that a GET of `url` was offered before; False may also mean that this is not at hand."""
        ...

    async def lease(self, limit: int) -> list[Lease]:
        """Wait until at least one request may be made; return up to `limit`, or [] when the crawl is over."""
        ...

    def sent(self, lease: Lease, at: float) -> None:
        """Let the host rest from `at` (clock seconds), when the request went out; its slot is still taken."""
        ...

    def release(self, lease: Lease, sent_at: float | None, heard: Heard | None = None) -> None:
        """Free the host's slot; it rests from `sent_at` (clock seconds), or not at all when nothing was sent.

        Whoever cannot say earlier that a request went out says it here; until then no other one of a host that is owed
        a rest is leased. `heard`: what the visit says about the host, which may then be visited more slowly, rest or
        count as dead.
        """
        ...

    async def commit(self, visits: Sequence[Visit], offsets: Mapping[str, int]) -> Committed:
        """Record outcomes, links and output offsets in one transaction."""
        ...

    def host_policy(self, origin: str, policy: HostPolicy) -> None:
        """Apply what is known of an origin."""
        ...

    def counts(self) -> Counts:
        """Return where the accepted requests are."""
        ...

    def stop(self) -> None:
        """Make this and every later `lease` answer []."""
        ...

    async def mark(self, status: str) -> None:
        """Write down the run's status: "sealing" or "failing" while its outputs are finished, "ended", "failed"."""
        ...

    async def close(self) -> None:
        """Let go of files and threads; what is not committed is leased again by the next run."""
        ...


Gap = Callable[[float | None], float]  # the site's own delay -> seconds between two requests to the host
