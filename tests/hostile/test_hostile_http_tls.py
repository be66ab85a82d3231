"""TLS: verified by default, and each way in which it fails has words of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
import warnings

import aiohttp
import pytest
from case import case, row, table
from http_fetching import client, fail_at, get_at
from servers import Server, answer, sends, tls_context

from scraper.errors import ConnectionError, SSLError  # noqa: A004
from scraper.fetch.connector import BoundedConnector
from scraper.request import Request

CLOSE_WAIT = 8  # tcp(7), TCP_INFO: the other side has closed
HI = sends(answer(b"hi"))


@table(
    "http", ("certificate", "host", "words"),
    [
        row("tls-expired", "expired", "shop.test", "the certificate has expired", behaviour="has expired"),
        row("tls-wrong-host", "other", "shop.test", "the certificate is for another host",
            behaviour="is for another host"),
        row("tls-wrong-address", "other", "", "the certificate is for another address",
            behaviour="is for another address than the IP literal"),
        row("tls-self-signed", "self", "shop.test", "the certificate is self-signed", behaviour="is self-signed"),
    ],
    behaviour="The certificate", expectation="tls: a failure that names this fault, and is not retried.",
    source="RFC 5280 6.1, RFC 9525 6; aiohttp quotes OpenSSL numbers",
)  # fmt: skip
async def test_each_fault_of_a_certificate_is_named(certificate, host, words):
    async with Server(HI, tls=certificate) as server:
        url = f"https://{host}/" if host else server.base
        error = await fail_at(url, connect_to={"shop.test": f"127.0.0.1:{server.port}"})
        assert (type(error), error.reason) == (SSLError, "tls")
        assert words in str(error)
        assert server.log == []


@case(
    "http", "tls-unknown-issuer",
    behaviour="The certificate's issuer is not among the trusted ones.",
    expectation="tls: the failure says that the issuer is not trusted here; verification is the default.",
    source="RFC 5280 6.1",
)  # fmt: skip
async def test_an_unknown_issuer_is_named():
    async with Server(HI, tls="good") as server:
        error = await fail_at(server.base, verify_tls=True)
        assert type(error) is SSLError
        assert "issuer is not trusted here" in str(error)
        assert server.log == []


@case(
    "http", "tls-good", behaviour="The certificate is in order.",
    expectation="The page is fetched, by name and by address.", source="RFC 9525 6",
)  # fmt: skip
async def test_a_good_certificate_passes():
    async with Server(HI, tls="good") as server:
        place = {"shop.test": f"127.0.0.1:{server.port}"}
        assert (await get_at("https://shop.test/", connect_to=place)).body == b"hi"
        assert (await get_at(server.base)).body == b"hi"


@case(
    "http", "tls-not-verified-by-choice", behaviour="A test server of one's own has an expired certificate.",
    expectation="verify_tls: false fetches it; nothing else does.", source="own design",
)  # fmt: skip
async def test_verification_is_switched_off_by_choice_alone():
    async with Server(HI, tls="expired") as server:
        assert (await get_at(server.base, verify_tls=False)).body == b"hi"


def old_tls() -> ssl.SSLContext:
    context = tls_context("good")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def other_ciphers() -> ssl.SSLContext:
    context = tls_context("good")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA256:@SECLEVEL=0")
    return context


def wants_certificate() -> ssl.SSLContext:
    context = tls_context("good")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def refuse(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Take one connection and fail in its handshake as OpenSSL does; asyncio would not send the alert."""
    connection, _ = listening.accept()
    with connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_side=True)


@table(
    "http", ("context", "words"),
    [
        row("tls-too-old", old_tls, "no TLS version that is safe today", behaviour="only TLS 1.1"),
        row("tls-no-common-cipher", other_ciphers, "no common cipher",
            behaviour="only a cipher without forward secrecy"),
    ],
    behaviour="The server speaks", expectation="tls: the failure says so.", source="RFC 8996, RFC 9325 4.1",
)  # fmt: skip
async def test_a_handshake_without_common_ground_is_named(context, words):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        handshake = asyncio.to_thread(refuse, listening, context())
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        _, error = await asyncio.gather(handshake, fail_at(url))
    assert type(error) is SSLError
    assert words in str(error)


@case(
    "http", "tls-client-certificate-wanted",
    behaviour="The server wants a certificate of the client, and says so after the handshake (TLS 1.3).",
    expectation="tls or connection: a failure, no page; nothing hangs.",
    source="RFC 8446 4.4.2.4",
)  # fmt: skip
async def test_a_wanted_client_certificate_is_a_failure():
    async with Server(HI, context=wants_certificate()) as server:
        error = await fail_at(server.base)
    assert isinstance(error, SSLError | ConnectionError)


@table(
    "http", ("greeting", "words"),
    [
        row("tls-plain-http-port", b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS on this port",
            behaviour="plain HTTP"),
        row("tls-garbage", bytes(range(1, 200)), "TLS: ", behaviour="garbage"),
    ],
    behaviour="On the https port the server speaks", expectation="tls: the failure names the protocol, no certificate.",
    source="RFC 8446 4.1.2",
)  # fmt: skip
async def test_no_tls_on_a_tls_port_is_named(greeting, words):
    async def plain(reader, writer):
        await reader.read(100)
        writer.write(greeting)
        await writer.drain()

    async with Server(raw=plain) as server:
        error = await fail_at(f"https://127.0.0.1:{server.port}/")
    assert type(error) is SSLError
    assert words in str(error)
    assert str(error).isprintable()


@case(
    "http", "tls-closed-in-handshake", behaviour="The server closes the connection within the handshake.",
    expectation="connection or tls: a failure that may pass; never a hang.", source="RFC 8446 6.1",
)  # fmt: skip
async def test_a_connection_closed_in_the_handshake_is_a_failure():
    async def closes(reader, writer):
        await reader.read(100)

    async with Server(raw=closes) as server:
        error = await fail_at(f"https://127.0.0.1:{server.port}/")
    assert isinstance(error, ConnectionError)


@case(
    "http", "http-on-plain-port-of-tls", behaviour="http: is asked on a port that speaks TLS.",
    expectation="connection or malformed: a failure that holds none of the bytes.", source="RFC 8446 6.2",
)  # fmt: skip
async def test_plain_http_to_a_tls_port_is_a_failure():
    async with Server(HI, tls="good") as server:
        error = await fail_at(server.base.replace("https:", "http:"))
    assert str(error).isprintable()


@case(
    "http", "tls-no-farewell",
    behaviour="The server leaves the client's close_notify without an answer and keeps the connection open.",
    expectation="The client waits for a second (here 0.1 s), not for asyncio's 30, and closes: no descriptor is held.",
    source="RFC 8446 6.1: nobody has to wait for the other's close_notify; own measurement",
)  # fmt: skip
async def test_a_server_that_does_not_say_farewell_is_left():
    context, listening, states = tls_context("good"), socket.create_server(("127.0.0.1", 0)), []

    def serve():
        with context.wrap_socket(listening.accept()[0], server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(answer(b"hi", "Connection: close"))
            for _ in range(50):  # it never reads again, so only the system tells it that the other side has closed
                time.sleep(0.01)
                states.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])
                if states[-1] == CLOSE_WAIT:
                    return

    serving = asyncio.create_task(asyncio.to_thread(serve))
    connector = BoundedConnector(idle=15.0, farewell=0.1, ssl=False)
    with listening:
        async with aiohttp.ClientSession(connector=connector) as session:
            async with session.get(f"https://127.0.0.1:{listening.getsockname()[1]}/") as page:
                assert await page.read() == b"hi"
            await serving
    assert states[0] != CLOSE_WAIT
    assert states[-1] == CLOSE_WAIT


@table(
    "http", ("version",),
    [row("tls-speaks-first-1.2", ssl.TLSVersion.TLSv1_2, behaviour="1.2"),
     row("tls-speaks-first-1.3", ssl.TLSVersion.TLSv1_3, behaviour="1.3")],
    behaviour="A busy server answers as soon as the handshake is over, unasked, and closes. TLS",
    expectation="That is the answer: 503, with its Retry-After.", source="RFC 9112 9.6; own measurement",
)  # fmt: skip
async def test_an_answer_that_comes_before_its_request_is_read(version):
    context = tls_context("good")
    context.maximum_version = version

    async def busy(reader, writer):
        writer.write(answer(b"busy", "Retry-After: 60", status="503 Busy"))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(busy, "127.0.0.1", 0, ssl=context) as server:
        page = await get_at(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert (page.status, page.headers["retry-after"]) == (503, "60")


@pytest.mark.parametrize("name", ["good"])
async def test_kept_tls_connections_are_used_again(name):
    """A handshake is paid for once."""
    async with Server(sends(answer(b"hi"), then="keep"), tls=name) as server, client() as it:
        for _ in range(3):
            await it.fetch(Request(server.base))
    assert server.connections == 1
