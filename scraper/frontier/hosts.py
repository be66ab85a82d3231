"""A host and its queues: the bookkeeping that the index turns into turns.

A host (a name) is the unit of politeness; each origin under it (scheme and port) has a queue of its own. A queue is a
few lanes, one a priority; a lane is only the first and the last id of a linked list that the index keeps.

Of very many hosts none is in the processor's cache when its turn comes. So what nearly all of them are (of one origin,
with requests of one priority) stands in the host and its queue themselves, and no list has to be visited.

No time is read here and nothing is decided but the order within one host.
"""

from __future__ import annotations

from math import inf

import msgspec

from scraper.policy.pace import FRESH, WELL, Heard, Pace, Pacing

__all__ = ["Host", "HostQueue", "Lane", "Slot", "best_queue", "took_turn"]


class Host:
    """The politeness unit: everything under one name shares one rest and one set of slots."""

    __slots__ = (
        "crawl_delay",
        "dead",
        "errands",
        "gap",
        "in_flight",
        "leaving",
        "name",
        "next_at",
        "only",
        "pace",
        "queues",
        "rank",
        "sent_at",
        "ticket",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.only: HostQueue | None = None  # its queue, if it has one
        self.queues: list[HostQueue] | None = None  # its queues, if it has several
        self.errands: list[HostQueue] | None = None  # of other hosts as a rule: their robots.txt was moved to this one
        self.in_flight = 0
        self.leaving = 0  # requests in flight that have not gone out yet, as far as is known
        self.gap = 0.0  # seconds that it is owed between two requests when it is well
        self.next_at = -inf  # clock seconds: not before
        self.sent_at = -inf  # clock seconds of the last request to it
        self.crawl_delay: float | None = None
        self.pace: Pace = FRESH
        self.dead = False  # as its pace says
        self.ticket = 0  # the number of its one valid entry in a line or heap; 0: it has none
        self.rank = 0  # the priority under which that entry stands

    def take_in(self, queue: HostQueue) -> None:
        """Have one queue more."""
        if self.queues is not None:
            self.queues.append(queue)
        elif self.only is None:
            self.only = queue
        else:
            self.queues, self.only = [self.only, queue], None

    def has_room(self, limit: int) -> bool:
        """Tell whether one request more may be leased, of `limit` at once, when the host has rested.

        Of a host that is owed a rest one request at a time goes out: only then is known from when it rests. A dead one
        always has room: what it still has is leased to be refused.
        """
        if self.dead:
            return True
        pace = self.pace
        if pace is WELL or pace is FRESH:  # as nearly all hosts are, at every turn: their rate is what is configured
            return self.in_flight < limit and not (self.leaving and self.gap)
        return self.in_flight < pace.slots(limit) and not (self.leaving and pace.gap(self.gap, limit))

    def left(self, at: float, limit: int) -> None:
        """Rest from clock time `at`, when a request went out."""
        self.sent_at = max(self.sent_at, at)
        self.next_at = max(self.next_at, at + self.pace.gap(self.gap, limit))

    def hear(self, heard: Heard, now: float, pacing: Pacing) -> bool:
        """Change the pace by what was heard, and rest when the host asks for that or does not answer.

        Tell whether the pace is another one now.
        """
        before = self.pace
        self.pace = pacing.hear(before, heard, now)
        if self.pace is before:
            return False
        self.dead = self.pace.dead
        if self.pace.rested_at > before.rested_at:
            self.next_at = max(self.next_at, now + pacing.rest(self.pace))
        return True

    def __repr__(self) -> str:
        queued = self.only.length if self.only else sum(queue.length for queue in self.queues or ())
        return f"<Host {self.name} {queued} queued | {self.in_flight} in flight>"


Lane = list[int]  # [priority, first id, last id]


class HostQueue:
    """The requests of one origin that wait for their turn."""

    __slots__ = (
        "asked",
        "first",
        "fresh",
        "host",
        "id",
        "last",
        "length",
        "lower",
        "origin",
        "priority",
        "robots_until",
    )

    def __init__(self, number: int, origin: str, host: Host, robots_until: float) -> None:
        self.id = number
        self.origin = origin
        self.host = host
        self.priority = self.first = self.last = 0  # its lane of the highest priority, when it has any
        self.lower: list[Lane] | None = None  # the other ones, if there are any, highest priority first
        self.length = 0  # requests in all lanes
        self.robots_until = robots_until  # clock seconds: its robots.txt is known until then
        self.asked = False  # its robots.txt is being fetched; until it is known nothing else is leased
        self.fresh = False  # its robots.txt has come and no page was leased since: its connection is still there

    def __repr__(self) -> str:
        return f"<HostQueue {self.origin} {self.length} queued>"


class Slot(msgspec.Struct):
    """What a lease holds of its host."""

    queue: HostQueue
    host: Host  # of the URL that is asked for; robots.txt may have moved away from its queue's host
    priority: int
    held: bool = True  # the slot is still taken
    leaving: bool = True  # and its request has not gone out yet


def best_queue(host: Host) -> HostQueue | None:
    """Return the host's errand, else its queue with the highest priority that may yield something.

    Of equals the one that waits longest.
    """
    if host.errands:
        return host.errands[0]
    best = host.only
    if best is not None:
        return best if best.length and not best.asked else None
    for queue in host.queues or ():
        if queue.length and not queue.asked and (best is None or queue.priority > best.priority):
            best = queue
    return best


def took_turn(host: Host, best: HostQueue) -> None:
    """Put the host's best queue, which has had its turn, behind its equals; an errand is done."""
    if host.errands:
        del host.errands[0]
    elif host.queues is not None:
        host.queues.remove(best)
        host.queues.append(best)
