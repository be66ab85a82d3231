"""Which answers are taken whole, without a way for their bodies to come through; all others are read."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpResponseParser
from hypothesis import given
from hypothesis import strategies as st

from scraper.fetch.lean import WholeAnswers
from scraper.fetch.wire import WIRE

USUAL = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\npage"


def whole(data: bytes) -> bytes | None:
    """Return the body, if `data` is taken; and see to it that the next answer is as well."""
    look = WholeAnswers(WIRE, 100)
    found = look(data)
    again = look(USUAL)
    assert again is not None
    assert again[1] == b"page"
    return None if found is None else found[1]


@pytest.mark.parametrize(
    "data",
    [
        USUAL,
        USUAL.replace(b"Content-Length", b"content-length"),
        USUAL.replace(b"200 OK", b"404 Not Found"),
        USUAL.replace(b"200 OK", b"301 Moved\r\nLocation: /there"),
        USUAL.replace(b"Content-Type", b"Upgrade: h2\r\nConnection: Upgrade, keep-alive\r\nContent-Type"),
    ],
)
def test_a_plain_answer_that_is_all_here_is_taken(data: bytes) -> None:
    """Whatever its status and however its headers are written."""
    assert whole(data) == b"page"


def test_an_answer_without_a_byte_of_body_is_taken() -> None:
    """Its length says so."""
    assert whole(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        USUAL[:-1],
        USUAL[:-6],
        USUAL + b"x",
        USUAL + USUAL,
        USUAL.replace(b"200", b"204"),
        USUAL.replace(b"200", b"304"),
        USUAL.replace(b"200", b"103"),
        USUAL.replace(b"200 OK", b"101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade"),
        USUAL.replace(b"HTTP/1.1", b"HTTP/1.0"),
        USUAL.replace(b"HTTP/1.1", b"HTTP/x"),
        USUAL.replace(b"Content-Type", b"Connection: close\r\nContent-Type"),
        USUAL.replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type"),
        USUAL.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked\r\nX: 4"),
        USUAL.replace(b"Content-Type", b"Transfer-Encoding: chunked\r\nContent-Type"),
        USUAL.replace(b"Content-Length", b"Contents"),
        USUAL.replace(b"Content-Length", b"Content-Length: 4\r\nContent-Length"),
        USUAL.replace(b"Content-Length: 4", b"Content-Length: 9\r\nX: 4"),
        USUAL.replace(b"Content-Type", b"Transfer-Encoding: gzip\r\nContent-Type"),
        b"\r\n\r\n" + USUAL,
        USUAL.replace(b"\r\n", b"\n"),
        # the head ends at its first blank line, so the body is another one
        b"HTTP/1.1 200 OK\nContent-Length: 1\n\n\r\n\r\nX",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\n\r\n\r\nX",
        b"HTTP/1.1 200 OK\nContent-Length: 4\n\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage",
    ],
)
def test_every_other_answer_is_read(data: bytes) -> None:
    """Nothing is said of it here, and the next one is none the worse."""
    assert whole(data) is None


def test_a_body_above_the_limit_is_not_taken() -> None:
    """How it is refused is decided where bodies are read."""
    assert WholeAnswers(WIRE, 4)(USUAL) is not None
    assert WholeAnswers(WIRE, 3)(USUAL) is None


LINES = st.sampled_from(
    [
        b"Content-Length: 4", b"Content-Length: 5", b"content-length:4", b"Content-Length: 4 ", b"Content-Length: +4",
        b"Content-Length: 4, 4", b"X: 4", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
        b"Content-Encoding: identity", b" folded: 4", b"Connection: close", b"Connection: keep-alive", b"X", b"\tX: 4",
        b": 4", b"X : 4", b"Sec-WebSocket-Key1: 4", b"X: \xff\x00", b"",
    ]
)  # fmt: skip
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
STARTS = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 404", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content", b"X"])
BODIES = st.sampled_from([b"page", b"pages", b"", b"\r\n\r\n", b"\n\r\nX", b"0\r\n\r\n", b"4\r\npage\r\n0\r\n\r\n"])


@given(STARTS, ENDS, st.lists(st.tuples(LINES, ENDS), max_size=5), ENDS, BODIES)
def test_what_is_taken_is_what_is_read(
    start: bytes, end: bytes, lines: list[tuple[bytes, bytes]], blank: bytes, body: bytes
) -> None:
    """The parser that gets head and body together finds the same head, the same body, and nothing behind it."""
    data = start + end + b"".join(line + tail for line, tail in lines) + blank + body
    taken = WholeAnswers(WIRE, 100)(data)
    if taken is None:
        return
    loop = asyncio.new_event_loop()
    try:
        parser = HttpResponseParser(
            BaseProtocol(loop), loop, WIRE.read_bufsize, read_until_eof=True, auto_decompress=False
        )
        [(message, content)], _, tail = parser.feed_data(data)
        assert content.is_eof()
        assert (message.code, message.raw_headers) == (taken[0].code, taken[0].raw_headers)
        assert content.total_bytes == len(taken[1])
        assert content.read_nowait() == taken[1]
        assert not tail
    finally:
        loop.close()
