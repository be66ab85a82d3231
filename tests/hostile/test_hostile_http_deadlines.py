"""Deadlines and pace: whoever is silent, slow or both is given up in time, and whoever is merely slow is not."""

from __future__ import annotations

import asyncio
import time

from case import case, row, table
from http_fetching import client, fail, fail_at, get
from servers import CHUNKED, OK, Server, answer, chunk, drips, full_port, holds, sends

from scraper.errors import ConnectTimeout, ReadTimeout
from scraper.fetch.pace import Slowest
from scraper.request import Request

QUICK = Slowest(window=0.15, speed=2000)  # bytes a second


@table(
    "http", ("behaviour",),
    [
        row("silent-after-request", holds(), behaviour="nothing"),
        row("silent-in-status-line", sends(b"HTTP/1.1 20", then="hold"), behaviour="half a status line"),
        row("silent-in-head", sends(OK + b"X-A: ", then="hold"), behaviour="half a head"),
        row("silent-in-body", sends(OK + b"Content-Length: 99\r\n\r\nhalf", then="hold"), behaviour="half a body"),
        row("silent-in-chunks", sends(CHUNKED + chunk(b"half"), then="hold"), behaviour="half of its chunks"),
        row("drip-head", drips(OK + b"X-Drip: "), behaviour="a head, byte by byte"),
        row("drip-body", drips(OK + b"\r\n"), behaviour="a body, byte by byte"),
        row("drip-interim", drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n", every=0.03),
            behaviour="1xx answers, now and then"),
    ],
    behaviour="The server sends", expectation="timeout, when the total deadline is over; the connection is closed.",
    source="own measurement: aiohttp's read timeout starts anew with each byte",
)  # fmt: skip
async def test_the_total_deadline_ends_whatever_does_not_end(behaviour):
    async with Server(behaviour) as server:
        began = time.monotonic()
        error = await fail_at(server.base, timeout=0.15)
        assert type(error) is ReadTimeout
        assert 0.1 < time.monotonic() - began < 2
        async with asyncio.timeout(1):
            while server.open:
                await asyncio.sleep(0.005)


@table(
    "http", ("behaviour", "words"),
    [
        row("idle-body", sends(OK + b"Content-Length: 9999\r\n\r\nhalf", then="hold"),
            "the body stopped: 4 bytes in 0.15 s", behaviour="stops"),
        row("idle-chunked-body", sends(CHUNKED + chunk(b"half"), then="hold"), "the body stopped",
            behaviour="stops between two chunks"),
        row("slow-body", drips(OK + b"\r\n", b"x" * 10), "less than 2000 bytes a second: ",
            behaviour="drips at 500 bytes a second"),
        row("slow-after-quick-start", drips(OK + b"\r\n" + b"x" * 50_000), "less than 2000 bytes a second",
            behaviour="begins quickly, then drips"),
    ],
    behaviour="A body", expectation="timeout, named by its pace, long before the total deadline.",
    source="curl's --speed-limit and --speed-time; slow-read attacks turned round",
)  # fmt: skip
async def test_a_body_that_loses_its_pace_ends_early(behaviour, words):
    began = time.monotonic()
    error = await fail(behaviour, timeout=5.0, slowest=QUICK)
    assert type(error) is ReadTimeout
    assert words in str(error)
    assert time.monotonic() - began < 3


@case(
    "http", "slow-but-steady-body",
    behaviour="A body comes slowly, yet faster than the slowest pace.",
    expectation="The page is read, however long it takes below the total deadline.",
    source="own design: a slow site is no hostile one",
)  # fmt: skip
async def test_a_slow_site_is_borne():
    async def slowly(exchange):
        await exchange.send(OK + b"Content-Length: 1500\r\n\r\n")
        for _ in range(15):
            await exchange.send(b"x" * 100)
            await asyncio.sleep(0.02)
        return False

    assert len((await get(slowly, slowest=QUICK)).body) == 1500


@case(
    "http", "slow-first-byte",
    behaviour="The server thinks for longer than the pace's window before it answers.",
    expectation="The page is read: pace is a matter of bodies; until the head comes only the total deadline counts.",
    source="own design: search pages that take 20 s",
)  # fmt: skip
async def test_a_late_first_byte_is_no_slow_body():
    async def late(exchange):
        await asyncio.sleep(0.3)
        await exchange.send(answer(b"late"))
        return False

    assert (await get(late, slowest=Slowest(window=0.1))).body == b"late"


@case(
    "http", "busy-loop-is-no-slow-server",
    behaviour="The crawler's own event loop stands still for longer than the pace's window.",
    expectation="The page is read: pace is counted in ticks that ran, not in time that passed.",
    source="own measurement: a callback that blocks",
)  # fmt: skip
async def test_our_own_slowness_is_not_the_servers():
    async def behave(exchange):
        await exchange.send(OK + b"Content-Length: 8\r\n\r\nhalf")
        await asyncio.sleep(0.02)
        time.sleep(0.25)
        await exchange.send(b"half")
        return False

    assert (await get(behave, slowest=Slowest(window=0.1))).body == b"halfhalf"


@table(
    "http", ("limit",),
    [
        row("connect-timeout", {"connect_timeout": 0.1}, behaviour="its own limit is short"),
        row("connect-total", {"timeout": 0.1}, behaviour="the total is shorter"),
    ],
    behaviour="The host takes no connection (a full queue, a firewall that drops);",
    expectation="connect_timeout, told apart from a slow answer.",
    source="RFC 9293 3.10.1; own measurement",
)  # fmt: skip
async def test_no_connection_is_a_connect_timeout(limit):
    with full_port() as port:
        error = await fail_at(f"http://127.0.0.1:{port}/", **limit)
    assert type(error) is ConnectTimeout


@case(
    "http", "tls-handshake-silent",
    behaviour="The server accepts the connection and never answers the TLS greeting.",
    expectation="connect_timeout: TLS is part of the connection.",
    source="RFC 8446 4.1; own measurement",
)  # fmt: skip
async def test_a_silent_handshake_is_a_connect_timeout():
    async def mute(reader, writer):
        await reader.read()

    async with Server(raw=mute) as server:
        assert type(await fail_at(f"https://127.0.0.1:{server.port}/", connect_timeout=0.1)) is ConnectTimeout


@case(
    "http", "waiting-for-a-turn-is-no-timeout",
    behaviour="More requests are made at once than connections are allowed, and each answer takes a while.",
    expectation="All are answered: a timeout begins when a request's turn comes.",
    source="own design: few descriptors must slow a crawl, not break it",
)  # fmt: skip
async def test_the_wait_for_a_turn_does_not_count():
    async def slow(exchange):
        await asyncio.sleep(0.05)
        await exchange.send(answer(b"x"))
        return True

    async with Server(slow) as server, client(connections=2, timeout=0.3) as it:
        pages = await asyncio.gather(*[it.fetch(Request(f"{server.base}/{number}")) for number in range(16)])
    assert [page.body for page in pages] == [b"x"] * 16
    assert server.busiest == 2
