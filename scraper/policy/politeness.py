"""Politeness: how long a host rests between two requests, and how many it may serve at once.

A host is a name: all its ports and both schemes are served by one machine's patience, so they share one rest. By choice
the names of one registered domain, which are often one machine too, are one host. Jitter is only ever added, so the
rest is never shorter than what the user or the site asked for.

Who waits, and until when, is the frontier's; no clock and no queue may enter here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from scraper.policy.domains import registered_domain
from scraper.urls import hostname

__all__ = ["Per", "Politeness", "domain_of", "host_of", "unit_of"]

Per = Literal["host", "domain"]


class Politeness(msgspec.Struct, frozen=True, kw_only=True):
    """What this crawl owes to each host."""

    delay: float  # seconds between the starts of two requests to one host, at least
    jitter: float  # seconds; up to so many are added, evenly spread
    concurrency: int  # requests to one host under way at once, at most
    max_crawl_delay: float  # seconds; a site's own wish counts up to here
    random: Callable[[], float]  # evenly spread over [0, 1)

    def gap(self, crawl_delay: float | None) -> float:
        """Return the seconds from the start of one request to the start of the next one to the same host.

        `crawl_delay` is what the host's robots.txt asks for, in seconds; None when it asks for nothing.
        """
        wish = 0.0 if crawl_delay is None else min(crawl_delay, self.max_crawl_delay)
        rest = max(self.delay, wish)
        return rest + self.random() * self.jitter if self.jitter else rest


def host_of(origin: str) -> str:
    """Return the host name of `origin` (scheme://host:port, or any URL), as the usual unit of politeness.

    The dot that may end a name says only that it is complete (RFC 1034, 3.1); it makes no other machine.
    """
    return hostname(origin).rstrip(".")


def domain_of(origin: str) -> str:
    """Return the registered domain of `origin`; an IP address, or a name without one, is a unit of its own."""
    return registered_domain(host_of(origin))


def unit_of(per: Per) -> Callable[[str], str]:
    """Return the function that says which unit of politeness an origin belongs to."""
    return domain_of if per == "domain" else host_of
