"""Answers whose head says all: redirects and errors count, whatever their bodies do."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from case import case, row, table
from servers import CHUNKED, Server, answer, sends

from scraper import AsyncSession, Page, Spider, crawl
from scraper.errors import ChunkedEncodingError

HERE = b"Location: /y\r\n"
LONG = b"Content-Length: 100\r\n\r\nabc"
BROKEN = [
    row("endless", b"\r\n", "flood", behaviour="does not end"),
    row("silent", LONG, "hold", behaviour="stops in its middle, and the connection stays open"),
    row("cut", LONG, "close", behaviour="is shorter than its Content-Length"),
    row("bad-chunk", CHUNKED[17:] + b"zz\r\n", "keep", behaviour="has a bad chunk"),
    row("bad-gzip", b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\xff\xff\xff", "keep",
        behaviour="is called gzip and is none"),
    row("unknown-coding", b"Content-Encoding: compress\r\nContent-Length: 2\r\n\r\nhi", "keep",
        behaviour="is in a coding that nobody asked for"),
    row("announced-huge", b"Content-Length: 99999999999\r\n\r\n", "close", behaviour="is said to have 100 GB"),
]  # fmt: skip


def rows(prefix: str) -> list[Any]:
    return [row(f"{prefix}-{name}", *values, behaviour=behaviour) for name, values, behaviour, _ in BROKEN]


class Pages(Spider):
    """Takes every page."""

    async def parse(self, page: Page) -> Any:
        """Name it."""
        yield {"url": page.url}


def broken(head: bytes, body: bytes, then: str) -> Any:
    """Return a behaviour: /x has this head and such a body, the rest is fine."""
    plain = sends(head + body, then="close" if then == "flood" else then)

    async def behave(exchange: Any) -> bool:
        if exchange.seen.target != "/x":
            await exchange.send(answer(b"<p>here", "Content-Type: text/html"))
            return True
        if then != "flood":
            return await plain(exchange)
        await exchange.send(head + body)
        while True:
            await exchange.send(bytes(65536))

    return behave


async def run(server: Server, **settings: Any) -> Any:
    return await crawl(
        Pages, seeds=[server.base + "/x"], politeness={"delay": 0, "robots": "ignore"}, retry={"times": 0},
        fetch={"max_body": 1_000_000, "timeout": 5}, **settings,
    )  # fmt: skip


@table(
    "redirects", ("body", "then"), rows("body"),
    behaviour="A 302 with a Location, the body of which", expectation="It is followed, as browsers do.",
    source="WHATWG Fetch 4.4: the body of a redirect is not waited for; RFC 9110 15.4",
)  # fmt: skip
async def test_a_redirect_is_one_whatever_its_body_does(body, then):
    async with Server(broken(b"HTTP/1.1 302 Found\r\n" + HERE, body, then)) as server:
        report = await run(server)
    assert (report.pages, dict(report.progress.tally.failed)) == (1, {})
    assert server.targets == ["/x", "/y"]


@table(
    "http", ("body", "then"), rows("error-body"),
    behaviour="A 404, the body of which", expectation="It is http_404: the status has said all.",
    source="RFC 9110 15.5.5",
)  # fmt: skip
async def test_an_error_is_one_whatever_its_body_does(body, then):
    async with Server(broken(b"HTTP/1.1 404 Not Found\r\n", body, then)) as server:
        report = await run(server)
    assert dict(report.progress.tally.failed) == {"http_404": 1}


@case(
    "http", "error-body-keeps-connection",
    behaviour="A 404 has a body of 30 kB, in two packets.",
    expectation="It is read to its end, so the connection serves the next request.",
    source="RFC 9112 9.3: persistence needs the whole message",
)  # fmt: skip
async def test_a_small_body_is_read_to_keep_the_connection():
    async def behave(exchange):
        whole = answer(bytes(30_000), status="404 Not Found")
        await exchange.send(whole[:10_000])
        await asyncio.sleep(0.02)
        await exchange.send(whole[10_000:])
        return True

    async with Server(behave) as server:
        await crawl(
            Pages, seeds=[f"{server.base}/{number}" for number in range(4)],
            politeness={"delay": 0, "robots": "ignore"}, retry={"times": 0},
        )  # fmt: skip
    assert (len(server.targets), server.connections) == (4, 1)


@case(
    "http", "session-error-body-is-whole",
    behaviour="A session gets a 404, the body of which is cut.",
    expectation="truncated: whoever asks by hand may want to read it.",
    source="own design",
)  # fmt: skip
async def test_a_session_wants_bodies_of_errors():
    async with Server(broken(b"HTTP/1.1 404 Not Found\r\n", LONG, "close")) as server, AsyncSession() as session:
        with pytest.raises(ChunkedEncodingError):
            await session.get(server.base + "/x")


@case(
    "redirects", "body-silent-in-a-session",
    behaviour="A session gets a 302 whose body stops in its middle.",
    expectation="It is followed after a moment, not at the deadline.",
    source="own design",
)  # fmt: skip
async def test_a_session_follows_redirects_with_broken_bodies():
    behave = broken(b"HTTP/1.1 302 Found\r\n" + HERE, LONG, "hold")
    async with Server(behave) as server, AsyncSession(timeout=10) as session:
        began = time.monotonic()
        page = await session.get(server.base + "/x")
        assert time.monotonic() - began < 5
    assert (page.text, page.history[0].status, page.history[0].body) == ("<p>here", 302, b"abc")
