"""The connections themselves: aiohttp's, with what it leaves open closed.

Interim answers (1xx) before an answer are few; the polite end of a TLS connection is short, since its descriptor stays
open as long; a connection on which bytes came that nobody asked for is not used again, but the answer before those
bytes is whole; and what breaks the rules within a body ends that body at once.

Here and in `lean` the package leans on inner names of aiohttp (`_factory`, `_payload`, `_reading_paused`,
`_buffer_paused`, `_tail`, `_waiters`, `_wrap_create_connection`); that is why its version is bounded in pyproject.toml.
`max_size` of the transport is asyncio's. What is sent, and whether again, must not enter.
"""

from __future__ import annotations

import re
from asyncio import BaseTransport, Future, TimerHandle
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

from aiohttp import ClientPayloadError, ClientRequest, ClientTimeout, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace

__all__ = ["FINAL", "REST", "BoundedConnector", "Handler", "Look", "Whole"]

Whole: TypeAlias = tuple[RawResponseMessage, bytes]
"""The head and the body of an answer."""

Look: TypeAlias = Callable[[bytes], Whole | None]
"""What tells whether bytes are one answer, neither less nor more."""

INTERIM, FINAL = 100, 200  # statuses: from the one to below the other there is more to come (RFC 9110, 15.2)
MAX_INTERIM = 20  # one answer 100 or 103 is usual
TLS_FAREWELL = 1.0  # seconds
REST = 1.0  # seconds; aiohttp counts how long a connection idles from behind them
READ_APART = 64 * 1024  # bytes that are kept until the head is complete; a longer one is not looked at again
READ_SIZE = 64 * 1024  # bytes at once; for asyncio's 256 KiB the heap grows and shrinks at nearly every read
_HEAD_END = re.compile(rb"\n\r?\n")
_SWITCHING = 101  # the only 1xx that is final: what follows is no HTTP


class Handler(ResponseHandler):
    """One connection; it fails when interim answers do not end, and keeps an answer from what follows it."""

    _interim = 0
    _head: bytes | None = None  # what came for the answer that is waited for; None: its head is here
    _params: Mapping[str, Any]
    _look: Look
    _turn: Future[Whole | None] | None = None  # of whoever has asked, until anything comes

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin; asyncio's transport of a socket, where it is that one, asks for less at once."""
        if hasattr(transport, "max_size"):
            transport.max_size = READ_SIZE
        super().connection_made(transport)

    def set_response_params(self, **params: Any) -> None:
        """Be ready for an answer, with a new parser."""
        self._head, self._params = b"", params
        super().set_response_params(**params)

    def ask(self, request: bytes, look: Look, params: Mapping[str, Any]) -> Future[Whole | None]:
        """Send `request`; what is awaited is the answer if `look` takes what comes for one, else None: it can be read.

        It is read with `params`, as a session would give them.
        """
        assert self.transport is not None  # who asks has just looked
        self._look, self._params = look, params
        self._turn = turn = self._loop.create_future()
        if self._tail:  # it speaks first, as a server may that ends a TLS handshake: read as aiohttp would
            self._wake(turn, None)
            self.set_response_params(**params)
        self.transport.write(request)
        return turn

    def _wake(self, turn: Future[Whole | None], whole: Whole | None) -> None:
        self._turn = None
        if not turn.done():
            turn.set_result(whole)

    def data_received(self, data: bytes) -> None:
        """Take what came; outside of an answer nobody asked for it."""
        if self._turn is not None:
            whole = self._look(data)
            self._wake(self._turn, whole)
            if whole is not None:
                return
            self.set_response_params(**self._params)
        if self._head is not None:
            self._head = self._head + data if len(self._head) < READ_APART else None
        super().data_received(data)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on, if anything has paused; aiohttp asks for it at the end of each body."""
        if resume_parser or self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    async def read(self) -> tuple[RawResponseMessage, StreamReader]:
        """Return the next head, of an answer or of a word before it, and what the body comes through."""
        answer = await super().read()
        message, _ = answer
        if message.code >= FINAL or is_final(message):
            self._interim, self._head = 0, None
        else:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise BadHttpMessage(f"more than {MAX_INTERIM} interim answers (1xx)")
        return answer

    async def read_final(self) -> tuple[RawResponseMessage, StreamReader]:
        """Return the head of the answer, past the words before it, and what the body comes through."""
        while True:
            message, content = await self.read()
            if message.code >= FINAL or is_final(message):
                return message, content

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail, when nothing can be said for what came; aiohttp's parser forgets an answer with junk behind it."""
        came, self._head = self._head, None
        if isinstance(exc, HttpProcessingError):
            if came and not any(is_final(message) for (message, _), _ in self._buffer):
                self._buffer.clear()
                self._read_apart(came)
            if self._payload is not None and not self._payload.is_eof():
                # aiohttp tells only who waits for an answer, not who reads its body.
                self._payload.set_exception(ClientPayloadError(exc.message))
                self._payload = None  # or it is told once more, and otherwise, when the connection is lost
        super().set_exception(exc, *cause)
        if self._turn is not None:
            self._wake(self._turn, None)

    def _read_apart(self, came: bytes) -> None:
        """Parse `came` once more, each head by itself, so that a fault behind the answer's head cannot undo it."""
        super().set_response_params(**self._params)
        start = 0
        for blank in _HEAD_END.finditer(came):
            super().data_received(came[start : blank.end()])
            start = blank.end()
            if self._exception is not None or (self._buffer and is_final(self._buffer[-1][0][0])):
                break
        if self._exception is None:
            super().data_received(came[start:])


def is_final(message: RawResponseMessage) -> bool:
    """Tell whether `message` is the head of an answer, and not only a word before it."""
    return not INTERIM <= message.code < FINAL or message.code == _SWITCHING


class BoundedConnector(TCPConnector):
    """aiohttp's connector over connections with bounds; `farewell`: seconds that the end of TLS may take.

    The way through its pool costs a tenth of a small page, so a connection that has answered may rest beside it for a
    moment. Whoever has to ask for another finds all of them in the pool.
    """

    def __init__(self, *, idle: float, farewell: float = TLS_FAREWELL, **options: Any) -> None:
        """`idle`: seconds that a connection is kept without use."""
        super().__init__(keepalive_timeout=max(0.0, idle - REST), **options)
        self._farewell, self._idle = farewell, idle
        self._resting: dict[ConnectionKey, list[Connection]] = {}  # in aiohttp's eyes they are in use
        self._giving_back: TimerHandle | None = None
        handler: type[ResponseHandler] = Handler
        self._factory = partial(handler, loop=self._loop)

    def take(self, key: ConnectionKey) -> Connection | None:
        """Return a connection that rests; None: `connect` has others."""
        if self._overdue() > 0:
            self._give_back()
        resting = self._resting.get(key)
        while resting:
            connection = resting.pop()
            protocol = connection.protocol
            if protocol is not None and protocol.is_connected():
                return connection
            connection.close()
        return None

    def rest(self, key: ConnectionKey, connection: Connection, protocol: ResponseHandler) -> None:
        """Keep `connection` at hand for whoever asks for `key` next, where it may be kept and nobody waits for one."""
        if protocol.transport is None or protocol.should_close or self._waiters:
            connection.release()
            return
        self._resting.setdefault(key, []).append(connection)
        if self._giving_back is None:
            self._giving_back = self._loop.call_later(REST, self._give_back)

    def _give_back(self) -> None:
        """Give all that rest to aiohttp's pool, which knows how many there may be and for how long."""
        is_late = self._overdue() > self._idle
        if self._giving_back is not None:
            self._giving_back.cancel()
            self._giving_back = None
        resting, self._resting = self._resting, {}
        for connection in chain.from_iterable(resting.values()):
            if is_late:
                connection.close()
            else:
                connection.release()

    def _overdue(self) -> float:
        """Return for how many seconds somebody has kept the event loop from giving back what rests."""
        timer = self._giving_back
        return 0.0 if timer is None else self._loop.time() - timer.when()

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """Return a connection, of all there are or a new one."""
        self._give_back()
        return await super().connect(req, traces, timeout)

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Close all connections, those that rest too."""
        self._give_back()
        await super().close(abort_ssl=abort_ssl)

    async def _wrap_create_connection(self, *args: Any, **options: Any) -> Any:
        if options.get("ssl"):
            options["ssl_shutdown_timeout"] = self._farewell
        return await super()._wrap_create_connection(*args, **options)
