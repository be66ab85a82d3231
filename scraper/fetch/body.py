"""A response's body, read piece by piece: decoded from its content codings and never larger than allowed.

The limit is on decoded bytes and holds inside the decoders, so a small body that unpacks to gigabytes costs no more
memory than the limit; it holds for the bytes on the wire as well. A body that ends before its coding does is an error:
half a page must not look like a page.

Character encodings are not decided here, and nothing here knows the HTTP library: it gets a function that yields bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

from scraper.errors import BodyTooLarge, ChunkedEncodingError, ContentDecodingError
from scraper.fetch.decoding import CODING_ERRORS, NOT_DECODABLE, Decoder, TooMuchError, UnknownCodingError, codings_of
from scraper.fetch.failures import failure
from scraper.request import Request

__all__ = ["SMALL_BODY", "BodyReader"]

MAX_CODINGS = 3  # one is usual, two are a mistake, more are an attack
SMALL_BODY = 256 * 1024  # bytes; nine pages of ten are smaller
WIRE_EXTRA = 64 * 1024  # bytes that a coding may add to what it cannot make smaller
_EXTRA = "pip install 'scraper[speed]'"


class BodyReader:
    """Read one body; `parts` is what came so far, decoded.

    `limit`: bytes. `grow` is awaited when the body has come to more than SMALL_BODY; it returns how many bytes
    beyond that it may have until it is to be asked again.
    """

    def __init__(
        self, request: Request, *, encoding: str, limit: int, grow: Callable[[], Awaitable[int]] | None = None
    ) -> None:
        self._request = request
        self._codings = codings_of(encoding) if encoding else []  # known words only: errors quote them
        self._limit = limit
        self._grow = grow
        self._decoders = self._chain() if self._codings else []
        self.parts: list[bytes] = []

    async def read(self, more: Callable[[], Awaitable[bytes]]) -> bytes:
        """Call `more` until it returns nothing; return the whole body without its content codings.

        Raises BodyTooLarge above the limit, ContentDecodingError, or ChunkedEncodingError for a stream that ends too
        early.
        """
        request, encoding = self._request, ", ".join(reversed(self._codings))
        try:
            await self._read(more)
        except TooMuchError:
            raise failure(BodyTooLarge, request, f"the body is larger than the {self._limit:,} bytes allowed") from None
        except UnknownCodingError:
            raise failure(ContentDecodingError, request, f"the body is not valid {encoding}") from None
        except CODING_ERRORS as error:
            raise failure(ContentDecodingError, request, f"the body is not valid {encoding}: {error}") from error
        body = b"".join(self.parts)
        outputs = [b""] * (len(self._decoders) - 1) + [body]
        if any(decoder.truncated(output) for decoder, output in zip(self._decoders, outputs, strict=False)):
            raise failure(ChunkedEncodingError, request, f"the body ended before its {encoding} stream was complete")
        return body

    async def _read(self, more: Callable[[], Awaitable[bytes]]) -> None:
        size = wire = 0
        granted = SMALL_BODY
        while data := await more():
            wire += len(data)
            if wire > self._limit + (WIRE_EXTRA if self._decoders else 0):
                raise TooMuchError
            for part in _decoded(data, self._decoders):
                self.parts.append(part)
                size += len(part)
                while size > granted and self._grow is not None:
                    granted = SMALL_BODY + await self._grow()

    def _chain(self) -> list[Decoder]:
        """Return the decoders in the order of use; refuse what they cannot be."""
        codings = self._codings
        if foreign := NOT_DECODABLE.intersection(codings):
            what = f"the body is in {min(foreign)}, which was not asked for"
            if foreign & {"br", "zstd"}:
                what += f"; to read it: {_EXTRA}"
            raise failure(ContentDecodingError, self._request, what)
        if len(codings) > MAX_CODINGS:
            what = f"the body is encoded {len(codings)} times over"
            raise failure(ContentDecodingError, self._request, what)
        return [Decoder(coding, self._limit) for coding in codings]


def _decoded(data: bytes, decoders: Sequence[Decoder]) -> Iterator[bytes]:
    """Give out what `data` is behind all `decoders`."""
    if not decoders:
        yield data
        return
    for part in decoders[0].feed(data):
        yield from _decoded(part, decoders[1:])
