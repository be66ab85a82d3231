"""A dict that is a web site: a Fetcher for tests that need pages and no network.

It keeps the Fetcher's contract (`fetcher_contract` runs against it): one hop, statuses are answers, failures are
exceptions of `scraper.errors`. Time comes from the clock that it is given: with a clock that jumps, no test waits.

Judging what a crawl may fetch must not enter here; the fake answers whatever it is asked and writes it down.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

from scraper.clock import Clock, SystemClock
from scraper.errors import ReadTimeout, RequestException
from scraper.fetch.base import terms
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.urls import canonical

__all__ = ["Answer", "FakeFetcher", "Visit"]

Body = str | bytes
Plain = Body | tuple[int, Body] | tuple[int, Mapping[str, str], Body] | RequestException
Answer = Plain | Callable[[Request], Plain]

_MISSING: Plain = (404, "no such page")


class Visit(NamedTuple):
    """One request that was made, and when (clock seconds)."""

    at: float
    request: Request


class FakeFetcher:
    """Answer from `site`: URL -> body, (status, body), (status, headers, body), an exception, or a function of these.

    A str is HTML in UTF-8, bytes have no content type of their own. A URL that is not there, robots.txt of any host
    included, answers 404. `latency`: seconds for each answer, on the given clock. `visits` has every request.

    >>> import asyncio
    >>> async def main():
    ...     async with FakeFetcher({"http://shop.test/": "<h1>Shop</h1>"}) as fetcher:
    ...         page = await fetcher.fetch(Request("http://shop.test/"))
    ...         lost = await fetcher.fetch(Request("http://shop.test/robots.txt"))
    ...         return page.text, lost.status, fetcher.urls
    >>> asyncio.run(main())
    ('<h1>Shop</h1>', 404, ['http://shop.test/', 'http://shop.test/robots.txt'])
    """

    def __init__(self, site: Mapping[str, Answer], *, clock: Clock | None = None, latency: float = 0.0) -> None:
        self._site = {canonical(url): answer for url, answer in site.items()}
        self._clock = clock or SystemClock()
        self._latency = latency
        self._open = False
        self.visits: list[Visit] = []

    @property
    def urls(self) -> list[str]:
        """The URLs that were requested, in order."""
        return [str(visit.request.url) for visit in self.visits]

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False

    async def fetch(self, request: Request, *, timeout: float | None = None) -> Response:
        """Return what the site has for `request.url`; raise what it has when that is an exception."""
        if not self._open:
            raise RuntimeError("this fetcher is not open; use it inside `async with`")
        sent_at = self._clock.now()
        self.visits.append(Visit(sent_at, request))
        terms.get().sent(sent_at)
        await self._travel(request, timeout)
        answer = self._site.get(request.url, _MISSING)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, BaseException):
            raise _named(answer, request)
        return _response(request, answer, sent_at, self._clock.now() - sent_at)

    async def _travel(self, request: Request, timeout: float | None) -> None:
        """Let the latency pass, or as much of it as the timeout allows."""
        if timeout is not None and timeout < self._latency:
            await self._clock.wait(asyncio.Event(), timeout)
            raise ReadTimeout(f"{request.method} {request.url}: the response was not complete in time", request=request)
        if self._latency:
            await self._clock.wait(asyncio.Event(), self._latency)
        else:
            await asyncio.sleep(0)

    def __repr__(self) -> str:
        return f"<FakeFetcher {len(self._site)} pages | {len(self.visits)} visits>"


def _named(error: RequestException, request: Request) -> RequestException:
    """Return a fresh copy of `error` that knows its request, so that one entry of a site can fail many visits."""
    fresh = copy.copy(error)
    fresh.request = request
    return fresh


def _response(request: Request, answer: Body | tuple[object, ...], sent_at: float, elapsed: float) -> Response:
    status, headers, body = _parts(answer)
    if isinstance(body, str):
        body = body.encode()
        headers = {"Content-Type": "text/html; charset=utf-8", **headers}
    return Response(
        request,
        status=status,
        url=request.url,
        headers=Headers(tuple(headers.items())),
        body=b"" if request.method == "HEAD" else body,
        sent_at=sent_at,
        elapsed=elapsed,
    )


def _parts(answer: Body | tuple[object, ...]) -> tuple[int, Mapping[str, str], Body]:
    match answer:
        case str() | bytes():
            return 200, {}, answer
        case (int() as status, (str() | bytes()) as body):
            return status, {}, body
        case (int() as status, Mapping() as headers, (str() | bytes()) as body):
            return status, headers, body
    raise TypeError(f"{answer!r} is no answer; write a body, (status, body) or (status, headers, body)")
