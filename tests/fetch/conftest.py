"""A raw server on loopback, for answers that no HTTP library would send, and fetchers with short limits.

The server writes the bytes that it is given and keeps what it was sent. Nothing of it is HTTP-aware.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from scraper.clock import SystemClock
from scraper.errors import RequestException
from scraper.fetch.client import AiohttpFetcher
from scraper.request import Request
from scraper.response import Response

TLS = Path(__file__).parent / "tls"
HOLD_SECONDS = 5.0  # longer than any test waits


class RawServer:
    """Write `answer` to each request; then close, reset or hold the connection, or wait for the next request."""

    def __init__(self, answer: bytes, then: str) -> None:
        self.answer = answer
        self.then = then
        self.seen: list[bytes] = []  # the head of each request
        self.open = self.peak = self.connections = 0
        self.port = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.connections += 1
        self.peak = max(self.peak, self.open)
        try:
            while await self.answer_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        if self.then == "reset":
            await asyncio.sleep(0.02)  # let the answer arrive before the reset overtakes it
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        elif self.then == "hold":
            await reader.read()
        elif self.then == "drip":
            while True:
                await asyncio.sleep(0.02)
                writer.write(b".")
                await writer.drain()
        return self.then == "keep"


@pytest.fixture
async def raw() -> AsyncIterator[Callable[..., Awaitable[RawServer]]]:
    """Start raw servers: `server = await raw(b"HTTP/1.1 …", then="close|reset|hold|drip|keep", tls="good")`."""
    async with AsyncExitStack() as stack:

        async def start(answer: bytes = b"", then: str = "close", tls: str = "") -> RawServer:
            server = RawServer(answer, then)
            context = None
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(TLS / f"{tls}.pem")
            listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
            server.port = listening.sockets[0].getsockname()[1]
            stack.callback(listening.close)
            return server

        yield start


def fetcher(**changes: Any) -> AiohttpFetcher:
    """Return a fetcher with limits that a test can wait for."""
    settings: dict[str, Any] = {
        "clock": SystemClock(),
        "user_agent": "tests/1",
        "connections": 20,
        "connections_per_host": 0,
        "timeout": 2.0,
        "connect_timeout": 1.0,
        "max_body": 1_000_000,
        "verify_tls": True,
    }
    return AiohttpFetcher(**{**settings, **changes})


@pytest.fixture
def tls_folder() -> Path:
    """Where the certificates are."""
    return TLS


@pytest.fixture
def make() -> Callable[..., AiohttpFetcher]:
    """Make fetchers: `make(timeout=0.1)`."""
    return fetcher


@pytest.fixture
def get() -> Callable[..., Awaitable[Response]]:
    """Fetch once with a fetcher of its own: `await get(url, timeout=0.1)`."""

    async def fetch(url: str, request: dict[str, Any] | None = None, **changes: Any) -> Response:
        async with fetcher(**changes) as it:
            return await it.fetch(Request(url, **(request or {})))

    return fetch


@pytest.fixture
def fail(get: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[RequestException]]:
    """Fetch what must fail and return the error: `error = await fail(url)`."""

    async def fetch(url: str, **options: Any) -> RequestException:
        with pytest.raises(RequestException) as caught:
            await get(url, **options)
        return caught.value

    return fetch
