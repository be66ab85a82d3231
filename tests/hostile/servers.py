"""Raw servers on loopback for the hostile web: each behaviour has a name, and each server a log of what it was sent.

    async with Server(sends(OK + b"Content-Length: 2\\r\\n\\r\\nhi", then="keep")) as server:
        ...
        assert server.targets == ["/"]

A behaviour is a coroutine function that answers one request and tells whether the connection goes on. Nothing knows
HTTP beyond the blank line that ends a head, so any bytes can be sent at any moment. A second server is another origin
(another port): what it received is in its own log. All times are of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

__all__ = [
    "CHUNKED", "OK", "TLS", "Behaviour", "Seen", "Server", "answer", "chunk", "counts", "dies_when_reused", "drips",
    "floods", "full_port", "holds", "resets", "sends", "tls_context",
]  # fmt: skip

TLS = Path(__file__).parent.parent / "fetch" / "tls"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    at: float
    connection: int  # 1 for the first that was accepted
    head: bytes
    answered: list[float] = field(default_factory=list)  # when its answer had been written

    @property
    def method(self) -> str:
        """GET, CONNECT, …"""
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        """The target, as it stands in the request line."""
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def headers(self) -> dict[str, str]:
        """The headers, names in lower case."""
        lines = self.head.decode("latin-1").strip().split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@dataclass
class Exchange:
    """What a behaviour has in hand."""

    server: Server
    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    turn: int  # of this request on its connection, from 1

    async def send(self, data: bytes) -> None:
        """Write and wait until the system has taken it."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Behaviour = Callable[[Exchange], Awaitable[bool]]
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Listen on `host`, any port; `tls` is the name of a certificate, `context` a whole TLS set-up.

    `raw` answers whole connections in place of `behaviour`: what it does not read stands in no log.
    """

    def __init__(
        self, behaviour: Behaviour | None = None, *, raw: Raw | None = None, host: str = "127.0.0.1", port: int = 0,
        tls: str = "", context: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.behaviour = behaviour or sends(b"")
        self._raw = raw
        self.log: list[Seen] = []
        self.connections = self.open = self.peak = 0
        self.busy = self.busiest = 0  # requests that wait for the end of their answer
        self._host = host
        self.port = port
        self._context = tls_context(tls) if tls else context
        self._tasks: set[asyncio.Task] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._scheme = "https" if self._context else "http"

    @property
    def base(self) -> str:
        """The origin, without a slash at its end."""
        return f"{self._scheme}://{f'[{self._host}]' if ':' in self._host else self._host}:{self.port}"

    @property
    def targets(self) -> list[str]:
        """What was asked for, in order."""
        return [seen.target for seen in self.log]

    @property
    def tries(self) -> Counter[str]:
        """How often each target was asked for."""
        return Counter(self.targets)

    @property
    def gaps(self) -> list[float]:
        """Seconds between one request and the next."""
        return [after.at - before.at for before, after in zip(self.log, self.log[1:], strict=False)]

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._serve, self._host, self.port, ssl=self._context)
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)  # what was aborted is closed by the loop

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        self._writers.append(writer)
        self.connections += 1
        self.open += 1
        self.peak = max(self.peak, self.open)
        number, turn = self.connections, 0
        try:
            if self._raw is not None:
                await self._raw(reader, writer)
            while self._raw is None:
                head = await reader.readuntil(b"\r\n\r\n")
                turn += 1
                seen = Seen(time.monotonic(), number, head)
                self.log.append(seen)
                if not await self._answer(Exchange(self, seen, reader, writer, turn)):
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # cancelled: the test is over
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, exchange: Exchange) -> bool:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            return await self.behaviour(exchange)
        finally:
            self.busy -= 1
            exchange.seen.answered.append(time.monotonic())


# -- behaviours ------------------------------------------------------------------------------------------------------


def sends(data: bytes, then: str = "close") -> Behaviour:
    """Send `data`; then `close`, `reset` or `hold` the connection, or `keep` it for a further request."""

    async def behave(exchange: Exchange) -> bool:
        await exchange.send(data)
        if then == "reset":
            await asyncio.sleep(0.02)  # let the data arrive before the reset overtakes it
            exchange.reset()
        elif then == "hold":
            await exchange.reader.read()
        return then == "keep"

    return behave


def holds() -> Behaviour:
    """Take the request and say nothing."""
    return sends(b"", then="hold")


def resets() -> Behaviour:
    """Take the request and reset the connection."""
    return sends(b"", then="reset")


def drips(start: bytes, piece: bytes = b".", every: float = 0.02) -> Behaviour:
    """Send `start`, then a small `piece` now and then, for ever."""

    async def behave(exchange: Exchange) -> bool:
        await exchange.send(start)
        while not exchange.writer.is_closing():
            await asyncio.sleep(every)
            await exchange.send(piece)
        return False

    return behave


def floods(start: bytes, piece: bytes) -> Behaviour:
    """Send `start`, then `piece` after `piece` as fast as they are taken, for ever."""

    async def behave(exchange: Exchange) -> bool:
        await exchange.send(start)
        while not exchange.writer.is_closing():
            await exchange.send(piece)
            await asyncio.sleep(0)
        return False

    return behave


def dies_when_reused(data: bytes) -> Behaviour:
    """Answer the first request of a connection and promise to keep it; close it without a word at the second."""

    async def behave(exchange: Exchange) -> bool:
        if exchange.turn > 1:
            return False
        await exchange.send(data)
        return True

    return behave


def counts(one: bytes, more: bytes, times: int) -> Behaviour:
    """Answer `one` to the first `times` requests of the server, `more` to those after; keep the connection."""

    async def behave(exchange: Exchange) -> bool:
        await exchange.send(one if len(exchange.server.log) <= times else more)
        return True

    return behave


# -- bytes -----------------------------------------------------------------------------------------------------------


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole answer with its Content-Length."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
    return head.encode("latin-1") + b"\r\n" + body


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def tls_context(name: str) -> ssl.SSLContext:
    """Return a server's TLS with the certificate `name` of tests/fetch/tls."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{name}.pem")
    return context


class full_port:
    """A port whose queue of connections is full: nobody accepts, nobody refuses. Use it with `with`."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.socket(family)
        self._listening.bind((host, port))
        self._listening.listen(0)
        self._held = [socket.socket(family) for _ in range(3)]
        for one in self._held:
            one.setblocking(False)
            one.connect_ex(self._listening.getsockname())

    def __enter__(self) -> int:
        """Return the port."""
        return int(self._listening.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        for one in (*self._held, self._listening):
            one.close()
