"""The body reader on plain values: pieces in, a decoded body or one error out."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import BodyTooLarge, ChunkedEncodingError, ContentDecodingError
from scraper.fetch.body import BodyReader
from scraper.request import Request

REQUEST = Request("http://shop.test/a")
TEXT = b"Two pages of text, and no more than that. " * 50


def raw_deflate(data):
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


ENCODERS = {
    "": bytes,
    "identity": bytes,
    "UTF-8": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
    "deflate, gzip": lambda data: gzip.compress(zlib.compress(data)),
}


async def read(pieces, encoding="", limit=1_000_000):
    """Run `read_body` over `pieces`; tell how many of them it took."""
    left = iter([piece for piece in pieces if piece])

    async def more():
        return next(left, b"")

    return await BodyReader(REQUEST, encoding=encoding, limit=limit).read(more)


def split(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(st.binary(max_size=2000), st.integers(1, 300), st.sampled_from(sorted(ENCODERS)))
async def test_a_body_comes_back_however_it_was_encoded_and_cut(body, size, encoding):
    """Any body, in any encoding that is understood, in pieces of any size, is the body that was sent."""
    assert await read(split(ENCODERS[encoding](body), size), encoding) == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "Deflate", "deflate, gzip"])
async def test_an_encoded_body_that_breaks_off_is_an_error(encoding):
    """Wherever a compressed stream is cut before its checksum, half a page is no page."""
    whole = ENCODERS[encoding](TEXT)
    for end in range(1, len(whole) - 8, 7):
        with pytest.raises(ChunkedEncodingError, match="ended before"):
            await read([whole[:end]], encoding)


async def test_an_empty_body_is_empty_in_any_encoding():
    """A server may label nothing as gzip."""
    assert await read([], "gzip") == b""


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_gzip_members_are_one_body_and_padding_is_ignored(size):
    """RFC 1952 allows several members; what is no member is padding, even where a piece ends within its magic."""
    several = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two")
    for padding in (b"", b"\0" * 20, b"junk", b"\x1f", b"\x1fno"):
        assert await read(split(several + padding, size), "gzip") == b"one two"


async def test_what_follows_a_deflate_stream_is_ignored():
    """Deflate has no members."""
    assert await read([zlib.compress(TEXT) + zlib.compress(TEXT)], "deflate") == TEXT


async def test_endless_gzip_members_end_at_the_limit():
    """Members that hold nothing cost bytes on the wire, and those have the limit too."""
    with pytest.raises(BodyTooLarge):
        await read([gzip.compress(b"") * 10_000] * 10, "gzip", limit=1000)


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "br", "zstd", "gzip, br", "gzip, gzip, gzip, gzip", "compress"]
)
async def test_what_cannot_be_decoded_is_an_error(encoding):
    """Garbage, foreign encodings and too many of them name the encoding and the URL."""
    with pytest.raises(ContentDecodingError, match=r"^GET http://shop\.test/a: the body is"):
        await read([b"this is plain text"], encoding)


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
async def test_the_limit_is_exact_and_on_decoded_bytes(encoding):
    """A body of exactly the limit passes, one byte more does not."""
    pieces = split(ENCODERS[encoding](TEXT), 100)
    assert await read(pieces, encoding, limit=len(TEXT)) == TEXT
    with pytest.raises(BodyTooLarge, match=f"larger than the {len(TEXT) - 1:,} bytes allowed"):
        await read(pieces, encoding, limit=len(TEXT) - 1)


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
async def test_a_bomb_costs_no_more_memory_than_the_limit(encoding):
    """16 MB of zeros in 16 kB stop at the limit of 1 MB, inside the decoder."""
    bomb = gzip.compress(bytes(16 << 20))
    if encoding != "gzip":
        bomb = gzip.compress(bomb)
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        await read([bomb], encoding, limit=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


async def test_a_limited_body_is_not_read_on():
    """Nothing is asked of the connection after the limit."""
    asked = []

    async def more():
        asked.append(1)
        return b"x" * 100

    with pytest.raises(BodyTooLarge):
        await BodyReader(REQUEST, encoding="", limit=450).read(more)
    assert len(asked) == 5


async def test_a_body_in_one_piece_is_that_piece():
    """The usual small page is handed on without a copy."""
    page = bytes(5000)
    assert await read([page]) is page
