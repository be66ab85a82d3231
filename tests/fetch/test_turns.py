"""So many at a time, in order, and no turn is lost with somebody who gave up waiting."""

from __future__ import annotations

import asyncio

from scraper.fetch.sockets import Turns


async def test_whoever_waits_longest_is_next():
    """In order, and before those who come later."""
    turns, seen = Turns(1), []

    async def one(name: str) -> None:
        if not turns.take():
            await turns.wait()
        seen.append(name)
        await asyncio.sleep(0)
        turns.give()

    await asyncio.gather(*(one(name) for name in "abcde"))
    assert seen == list("abcde")


async def test_no_more_are_at_it_than_there_are_turns():
    """Never one more, and never fewer when somebody waits."""
    turns, busy, peak = Turns(3), 0, []

    async def one() -> None:
        nonlocal busy
        if not turns.take():
            await turns.wait()
        busy += 1
        await asyncio.sleep(0)
        peak.append(busy)
        busy -= 1
        turns.give()

    await asyncio.gather(*(one() for _ in range(20)))
    assert max(peak) == 3
    assert [turns.take() for _ in range(4)] == [True, True, True, False]


async def test_a_turn_is_not_lost_with_who_gave_up():
    """Cancelled while it waits, or in the moment in which it got its turn."""
    turns = Turns(1)
    assert turns.take()
    early, late, third = (asyncio.create_task(turns.wait()) for _ in range(3))
    await asyncio.sleep(0)
    early.cancel()
    turns.give()  # early is passed over, or has it and gives it back
    late.cancel()
    await asyncio.wait([early, late])
    assert early.cancelled()
    assert late.cancelled()
    await asyncio.wait_for(third, 1.0)
    turns.give()
    assert turns.take()
