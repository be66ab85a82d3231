"""What a Fetcher is: one request in, one response out, one hop.

A fetcher never follows a redirect, never retries and never judges a status: 404 is an answer. Whatever goes wrong below
HTTP leaves as an exception of `scraper.errors`, so nobody above has to know which library did the work.

Policy (robots.txt, scope, rates, retries) must not enter here; it stands above, where every hop passes it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from scraper.request import Request
from scraper.response import Response

__all__ = ["Fetcher"]


class Fetcher(Protocol):
    """Fetch one hop; open it with `async with`, then call `fetch` from as many tasks as you like."""

    async def fetch(self, request: Request, *, timeout: float | None = None) -> Response:
        """Return what the server answers to `request`, its body complete and decoded from its content encoding.

        `timeout`: seconds for the whole exchange (None: the fetcher's own). Raises RequestException and nothing else,
        except CancelledError, which always passes, and RuntimeError when the fetcher is not open.
        """
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
