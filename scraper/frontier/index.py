"""Whose turn is it? The frontier's decisions, in RAM, synchronous, with time as an argument.

Politeness is the shape of the data: a host stands in the ready lines only when it has work, has a free slot and has
rested; a host that is leased, full or resting is not there, so nobody can ask it for a page. One host (a name) may have
several origins (scheme and port), each with its own queue and its own robots.txt; they share the host's rest and slots.
A queue whose robots.txt is not known yields exactly one lease, for that file, and nothing else until it is. Where that
file was moved to another host, the next lease for it is an errand to that host, in its turn and at its pace. A host
rests from the moment its request went out; until that is known no other one is leased. A dead host has neither rest nor
limit: what it still has is leased at once, to be refused.

A queued request is its id: 4 bytes in one array of links (FIFO within a priority), its text stays on disk. Leasing is
O(log hosts) for hosts that rest, and asks no other host. No I/O, no asyncio, no URL text may enter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from math import inf

from scraper.frontier.base import Counts, Gap, HostPolicy
from scraper.frontier.hosts import Host, HostQueue, Slot, best_queue, took_turn
from scraper.frontier.lanes import Lanes
from scraper.policy.pace import Heard, Pacing
from scraper.urls import origin as origin_of

__all__ = ["Index"]


class Index:
    """All host queues of a crawl, the lines of those that may be asked and the heap of those that rest."""

    def __init__(
        self, *, limit: int, gap: Gap, host_of: Callable[[str], str], ask_robots: bool, pacing: Pacing | None = None
    ) -> None:
        self._limit = limit  # requests at once to one host
        self._gap = gap
        self._pacing = pacing  # None: all hosts go at the configured pace, whatever is heard of them
        self._host_of = host_of
        self._first_robots = -inf if ask_robots else inf
        self.queues: dict[str, HostQueue] = {}
        self.by_id: list[HostQueue] = []  # position: number of the queue
        self._hosts: dict[str, Host] = {}
        self._lanes = Lanes()
        self._ready: dict[int, deque[tuple[int, Host]]] = {}  # priority -> (ticket, host), first come, first served
        self._ranks: list[int] = []  # a heap of those priorities, each times -1
        self._resting: list[tuple[float, int, Host]] = []  # (next_at, ticket, host)
        self._delayed: list[tuple[float, int, int, HostQueue]] = []  # (not before, id, priority, queue)
        self._touched: dict[Host, None] = {}  # whose rest may have changed since `rests` was asked
        self._tickets = 0
        self._leased: dict[int, Slot] = {}
        self._asked: dict[str, Slot] = {}  # robots.txt leases by origin
        self.accepted = self.finished = self._queued = 0

    # -- queues ------------------------------------------------------------------------------------------------------

    def queue(self, origin: str) -> HostQueue:
        """Return the queue of `origin`, made when it is new."""
        known = self.queues.get(origin)
        if known is None:
            host = self._host(origin)
            known = self.queues[origin] = HostQueue(len(self.by_id), origin, host, self._first_robots)
            self.by_id.append(known)
            host.take_in(known)
        return known

    def _host(self, origin: str) -> Host:
        name = self._host_of(origin)
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(name)
        return host

    def append(self, request: int, queue: HostQueue, priority: int, now: float) -> None:
        """Accept request number `request`, always the next one, at the end of its lane."""
        self.accepted += 1
        self._enqueue(request, queue, priority)
        self._notice(queue.host, priority, now)

    def restore(self, accepted: int, finished: int, pending: Iterable[tuple[int, int, int]], now: float) -> None:
        """Accept what an earlier process has: `pending` in its order as (id, number of the queue, priority).

        The same as `append` for each of them, at a quarter of the price: this is what going on waits for.
        """
        self.accepted, self.finished = accepted, finished
        for queue in self._lanes.refill(accepted, pending, self.by_id):
            self._queued += queue.length
            self._offer_turn(queue.host, now)

    def delay(self, request: int, queue: HostQueue, priority: int, until: float) -> None:
        """Keep `request` out of its queue until clock time `until`."""
        heappush(self._delayed, (until, request, priority, queue))
        self._queued += 1

    def _enqueue(self, request: int, queue: HostQueue, priority: int, *, front: bool = False) -> None:
        self._lanes.put(request, queue, priority, front=front)
        self._queued += 1

    def ahead(self, queue: HostQueue, count: int) -> list[int]:
        """Return the next ids of the queue's first lane, at most `count`, without taking them."""
        return self._lanes.ahead(queue, count)

    # -- turns -------------------------------------------------------------------------------------------------------

    def lease(self, now: float, limit: int) -> list[tuple[int, HostQueue]]:
        """Take up to `limit` requests whose turn it is: (id, queue); id 0 asks for the queue's robots.txt."""
        self._wake(now)
        taken: list[tuple[int, HostQueue]] = []
        while self._ranks and len(taken) < limit:
            line = self._ready[-self._ranks[0]]
            ticket, host = line.popleft()
            if not line:
                del self._ready[-heappop(self._ranks)]
            if ticket == host.ticket:
                host.ticket = 0
                if (queue := best_queue(host)) is not None:
                    if host.only is None or host.errands:
                        took_turn(host, queue)
                    taken.append((self._take(queue, host, now), queue))
        return taken

    def _take(self, queue: HostQueue, host: Host, now: float) -> int:
        host.gap = self._gap(host.crawl_delay)
        if queue.robots_until <= now and (queue.asked or not host.dead):
            request = 0
            queue.asked = True
            self._asked[queue.origin] = Slot(queue, host, 0)
        else:
            request, priority = self._lanes.take(queue)
            queue.fresh = False
            self._queued -= 1
            self._leased[request] = Slot(queue, host, priority)
        host.in_flight += 1
        host.leaving += 1
        self._offer_turn(host, now)
        return request

    def _notice(self, host: Host, priority: int, now: float) -> None:
        """Look at a host again that got a request, unless its place is right as it is."""
        if not host.ticket or priority > host.rank:
            self._offer_turn(host, now)

    def _notice_rest(self, host: Host, now: float) -> None:
        """Look at a host again that may have room or may have to rest, unless it stands where it may be asked now."""
        if not host.ticket or host.next_at > now:
            self._offer_turn(host, now)

    def _offer_turn(self, host: Host, now: float) -> None:
        """Put the host where it belongs now: into a line, the heap of those that rest, or nowhere."""
        queue = best_queue(host) if host.has_room(self._limit) else None
        if queue is None:
            host.ticket = 0
            return
        self._tickets += 1
        host.ticket = self._tickets
        host.rank = queue.priority
        if host.next_at > now and not host.dead:
            heappush(self._resting, (host.next_at, host.ticket, host))
            return
        line = self._ready.get(host.rank)
        if line is None:
            line = self._ready[host.rank] = deque()
            heappush(self._ranks, -host.rank)
        if queue.fresh:  # a round of ten thousand hosts takes longer than a connection is kept
            line.appendleft((host.ticket, host))
        else:
            line.append((host.ticket, host))

    def _wake(self, now: float) -> None:
        """Move what has waited long enough: delayed requests to the front of their lanes, rested hosts to ready."""
        while self._delayed and self._delayed[0][0] <= now:
            _, request, priority, queue = heappop(self._delayed)
            self._queued -= 1
            # No request is to spend all its tries on one outage: while a host is only probed they take turns.
            self._enqueue(request, queue, priority, front=not queue.host.pace.probing)
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

    def sent(self, request: int, origin: str, at: float, now: float) -> bool:
        """Let the host rest from `at`, when a lease's request went out; tell whether it has another turn to come."""
        slot = self._asked.get(origin) if request == 0 else self._leased.get(request)
        if slot is None or not slot.leaving:
            return False
        slot.leaving = False
        slot.host.leaving -= 1
        slot.host.left(at, self._limit)
        self._touched[slot.host] = None
        self._notice_rest(slot.host, now)
        return slot.host.ticket > 0

    def release(self, request: int, origin: str, sent_at: float | None, now: float, heard: Heard | None = None) -> None:
        """Free the slot of a lease; the host rests from `sent_at`, or as it did without the lease when None."""
        slot = self._asked.pop(origin) if request == 0 else self._leased[request]
        host = slot.host
        slot.held = False
        host.in_flight -= 1
        news = slot.leaving  # that it went out was not said yet
        host.leaving -= news
        slot.leaving = False
        changed = heard is not None and self._pacing is not None and host.hear(heard, now, self._pacing)
        if sent_at is not None and (news or changed or sent_at > host.sent_at):
            host.left(max(sent_at, host.sent_at), self._limit)  # what the new pace asks, from the last request on
        self._touched[host] = None
        if changed:
            self._offer_turn(host, now)
        else:
            self._notice_rest(host, now)

    def rests(self, now: float) -> list[tuple[str, float]]:
        """Return the hosts whose rest has changed and is not over, each with its end in clock seconds."""
        touched, self._touched = self._touched, {}
        return [(host.name, host.next_at) for host in touched if now < host.next_at < inf]

    def rest(self, name: str, until: float) -> None:
        """Keep the host `name`, which has no turn yet, at rest until clock time `until`."""
        if host := self._hosts.get(name):
            host.next_at = max(host.next_at, until)

    def settle(self, request: int, now: float) -> tuple[HostQueue, int]:
        """Forget a lease whose outcome is known; return its queue and priority. The caller counts where it went."""
        slot = self._leased[request]
        if slot.held:
            self.release(request, slot.queue.origin, None, now)
        del self._leased[request]
        return slot.queue, slot.priority

    def finish(self, request: int, now: float) -> None:
        """Forget a lease whose request has ended."""
        self.settle(request, now)
        self.finished += 1

    def put_back(self, request: int, queue: HostQueue, priority: int, now: float) -> None:
        """Give a settled request the next turn of `queue`."""
        self._enqueue(request, queue, priority, front=True)
        self._notice(queue.host, priority, now)

    def host_policy(self, origin: str, policy: HostPolicy, now: float) -> None:
        """Apply what is known of an origin; of one that has no requests, what concerns its host."""
        queue = self.queues.get(origin)
        host = self._host(origin) if queue is None else queue.host
        if queue is not None and policy.robots_at is not None:
            there = self._host(origin_of(policy.robots_at))
            there.errands = there.errands or []
            there.errands.append(queue)
            self._offer_turn(there, now)
        if queue is not None and policy.robots_until is not None:
            queue.robots_until = policy.robots_until
            queue.fresh = queue.asked and policy.robots_until > now
            queue.asked = False
        if policy.crawl_delay is not None:
            host.crawl_delay = max(policy.crawl_delay, host.crawl_delay or 0.0)
            host.gap = self._gap(host.crawl_delay)
            host.next_at = max(host.next_at, host.sent_at + host.gap)
        if policy.rest_until is not None:
            host.next_at = max(host.next_at, policy.rest_until)
        self._touched[host] = None
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
