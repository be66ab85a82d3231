"""The HTTP client: aiohttp, held to one hop and to what this package promises about a Response.

On the wire goes the canonical URL byte for byte; what comes back is the body as the server meant it, complete, decoded
and never above its limit, or one error of `scraper.errors`. Every exchange has a deadline.

Redirects, robots.txt, rates and retries must not enter here: they are the caller's, who passes them at every hop.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from scraper.clock import Clock
from scraper.errors import BodyTooLarge, ChunkedEncodingError, RequestException, SSLError
from scraper.fetch.body import ACCEPT_ENCODING, read_body
from scraper.fetch.cookies import GuardedCookieJar
from scraper.fetch.failures import FOREIGN_ERRORS, failure, translate
from scraper.fetch.resolver import Resolver, guarded_sockets
from scraper.fetch.sending import Sending, TimedRequest, current_sending, send_once
from scraper.request import Request
from scraper.response import Headers, Response

__all__ = ["AiohttpFetcher"]

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
READ_BUFFER = 64 * 1024  # bytes; aiohttp's own 256 KiB cost 576 kB for each response in flight
MAX_HEADER_LINE = 64 * 1024  # bytes; long Content-Security-Policy lines pass aiohttp's 8,190
MAX_HEADERS = 256
DNS_CACHE_SECONDS = 300
DNS_CACHE_NAMES = 10_000  # about a kilobyte each
KEEP_ALIVE_SECONDS = 15.0
SHORTEST_TIMEOUT = 0.001  # seconds
_BODILESS = ("GET", "HEAD")
_NO_CONTENT_TYPE = ("Content-Type",)


class AiohttpFetcher:
    """Fetch over HTTP/1.1 with pooled connections; see `Fetcher` for the contract.

    `connections`, `connections_per_host`: at a time (the second 0: no limit of its own). `timeout`, `connect_timeout`:
    seconds for an exchange, waiting for a free connection included, and for one connection (TCP and TLS).
    `max_body`: bytes, decoded. `verify_tls`: True, False, or the path of a file of trusted certificates (PEM).
    `headers`: sent with every request, unless the request has its own. `connect_to`: host name -> address:port (a
    host that is itself an address is never sent elsewhere).
    `cookies`: keep cookies for as long as the fetcher is open. `allow_address`: asked for each IP address before it is
    connected to; UnsafeAddress is raised for those it refuses.
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
        connect_to: Mapping[str, str] = {},
        cookies: bool = False,
        allow_address: Callable[[str], bool] | None = None,
    ) -> None:
        self._clock = clock
        self._connections = connections
        self._connections_per_host = connections_per_host
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._max_body = max_body
        self._verify_tls = verify_tls
        self._cookies = cookies
        self._socket_factory = None if allow_address is None else guarded_sockets(allow_address)
        self._headers = {"User-Agent": user_agent, "Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
        known = {name.lower(): name for name in self._headers}
        self._headers.update({known.get(name.lower(), name): value for name, value in headers.items()})
        self._connect_to = dict(connect_to)
        self._default_timeout = self._client_timeout(timeout, connect_timeout)
        self._used: WeakSet[ResponseHandler] = WeakSet()
        self._resolver: Resolver | None = None
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        if self._session is not None:
            raise RuntimeError("this fetcher is open already")
        trust = _tls(self._verify_tls)
        self._resolver = Resolver(timeout=self._connect_timeout, connect_to=self._connect_to)
        connector = TCPConnector(
            ssl=trust,
            resolver=self._resolver,
            ttl_dns_cache=DNS_CACHE_SECONDS,
            dns_cache_max_size=DNS_CACHE_NAMES,
            socket_factory=self._socket_factory,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            limit=self._connections,
            limit_per_host=self._connections_per_host,
        )
        self._session = ClientSession(
            connector=connector,
            request_class=TimedRequest,
            middlewares=(send_once,),
            cookie_jar=GuardedCookieJar() if self._cookies else DummyCookieJar(),
            headers=self._headers,
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
            max_line_size=MAX_HEADER_LINE,
            max_field_size=MAX_HEADER_LINE,
            max_headers=MAX_HEADERS,
        )
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
            if resolver is not None:
                await resolver.close()

    async def fetch(
        self, request: Request, *, timeout: float | None = None, connect_timeout: float | None = None
    ) -> Response:
        """Return the answer to `request`; the times are seconds, math.inf means for ever, None the fetcher's own."""
        if self._session is None:
            raise RuntimeError("this fetcher is not open; use it inside `async with`")
        limits = self._default_timeout
        if timeout is not None or connect_timeout is not None:
            limits = self._client_timeout(
                self._timeout if timeout is None else timeout,
                self._connect_timeout if connect_timeout is None else connect_timeout,
            )
        sending = Sending(self._clock, self._used)
        mark = current_sending.set(sending)
        try:
            return await self._exchange(self._session, request, limits, sending)
        except RequestException:
            raise
        except FOREIGN_ERRORS as error:
            raise translate(error, request, sent=sending.at is not None) from error
        finally:
            current_sending.reset(mark)

    @staticmethod
    def _client_timeout(total: float, connect: float) -> ClientTimeout:
        return ClientTimeout(total=_seconds(total), sock_connect=_seconds(connect))

    async def _exchange(
        self, session: ClientSession, request: Request, limits: ClientTimeout, sending: Sending
    ) -> Response:
        extra: dict[str, Any] = {}
        if request.headers:
            extra["headers"] = request.headers
        if request.body or request.method not in _BODILESS:
            extra["data"] = request.body
            extra["skip_auto_headers"] = _NO_CONTENT_TYPE
        answer = await session.request(
            request.method, URL(request.url, encoded=True), allow_redirects=False, timeout=limits, **extra
        )
        try:
            headers = Headers(_decoded(answer.raw_headers))
            body = await self._body(answer, request, headers)
        except BaseException:
            answer.close()
            raise
        sent_at = sending.at if sending.at is not None else self._clock.now()
        return Response(
            request,
            status=answer.status,
            url=request.url,
            headers=headers,
            body=body,
            http_reason=answer.reason or "",
            sent_at=sent_at,
            elapsed=self._clock.now() - sent_at,
        )

    async def _body(self, answer: ClientResponse, request: Request, headers: Headers) -> bytes:
        if answer.content.at_eof():
            return b""
        encoding, length = headers.get("content-encoding", ""), headers.get("content-length", "")
        if not encoding and length.isdecimal() and int(length) > self._max_body:
            what = f"the body has {int(length):,} bytes, more than the {self._max_body:,} allowed"
            raise failure(BodyTooLarge, request, what)
        protocol = answer.connection.protocol if answer.connection else None
        body = await read_body(answer.content.readany, request=request, encoding=encoding, limit=self._max_body)
        # A body without a length ends with its connection; aiohttp takes a connection that broke for that end.
        broke = protocol is not None and isinstance(protocol.exception(), OSError)
        if broke and not length and "transfer-encoding" not in headers:
            raise failure(ChunkedEncodingError, request, "the connection broke before the body was complete")
        return body


def _seconds(timeout: float) -> float | None:
    """Return `timeout` as aiohttp has it: None for ever; 0 would mean that too, so time that is used up is a moment."""
    return None if math.isinf(timeout) else max(timeout, SHORTEST_TIMEOUT)


def _tls(verify: bool | str) -> bool | ssl.SSLContext:
    if isinstance(verify, bool):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise SSLError(f"{verify}: not a readable PEM file of trusted certificates ({error.strerror})") from error


def _decoded(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """Return headers as text: UTF-8 where it is valid, else latin-1, as HTTP once said (RFC 2616, 2.2)."""
    try:
        return tuple([(name.decode("ascii"), value.decode("ascii")) for name, value in raw])
    except UnicodeDecodeError:
        return tuple([(name.decode("latin-1"), _value(name, value)) for name, value in raw])


def _value(name: bytes, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        if name.lower() == b"location":
            # Browsers keep such bytes and write them in percent form (WHATWG URL, percent-encode after encoding).
            return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in value)
        return value.decode("latin-1")
