"""A web server on loopback that writes down what it was asked, and when: obedience is verified from its log afterwards.

It speaks just enough HTTP/1.1: one request after another on each connection, a body with its length, or any bytes at
all. `crawl` runs a whole crawl, with the real client, against one or more of them.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from scraper.runs.report import Report
from scraper.runs.runner import Run
from tests.helpers import make_plan

__all__ = ["NOT_THERE", "Entry", "Logged", "Reply", "crawl", "links", "logged"]

HANG_SECONDS = 30.0  # longer than any test lasts


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers after `wait` seconds: a response, or `raw` bytes; `end` is what becomes of the line."""

    body: bytes = b"<html>"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    raw: bytes | None = None
    end: str = "keep"  # keep, close, reset, hang (nothing more comes), flood (it never ends)

    @property
    def wire(self) -> bytes:
        """The bytes of the response."""
        if self.raw is not None:
            return self.raw
        headers = {"Content-Type": "text/html", "Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Answer", *(f"{name}: {value}" for name, value in headers.items() if value)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


NOT_THERE = Reply(b"no", 404)


@dataclass(slots=True)
class Entry:
    """One request; times are seconds of one clock."""

    method: str
    path: str
    host: str
    start: float
    end: float = 0.0
    status: int = 0
    at_once: int = 1  # requests under way when it came, itself included


class Logged:
    """The server, and its log in the order of arrival."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self._answer = answer
        self.log: list[Entry] = []
        self.port = 0
        self._open = 0

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return the URL of a path."""
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [entry.path for entry in self.log]

    @property
    def pages(self) -> list[str]:
        """The same without robots.txt."""
        return [path for path in self.paths if path != "/robots.txt"]

    @property
    def peak(self) -> int:
        """The most requests that were under way at once."""
        return max((entry.at_once for entry in self.log), default=0)

    def gaps(self, after: int = 0) -> list[float]:
        """Return the seconds between the arrivals of requests, from the one with number `after` on."""
        starts = [entry.start for entry in self.log[after:]]
        return [later - sooner for sooner, later in pairwise(starts)]

    def starts(self, path: str) -> list[float]:
        """Return when a path was asked for."""
        return [entry.start for entry in self.log if entry.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        host = next((line[5:].strip() for line in head if line.lower().startswith("host:")), "")
        entry = Entry(method, path, host, time.monotonic())
        self.log.append(entry)
        self._open += 1
        entry.at_once = self._open
        try:
            reply = self._answer(path)
            entry.status = reply.status
            await asyncio.sleep(reply.wait)
            writer.write(reply.wire)
            await writer.drain()
            await self._end(reply, reader, writer)
        finally:
            self._open -= 1
            entry.end = time.monotonic()
        return reply.end == "keep"

    @staticmethod
    async def _end(reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply.end == "reset":
            await asyncio.sleep(0.01)  # or the reset overtakes what was written
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        elif reply.end == "hang":
            async with asyncio.timeout(HANG_SECONDS):
                await reader.read()
        while reply.end == "flood":
            writer.write(b"# nothing to see here, go on reading please\n" * 1000)
            await writer.drain()


@asynccontextmanager
async def logged(answer: Callable[[str], Reply] | Mapping[str, Reply]) -> AsyncIterator[Logged]:
    """Serve what `answer` says of each path; of a mapping, what is not in it is not there."""
    server = Logged(answer if callable(answer) else lambda path: answer.get(path, NOT_THERE))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def links(*paths: str) -> Reply:
    """Return a page that links to `paths`."""
    return Reply("".join(f"<a href='{path}'>x</a>" for path in paths).encode())


async def crawl(*seeds: str, **changes: Any) -> Report:
    """Run a whole crawl in memory with the real client; robots.txt is obeyed, rests are short."""
    settings: dict[str, Any] = {
        "seeds": seeds,
        "obey_robots": True,
        "backoff": 0.02,
        "max_backoff": 0.05,
        "timeout": 0.3,
        "connect_timeout": 0.3,
        "interval": 0.01,
    }
    return await Run(make_plan(**{**settings, **changes})).execute()
