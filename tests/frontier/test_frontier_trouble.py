"""Hosts in every kind of trouble: whatever they answer or do not, nothing is lost, and the crawl comes to its end.

How a host's pace changes is a rule of its own; here it is only checked that no pace, rest or death of a host breaks the
first law, the slots of a host or the end of a crawl.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.frontier.base import HostPolicy
from scraper.frontier.sqlite import SqliteFrontier
from scraper.frontier.store import MEMORY
from scraper.outcome import Failed, Fetched, Outcome, Reason, Refused, Retry
from scraper.policy.pace import Heard, Pacing, Sign
from scraper.policy.politeness import host_of
from scraper.request import Request
from scraper.testing.frontier_steps import WaitingClock, fixed_gap
from scraper.visit import Lease, Visit

ORIGINS = ("http://a.test", "https://a.test", "http://b.test", "http://c.test")
TRIES = 4

answers = st.tuples(st.sampled_from(Sign), st.sampled_from((0.0, 0.3, 5.0)), st.booleans())


def outcome_of(lease: Lease, sign: Sign, again: bool) -> Outcome:
    """Return what became of a visit whose host gave this sign."""
    if lease.host_is_dead:
        return Refused(Reason.HOST_DOWN)
    if sign is Sign.FINE:
        return Fetched(200)
    return Retry("http_503", 2.0, 503) if again and lease.attempt < TRIES else Failed("http_503", 503)


@settings(max_examples=40, deadline=None)
@given(
    urls=st.integers(1, 40),
    per_host=st.integers(1, 3),
    delay=st.sampled_from((0.0, 1.0)),
    ask=st.booleans(),
    script=st.lists(answers, min_size=1, max_size=60),
    moods=st.lists(st.sampled_from(("steady", "down", "fine")), min_size=3, max_size=3),
)
def test_every_request_ends_whatever_its_host_does(
    urls: int, per_host: int, delay: float, ask: bool, script: list[tuple[Sign, float, bool]], moods: list[str]
) -> None:
    """Once each; a dead host's requests are refused, those of the others are not held up by it."""
    moods_of = dict(zip(("a.test", "b.test", "c.test"), moods, strict=True))
    ended, in_flight = Counter[str](), Counter[str]()

    def answer(lease: Lease, number: int) -> tuple[Sign, float, bool]:
        mood = moods_of[host_of(lease.origin)]
        if mood == "fine":
            return Sign.FINE, 0.1, False
        return script[number % len(script)] if mood == "steady" else (Sign.DOWN, 0.3, True)

    async def main() -> int:
        clock = WaitingClock()
        frontier = SqliteFrontier(
            MEMORY,
            clock=clock,
            per_host=per_host,
            gap=fixed_gap(delay),
            host_of=host_of,
            ask_robots=ask,
            pacing=Pacing(backoff=1.0, max_backoff=60.0, random=lambda: 0.5),
        )
        await frontier.open()
        await frontier.begin(1, {})
        await frontier.offer([Request(f"{ORIGINS[n % 4]}/{n}", priority=n % 3) for n in range(urls)])
        number = 0
        while leases := await frontier.lease(5):
            for lease in leases:
                if not lease.host_is_dead:
                    in_flight[host_of(lease.origin)] += 1
                    assert in_flight[host_of(lease.origin)] <= per_host
            for lease in leases:
                number += 1
                sign, latency, again = answer(lease, number)
                started = clock.now()
                clock.time += latency
                if lease.host_is_dead:
                    frontier.release(lease, None)
                else:
                    in_flight[host_of(lease.origin)] -= 1
                    frontier.release(lease, started, Heard(sign, started, latency))
                outcome = outcome_of(lease, sign, again)
                if lease.is_robots:
                    frontier.host_policy(lease.origin, HostPolicy(robots_until=clock.now() + 1e6))
                elif not isinstance(outcome, Retry):
                    ended[str(lease.request.url)] += 1
                await frontier.commit([Visit(lease, outcome)], {})
                assert frontier.counts().conserved
        counts = frontier.counts()
        assert (counts.queued, counts.in_flight) == (0, 0)
        return counts.finished

    assert asyncio.run(main()) == urls
    assert len(ended) == urls
    assert set(ended.values()) == {1}
