"""Bodies: content codings taken off piece by piece, under a limit.

The first line of an input is the Content-Encoding, the second the sizes of the pieces in which the rest comes. What
Python's own decoders make of a body is the second opinion.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import printable
from fuzz.target import Target
from scraper.errors import BodyTooLarge, ContentDecodingError, RequestException
from scraper.fetch.body import BodyReader
from scraper.fetch.decoding import ACCEPT_ENCODING
from scraper.request import Request

try:
    import brotli
except ImportError:  # the extra `speed` is not installed
    brotli = None

__all__ = ["BodyTarget"]

LIMIT = 1_000_000  # decoded bytes
REQUEST = Request("http://site.test/")
BROTLI_ERRORS = () if brotli is None else (brotli.error,)


class BodyTarget(Target):
    """A body is decoded, however it is cut, or it is one error; and never above its limit."""

    name: ClassVar[str] = "body"
    rooms: ClassVar[str] = "fetch.body, fetch.decoding"
    largest: ClassVar[int] = 64 * 1024
    base_seconds: ClassVar[float] = 0.25
    kilobyte_seconds: ClassVar[float] = 0.01
    tokens: ClassVar[tuple[bytes, ...]] = (
        b"gzip", b"deflate", b"br", b"zstd", b"identity", b"x-gzip", b"compress", b", ", b"\x1f\x8b\x08\0",
        b"\x28\xb5\x2f\xfd", b"\x78\x9c",
        b"\x50\x2a\x4d\x18", gzip.compress(b"", mtime=0), gzip.compress(b"page", mtime=0), zlib.compress(b"page"),
        b"\n1\n", b"\n3 1\n", b"\0" * 8,
        b"\x1f", b"<html>", b"\xef\xbb\xbf", zlib.compress(b"\0" * 100_000, 9),
    )  # fmt: skip

    def open(self) -> None:
        """Make ready."""
        self._loop = asyncio.new_event_loop()
        self._codings = set(ACCEPT_ENCODING.split(", "))

    def close(self) -> None:
        """Release."""
        self._loop.close()

    def seeds(self) -> Iterable[bytes]:
        """Return bodies of every coding, bombs too."""
        page = b"<p>page</p>" * 50
        bomb = b"\0" * 3_000_000
        for number, (coding, data) in enumerate((
            ("gzip", gzip.compress(page)), ("deflate", zlib.compress(page)), ("deflate", zlib.compress(page)[2:-4]),
            ("br", _brotli(page)),
            ("gzip, gzip", gzip.compress(gzip.compress(page))), ("deflate, gzip", gzip.compress(zlib.compress(page))),
            ("gzip", page), ("", page),
            ("gzip", gzip.compress(bomb)), ("br", _brotli(bomb)), ("gzip", gzip.compress(page) * 20),
            ("gzip", gzip.compress(b"") * 3000),
            ("gzip", gzip.compress(page)[:-6]), ("gzip", gzip.compress(page)[:40]),
            ("zstd", b"\x28\xb5\x2f\xfd\x20\x04\x21\0\0page"),
        )):  # fmt: skip
            yield f"{coding}\n{number % 4 or ''}\n".encode() + data

    def strategy(self) -> SearchStrategy[bytes]:
        """Return bodies compressed once, twice or under a wrong name, some of them cut or patched."""
        plain = st.one_of(
            st.binary(max_size=300),
            st.builds(lambda piece, times: piece * times, st.binary(min_size=1, max_size=4), st.integers(0, 20_000)),
        )
        packed = st.one_of(
            plain.map(lambda data: ("gzip", gzip.compress(data, mtime=0))),
            plain.map(lambda data: ("deflate", zlib.compress(data))),
            plain.map(lambda data: ("deflate", zlib.compress(data)[2:-4])),
            plain.map(lambda data: ("br", _brotli(data))),
            plain.map(lambda data: ("gzip, deflate", zlib.compress(gzip.compress(data, mtime=0)))),
            plain.map(lambda data: ("gzip", data)),
            st.lists(plain,
            max_size=4).map(lambda parts: ("gzip", b"".join(gzip.compress(part, mtime=0) for part in parts))),
        )  # fmt: skip
        sizes = st.lists(st.integers(1, 5000), max_size=4).map(lambda found: " ".join(map(str, found)))
        other = st.sampled_from(["", "", "", "", "gzip", "br", "zstd", "deflate, gzip, br", "identity", "none"])
        return st.builds(
            lambda packed, other, sizes, end,
            cut: f"{other or packed[0]}\n{sizes}\n".encode() + packed[1][: len(packed[1]) - cut] + end,
            packed, other, sizes, st.one_of(st.just(b""), st.just(b""), st.binary(max_size=8)),
            st.sampled_from([0, 0, 0, 1, 4, 8, 9, 30]),
        )  # fmt: skip

    def check(self, data: bytes) -> None:
        """Decode it in one piece and in several."""
        encoding, _, rest = data.partition(b"\n")
        sizes, _, body = rest.partition(b"\n")
        name = encoding.decode("latin-1")
        whole = self._read(name, [body] if body else [])
        cut = self._read(
            name, _pieces(body, [int(size) for size in sizes[:100].split() if size.isdigit() and len(size) < 6])
        )
        if not isinstance(whole, BodyTooLarge) and not isinstance(cut, BodyTooLarge):
            assert type(whole) is type(cut), "how a body is cut does not change what it is"
            assert isinstance(whole, Exception) or whole == cut, "how a body is cut does not change its bytes"
        for answer in (whole, cut):
            if isinstance(answer, RequestException):
                printable(str(answer).replace(name, ""))
            else:
                assert len(answer) <= LIMIT, "a body never passes its limit"
        plain = _python(name, body)
        # Python's module is laxer: it ignores the reserved flags and the checksum of a header (RFC 1952, 2.3.1), and
        # goes on behind padding, which ends a body here.
        strict = isinstance(whole, ContentDecodingError) and "header" in str(whole)
        strict = strict or b"\0\x1f\x8b" in body
        if plain is not None and name in self._codings and not strict:
            fits = isinstance(whole, BodyTooLarge) if len(plain) > LIMIT else whole == plain
            assert fits, "a right body is what Python reads"

    def _read(self, encoding: str, pieces: list[bytes]) -> bytes | RequestException:
        waiting = [*pieces, b""]

        async def more() -> bytes:
            return waiting.pop(0)

        try:
            reader = BodyReader(REQUEST, encoding=encoding, limit=LIMIT)
            return self._loop.run_until_complete(reader.read(more))
        except RequestException as error:
            return error


def _brotli(data: bytes) -> bytes:
    """Return `data` in brotli; where there is no library for that, as it is."""
    return data if brotli is None else bytes(brotli.compress(data, quality=3))


def _pieces(body: bytes, sizes: list[int]) -> list[bytes]:
    """Cut `body`, the last size again and again; no piece is empty, since that is the end."""
    found, at = list[bytes](), 0
    sizes = [size for size in sizes if size] or [max(1, len(body) // 2)]
    while at < len(body):
        size = sizes[min(len(found), len(sizes) - 1)]
        if len(found) > 2000:
            size = len(body)
        found.append(body[at : at + size])
        at += size
    return found


def _python(encoding: str, body: bytes) -> bytes | None:
    """Return what Python's own decoder reads; None when it refuses, or when the stream is not in the label's coding."""
    try:
        match encoding:
            case "gzip" if body.startswith(b"\x1f\x8b"):
                return gzip.decompress(body)
            case "deflate" if body and body[0] & 15 == 8 and body[0] != 0x1F:
                stream = zlib.decompressobj()
                plain = stream.decompress(body, LIMIT + 1)
                return plain if stream.eof and not stream.unused_data else None
            case "br" if body and brotli is not None:
                return bytes(brotli.decompress(body)) if len(body) < 2000 else None
    except (OSError, EOFError, zlib.error, MemoryError, *BROTLI_ERRORS):
        return None
    return None
