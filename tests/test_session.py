"""The session against an aiohttp server on loopback: requests' meanings, rule by rule."""

from __future__ import annotations

import asyncio
import doctest
import threading
import traceback
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiohttp import web

import scraper.session
from scraper.errors import (
    BodyTooLarge,
    ConnectionError,  # noqa: A004
    HTTPError,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    Timeout,
    TooManyRedirects,
)
from scraper.session import AsyncSession


class Site:
    """A server that echoes, redirects as its query says, and counts."""

    def __init__(self):
        self.base = ""
        self.seen = []  # (method, path with query, headers, body)
        self.busy = self.peak = 0
        self.sockets = set()
        self.over = asyncio.Event()

    async def answer(self, asked):
        self.busy += 1
        self.peak = max(self.peak, self.busy)
        self.sockets.add(asked.transport)
        self.seen.append((asked.method, asked.raw_path, asked.headers.copy(), await asked.read()))
        try:
            return await self.page(asked)
        finally:
            self.busy -= 1

    async def page(self, asked):
        match asked.path:
            case "/go":  # ?status&to
                status = int(asked.query.get("status", 302))
                return web.Response(status=status, headers={"Location": asked.query["to"]}, text="moved")
            case "/loop":
                return web.Response(status=302, headers={"Location": "/loop"})
            case "/login":
                return web.Response(status=302, headers={"Location": "http://u:hunter2@a%20b/"})
            case "/cookie":
                return web.Response(headers={"Set-Cookie": "a=1"})
            case "/slow":
                await asyncio.sleep(0.01)
            case "/slower":
                await asyncio.sleep(0.04)
            case "/silent":
                await self.over.wait()
            case "/json":
                return web.json_response({"a": [1]})
            case "/missing":
                return web.Response(status=404, text="none")
        return web.Response(text="" if asked.method == "HEAD" else f"{asked.method} {asked.path}")


@asynccontextmanager
async def serving():
    site = Site()
    runner = web.ServerRunner(web.Server(site.answer))
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    site.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        site.over.set()
        await runner.cleanup()


@pytest.fixture
async def site():
    async with serving() as one:
        yield one


@pytest.fixture
async def elsewhere():
    """A second origin."""
    async with serving() as one:
        yield one


@pytest.fixture
async def session():
    async with AsyncSession(timeout=2.0) as one:
        yield one


async def test_a_response_has_the_attributes_that_requests_gives_it(session, site):
    """The names that people know."""
    response = await session.get(f"{site.base}/json")
    assert (response.status_code, response.ok, response.json()) == (200, True, {"a": [1]})
    assert response.text == response.content.decode() == '{"a": [1]}'
    assert response.headers["content-type"].startswith("application/json")
    assert (response.encoding, response.url, response.history) == ("utf-8", f"{site.base}/json", ())
    assert response.request.method == "GET"
    assert 0 < response.elapsed < 2
    response.raise_for_status()


async def test_a_status_raises_only_when_asked(session, site):
    """404 is a response; raise_for_status makes it an HTTPError."""
    response = await session.get(f"{site.base}/missing")
    assert not response.ok
    with pytest.raises(HTTPError, match="404 Client Error: Not Found"):
        response.raise_for_status()


@pytest.mark.parametrize("method", ["get", "options", "head", "post", "put", "patch", "delete"])
async def test_each_method_sends_its_own_name(session, site, method):
    """One coroutine for each of requests' functions."""
    response = await getattr(session, method)(f"{site.base}/a")
    assert site.seen[0][:2] == (method.upper(), "/a")
    assert response.text == ("" if method == "head" else f"{method.upper()} /a")


async def test_params_data_and_json_are_sent(session, site):
    """The arguments mean on the wire what they mean in requests."""
    await session.get(f"{site.base}/a?z=0#part", params={"q": ["1", "2"], "no": None})
    await session.post(f"{site.base}/a", {"a": "x y"})
    await session.post(f"{site.base}/a", json={"a": 1})
    await session.put(f"{site.base}/a", b"raw")
    (_, path, _, _), form, as_json, as_is = site.seen
    assert path == "/a?z=0&q=1&q=2"
    assert (form[2]["Content-Type"], form[3]) == ("application/x-www-form-urlencoded", b"a=x+y")
    assert (as_json[2]["Content-Type"], as_json[3]) == ("application/json", b'{"a": 1}')
    assert ("Content-Type" in as_is[2], as_is[3]) == (False, b"raw")


async def test_headers_are_merged_and_none_removes_one(site):
    """Request over session over defaults."""
    async with AsyncSession(headers={"X-A": "1", "X-B": "1"}, user_agent="me/1") as session:
        session.headers["X-C"] = "1"
        await session.get(f"{site.base}/", headers={"x-a": "2", "X-B": None})
    headers = site.seen[0][2]
    assert (headers["x-a"], headers["X-C"], headers["User-Agent"], headers["Accept"]) == ("2", "1", "me/1", "*/*")
    assert "X-B" not in headers
    assert len(headers.getall("X-A")) == 1


async def test_a_login_in_the_url_becomes_a_header_and_is_not_shown(session, site):
    """Credentials leave the URL before anything else happens; an own header wins."""
    url = site.base.replace("//", "//user:hunter2@")
    response = await session.get(url)
    await session.get(url, headers={"authorization": "Bearer x"})
    assert site.seen[0][2]["Authorization"] == "Basic dXNlcjpodW50ZXIy"
    assert site.seen[1][2]["authorization"] == "Bearer x"
    assert response.url == f"{site.base}/"
    with pytest.raises(InvalidURL) as caught:
        await session.get("http://user:hunter2@ho st/")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("example.org", MissingSchema),
        ("/path", MissingSchema),
        ("", MissingSchema),
        ("ftp://example.org/", InvalidSchema),
        ("file:///etc/passwd", InvalidSchema),
        ("http://", InvalidURL),
        ("http://a b/", InvalidURL),
        ("http://[::1/", InvalidURL),
    ],
)
async def test_what_is_no_url_is_named_by_requests_names(session, url, error):
    """The mistake is found before anything is sent."""
    with pytest.raises(error):
        await session.get(url)


async def test_redirects_are_followed_and_kept_in_history(session, site):
    """Each hop is a response of its own, oldest first."""
    response = await session.get(f"{site.base}/go?to=/go%3Fto=/end")
    assert (response.text, response.url) == ("GET /end", f"{site.base}/end")
    assert [hop.url for hop in response.history] == [f"{site.base}/go?to=/go%3Fto=/end", f"{site.base}/go?to=/end"]
    assert [hop.status for hop in response.history] == [302, 302]
    assert [len(hop.history) for hop in response.history] == [0, 1]
    assert response.request.url == response.url


async def test_redirects_are_not_followed_when_not_wanted(session, site):
    """allow_redirects=False gives the redirect itself; HEAD follows none unless told to."""
    url = f"{site.base}/go?to=/end"
    assert (await session.get(url, allow_redirects=False)).headers["location"] == "/end"
    assert (await session.head(url)).status == 302
    assert (await session.head(url, allow_redirects=True)).url == f"{site.base}/end"
    assert [seen[0] for seen in site.seen] == ["GET", "HEAD", "HEAD", "HEAD"]


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (301, "POST", ("GET", b"")),
        (302, "PUT", ("GET", b"")),
        (303, "DELETE", ("GET", b"")),
        (307, "POST", ("POST", b"a=1")),
        (308, "PUT", ("PUT", b"a=1")),
    ],
)
async def test_method_and_body_after_a_redirect(session, site, status, method, expected):
    """The body's headers go when it goes."""
    await session.request(method, f"{site.base}/go?to=/end&status={status}", data={"a": "1"})
    last = site.seen[-1]
    assert (last[0], last[3]) == expected
    assert ("Content-Type" in last[2]) is bool(expected[1])


async def test_secrets_do_not_cross_an_origin(session, site, elsewhere):
    """Another port is another origin: no Authorization, no Cookie, nothing else that might be a secret."""
    session.headers["Authorization"] = "Bearer s"
    own = {"Cookie": "own=1", "X-Mine": "1"}
    await session.get(f"{site.base}/go?to={elsewhere.base}/end", headers=own)
    await session.get(f"{site.base}/go?to=/end", headers=own)
    away, home = elsewhere.seen[0][2], site.seen[-1][2]
    assert ("Authorization" in away, "Cookie" in away, "X-Mine" in away) == (False, False, False)
    assert away["Accept"] == home["Accept"]
    assert away["Host"] == elsewhere.base.removeprefix("http://")
    assert (home["Authorization"], home["Cookie"]) == ("Bearer s", "own=1")


async def test_a_login_in_a_location_is_not_used(session, site):
    """A server cannot make the client present somebody's password."""
    target = site.base.replace("//", "//user:pw@")
    response = await session.get(f"{site.base}/go?to={target}/end")
    assert response.url == f"{site.base}/end"
    assert "Authorization" not in site.seen[-1][2]


async def test_endless_redirects_end(site):
    """After max_redirects hops TooManyRedirects has the last response."""
    async with AsyncSession(max_redirects=3) as session:
        with pytest.raises(TooManyRedirects, match="more than 3 redirects") as caught:
            await session.get(f"{site.base}/loop")
    assert len(site.seen) == 4
    assert (caught.value.response.status, len(caught.value.response.history)) == (302, 3)


@pytest.mark.parametrize(
    ("path", "error"),
    [("/go?to=mailto:a@b.test", InvalidSchema), ("/go?to=file:///etc/passwd", InvalidSchema), ("/login", InvalidURL)],
)
async def test_a_redirect_to_no_page_is_an_error_with_its_response(session, site, path, error):
    """The message names the request and the place, without a password."""
    with pytest.raises(error, match="redirected to a place") as caught:
        await session.get(site.base + path)
    assert caught.value.response.status == 302
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("start", "location", "end"),
    [
        ("#old", "/end", "/end#old"),
        ("#old", "/end%23new", "/end#new"),
        ("", "/end%23new", "/end#new"),
        ("", "/end", "/end"),
    ],
)
async def test_a_fragment_is_kept_until_a_location_has_its_own(session, site, start, location, end):
    """response.url carries it (RFC 9110, 10.2.2); the server never sees it."""
    response = await session.get(f"{site.base}/go?to={location}{start}")
    assert response.url == site.base + end
    assert site.seen[-1][1] == "/end"


async def test_relative_locations_are_resolved(session, site):
    """Against the URL of the hop, as a link would be."""
    assert (await session.get(f"{site.base}/go?to=end%3Fa=1")).url == f"{site.base}/end?a=1"
    assert (await session.get(f"{site.base}/go?to=//{site.base[7:]}/end")).url == f"{site.base}/end"


async def test_cookies_are_kept_for_the_session(session, site):
    """What one answer sets, the next request carries; another session does not know it."""
    await session.get(f"{site.base}/cookie")
    await session.get(f"{site.base}/a")
    async with AsyncSession() as other:
        await other.get(f"{site.base}/b")
    assert [seen[2].get("Cookie") for seen in site.seen] == [None, "a=1", None]


@pytest.mark.parametrize("timeout", [0.05, (1.0, 0.05), (0.05, 0.05)])
async def test_a_silent_server_is_a_timeout(session, site, timeout):
    """A number, or a pair for connecting and for the answer."""
    limit = (0.01, 0.05) if timeout == (1.0, 0.05) else timeout
    with pytest.raises(Timeout):
        await session.get(f"{site.base}/silent", timeout=limit)


async def test_no_timeout_waits_and_the_sessions_own_is_the_default(site):
    """None waits for ever; nothing given means the session's."""
    async with AsyncSession(timeout=0.05) as session:
        with pytest.raises(Timeout):
            await session.get(f"{site.base}/silent")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await session.get(f"{site.base}/silent", timeout=None)
    for wrong in (0, -1, (0, 1), (1, -1)):
        with pytest.raises(ValueError, match="seconds above 0"):
            AsyncSession(timeout=wrong)


async def test_a_body_above_the_limit_is_an_error(site):
    """max_body holds for every request of the session."""
    async with AsyncSession(max_body=5) as session:
        with pytest.raises(BodyTooLarge):
            await session.get(f"{site.base}/a")


async def test_500_urls_at_once_stay_within_the_limit_of_a_host(site):
    """One gather, eight connections, every answer."""
    async with AsyncSession(connections_per_host=8) as session:
        pages = [session.get(f"{site.base}/{number if number % 10 else 'slow'}") for number in range(500)]
        responses = await asyncio.gather(*pages)
    assert all(response.ok for response in responses)
    assert (len(site.seen), len(site.sockets)) == (500, 8)
    assert site.peak <= 8


async def test_waiting_for_a_turn_uses_up_no_timeout(site):
    """Six answers of 40 ms after another take longer than the timeout; none of them does."""
    async with AsyncSession(connections_per_host=1, timeout=0.15) as session:
        responses = await asyncio.gather(*[session.get(f"{site.base}/slower") for _ in range(6)])
    assert all(response.ok for response in responses)


async def test_500_urls_at_once_stay_within_the_limit_in_total(site, elsewhere):
    """Two hosts share the total."""
    other, peak = elsewhere, 0
    async with AsyncSession(connections=5, connections_per_host=4) as session:

        async def one(number):
            url = f"{(site if number % 2 else other).base}/slow"
            return await session.get(url)

        async def watch():
            nonlocal peak
            while True:
                peak = max(peak, site.busy + other.busy)
                await asyncio.sleep(0)

        watching = asyncio.ensure_future(watch())
        responses = await asyncio.gather(*[one(number) for number in range(120)])
        watching.cancel()
    assert len(responses) == 120
    assert 4 <= peak <= 5
    assert max(site.peak, other.peak) <= 4


async def test_a_slow_host_does_not_hold_up_another(site, elsewhere):
    """Requests that wait for their host's turn hold no place in the total."""
    async with AsyncSession(connections=2, connections_per_host=1, timeout=2.0) as session:
        stuck = [asyncio.ensure_future(session.get(f"{site.base}/silent")) for _ in range(10)]
        await asyncio.sleep(0)
        assert (await session.get(f"{elsewhere.base}/a", timeout=0.3)).ok
        for one in stuck:
            one.cancel()


async def test_a_cancelled_request_gives_its_turn_back(site):
    """Cancelled while waiting or on the way, nothing stays taken."""
    async with AsyncSession(connections=1) as session:
        stuck = [asyncio.ensure_future(session.get(f"{site.base}/silent")) for _ in range(3)]
        while not site.seen:
            await asyncio.sleep(0.001)
        for one in stuck:
            one.cancel()
        assert (await session.get(f"{site.base}/a", timeout=0.3)).ok


async def test_a_session_that_is_not_open_says_so(site):
    """Before `async with` and after it, the message names the cure; it can be opened again."""
    session = AsyncSession()
    with pytest.raises(RuntimeError, match=r"not open yet; use it inside `async with"):
        await session.get(site.base)
    async with session:
        assert (await session.get(site.base)).ok
        with pytest.raises(RuntimeError, match="open already"):
            await session.__aenter__()
    with pytest.raises(RuntimeError, match="closed; use it inside"):
        await session.get(site.base)
    assert repr(session) == "<AsyncSession closed | 0 hosts being asked>"
    async with session:
        assert (await session.get(site.base)).ok


async def test_several_sessions_live_side_by_side(site):
    """Each has its own limits and its own end."""
    async with AsyncSession() as one, AsyncSession() as two:
        await asyncio.gather(one.get(site.base), two.get(site.base))
        async with AsyncSession() as three:
            await three.get(site.base)
        assert (await one.get(site.base)).ok


async def test_nobody_there_is_a_connection_error(session):
    """By requests' name, with the request in it."""
    with pytest.raises(ConnectionError, match=r"GET http://127\.0\.0\.1:1/: ") as caught:
        await session.get("http://127.0.0.1:1")
    assert caught.value.request.url == "http://127.0.0.1:1/"


def test_the_example_runs():
    """The docstring's example is true, in a loop of its own."""

    class Words(BaseHTTPRequestHandler):
        def do_GET(self):
            word = self.path[1:].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(word)))
            self.end_headers()
            self.wfile.write(word)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Words) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        urls = [f"http://127.0.0.1:{server.server_port}/{word}" for word in ("one", "two")]
        result = doctest.testmod(scraper.session, extraglobs={"urls": urls})
        server.shutdown()
    assert (result.failed, result.attempted > 0) == (0, True)
