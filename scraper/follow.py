"""The links that a callback wants followed: where they lead, and one request that all the others are like.

Most links of a page were met before, and of such a link nobody needs more than its URL. So a request is made when
somebody asks for it, and costs no check: what all have in common is in the one that was checked.

Where links come from is the page's business, and whether they are followed is decided at the front door.
"""

from __future__ import annotations

from dataclasses import dataclass

from scraper.outcome import Reason
from scraper.request import Request
from scraper.urls import Url

__all__ = ["Follow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """The links that a callback wants followed; yield it. Their requests differ in the URL alone."""

    links: tuple[Url, ...] = ()  # each once, in the page's order
    refusals: tuple[tuple[str, Reason], ...] = ()  # the others, as written: SCHEME, INVALID_URL or NOFOLLOW
    like: Request | None = None  # the request for the first link; None: there is no link

    @property
    def requests(self) -> tuple[Request, ...]:
        """A request for each link."""
        return tuple(map(self.like.at, self.links)) if self.like else ()

    def request(self, url: Url) -> Request:
        """Return the request for one of the links."""
        assert self.like is not None
        return self.like.at(url)

    def plain(self) -> Follow:
        """Return these links with requests as they will be after a kill; see `Request.plain`."""
        if self.like is None or (like := self.like.plain()) is self.like:
            return self
        return Follow(links=self.links, refusals=self.refusals, like=like)

    def __repr__(self) -> str:
        return f"<Follow {len(self.links)} | {len(self.refusals)} refused>"
