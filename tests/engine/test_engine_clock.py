"""The clock that jumps, on which the crawls of these tests run, is a clock."""

from __future__ import annotations

import asyncio
from math import inf, nextafter

import pytest

from scraper.testing.clock import FakeClock, run


def test_it_jumps_to_the_end_of_a_wait() -> None:
    """Hours pass at once, in order, and whoever waits for less wakes first."""

    async def main() -> list[float]:
        clock, woken = FakeClock(), list[float]()

        async def wait(seconds: float) -> None:
            assert not await clock.wait(asyncio.Event(), seconds)
            woken.append(clock.now())

        await asyncio.gather(wait(7200.0), wait(1.0), wait(60.0))
        return woken

    assert run(main()) == [1.0, 60.0, 7200.0]


def test_an_event_ends_a_wait_early() -> None:
    """And no time has passed then."""

    async def main() -> tuple[bool, float]:
        clock, event = FakeClock(), asyncio.Event()
        asyncio.get_running_loop().call_later(2.0, event.set)
        return await clock.wait(event, 100.0), clock.now()

    assert run(main()) == (True, 2.0)


def test_whoever_waits_for_nothing_hears_it() -> None:
    """A crawl that hangs is an error, not a test that never ends."""

    async def main() -> None:
        await FakeClock().wait(asyncio.Event(), None)

    with pytest.raises(RuntimeError, match="for ever"):
        run(main())


@pytest.mark.xfail(strict=True, reason="a timer within a nanosecond fires before the clock has moved")
def test_a_wait_for_the_smallest_time_ends_behind_it() -> None:
    """Whoever waits until a moment and looks again must find that it has come, also while others are busy."""

    async def main() -> bool:
        clock = FakeClock()
        await asyncio.sleep(314.7343464616557)
        moment = nextafter(clock.now(), inf)
        for _ in range(100):
            if clock.now() >= moment:
                return True
            asyncio.get_running_loop().call_soon(lambda: None)
            await clock.wait(asyncio.Event(), moment - clock.now())
        return False

    assert run(main())
