"""The practice shop on loopback, in a thread of its own, for examples that bring their own event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from scraper.practice.server import serve
from scraper.practice.site import Shop


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """The address of a running shop, host and port."""
    ready = threading.Event()
    stop: list[object] = []
    port: list[int] = []

    async def main() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with serve(Shop()) as bound:
            port.append(bound)
            stop.append(lambda: loop.call_soon_threadsafe(ended.set))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10)
    yield f"127.0.0.1:{port[0]}"
    assert callable(stop[0])
    stop[0]()
    thread.join()
