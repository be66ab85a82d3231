"""Both shipped fetchers keep the contract; the real one against an aiohttp server on loopback."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from scraper.clock import SystemClock
from scraper.errors import ConnectionError, ReadTimeout  # noqa: A004
from scraper.fetch.client import AiohttpFetcher
from scraper.request import Request
from scraper.testing.fake_fetcher import FakeFetcher
from scraper.testing.fetcher_contract import FetcherContract, Trouble


@asynccontextmanager
async def served(site):
    """Serve `site` over HTTP; yield its base URL."""
    over = asyncio.Event()

    async def answer(asked: web.BaseRequest) -> web.StreamResponse:
        page = site.get(asked.path, (404, {}, b""))
        if page is Trouble.HANG_UP:
            asked.transport.close()
            raise asyncio.CancelledError
        if page is Trouble.SILENCE:
            await over.wait()
            raise asyncio.CancelledError
        if callable(page):
            headers = tuple(asked.headers.items())
            page = page(Request(str(asked.url), method=asked.method, headers=headers, body=await asked.read()))
        status, headers, body = page
        return web.Response(status=status, headers=headers, body=body)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        over.set()
        await runner.cleanup()


class TestAiohttpFetcher(FetcherContract):
    """The HTTP client keeps the contract on its short way."""

    lean = True

    @asynccontextmanager
    async def serve(self, site):
        fetcher = AiohttpFetcher(
            clock=SystemClock(),
            user_agent="tests/1",
            connections=100,
            connections_per_host=0,
            timeout=2.0,
            connect_timeout=1.0,
            max_body=100_000,
            verify_tls=True,
            lean=self.lean,
        )
        async with served(site) as base, fetcher:
            yield fetcher, base


class TestOverTheSession(TestAiohttpFetcher):
    """And on aiohttp's own."""

    lean = False


TROUBLES = {Trouble.HANG_UP: ConnectionError("hung up"), Trouble.SILENCE: ReadTimeout("silence")}


class TestFakeFetcher(FetcherContract):
    """The dict that is a web site keeps the contract."""

    @asynccontextmanager
    async def serve(self, site):
        base = "http://shop.test"
        pages = {base + path: TROUBLES[page] if isinstance(page, Trouble) else page for path, page in site.items()}
        async with FakeFetcher(pages) as fetcher:
            yield fetcher, base


def test_the_contract_itself_cannot_be_run():
    """A fetcher's test has to say how its site is served."""
    with pytest.raises(TypeError, match="abstract"):
        FetcherContract()
