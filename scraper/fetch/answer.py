"""An answer on its way in: head and body as aiohttp gives them, read to the end and made a Response.

A body is read at a pace, under a limit, and when it is large within what all may hold together, so the bytes in memory
are bounded however many answers come at once. One that ends too early is a failure that carries what came, marked as
truncated, or an answer with that mark for those who want it; nobody takes half a page for a page.

Sending and connecting must not enter.
"""

from __future__ import annotations

import asyncio

import msgspec

from scraper.errors import BodyTooLarge, ChunkedEncodingError, MalformedResponse, RequestException
from scraper.fetch.base import Wanted, terms
from scraper.fetch.body import BodyReader
from scraper.fetch.deadline import Deadline
from scraper.fetch.failures import FOREIGN_ERRORS, failure, translate
from scraper.fetch.headers import CameHeaders
from scraper.fetch.inflight import BytesInFlight, Share
from scraper.fetch.lean import Answer
from scraper.fetch.pace import Pace, Slowest
from scraper.fetch.sending import Sending
from scraper.request import Request
from scraper.response import Response

__all__ = ["LARGE_BODIES", "AnswerReader", "response_to"]

LEAST_STATUS = 100  # RFC 9110, 15: below is nothing that a client could understand
LARGE_BODIES = 4  # of the size of the limit, in memory at a time; small ones are never kept waiting

LITTLE, LITTLE_SECONDS = 64 * 1024, 0.3  # bytes and seconds spent on a body that matters little, to keep its connection


class AnswerReader(msgspec.Struct, frozen=True, kw_only=True):
    """How bodies are read: at most `limit` bytes, all of them within `in_flight`, none slower than `slowest`."""

    limit: int
    in_flight: BytesInFlight
    slowest: Slowest

    async def read(self, answer: Answer, request: Request, sending: Sending, deadline: Deadline) -> Response:
        """Return the answer to `request` with its whole body. Raises RequestException."""
        if answer.status < LEAST_STATUS:
            raise failure(MalformedResponse, request, f"what the server sent is not valid HTTP: status {answer.status}")
        headers = CameHeaders(answer.headers, answer.raw_headers)
        body = b""
        if not answer.content.at_eof():
            wanted = terms.get()
            if _head_is_enough(answer.status, headers, wanted.body):
                return await self._read_a_little(answer, request, sending, headers)
            limit = wanted.enough
            if limit is None:
                limit = self.limit
                self._refuse_announced(request, headers)
            share = Share(self.in_flight, deadline)
            reader = BodyReader(request, encoding=_codings(headers), limit=limit, grow=share.grow)
            try:
                body = await self._body(answer, reader, request, sending, headers)
            except (BodyTooLarge, ChunkedEncodingError) as error:
                error.response = cut = response_to(answer, request, sending, b"".join(reader.parts), cut=True)
                if wanted.body != "part" or isinstance(error, BodyTooLarge):
                    raise
                answer.holder.close()  # aiohttp keeps the connection of an answer that did not come to its end
                return cut
            finally:
                share.give_back()
        return response_to(answer, request, sending, body)

    async def _read_a_little(
        self, answer: Answer, request: Request, sending: Sending, headers: CameHeaders
    ) -> Response:
        """Return an answer whose body matters little: as much of it as costs nothing, whatever is wrong with it."""
        reader = BodyReader(request, encoding="", limit=LITTLE)
        try:
            reader = BodyReader(request, encoding=_codings(headers), limit=LITTLE)
            async with asyncio.timeout(LITTLE_SECONDS):
                body = await self._body(answer, reader, request, sending, headers)
        except (RequestException, TimeoutError):
            answer.holder.close()
            return response_to(answer, request, sending, b"".join(reader.parts), cut=True)
        return response_to(answer, request, sending, body)

    def _refuse_announced(self, request: Request, headers: CameHeaders) -> None:
        """Refuse a body whose length says that it is too large, before it comes."""
        length = headers.get("content-length", "")
        if "content-encoding" not in headers and length.isdecimal() and int(length) > self.limit:
            what = f"the body has {int(length):,} bytes, more than the {self.limit:,} allowed"
            raise failure(BodyTooLarge, request, what)

    async def _body(
        self, answer: Answer, reader: BodyReader, request: Request, sending: Sending, headers: CameHeaders
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


def response_to(answer: Answer, request: Request, sending: Sending, body: bytes, cut: bool = False) -> Response:
    """Return what came as the Response to `request`; `cut`: the body ended early."""
    now = sending.clock.now()
    sent_at = now if sending.at is None else sending.at
    return Response(
        request,
        status=answer.status,
        url=request.url,
        headers=CameHeaders(answer.headers, answer.raw_headers),
        body=body,
        truncated=cut,
        http_reason=answer.reason,
        sent_at=sent_at,
        elapsed=now - sent_at,
    )


def _head_is_enough(status: int, headers: CameHeaders, body: Wanted) -> bool:
    """Tell whether an answer is one whatever its body does: a redirect, and no page for who wants only pages."""
    return (300 <= status < 400 and "location" in headers) or (body != "whole" and not 200 <= status < 300)


def _codings(headers: CameHeaders) -> str:
    """Return the codings that are around a body; those of its transfer (RFC 9112, 6.1) were put on last."""
    around = headers.get("content-encoding", "")
    transfer = headers.get("transfer-encoding", "chunked")
    return around if transfer == "chunked" else f"{around}, {transfer}"
