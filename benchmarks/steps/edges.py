"""Steps that touch the world: the HTTP client against a server in the same loop, an output, a config file."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.places import CONFIG
from benchmarks.servers.loopback import Connection
from benchmarks.steps.material import Material, finish
from benchmarks.steps.step import Step, Work
from benchmarks.website.shop import ROBOTS
from scraper.clock import SystemClock
from scraper.config.load import load
from scraper.request import Request
from scraper.runs.wiring import make_fetcher
from scraper.sinks.factory import make_sink, place_for

__all__ = ["STEPS", "served"]

ITEMS, BATCH = 2000, 60  # items that are written, so many at once
EXCHANGES = 5  # of each page


@asynccontextmanager
async def served(material: Material):
    """Serve the material's pages on its port from this very loop."""
    answers = {**material.bodies, "/robots.txt": ROBOTS.encode()}
    server = await asyncio.get_running_loop().create_server(
        partial(Connection, lambda address, path: answers.get(path), (0, 0)), "127.0.0.1", material.port, backlog=512
    )
    async with server:
        yield


def _fetch(material: Material) -> Work:
    requests = [Request(material.shop.origin + path) for path in material.bodies] * EXCHANGES

    async def fetch_all() -> None:
        async with served(material), make_fetcher(material.plan(), {}, requests[:1], clock=SystemClock()) as fetcher:
            for first in range(0, len(requests), 16):
                async with asyncio.TaskGroup() as group:
                    for request in requests[first : first + 16]:
                        group.create_task(fetcher.fetch(request))

    def work() -> int:
        finish(fetch_all())
        return len(requests)

    return work


def _write(material: Material) -> Work:
    item = material.shop.detail(0)[1].as_record()

    async def write() -> None:
        with ThreadPoolExecutor(1) as thread:
            sink = make_sink(place_for(material.folder / "items.jsonl"), executor=thread)
            await sink.open(None)
            for _ in range(0, ITEMS, BATCH):
                await sink.write([item] * BATCH)
            await sink.seal()
            await sink.close()

    def work() -> int:
        finish(write())
        return ITEMS

    return work


def _config(material: Material) -> Work:
    environ = material.environ(material.folder / "out.jsonl")

    def work() -> int:
        for _ in range(5):
            load(CONFIG, environ)
        return 5

    return work


STEPS = (
    Step("fetch over HTTP, the server's part included", _fetch, "page", 0.05),
    Step("write items", _write, "item", 0.1),
    Step("load a config", _config, "file"),
)
