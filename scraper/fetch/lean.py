"""The short way to send a request: aiohttp's connections and its C parser, without the session around them.

Why it is here: building a request, a response and their helpers for one GET costs a session more CPU than all else
that is done about a small page (about 0.1 ms of 0.3; `make bench` compares). The usual request has no body and no
proxy, and its header lines are the same for a whole origin, so they are built once for each. What is sent, byte for
byte, and what is raised, is what the session would send and raise; the contract suite runs over both ways.

What it costs: five more inner names of aiohttp (`connect`, `connection_key`, `set_response_params`, `read`, the body's
`_buffer`), held to one minor version in pyproject.toml and looked at when this is imported; under any other version
nothing is covered and every request takes the session's way. Delete it on the day a session is as cheap.

Whatever is not usual (a body, a proxy, another method, header text that needs care) must not enter.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property

import aiohttp
import msgspec
from aiohttp import (
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
)
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from multidict import CIMultiDictProxy
from yarl import URL

from scraper.fetch.connector import FINAL, Handler, is_final
from scraper.fetch.sending import NotSentAgainError, Sending, current_sending
from scraper.fetch.wire import Wire
from scraper.request import Request

__all__ = ["Answer", "LeanWay", "whole_body"]

WRITTEN_FOR = "3.14."  # the minor version of aiohttp whose inner names these are
_USABLE = aiohttp.__version__.startswith(WRITTEN_FOR)
ORIGINS_KEPT = 1024  # a prepared request each, about 4 kB
_PLAIN_NAME = re.compile(r"[A-Za-z0-9-]+")
_PLAIN_VALUE = re.compile(r"[\x20-\x7e]*")


class Answer(msgspec.Struct):
    """The head of an answer, its body on the way, and what holds the connection."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]  # text as aiohttp makes it: right where it is ASCII
    raw_headers: tuple[tuple[bytes, bytes], ...]
    content: StreamReader
    holder: Connection | ClientResponse


def whole_body(content: StreamReader) -> bytes | None:
    """Return a body that has come as a whole without reading it, which stays possible; None when more may come.

    Reading asks the parser once more for what it may hold back, which of a body that is complete is nothing.
    """
    if not _USABLE or not content.is_eof() or content.exception() is not None:
        return None
    pieces: Sequence[bytes] | None = getattr(content, "_buffer", None)  # the one that is empty for good has none
    if pieces is None:
        return None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Destination(ClientRequest):
    """What the connector asks for where to; one for all requests to an origin, so its key is made once."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """The pool that connections to it are in."""
        return super().connection_key


class _Origin(msgspec.Struct):
    """What all requests to one origin have in common."""

    request: _Destination
    lines: bytes  # from behind the path to the last header
    names: frozenset[str]  # of these headers, in lower case


class LeanWay:
    """Send usual requests over a session's own connections."""

    def __init__(self, session: ClientSession, wire: Wire) -> None:
        self._session = session
        self._params = {"read_until_eof": True, "auto_decompress": False, **msgspec.structs.asdict(wire)}
        self._origins: OrderedDict[str, _Origin] = OrderedDict()

    def covers(self, request: Request) -> bool:
        """Tell whether `request` is of the usual kind, as far as that can be told without its header lines."""
        return _USABLE and request.method == "GET" and not request.body

    def head(self, request: Request, headers: tuple[tuple[str, str], ...]) -> tuple[ClientRequest, bytes] | None:
        """Return where `request` goes and what is sent, `headers` behind the standing ones; None: not usual."""
        url = request.url
        start = url.find("/", 8)
        origin = self._origins.get(url[:start]) or self._prepare(url[:start])
        path = url[start:]
        if not path.isascii():
            return None
        if not headers:
            return origin.request, b"GET %s%s\r\n" % (path.encode(), origin.lines)
        lines = ""
        for name, value in headers:
            plain = _PLAIN_NAME.fullmatch(name) and _PLAIN_VALUE.fullmatch(value)
            if not plain or name.lower() in origin.names:
                return None
            lines += f"{name}: {value}\r\n"
        return origin.request, b"GET %s%s%s\r\n" % (path.encode(), origin.lines, lines.encode())

    def _prepare(self, where: str) -> _Origin:
        request = _Destination(
            "GET",
            URL(where + "/", encoded=True),
            headers=self._session.headers,
            loop=asyncio.get_running_loop(),
            session=self._session,
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        names = frozenset(name.lower() for name in request.headers)
        found = self._origins[where] = _Origin(request, f" HTTP/1.1\r\n{lines}".encode(), names)
        if len(self._origins) > ORIGINS_KEPT:
            self._origins.popitem(last=False)
        return found

    async def send(self, where: ClientRequest, head: bytes, limits: ClientTimeout, sending: Sending) -> Answer:
        """Send `head` and return what is answered; raises what aiohttp raises, and NotSentAgainError.

        A kept connection that died under the request is replaced once, where `sending` allows that.
        """
        connector = self._session.connector
        assert connector is not None  # the session is open
        while True:
            mark = current_sending.set(sending)
            try:
                connection = await connector.connect(where, [], limits)
            finally:
                current_sending.reset(mark)
            try:
                if sending.takes(connection):
                    protocol = self._put(connection, head, sending)
                    while True:
                        message, content = await protocol.read()
                        if message.code >= FINAL or is_final(message):
                            about = message.code, message.reason, message.headers, message.raw_headers
                            return Answer(*about, content, connection)
                connection.close()  # it holds bytes that nobody asked for; nothing was sent
            except HttpProcessingError as error:
                connection.close()
                raise ClientResponseError(
                    where.request_info, (), status=error.code, message=error.message, headers=error.headers
                ) from error
            except (ClientOSError, ServerDisconnectedError) as error:
                connection.close()
                if not sending.may_replace():
                    raise NotSentAgainError from error
            except BaseException:
                connection.close()
                raise

    def _put(self, connection: Connection, head: bytes, sending: Sending) -> Handler:
        """Write `head` to `connection`, and return what the answer will come from."""
        protocol = connection.protocol
        assert isinstance(protocol, Handler)
        assert protocol.transport is not None
        protocol.expect(self._params)
        protocol.transport.write(head)
        sending.sent()
        return protocol
