"""Framing: what is not HTTP, what is nearly HTTP, and where one message ends and the next begins."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from case import case, row, table
from http_fetching import client, fail, fail_at, get
from servers import CHUNKED, OK, Server, answer, chunk, floods, sends

from scraper.errors import (
    ChunkedEncodingError,
    ConnectionError,  # noqa: A004
    MalformedResponse,
    ReadTimeout,
)
from scraper.fetch.pace import Slowest
from scraper.request import Request

HI = answer(b"hi")


async def all_sent(server: Server) -> None:
    """Wait until the first answer and whatever follows it have left, and a moment for them to arrive."""
    while not server.log[0].answered:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.01)


@table(
    "http", ("data",),
    [
        row("not-http-ssh", b"SSH-2.0-OpenSSH_9.2\r\n", behaviour="an SSH greeting"),
        row("not-http-smtp", b"220 mail.example ESMTP\r\n", behaviour="an SMTP greeting"),
        row("not-http-icy", b"ICY 200 OK\r\n\r\n", behaviour="SHOUTcast's ICY"),
        row("not-http-09", b"<html>no head at all</html>", behaviour="HTTP/0.9: a body without a head"),
        row("not-http-binary", bytes(range(256)), behaviour="binary garbage"),
        row("not-http-tls-alert", b"\x15\x03\x01\x00\x02\x02\x46", behaviour="a TLS alert on a plain port"),
        row("not-http-2-preface", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", behaviour="HTTP/2 frames unasked"),
        row("not-http-status-text", b"HTTP/1.1 abc OK\r\n\r\n", behaviour="a status that is no number"),
        row("not-http-status-long", b"HTTP/1.1 2000 OK\r\n\r\n", behaviour="a status of four digits"),
        row("not-http-version", b"HTTP/x.y 200 OK\r\n\r\n", behaviour="a version that is no number"),
        row("header-space-in-name", OK + b"Bad Name: x\r\n\r\n", behaviour="a space in a header's name"),
        row("header-without-colon", OK + b"no colon here\r\n\r\n", behaviour="a header without a colon"),
        row("header-empty-name", OK + b": x\r\n\r\n", behaviour="a header without a name"),
        row("header-nul", OK + b"X: a\x00b\r\n\r\n", behaviour="NUL in a header's value"),
        row("length-negative", OK + b"Content-Length: -1\r\n\r\n", behaviour="a negative Content-Length"),
        row("length-word", OK + b"Content-Length: many\r\n\r\n", behaviour="a Content-Length that is a word"),
        row("length-plus", OK + b"Content-Length: +2\r\n\r\nhi", behaviour="a Content-Length with a sign"),
        row("length-two-kinds", OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            behaviour="two Content-Lengths that differ"),
        row("chunk-size-word", CHUNKED + b"zz\r\n", behaviour="a chunk size that is no number"),
        row("chunk-size-negative", CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", behaviour="a negative chunk size"),
        row("chunk-later-bad", CHUNKED + chunk(b"half") + b"zz\r\n", behaviour="a bad chunk size after a good chunk"),
        row("chunk-size-huge", CHUNKED + b"f" * 40 + b"\r\nx", behaviour="a chunk size of 40 digits"),
        row("chunk-without-end", CHUNKED + b"4\r\nhalfmore\r\n0\r\n\r\n", behaviour="a chunk longer than its size"),
    ],
    behaviour="The server sends", expectation="malformed, which is no site's own 400, not retried, quoting none of it.",
    source="RFC 9112 2.2, 4, 5.1, 6.3, 7.1; aiohttp calls all of these status 400",
)  # fmt: skip
async def test_what_is_not_http_is_malformed(data):
    error = await fail(sends(data, then="hold"), timeout=0.4)
    assert type(error) is MalformedResponse
    assert "400" not in str(error).partition("/a: ")[2]
    assert len(str(error)) < 250
    assert str(error).isprintable()


@case(
    "http", "own-400-is-an-answer",
    behaviour="The site answers 400 Bad Request itself.",
    expectation="A response with status 400, not a malformed one.",
    source="RFC 9110 15.5.1",
)  # fmt: skip
async def test_the_sites_own_400_is_an_answer():
    response = await get(sends(answer(b"no", status="400 Bad Request")))
    assert (response.status, response.body) == (400, b"no")


@table(
    "http", ("data", "body"),
    [
        row("lenient-lf-only", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", b"hi", behaviour="LF alone ends the lines"),
        row("lenient-no-reason", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", b"hi", behaviour="no reason phrase"),
        row("lenient-status-999", b"HTTP/1.1 999 Request denied\r\nContent-Length: 2\r\n\r\nhi", b"hi",
            behaviour="status 999"),
        row("lenient-http-10", b"HTTP/1.0 200 OK\r\n\r\nhi", b"hi", behaviour="HTTP/1.0 without a length"),
        row("lenient-obs-fold", OK + b"X-A: one\r\n two\r\nContent-Length: 2\r\n\r\nhi", b"hi",
            behaviour="a header folded over two lines"),
        row("lenient-latin-1-header", OK + b"X-A: caf\xe9\r\nContent-Length: 2\r\n\r\nhi", b"hi",
            behaviour="latin-1 in a header"),
        row("lenient-chunk-extension", CHUNKED + b"2;name=value\r\nhi\r\n0\r\n\r\n", b"hi",
            behaviour="chunk extensions"),
        row("lenient-trailers", CHUNKED + b"2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n", b"hi", behaviour="trailers"),
        row("lenient-no-content-type", HI, b"hi", behaviour="no Content-Type"),
        row("lenient-close-delimited", OK + b"\r\nhi", b"hi", behaviour="a body that ends with its connection"),
        row("lenient-long-header", OK + b"X: " + b"x" * 60_000 + b"\r\nContent-Length: 2\r\n\r\nhi", b"hi",
            behaviour="a header of 60,000 bytes"),
        row("lenient-many-headers", OK + b"".join(b"X-%d: 1\r\n" % n for n in range(250)) + HI[17:], b"hi",
            behaviour="250 headers"),
        row("interim-100", b"HTTP/1.1 100 Continue\r\n\r\n" + HI, b"hi",
            behaviour="100 Continue that nobody asked for"),
        row("interim-103", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 3 + HI, b"hi",
            behaviour="three 103 Early Hints before it"),
    ],
    behaviour="An answer is readable though odd:", expectation="The page is read.",
    source="RFC 9112 2.2, 4, 5.2, 7.1.1, 7.1.2; RFC 9110 15.2; sites seen in the wild",
)  # fmt: skip
async def test_odd_answers_that_can_be_read_are_read(data, body):
    assert (await get(sends(data))).body == body


@table(
    "http", ("head", "piece"),
    [
        row("flood-header-line", OK + b"X: ", b"x" * 10_000, behaviour="one header line that never ends"),
        row("flood-headers", OK, b"X-Header: value\r\n" * 100, behaviour="headers that never end"),
        row("flood-status-line", b"HTTP/1.1 200 ", b"O" * 10_000, behaviour="a reason phrase that never ends"),
        row("flood-interim", b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 50, behaviour="1xx answers that never end"),
        row("flood-trailers", CHUNKED + b"2\r\nhi\r\n0\r\n", b"X-T: 1\r\n" * 500, behaviour="trailers that never end"),
    ],
    behaviour="The server sends", expectation="malformed, long before the deadline; the connection is closed.",
    source="RFC 9110 5.4, 15.2; CVE-2025-53643's class; own limits: 64 KiB a line, 256 headers, 20 interim answers",
)  # fmt: skip
async def test_a_flood_before_the_body_is_cut_off(head, piece):
    async with Server(floods(head, piece)) as server:
        async with asyncio.timeout(1.5):
            error = await fail_at(server.base, timeout=2.0)
        assert type(error) is MalformedResponse
        while server.open:
            await asyncio.sleep(0.005)


@case(
    "http", "flood-chunk-extension",
    behaviour="A chunk extension never ends.",
    expectation="timeout: bytes that are none of the body do not keep the pace, so it ends long before the deadline.",
    source="RFC 9112 7.1.1; CVE-2023-39326's class",
)  # fmt: skip
async def test_bytes_that_are_no_body_do_not_count():
    behaviour = floods(CHUNKED + b"2;", b"x" * 1000)
    error = await fail(behaviour, slowest=Slowest(window=0.1))
    assert type(error) is ReadTimeout
    assert str(error).endswith("the body stopped: 0 bytes in 0.1 s")


@table(
    "http", ("status", "then"),
    [
        row("204-with-body", "204 No Content", "keep", behaviour="204"),
        row("304-with-body", "304 Not Modified", "keep", behaviour="304"),
    ],
    behaviour="A body comes with a status that has none:",
    expectation="The answer is empty; the stray bytes are never taken for the next answer.",
    source="RFC 9112 6.3 (1)",
)  # fmt: skip
async def test_a_body_that_may_not_be_is_not_read(status, then):
    async def once(exchange):
        if exchange.seen.target == "/a":
            await exchange.send(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray", status=status))
        else:
            await exchange.send(HI)
        return True

    async with Server(once) as server, client() as it:
        assert (await it.fetch(Request(f"{server.base}/a"))).body == b""
        await asyncio.sleep(0.02)
        assert (await it.fetch(Request(f"{server.base}/b"))).body == b"hi"
    assert server.targets == ["/a", "/b"]


@case(
    "http", "head-with-body",
    behaviour="HEAD is answered with a body.",
    expectation="Empty, or malformed when it comes at once; the stray bytes are never taken for the next answer.",
    source="RFC 9110 9.3.2; RFC 9112 6.3 (1)",
)  # fmt: skip
async def test_a_body_after_head_is_not_read():
    stray = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")

    async def once(exchange):
        await exchange.send(stray if exchange.seen.method == "HEAD" else HI)
        return True

    async with Server(once) as server, client() as it:
        with suppress(MalformedResponse):
            assert (await it.fetch(Request(server.base, method="HEAD"))).body == b""
        await asyncio.sleep(0.02)
        assert (await it.fetch(Request(server.base))).body == b"hi"


@table(
    "http", ("late",),
    [
        row("two-answers-in-one", 0.0, behaviour="at once"),
        row("two-answers-late", 0.02, behaviour="a little later, on the idle connection"),
    ],
    behaviour="One request is answered by two responses, the second",
    expectation="The second is never the answer to another request.",
    source="RFC 9112 9.2: unsolicited responses; response splitting",
)  # fmt: skip
async def test_an_answer_that_nobody_asked_for_is_no_answer(late):
    async def twice(exchange):
        if exchange.seen.target == "/a":
            await exchange.send(HI)
            await asyncio.sleep(late)
            await exchange.send(answer(b"evil"))
        else:
            await exchange.send(answer(b"right"))
        return True

    async with Server(twice) as server, client() as it:
        assert (await it.fetch(Request(f"{server.base}/a"))).body == b"hi"
        await all_sent(server)
        assert (await it.fetch(Request(f"{server.base}/b"))).body == b"right"
    assert (server.targets, server.connections) == (["/a", "/b"], 2)


@table(
    "http", ("data", "then"),
    [
        row("short-length", OK + b"Content-Length: 50\r\n\r\nhalf", "close", behaviour="less than its Content-Length"),
        row("short-length-reset", OK + b"Content-Length: 50\r\n\r\nhalf", "reset", behaviour="the same, then a reset"),
        row("chunked-cut", CHUNKED + chunk(b"half"), "close", behaviour="chunks without the last one"),
        row("chunked-cut-in-chunk", CHUNKED + b"9\r\nhalf", "close", behaviour="half a chunk"),
        row("chunked-cut-reset", CHUNKED + chunk(b"half"), "reset", behaviour="chunks, then a reset"),
        row("chunked-cut-last-line", CHUNKED + chunk(b"half") + b"0\r\n", "close",
            behaviour="no line after the last chunk"),
        row("until-close-reset", OK + b"\r\nhalf", "reset", behaviour="a body without a length, then a reset"),
    ],
    behaviour="The body breaks off:", expectation="truncated: a failure that may pass, with the marked partial page.",
    source="RFC 9112 6.3, 8",
)  # fmt: skip
async def test_a_body_that_breaks_off_is_a_failure(data, then):
    error = await fail(sends(data, then=then))
    assert type(error) is ChunkedEncodingError
    assert (error.response.body, error.response.truncated, error.response.status) == (b"half", True, 200)


@table(
    "http", ("late",),
    [
        row("length-too-short", 0.0, behaviour="at once"),
        row("length-too-short-late", 0.02, behaviour="a little later"),
    ],
    behaviour="The body is longer than its Content-Length, the rest comes",
    expectation="The page has the announced length, or is malformed; the rest never shifts the next answer.",
    source="RFC 9112 6.3 (6), 9.2",
)  # fmt: skip
async def test_what_exceeds_the_length_never_shifts_the_next_answer(late):
    async def behave(exchange):
        if exchange.seen.target == "/b":
            await exchange.send(answer(b"right"))
            return True
        await exchange.send(OK + b"Content-Length: 2\r\n\r\nhi")
        await asyncio.sleep(late)
        await exchange.send(b" and more")
        return True

    async with Server(behave) as server, client() as it:
        try:
            assert (await it.fetch(Request(f"{server.base}/a"))).body == b"hi"
        except MalformedResponse:
            assert not late
        await all_sent(server)
        assert (await it.fetch(Request(f"{server.base}/b"))).body == b"right"
    assert server.connections == 2


@table(
    "http", ("data",),
    [
        row("smuggling-cl-te",
            OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"hi") + b"0\r\n\r\n",
            behaviour="Content-Length and Transfer-Encoding"),
        row("smuggling-te-unknown", OK + b"Transfer-Encoding: xchunked\r\n\r\n" + chunk(b"hi") + b"0\r\n\r\n",
            behaviour="an unknown Transfer-Encoding"),
        row("smuggling-te-twice", OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + chunk(b"hi") + b"0\r\n\r\n",
            behaviour="chunked twice over"),
        row("smuggling-length-list", OK + b"Content-Length: 2, 2\r\n\r\nhi", behaviour="a list of equal lengths"),
    ],
    behaviour="Two ends of the body are announced:",
    expectation="Malformed, or read and its connection not used again: the next answer is never out of step.",
    source="RFC 9112 6.1, 6.3; request smuggling",
)  # fmt: skip
async def test_an_ambiguous_end_never_shifts_the_next_answer(data):
    async def behave(exchange):
        await exchange.send(data if exchange.seen.target == "/a" else answer(b"right"))
        return True

    async with Server(behave) as server, client(timeout=0.3) as it:
        with suppress(MalformedResponse, ReadTimeout):
            await it.fetch(Request(f"{server.base}/a"))
        assert (await it.fetch(Request(f"{server.base}/b"))).body == b"right"


@table(
    "http", ("data", "then"),
    [
        row("no-answer-close", b"", "close", behaviour="the connection is closed"),
        row("no-answer-reset", b"", "reset", behaviour="the connection is reset"),
        row("half-status-line", b"HTTP/1.1 20", "close", behaviour="the status line breaks off"),
        row("half-head", OK + b"Content-Ty", "close", behaviour="the head breaks off"),
        row("half-head-reset", OK + b"Content-Ty", "reset", behaviour="the head breaks off with a reset"),
    ],
    behaviour="No whole head comes:", expectation="connection: a failure that may pass; the server was asked once.",
    source="RFC 9112 8; RFC 9110 9.2.2",
)  # fmt: skip
async def test_no_head_is_a_connection_error_and_one_request(data, then):
    async with Server(sends(data, then=then)) as server:
        error = await fail_at(server.base)
    assert type(error) is ConnectionError
    assert len(server.log) == 1


@case(
    "http", "upgrade-unasked",
    behaviour="The server answers 101 Switching Protocols to a plain GET.",
    expectation="One answer with status 101, or a failure; nothing hangs and nothing is kept.",
    source="RFC 9110 15.2.2",
)  # fmt: skip
async def test_an_upgrade_that_nobody_asked_for_ends():
    data = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello"
    async with Server(sends(data, then="hold")) as server, client(timeout=0.3) as it:
        with suppress(MalformedResponse, ReadTimeout):
            assert (await it.fetch(Request(server.base))).status == 101
        server.behaviour = sends(HI)
        assert (await it.fetch(Request(server.base))).body == b"hi"
    assert server.connections == 2


@pytest.mark.parametrize("code", [429, 503, 500, 404, 418])
async def test_an_error_status_is_an_answer(code):
    """Whatever the status, the client raises nothing for it."""
    assert (await get(sends(answer(b"x", status=f"{code} No")))).status == code
