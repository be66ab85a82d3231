"""What aiohttp does not tell: when a request's bytes left, over which connection, and whether they left twice.

aiohttp silently sends an idempotent request again when the connection ends without an answer. On a connection that had
served before, that is often right (RFC 9112, 9.3.1): the server may have closed it before the request came. It may as
well have seen the request, so it is a second visit, and a crawl makes none that its politeness has not allowed: there
the first failure stands, and the retry table decides. A session may ask for the second try (`resend`).

Each exchange has one `Sending`; where aiohttp calls us it is found through a context variable. Nothing is shared
between exchanges but the notes about kept connections.
"""

from __future__ import annotations

from contextvars import ContextVar

import msgspec
from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ServerDisconnectedError,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from scraper.clock import Clock
from scraper.fetch.base import terms
from scraper.fetch.sockets import KeptConnections
from scraper.urls import Url, hostname

__all__ = ["NotSentAgainError", "Sending", "TimedRequest", "current_sending", "send_once"]


class Sending(msgspec.Struct):
    """One exchange on its way; `at`: when its request left (None: not yet)."""

    clock: Clock
    kept: KeptConnections
    url: Url
    resend: bool = False  # whether a kept connection that died may be replaced by a new one
    proxied: bool = False
    at: float | None = None
    reused: bool = False  # whether the connection had served before
    connection: ResponseHandler | None = None

    @property
    def host(self) -> str:
        """The host of the URL, whatever it is connected to; asked for once a connection, not once a request."""
        return hostname(self.url)

    def takes(self, connection: ResponseHandler) -> bool:
        """Go over `connection` from now on; False: it was kept and holds bytes that nobody asked for."""
        self.connection = connection
        self.reused = self.kept.take(connection)
        return not (self.reused and connection.should_close)

    def sent(self) -> None:
        """Note, and tell who wants to know, that the request's bytes were handed to the socket."""
        self.at = self.clock.now()
        terms.get().sent(self.at)

    def may_replace(self) -> bool:
        """Note that the connection ended without an answer; tell whether the request may go out over a new one."""
        if not self.reused:
            return False
        self.kept.died(self.host)
        again, self.resend = self.resend, False  # once: the next kept connection may be as dead
        return again


current_sending: ContextVar[Sending] = ContextVar("current_sending")


class NotSentAgainError(ClientConnectionError):
    """The connection ended without an answer and nothing is sent again; the cause says how."""


class UnaskedBytesError(ServerDisconnectedError):
    """A kept connection holds bytes that nobody asked for; nothing was sent over it."""


class TimedRequest(ClientRequest):
    """aiohttp's request, that notes and tells when its bytes were handed to the socket."""

    async def send(self, conn: Connection) -> ClientResponse:
        """Send as aiohttp does, and write down when and over what."""
        sending = current_sending.get()
        if conn.protocol is not None and not sending.takes(conn.protocol):
            conn.close()
            raise UnaskedBytesError("bytes that nobody asked for")
        response = await super().send(conn)
        sending.sent()
        return response


async def send_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Pass `request` on; keep aiohttp from a second try of its own."""
    sending = current_sending.get()
    try:
        return await handler(request)
    except UnaskedBytesError:
        return await handler(request)  # over another connection; the first try sent nothing
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError) as error:
        if sending.may_replace():
            raise
        raise NotSentAgainError from error
