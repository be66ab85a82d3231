"""HTTP: the client against a raw server that answers with an input's bytes, whatever they are.

The first line of an input says what the server does when all is sent: close, reset, keep (listen for a further request,
which is answered properly) or hold (say nothing more, so the deadline ends it). The rest goes out as it stands.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import sys
import time
from collections.abc import Iterable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import json_lines, printable, unicode_text
from fuzz.target import Target
from scraper.clock import SystemClock
from scraper.errors import ReadTimeout, RequestException
from scraper.fetch.client import AiohttpFetcher
from scraper.fetch.pace import Slowest
from scraper.page import Page
from scraper.request import Request
from scraper.response import Response

__all__ = ["HttpTarget"]

TIMEOUTS = {b"hold": 0.05, b"keep": 0.1}  # seconds; the server may be silent
TIMEOUT, SLACK = 2.0, 1.5  # seconds otherwise, and for a machine that has other things to do
MAX_BODY, BLOCK = 200_000, 65_536  # bytes; one block more may have come when it is noticed
LONGEST_MESSAGE = 500  # characters
PROBE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Probe: yes\r\n\r\nprobe"
ENDS = (b"close", b"reset", b"keep", b"hold")
_LINGER = struct.pack("ii", 1, 0)


class HttpTarget(Target):
    """An exchange ends within its deadline, with a response or one error, and harms no other."""

    name: ClassVar[str] = "http"
    rooms: ClassVar[str] = (
        "fetch.client, fetch.answer, fetch.body, fetch.pace, fetch.failures, fetch.sending, policy.cookies"
    )
    weight: ClassVar[float] = 2.5
    largest: ClassVar[int] = 128 * 1024
    base_seconds: ClassVar[float] = 0.25
    kilobyte_seconds: ClassVar[float] = 0.01
    tokens: ClassVar[tuple[bytes, ...]] = (
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.1 304 Not Modified\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n", b"HTTP/2 200\r\n",
        b"HTTP/0.9 200\r\n", b"HTTP/1.1 099 x\r\n",
        b"HTTP/1.1 1000 x\r\n", b"HTTP/1.1 407 x\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
        b"Content-Length: -1\r\n", b"Content-Length: +5\r\n",
        b"Content-Length: 5, 5\r\n", b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: xchunked\r\n", b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: br\r\n", b"Connection: close\r\n",
        b"Connection: upgrade\r\n", b"Upgrade: websocket\r\n", b"Set-Cookie: a=b\r\n", b"Location: /x\r\n",
        b"Content-Type: text/html; charset=utf-16\r\n",
        b"Trailer: x\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"5;ext=1\r\n", b"-1\r\n",
        b"0x5\r\n", b"\r\n\r\n", b"\r\n", b"\n", b"\r", b"\0",
        b" folded\r\n", b": x\r\n", b"X y: z\r\n", b"hello", b"X: " + b"a" * 9000 + b"\r\n", b"\x1f\x8b\x08\0",
        b"\xff", b"HTTP/1.1 200 \x1b[31m\r\n",
    )  # fmt: skip

    def open(self) -> None:
        """Begin to listen, and open the client."""
        self._faults: list[str] = []
        self._hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: self._faults.append(_fault(context)))
        self._answer, self._end = b"", b"close"
        self._turns = 0
        self._loop.run_until_complete(self._begin())

    async def _begin(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self._base = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._fetcher = AiohttpFetcher(
            clock=SystemClock(), user_agent="fuzz/1", connections=8, connections_per_host=0, timeout=TIMEOUT,
            connect_timeout=TIMEOUT,
            max_body=MAX_BODY, verify_tls=True, cookies=True, slowest=Slowest(10.0, 1.0),
        )  # fmt: skip
        await self._fetcher.__aenter__()

    def _unraisable(self, what: sys.UnraisableHookArgs) -> None:
        """Note what could not be raised: a coroutine that nobody awaited, a socket that nobody closed."""
        self._faults.append(f"{what.err_msg or what.object!r}: {what.exc_value!r}")

    def close(self) -> None:
        """Close both."""
        sys.unraisablehook = self._hook
        self._server.close()
        self._loop.run_until_complete(self._fetcher.__aexit__(None, None, None))
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    def seeds(self) -> Iterable[bytes]:
        """Return answers, right ones and those of broken servers."""
        ok = b"HTTP/1.1 200 OK\r\n"
        for number, data in enumerate((
            ok + b"Content-Length: 5\r\n\r\nhello", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            ok + b"\r\nuntil the end",
            b"HTTP/1.0 200 OK\r\n\r\nold", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
            b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + ok + b"\r\n",
            ok + b"Content-Encoding: gzip\r\nContent-Length: 24\r\n\r\n" + gzip.compress(b"page", mtime=0),
            ok + b"Content-Length: 50\r\n\r\nshort",
            b"<html>no head at all</html>",
            ok + b"Content-Length: 2\r\n\r\nhi" + ok + b"Content-Length: 3\r\n\r\nbye", b"", b"HTTP/1.1 500 \r\n\r\n",
            b"HTTP/1.1 301 Moved\r\nLocation: http://\xe4/\r\nContent-Length: 0\r\n\r\n",
            ok + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n",
            ok + b"Set-Cookie: a=b; Path=/\r\nSet-Cookie: \xff=1\r\nContent-Length: 1\r\n\r\nx",
            ok + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n" * 3,
        )):  # fmt: skip
            yield ENDS[number % 3] + b"\n" + data
        yield b"hold\n" + ok + b"Content-Length: 50\r\n\r\nwaits"

    def strategy(self) -> SearchStrategy[bytes]:
        """Return heads of headers that fit together or not, and bodies framed rightly or not."""
        end = st.sampled_from([b"close"] * 10 + [b"reset"] * 3 + [b"keep"] * 6 + [b"hold"])
        line = st.sampled_from(
            [token for token in self.tokens if token.startswith(b"HTTP/")] + [b"HTTP/1.1 200 OK\r\n"] * 8
        )
        header = st.one_of(
            st.sampled_from([token for token in self.tokens if b": " in token]),
            st.builds(lambda name, value: name + b": " + value + b"\r\n", st.binary(max_size=8),
            st.binary(max_size=20)),
        )  # fmt: skip
        body = st.binary(max_size=80)
        framed = st.one_of(
            body.map(lambda data: b"Content-Length: %d\r\n\r\n" % len(data) + data),
            st.lists(body, max_size=5).map(_chunked),
            body.map(lambda data: b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(data, mtime=0)),
            body.map(lambda data: b"\r\n" + data),
            st.builds(lambda size, data: b"Content-Length: %d\r\n\r\n" % size + data, st.integers(-2, 200), body),
        )  # fmt: skip
        one = st.builds(
            lambda line, headers, framed: line + b"".join(headers) + framed, line, st.lists(header, max_size=5), framed
        )
        return st.builds(
            lambda end, answers: end + b"\n" + b"".join(answers), end, st.lists(one, min_size=1, max_size=2)
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answer)
            await writer.drain()
            if self._end == b"hold":
                await reader.read(1)  # the client's end, or a further request on a connection that looked whole
            elif self._end == b"reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
                writer.transport.abort()
            while self._end == b"keep":
                await reader.readuntil(b"\r\n\r\n")
                writer.write(PROBE)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def check(self, data: bytes) -> None:
        """Fetch once; then, where the server goes on listening, once more."""
        end, _, self._answer = data.partition(b"\n")
        self._end = end if end in ENDS else b"close"
        self._turns += 1
        self._faults.clear()
        self._loop.run_until_complete(self._exchange())
        assert not self._faults, f"nothing goes wrong behind the client's back: {self._faults[0]}"

    async def _exchange(self) -> None:
        first = await self._fetch(f"/{self._turns}")
        if self._end == b"keep":
            second = await self._fetch("/probe")
            if isinstance(second, Response) and isinstance(first, Response) and "x-probe" not in second.headers:
                assert second.body == first.body, "an answer that nobody asked for is never taken for the next one's"

    async def _fetch(self, path: str) -> Response | RequestException:
        request = Request(self._base + path)
        timeout = TIMEOUTS.get(self._end, TIMEOUT)
        began = time.monotonic()
        answer: Response | RequestException
        try:
            answer = await self._fetcher.fetch(request, timeout=timeout)
        except RequestException as error:
            answer = error
            self._explained(error, request)
        else:
            _sane(answer)
        assert time.monotonic() - began < timeout + SLACK, "an exchange ends within its deadline"
        return answer

    def _explained(self, error: RequestException, request: Request) -> None:
        printable(str(error))
        assert len(str(error)) < LONGEST_MESSAGE, f"a message is short: {error}"
        assert error.request is request, "an error knows its request"
        assert type(error).reason, "an error has a code"
        over = self._end in (b"close", b"reset")
        assert not (over and isinstance(error, ReadTimeout)), f"what has ended is not waited for: {error}"
        if error.response is not None:
            assert len(error.response.body) <= MAX_BODY + BLOCK, "what came of a body is bounded"


def _sane(response: Response) -> None:
    assert len(response.body) <= MAX_BODY, "a body never passes its limit"
    assert 100 <= response.status <= 999, "a status has three digits"
    moved = 300 <= response.status < 400 and "location" in response.headers
    assert moved or not response.truncated, "half a page is no page; a redirect needs none"
    assert response.elapsed >= 0, "time does not run backwards"
    json_lines(
        [{"headers": [list(pair) for pair in response.headers.raw], "reason": response.reason, "text": response.text}]
    )
    for name, value in response.headers.raw:
        unicode_text(name + value)
        assert not {"\r", "\n", "\0"} & set(name + value), "a header is one line"
    Page(response).follow_refresh()


def _chunked(parts: list[bytes]) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def _fault(context: dict[str, Any]) -> str:
    return f"{context.get('message')}: {context.get('exception')!r}"
