"""Large bodies within one sum of bytes: bounded, in order, and somebody always comes to an end."""

from __future__ import annotations

import asyncio
import random

import pytest

from scraper.fetch.inflight import GRANT, BytesInFlight, Share


@pytest.mark.parametrize("seed", range(30))
async def test_nothing_is_lost_and_nobody_waits_for_ever(seed: int) -> None:
    """Twenty bodies of up to six grants, some broken off, some cancelled: all is given back, and no more was held."""
    chance = random.Random(seed)
    most = chance.randrange(1, 8)
    pool = BytesInFlight(most * GRANT)
    held: set[Share] = set()
    peaks = [0]

    async def body() -> None:
        async with asyncio.timeout(60) as deadline:
            share = Share(pool, deadline)
            try:
                for _ in range(chance.randrange(1, 7)):
                    await share.grow()
                    held.add(share)
                    peaks.append(sum(one.held for one in held))
                    await asyncio.sleep(0)
                    if chance.random() < 0.1:
                        raise ConnectionError
            finally:
                held.discard(share)
                share.give_back()

    bodies = [asyncio.create_task(body()) for _ in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)
        chance.choice(bodies).cancel()
    await asyncio.wait_for(asyncio.gather(*bodies, return_exceptions=True), 5)
    assert repr(pool) == f"<BytesInFlight {most * GRANT} free | 0 waiting>"
    assert max(peaks) <= (most + 6) * GRANT


async def test_a_body_that_waits_has_its_time_back() -> None:
    """Waiting is our own doing: the deadline is later by as long as it took."""
    pool = BytesInFlight(0)
    async with asyncio.timeout(10) as first, asyncio.timeout(10) as second:
        ahead, behind = Share(pool, first), Share(pool, second)
        assert await ahead.grow() == GRANT  # one is always let through
        before = second.when()
        waiting = asyncio.create_task(behind.grow())
        await asyncio.sleep(0.05)
        assert (waiting.done(), second.when()) == (False, None)
        ahead.give_back()
        assert await waiting == GRANT
        after = second.when()
    assert before is not None
    assert after is not None
    assert 0.04 < after - before < 1
