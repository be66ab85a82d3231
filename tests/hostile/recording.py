"""Web servers on loopback that write down every byte they were sent, and crawls against them with the real client.

What reached a server that should not have been reached, or a secret that arrived there, is in its record.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from scraper.engine.tally import Tally
from scraper.frontier.base import Committed
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.visit import Visit
from tests.helpers import make_plan

__all__ = ["Asked", "Crawled", "Recorder", "crawl", "page", "recording", "redirect"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def host(self) -> str:
        """The Host header without its port."""
        return self.headers.get("host", "").partition(":")[0]


Answer = Callable[[Asked], bytes]


@dataclass(slots=True)
class Recorder:
    """A server and what it was asked."""

    answer: Answer
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return the URL of a path."""
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order, without robots.txt."""
        return [asked.path for asked in self.asked if asked.path != "/robots.txt"]

    def to(self, path: str) -> Asked:
        """Return the first request for `path`."""
        return next(asked for asked in self.asked if asked.path == path)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a connection and close it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append(Asked(method, path, headers, body))
            writer.write(self.answer(self.asked[-1]))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def recording(answer: Answer | dict[str, bytes]) -> AsyncIterator[Recorder]:
    """Serve what `answer` says; of a dict, what is not in it is not there."""
    site = answer if isinstance(answer, dict) else {}
    recorder = Recorder((lambda asked: site.get(asked.path, page(status=404))) if site else answer)
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
    recorder.port = server.sockets[0].getsockname()[1]
    try:
        yield recorder
    finally:
        server.close()


def page(body: str = "<p>ok", *headers: str, status: int = 200) -> bytes:
    """Return a response as bytes; `headers` are whole lines."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", "Content-Type: text/html", *headers]
    return "\r\n".join([*lines, "Connection: close", "", body]).encode("utf-8", "surrogateescape")


def redirect(target: str, status: int = 302, *headers: str) -> bytes:
    """Return a redirect as bytes."""
    return page("", f"Location: {target}", *headers, status=status)


@dataclass(slots=True)
class Crawled:
    """A crawl that has ended: its report, and each visit with its outcome."""

    report: Report
    visits: list[Visit]

    @property
    def tally(self) -> Tally:
        """The counts."""
        return self.report.progress.tally

    def outcomes(self) -> list[Any]:
        """Return the outcomes of pages, in order."""
        return [visit.outcome for visit in self.visits if not visit.lease.is_robots]


class _Listener:
    def __init__(self) -> None:
        self.visits: list[Visit] = []

    def hear(self, visits: Any, committed: Committed) -> None:
        self.visits.extend(visits)


async def crawl(*seeds: str, **changes: Any) -> Crawled:
    """Run a whole crawl in memory with the real client, without rests."""
    settings: dict[str, Any] = {"seeds": seeds, "retries": 0, "timeout": 2.0, "connect_timeout": 1.0, "interval": 0.01}
    listener = _Listener()
    report = await Run(make_plan(**{**settings, **changes}), observers=(listener,)).execute()
    return Crawled(report, listener.visits)
