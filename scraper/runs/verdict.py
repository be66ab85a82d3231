"""Did the run succeed? A pure judgement of its tally.

"It ended" is not success: a dead site, a crashed callback, an item that could not be written or no page at all are
failures, and cron must hear of them. A page that is simply missing (404) is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from scraper.engine.tally import Tally, Trouble
from scraper.errors import OutOfResources
from scraper.outcome import Reason

__all__ = ["failures"]

NAMED = 3  # examples that a sentence gives


def failures(tally: Tally) -> tuple[str, ...]:
    """Return, as sentences, why the run is a failure; () when it is a success."""
    found: list[str] = []
    if not tally.pages:
        found.append("no page was fetched")
    if tally.lost_seeds:
        found.append(f"{_count(len(tally.lost_seeds), 'seed')} brought no page: {_name(tally.lost_seeds)}")
    crashed = tally.failed["callback"] + tally.faults["callback"]
    if crashed:
        found.append(f"a callback failed on {_count(crashed, 'page')}")
    if tally.faults["item"]:
        found.append(f"{_count(tally.faults['item'], 'item')} could not be written")
    if tally.failed["internal"]:
        found.append(f"scraper itself failed on {_count(tally.failed['internal'], 'page')}; please report it")
    if unasked := tally.failed[OutOfResources.reason]:
        found.append(f"{_count(unasked, 'page')} were lost since this process had too few resources; raise `ulimit -n`")
    if given_up := tally.refused[Reason.HOST_DOWN]:
        found.append(f"{_count(given_up, 'URL')} of hosts that had stopped answering were given up")
    if dead := tally.dead_hosts():
        found.append(f"{', '.join(dead[:NAMED])} stopped answering")
    return tuple(found)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _name(troubles: Sequence[Trouble]) -> str:
    shown = "; ".join(f"{trouble.url} ({trouble.reason}{_why(trouble)})" for trouble in troubles[:NAMED])
    return f"{shown}; …" if len(troubles) > NAMED else shown


def _why(trouble: Trouble) -> str:
    return f": {trouble.detail.strip().splitlines()[-1]}" if trouble.detail.strip() else ""
