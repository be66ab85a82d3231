"""What stands behind an answer, or around it: junk, faults that come later, codings of the transfer."""

from __future__ import annotations

import asyncio
import gzip
import zlib

from case import case, row, table
from http_fetching import client, fail, get
from servers import CHUNKED, OK, Server, answer, chunk, sends

from scraper.errors import ChunkedEncodingError, MalformedResponse
from scraper.fetch.connector import READ_APART
from scraper.request import Request

HI = answer(b"hi")
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


@table(
    "http", ("pieces", "body"),
    [
        row("junk-behind-length", [HI + b"JUNK"], b"hi", behaviour="letters, in one packet with the answer"),
        row("junk-behind-split-head", [HI[:20], HI[20:] + b"JUNK"], b"hi", behaviour="letters, the head in two"),
        row("junk-behind-interim", [INTERIM + HI + b"JUNK"], b"hi", behaviour="letters, an interim answer before it"),
        row("junk-behind-late-interim", [INTERIM, HI + b"JUNK"], b"hi", behaviour="the same, in two packets"),
        row("junk-behind-chunks", [CHUNKED + chunk(b"hi") + b"0\r\n\r\nJUNK"], b"hi", behaviour="letters after chunks"),
        row("junk-behind-close", [OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhiJUNK"], b"hi",
            behaviour="letters, though the connection was to be closed"),
        row("junk-behind-lf", [b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhiJUNK"], b"hi", behaviour="letters, LF alone"),
        row("junk-behind-nothing", [OK + b"Content-Length: 0\r\n\r\nJUNK"], b"", behaviour="a body, and length 0"),
        row("junk-behind-204", [b"HTTP/1.1 204 No Content\r\n\r\nJUNK"], b"", behaviour="a body of a 204"),
        row("junk-behind-304", [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nJUNK"], b"",
            behaviour="a body of a 304"),
        row("junk-behind-another", [HI + answer(b"evil") + b"JUNK"], b"hi", behaviour="a second answer and letters"),
        row("junk-behind-large", [answer(bytes(100_000)) + b"JUNK"], bytes(100_000), behaviour="letters after 100 kB"),
    ],
    behaviour="Behind the answer comes more:",
    expectation="The answer is what its head says, to the byte; the connection is not used again.",
    source="RFC 9112 6.3 (1, 6), 9.2: browsers take the first N bytes; aiohttp's parser forgets the answer",
)  # fmt: skip
async def test_an_answer_is_whole_whatever_comes_behind_it(pieces, body):
    async def behave(exchange):
        for piece in pieces if exchange.seen.target == "/a" else [answer(b"right")]:
            await exchange.send(piece)
            await asyncio.sleep(0.01)
        return True

    async with Server(behave) as server, client() as it:
        assert (await it.fetch(Request(f"{server.base}/a"))).body == body
        assert (await it.fetch(Request(f"{server.base}/b"))).body == b"right"
    assert (server.targets, server.connections) == (["/a", "/b"], 2)


HALF = b"HTTP/1.1 404 Not Found\r\nX-Half: "


@table(
    "http", ("pieces",),
    [
        row("half-a-head-behind", [HI + HALF], behaviour="in one packet with the answer"),
        row("half-a-head-later", [HI, HALF], behaviour="in a packet of its own"),
        row("half-a-head-behind-chunks", [CHUNKED + chunk(b"hi") + b"0\r\n\r\n" + HALF], behaviour="behind chunks"),
        row("half-a-head-behind-lf", [b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi" + HALF], behaviour="behind LF alone"),
    ],
    behaviour="Behind the answer comes the beginning of another, and the next request is answered well:",
    expectation="What nobody asked for is no part of the next answer.",
    source="RFC 9112 9.2; own measurement: a parser that is kept goes on with what it has",
)  # fmt: skip
async def test_half_a_head_is_no_part_of_the_next_answer(pieces):
    async def behave(exchange):
        for piece in pieces if exchange.seen.target == "/a" else [answer(b"right")]:
            await exchange.send(piece)
            await asyncio.sleep(0.01)
        return True

    async with Server(behave) as server, client() as it:
        assert (await it.fetch(Request(f"{server.base}/a"))).body == b"hi"
        await asyncio.sleep(0.03)
        page = await it.fetch(Request(f"{server.base}/b"))
    assert (page.status, page.body, "x-half" in page.headers) == (200, b"right", False)


@case(
    "http", "methods-in-turn",
    behaviour="One connection answers HEAD and GET in turn, with the same length.",
    expectation="A body where there is one, none where there is none.",
    source="RFC 9110 9.3.2; a parser is told before an answer whether it has a body",
)  # fmt: skip
async def test_each_method_has_its_own_kind_of_answer():
    async def behave(exchange):
        await exchange.send(answer(b"hi") if exchange.seen.method == "GET" else answer(b"hi")[:-2])
        return True

    async with Server(behave) as server, client() as it:
        turns = [await it.fetch(Request(f"{server.base}/a", method=method)) for method in ("GET", "HEAD", "GET") * 2]
    assert [page.body for page in turns] == [b"hi", b"", b"hi"] * 2
    assert server.connections == 1


@case(
    "http", "fault-within-a-body",
    behaviour="After a good chunk, in a packet of its own, comes a bad one, and the connection stays open.",
    expectation="malformed, at once; not a timeout after 30 s.",
    source="RFC 9112 7.1; own measurement: aiohttp tells only who waits for an answer, not who reads its body",
)  # fmt: skip
async def test_a_fault_within_a_body_ends_it_at_once():
    async def later(exchange):
        await exchange.send(CHUNKED + chunk(b"half"))
        await asyncio.sleep(0.02)
        await exchange.send(b"zz\r\nmore\r\n")
        await asyncio.sleep(5)
        return False

    async with asyncio.timeout(1.5):
        assert type(await fail(later, timeout=4.0)) is MalformedResponse


@case(
    "http", "head-looked-at-once",
    behaviour="A head of a megabyte without an end, in one line.",
    expectation="malformed; what was kept of it is bounded, and looked at once.",
    source="own measurement: a search for its end from every byte took 90 s",
)  # fmt: skip
async def test_a_head_without_end_costs_little():
    async with asyncio.timeout(1.5):
        error = await fail(sends(OK + b"X: " + b"x" * (16 * READ_APART)), timeout=4.0)
    assert type(error) is MalformedResponse


@table(
    "http", ("head", "body", "then"),
    [
        row("transfer-gzip-chunked", b"Transfer-Encoding: gzip, chunked", chunk(gzip.compress(b"hi")) + b"0\r\n\r\n",
            "keep", behaviour="gzip, chunked"),
        row("transfer-two-lines", b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
            chunk(gzip.compress(b"hi")) + b"0\r\n\r\n", "keep", behaviour="the same in two lines"),
        row("transfer-gzip-close", b"Transfer-Encoding: gzip", gzip.compress(b"hi"), "close", behaviour="gzip alone"),
        row("transfer-deflate", b"Transfer-Encoding: deflate, Chunked", chunk(zlib.compress(b"hi")) + b"0\r\n\r\n",
            "keep", behaviour="deflate, Chunked"),
        row("transfer-around-content", b"Content-Encoding: deflate\r\nTransfer-Encoding: gzip, chunked",
            chunk(gzip.compress(zlib.compress(b"hi"))) + b"0\r\n\r\n", "keep", behaviour="gzip around deflate"),
        row("transfer-identity", b"Transfer-Encoding: identity", b"hi", "close", behaviour="identity, of old"),
    ],
    behaviour="The transfer has a coding of its own, unasked:", expectation="It is taken off, after the content's.",
    source="RFC 9112 6.1, 7.2; curl does so",
)  # fmt: skip
async def test_codings_of_the_transfer_are_taken_off(head, body, then):
    page = await get(sends(OK + head + b"\r\n\r\n" + body, then=then))
    assert page.body == b"hi"


@case(
    "http", "transfer-gzip-cut",
    behaviour="A transfer in gzip ends in its middle, the last chunk is there.",
    expectation="truncated.",
    source="RFC 9112 8",
)  # fmt: skip
async def test_a_transfer_coding_that_breaks_off_is_a_failure():
    half = gzip.compress(b"hello " * 100)[:-12]
    error = await fail(sends(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk(half) + b"0\r\n\r\n"))
    assert type(error) is ChunkedEncodingError
