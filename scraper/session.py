"""An async session for those who only want pages: `requests`' names and meanings over this package's fetcher.

Redirects are followed here, hop by hop. A secret or a body never follows one to another origin, and none leads into a
private network: the host of a URL that was asked for may be anywhere, one that a server names must be public.
However many requests are started at once, no more than the session's limits are on their way; waiting for a turn is not
part of any timeout.

Crawling (frontier, robots.txt, politeness) must not enter here; a session asks for exactly what it is told to.
"""

from __future__ import annotations

import math
from asyncio import Semaphore
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import EllipsisType, TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

from scraper.about import __version__
from scraper.clock import SystemClock
from scraper.errors import InvalidURL, TooManyRedirects, UnsafeRedirect
from scraper.fetch.arguments import Fields, encode_body, merge_headers, split_url, with_params
from scraper.fetch.client import AiohttpFetcher
from scraper.fetch.cookies import load_cookies, save_cookies
from scraper.fetch.guard import AddressGuard
from scraper.policy.cookies import CookieJar
from scraper.policy.redirect import carries_body_away, location_of, next_hop
from scraper.request import Request
from scraper.response import Response
from scraper.urls import Url, hostname, join, origin

__all__ = ["AsyncSession", "Timeout"]

Timeout = float | tuple[float | None, float | None] | None
_Limits = tuple[float, float]  # seconds: the whole hop, one connection

MAX_BODY = 64 * 2**20  # bytes, decoded


class AsyncSession:
    """Ask for many pages at once, with `requests`' method names, in any running event loop.

    >>> import asyncio
    >>> async def main():
    ...     async with AsyncSession() as session:
    ...         responses = await asyncio.gather(*[session.get(url) for url in urls])
    ...         return [(response.status_code, response.text) for response in responses]
    >>> asyncio.run(main())
    [(200, 'one'), (200, 'two')]

    `headers`: sent with every request; `session.headers` may be changed at any time. `timeout`: seconds for one hop,
    from its turn to the last byte; a pair is (connect, read), None waits for ever. `connections` requests are on their
    way at a time, `connections_per_host` of them to one scheme, host and port (0: no limit of its own); an idle
    connection stays open for 15 s more. `verify`: False trusts any certificate, a path names a PEM file to trust.

    `allow_addresses`: networks such as 10.0.0.0/8 that redirects may lead to beside the public ones.

    Cookies are kept while the session exists, in `session.cookies`, and never shared between sessions. Failures raise
    the exceptions of `scraper.errors`, whose names are those of `requests`; an HTTP status never raises (use
    `raise_for_status`).
    """

    def __init__(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout = 30.0,
        connections: int = 64,
        connections_per_host: int = 8,
        max_body: int = MAX_BODY,
        verify: bool | str = True,
        user_agent: str | None = None,
        max_redirects: int = 30,
        allow_addresses: Iterable[str] = (),
    ) -> None:
        self.headers: dict[str, str | None] = {"Accept": "*/*", **(headers or {})}
        self.max_redirects = max_redirects
        self._limits = _limits(timeout)
        self._clock = SystemClock()
        self._guard = AddressGuard(networks=allow_addresses)
        self._fetcher = AiohttpFetcher(
            clock=self._clock,
            user_agent=user_agent or f"scraper/{__version__}",
            connections=connections,
            connections_per_host=connections_per_host,
            timeout=self._limits[0],
            connect_timeout=self._limits[1],
            max_body=max_body,
            verify_tls=verify,
            cookies=True,
            guard=self._guard,
            resend=True,  # as browsers do; a session has no politeness to keep
        )
        self._connections = connections
        self._connections_per_host = connections_per_host or connections
        self._state = "not open yet"
        self._turns = Semaphore(connections)
        self._host_turns: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()

    async def __aenter__(self) -> Self:
        await self._fetcher.__aenter__()
        self._turns, self._host_turns = Semaphore(self._connections), WeakValueDictionary()
        self._state = ""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._state = "closed"
        await self._fetcher.__aexit__(kind, error, trace)

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Fields | None = None,
        data: Fields | None = None,
        json: Any = None,
        headers: Mapping[str, str | None] | None = None,
        timeout: Timeout | EllipsisType = ...,
        allow_redirects: bool = True,
    ) -> Response:
        """Send one request and return the last response of its chain of redirects.

        `params` are appended to the query; `data` is a form (dict, pairs) or the body itself (bytes, str); `json` is
        encoded; a header that is None is left out. `timeout`: the session's unless given. A user name and password in
        `url` become an Authorization header. Raises RequestException; RuntimeError outside `async with`.
        """
        bare, fragment, authorization = split_url(url)
        body, content_type = encode_body(data, json)
        kind = {"Content-Type": content_type} if content_type else {}
        login = {"Authorization": authorization} if authorization else {}
        sent = merge_headers(kind, self.headers, login, headers or {})
        hop = Request(with_params(bare, params), method=method, headers=sent, body=body)
        limits = self._limits if isinstance(timeout, EllipsisType) else _limits(timeout)
        with self._guard.naming(hostname(hop.url)):
            return await self._follow(hop, fragment, limits, self.max_redirects if allow_redirects else None)

    async def get(self, url: str, **options: Any) -> Response:
        """Send a GET request; `options` as in `request`."""
        return await self.request("GET", url, **options)

    async def options(self, url: str, **options: Any) -> Response:
        """Send an OPTIONS request; `options` as in `request`."""
        return await self.request("OPTIONS", url, **options)

    async def head(self, url: str, **options: Any) -> Response:
        """Send a HEAD request, which follows no redirects unless told to; `options` as in `request`."""
        return await self.request("HEAD", url, **{"allow_redirects": False, **options})

    async def post(self, url: str, data: Fields | None = None, json: Any = None, **options: Any) -> Response:
        """Send a POST request; `options` as in `request`."""
        return await self.request("POST", url, data=data, json=json, **options)

    async def put(self, url: str, data: Fields | None = None, **options: Any) -> Response:
        """Send a PUT request; `options` as in `request`."""
        return await self.request("PUT", url, data=data, **options)

    async def patch(self, url: str, data: Fields | None = None, **options: Any) -> Response:
        """Send a PATCH request; `options` as in `request`."""
        return await self.request("PATCH", url, data=data, **options)

    async def delete(self, url: str, **options: Any) -> Response:
        """Send a DELETE request; `options` as in `request`."""
        return await self.request("DELETE", url, **options)

    @property
    def cookies(self) -> CookieJar:
        """The cookies of this session."""
        assert self._fetcher.cookies is not None
        return self._fetcher.cookies

    def save_cookies(self, path: str | Path) -> None:
        """Write the session's cookies to a file that only its owner may read; raises StateError."""
        save_cookies(Path(path), self.cookies)

    def load_cookies(self, path: str | Path) -> None:
        """Add the cookies of a file that `save_cookies` wrote; raises StateError, StateDamaged for any other file."""
        self.cookies.restore(load_cookies(Path(path)), self._clock.wall())

    async def _follow(self, hop: Request, fragment: str, limits: _Limits, hops_left: int | None) -> Response:
        """Fetch `hop` and the hops it is redirected to, at most `hops_left` (None: the first answer is wanted)."""
        history: list[Response] = []
        while True:
            response = await self._fetch(hop, limits)
            response = replace(response, url=f"{hop.url}{fragment}", history=tuple(history))
            location = _location(hop, response)
            if hops_left is None or not location:
                return response
            if len(history) >= hops_left:
                what = f"{hop.method} {hop.url}: more than {hops_left} redirects"
                raise TooManyRedirects(what, request=hop, response=response)
            history.append(response)
            target = _target(hop, location, response)
            fragment = split_url(location)[1] or fragment  # RFC 9110, 10.2.2: a Location without one inherits it
            hop = next_hop(hop, response.status, target)

    async def _fetch(self, hop: Request, limits: _Limits) -> Response:
        host = origin(hop.url)
        host_turns = self._host_turns.get(host)
        if host_turns is None:
            host_turns = self._host_turns[host] = Semaphore(self._connections_per_host)
        async with host_turns, self._turns:
            if self._state:
                raise RuntimeError(
                    f"this AsyncSession is {self._state}; use it inside `async with AsyncSession() as …`"
                )
            return await self._fetcher.fetch(hop, timeout=limits[0], connect_timeout=limits[1])

    def __repr__(self) -> str:
        return f"<AsyncSession {self._state or 'open'} | {len(self._host_turns)} hosts being asked>"


def _limits(timeout: Timeout) -> _Limits:
    """Return `timeout` as (whole hop, connection); infinite where it is None."""
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    connect, read = (math.inf if seconds is None else float(seconds) for seconds in (connect, read))
    if min(connect, read) <= 0:
        raise ValueError(f"timeout={timeout!r}: seconds above 0, a pair (connect, read), or None to wait for ever")
    return (connect + read if isinstance(timeout, tuple) else read), connect


def _location(hop: Request, response: Response) -> str:
    try:
        return location_of(response)
    except InvalidURL as error:
        raise InvalidURL(f"{hop.method} {hop.url}: redirected by {error}", request=hop, response=response) from None


def _target(hop: Request, location: str, response: Response) -> Url:
    try:
        target = join(hop.url, location)
    except InvalidURL as error:
        what = f"{hop.method} {hop.url}: redirected to a place that cannot be requested: {error}"
        raise type(error)(what, request=hop, response=response) from None
    if carries_body_away(hop, response.status, target):
        what = f"{hop.method} {hop.url}: redirected to {target}, which is not to get the body; ask it yourself"
        raise UnsafeRedirect(what, request=hop, response=response)
    return target
