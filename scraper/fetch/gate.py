"""The gate: does the site allow it? robots.txt of each origin, as far as it is known (RFC 9309).

robots.txt is an origin's first visit. It is leased like any request, its answer comes here, and from here the frontier
learns (as a HostPolicy) until when the file is known and how long the site wants to be left alone between requests.
The order "never a page before its robots.txt" is kept by the frontier; this room only remembers and answers.

It fetches nothing, and it does not know the crawl's own scope.
"""

from __future__ import annotations

from math import inf

import msgspec

from scraper.clock import Clock
from scraper.errors import BodyTooLarge, RequestException, UnsafeAddress
from scraper.frontier.base import HostPolicy
from scraper.outcome import Failed, Fetched, Outcome, Reason, Refused, Retry
from scraper.policy.retry import RetryPolicy
from scraper.policy.robots import ALLOW_ALL, Rules, Verdict, judge, parse
from scraper.recent import Recent
from scraper.request import Request
from scraper.response import Response
from scraper.urls import origin

__all__ = ["Gate"]

LIFE = 24 * 3600.0  # seconds; RFC 9309, 2.4: a cached robots.txt is not used for longer than 24 hours
AGAIN = 3600.0  # seconds until one that could not be had is asked for again


SHARED_FILES = 256  # different ones that are kept, twice as many at most: what a shop system or a hoster writes
SHARED_BYTES = 4096  # a longer one is its site's own


class _Trouble(msgspec.Struct):
    """Why the robots.txt of an origin cannot be had."""

    tries: int = 0
    why: str = ""  # what the last try met
    reason: Reason = Reason.ROBOTS_UNREACHABLE


class Gate:
    """What is known of the robots.txt files of a crawl."""

    def __init__(self, *, obey: bool, user_agent: str, retry: RetryPolicy, clock: Clock) -> None:
        self._obey = obey
        self._user_agent = user_agent
        self._retry = retry
        self._clock = clock
        self._known: dict[str, Rules] = {}  # what sites with the same file share is one value
        self._troubles: dict[str, _Trouble] = {}
        self._alike = Recent[bytes, Rules](SHARED_FILES)

    def refuses(self, request: Request) -> Refused | None:
        """Return why the site does not want `request`; None: it may be made."""
        if not self._obey:
            return None
        where = origin(request.url)
        rules = self._known.get(where)
        if rules is None:  # unreachable, which means no (RFC 9309, 2.3.1.4)
            trouble = self._troubles[where]
            return Refused(trouble.reason, f"its robots.txt cannot be had, which means no: {trouble.why}")
        return None if rules.allows(request.url) else Refused(Reason.ROBOTS, "robots.txt forbids it")

    def learn(self, where: str, answer: Response | RequestException, wait: float | None) -> tuple[Outcome, HostPolicy]:
        """Take in the answer to the robots.txt request of origin `where`; `wait`: its Retry-After in seconds."""
        if isinstance(answer, UnsafeAddress):
            self._troubles.setdefault(where, _Trouble()).reason = Reason.UNSAFE_ADDRESS
        if isinstance(answer, BodyTooLarge) and answer.response is not None:
            answer = answer.response  # RFC 9309, 2.5: what came is enough
        if isinstance(answer, RequestException):
            return self._unreachable(where, answer.reason, 0, wait, str(answer))
        verdict = judge(answer.status)
        if verdict is Verdict.UNREACHABLE:
            return self._unreachable(where, "", answer.status, wait, "")
        rules = self._known[where] = self._read(answer.body) if verdict is Verdict.RULES else ALLOW_ALL
        self._troubles.pop(where, None)
        policy = HostPolicy(robots_until=self._clock.now() + LIFE, crawl_delay=rules.delay)
        return Fetched(answer.status, bytes=len(answer.body), elapsed=answer.elapsed), policy

    def _read(self, body: bytes) -> Rules:
        """Return the rules of a file; of one that another site has as well, what was read there."""
        rules = self._alike.get(body)
        if rules is None:
            rules = parse(body, self._user_agent)
            if len(body) <= SHARED_BYTES:
                self._alike.put(body, rules)
        return rules

    def _unreachable(
        self, where: str, reason: str, status: int, wait: float | None, detail: str
    ) -> tuple[Outcome, HostPolicy]:
        """Ask again later, or, when that did not help, take it as a no for a while.

        What was known before stays in force: an old file may be used while there is no other (RFC 9309, 2.4).
        """
        trouble = self._troubles.setdefault(where, _Trouble())
        trouble.tries += 1
        trouble.why = detail or f"status {status}"
        outcome = self._retry.judge(
            attempt=trouble.tries, method="GET", reason=reason, status=status, retry_after=wait, detail=detail
        )
        if isinstance(outcome, Retry):
            return outcome, HostPolicy(robots_until=-inf, rest_until=self._clock.now() + outcome.delay)
        assert isinstance(outcome, Failed)
        trouble.tries = 0
        now = self._clock.now()
        return outcome, HostPolicy(robots_until=now + AGAIN, rest_until=None if wait is None else now + wait)

    def sitemaps(self, where: str) -> tuple[str, ...]:
        """Return the sitemaps that an origin's robots.txt names."""
        rules = self._known.get(where)
        return () if rules is None else rules.sitemaps

    def __repr__(self) -> str:
        return f"<Gate {len(self._known.keys() | self._troubles.keys())} origins>"
