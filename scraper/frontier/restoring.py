"""The books and the index, rebuilt from what a store has on record.

Whoever runs the same command again waits for this, so it is a few loops over a few columns: a million requests take
little more than a second. Waits that were promised are kept, whatever the wall clock did in between.

Synchronous; no SQL here, and nothing is written.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import chain, compress

import msgspec

from scraper.errors import StateDamaged
from scraper.frontier.books import Books, Trail
from scraper.frontier.store import Store
from scraper.outcome import Reason
from scraper.policy.budget import Budget
from scraper.urls import Url

__all__ = ["restore"]

LONGEST_WAIT = 24 * 3600.0  # seconds a restored request may be put off, whatever the clocks say


def restore(books: Books, store: Store) -> None:
    """Fill empty `books` and their index: pending is what was accepted and is not done. Raises StateDamaged."""
    for _, name in store.scan("host", "id, origin"):
        books.index.queue(name)
    _restore_rests(books, store)
    accepted = books.last_id = store.accepted()
    waiting = _waiting(store, accepted)
    books.seen.fill(chain(_restore_pending(books, store, waiting), store.refusals()))
    for number, mark in store.hops(Reason.REDIRECT_LIMIT.value):
        if books.seen.add(mark) and waiting[number]:
            books.claim(number, mark)
    if books.budget is not None:
        _restore_budget(books, books.budget, store)


def _waiting(store: Store, accepted: int) -> bytearray:
    """Return a byte for each number of a request: 1 for those that are not done."""
    waiting, done = bytearray(b"\1") * (accepted + 1), 0
    waiting[0] = 0
    for ids in store.ended():
        for number in ids:
            waiting[number] = 0
        done += len(ids)
        if min(ids, default=1) < 1:
            raise ValueError(f"request {min(ids)} is done")
    if waiting.count(1) + done != accepted:
        raise ValueError("a request is done twice")
    return waiting


def _restore_pending(books: Books, store: Store, waiting: bytearray) -> array[int]:
    """Queue what is pending; return the fingerprints of all requests."""
    index, now, hosts = books.index, books.clock.now(), len(books.index.by_id)
    places, waits = _restore_trails(books, store, waiting)
    usual, marks = waiting[:], array("q")
    for number in (special := sorted({*places, *waits})):
        usual[number] = 0

    def runs() -> Iterator[Iterator[tuple[int, int, int]]]:
        """Yield what only has to wait for its turn; keep the fingerprints, 8 bytes each."""
        for ids, where, priorities, found in store.requests(books.last_id):
            if min(where) < 0 or max(where) >= hosts:
                raise ValueError(f"a host of requests {ids[0]} to {ids[-1]} is unknown")
            marks.fromlist(found)
            rows = zip(ids, where, priorities, strict=False)  # the same priority for all has no end
            yield compress(rows, usual[ids.start : ids.stop])

    index.restore(books.last_id, books.last_id - waiting.count(1), chain.from_iterable(runs()), now)
    for number in special:
        host, priority = store.place(number)
        queue = index.by_id[places.get(number, host)]
        if number in waits:
            index.delay(number, queue, priority, now + waits[number])
        else:
            index.put_back(number, queue, priority, now)
    return marks


def _restore_rests(books: Books, store: Store) -> None:
    """Let hosts rest for as long as they were promised, whatever the clocks say in between."""
    now, wall = books.clock.now(), books.wall.now()
    for name, until in store.scan("rest", "host, until"):
        books.index.rest(name, now + min(until - wall, LONGEST_WAIT))


def _restore_trails(books: Books, store: Store, waiting: bytearray) -> tuple[dict[int, int], dict[int, float]]:
    """Rebuild the ways of pending requests; return the host of each that moved, and how long each is put off."""
    places: dict[int, int] = {}
    waits: dict[int, float] = {}
    wall = books.wall.now()
    for number, attempt, until in store.scan("tried", "id, attempt, until"):
        if not waiting[number]:
            continue
        books.trails.setdefault(number, Trail()).attempt = attempt
        waits[number] = min(max(0.0, until - wall), LONGEST_WAIT)
    for number, host, url, status in store.scan("hop", "id, host, url, status"):
        if not waiting[number]:
            continue
        if not 0 <= host < len(books.index.by_id):
            raise ValueError(f"request {number} has moved to a host that is unknown")
        trail = books.trails.setdefault(number, Trail())
        trail.hops = (*trail.hops, (Url(url), status))
        places[number] = host
    return places, waits


def _restore_budget(books: Books, budget: Budget, store: Store) -> None:
    """Take over what was counted up to some URL, and count the few that came after it."""
    for upto, told in store.scan("spent", "upto, told"):
        books.spent_upto = upto
        try:
            budget.restore(told)
        except msgspec.MsgspecError:
            raise StateDamaged(f"{store!r}: what its hosts have had cannot be read; start over with --fresh") from None
    for url, depth in store.urls_after(books.spent_upto):
        budget.recall(Url(url), depth)
