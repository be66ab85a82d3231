"""Deadlines end what takes too long, and nothing else; one timer serves them all."""

from __future__ import annotations

import asyncio

import pytest

from scraper.fetch.deadline import Deadlines
from scraper.testing.clock import run


def test_a_block_that_takes_too_long_ends_in_a_timeout() -> None:
    """At its end, not before, and each at its own."""

    async def wait(deadlines: Deadlines, seconds: float) -> float:
        with pytest.raises(TimeoutError), deadlines.after(seconds):
            await asyncio.sleep(1000)
        return asyncio.get_running_loop().time()

    async def main() -> list[float]:
        deadlines = Deadlines()
        return await asyncio.gather(*(wait(deadlines, seconds) for seconds in (3.0, 1.0, 2.0, 1.0)))

    assert run(main()) == pytest.approx([3.0, 1.0, 2.0, 1.0])


def test_a_block_that_ends_in_time_is_left_alone() -> None:
    """Nobody is cancelled afterwards, and no timer is left when all is closed."""

    async def main() -> str:
        deadlines = Deadlines()
        with deadlines.after(1.0):
            await asyncio.sleep(0.5)
        await asyncio.sleep(5.0)
        with deadlines.after(None):
            await asyncio.sleep(5.0)
        deadlines.close()
        return "done"

    assert run(main()) == "done"


def test_a_deadline_can_be_put_off() -> None:
    """Time in which it stands still does not count."""

    async def work() -> None:
        with Deadlines().after(1.0) as deadline:
            deadline.reschedule(None)
            await asyncio.sleep(10.0)
            deadline.reschedule(asyncio.get_running_loop().time() + 1.0)
            await asyncio.sleep(10.0)

    async def main() -> float:
        with pytest.raises(TimeoutError):
            await work()
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(11.0)


def test_a_cancellation_from_elsewhere_is_not_a_timeout() -> None:
    """Whoever cancels the task gets a cancelled task."""

    async def work(deadlines: Deadlines) -> None:
        with deadlines.after(5.0):
            await asyncio.sleep(1000)

    async def main() -> bool:
        task = asyncio.create_task(work(Deadlines()))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run(main())


def test_no_timeout_hides_a_cancellation_of_the_same_moment() -> None:
    """Both at once: the task was cancelled."""

    async def work(deadlines: Deadlines) -> None:
        with deadlines.after(1.0):
            await asyncio.sleep(1000)

    async def main() -> bool:
        task = asyncio.create_task(work(Deadlines()))
        asyncio.get_running_loop().call_later(1.0, task.cancel)
        await asyncio.wait([task])
        return task.cancelled()

    assert run(main())
