"""The HTTP client: aiohttp, held to one hop and to what this package promises about a Response.

On the wire goes the canonical URL byte for byte; what comes back is the body as the server meant it, complete, decoded
and never above its limit, or one error of `scraper.errors`. Every exchange has a deadline.

Redirects, robots.txt, rates and retries must not enter here: they are the caller's, who passes them at every hop.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, hdrs
from yarl import URL

from scraper.clock import Clock, SteadyWall
from scraper.errors import ProxyError, RequestException, UnsafeAddress
from scraper.fetch.answer import LARGE_BODIES, AnswerReader, response_to
from scraper.fetch.body import SMALL_BODY
from scraper.fetch.connector import BoundedConnector
from scraper.fetch.deadline import Deadline, Deadlines
from scraper.fetch.failures import FOREIGN_ERRORS, failure, translate
from scraper.fetch.guard import AddressGuard
from scraper.fetch.inflight import BytesInFlight
from scraper.fetch.lean import USABLE, Answer, LeanWay
from scraper.fetch.pace import Slowest
from scraper.fetch.proxy import SocksConnector, proxy_arguments, proxy_choice
from scraper.fetch.resolver import LookUp, Resolver, guarded_sockets, look_up
from scraper.fetch.sending import Sending, TimedRequest, current_sending, send_once
from scraper.fetch.sockets import KeptConnections, Turns, share_descriptors
from scraper.fetch.wire import WIRE, connect_limit, seconds, standing_headers, trust
from scraper.policy.cookies import CookieJar
from scraper.policy.proxy import ProxyChoice
from scraper.policy.redirect import is_harmless
from scraper.request import Request
from scraper.response import Response
from scraper.urls import origin

__all__ = ["AiohttpFetcher"]

KEEP_ALIVE_SECONDS = 15.0
_PROXY_LOGIN = 407  # RFC 9110, 15.5.8
_BODILESS = ("GET", "HEAD")
_NO_CONTENT_TYPE = ("Content-Type",)


class AiohttpFetcher:
    """Fetch over HTTP/1.1 with pooled connections; see `Fetcher` for the contract.

    `connections`, `connections_per_host`: at a time (the second 0: no limit of its own). `timeout`, `connect_timeout`:
    seconds for an exchange, and for one connection (TCP and TLS); waiting for a turn counts for neither.
    `max_body`: bytes, decoded. `verify_tls`: True, False, or the path of a file of trusted certificates (PEM).
    `headers`: sent with every request, unless the request has its own; those that may hold a secret only to
    `own_origins` (None: to all). `connect_to`: host name -> address:port (a host that is itself an address is never
    sent elsewhere). `cookies`: keep cookies for as long as the fetcher is open. `guard`: asked for each address before
    it is connected to; UnsafeAddress is raised for those it refuses. `proxy`: as in `fetch.proxy`; "" none. `resend`:
    whether a request without effects goes out again over a new connection when the kept one it was sent over has
    died. `lean`: whether usual requests take the short way of `fetch.lean`. `slowest`: the pace that a body must keep.
    `look_up`: what asks the system for addresses.

    At most `connections` are in use, fewer where the process has few file descriptors; idle ones are bounded as well.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        user_agent: str,
        connections: int,
        connections_per_host: int,
        timeout: float,
        connect_timeout: float,
        max_body: int,
        verify_tls: bool | str,
        headers: Mapping[str, str] = {},
        own_origins: Collection[str] | None = None,
        connect_to: Mapping[str, str] = {},
        cookies: bool = False,
        guard: AddressGuard | None = None,
        proxy: str = "",
        resend: bool = False,
        lean: bool = True,
        slowest: Slowest = Slowest(),  # noqa: B008 - frozen
        look_up: LookUp = look_up,
    ) -> None:
        self._clock = clock
        self._connections, self._connections_per_host = connections, connections_per_host
        self._total = seconds(timeout)
        self._connect_timeout, self._limits = connect_timeout, connect_limit(connect_timeout)
        self._slowest = slowest
        self._guard, self._look_up = guard, look_up
        self._proxies = proxy_choice(proxy)
        self._resend, self._is_lean = resend, lean
        self._max_body = max_body
        self._verify_tls = verify_tls
        self.cookies = CookieJar() if cookies else None
        everywhere = {name: value for name, value in headers.items() if own_origins is None or is_harmless(name)}
        self._headers = standing_headers(user_agent, everywhere)
        self._own_headers = tuple((name, value) for name, value in headers.items() if name not in everywhere)
        self._own_origins = frozenset(own_origins or ())
        self._connect_to = dict(connect_to)
        self._resolver: Resolver | None = None
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        if self._session is not None:
            raise RuntimeError("this fetcher is open already")
        trusted = trust(self._verify_tls)
        self._wall = SteadyWall(self._clock)
        share = share_descriptors(self._connections)
        self._turns = Turns(share.busy)
        self._kept = KeptConnections(share.idle)
        self._deadlines = Deadlines()
        self._reader = AnswerReader(
            limit=self._max_body,
            in_flight=BytesInFlight((LARGE_BODIES - 1) * self._max_body),  # and one body beyond them
            slowest=self._slowest,
        )
        self._resolver = Resolver(
            timeout=self._connect_timeout, connect_to=self._connect_to, clock=self._clock, look_up=self._look_up
        )
        connector = self._connector(trusted, share.busy)
        self._session = ClientSession(
            connector=connector,
            request_class=TimedRequest,
            middlewares=(send_once,),
            cookie_jar=DummyCookieJar(),  # aiohttp's own takes cookies for public suffixes
            headers=self._headers,
            auto_decompress=False,
            read_bufsize=WIRE.read_bufsize,
            max_line_size=WIRE.max_line_size,
            max_field_size=WIRE.max_field_size,
            max_headers=WIRE.max_headers,
        )
        usable = USABLE and self._is_lean and self._proxies is None
        most = min(self._max_body, SMALL_BODY)
        self._lean = LeanWay(self._session, connector, WIRE, most) if usable else None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, resolver = self._session, self._resolver
        self._session = self._resolver = None
        try:
            if session is not None:
                await session.close()
        finally:
            self._deadlines.close()
            if resolver is not None:
                await resolver.close()

    def _connector(self, trust: bool | ssl.SSLContext, connections: int) -> BoundedConnector:
        options: dict[str, Any] = {
            "ssl": trust,
            "resolver": self._resolver,
            "use_dns_cache": False,  # the resolver has its own
            "socket_factory": None if self._guard is None else guarded_sockets(self._guard.refuses),
            "idle": KEEP_ALIVE_SECONDS,
            "limit": connections,
            "limit_per_host": self._connections_per_host,
        }
        socks = self._proxies.socks if self._proxies is not None else None
        return BoundedConnector(**options) if socks is None else SocksConnector(socks, **options)

    async def fetch(
        self, request: Request, *, timeout: float | None = None, connect_timeout: float | None = None
    ) -> Response:
        """Return the answer to `request`; the times are seconds, math.inf means for ever, None the fetcher's own."""
        if self._session is None:
            raise RuntimeError("this fetcher is not open; use it inside `async with`")
        session = self._session
        limits = self._limits if connect_timeout is None else connect_limit(connect_timeout)
        total = self._total if timeout is None else seconds(timeout)
        if not self._turns.take():
            await self._turns.wait()
        sending = Sending(self._clock, self._kept, request.url, self._resend)
        try:
            with self._deadlines.after(total) as deadline:
                return await self._exchange(session, request, limits, sending, deadline)
        except RequestException:
            raise
        except FOREIGN_ERRORS as error:
            # What a proxy's error holds may show its password, so nothing of it is kept.
            cause = None if sending.proxied else error
            raise translate(error, request, sent=sending.at is not None, proxied=sending.proxied) from cause
        finally:
            self._turns.give()

    async def _exchange(
        self,
        session: ClientSession,
        request: Request,
        limits: ClientTimeout,
        sending: Sending,
        deadline: Deadline,
    ) -> Response:
        headers = self._own(request)
        lean = self._lean
        if lean is not None and (usual := lean.head(request, headers)) is not None:
            answer = await lean.send(*usual, limits, sending)
        else:
            answer = await self._send(session, request, headers, limits, sending)
        if answer.body is None:
            response = await self._read(answer, request, sending, deadline)
        else:
            response = response_to(answer, request, sending, answer.body)
        if self.cookies is not None and hdrs.SET_COOKIE in answer.headers:
            told, date = response.headers.get_all("set-cookie"), response.headers.get("date", "")
            self.cookies.receive(request.url, told, self._wall.now(), date=date)
        if sending.connection is not None:
            self._kept.keep(sending.connection, sending)
        return response

    async def _read(self, answer: Answer, request: Request, sending: Sending, deadline: Deadline) -> Response:
        """Return the answer with its whole body, and let go of its connection."""
        try:
            if sending.proxied and answer.status == _PROXY_LOGIN:
                raise failure(ProxyError, request, "the proxy wants a user name and password, or other ones (407)")
            response = await self._reader.read(answer, request, sending, deadline)
        except BaseException:
            answer.holder.close()
            raise
        answer.holder.release()
        return response

    async def _send(
        self,
        session: ClientSession,
        request: Request,
        headers: tuple[tuple[str, str], ...],
        limits: ClientTimeout,
        sending: Sending,
    ) -> Answer:
        """Send what is not of the usual kind, as aiohttp's session does it."""
        extra: dict[str, Any] = {"headers": headers} if headers else {}
        if request.body or request.method not in _BODILESS:
            extra["data"] = request.body
            extra["skip_auto_headers"] = _NO_CONTENT_TYPE
        if self._proxies is not None:
            self._go_through_proxy(self._proxies, request, sending, extra)
        url = URL(request.url, encoded=True)
        mark = current_sending.set(sending)
        try:
            answer = await session.request(request.method, url, allow_redirects=False, timeout=limits, **extra)
        finally:
            current_sending.reset(mark)
        return Answer(answer.status, answer.reason or "", answer.headers, answer.raw_headers, answer.content, answer)

    def _own(self, request: Request) -> tuple[tuple[str, str], ...]:
        """Return the headers that this one request has: its own, those for its origin, and its cookies."""
        headers = request.headers
        if self._own_headers and origin(request.url) in self._own_origins:
            given = {name.lower() for name, _ in headers}
            headers = (*headers, *(pair for pair in self._own_headers if pair[0].lower() not in given))
        if self.cookies:
            by_hand = "; ".join(value for name, value in headers if name.lower() == "cookie")
            if cookie := self.cookies.header(request.url, self._wall.now(), by_hand):
                headers = (*(pair for pair in headers if pair[0].lower() != "cookie"), ("Cookie", cookie))
        return headers

    def _go_through_proxy(
        self, proxies: ProxyChoice, request: Request, sending: Sending, extra: dict[str, Any]
    ) -> None:
        """Add to `extra` what sends `request` through its proxy, if it has one and may be handed over."""
        secure = request.url.startswith("https:")
        proxy = proxies.choose("https" if secure else "http", sending.host)
        if proxy is None:
            return
        if self._guard is not None and (why := self._guard.refuses_unseen(sending.host)):
            raise failure(UnsafeAddress, request, why)
        sending.proxied = True
        if proxy.is_socks:
            return
        extra.update(proxy_arguments(proxy, secure))
        if not secure:
            extra["headers"] = (*extra.get("headers", ()), *proxy.authorization.items())
