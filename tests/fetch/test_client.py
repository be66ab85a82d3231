"""The HTTP client against real sockets: what goes on the wire, what comes back, what it costs."""

from __future__ import annotations

import asyncio
import time

import pytest

from scraper.errors import RequestException, UnsafeAddress
from scraper.fetch.connector import REST, BoundedConnector
from scraper.fetch.decoding import ACCEPT_ENCODING
from scraper.fetch.guard import AddressGuard
from scraper.request import Request

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = OK + b"Content-Length: 0\r\n\r\n"


def head_of(server, index=-1):
    """Return the request line and the headers (lower-case names) of a request that `server` saw."""
    line, *rest = server.seen[index].decode("latin-1").strip().split("\r\n")
    return line, {name.lower(): value for name, _, value in (header.partition(": ") for header in rest)}


@pytest.mark.parametrize(
    ("written", "on_the_wire"),
    [
        ("/a[1]", "/a[1]"),
        ("/%7Euser", "/%7Euser"),
        ("/%zz", "/%zz"),
        ("/caf\u00e9?q=\u00e9 b", "/caf%C3%A9?q=%C3%A9%20b"),
        ("/a?x=a+b&y=%2F", "/a?x=a+b&y=%2F"),
        ("/a/../b#part", "/b"),
    ],
)
async def test_the_canonical_url_goes_on_the_wire_byte_for_byte(raw, get, written, on_the_wire):
    """No library quotes a URL a second time."""
    server = await raw(EMPTY)
    await get(server.base + written)
    assert head_of(server)[0] == f"GET {on_the_wire} HTTP/1.1"


async def test_every_request_carries_agent_accept_and_only_decodable_encodings(raw, get):
    """The standing headers are there, and no coding is asked for without its library."""
    server = await raw(EMPTY)
    await get(server.base, headers={"Accept-Language": "de", "accept": "text/plain"})
    headers = head_of(server)[1]
    assert (headers["user-agent"], headers["accept-language"]) == ("tests/1", "de")
    assert (headers["accept"], headers["accept-encoding"]) == ("text/plain", ACCEPT_ENCODING)
    assert ACCEPT_ENCODING.startswith("gzip, deflate")


async def test_headers_of_the_request_win(raw, get):
    """A request's own header replaces the standing one, whatever its case."""
    server = await raw(EMPTY)
    await get(server.base, request={"headers": {"USER-AGENT": "mine/2"}})
    assert head_of(server)[1]["user-agent"] == "mine/2"
    assert server.seen[0].lower().count(b"user-agent") == 1


async def test_a_body_goes_out_with_its_length_and_without_an_invented_type(raw, get):
    """POST sends what it was given; nobody adds a Content-Type."""
    server = await raw(EMPTY)
    await get(server.base, request={"method": "POST", "body": b"abc"})
    assert head_of(server)[1]["content-length"] == "3"
    await get(server.base, request={"method": "POST"})
    assert head_of(server)[1]["content-length"] == "0"
    assert b"content-type" not in b"".join(server.seen).lower()


async def test_connect_to_sends_a_name_elsewhere_and_keeps_host(raw, get):
    """The socket goes to the given place; URL and Host header stay those of the site."""
    server = await raw(OK + b"Content-Length: 2\r\n\r\nhi")
    response = await get("http://Practice-Shop.test/a", connect_to={"practice-shop.test": f"127.0.0.1:{server.port}"})
    assert (response.text, response.url) == ("hi", "http://practice-shop.test/a")
    assert head_of(server)[1]["host"] == "practice-shop.test"


@pytest.mark.parametrize("target", ["localhost:80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", ""])
async def test_connect_to_wants_address_and_port(make, target):
    """A target that is no address:port is refused when the fetcher is opened, with the cure."""
    with pytest.raises(ValueError, match=r"write 127\.0\.0\.1:8080"):
        async with make(connect_to={"a.test": target}):
            pass


async def test_names_are_looked_up_by_the_system(raw, get):
    """A name that is not in connect_to goes to the resolver."""
    server = await raw(EMPTY)
    assert (await get(f"http://localhost:{server.port}/")).status == 200


async def test_addresses_that_are_not_allowed_are_not_connected_to(raw, make):
    """Names and IP literals alike are checked after the look-up; the server sees nothing."""
    server = await raw(EMPTY)
    async with make(guard=AddressGuard()) as it:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(UnsafeAddress, match="is loopback"):
                await it.fetch(Request(f"http://{host}:{server.port}/"))
    assert server.seen == []


async def test_location_keeps_its_bytes(raw, get):
    """UTF-8 in a Location is text; other bytes stay what they are, in percent form."""
    for wire, text in ((b"/caf\xc3\xa9", "/caf\u00e9"), (b"/caf\xe9?\xff", "/caf%E9?%FF")):
        server = await raw(b"HTTP/1.1 302 Found\r\nLocation: " + wire + b"\r\nContent-Length: 0\r\n\r\n")
        assert (await get(server.base)).headers["location"] == text


async def test_headers_come_back_as_sent(raw, get):
    """Repeated headers are all there, latin-1 and UTF-8 values are readable, the reason phrase too."""
    head = b"HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nX-A: caf\xe9\r\nset-cookie: b=2\r\nX-B: caf\xc3\xa9\r\n"
    response = await get((await raw(head + b"Content-Length: 0\r\n\r\n")).base)
    assert response.headers.get_all("Set-Cookie") == ("a=1", "b=2")
    assert (response.headers["x-a"], response.headers["x-b"]) == ("caf\u00e9", "caf\u00e9")
    assert response.reason == "Fine"


async def test_long_and_many_headers_are_read(raw, get):
    """A header of 60,000 bytes and 200 headers are no error; real sites have them."""
    long = b"X-Long: " + b"x" * 60_000 + b"\r\n"
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(200))
    response = await get((await raw(OK + long + many + b"Content-Length: 0\r\n\r\n")).base)
    assert len(response.headers["x-long"]) == 60_000
    assert len(response.headers) == 202


async def test_interim_answers_are_passed_over(raw, get):
    """103 Early Hints is not the answer."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    assert (await get((await raw(early + OK + b"Content-Length: 2\r\n\r\nhi")).base)).text == "hi"


async def test_sent_at_is_after_the_connection_and_elapsed_ends_with_the_body(raw, make):
    """sent_at lies between the call and the answer; the wait for the body is in elapsed."""
    server = await raw(OK + b"Content-Length: 10\r\n\r\n", then="drip")
    async with make() as it:
        before = time.monotonic()
        response = await it.fetch(Request(server.base))
        after = time.monotonic()
    assert before < response.sent_at < after
    assert 0.15 < response.elapsed <= after - response.sent_at


async def test_connections_are_used_again(raw, make):
    """Two fetches after another share one connection."""
    server = await raw(EMPTY, then="keep")
    async with make() as it:
        await it.fetch(Request(server.base))
        await it.fetch(Request(server.base))
    assert (len(server.seen), server.connections) == (2, 1)


async def test_connections_per_host_are_limited(raw, make):
    """Thirty fetches at once open no more connections than allowed, and all succeed."""
    server = await raw(EMPTY, then="keep")
    async with make(connections_per_host=3) as it:
        await asyncio.gather(*[it.fetch(Request(f"{server.base}/{number}")) for number in range(30)])
    assert (len(server.seen), server.peak) == (30, 3)


async def test_a_connection_that_rests_is_there_for_every_kind_of_request(raw, make):
    """One to a host is allowed, and the second request takes the session's way: it waits for nothing."""
    server = await raw(EMPTY, then="keep")
    async with make(connections_per_host=1) as it:
        began = time.monotonic()
        for method in ("GET", "POST", "GET", "HEAD"):
            await it.fetch(Request(server.base, method=method))
        assert time.monotonic() - began < 0.5
    assert (len(server.seen), server.connections) == (4, 1)


async def test_whoever_waits_for_a_connection_comes_before_its_rest(raw, make):
    """As soon as one has answered, the next request goes over it."""
    server = await raw(EMPTY, then="keep")
    async with make(connections_per_host=1) as it:
        began = time.monotonic()
        await asyncio.gather(*[it.fetch(Request(f"{server.base}/{number}")) for number in range(5)])
        assert time.monotonic() - began < 0.5
    assert (len(server.seen), server.connections) == (5, 1)


async def test_connections_that_rest_keep_no_other_host_waiting(raw, make):
    """All that are allowed have just been used for another host."""
    servers = [await raw(EMPTY, then="keep") for _ in range(3)]
    async with make(connections=2) as it:
        for server in servers * 2:
            await asyncio.gather(*[it.fetch(Request(f"{server.base}/{number}")) for number in range(2)])
    assert [len(server.seen) for server in servers] == [4, 4, 4]


async def test_a_connection_that_was_closed_while_it_rested_is_not_used(raw, make):
    """The next request goes out over a new one, and once."""
    server = await raw(EMPTY, then="close")
    async with make() as it:
        for _ in range(3):
            await it.fetch(Request(server.base))
            await asyncio.sleep(0.05)
    assert (len(server.seen), server.connections) == (3, 3)


class Rested:
    """A connection in the eyes of those who keep it: still open, as far as is known."""

    transport, should_close, fate = "open", False, "kept"

    def __init__(self):
        self.protocol = self

    def is_connected(self):
        return True

    def release(self):
        self.fate = "in the pool"

    def close(self):
        self.fate = "closed"


@pytest.mark.parametrize(("blocked", "fate"), [(0.0, "kept"), (0.1, "in the pool"), (0.4, "closed")])
async def test_a_connection_does_not_rest_for_longer_because_somebody_holds_the_loop(blocked, fate):
    """Its server may have gone meanwhile: the pool knows how long it may idle, and beyond that it is closed."""
    connector, connection = BoundedConnector(idle=0.2), Rested()
    connector.rest("key", connection, connection)
    if blocked:
        time.sleep(REST + blocked)  # as a callback would
    assert (connector.take("key") is connection, connection.fate) == (not blocked, fate)
    await connector.close()


async def test_connections_that_rest_are_closed_with_the_fetcher(raw, make):
    """Nothing stays open behind it."""
    server = await raw(EMPTY, then="keep")
    async with make() as it:
        await asyncio.gather(*[it.fetch(Request(f"{server.base}/{number}")) for number in range(5)])
        assert server.open == 5
    async with asyncio.timeout(0.5):
        while server.open:
            await asyncio.sleep(0.005)


async def test_a_new_connection_without_an_answer_is_not_tried_again(raw, fail):
    """One fetch is one visit: a server that hangs up is not asked a second time behind our back."""
    for then in ("close", "reset"):
        server = await raw(b"", then=then)
        await fail(server.base)
        assert len(server.seen) == 1


async def over_a_connection_that_dies(server, it):
    """Fetch twice; the kept connection ends under the second request, and the next one answers."""
    await it.fetch(Request(server.base))
    server.answer, server.then = b"", "close"
    waiting = asyncio.ensure_future(it.fetch(Request(f"{server.base}/b")))
    while len(server.seen) < 2:
        await asyncio.sleep(0)
    server.answer, server.then = EMPTY, "keep"
    return await waiting


async def test_a_pooled_connection_that_died_is_replaced(raw, make):
    """A server may close an idle connection just as the next request comes; it goes out anew where that is wanted."""
    server = await raw(EMPTY, then="keep")
    async with make(resend=True) as it:
        assert (await over_a_connection_that_dies(server, it)).status == 200
    assert server.connections == 2


async def test_a_host_that_ends_kept_connections_gets_a_new_one_each_time(raw, make):
    """What was let go of a moment ago does not rest."""
    server = await raw(EMPTY, then="keep")
    async with make(resend=True) as it:
        await over_a_connection_that_dies(server, it)
        for _ in range(2):
            await it.fetch(Request(server.base))
    assert (len(server.seen), server.connections) == (5, 4)


@pytest.mark.parametrize("lean", [True, False])
async def test_a_request_goes_out_twice_at_most(raw, make, lean):
    """However many kept connections have died: the server may have seen each of the tries."""
    server = await raw(EMPTY, then="keep")
    async with make(resend=True, lean=lean) as it:
        await asyncio.gather(*[it.fetch(Request(f"{server.base}/{number}")) for number in range(4)])
        server.answer, server.then = b"", "close"
        with pytest.raises(RequestException):
            await it.fetch(Request(f"{server.base}/again"))
    assert len(server.seen) == 4 + 2


async def test_cookies_are_forgotten_unless_wanted(raw, make):
    """Without `cookies` no cookie is sent back; with it, the site's own are."""
    for wanted in (False, True):
        server = await raw(OK + b"Set-Cookie: a=1\r\nContent-Length: 0\r\n\r\n", then="keep")
        async with make(cookies=wanted) as it:
            await it.fetch(Request(server.base))
            await it.fetch(Request(server.base))
        assert (b"Cookie: a=1" in server.seen[1]) is wanted


async def test_cancelling_a_fetch_closes_its_connection(raw, make):
    """Cancellation passes as it is, and the half-read connection is not used again."""
    server = await raw(OK + b"Content-Length: 10\r\n\r\nhalf", then="hold")
    async with make() as it:
        waiting = asyncio.ensure_future(it.fetch(Request(server.base)))
        while not server.seen:
            await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        server.answer, server.then = EMPTY, "close"
        assert (await it.fetch(Request(server.base))).status == 200
    assert server.connections == 2


async def test_an_open_fetcher_is_not_opened_twice(make):
    """Two owners of one fetcher would close it for each other."""
    async with make() as it:
        with pytest.raises(RuntimeError, match="open already"):
            await it.__aenter__()


async def test_a_page_that_comes_in_pieces_is_whole(raw, get):
    """A body larger than one read of the socket comes back as it was sent."""
    page = bytes(range(256)) * 4096 * 3  # 3 MiB
    server = await raw(OK + b"Content-Length: %d\r\n\r\n" % len(page) + page)
    assert (await get(server.base, max_body=len(page))).body == page
