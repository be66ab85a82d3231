"""What a crawl has come to, counted from committed visits only.

Everything the summary, the progress line and the verdict need, in a few dictionaries of bounded size. It hears and
never speaks: nothing here can change the crawl.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import assert_never

import msgspec

from scraper.frontier.base import Committed, History
from scraper.outcome import PARTIAL, Failed, Fetched, Moved, Outcome, Reason, Refused, Retry, kind_of
from scraper.policy.redirect import is_downgrade
from scraper.visit import Visit

__all__ = ["Tally", "Trouble"]

TROUBLES_KEPT = 100  # kinds of trouble that are told apart; all are counted, and all are in the state file
LINE_CHARS = 200  # of a trouble's last line, by which it is told apart
DEAD_AFTER = 5  # visits to one host that failed in a row, up to the end of the run
_HOST_IS_DOWN = frozenset({"connection", "connect_timeout", "dns", "timeout", "tls", "malformed", "truncated"})
_FETCHED, _REFUSED, _FAILED = kind_of(Fetched(200)), kind_of(Refused(Reason.ROBOTS)), kind_of(Failed(""))


class Trouble(msgspec.Struct, frozen=True):
    """One thing that a person should look at."""

    url: str
    reason: str
    detail: str  # one line, or a traceback

    @property
    def line(self) -> str:
        """The line that says it: a traceback's last one that has words; a group of errors ends in a rule."""
        lines = [line for line in self.detail.splitlines() if any(map(str.isalnum, line))]
        return lines[-1].strip()[:LINE_CHARS] if lines else ""


class Tally(msgspec.Struct):
    """Counts of one run; `resumed` ones were committed by an earlier process."""

    pages: int = 0
    items: int = 0
    bytes: int = 0
    retries: int = 0
    redirects: int = 0
    downgrades: int = 0  # redirects from https to http, in this process
    partial: int = 0  # of the pages: those whose body was cut short
    duplicates: int = 0
    robots: int = 0
    resumed_pages: int = 0
    resumed_items: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    failed: Counter[str] = msgspec.field(default_factory=Counter)
    faults: Counter[str] = msgspec.field(default_factory=Counter)  # broken items and callbacks on pages that came
    troubles: dict[tuple[str, str], Trouble] = {}  # the first of each (reason, line)
    trouble_counts: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    lost_seeds: list[Trouble] = []
    streaks: Counter[str] = msgspec.field(default_factory=Counter)  # failures in a row up to now, by origin

    def restore(self, history: History) -> None:
        """Take over what earlier processes have committed."""
        for kind, reason, visits, items, size in history.visits:
            self.items += items
            if kind == _FETCHED:
                self.pages += visits
                self.bytes += size
                self.partial += visits if reason == PARTIAL else 0
            elif kind == _REFUSED:
                self.refused[reason] += visits
            elif kind == _FAILED:
                self.failed[reason] += visits
        for reason, links in history.refused:
            self.refused[reason] += links
        self.faults.update(dict(history.faults))
        for row in history.troubles:
            self._note(Trouble(*row))
        self.lost_seeds.extend(Trouble(*row) for row in history.lost_seeds)
        self.retries, self.redirects = history.retries, history.redirects
        self.streaks.update(dict(history.streaks))
        self.resumed_pages, self.resumed_items = self.pages, self.items

    def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
        """Count one commit."""
        self.duplicates += committed.duplicates
        self.refused.update(committed.refused)
        for visit in visits:
            if visit.lease.is_robots:
                self.robots += 1
                continue
            self.items += len(visit.records)
            for fault in visit.faults:
                self.faults[fault.reason] += 1
                self._note(Trouble(_first_url(visit), fault.reason, fault.detail))
            overruled = committed.overruled.get(visit.lease.id)
            self._count(visit, Refused(overruled) if overruled else visit.outcome)

    def turn_away(self, seeds: Iterable[tuple[str, Reason]]) -> None:
        """Note seeds that were refused at the door."""
        self.lost_seeds.extend(Trouble(url, reason.value, "") for url, reason in seeds)

    def _count(self, visit: Visit, outcome: Outcome) -> None:
        match outcome:
            case Fetched(bytes=size, partial=partial):
                self.pages += 1
                self.partial += partial
                self.bytes += size
                self.streaks.pop(visit.lease.origin, None)
            case Moved(target=target):
                self.redirects += 1
                self.downgrades += is_downgrade(visit.lease.request.url, target)
                self.streaks.pop(visit.lease.origin, None)
            case Retry():
                self.retries += 1
            case Refused(reason=reason, detail=detail):
                self.refused[reason.value] += 1
                self._lose(visit, reason.value, detail)
            case Failed(reason=reason, detail=detail):
                self.failed[reason] += 1
                self._note(Trouble(_first_url(visit), reason, detail))
                self._lose(visit, reason, detail)
                if reason in _HOST_IS_DOWN or reason.startswith("http_5"):
                    self.streaks[visit.lease.origin] += 1
            case unreachable:
                assert_never(unreachable)

    def _lose(self, visit: Visit, reason: str, detail: str) -> None:
        if visit.lease.request.depth == 0 and reason != Reason.DUPLICATE:
            self.lost_seeds.append(Trouble(_first_url(visit), reason, detail))

    def _note(self, trouble: Trouble) -> None:
        key = (trouble.reason, trouble.line)
        if key in self.troubles or len(self.troubles) < TROUBLES_KEPT:
            self.troubles.setdefault(key, trouble)
            self.trouble_counts[key] += 1

    def dead_hosts(self) -> list[str]:
        """Return the origins that had stopped answering when the crawl ended."""
        return sorted(origin for origin, streak in self.streaks.items() if streak >= DEAD_AFTER)

    def __repr__(self) -> str:
        return f"<Tally {self.pages} pages | {self.items} items | {self.failed.total()} failed>"


def _first_url(visit: Visit) -> str:
    return visit.lease.chain[0] if visit.lease.chain else visit.lease.request.url
