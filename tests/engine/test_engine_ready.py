"""Leases on their way to the workers: in order, each once, and none lost to a worker that is cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from scraper.engine.ready import Ready
from scraper.request import Request
from scraper.visit import Lease


def lease(number: int) -> Lease:
    """Return the lease of some request."""
    return Lease(number, request=Request(f"http://a.test/{number}"), origin="http://a.test")


async def test_what_was_put_first_is_got_first() -> None:
    """Leases come in the order of their turns, whether somebody waits already or not."""
    ready = Ready()
    waiting = [asyncio.create_task(ready.get()) for _ in range(2)]
    await asyncio.sleep(0)
    leases = [lease(number) for number in range(1, 5)]
    for one in leases:
        ready.put(one)
    ready.put(None)
    early = await asyncio.gather(*waiting)
    assert [*early, *[await ready.get() for _ in range(3)]] == [*leases, None]


async def test_a_worker_that_is_cancelled_leaves_the_lease_to_the_next() -> None:
    """It may have been called already; another that waits takes what it was called for."""
    ready = Ready()
    first, second = asyncio.create_task(ready.get()), asyncio.create_task(ready.get())
    await asyncio.sleep(0)
    ready.put(lease(1))
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    assert await asyncio.wait_for(second, 1.0) == lease(1)


async def test_who_was_cancelled_before_is_not_called() -> None:
    """A worker that has gone is no reason for a lease to wait."""
    ready = Ready()
    first, second = asyncio.create_task(ready.get()), asyncio.create_task(ready.get())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    ready.put(lease(1))
    assert await asyncio.wait_for(second, 1.0) == lease(1)
