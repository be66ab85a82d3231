"""The embedded frontier against a model of it, step by step: offers, leases, releases, commits, policies, kills.

The model knows every request and every host by name and keeps plain lists; the frontier has to agree with it after each
step. Where the rules leave a choice (which host first, which of several returned requests), any choice is accepted.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scraper.frontier.base import HostPolicy
from scraper.frontier.sqlite import SqliteFrontier
from scraper.outcome import Failed, Fetched, Moved, Outcome, Reason, Refused, Retry
from scraper.policy.politeness import host_of
from scraper.request import Request
from scraper.testing.frontier_steps import EPOCH, Stuck, WaitingClock, fixed_gap
from scraper.urls import canonical, hostname
from scraper.visit import Lease, Visit
from tests.helpers import read_rows

ORIGINS = ("http://a.test", "https://a.test", "http://a.test:81", "http://b.test", "http://c.test")
PAGES = 9  # an origin
DELAYS = (0.0, 0.5, 3.0, 100.0)  # seconds; all times are halves, so that sums are exact
WILD = -1  # a number of tries that the rules leave open


@dataclass(eq=False)
class Known:
    """A request as the model knows it."""

    number: int  # in the order of acceptance
    url: str
    priority: int
    where: str  # the origin whose queue it is in
    state: str = "queued"  # or delayed, leased, done
    until: float = -inf
    tries: int = 0
    chain: tuple[str, ...] = ()
    claimed: list[str] = field(default_factory=list)  # pages that nobody had met before its chain did
    tried: bool = False
    returned: bool = False  # it came back, so it goes before those that wait for their first turn

    @property
    def turn(self) -> tuple[int, bool]:
        """What decides whether it goes before another one of its origin."""
        return (-self.priority, not self.returned)


@dataclass
class Rest:
    """When a host may be asked again, by one reading of the rules."""

    next_at: float = -inf
    sent_at: float = -inf
    crawl_delay: float | None = None


@dataclass
class HostModel:
    """A host name: the earliest and the latest that its rest may be said to end."""

    earliest: Rest = field(default_factory=Rest)
    latest: Rest = field(default_factory=Rest)
    in_flight: int = 0
    leaving: int = 0  # of these, whose request has not gone out


@dataclass
class Held:
    """A lease that somebody holds."""

    lease: Lease
    what: Known | None  # None: robots.txt
    at: float
    left: bool = False  # its request went out
    released: bool = False


class FrontierMachine(RuleBasedStateMachine):
    """All that can happen to a frontier."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="frontier-"))
        self.lives = 0
        self.requests: list[Known] = []
        self.seen: set[str] = set()
        self.wanted: dict[str, int | None] = {}  # a claimed page -> the priority it was linked with
        self.hosts: dict[str, HostModel] = {}
        self.robots: dict[str, float] = {}  # origin -> known until
        self.asked: set[str] = set()
        self.held: list[Held] = []
        self.frontier: Any = None

    # -- the file ----------------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The present file."""
        return self.folder / str(self.lives) / "run.db"

    @property
    def now(self) -> float:
        """The seconds since the first process began, by the wall: the model's only clock."""
        return self.clock.wall() - EPOCH

    def host(self, where: str) -> HostModel:
        """Return the politeness unit of an origin."""
        return self.hosts.setdefault(hostname(where), HostModel())

    @initialize(per_host=st.integers(1, 3), delay=st.sampled_from(DELAYS), ask=st.booleans())
    def begin(self, per_host: int, delay: float, ask: bool) -> None:
        """Choose the politeness and open a new file."""
        self.per_host, self.gap, self.ask = per_host, fixed_gap(delay), ask
        self.clock = WaitingClock()
        self.path.parent.mkdir()
        self._open()
        self.runner.run(self.frontier.begin(1, {}))

    def _open(self) -> Any:
        self.frontier = SqliteFrontier(
            self.path, clock=self.clock, per_host=self.per_host, gap=self.gap, host_of=host_of, ask_robots=self.ask
        )
        return self.runner.run(self.frontier.open())

    @rule(down=st.sampled_from((0.0, 0.5, 50.0)), killed=st.booleans(), start=st.sampled_from((-100.0, 0.0, 7e5)))
    def reopen(self, down: float, killed: bool, start: float) -> None:
        """End the process, politely or by SIGKILL, and begin another one, whose monotonic clock is a stranger."""
        old = self.path
        if killed:
            self.lives += 1
            self.path.parent.mkdir()
            for file in (old, old.with_name("run.db-wal")):
                if file.exists():
                    shutil.copy(file, self.path.with_name(file.name))
        self.runner.run(self.frontier.close())
        self.clock = WaitingClock(start, wall=self.clock.wall() + down)
        resumed = self._open()
        self._forget()
        done = sum(known.state == "done" for known in self.requests)
        assert (resumed.counts.accepted, resumed.counts.finished) == (len(self.requests), done)

    def _forget(self) -> None:
        """Do to the model what a new process does to its memory."""
        self.held.clear()
        self.wanted = dict.fromkeys(self.wanted)
        self.asked.clear()
        self.robots.clear()
        for host in self.hosts.values():
            host.in_flight, host.leaving, host.earliest = 0, 0, Rest()
        for known in self.requests:
            if known.state != "done":
                known.state = "delayed" if known.tried else "queued"
                known.returned = bool(known.chain)  # on its way from page to page it still goes first

    # -- in ----------------------------------------------------------------------------------------------------------

    urls = st.builds("{}/{}".format, st.sampled_from(ORIGINS), st.integers(0, PAGES))
    links = st.lists(st.tuples(urls, st.sampled_from((0, 0, 0, 1, -5))), max_size=8)

    def _accept(self, links: Iterable[tuple[str, int]]) -> int:
        new = 0
        for url, priority in links:
            if url not in self.seen:
                self.seen.add(url)
                self.requests.append(Known(len(self.requests), url, priority, url.rpartition("/")[0]))
                new += 1
            elif url in self.wanted:
                self.wanted[url] = priority
        return new

    @rule(links=links)
    def offer(self, links: list[tuple[str, int]]) -> None:
        """Seeds come in."""
        committed = self.runner.run(self.frontier.offer([Request(url, priority=p) for url, p in links]))
        new = self._accept(links)
        assert (committed.accepted, committed.duplicates) == (new, len(links) - new)

    # -- turns -------------------------------------------------------------------------------------------------------

    def _waits(self, known: Known) -> bool:
        return known.state in ("queued", "delayed") and known.where not in self.asked

    def _when(self, known: Known, *, latest: bool) -> float:
        host = self.host(known.where)
        if host.in_flight >= self.per_host or not self._waits(known):
            return inf
        rest = host.latest if latest else host.earliest
        if host.leaving and self.gap(rest.crawl_delay):
            return inf
        return max(rest.next_at, known.until if known.state == "delayed" else -inf)

    @rule(limit=st.integers(1, 6))
    def lease(self, limit: int) -> None:
        """Somebody is free: what is leased was due, what was due is leased, and nobody waited longer than needed."""
        began = self.now
        over = all(known.state == "done" for known in self.requests) and not self._robots_held()
        earliest = max(began, min((self._when(known, latest=False) for known in self.requests), default=inf))
        latest = max(began, min((self._when(known, latest=True) for known in self.requests), default=inf))
        try:
            leases = self.runner.run(self.frontier.lease(limit))
        except Stuck:
            assert not over
            assert latest == inf
            return
        if over:
            assert leases == []
            return
        assert 1 <= len(leases) <= limit
        assert earliest <= self.now <= latest
        self._come_back()
        for lease in leases:
            self._take(lease)
        if len(leases) < limit:
            assert min((self._when(known, latest=True) for known in self.requests), default=inf) > self.now

    def _robots_held(self) -> bool:
        return any(held.what is None and not held.released for held in self.held)

    def _come_back(self) -> None:
        for known in self.requests:
            if known.state == "delayed" and known.until <= self.now:
                known.state, known.returned = "queued", True

    def _take(self, lease: Lease) -> None:
        host = self.host(lease.origin)
        assert host.in_flight < self.per_host
        assert host.earliest.next_at <= self.now
        assert not host.leaving or not self.gap(host.earliest.crawl_delay)
        assert lease.origin not in self.asked
        mates = [k for k in self.requests if k.state == "queued" and self._waits(k)]
        mates = [k for k in mates if hostname(k.where) == hostname(lease.origin)]
        queue = [k for k in mates if k.where == lease.origin]
        assert queue
        assert min(k.turn[0] for k in queue) == min(k.turn[0] for k in mates), "a lower priority went first"
        what = None if lease.is_robots else self._next(lease, queue)
        assert lease.is_robots == (self.ask and self.robots.get(lease.origin, -inf) <= self.now)
        if what is None:
            assert lease.request.url == lease.origin + "/robots.txt"
            self.asked.add(lease.origin)
        host.in_flight += 1
        host.leaving += 1
        self.held.append(Held(lease, what, self.now))

    def _next(self, lease: Lease, queue: list[Known]) -> Known:
        (what,) = [k for k in queue if k.url == (lease.chain[0] if lease.chain else lease.request.url)]
        first = min(queue, key=lambda k: k.turn)
        assert what.turn == first.turn
        if not what.returned:
            assert what is first, "not first come, first served"
        assert (*lease.chain, lease.request.url)[1:] == what.chain
        assert lease.request.priority == what.priority
        assert what.tries in (lease.attempt, WILD)
        what.tries = lease.attempt
        what.state, what.returned = "leased", False
        return what

    @precondition(lambda self: any(not held.released for held in self.held))
    @rule(pick=st.integers(0, 99), after=st.sampled_from((0.0, 0.5, 4.0)))
    def sent(self, pick: int, after: float) -> None:
        """A request goes out; to say so twice changes nothing."""
        waiting = [held for held in self.held if not held.released]
        held = waiting[pick % len(waiting)]
        self.clock.time += after
        self.frontier.sent(held.lease, self.clock.now())
        if not held.left:
            self._left(held, self.now)

    def _left(self, held: Held, at: float) -> None:
        host = self.host(held.lease.origin)
        host.leaving -= not held.left
        held.left = True
        for rest in (host.earliest, host.latest):
            rest.sent_at = max(rest.sent_at, at)
            rest.next_at = max(rest.next_at, at + self.gap(rest.crawl_delay))

    @precondition(lambda self: any(not held.released for held in self.held))
    @rule(pick=st.integers(0, 99), sent=st.booleans(), answer=st.sampled_from((0.0, 0.5, 4.0)))
    def release(self, pick: int, sent: bool, answer: float) -> None:
        """An answer came after a while, or nothing was sent."""
        waiting = [held for held in self.held if not held.released]
        held = waiting[pick % len(waiting)]
        self.clock.time += answer
        self._released(held, held.at if sent else None)
        if sent:
            self.frontier.release(held.lease, self.clock.now() - (self.now - held.at))
        else:
            self.frontier.release(held.lease, None)
        self._forget_robots(held)

    def _released(self, held: Held, sent_at: float | None) -> None:
        host = self.host(held.lease.origin)
        held.released = True
        host.in_flight -= 1
        if sent_at is not None:
            self._left(held, sent_at)
        elif not held.left:
            host.leaving -= 1

    def _forget_robots(self, held: Held) -> None:
        """Nothing more is due of a robots.txt that was answered; `policy` says what it said."""
        if held.what is None:
            self.held.remove(held)

    # -- what became of it -------------------------------------------------------------------------------------------

    outcomes = st.one_of(
        st.sampled_from((Fetched(200, 10), Failed("callback"), Refused(Reason.ROBOTS, "no"))),
        st.just(Refused(Reason.REDIRECT_LIMIT, "too many")),
        st.builds(Retry, st.just("http_503"), st.sampled_from((0.0, 0.5, 20.0, 900.0)), st.just(503)),
        st.builds(Moved, urls.map(canonical), st.sampled_from((301, 302, 307))),
    )

    @precondition(lambda self: any(held.what for held in self.held))
    @rule(data=st.data(), own=st.booleans())
    def commit(self, data: st.DataObject, own: bool) -> None:
        """Some visits end, released or not, in any order, and bring links."""
        ready = [held for held in self.held if held.what]
        group = data.draw(st.lists(st.sampled_from(ready), min_size=1, max_size=4, unique_by=id), label="visits")
        visits, duplicates, accepted = [], {}, 0
        for held in group:
            outcome = data.draw(self.outcomes, label="outcome")
            if own and isinstance(outcome, Moved):  # a cookie wall: back into the chain
                outcome = Moved(canonical((*held.lease.chain, held.lease.request.url)[0]), 302)
            links = data.draw(self.links, label="links")
            requests = tuple(Request(url, priority=p, depth=1) for url, p in links)
            visits.append(Visit(held.lease, outcome, ({"n": 1},), requests))
            if not held.released:
                self._released(held, None)
            accepted += self._settle(held, outcome, duplicates)
            accepted += self._accept(links)
            self.held.remove(held)
        committed = self.runner.run(self.frontier.commit(visits, {}))
        assert dict(committed.overruled) == duplicates
        assert committed.accepted == accepted

    def _settle(self, held: Held, outcome: Outcome, duplicates: dict[int, Reason]) -> int:
        """Return how many requests were accepted because a chain gave their pages up."""
        what = held.what
        assert what is not None
        if isinstance(outcome, Retry):
            what.state, what.until, what.tried = "delayed", self.now + outcome.delay, True
            what.tries += 1
        elif isinstance(outcome, Moved):
            own = outcome.target in (what.url, *what.chain)
            if outcome.target in self.seen and not own:
                duplicates[held.lease.id] = Reason.DUPLICATE
                return self._end(what, disowned=False)
            if outcome.target not in self.seen:
                self.seen.add(outcome.target)
                self.wanted[outcome.target] = None
                what.claimed.append(outcome.target)
            what.chain = (*what.chain, str(outcome.target))
            what.where = outcome.target.rpartition("/")[0]
            what.state, what.returned, what.tries = "queued", True, WILD
        else:
            return self._end(what, disowned=outcome == Refused(Reason.REDIRECT_LIMIT, "too many"))
        return 0

    def _end(self, what: Known, *, disowned: bool) -> int:
        what.state = "done"
        others = [(url, self.wanted.pop(url)) for url in what.claimed]
        if disowned:
            self.seen.difference_update(what.claimed)
        return self._accept([(url, priority) for url, priority in others if disowned and priority is not None])

    @precondition(lambda self: self.hosts)
    @rule(data=st.data())
    def policy(self, data: st.DataObject) -> None:
        """A site's robots.txt becomes known (or has to be asked for again), or it asks for a delay or a rest."""
        where = data.draw(st.sampled_from(sorted({k.where for k in self.requests})), label="origin")
        lives = (None, -inf, 5.0, 1000.0) if self.ask else (None,)
        known = data.draw(st.sampled_from(lives), label="robots known for")
        delay = data.draw(st.sampled_from((None, None, 1.0, 10.0)), label="crawl delay")
        wait = data.draw(st.sampled_from((None, None, 0.0, 77.0)), label="rest")
        if any(held.what is None and held.lease.origin == where for held in self.held):
            return  # the answer comes after the release
        shift = self.clock.now() - self.now
        self.frontier.host_policy(
            where,
            HostPolicy(
                robots_until=None if known is None else self.clock.now() + known,
                crawl_delay=delay,
                rest_until=None if wait is None else self.now + wait + shift,
            ),
        )
        if known is not None:
            self.robots[where] = self.now + known
            self.asked.discard(where)
        for rest in (self.host(where).earliest, self.host(where).latest):
            if delay is not None:
                rest.crawl_delay = max(delay, rest.crawl_delay or 0.0)
                rest.next_at = max(rest.next_at, rest.sent_at + self.gap(rest.crawl_delay))
            if wait is not None:
                rest.next_at = max(rest.next_at, self.now + wait)

    @rule(seconds=st.sampled_from((0.5, 2.0, 40.0, 1000.0)))
    def time_passes(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.clock.time += seconds

    # -- always ------------------------------------------------------------------------------------------------------

    @invariant()
    def the_first_law(self) -> None:
        """Accepted = queued + in flight + finished, and each of them is what the model says."""
        if self.frontier is None:
            return
        counts = self.frontier.counts()
        assert counts.conserved
        states = [known.state for known in self.requests]
        assert counts.accepted == len(states)
        assert counts.queued == states.count("queued") + states.count("delayed")
        assert counts.in_flight == states.count("leased")
        assert counts.finished == states.count("done")

    def teardown(self) -> None:
        """Whatever happened, the crawl can be ended, and then each request has ended once."""
        try:
            if self.frontier is not None:
                self._finish()
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)

    def _finish(self) -> None:
        for held in list(self.held):
            if not held.released:
                self.frontier.release(held.lease, None)
        for where in {k.where for k in self.requests}:
            self.frontier.host_policy(where, HostPolicy(robots_until=inf if self.ask else None))
        self.runner.run(self.frontier.commit([Visit(h.lease, Fetched(200)) for h in self.held if h.what], {}))
        while leases := self.runner.run(self.frontier.lease(50)):
            for lease in leases:
                self.frontier.release(lease, None)
            self.runner.run(self.frontier.commit([Visit(lease, Fetched(200)) for lease in leases], {}))
        books = self.frontier._books
        assert (books.trails, books.claims, books.wanted) == ({}, {}, {}), "what has ended takes up memory"
        self.runner.run(self.frontier.close())
        accepted = {str(k.url) for k in self.requests}
        rows = read_rows(self.path, "select url from url join done using (id)")
        assert sorted(url for (url,) in rows) == sorted(accepted)


class TestFrontierMachine(FrontierMachine.TestCase):
    """Hypothesis plays with the machine."""

    settings = settings(
        max_examples=60,
        stateful_step_count=35,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
