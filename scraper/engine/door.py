"""The one door in: what wants to enter the crawl is cut, judged and, when a page brings too much, counted.

Seeds, links and redirect targets pass here alike; the frontier behind it dedupes. Nothing is remembered from one page
to the next, and the page with the usual number of links pays for nothing but the scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scraper.outcome import Reason
from scraper.policy.scope import Scope
from scraper.request import Request

__all__ = ["Admitted", "Door"]

Admitted = tuple[tuple[Request, ...], tuple[tuple[str, Reason], ...]]


class Door:
    """Who may come in."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def admit(
        self, requests: Iterable[Request], refusals: Iterable[tuple[str, Reason]] = (), *, links: int | None = None
    ) -> Admitted:
        """Split what wants to enter into what may and what may not, with the reason.

        `links`: how many different requests a page may bring; None: they are seeds.
        """
        accepted: list[Request] = []
        refused = list(refusals)
        for wanted in requests:
            request = self._scope.cut(wanted)
            reason = self._scope.refuses(request)
            if reason is None:
                accepted.append(request)
            else:
                refused.append((request.url, reason))
        if links is not None and len(accepted) > links:
            accepted = _different(accepted)
            refused += [(request.url, Reason.TOO_MANY_LINKS) for request in accepted[links:]]
            del accepted[links:]
        return tuple(accepted), tuple(refused)

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
