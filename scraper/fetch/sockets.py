"""How many sockets a process may have open, whose turn it is, and which idle ones go when there are too many.

Kept connections cost a descriptor each for as long as they idle, and a crawl of many hosts keeps one for every host
it left. So the descriptors that the process has left are shared out once, between requests under way and idle
connections; the connection that idled longest goes first. Whatever else opens files gets the other half.

Nothing here opens a socket or sends anything.
"""

from __future__ import annotations

import asyncio
import os
import resource
from collections import OrderedDict, deque
from typing import Protocol

import msgspec
from aiohttp.client_proto import ResponseHandler

__all__ = ["KeptConnections", "Share", "Turns", "share_descriptors"]

MAX_IDLE = 1000  # connections; more bring nothing, and each may hold 50 kB for TLS
_UNLIMITED = 1 << 20


class Share(msgspec.Struct, frozen=True):
    """How many connections may be in use, and how many more may idle."""

    busy: int
    idle: int


def share_descriptors(connections: int, free: int | None = None) -> Share:
    """Return the share of an HTTP client that wants `connections`, of `free` descriptors (None: what is left now)."""
    room = max(2, (_free_descriptors() if free is None else free) // 2)
    busy = min(connections, max(1, room * 2 // 3))
    return Share(busy, min(MAX_IDLE, room - busy))


def _free_descriptors() -> int:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return _UNLIMITED
    try:
        return limit - len(os.listdir("/dev/fd"))  # noqa: PTH208 - names are all that is wanted
    except FileNotFoundError:  # a system, or a sandbox, that does not show them
        return limit // 2
    except OSError:  # none is left to look with
        return 0


class Turns:
    """So many requests at a time; whoever waits has its turn in order."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a turn if there is one; nobody waits then."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Wait for the turn that somebody gives back."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give()  # it came in the moment in which nobody wanted it any more
            raise

    def give(self) -> None:
        """Give a turn back, to the one that waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def __repr__(self) -> str:
        return f"<Turns {self._free} free | {len(self._waiting)} waiting>"


class Named(Protocol):
    """What knows its host."""

    @property
    def host(self) -> str:
        """The name."""
        ...


class KeptConnections:
    """The connections that idle, the one that idles longest first; at most `limit` of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._idle: OrderedDict[ResponseHandler, None] = OrderedDict()
        self._mortal: set[str] = set()  # hosts that ended a kept connection under a request

    def take(self, connection: ResponseHandler) -> bool:
        """Note that `connection` is in use; tell whether it has served before."""
        if connection in self._idle:
            del self._idle[connection]
            return True
        return False

    def died(self, host: str) -> None:
        """Note that a kept connection to `host` ended when it was used again; none to it is kept from now on."""
        self._mortal.add(host)

    def keep(self, connection: ResponseHandler, to: Named) -> None:
        """Note that `connection` idles from now on; let go of the one that idled longest if there are too many."""
        if self._mortal and to.host in self._mortal:
            connection.close()
        if not connection.is_connected():
            return
        self._idle[connection] = None
        while len(self._idle) > self._limit:
            oldest, _ = self._idle.popitem(last=False)
            oldest.abort()  # a polite end of TLS would hold the descriptor until the server answers

    def __repr__(self) -> str:
        return f"<KeptConnections {len(self._idle)} of {self._limit}>"
