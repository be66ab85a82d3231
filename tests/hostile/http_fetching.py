"""Fetching for the HTTP cases: a real client with limits that a test can wait for, and its failures as values."""

from __future__ import annotations

from typing import Any

import pytest
from servers import TLS, Behaviour, Server

from scraper.clock import SystemClock
from scraper.errors import RequestException
from scraper.fetch.client import AiohttpFetcher
from scraper.request import Request
from scraper.response import Response

__all__ = ["client", "fail", "fail_at", "get", "get_at"]


def client(**changes: Any) -> AiohttpFetcher:
    """Return a client that trusts the tests' certificates."""
    settings: dict[str, Any] = {
        "clock": SystemClock(), "user_agent": "tests/1", "connections": 20, "connections_per_host": 0, "timeout": 2.0,
        "connect_timeout": 1.0, "max_body": 1_000_000, "verify_tls": str(TLS / "ca.pem"),
    }  # fmt: skip
    return AiohttpFetcher(**{**settings, **changes})


async def get_at(url: str, request: dict[str, Any] | None = None, **changes: Any) -> Response:
    """Fetch `url` with a client of its own."""
    async with client(**changes) as it:
        return await it.fetch(Request(url, **(request or {})))


async def fail_at(url: str, **changes: Any) -> RequestException:
    """Fetch `url`, which must fail; return the error."""
    with pytest.raises(RequestException) as caught:
        await get_at(url, **changes)
    return caught.value


async def get(behaviour: Behaviour, **changes: Any) -> Response:
    """Fetch once from a server that behaves so."""
    async with Server(behaviour) as server:
        return await get_at(f"{server.base}/a", **changes)


async def fail(behaviour: Behaviour, **changes: Any) -> RequestException:
    """Fetch once from a server that behaves so; return the error."""
    async with Server(behaviour) as server:
        return await fail_at(f"{server.base}/a", **changes)
