"""The books and the index, rebuilt from what a store has on record.

Whoever runs the same command again waits for this, so it is a few loops over a few columns: a million requests take
little more than a second. Waits that were promised are kept, whatever the wall clock did in between.

Synchronous; no SQL here, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

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
    accepted, finished = store.size()
    books.last_id = accepted
    _restore_pending(books, store, accepted, finished)
    books.seen.fill(chain.from_iterable(store.marks()))
    for number, mark, pending, reason in store.hops():
        if reason != Reason.REDIRECT_LIMIT and books.seen.add(mark) and pending:
            books.claim(number, mark)
    if books.budget is not None:
        _restore_budget(books, books.budget, store)


def _restore_pending(books: Books, store: Store, accepted: int, finished: int) -> None:
    """Queue what is pending."""
    index, now = books.index, books.clock.now()
    places, waits = _restore_trails(books, store)
    special: list[tuple[int, int, int]] = []

    def usual() -> Iterator[tuple[int, int, int]]:
        """Yield what only has to wait for its turn."""
        for row in store.pending():
            if row[0] in waits or row[0] in places:
                special.append(row)
            else:
                yield row

    index.restore(accepted, finished, usual() if places or waits else store.pending(), now)
    for number, host, priority in special:
        queue = index.by_id[places.get(number, host)]
        if number in waits:
            index.delay(number, queue, priority, now + waits[number])
        else:
            index.put_back(number, queue, priority, now)


def _restore_rests(books: Books, store: Store) -> None:
    """Let hosts rest for as long as they were promised, whatever the clocks say in between."""
    now, wall = books.clock.now(), books.wall.now()
    for name, until in store.scan("rest", "host, until"):
        books.index.rest(name, now + min(until - wall, LONGEST_WAIT))


def _restore_trails(books: Books, store: Store) -> tuple[dict[int, int], dict[int, float]]:
    """Rebuild the ways of pending requests; return the host of each that moved, and how long each is put off."""
    places: dict[int, int] = {}
    waits: dict[int, float] = {}
    wall = books.wall.now()
    for number, attempt, until in store.scan("tried", "id, attempt, until", pending=True):
        books.trails.setdefault(number, Trail()).attempt = attempt
        waits[number] = min(max(0.0, until - wall), LONGEST_WAIT)
    for number, host, url, status in store.scan("hop", "id, host, url, status", pending=True):
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
