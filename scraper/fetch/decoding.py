"""Content codings, taken off piece by piece: gzip, both kinds of deflate, and br and zstd where a library is there.

Whatever is fed in, what comes out comes in steps of bounded size, so the caller can stop a bomb before it goes off. A
label is believed only as far as the first byte allows: gzip and zstd announce themselves, and servers mislabel them.

No request, no connection and no error of this package may enter: bytes in, bytes out, or one of `CODING_ERRORS`.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

zstd: Any
try:
    import brotli
except ImportError:  # the extra `speed` is not installed
    brotli = None  # type: ignore[assignment,unused-ignore]

try:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
except ImportError:
    zstd = None

__all__ = [
    "ACCEPT_ENCODING",
    "CODING_ERRORS",
    "NOT_DECODABLE",
    "Decoder",
    "TooMuchError",
    "UnknownCodingError",
    "codings_of",
]

STEP = 128 * 1024  # bytes that one step gives out at most
MEMBER_SLICE = 4096  # bytes fed at a time after a first gzip member: what a further one leaves over is copied
ZSTD_WINDOW_LOG = 23  # RFC 9659: 8 MiB, what a decoder of the web must bear and need not exceed
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to say: with gzip header and trailer
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZLIB_METHOD = 8  # RFC 1950: the low half of the first byte of a zlib header
_TEXT_STARTS = b"<{[ \t\r\n\xef"  # how a page that was never compressed begins; \xef: a byte order mark


class TooMuchError(Exception):
    """The decoded bytes have passed their limit."""


class UnknownCodingError(Exception):
    """The bytes are not in the coding of their label, nor in any other that is known."""


class _Stream(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def truncated(self, output: bytes) -> bool: ...


class Decoder:
    """One content coding of a body, at most `limit` bytes of output.

    >>> decoder = Decoder("deflate", 100)
    >>> b"".join(decoder.feed(zlib.compress(b"page")))
    b'page'
    """

    def __init__(self, coding: str, limit: int) -> None:
        self._coding = coding
        self._left = limit
        self._stream: _Stream | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give out what `data` decodes to, in steps. Raises TooMuchError or one of CODING_ERRORS."""
        if self._stream is None:
            self._stream = _STREAMS[_coding_by_bytes(self._coding, data[0])]()
        for out in self._stream.feed(data):
            self._left -= len(out)
            if self._left < 0:
                raise TooMuchError
            yield out

    def truncated(self, output: bytes = b"") -> bool:
        """Tell whether input came and its end did not; `output`: all that came out, where the caller has it.

        A stream that lacks nothing but its checksum is complete; many servers forget it, and browsers do not ask.
        """
        return self._stream is not None and self._stream.truncated(output)


def codings_of(header: str) -> list[str]:
    """Return the codings of a Content-Encoding in the order of decoding (RFC 9110, 8.4: the last one comes off first).

    Words that are no coding at all (utf-8, none, identity) are left out, as browsers do.
    """
    words = [_ALIASES.get(word, word) for word in (token.strip().lower() for token in header.split(","))]
    return [word for word in reversed(words) if word in _STREAMS or word in NOT_DECODABLE]


def _coding_by_bytes(label: str, first: int) -> str:
    """Return the coding that a body labelled `label` is in, as its first byte tells."""
    if label == "br":
        return label  # a brotli stream may begin with any byte
    if first == _GZIP_MAGIC[0]:
        return "gzip"  # no zlib header and no deflate block begins so
    if first in _ZSTD_STARTS and (label == "zstd" or (label == "gzip" and "zstd" in _STREAMS)):
        return "zstd"
    if first & 0x0F == _ZLIB_METHOD:
        return "zlib"
    if label == "deflate":
        return "raw"  # without its zlib header, as IIS sends it
    if first in _TEXT_STARTS:
        return "plain"
    raise UnknownCodingError


class _Plain:
    """A body that its label calls encoded and that is not."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def truncated(self, output: bytes) -> bool:
        return False


class _Inflate:
    """A gzip, zlib or raw deflate stream; gzip may have any number of members (RFC 1952, 2.2)."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._stream = zlib.decompressobj(window)
        self._first = True  # of the members
        self._size = 0  # bytes that this member gave out
        self._over = False  # the stream is complete; what follows is padding, which browsers ignore too
        self._held = b""  # the first byte after a member, too little to tell a further one from padding

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._held:
            data, self._held = self._held + data, b""
        at = 0
        while at < len(data) and not self._over:
            if self._stream.eof:
                at = self._next_member(data, at)
                continue
            piece = data[at:] if self._first else data[at : at + MEMBER_SLICE]
            at += len(piece)
            yield from self._inflate(piece)
            at -= len(self._stream.unused_data)

    def _inflate(self, piece: bytes) -> Iterator[bytes]:
        full = True
        while piece or full:  # after a full step there may be output although all input is taken
            out = self._stream.decompress(piece, STEP)
            piece, full = self._stream.unconsumed_tail, len(out) == STEP
            if out:
                self._size += len(out)
                yield out

    def _next_member(self, data: bytes, at: int) -> int:
        """Begin a further member at `at` of `data`, if one does; return where to go on."""
        rest = data[at : at + len(_GZIP_MAGIC)]
        if self._window != _GZIP_WINDOW or not _GZIP_MAGIC.startswith(rest):
            self._over = True
        elif len(rest) < len(_GZIP_MAGIC):
            self._held = rest
            return len(data)
        else:
            self._stream = zlib.decompressobj(_GZIP_WINDOW)
            self._first, self._size = False, 0
        return at

    def truncated(self, output: bytes) -> bool:
        return not self._stream.eof and not self._lacks_only_its_checksum(output[len(output) - self._size :])

    def _lacks_only_its_checksum(self, member: bytes) -> bool:
        """Try how the stream takes its own checksum, from each byte of it that may be the first missing one."""
        if self._window < 0:
            return False  # raw deflate has none
        if self._window == _GZIP_WINDOW:
            end = zlib.crc32(member).to_bytes(4, "little") + (len(member) & 0xFFFFFFFF).to_bytes(4, "little")
        else:
            end = zlib.adler32(member).to_bytes(4, "big")
        for missing in range(len(end)):
            probe = self._stream.copy()
            try:
                probe.decompress(end[missing:])
            except zlib.error:
                continue
            if probe.eof:
                return True
        return False


class _Brotli:
    """A brotli stream (RFC 7932)."""

    def __init__(self) -> None:
        self._stream: Any = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream.is_finished():
            raise UnknownCodingError  # the library refuses what follows a stream, and so it is when it comes in pieces
        while not self._stream.is_finished():
            out = self._stream.process(data, output_buffer_limit=STEP)
            data = b""
            if out:
                yield out
            if len(out) < STEP and self._stream.can_accept_more_data():  # what it has taken in may be more than it gave
                break

    def truncated(self, output: bytes) -> bool:
        return not self._stream.is_finished()


class _Zstd:
    """One zstd frame after another (RFC 8878, 3)."""

    def __init__(self) -> None:
        self._options = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
        self._stream: Any = zstd.ZstdDecompressor(options=self._options)
        self._over = False  # the last frame is complete; what follows is padding, in every further piece too

    def feed(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data) and not self._over:
            if self._stream.eof:
                if data[at] not in _ZSTD_STARTS:
                    self._over = True
                    return
                self._stream = zstd.ZstdDecompressor(options=self._options)
            piece = data[at : at + MEMBER_SLICE]
            at += len(piece)
            yield from self._decompress(piece)
            if self._stream.eof:
                at -= len(self._stream.unused_data)

    def _decompress(self, piece: bytes) -> Iterator[bytes]:
        while True:
            out = self._stream.decompress(piece, STEP)
            piece = b""
            if out:
                yield out
            if self._stream.eof or self._stream.needs_input:
                return

    def truncated(self, output: bytes) -> bool:
        return not self._stream.eof


_STREAMS: dict[str, Callable[[], _Stream]] = {
    "gzip": lambda: _Inflate(_GZIP_WINDOW),
    "deflate": lambda: _Inflate(zlib.MAX_WBITS),
    "zlib": lambda: _Inflate(zlib.MAX_WBITS),
    "raw": lambda: _Inflate(-zlib.MAX_WBITS),
    "plain": _Plain,
}
CODING_ERRORS: tuple[type[Exception], ...] = (zlib.error, UnknownCodingError)
_ZSTD_STARTS = (_ZSTD_MAGIC[0], *range(0x50, 0x60))  # a frame, or one to be skipped (RFC 8878, 3.1.2)
if brotli is not None and hasattr(brotli.Decompressor, "can_accept_more_data"):  # older ones cannot bound their output
    _STREAMS["br"] = _Brotli
    CODING_ERRORS = (*CODING_ERRORS, brotli.error)
if zstd is not None:
    _STREAMS["zstd"] = _Zstd
    CODING_ERRORS = (*CODING_ERRORS, zstd.ZstdError)

_ALIASES = {"x-gzip": "gzip", "plain": "identity", "zlib": "deflate", "raw": "identity"}
NOT_DECODABLE = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"}) - _STREAMS.keys()
ACCEPT_ENCODING = ", ".join(coding for coding in ("gzip", "deflate", "br", "zstd") if coding in _STREAMS)
