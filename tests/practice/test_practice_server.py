"""The practice shop over a real socket."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from scraper.practice.server import serve
from scraper.practice.site import Shop

PROMPT = 5.0  # seconds within which the server has to close


@pytest.fixture(scope="module")
def shop() -> Shop:
    """A small shop; it does not change."""
    return Shop(books=40)


async def raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_server_says_what_the_shop_says(shop: Shop) -> None:
    """Status, content type and every byte arrive, for pages in any encoding, pictures, moves and errors."""
    paths = ["/", "/robots.txt", "/old/7", "/nothing", "/basket/add?sku=1", shop.books[0].images[0]]
    async with serve(shop) as port, aiohttp.ClientSession() as session:
        for path in [*paths, *(book.path for book in shop.books)]:
            wanted = shop.reply(path, f"http://127.0.0.1:{port}")
            async with session.get(f"http://127.0.0.1:{port}{path}", allow_redirects=False) as response:
                assert (response.status, await response.read()) == (wanted.status, wanted.body)
                assert dict(wanted.headers).items() <= dict(response.headers).items()


async def test_absolute_links_name_the_host_that_the_client_named(shop: Shop) -> None:
    """The origin in pages comes from the Host header, not from the socket."""
    async with serve(shop) as port:
        answer = await raw(port, b"GET /sitemap.xml HTTP/1.1\r\nHost: shop.test:81\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"<loc>http://shop.test:81/catalogue/") == 40


@pytest.mark.parametrize("host", [b"", b"Host: a b\r\n", b'Host: "><script>\r\n', b"Host: x/y\r\n"])
async def test_a_host_that_is_none_is_refused(shop: Shop, host: bytes) -> None:
    """Without a usable Host there is no origin to write into links: 400."""
    async with serve(shop) as port:
        answer = await raw(port, b"GET / HTTP/1.0\r\n" + host + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 400 ")


async def test_head_has_the_headers_and_no_body(shop: Shop) -> None:
    """HEAD answers as GET does, without the body; other methods are not allowed."""
    async with serve(shop) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.head("/robots.txt") as response:
            length = len(shop.reply("/robots.txt", f"http://127.0.0.1:{port}").body)
            assert (response.status, response.content_length) == (200, length)
            assert await response.read() == b""
        async with session.post("/basket/add", data=b"sku=1") as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


async def test_the_server_closes_while_clients_keep_their_connections(shop: Shop) -> None:
    """Leaving the context takes no longer than a moment, though a client holds its connection open."""
    async with aiohttp.ClientSession() as session:
        async with serve(shop) as port:
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                await response.read()
            start = time.monotonic()
        assert time.monotonic() - start < PROMPT
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_the_server_does_not_wait_for_a_client_that_never_finishes(shop: Shop) -> None:
    """A client that announces a body and sends none does not hold up the end."""
    async with serve(shop) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /basket/add HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 9\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 405 ")
        start = time.monotonic()
    assert time.monotonic() - start < PROMPT
    writer.close()


async def test_a_wanted_port_is_taken_and_a_taken_one_is_refused(shop: Shop) -> None:
    """The port given is the port served; a second server on it fails with OSError and leaves the first alone."""
    async with serve(shop) as port:
        with pytest.raises(OSError, match="address already in use"):
            async with serve(shop, port=port):
                pass
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
            assert response.status == 200
    async with serve(shop, port=port) as again:
        assert again == port
