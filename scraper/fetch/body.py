"""A response's body, read piece by piece: decoded from its content encodings and never larger than allowed.

The limit is on decoded bytes and holds inside the decoder, so a small body that unpacks to gigabytes costs no more
memory than the limit. A body that ends before its encoding does is an error: half a page must not look like a page.

Character encodings are not decided here, and nothing here knows the HTTP library: it gets a function that yields bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable

from scraper.errors import BodyTooLarge, ChunkedEncodingError, ContentDecodingError
from scraper.fetch.failures import failure
from scraper.request import Request

__all__ = ["ACCEPT_ENCODING", "read_body"]

ACCEPT_ENCODING = "gzip, deflate"

MAX_CODINGS = 3  # one is usual, two are a mistake, more are an attack
MAX_MEMBERS = 1000  # gzip members in a body (RFC 1952 allows any number); each one costs a copy of the piece it is in
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to say: with gzip header and trailer
_ZLIB_METHOD = 8  # RFC 1950: the low half of the first byte of a zlib header
_GZIP_MAGIC = b"\x1f\x8b"
_FOREIGN = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_WINDOWS = {"gzip": _GZIP_WINDOW, "x-gzip": _GZIP_WINDOW, "deflate": zlib.MAX_WBITS}


class _TooMuchError(Exception):
    """The decoded body has passed its limit."""


class _Inflate:
    """One gzip or deflate stream, at most `limit` bytes of output."""

    def __init__(self, window: int, limit: int) -> None:
        self._window = window
        self._left = limit
        self._stream = zlib.decompressobj(window)
        self._members = 0
        self._over = False  # the stream is complete; what follows is padding, which browsers ignore too
        self._tail = b""  # the first bytes after a member, too few to tell a further member from padding

    @property
    def truncated(self) -> bool:
        """Tell whether input came and its end did not."""
        return self._members > 0 and not self._stream.eof

    def feed(self, data: bytes) -> bytes:
        parts: list[bytes] = []
        while data and not self._over:
            if self._members == 0:
                self._begin(data[0])
            elif self._stream.eof:
                data = self._next_member(data)
                continue
            parts.append(self._inflate(data))
            data = self._stream.unused_data
        return b"".join(parts)

    def _begin(self, first: int) -> None:
        self._members = 1
        if self._window == zlib.MAX_WBITS and first & 0x0F != _ZLIB_METHOD:
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)  # "deflate" without its zlib header, as IIS sends it

    def _inflate(self, data: bytes) -> bytes:
        out = self._stream.decompress(data, self._left + 1)
        self._left -= len(out)
        if self._left < 0:
            raise _TooMuchError
        return out

    def _next_member(self, data: bytes) -> bytes:
        data, self._tail = self._tail + data, b""
        if self._window != _GZIP_WINDOW or not data.startswith(_GZIP_MAGIC[: len(data)]):
            self._over = True
        elif len(data) < len(_GZIP_MAGIC):
            self._tail, data = data, b""
        else:
            self._members += 1
            if self._members > MAX_MEMBERS:
                raise zlib.error(f"more than {MAX_MEMBERS:,} gzip members")
            self._stream = zlib.decompressobj(_GZIP_WINDOW)
        return data


class _Plain:
    """No content encoding: only the limit."""

    truncated = False

    def __init__(self, limit: int) -> None:
        self._left = limit

    def feed(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuchError
        return data


async def read_body(more: Callable[[], Awaitable[bytes]], *, request: Request, encoding: str, limit: int) -> bytes:
    """Call `more` until it returns nothing; return the whole body without its content `encoding`.

    Raises BodyTooLarge above `limit` decoded bytes, ContentDecodingError, or ChunkedEncodingError for a stream that
    ends too early.
    """
    decoders = _decoders(encoding, limit, request)
    parts: list[bytes] = []
    try:
        while data := await more():
            for decoder in decoders:
                data = decoder.feed(data)
            parts.append(data)
    except _TooMuchError:
        raise failure(BodyTooLarge, request, f"the body is larger than the {limit:,} bytes allowed") from None
    except zlib.error as error:
        raise failure(ContentDecodingError, request, f"the body is not valid {encoding}: {error}") from error
    if any(decoder.truncated for decoder in decoders):
        raise failure(ChunkedEncodingError, request, f"the body ended before its {encoding} stream was complete")
    return b"".join(parts)


def _decoders(encoding: str, limit: int, request: Request) -> list[_Inflate | _Plain]:
    """Return the decoders in the order of use: the last coding that the server applied comes first (RFC 9110, 8.4)."""
    if not encoding:
        return [_Plain(limit)]
    codings = [token.strip().lower() for token in encoding.split(",")]
    if foreign := _FOREIGN.intersection(codings):
        raise failure(ContentDecodingError, request, f"the body is in {min(foreign)}, which was not asked for")
    windows = [_WINDOWS[coding] for coding in reversed(codings) if coding in _WINDOWS]
    if len(windows) > MAX_CODINGS:
        raise failure(ContentDecodingError, request, f"the body is encoded {len(windows)} times over")
    # Any other word (utf-8, none, identity) is no coding at all; browsers pass such bodies through, and so does this.
    return [_Inflate(window, limit) for window in windows] or [_Plain(limit)]
