"""Bodies: content codings of every make, mislabelled, layered, cut and blown up; the limit holds for all of them."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
import zlib

import pytest
from case import case, row, table
from http_fetching import client, fail, fail_at, get
from servers import OK, Server, answer, floods, sends

from scraper.errors import BodyTooLarge, ChunkedEncodingError, ContentDecodingError
from scraper.fetch.body import SMALL_BODY
from scraper.fetch.decoding import ACCEPT_ENCODING
from scraper.request import Request

PAGE = b"<html><title>One page</title>" + b"<p>with some text in it</p>" * 200
try:
    import brotli
except ImportError:
    brotli = None
try:
    from backports import zstd
except ImportError:
    zstd = None


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def full_gzip(data: bytes) -> bytes:
    """Return a gzip stream with every optional part of its header: extra, name, comment, checksum."""
    plain = gzip.compress(data, mtime=0)
    flags = 0x02 | 0x04 | 0x08 | 0x10
    head = plain[:3] + bytes([flags]) + plain[4:10] + b"\x04\x00AP\x00\x00" + b"page.html\0" + b"a comment\0"
    return head + (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") + plain[10:]


def make(coding: str, data: bytes) -> bytes:
    """Encode `data`; skip the test where the coding's library is missing."""
    if (coding == "br" and brotli is None) or (coding == "zstd" and zstd is None):
        pytest.skip(f"the library for {coding} is not installed")
    return {
        "": bytes, "gzip": gzip.compress, "full": full_gzip, "zlib": zlib.compress, "raw": raw_deflate,
        "br": lambda data: brotli.compress(data), "zstd": lambda data: zstd.compress(data),
    }[coding](data)  # fmt: skip


def encoded(label: str, body: bytes) -> bytes:
    return answer(body, f"Content-Encoding: {label}", "Content-Type: text/html")


@table(
    "http", ("label", "coding"),
    [
        row("coding-gzip", "gzip", "gzip", behaviour="gzip"),
        row("coding-x-gzip", "x-gzip", "gzip", behaviour="gzip by its old name x-gzip"),
        row("coding-gzip-in-capitals", "GZip", "gzip", behaviour="gzip, the label in capitals"),
        row("coding-gzip-full-header", "gzip", "full",
            behaviour="gzip with extra field, name, comment, header checksum"),
        row("coding-deflate-zlib", "deflate", "zlib", behaviour="deflate with its zlib header"),
        row("coding-deflate-raw", "deflate", "raw", behaviour="deflate without the zlib header, as IIS sends it"),
        row("coding-br", "br", "br", behaviour="br"),
        row("coding-zstd", "zstd", "zstd", behaviour="zstd"),
        row("coding-identity", "identity", "", behaviour="the word identity, which is no coding"),
        row("coding-none", "none", "", behaviour="the word none"),
        row("coding-charset-as-coding", "utf-8", "", behaviour="a charset where the coding belongs"),
        row("coding-empty", "", "", behaviour="an empty Content-Encoding"),
    ],
    behaviour="A body's content coding is", expectation="The page is the one that was sent.",
    source="RFC 9110 8.4; RFC 1950, 1951, 1952, 7932, 8878",
)  # fmt: skip
async def test_a_body_in_any_coding_is_the_page(label, coding):
    assert (await get(sends(encoded(label, make(coding, PAGE))))).body == PAGE


@table(
    "http", ("label", "codings"),
    [
        row("label-gzip-body-zlib", "gzip", ("zlib",), behaviour="gzip, the body zlib"),
        row("label-deflate-body-gzip", "deflate", ("gzip",), behaviour="deflate, the body gzip"),
        row("label-gzip-body-plain", "gzip", ("",), behaviour="gzip, the body plain HTML"),
        row("label-gzip-twice-body-once", "gzip, gzip", ("gzip",), behaviour="gzip twice, the body gzip once"),
        row("label-gzip-deflate-body-gzip", "gzip, deflate", ("gzip",),
            behaviour="what the request accepted, echoed; the body gzip"),
        row("layered-gzip-gzip", "gzip, gzip", ("gzip", "gzip"), behaviour="gzip twice, and so is the body"),
        row("layered-deflate-gzip", "deflate, gzip", ("zlib", "gzip"), behaviour="deflate inside gzip, and so it is"),
        row("layered-three", "gzip, deflate, gzip", ("gzip", "raw", "gzip"), behaviour="three layers, and so it is"),
    ],
    behaviour="A body's label says", expectation="The bytes decide where they can; the page is read.",
    source="RFC 9110 8.4; WHATWG Fetch 'handle content codings'; own measurement",
)  # fmt: skip
async def test_mislabelled_and_layered_bodies_are_read(label, codings):
    body = PAGE
    for coding in codings:
        body = make(coding, body)
    assert (await get(sends(encoded(label, body)))).body == PAGE


@table(
    "http", ("label", "body"),
    [
        row("garbage-as-gzip", "gzip", b"\x00\x01garbage" * 50, behaviour="garbage, labelled gzip"),
        row("garbage-as-deflate", "deflate", b"\xff\x01garbage" * 50, behaviour="garbage, labelled deflate"),
        row("garbage-as-br", "br", b"\xff\xff\xffgarbage" * 50, behaviour="garbage, labelled br"),
        row("garbage-as-zstd", "zstd", b"\x00\x01garbage" * 50, behaviour="garbage, labelled zstd"),
        row("gzip-wrong-checksum", "gzip", gzip.compress(PAGE)[:-8] + bytes(8), behaviour="gzip with a wrong checksum"),
        row("coding-compress", "compress", b"\x1f\x9d\x90abc", behaviour="compress, which nobody asked for"),
        row("coding-dcb", "dcb", b"\xff\x44\x43\x42" * 20, behaviour="a dictionary coding, which nobody asked for"),
        row("coding-four-layers", "gzip, gzip, gzip, gzip", b"x", behaviour="four layers of gzip"),
    ],
    behaviour="The body is", expectation="content_encoding: the failure names the coding; nothing is taken for a page.",
    source="RFC 9110 8.4.1; own limit of three layers",
)  # fmt: skip
async def test_a_body_that_cannot_be_decoded_is_named(label, body):
    error = await fail(sends(encoded(label, body)))
    assert type(error) is ContentDecodingError
    assert label.split(",")[0] in str(error) or "4 times" in str(error)


@case(
    "http", "accept-encoding-is-what-can-be-decoded",
    behaviour="A server sends whatever coding it was offered.",
    expectation="gzip and deflate are offered, br and zstd exactly when their libraries are there.",
    source="RFC 9110 12.5.3",
)  # fmt: skip
async def test_only_what_can_be_decoded_is_asked_for():
    async with Server(sends(answer())) as server, client() as it:
        await it.fetch(Request(server.base))
    offered = server.log[0].headers["accept-encoding"]
    assert offered == ACCEPT_ENCODING
    assert ("br" in offered, "zstd" in offered) == (brotli is not None, zstd is not None)


@table(
    "http", ("label", "codings"),
    [
        row("bomb-gzip", "gzip", ("gzip",), behaviour="gzip"),
        row("bomb-deflate", "deflate", ("zlib",), behaviour="deflate"),
        row("bomb-deflate-raw", "deflate", ("raw",), behaviour="raw deflate"),
        row("bomb-br", "br", ("br",), behaviour="br"),
        row("bomb-zstd", "zstd", ("zstd",), behaviour="zstd"),
        row("bomb-gzip-in-gzip", "gzip, gzip", ("gzip", "gzip"), behaviour="gzip in gzip"),
        row("bomb-gzip-members", "gzip", ("members",), behaviour="many gzip members"),
    ],
    behaviour="A bomb of 32 MiB zeros, packed with", expectation="too_large at the limit; memory stays near the limit.",
    source="CWE-409; own measurement",
)  # fmt: skip
async def test_a_bomb_stops_at_the_limit(label, codings):
    body = bytes(32 << 20)
    for coding in codings:
        body = gzip.compress(bytes(64 << 10)) * 512 if coding == "members" else make(coding, body)
    async with Server(sends(encoded(label, body), then="hold")) as server:
        tracemalloc.start()
        error = await fail_at(server.base, max_body=1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert type(error) is BodyTooLarge
    assert peak < 8 << 20


@case(
    "http", "zstd-window-bomb",
    behaviour="A zstd frame asks for a window of 128 MiB.",
    expectation="content_encoding: a window above 8 MiB is refused before it is allocated.",
    source="RFC 9659 3",
)  # fmt: skip
async def test_a_zstd_window_is_bounded():
    if zstd is None:
        pytest.skip("the library for zstd is not installed")
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)
    body = packer.compress(PAGE, mode=packer.FLUSH_BLOCK) + packer.flush()
    assert type(await fail(sends(encoded("zstd", body)))) is ContentDecodingError


@table(
    "http", ("size",),
    [
        row("members-empty", 0, behaviour="empty"),
        row("members-tiny", 1, behaviour="of one byte"),
    ],
    behaviour="A gzip body has 100,000 members,", expectation="It is read in linear time.",
    source="RFC 1952 2.2; quadratic copies of `unused_data` in CPython's gzip loops",
)  # fmt: skip
async def test_a_hundred_thousand_members_take_linear_time(size):
    body = gzip.compress(b"x" * size, mtime=0) * 100_000

    async def seconds(members: int) -> float:
        began = time.process_time()
        page = await get(sends(encoded("gzip", body[: members * len(body) // 100_000])), max_body=4 << 20, timeout=60.0)
        assert page.body == b"x" * size * members
        return time.process_time() - began

    few, many = await seconds(10_000), await seconds(100_000)
    assert many < 25 * few + 0.1


@case(
    "http", "members-endless-and-empty",
    behaviour="Gzip members without content come for ever.",
    expectation="too_large: the limit holds for the bytes on the wire as well.",
    source="RFC 1952 2.2; own measurement",
)  # fmt: skip
async def test_endless_empty_members_end():
    head = OK + b"Content-Encoding: gzip\r\n\r\n"
    assert type(await fail(floods(head, gzip.compress(b"") * 1000), max_body=100_000)) is BodyTooLarge


@table(
    "http", ("label", "coding", "cut"),
    [
        row("cut-gzip-half", "gzip", "gzip", 0.5, behaviour="gzip, in its middle"),
        row("cut-gzip-header", "gzip", "gzip", 8, behaviour="gzip, within its header"),
        row("cut-gzip-before-last-block", "gzip", "gzip", -9, behaviour="gzip, one byte before the end of its data"),
        row("cut-deflate-half", "deflate", "zlib", 0.5, behaviour="deflate, in its middle"),
        row("cut-deflate-raw-half", "deflate", "raw", 0.5, behaviour="raw deflate, in its middle"),
        row("cut-br-half", "br", "br", 0.5, behaviour="br, in its middle"),
        row("cut-zstd-half", "zstd", "zstd", 0.5, behaviour="zstd, in its middle"),
    ],
    behaviour="A correct Content-Length and a coding that was cut before:",
    expectation="truncated: a failure that may pass; the partial page is marked and only on the error.",
    source="RFC 9112 8 (an incomplete message is no complete one); aiohttp takes it for a page",
)  # fmt: skip
async def test_a_coding_that_breaks_off_is_a_failure(label, coding, cut):
    whole = make(coding, PAGE * 20)
    end = int(len(whole) * cut) if isinstance(cut, float) else cut
    error = await fail(sends(encoded(label, whole[:end])))
    assert type(error) is ChunkedEncodingError
    assert (error.reason, error.response.truncated) == ("truncated", True)
    assert (PAGE * 20).startswith(error.response.body)
    assert len(error.response.body) < len(PAGE * 20)


@table(
    "http", ("label", "coding", "lacking"),
    [
        row("no-gzip-trailer", "gzip", "gzip", 8, behaviour="gzip without its trailer"),
        row("half-gzip-trailer", "gzip", "gzip", 4, behaviour="gzip without its length"),
        row("almost-gzip-trailer", "gzip", "gzip", 1, behaviour="gzip without its last byte"),
        row("no-zlib-trailer", "deflate", "zlib", 4, behaviour="deflate without its checksum"),
    ],
    behaviour="The data is complete and the checksum is missing:",
    expectation="The page is complete: browsers show it, and servers that forget the trailer forget it always.",
    source="RFC 1952 2.3.1; Chromium and Firefox skip the trailer",
)  # fmt: skip
async def test_a_missing_checksum_alone_is_no_loss(label, coding, lacking):
    for body in (b"", b"x", PAGE * 50):
        assert (await get(sends(encoded(label, make(coding, body)[:-lacking])))).body == body


@case(
    "http", "no-trailer-second-member",
    behaviour="The second of two gzip members lacks its trailer.",
    expectation="The page is complete; the first member's bytes do not count for the second's checksum.",
    source="RFC 1952 2.2, 2.3.1",
)  # fmt: skip
async def test_a_missing_checksum_of_a_later_member_is_no_loss():
    body = gzip.compress(PAGE) + gzip.compress(b"the end")[:-8]
    assert (await get(sends(encoded("gzip", body)))).body == PAGE + b"the end"


@table(
    "http", ("junk",),
    [
        row("gzip-then-zeros", bytes(512), behaviour="zeros, as tape blocks have them"),
        row("gzip-then-text", b"<!-- cached -->", behaviour="a comment of some cache"),
        row("gzip-then-half-magic", b"\x1f", behaviour="the first byte of a further member"),
    ],
    behaviour="After the end of the gzip stream come", expectation="The page is the stream; what follows is ignored.",
    source="RFC 1952 2.2; gzip(1) and browsers ignore trailing garbage",
)  # fmt: skip
async def test_what_follows_the_stream_is_ignored(junk):
    assert (await get(sends(encoded("gzip", gzip.compress(PAGE) + junk)))).body == PAGE


@case(
    "http", "body-announced-too-large",
    behaviour="Content-Length announces 2 GB.",
    expectation="too_large before a byte of it is read; the connection is closed.",
    source="own measurement",
)  # fmt: skip
async def test_an_announced_size_is_refused_at_once():
    error = await fail(sends(OK + b"Content-Length: 2000000000\r\n\r\n", then="hold"))
    assert type(error) is BodyTooLarge
    assert "2,000,000,000" in str(error)


@table(
    "http", ("head", "piece"),
    [
        row("endless-until-close", OK + b"\r\n", b"x" * 50_000, behaviour="without a length"),
        row("endless-chunked", OK + b"Transfer-Encoding: chunked\r\n\r\n", b"c350\r\n" + b"x" * 50_000 + b"\r\n",
            behaviour="in chunks"),
        row("endless-gzip", OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x")[:10],
            b"\x00\xf0\xff\x0f\x00" + b"x" * 0xFFF0, behaviour="as one gzip stream of stored blocks"),
    ],
    behaviour="A body comes for ever", expectation="too_large at the limit; the connection is closed.",
    source="own measurement; tarpits such as endless /video feeds",
)  # fmt: skip
async def test_an_endless_body_ends_at_the_limit(head, piece):
    assert type(await fail(floods(head, piece), max_body=400_000)) is BodyTooLarge


@case(
    "http", "large-bodies-take-turns",
    behaviour="12 answers of 3 MB come at once.",
    expectation="Never more than four times the largest body is in memory; all arrive, none times out.",
    source="own measurement (64 bodies of 30 MB are 2 GB)",
)  # fmt: skip
async def test_large_bodies_wait_for_each_other():
    piece = bytes(50_000)

    async def large(exchange):
        await exchange.send(OK + b"Content-Length: 3000000\r\n\r\n")
        for _ in range(60):
            await exchange.send(piece)
            await asyncio.sleep(0)
        return False

    async def size(it, url):
        return len((await it.fetch(Request(url))).body)

    async with Server(large) as server, client(connections=30, timeout=5.0, max_body=3_000_000) as it:
        tracemalloc.start()
        sizes = await asyncio.gather(*[size(it, f"{server.base}/{number}") for number in range(12)])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert sizes == [3_000_000] * 12
    assert peak < 25_000_000  # four of 3 MB, their pieces and the whole, and 12 beginnings; all at once take 40 MB


@case(
    "http", "large-body-waiting-does-not-count",
    behaviour="Large bodies hold all memory that is allowed; a further one waits longer than its timeout.",
    expectation="The wait does not count against it; it arrives.",
    source="own design: a site must not pay for another's slowness",
)  # fmt: skip
async def test_waiting_for_memory_costs_no_timeout():
    most = 4 * SMALL_BODY

    async def slowly(exchange):
        await exchange.send(OK + b"Content-Length: %d\r\n\r\n" % most + bytes(most - 70_000))
        await asyncio.sleep(0.25)
        await exchange.send(bytes(70_000))
        return False

    async with (
        Server(slowly) as slow,
        Server(sends(answer(bytes(SMALL_BODY * 2)))) as quick,
        client(max_body=most) as it,
    ):
        held = [asyncio.create_task(it.fetch(Request(f"{slow.base}/{number}"))) for number in range(6)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        page = await it.fetch(Request(quick.base), timeout=0.1)
        waited = time.monotonic() - began
        await asyncio.gather(*held)
    assert len(page.body) == SMALL_BODY * 2
    assert waited > 0.1


@case(
    "http", "large-bodies-that-drip",
    behaviour="Twenty bodies of some 300 kB stop after their first part, and other sites have large bodies too.",
    expectation="A body holds no more than it has brought: the others arrive at once.",
    source="own measurement: with turns, four such bodies held all others for as long as their deadline",
)  # fmt: skip
async def test_slow_large_bodies_hold_nobody_up():
    async def stops(exchange):
        await exchange.send(OK + b"Content-Length: 900000\r\n\r\n" + bytes(SMALL_BODY + 50_000))
        await asyncio.sleep(30)
        return False

    many = client(connections=30, max_body=2_000_000)
    async with Server(stops) as slow, Server(sends(answer(bytes(SMALL_BODY * 4)))) as quick, many as it:
        held = [asyncio.create_task(it.fetch(Request(f"{slow.base}/{number}"))) for number in range(20)]
        await asyncio.sleep(0.1)
        pages = await asyncio.wait_for(
            asyncio.gather(*[it.fetch(Request(f"{quick.base}/{number}")) for number in range(3)]), 2
        )
        for task in held:
            task.cancel()
        await asyncio.wait(held)
        assert [len(page.body) for page in pages] == [SMALL_BODY * 4] * 3
        again = await asyncio.wait_for(it.fetch(Request(quick.base)), 2)
    assert len(again.body) == SMALL_BODY * 4
