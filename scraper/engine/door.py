"""The one door in: what wants to enter the crawl is cut, judged and, when a page brings too much, counted.

Seeds, links and redirect targets pass here alike; the frontier behind it dedupes. Nothing is remembered from one page
to the next but which links led nowhere new, so that what stands on every page of a site is judged once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from scraper.outcome import Reason
from scraper.page import Follow
from scraper.policy.scope import Scope
from scraper.recent import Recent
from scraper.request import Request
from scraper.urls import Url

__all__ = ["Admitted", "Door"]

LINKS_REMEMBERED = 8192  # twice at most; mostly the texts are shared with those who resolve links
LONGEST_REMEMBERED = 512  # characters; hardly any link is longer
REFUSALS_REMEMBERED = 4096  # twice at most; the links to elsewhere that a site has on every page are some dozens


class Admitted(NamedTuple):
    """What became of those who wanted to enter."""

    requests: tuple[Request, ...]
    refusals: tuple[tuple[str, Reason], ...]
    known: int = 0  # links that the frontier has already


def _nobody(url: Url) -> bool:
    """Know no URL."""
    return False


class Door:
    """Who may come in."""

    def __init__(self, scope: Scope, knows: Callable[[Url], bool] = _nobody) -> None:
        """`knows` tells of URLs that the frontier has for certain; nobody makes a request of such a link."""
        self._scope = scope
        self._knows = knows
        self._known = Recent[Url, bool](LINKS_REMEMBERED)  # as pages have them, with what does not matter
        self._refused = Recent[Url, Reason](REFUSALS_REMEMBERED)  # as pages have them; no way makes them better
        self._told = Recent[tuple[str, Reason], Reason](REFUSALS_REMEMBERED)

    def admit(
        self,
        wanted: Iterable[Follow | Request],
        refusals: Iterable[tuple[str, Reason]] = (),
        *,
        links: int | None = None,
    ) -> Admitted:
        """Split what wants to enter into what may and what may not, with the reason.

        `links`: how many different requests a page may bring; None: they are seeds.
        """
        accepted: list[Request] = []
        refused = [refusal for refusal in self._told.others(refusals) if self._is_news(refusal)]
        known = 0
        for entry in wanted:
            if links is not None and isinstance(entry, Follow) and len(entry.links) <= links:
                known += self._admit_links(entry, accepted, refused)
                continue
            requests = map(self._scope.cut, (entry,) if isinstance(entry, Request) else entry.requests)
            accepted += [one for one in requests if self._refuses(one.url, one.depth, refused) is None]
        if links is not None and len(accepted) > links:
            accepted = _different(accepted)
            refused += [(request.url, Reason.TOO_MANY_LINKS) for request in accepted[links:]]
            del accepted[links:]
        return Admitted(tuple(accepted), tuple(refused), known)

    def _admit_links(self, follow: Follow, accepted: list[Request], refused: list[tuple[str, Reason]]) -> int:
        """Judge those links that are news, and return how many others the frontier has."""
        strange = self._known.others(follow.links)
        known = len(follow.links) - len(strange)
        depth = follow.like.depth if follow.like else 0
        for link in self._refused.others(strange):
            url, is_short = self._scope.shorten(link), len(link) <= LONGEST_REMEMBERED
            if self._knows(url):
                known += 1
                if is_short:
                    self._known.put(link, True)
                continue
            if url is not link:
                url = self._scope.shorten(url)  # what was cut may have hidden more of it
            reason = self._refuses(url, depth, refused)
            if reason is None:
                accepted.append(follow.request(url))
            elif reason is not Reason.TOO_DEEP and is_short:  # another way may be less deep
                self._refused.put(link, reason)
        return known

    def _refuses(self, url: Url, depth: int, refused: list[tuple[str, Reason]]) -> Reason | None:
        """Return why `url` may not come in, and add it to `refused` if that is news."""
        reason = self._scope.refuses_link(url, depth)
        if reason is not None and self._is_news((url, reason)):
            refused.append((url, reason))
        return reason

    def _is_news(self, refusal: tuple[str, Reason]) -> bool:
        """Tell whether it was not said lately that a link is refused for this reason."""
        if self._told.has(refusal):
            return False
        self._told.put(refusal, refusal[1])
        return True

    def refuses(self, request: Request) -> Reason | None:
        """Return why a redirect's `request` may not be in the crawl; a server that names a URL means all of it."""
        return self._scope.refuses(request)

    def __repr__(self) -> str:
        return f"<Door {self._scope!r}>"


def _different(requests: Sequence[Request]) -> list[Request]:
    """Return each request once, in the order they came: a link that is on a page twice is one link."""
    found: dict[int, Request] = {}
    for request in requests:
        found.setdefault(request.fingerprint, request)
    return list(found.values())
