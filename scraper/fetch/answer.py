"""An answer on its way in: head and body as aiohttp gives them, read to the end and made a Response.

A body is read at a pace, under a limit, and when it is large in turn with the others, so the bytes in memory are
bounded however many answers come at once. One that ends too early is a failure that carries what came, marked as
truncated; nobody takes half a page for a page.

Sending and connecting must not enter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from scraper.errors import BodyTooLarge, ChunkedEncodingError, RequestException
from scraper.fetch.body import SMALL_BODY, BodyReader
from scraper.fetch.deadline import Deadline
from scraper.fetch.failures import FOREIGN_ERRORS, failure, translate
from scraper.fetch.lean import Answer, whole_body
from scraper.fetch.pace import Pace, Slowest
from scraper.fetch.sending import Sending
from scraper.request import Request
from scraper.response import Headers, Response

__all__ = ["LARGE_BODIES", "AnswerReader"]

LARGE_BODIES = 4  # at a time, each at most of the limit; small ones are never kept waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReader:
    """How bodies are read: at most `limit` bytes, as many `large` ones at a time, none slower than `slowest`."""

    limit: int
    large: asyncio.Semaphore
    slowest: Slowest

    async def read(self, answer: Answer, request: Request, sending: Sending, deadline: Deadline) -> Response:
        """Return the answer to `request` with its whole body. Raises RequestException."""
        headers = Headers(_decoded(answer.raw_headers))
        body = b""
        whole = whole_body(answer.content) if "content-length" in headers else None
        if whole is not None and len(whole) <= SMALL_BODY and "content-encoding" not in headers:
            body = whole  # the usual page: it needs neither pace nor turn
            if len(body) > self.limit:
                raise failure(BodyTooLarge, request, f"the body is larger than the {self.limit:,} bytes allowed")
        elif not answer.content.at_eof():
            self._refuse_announced(request, headers)
            turn = _Turn(self.large, deadline)
            encoding = headers.get("content-encoding", "")
            reader = BodyReader(request, encoding=encoding, limit=self.limit, grown=turn.take)
            try:
                body = await self._body(answer, reader, request, sending, headers)
            except (BodyTooLarge, ChunkedEncodingError) as error:
                error.response = _response(answer, request, sending, headers, b"".join(reader.parts), cut=True)
                raise
            finally:
                turn.give_back()
        return _response(answer, request, sending, headers, body)

    def _refuse_announced(self, request: Request, headers: Headers) -> None:
        """Refuse a body whose length says that it is too large, before it comes."""
        length = headers.get("content-length", "")
        if "content-encoding" not in headers and length.isdecimal() and int(length) > self.limit:
            what = f"the body has {int(length):,} bytes, more than the {self.limit:,} allowed"
            raise failure(BodyTooLarge, request, what)

    async def _body(
        self, answer: Answer, reader: BodyReader, request: Request, sending: Sending, headers: Headers
    ) -> bytes:
        connection = sending.connection
        try:
            with Pace(answer.content, self.slowest) as pace:
                body = await reader.read(pace.more)
        except RequestException:
            raise
        except FOREIGN_ERRORS as error:
            raise translate(error, request, sent=True) from error
        # A body without a length ends with its connection; aiohttp takes a connection that broke for that end.
        broke = connection is not None and isinstance(connection.exception(), OSError)
        if broke and not {"content-length", "transfer-encoding"} & set(headers):
            raise failure(ChunkedEncodingError, request, "the connection broke before the body was complete")
        return body


class _Turn:
    """One large body's turn among the others, if it comes to that."""

    __slots__ = ("_deadline", "_large", "_taken")

    def __init__(self, large: asyncio.Semaphore, deadline: Deadline) -> None:
        self._large = large
        self._deadline = deadline
        self._taken = False

    async def take(self) -> None:
        """Wait until one of the large bodies is through; the time does not count against the exchange."""
        when, clock = self._deadline.when(), asyncio.get_running_loop().time
        began = clock()
        self._deadline.reschedule(None)
        await self._large.acquire()
        self._taken = True
        if when is not None:
            self._deadline.reschedule(when + clock() - began)

    def give_back(self) -> None:
        """End the turn."""
        if self._taken:
            self._large.release()


def _response(
    answer: Answer, request: Request, sending: Sending, headers: Headers, body: bytes, cut: bool = False
) -> Response:
    now = sending.clock.now()
    sent_at = now if sending.at is None else sending.at
    return Response(
        request,
        status=answer.status,
        url=request.url,
        headers=headers,
        body=body,
        truncated=cut,
        http_reason=answer.reason,
        sent_at=sent_at,
        elapsed=now - sent_at,
    )


def _decoded(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """Return headers as text: UTF-8 where it is valid, else latin-1, as HTTP once said (RFC 2616, 2.2)."""
    try:
        return tuple([(name.decode("ascii"), value.decode("ascii")) for name, value in raw])
    except UnicodeDecodeError:
        return tuple([(name.decode("latin-1"), _value(name, value)) for name, value in raw])


def _value(name: bytes, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        if name.lower() == b"location":
            # Browsers keep such bytes and write them in percent form (WHATWG URL, percent-encode after encoding).
            return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in value)
        return value.decode("latin-1")
