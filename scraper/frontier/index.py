"""Whose turn is it? The frontier's decisions, in RAM, synchronous, with time as an argument.

Politeness is the shape of the data: a host stands in the ready heap only when it has work, has a free slot and has
rested; a host that is leased, full or resting is not there, so nobody can ask it for a page. One host (a name) may have
several origins (scheme and port), each with its own queue and its own robots.txt; they share the host's rest and slots.
A queue whose robots.txt is not known yields exactly one lease, for that file, and nothing else until it is.

A queued request is its id: 4 bytes in one array of links (FIFO within a priority), its text stays on disk. Leasing is
O(log hosts). No I/O, no asyncio, no URL text may enter.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

from scraper.frontier.base import Counts, Gap, HostPolicy
from scraper.frontier.hosts import Host, HostQueue, best_queue, lane_of, next_queue

__all__ = ["Index"]


@dataclass(slots=True)
class _Slot:
    """What a lease holds of its host."""

    queue: HostQueue
    priority: int
    gap: float  # seconds of rest that this request costs the host
    before: float  # the host's next_at before the lease
    after: float  # and with it
    held: bool = True  # the host's slot is still taken


class Index:
    """All host queues of a crawl and the two heaps that say whose turn it is."""

    def __init__(self, *, limit: int, gap: Gap, host_of: Callable[[str], str], ask_robots: bool) -> None:
        self._limit = limit  # requests at once to one host
        self._gap = gap
        self._host_of = host_of
        self._first_robots = -inf if ask_robots else inf
        self.queues: dict[str, HostQueue] = {}
        self.by_id: list[HostQueue] = []  # position: number of the queue
        self._hosts: dict[str, Host] = {}
        self._next = array("I", [0])  # position: request id; value: the id behind it, 0 at the end
        self._ready: list[tuple[int, int, Host]] = []  # (-priority, ticket, host)
        self._resting: list[tuple[float, int, Host]] = []  # (next_at, ticket, host)
        self._delayed: list[tuple[float, int, int, HostQueue]] = []  # (not before, id, priority, queue)
        self._tickets = 0
        self._leased: dict[int, _Slot] = {}
        self._asked: dict[str, _Slot] = {}  # robots.txt leases by origin
        self.accepted = self.finished = self._queued = 0

    # -- queues ------------------------------------------------------------------------------------------------------

    def queue(self, origin: str) -> HostQueue:
        """Return the queue of `origin`, made when it is new."""
        known = self.queues.get(origin)
        if known is None:
            name = self._host_of(origin)
            host = self._hosts.get(name)
            if host is None:
                host = self._hosts[name] = Host(name)
            known = self.queues[origin] = HostQueue(len(self.by_id), origin, host, self._first_robots)
            self.by_id.append(known)
            host.queues.append(known)
        return known

    def append(self, request: int, queue: HostQueue, priority: int, now: float) -> None:
        """Accept request number `request`, always the next one, at the end of its lane."""
        self._link(request)
        self.accepted += 1
        self._enqueue(request, queue, priority)
        self._notice(queue.host, priority, now)

    def skip(self, request: int) -> None:
        """Accept a request that an earlier process has already finished."""
        self._link(request)
        self.accepted += 1
        self.finished += 1

    def delay(self, request: int, queue: HostQueue, priority: int, until: float) -> None:
        """Keep `request` out of its queue until clock time `until`."""
        heappush(self._delayed, (until, request, priority, queue))
        self._queued += 1

    def accept_delayed(self, request: int, queue: HostQueue, priority: int, until: float) -> None:
        """Accept a request that an earlier process has put off until clock time `until`."""
        self._link(request)
        self.accepted += 1
        self.delay(request, queue, priority, until)

    def _link(self, request: int) -> None:
        missing = request + 1 - len(self._next)
        if missing == 1:
            self._next.append(0)
        elif missing > 1:
            self._next.frombytes(bytes(missing * self._next.itemsize))

    def _enqueue(self, request: int, queue: HostQueue, priority: int, *, front: bool = False) -> None:
        lane = lane_of(queue.lanes, priority)
        self._next[request] = lane[1] if front else 0
        if not lane[1]:
            lane[1] = lane[2] = request
        elif front:
            lane[1] = request
        else:
            self._next[lane[2]] = request
            lane[2] = request
        queue.length += 1
        self._queued += 1

    def _dequeue(self, queue: HostQueue) -> tuple[int, int]:
        lane = queue.lanes[0]
        priority, request, last = lane
        if request == last:
            del queue.lanes[0]
        else:
            lane[1] = self._next[request]
        queue.length -= 1
        self._queued -= 1
        return request, priority

    def ahead(self, queue: HostQueue, count: int) -> list[int]:
        """Return the next ids of the queue's first lane, at most `count`, without taking them."""
        if not queue.lanes:
            return []
        _, request, last = queue.lanes[0]
        found: list[int] = []
        while len(found) < count:
            found.append(request)
            if request == last:
                break
            request = self._next[request]
        return found

    # -- turns -------------------------------------------------------------------------------------------------------

    def lease(self, now: float, limit: int) -> list[tuple[int, HostQueue]]:
        """Take up to `limit` requests whose turn it is: (id, queue); id 0 asks for the queue's robots.txt."""
        self._wake(now)
        taken: list[tuple[int, HostQueue]] = []
        ready = self._ready
        while ready and len(taken) < limit:
            _, ticket, host = heappop(ready)
            if ticket == host.ticket:
                host.ticket = 0
                if (queue := next_queue(host)) is not None:
                    taken.append((self._take(queue, now), queue))
        return taken

    def _take(self, queue: HostQueue, now: float) -> int:
        host = queue.host
        gap = self._gap(host.crawl_delay)
        before, after = host.next_at, now + gap
        if queue.robots_until <= now:
            request = 0
            queue.asked = True
            self._asked[queue.origin] = _Slot(queue, 0, gap, before, after)
        else:
            request, priority = self._dequeue(queue)
            self._leased[request] = _Slot(queue, priority, gap, before, after)
        host.in_flight += 1
        host.next_at = after
        self._offer_turn(host, now)
        return request

    def _notice(self, host: Host, priority: int, now: float) -> None:
        """Look at a host again that got a request, unless its place in a heap is right as it is."""
        if not host.ticket or priority > host.rank:
            self._offer_turn(host, now)

    def _offer_turn(self, host: Host, now: float) -> None:
        """Put the host into the heap where it belongs now, if it belongs in one."""
        queue = best_queue(host) if host.in_flight < self._limit else None
        if queue is None:
            host.ticket = 0
            return
        self._tickets += 1
        host.ticket = self._tickets
        host.rank = queue.lanes[0][0]
        if host.next_at > now:
            heappush(self._resting, (host.next_at, host.ticket, host))
        else:
            heappush(self._ready, (-host.rank, host.ticket, host))

    def _wake(self, now: float) -> None:
        """Move what has waited long enough: delayed requests to the front of their lanes, rested hosts to ready."""
        while self._delayed and self._delayed[0][0] <= now:
            _, request, priority, queue = heappop(self._delayed)
            self._queued -= 1
            self._enqueue(request, queue, priority, front=True)
            self._notice(queue.host, priority, now)
        while self._resting and self._resting[0][0] <= now:
            _, ticket, host = heappop(self._resting)
            if ticket == host.ticket:
                self._offer_turn(host, now)

    def next_event(self) -> float:
        """Return the clock time at which a host or a request will have waited long enough; inf: never by itself."""
        while self._resting and self._resting[0][1] != self._resting[0][2].ticket:
            heappop(self._resting)  # an entry that was overtaken
        soonest = self._resting[0][0] if self._resting else inf
        return min(soonest, self._delayed[0][0]) if self._delayed else soonest

    # -- endings -----------------------------------------------------------------------------------------------------

    def release(self, request: int, origin: str, sent_at: float | None, now: float) -> None:
        """Free the slot of a lease; the host rests from `sent_at`, or as if it had not been leased when None."""
        slot = self._asked.pop(origin) if request == 0 else self._leased[request]
        host = slot.queue.host
        slot.held = False
        host.in_flight -= 1
        if sent_at is not None:
            host.sent_at = max(host.sent_at, sent_at)
            host.next_at = max(host.next_at, sent_at + slot.gap)
        elif host.next_at == slot.after:
            host.next_at = slot.before
        self._offer_turn(host, now)

    def settle(self, request: int, now: float) -> tuple[HostQueue, int]:
        """Forget a lease whose outcome is known; return its queue and priority. The caller counts where it went."""
        slot = self._leased[request]
        if slot.held:
            self.release(request, slot.queue.origin, None, now)
        del self._leased[request]
        return slot.queue, slot.priority

    def finish(self) -> None:
        """Count one settled request as finished."""
        self.finished += 1

    def put_back(self, request: int, queue: HostQueue, priority: int, now: float) -> None:
        """Give a settled request the next turn of `queue`."""
        self._enqueue(request, queue, priority, front=True)
        self._notice(queue.host, priority, now)

    def host_policy(self, origin: str, policy: HostPolicy, now: float) -> None:
        """Apply what is known of an origin."""
        queue = self.queue(origin)
        host = queue.host
        if policy.robots_until is not None:
            queue.robots_until = policy.robots_until
            queue.asked = False
        if policy.crawl_delay is not None:
            host.crawl_delay = max(policy.crawl_delay, host.crawl_delay or 0.0)
            host.next_at = max(host.next_at, host.sent_at + self._gap(host.crawl_delay))
        if policy.rest_until is not None:
            host.next_at = max(host.next_at, policy.rest_until)
        self._offer_turn(host, now)

    @property
    def over(self) -> bool:
        """Tell whether nothing is queued and nothing is in flight."""
        return not self._queued and not self._leased and not self._asked

    def counts(self) -> Counts:
        """Return where the accepted requests are."""
        return Counts(self.accepted, self._queued, len(self._leased), self.finished, len(self._hosts))

    def __repr__(self) -> str:
        return f"<Index {len(self._hosts)} hosts | {self._queued} queued | {len(self._leased)} in flight>"
