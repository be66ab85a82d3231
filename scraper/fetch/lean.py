"""The short way to send a request: aiohttp's connections and its C parser, without the session around them.

Why it is here: building a request, a response and their helpers for one GET costs a session more CPU than all else
that is done about a small page (about 0.1 ms of 0.3; `make bench` compares). The usual request has no body and no
proxy, and its header lines are the same for a whole origin, so they are built once for each. What is sent, byte for
byte, and what is raised, is what the session would send and raise; the contract suite runs over both ways.

Most answers to it come as one piece with a plain body: such a one is cut behind its head, and only that is parsed. All
others are read as the session would read them.

What it costs: four more inner names of aiohttp (`connect`, `connection_key`, `set_response_params`, `read`) and its
parser's class, held to one minor version in pyproject.toml and looked at when this is imported; under any other version
nothing is covered and every request takes the session's way. Delete it on the day a session is as cheap.

Whatever is not usual (a body, a proxy, another method, header text that needs care) must not enter.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
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
    hdrs,
)
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import HttpResponseParser, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDictProxy
from yarl import URL

from scraper.fetch.connector import FINAL, BoundedConnector, Handler, Whole
from scraper.fetch.sending import NotSentAgainError, Sending, current_sending
from scraper.fetch.wire import Wire
from scraper.request import Request

__all__ = ["USABLE", "Answer", "LeanWay", "WholeAnswers"]

WRITTEN_FOR = "3.14."  # the minor version of aiohttp whose inner names these are
USABLE = aiohttp.__version__.startswith(WRITTEN_FOR)
ORIGINS_KEPT = 1024  # a prepared request each, about 4 kB
_PLAIN_NAME = re.compile(r"[A-Za-z0-9-]+")
_PLAIN_VALUE = re.compile(r"[\x20-\x7e]*")
_WITHOUT_BODY = (204, 304)  # whatever their heads say (RFC 9112, 6.3)


class Answer(msgspec.Struct):
    """The head of an answer, its body or the way on which that comes, and what holds the connection."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]  # text as aiohttp makes it: right where it is ASCII
    raw_headers: tuple[tuple[bytes, bytes], ...]
    content: StreamReader
    holder: Connection | ClientResponse  # until the body is here
    body: bytes | None = None  # where it came with its head; nothing is to be read or let go of then


class WholeAnswers:
    """Tells which bytes are one whole answer of the plainest kind: its head, and as many bytes as that says.

    Most small pages come so. aiohttp's parser gets the head alone, and nothing is made for a body to come through.
    One parser serves all connections, since it always stands before a head.
    """

    def __init__(self, wire: Wire, most: int) -> None:
        """`most`: bytes of a body."""
        self._wire, self._most = wire, most
        self._parser = self._new_parser()

    def _new_parser(self) -> HttpResponseParser:
        wire = self._wire
        return HttpResponseParser(
            None,
            None,
            wire.read_bufsize,
            max_line_size=wire.max_line_size,
            max_field_size=wire.max_field_size,
            max_headers=wire.max_headers,
            response_with_body=False,
            auto_decompress=False,
        )

    def __call__(self, data: bytes) -> Whole | None:
        """Return head and body if `data` is such an answer; None says nothing about what else it is."""
        end = data.find(b"\n\r\n") + 3
        head, length = data[:end], len(data) - end
        if b": %d\r\n" % length not in head or length > self._most:
            return None  # there is more to come, or it tells its length in another way
        try:
            [(message, _)], is_over, _ = self._parser.feed_data(head)
            is_over = is_over or message.should_close
        except Exception:
            is_over = True
        if is_over:  # it takes nothing more, or stands within a head
            self._parser = self._new_parser()
            return None
        headers = message.headers
        is_plain = (
            head.count(b"\n") == len(message.raw_headers) + 2  # it ends here, and not before
            and headers.getall(hdrs.CONTENT_LENGTH, ()) == [str(length)]
            and hdrs.CONTENT_ENCODING not in headers
            and message.code >= FINAL
            and message.code not in _WITHOUT_BODY
        )
        return (message, data[end:]) if is_plain else None


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

    def __init__(self, session: ClientSession, connector: BoundedConnector, wire: Wire, most: int) -> None:
        """`connector`: of the `session`; `most`: bytes of a body that need not be read."""
        self._session, self._connector = session, connector
        self._params = {"read_until_eof": True, "auto_decompress": False, **msgspec.structs.asdict(wire)}
        self._whole = WholeAnswers(wire, most)
        self._origins: OrderedDict[str, _Origin] = OrderedDict()

    def head(self, request: Request, headers: tuple[tuple[str, str], ...]) -> tuple[ClientRequest, bytes] | None:
        """Return where `request` goes and what is sent, `headers` behind the standing ones; None: not usual."""
        if request.method != "GET" or request.body:
            return None
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
        while True:
            key = where.connection_key
            connection = self._connector.take(key) or await self._connect(where, limits, sending)
            try:
                protocol = connection.protocol
                assert isinstance(protocol, Handler)
                if sending.takes(protocol):
                    answering = protocol.ask(head, self._whole, self._params)
                    sending.sent()
                    whole = await answering
                    if whole is None:
                        message, content = await protocol.read_final()
                        return Answer(*_about(message), content, connection)
                    message, body = whole
                    self._connector.rest(key, connection, protocol)
                    return Answer(*_about(message), EMPTY_PAYLOAD, connection, body)
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

    async def _connect(self, where: ClientRequest, limits: ClientTimeout, sending: Sending) -> Connection:
        mark = current_sending.set(sending)
        try:
            return await self._connector.connect(where, [], limits)
        finally:
            current_sending.reset(mark)


def _about(message: RawResponseMessage) -> tuple[int, str, CIMultiDictProxy[str], tuple[tuple[bytes, bytes], ...]]:
    return message.code, message.reason, message.headers, message.raw_headers
