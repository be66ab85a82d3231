"""What aiohttp does not tell: when a request's bytes left, and whether they left twice.

aiohttp silently sends an idempotent request again when the connection ends without an answer. On a pooled connection
that is right, because the server may have closed it before the request came. On a new connection it is a second visit
that nobody allowed, so there the first failure stands.

Each exchange has one `Sending`, found through a context variable; nothing is shared between exchanges but the notes
about used connections.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from weakref import WeakSet

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

__all__ = ["NotSentAgainError", "Sending", "TimedRequest", "current_sending", "send_once"]


@dataclass(slots=True)
class Sending:
    """When one exchange's request left (None: not yet), and whether over a connection that had served before."""

    clock: Clock
    used: WeakSet[ResponseHandler]
    at: float | None = None
    reused: bool = False


current_sending: ContextVar[Sending] = ContextVar("current_sending")


class NotSentAgainError(ClientConnectionError):
    """A new connection ended without an answer; the cause says how."""


class TimedRequest(ClientRequest):
    """aiohttp's request, that notes when its bytes were handed to the socket."""

    async def send(self, conn: Connection) -> ClientResponse:
        """Send as aiohttp does, and write down when and over what."""
        sending, protocol = current_sending.get(), conn.protocol
        if protocol is not None:
            sending.reused = protocol in sending.used
            sending.used.add(protocol)
        response = await super().send(conn)
        sending.at = sending.clock.now()
        return response


async def send_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Pass `request` on; keep aiohttp from a second try where the first went over a new connection."""
    try:
        return await handler(request)
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError) as error:
        if current_sending.get().reused:
            raise
        raise NotSentAgainError from error
