"""Traps that can be told from the text of a URL: no site that means well has such addresses.

A relative link on a page that answers under any path makes /a/b/a/b/a/b; one that adds itself to the query makes
?x=1&x=1&x=1; a calendar has a next month for ever. The numbers are where honest addresses end (dates such as
/11/11/11/, packages such as /foo/foo/foo/ pass), and all rules are functions of the URL: nothing has to be remembered.

How many pages a place may have is a matter of counting and stands in `budget`.
"""

from __future__ import annotations

import re
from functools import cache

from scraper.outcome import Reason
from scraper.urls import Url

__all__ = ["trap"]

SEGMENTS = 40  # in a path; deep file trees have 20
ONE_REPEATED = 4  # times that one segment follows itself
BLOCK_REPEATED = 3  # times that two or more segments follow themselves
RECURRING = 6  # segments that stood in the path before, wherever
PAIRS_REPEATED = 3  # times that one name=value is in a query
YEARS_AHEAD = 5  # that a calendar may show; nobody announces more

_SLASHES_OF_SITE = 2
# A number alone is no year: gallery 4711 has a picture 12. It takes a word that says so.
_MONTH = r"(?:0?[1-9]|1[0-2])(?!\d)"
_WORDS = "cal(?:endar)?|agenda|schedule|kalender|termine|month(?:ly)?"
_YEAR = re.compile("[0-9]{4}(?:-|(?<=[/=]....))")  # where there is none there is no far date; a tenth of words' price
_CALENDAR = re.compile(rf"(?<![a-z])(?:{_WORDS}|events?|years?|yr|y|weeks?|days?|date)(?![a-z])", re.IGNORECASE)
_FAR_DATES = (
    rf"(?<![a-z])(?:{_WORDS})/(\d{{4,6}})/{_MONTH}",
    r"(?<![\w-])(\d{4,6})-(?:0[1-9]|1[0-2])(?!\d)",
    r"[?&](?:[a-z]+[-_])?(?:year|yr|y)=(\d{4,6})(?=&).*[?&](?:[a-z]+[-_])?(?:month|mon|m)=",
    r"[?&](?:[a-z]+[-_])?(?:month|mon|m)=.*[?&](?:[a-z]+[-_])?(?:year|yr|y)=(\d{4,6})(?!\d)",
)


def trap(url: Url, year: int) -> Reason | None:
    """Return which trap `url` looks like, None when it is an address like others; `year` is the present one."""
    slashes = url.count("/") - _SLASHES_OF_SITE
    if slashes >= ONE_REPEATED and _repeats(url):
        return Reason.TRAP_REPETITION
    mark = url.find("?")
    if mark >= 0 and url.count("&", mark) >= PAIRS_REPEATED - 1 and _repeats_pairs(url[mark + 1 :]):
        return Reason.TRAP_REPETITION
    if _YEAR.search(url, 8) and _CALENDAR.search(url, 8) and _is_far_ahead(url, year):
        return Reason.TRAP_CALENDAR
    return None


def _repeats(url: str) -> bool:
    """Tell whether the path of `url` goes round in circles."""
    segments = url.partition("?")[0].split("/")[3:]
    if len(segments) > SEGMENTS:
        return True
    words = [segment for segment in segments if segment]
    names = [word for word in words if not word.isdigit()]
    if len(names) - len(set(names)) >= RECURRING:
        return True
    if len(words) - len(set(words)) < ONE_REPEATED - 1:
        return False
    return any(_has_run(words, size) for size in range(1, len(words) // BLOCK_REPEATED + 1))


def _has_run(words: list[str], size: int) -> bool:
    """Tell whether a block of `size` words follows itself too often; numbers alone are dates, shards and tiles."""
    wanted = size * ((ONE_REPEATED if size == 1 else BLOCK_REPEATED) - 1)
    run = 0
    for place in range(size, len(words)):
        run = run + 1 if words[place] == words[place - size] else 0
        if run >= wanted and not all(word.isdigit() for word in words[place - size + 1 : place + 1]):
            return True
    return False


def _repeats_pairs(query: str) -> bool:
    pairs = [pair for pair in query.split("&") if pair]
    if len(pairs) - len(set(pairs)) < PAIRS_REPEATED - 1:
        return False
    return any(pairs.count(pair) >= PAIRS_REPEATED for pair in set(pairs))


def _is_far_ahead(url: str, year: int) -> bool:
    return any(int(found) > year + YEARS_AHEAD for pattern in _far_dates() for found in pattern.findall(url, 8))


@cache
def _far_dates() -> tuple[re.Pattern[str], ...]:
    """Return the forms of dates, compiled when the first calendar is met: a site without one need not wait for them."""
    return tuple(re.compile(form, re.IGNORECASE) for form in _FAR_DATES)
