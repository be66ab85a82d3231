"""One commit in the making: from visits to rows, and from durable rows to what the index does next.

`record` and `offer` work out the rows of one transaction; `apply` lets the index act on them once they are durable, so
that nothing becomes visible that a kill could take back.

Synchronous; no SQL and no asyncio here. Whether a link may be in the crawl was decided before it came here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import assert_never

from scraper.frontier.base import Committed
from scraper.frontier.books import Books, Trail, url_row
from scraper.frontier.hosts import HostQueue
from scraper.frontier.store import Batch
from scraper.outcome import PARTIAL, Failed, Fetched, Moved, Outcome, Reason, Refused, Retry, kind_of
from scraper.policy.budget import Place, place_of
from scraper.policy.redirect import next_hop
from scraper.request import Request
from scraper.urls import Url, origin
from scraper.visit import Lease, Visit

__all__ = ["Entry"]

DETAIL_CHARS = 4000  # of a traceback or a refused link: what a person reads, not a novel


class Entry:
    """One commit in the making."""

    def __init__(self, books: Books) -> None:
        self.batch = Batch()
        self._books = books
        self._at = books.wall.now()
        self._accepted: list[tuple[int, HostQueue, Request]] = []
        self._ended: list[int] = []
        self._retried: list[tuple[int, float]] = []
        self._moved: list[tuple[int, HostQueue, Url, int]] = []
        self._overruled: dict[int, Reason] = {}
        self._duplicates = 0
        self._from: Place | None = None  # of the page whose links are offered; None: seeds
        self._refused: Counter[str] = Counter()

    def offer(self, requests: Sequence[Request], refusals: Sequence[tuple[str, Reason]], parent: int) -> None:
        """Take in what a page (or the seeds) brought: the requests that are new, and each new refusal once."""
        books, over_budget = self._books, []
        for request in requests:
            mark = request.fingerprint
            if not books.seen.add(mark):
                self._duplicates += 1
                if mark in books.wanted:
                    books.wanted[mark] = (request, parent)
                else:
                    books.note(request)
                continue
            if books.budget is not None and (reason := books.budget.spend(request.url, request.depth, self._from)):
                books.seen.discard(mark)  # it may still come in by another way
                over_budget.append((str(request.url), reason))
                continue
            books.note(request)
            books.last_id += 1
            where = origin(request.url)
            queue = books.index.queues.get(where) or self._new_queue(where)
            self._accepted.append((books.last_id, queue, request))
            self.batch.rows["url"].append(url_row(books.last_id, queue.id, request, mark, parent))
        for text, reason in (*refusals, *over_budget):
            mark = _mark(text, reason)
            if books.seen.add(mark):
                self._refused[reason.value] += 1
                self.batch.rows["refused"].append((_storable(text), reason.value, parent, mark))

    def record(self, visit: Visit) -> None:
        """Take in a visit: its outcome, its faults and its links."""
        number, rows = visit.lease.id, self.batch.rows
        if visit.lease.is_robots:
            rows["robots"].append((visit.lease.origin, *_brief(visit.outcome), self._at))
            return
        match visit.outcome:
            case Retry() as retry:
                self._retry(visit.lease, retry)
            case Moved() as moved:
                self._move(visit.lease, moved)
            case Fetched() | Failed() | Refused() as ended:
                self._end(visit.lease, ended, len(visit.records))
            case unreachable:
                assert_never(unreachable)
        for fault in visit.faults:
            rows["fault"].append((number, fault.reason, _storable(fault.detail)))
        budget = self._books.budget
        if budget is not None and (visit.requests or visit.records):
            self._from = place_of(visit.lease.request.url)
            if visit.records:
                budget.bears(self._from, visit.lease.request.depth)
        self._duplicates += visit.known
        self.offer(visit.requests, visit.refusals, number)

    def _end(self, lease: Lease, outcome: Fetched | Failed | Refused, items: int = 0) -> None:
        number, size, elapsed, detail = lease.id, 0, 0.0, ""
        if isinstance(outcome, Fetched):
            size, elapsed = outcome.bytes, outcome.elapsed
        else:
            detail = _storable(outcome.detail)
        where = self._books.index.queues[lease.origin].id
        self.batch.rows["done"].append((number, where, *_brief(outcome), items, size, elapsed, self._at, detail))
        self._ended.append(number)
        if number in self._books.claims:
            # Where a chain was given up before its end, each of its pages may lead on for who begins there.
            disowned = isinstance(outcome, Refused) and outcome.reason is Reason.REDIRECT_LIMIT
            for request, parent in self._books.disclaim(number, disowned=disowned):
                self._from = None
                self.offer((request,), (), parent)

    def _retry(self, lease: Lease, retry: Retry) -> None:
        attempt = lease.attempt + 1
        row = (lease.id, attempt, retry.reason, retry.status, self._at + retry.delay, self._at)
        self.batch.rows["tried"].append(row)
        self._retried.append((lease.id, retry.delay))

    def _move(self, lease: Lease, moved: Moved) -> None:
        """Go on at the redirect's target, unless another request owns that page."""
        target = next_hop(lease.request, moved.status, moved.target)
        mark = target.fingerprint
        own = moved.target == lease.request.url or moved.target in lease.chain
        if self._books.seen.add(mark):
            self._books.claim(lease.id, mark)
        elif not own:
            self._overruled[lease.id] = Reason.DUPLICATE
            self._end(lease, Refused(Reason.DUPLICATE, f"redirects to {moved.target}"))
            return
        where = origin(moved.target)
        queue = self._books.index.queues.get(where) or self._new_queue(where)
        self.batch.rows["hop"].append((lease.id, queue.id, mark, moved.target, moved.status, self._at))
        if lease.attempt:  # tries are counted for each hop
            self.batch.rows["tried"].append((lease.id, 0, "moved", moved.status, self._at, self._at))
        self._moved.append((lease.id, queue, moved.target, moved.status))

    def _new_queue(self, where: str) -> HostQueue:
        queue = self._books.index.queue(where)
        self.batch.rows["host"].append((queue.id, where))
        return queue

    def rest(self, now: float) -> None:
        """Take in until when hosts rest, so that going on after a kill is no way around it."""
        self.batch.rows["rest"] = [(name, self._at + until - now) for name, until in self._books.index.rests(now)]

    def keep_budget(self) -> None:
        """Take in what the crawl's places have had, now and then."""
        if (row := self._books.spent()) is not None:
            self.batch.rows["spent"] = [row]

    def apply(self, now: float) -> None:
        """Let the index act on what is durable now."""
        books, index = self._books, self._books.index
        for number in self._ended:
            index.finish(number, now)
            books.trails.pop(number, None)
        for number, delay in self._retried:
            queue, priority = index.settle(number, now)
            books.trails.setdefault(number, Trail()).attempt += 1
            index.delay(number, queue, priority, now + delay)
        for number, queue, url, status in self._moved:
            _, priority = index.settle(number, now)
            trail = books.trails.setdefault(number, Trail())
            trail.hops, trail.attempt = (*trail.hops, (url, status)), 0
            index.put_back(number, queue, priority, now)
        for number, queue, request in self._accepted:
            books.remember(number, request)
            index.append(number, queue, request.priority, now)

    def result(self) -> Committed:
        """Return what became of the links."""
        return Committed(len(self._accepted), self._duplicates, self._refused, self._overruled)


def _brief(outcome: Outcome) -> tuple[int, str, int]:
    """Return (kind, reason, status) as they are stored."""
    match outcome:
        case Fetched(status=status, partial=True):
            return kind_of(outcome), PARTIAL, status
        case Fetched(status=status) | Moved(status=status):
            return kind_of(outcome), "", status
        case Refused(reason=why):
            return kind_of(outcome), why.value, 0
        case Failed(reason=reason, status=status) | Retry(reason=reason, status=status):
            return kind_of(outcome), reason, status
        case unreachable:
            assert_never(unreachable)


def _mark(text: str, reason: Reason) -> int:
    """Return the number under which a refusal is known: the same link may be refused for two reasons."""
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=8, key=reason.value.encode()).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def _storable(text: str) -> str:
    """Shorten foreign text; it is valid UTF-8 then and cannot command the terminal of who looks into the state file."""
    short = text[:DETAIL_CHARS]
    if short.isprintable():
        return short
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in short)
