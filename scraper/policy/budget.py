"""How much of a crawl one place may take: the bound on spaces of addresses that have no end.

A place is what addresses of one kind have in common: the path down to its first number, and the names in the query.
Four things are bounded. A host: pages. A filter (four or more parameters multiply, three still name a thing): pages. A
barren chain: links in a row inside one place that led to no item and to no new page anywhere else. Any chain inside
one place, however fruitful it looks.

Only new URLs are judged, so that known links cost nothing here; the traps that a text betrays are looked for at the
same moment. Everything is rebuilt from the accepted URLs and their depths. Memory is bounded: when too many places are
known, the half with the fewest pages is forgotten.
"""

from __future__ import annotations

import re
from string import ascii_letters
from typing import NamedTuple

import msgspec

from scraper.outcome import Reason
from scraper.policy.traps import trap
from scraper.urls import Url, hostname

__all__ = ["Budget", "Place", "place_of"]

BARREN_LINKS = 500  # a monthly calendar of 41 years; honest chains of pages bring items, or links to elsewhere
CHAIN_LINKS = 10_000  # a forum of 5,000 pages with nothing but "next" links has half of that
FILTER_PARAMETERS = 4
PLACES_KNOWN = 20_000  # about 6 MB

_NO_NAMES: frozenset[str] = frozenset()
_DIGIT, _TOKEN = re.compile("[0-9]"), re.compile("(?<![0-9A-Za-z])([A-Za-z]*+)([0-9][0-9A-Za-z]*+)")


class Place(NamedTuple):
    """Where an address belongs: origin with path, and the names of its parameters."""

    path: str
    names: frozenset[str]

    def is_beside(self, other: Place) -> bool:
        """Tell whether this is another place for good, and not the other one with some parameter more or less."""
        return self.path != other.path or not (self.names <= other.names or self.names >= other.names)


_Told = tuple[dict[str, int], list[tuple[str, int, int, int]], list[tuple[str, list[str], int]]]


class _Path(msgspec.Struct):
    pages: int  # accepted
    top: int  # depth of the shallowest page
    fruit: int  # depth of the deepest page that brought something, or was found elsewhere


def place_of(url: Url) -> Place:
    """Return the place of `url`.

    /thread-17.html is in /thread-#.html, /2031/05/17 in /#, /wiki/Bee in /wiki/, /list?page=2 in /list with {page}.
    """
    start = url.find("/", 8)
    path, mark, query = url[start:].partition("?")
    names = frozenset(pair.partition("=")[0] for pair in query.split("&") if pair) if query else _NO_NAMES
    digit = _DIGIT.search(path)
    if digit is not None:
        token = len(path[: digit.start()].rstrip(ascii_letters))
        end = path.find("/", token)
        path = path[:token] + _TOKEN.sub(_shape, path[token:] if end < 0 else path[token:end])
    elif not mark:
        path = path[: path.rfind("/") + 1]
    return Place(url[:start] + path, names)


def _shape(found: re.Match[str]) -> str:
    """Return # for a token with digits, after its letters when all of them come first."""
    return f"{found[1]}#" if found[2].isdigit() else "#"


class Budget:
    """What each place has had of the crawl.

    `per_host` and `per_filter` are in pages, None is no bound; `year` is the present one.
    """

    __slots__ = ("_filters", "_hosts", "_paths", "_per_filter", "_per_host", "_year")

    def __init__(self, *, per_host: int | None, per_filter: int | None, year: int) -> None:
        self._per_host = per_host
        self._per_filter = per_filter
        self._year = year
        self._hosts: dict[str, int] = {}
        self._paths: dict[str, _Path] = {}
        self._filters: dict[Place, int] = {}

    def spend(self, url: Url, depth: int, source: Place | None) -> Reason | None:
        """Take a new URL, found on a page of `source`, out of its budgets, or return why it may not be had.

        A seed (`source` is None) is the user's own word and exceeds none.
        """
        place, host = place_of(url), hostname(url)
        within = source is not None and not place.is_beside(source)
        if source is not None and (reason := trap(url, self._year) or self._refuses(host, place, depth, within)):
            return reason
        path = self._take(host, place, depth)
        if not within:
            path.fruit = max(path.fruit, depth)
            if source is not None:
                self.bears(source, depth - 1)
        return None

    def _refuses(self, host: str, place: Place, depth: int, within: bool) -> Reason | None:
        if self._per_host is not None and self._hosts.get(host, 0) >= self._per_host:
            return Reason.BUDGET_HOST
        if self._per_filter is not None and self._filters.get(place, 0) >= self._per_filter:
            return Reason.BUDGET_FILTER
        path = self._paths.get(place.path)
        if path is not None and (depth - path.top > CHAIN_LINKS or (within and depth - path.fruit > BARREN_LINKS)):
            return Reason.TRAP_CHAIN
        return None

    def _take(self, host: str, place: Place, depth: int) -> _Path:
        self._hosts[host] = self._hosts.get(host, 0) + 1
        if len(place.names) >= FILTER_PARAMETERS:
            if len(self._filters) >= PLACES_KNOWN:
                self._filters = dict(sorted(self._filters.items(), key=lambda entry: -entry[1])[: PLACES_KNOWN // 2])
            self._filters[place] = self._filters.get(place, 0) + 1
        path = self._paths.get(place.path)
        if path is None:
            if len(self._paths) >= PLACES_KNOWN:
                self._paths = dict(sorted(self._paths.items(), key=lambda entry: -entry[1].pages)[: PLACES_KNOWN // 2])
            path = self._paths[place.path] = _Path(1, depth, depth)
        else:
            path.pages += 1
            if depth < path.top:
                path.top = depth
        return path

    def bears(self, place: Place, depth: int) -> None:
        """Note that a page of `place` brought an item, or a new page of a place beside it."""
        path = self._paths.get(place.path)
        if path is not None and depth > path.fruit:
            path.fruit = depth

    def recall(self, url: Url, depth: int) -> None:
        """Count a URL of an earlier process; what it brought is not known, so it gets the benefit of the doubt."""
        path = self._take(hostname(url), place_of(url), depth)
        path.fruit = max(path.fruit, depth)

    def told(self) -> bytes:
        """Return all that was counted, as JSON."""
        filters = [(place.path, sorted(place.names), pages) for place, pages in self._filters.items()]
        paths = [(name, path.pages, path.top, path.fruit) for name, path in self._paths.items()]
        return msgspec.json.encode((self._hosts, paths, filters))

    def restore(self, told: bytes) -> None:
        """Take over what an earlier process told."""
        self._hosts, paths, filters = msgspec.json.decode(told, type=_Told)
        self._paths = {name: _Path(pages, top, fruit) for name, pages, top, fruit in paths}
        self._filters = {Place(path, frozenset(names)): pages for path, names, pages in filters}

    def __repr__(self) -> str:
        return f"<Budget {len(self._hosts)} hosts | {len(self._paths)} places>"
