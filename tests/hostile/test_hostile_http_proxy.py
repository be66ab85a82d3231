"""Proxies: HTTP, HTTPS and SOCKS; their failures are theirs, and their passwords stay with them."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import os
import struct
import traceback

import pytest
from case import case, row, table
from http_fetching import client, fail_at, get_at
from servers import TLS, Server, answer, full_port, holds, sends

from scraper.config.schema import from_kwargs
from scraper.errors import ConfigError, ConnectTimeout, ProxyError, SSLError, UnsafeAddress
from scraper.fetch.guard import AddressGuard
from scraper.policy.proxy import ENVIRONMENT, ProxyChoice, parse_proxy
from scraper.request import Request

HI = sends(answer(b"hi"))
SECRET = "hunter2"
LOGIN = f"Basic {base64.b64encode(f'user:{SECRET}'.encode()).decode()}"
SOCKS = importlib.util.find_spec("python_socks") is not None


async def pipe(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def tunnels(port: int):
    """A proxy that answers plain requests itself and leads each CONNECT to `port` on loopback."""

    async def behave(exchange):
        if exchange.seen.method != "CONNECT":
            await exchange.send(answer(b"by proxy"))
            return True
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await exchange.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pipe(exchange.reader, writer), pipe(reader, exchange.writer))
        return False

    return behave


def through(proxy: Server, login: bool = True) -> str:
    """Return the proxy's URL, with its login."""
    scheme, _, place = proxy.base.partition("://")
    return f"{scheme}://user:{SECRET}@{place}" if login else proxy.base


def shown(error: BaseException) -> str:
    """Return everything that a log could show of `error`."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)


@case(
    "http", "proxy-plain", behaviour="An http: URL is fetched through an HTTP proxy with a login.",
    expectation="The proxy gets the absolute form and the login; nobody looks the name up here.",
    source="RFC 9112 3.2.2, RFC 9110 11.7.2",
)  # fmt: skip
async def test_a_plain_request_goes_to_the_proxy():
    async with Server(tunnels(0)) as proxy:
        page = await get_at("http://shop.test/a?b", proxy=through(proxy), look_up=None)
    assert page.body == b"by proxy"
    assert proxy.targets == ["http://shop.test/a?b"]
    assert proxy.log[0].headers["proxy-authorization"] == LOGIN
    assert proxy.log[0].headers["host"] == "shop.test"


@case(
    "http", "proxy-tunnel", behaviour="An https: URL is fetched through an HTTP proxy with a login.",
    expectation="CONNECT has the login; the site, whose certificate is verified, never sees it.",
    source="RFC 9110 9.3.6",
)  # fmt: skip
async def test_a_tunnel_hides_the_login_from_the_site():
    async with Server(HI, tls="good") as site, Server(tunnels(site.port)) as proxy:
        page = await get_at("https://shop.test/a", proxy=through(proxy))
    assert page.body == b"hi"
    assert (proxy.log[0].method, proxy.targets) == ("CONNECT", ["shop.test:443"])
    assert proxy.log[0].headers["proxy-authorization"] == LOGIN
    assert "proxy-authorization" not in site.log[0].headers


@case(
    "http", "proxy-tunnel-certificate", behaviour="The site behind the tunnel has a certificate for another host.",
    expectation="tls: the proxy changes nothing about verification.", source="RFC 9110 9.3.6",
)  # fmt: skip
async def test_certificates_are_verified_through_a_tunnel():
    async with Server(HI, tls="other") as site, Server(tunnels(site.port)) as proxy:
        error = await fail_at("https://shop.test/a", proxy=through(proxy))
    assert type(error) is SSLError
    assert SECRET not in shown(error)


@case(
    "http", "proxy-over-tls", behaviour="The proxy itself speaks TLS.",
    expectation="Plain and tunnelled requests go through it.", source="RFC 9110 3.7; TLS inside TLS",
)  # fmt: skip
async def test_a_proxy_may_speak_tls():
    async with Server(HI, tls="good") as site, Server(tunnels(site.port), tls="good") as proxy:
        assert (await get_at("http://shop.test/", proxy=through(proxy))).body == b"by proxy"
        assert (await get_at("https://shop.test/", proxy=through(proxy))).body == b"hi"


@table(
    "http", ("status",),
    [
        row("proxy-connect-407", "407 Proxy Authentication Required", behaviour="407"),
        row("proxy-connect-403", "403 Forbidden", behaviour="403"),
        row("proxy-connect-502", "502 Bad Gateway", behaviour="502"),
    ],
    behaviour="CONNECT is answered with", expectation="proxy: a failure of its own kind, with the status, no password.",
    source="RFC 9110 9.3.6; aiohttp quotes the proxy's whole URL",
)  # fmt: skip
async def test_a_refused_tunnel_is_the_proxys_failure(status):
    async with Server(sends(answer(b"no", status=status))) as proxy:
        error = await fail_at("https://shop.test/", proxy=through(proxy))
    assert (type(error), error.reason) == (ProxyError, "proxy")
    assert status in str(error)
    assert SECRET not in shown(error)
    assert LOGIN.split()[1] not in shown(error)


@case(
    "http", "proxy-plain-407", behaviour="A plain request through the proxy is answered 407.",
    expectation="proxy: 407 is the proxy's word, not the site's.", source="RFC 9110 15.5.8",
)  # fmt: skip
async def test_407_is_the_proxys_word():
    async with Server(sends(answer(b"no", status="407 Proxy Authentication Required"))) as proxy:
        error = await fail_at("http://shop.test/", proxy=through(proxy))
    assert type(error) is ProxyError
    assert SECRET not in shown(error)


@case(
    "http", "site-407-without-proxy", behaviour="A site answers 407 although there is no proxy.",
    expectation="A response with status 407.", source="RFC 9110 15.5.8",
)  # fmt: skip
async def test_407_without_a_proxy_is_an_answer():
    async with Server(sends(answer(b"no", status="407 Odd"))) as site:
        assert (await get_at(site.base)).status == 407


@case(
    "http", "proxy-refuses-connections", behaviour="Nobody listens where the proxy should be.",
    expectation="proxy: no connection to it; no password.", source="own measurement",
)  # fmt: skip
async def test_a_proxy_that_is_not_there_is_named():
    async with Server(HI) as gone:
        pass
    for url in ("http://shop.test/", "https://shop.test/"):
        error = await fail_at(url, proxy=through(gone))
        assert type(error) is ProxyError
        assert "no connection to the proxy: Connection refused" in str(error)
        assert SECRET not in shown(error)


@case(
    "http", "proxy-unknown-name", behaviour="The proxy's name cannot be looked up.",
    expectation="proxy: it is the proxy's name that failed, not the site's.", source="own measurement",
)  # fmt: skip
async def test_a_proxy_without_address_is_named():
    error = await fail_at("http://shop.test/", proxy=f"http://user:{SECRET}@nowhere.invalid:3128")
    assert type(error) is ProxyError
    assert "the proxy's name could not be looked up" in str(error)
    assert SECRET not in shown(error)


@table(
    "http", ("behaviour", "reasons"),
    [
        row("proxy-connect-garbage", sends(b"\x00garbage\r\n\r\n"), ["proxy"], behaviour="garbage"),
        row("proxy-connect-closed", sends(b""), ["proxy"], behaviour="a closed connection"),
        row("proxy-connect-silent", holds(), ["connect_timeout", "timeout"], behaviour="silence"),
    ],
    behaviour="CONNECT is answered with",
    expectation="A failure in time, the proxy's where it has spoken; no password in anything that it shows.",
    source="RFC 9110 9.3.6",
)  # fmt: skip
async def test_a_broken_proxy_is_a_failure(behaviour, reasons):
    async with Server(behaviour) as proxy:
        error = await fail_at("https://shop.test/", proxy=through(proxy), timeout=0.2)
    assert error.reason in reasons
    assert SECRET not in shown(error)
    assert LOGIN.split()[1] not in shown(error)


@case(
    "http", "proxy-takes-no-connection", behaviour="The proxy takes no connection.",
    expectation="connect_timeout.", source="own measurement",
)  # fmt: skip
async def test_a_proxy_that_takes_no_connection_is_a_timeout():
    with full_port() as port:
        error = await fail_at("http://shop.test/", proxy=f"http://127.0.0.1:{port}", connect_timeout=0.1)
    assert type(error) is ConnectTimeout


@case(
    "addresses", "proxy-and-guard", behaviour="A page leads to a private address while a proxy is in use.",
    expectation="unsafe_address: it is never handed to the proxy, whose own address is the user's choice.",
    source="CWE-918",
)  # fmt: skip
async def test_the_guard_stands_in_front_of_the_proxy():
    async with Server(tunnels(0)) as proxy, client(proxy=proxy.base, guard=AddressGuard()) as it:
        for host in ("127.0.0.1:1", "10.0.0.1", "169.254.169.254", "[::1]", "localhost"):
            with pytest.raises(UnsafeAddress):
                await it.fetch(Request(f"http://{host}/"))
        assert (await it.fetch(Request("http://shop.test.example.com/"))).body == b"by proxy"
    assert proxy.targets == ["http://shop.test.example.com/"]


@table(
    "http", ("environ", "url", "expected"),
    [
        row("environment-not-asked", None, "http://a.test/", "", behaviour="nobody asked for it"),
        row("environment-http", {"http_proxy": "http://p:1"}, "http://a.test/", "p", behaviour="http_proxy"),
        row("environment-https", {"HTTPS_PROXY": "http://p:1"}, "https://a.test/", "p", behaviour="HTTPS_PROXY"),
        row("environment-https-for-http", {"HTTPS_PROXY": "http://p:1"}, "http://a.test/", "",
            behaviour="HTTPS_PROXY, for an http: URL"),
        row("environment-all", {"ALL_PROXY": "p:1"}, "http://a.test/", "p", behaviour="ALL_PROXY without a scheme"),
        row("environment-no-proxy", {"http_proxy": "http://p:1", "no_proxy": "x, .a.test"}, "http://b.a.test/", "",
            behaviour="the host in NO_PROXY"),
        row("environment-no-proxy-suffix", {"http_proxy": "http://p:1", "no_proxy": "a.test"}, "http://ba.test/", "p",
            behaviour="a host that merely ends like one in NO_PROXY"),
        row("environment-no-proxy-star", {"http_proxy": "http://p:1", "NO_PROXY": "*"}, "http://a.test/", "",
            behaviour="NO_PROXY is a star"),
        row("environment-httpoxy", {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http://a.test/", "",
            behaviour="HTTP_PROXY under CGI, where a visitor may have set it"),
    ],
    behaviour="The environment names a proxy:", expectation="It counts only where it was asked for, by curl's rules.",
    source="curl(1) ENVIRONMENT; CVE-2016-5385 (httpoxy)",
)  # fmt: skip
async def test_the_environment_counts_when_asked(environ, url, expected):
    scheme, _, rest = url.partition("://")
    if environ is None:
        os.environ["HTTP_PROXY"] = "http://127.0.0.1:1"
        try:
            async with Server(HI) as site:
                assert (await get_at(site.base)).body == b"hi"
        finally:
            del os.environ["HTTP_PROXY"]
        return
    chosen = ProxyChoice(ENVIRONMENT, environ).choose(scheme, rest.strip("/"))
    assert (chosen.host if chosen else "") == expected


@table(
    "http", ("text",),
    [
        row("proxy-url-no-scheme", f"user:{SECRET}@p:1", behaviour="no scheme"),
        row("proxy-url-ftp", f"ftp://user:{SECRET}@p:1", behaviour="a scheme that no proxy speaks"),
        row("proxy-url-port", f"http://user:{SECRET}@p:99999", behaviour="a port that is none"),
        row("proxy-url-path", f"http://user:{SECRET}@p:1/path", behaviour="a path"),
        row("proxy-url-word", SECRET, behaviour="a word"),
    ],
    behaviour="fetch.proxy has", expectation="The config is refused, naming the cure and never quoting the value.",
    source="own design",
)  # fmt: skip
async def test_a_wrong_proxy_is_refused_without_quoting_it(text):
    with pytest.raises(ConfigError, match="write http://host:port") as caught:
        from_kwargs({"fetch": {"proxy": text}})
    assert SECRET not in str(caught.value)


@case(
    "http", "proxy-never-shown", behaviour="Config, plan and client are printed.",
    expectation="None of them shows the proxy's password.", source="CWE-532",
)  # fmt: skip
async def test_a_proxys_password_is_in_no_repr():
    text = f"http://user:{SECRET}@p:1"
    for thing in (
        from_kwargs({"fetch": {"proxy": text}}),
        parse_proxy(text),
        ProxyChoice(text, {}),
        client(proxy=text),
    ):
        assert SECRET not in repr(thing)


@case(
    "http", "socks-without-extra", behaviour="A SOCKS proxy is configured and the extra is not installed.",
    expectation="The config is refused and names the extra; nothing is fetched past the proxy.", source="own design",
)  # fmt: skip
async def test_socks_without_its_extra_names_it():
    if SOCKS:
        pytest.skip("the extra is installed")
    with pytest.raises(
        ConfigError, match=r"fetch\.proxy: a SOCKS proxy needs an extra; pip install 'scraper\[socks\]'"
    ):
        client(proxy=f"socks5://user:{SECRET}@127.0.0.1:1")


class Socks5:
    """A SOCKS5 server with a login; it notes what it was asked for and leads all of it to `port` (0: it refuses)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, int]] = []
        self.logins: list[bytes] = []

    async def serve(self, reader, writer) -> None:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x02")
        _, size = await reader.readexactly(2)
        user = await reader.readexactly(size)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        self.logins.append(user + b":" + password)
        writer.write(b"\x01\x00")
        _, _, _, kind = await reader.readexactly(4)
        assert kind == 3, "a name, not an address"
        host = await reader.readexactly((await reader.readexactly(1))[0])
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.asked.append((host.decode(), port))
        if not self.port:
            writer.write(b"\x05\x02\x00\x01" + bytes(6))
            writer.close()
            return
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        site_reader, site_writer = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(pipe(reader, site_writer), pipe(site_reader, writer))


@pytest.fixture
def needs_socks():
    if not SOCKS:
        pytest.skip("the extra is not installed")


@case(
    "http", "socks-fetches", behaviour="http: and https: URLs are fetched through a SOCKS5 proxy with a login.",
    expectation="Both come; the proxy looks the names up, and certificates are verified.", source="RFC 1928, RFC 1929",
)  # fmt: skip
async def test_socks_leads_plain_and_tls_through(needs_socks):
    async with Server(HI) as plain, Server(HI, tls="good") as secure:
        socks = Socks5(plain.port)
        async with Server(raw=socks.serve) as listening:
            proxy = f"socks5://user:{SECRET}@127.0.0.1:{listening.port}"
            assert (await get_at("http://shop.test/", proxy=proxy, look_up=None)).body == b"hi"
            socks.port = secure.port
            assert (await get_at("https://shop.test/", proxy=proxy, verify_tls=str(TLS / "ca.pem"))).body == b"hi"
    assert socks.asked == [("shop.test", 80), ("shop.test", 443)]
    assert socks.logins == [f"user:{SECRET}".encode()] * 2


@case(
    "http", "socks-refuses", behaviour="The SOCKS proxy refuses, or is not there.",
    expectation="proxy: a failure that names it, without its password; one connection was tried.",
    source="RFC 1928 6",
)  # fmt: skip
async def test_a_socks_refusal_is_the_proxys_failure(needs_socks):
    socks = Socks5(0)
    async with Server(raw=socks.serve) as listening:
        proxy = f"socks5://user:{SECRET}@127.0.0.1:{listening.port}"
        error = await fail_at("http://shop.test/", proxy=proxy)
    gone = await fail_at("http://shop.test/", proxy=proxy)
    assert (type(error), type(gone)) == (ProxyError, ProxyError)
    assert "the proxy refused" in str(error)
    assert "no connection to the proxy" in str(gone)
    assert SECRET not in shown(error) + shown(gone)
    assert len(socks.asked) == 1


@case(
    "http", "socks-silent", behaviour="The SOCKS proxy accepts and says nothing.",
    expectation="proxy or connect_timeout, within the connect timeout.", source="RFC 1928 3",
)  # fmt: skip
async def test_a_silent_socks_proxy_ends_in_time(needs_socks):
    async def mute(reader, writer):
        await reader.read()

    async with Server(raw=mute) as listening:
        error = await fail_at("http://shop.test/", proxy=f"socks5://127.0.0.1:{listening.port}", connect_timeout=0.1)
    assert error.reason in ("proxy", "connect_timeout")
