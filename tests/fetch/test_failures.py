"""Each way in which an exchange fails has its own exception, with a message that names the request."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from scraper.errors import (
    BodyTooLarge,
    ChunkedEncodingError,
    ConnectionError,  # noqa: A004
    ConnectTimeout,
    ContentDecodingError,
    DNSError,
    MalformedResponse,
    ReadTimeout,
    RequestException,
    SSLError,
)
from scraper.request import Request

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def full_port():
    """A port whose queue of connections is full: nobody accepts, nobody refuses."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        held = [socket.socket() for _ in range(3)]
        for one in held:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for one in held:
            one.close()


async def test_a_name_without_address_is_a_dns_error(fail):
    """The host name cannot be looked up, nor one with a label that DNS does not allow."""
    for name in ("nowhere.invalid", "a" * 64 + ".invalid"):
        error = await fail(f"http://{name}/")
        assert type(error) is DNSError
        assert "could not be looked up" in str(error)


async def test_a_refused_connection_is_a_connection_error(fail):
    """Nobody listens there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = await fail(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert type(error) is ConnectionError
    assert str(error).endswith("no connection: Connection refused")


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_a_connection_without_an_answer_is_a_connection_error(raw, fail, then):
    """The server took the request and closed or reset the connection."""
    assert type(await fail((await raw(b"", then=then)).base)) is ConnectionError


async def test_half_a_head_is_a_connection_error(raw, fail):
    """The answer broke off within its headers."""
    assert type(await fail((await raw(OK + b"Content-Ty")).base)) is ConnectionError


@pytest.mark.parametrize("limit", [{"connect_timeout": 0.05}, {"timeout": 0.05}])
async def test_a_port_that_never_accepts_is_a_connect_timeout(full_port, fail, limit):
    """Whichever limit ends it, no connection is a ConnectTimeout."""
    error = await fail(f"http://127.0.0.1:{full_port}/", **limit)
    assert type(error) is ConnectTimeout
    assert str(error).endswith("no connection in time")


async def test_a_tls_handshake_that_never_comes_is_a_connect_timeout(raw, fail):
    """A server that accepts and does not speak TLS back has made no connection."""

    async def mute(reader, writer):
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert type(await fail(f"https://127.0.0.1:{port}/", connect_timeout=0.05)) is ConnectTimeout
    server.close()


@pytest.mark.parametrize(
    ("answer", "then"), [(b"", "hold"), (OK + b"Content-Length: 99\r\n\r\n", "hold"), (OK + b"\r\n", "drip")]
)
async def test_an_answer_that_does_not_end_is_a_read_timeout(raw, fail, answer, then):
    """Silence, a stalled body and a drip feed all end with the total time."""
    started = time.monotonic()
    assert type(await fail((await raw(answer, then=then)).base, timeout=0.1)) is ReadTimeout
    assert time.monotonic() - started < 2


async def test_the_timeout_of_a_fetch_replaces_the_fetchers(raw, make):
    """`timeout=` counts for this fetch, and time that is used up is no time at all."""
    server = await raw(b"", then="hold")
    async with make(timeout=60.0) as it:
        for timeout in (0.05, 0.0, -1.0):
            with pytest.raises((ReadTimeout, ConnectTimeout)):
                await it.fetch(Request(server.base), timeout=timeout)


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("start", [OK + b"Content-Length: 50\r\n\r\nhalf", CHUNKED + b"4\r\nhalf\r\n"])
async def test_a_body_cut_short_is_an_error(raw, fail, start, then):
    """Less than Content-Length, or no last chunk, is no page."""
    assert type(await fail((await raw(start, then=then)).base)) is ChunkedEncodingError


async def test_a_body_without_length_ends_with_its_connection(raw, get, fail):
    """A close is its end, a reset is not."""
    assert (await get((await raw(OK + b"\r\nwhole")).base)).text == "whole"
    assert type(await fail((await raw(OK + b"\r\nhalf", then="reset")).base)) is ChunkedEncodingError


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        OK + b"Bad Name: x\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        OK + b"X: " + b"secret" * 20_000 + b"\r\n\r\n",
        OK + b"".join(b"X%d: 1\r\n" % number for number in range(300)) + b"\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"4\r\nhalf\r\nzz\r\n",
    ],
)
async def test_what_is_not_http_is_malformed(raw, fail, answer):
    """aiohttp calls these status 400; the site never said so, and its bytes are not quoted."""
    error = await fail((await raw(answer, then="hold")).base)
    assert type(error) is MalformedResponse
    assert "400" not in str(error).partition("/: ")[2]
    assert "secret" not in str(error)
    assert len(str(error)) < 250


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br"])
async def test_a_body_that_is_not_in_its_encoding_is_an_error(raw, fail, encoding):
    """Garbage, and encodings that were not asked for."""
    answer = OK + b"Content-Encoding: " + encoding + b"\r\n\r\n\xff\xff\xffplain text"
    assert type(await fail((await raw(answer)).base)) is ContentDecodingError


async def test_a_body_that_announces_too_much_is_not_read(raw, fail):
    """Content-Length above the limit ends the fetch at once and closes the connection."""
    server = await raw(OK + b"Content-Length: 2000000\r\n\r\n", then="hold")
    error = await fail(server.base, timeout=5.0)
    assert type(error) is BodyTooLarge
    assert "2,000,000 bytes, more than the 1,000,000 allowed" in str(error)
    await _until(lambda: server.open == 0)


async def test_a_body_that_grows_too_large_closes_the_connection(raw, fail):
    """The limit counts what came, whatever was announced."""
    server = await raw(OK + b"\r\n" + b"x" * 5000, then="hold")
    assert type(await fail(server.base, max_body=4000)) is BodyTooLarge
    await _until(lambda: server.open == 0)


async def test_head_may_announce_any_length(raw, get):
    """HEAD's Content-Length is that of a body which does not come."""
    server = await raw(OK + b"Content-Length: 2000000\r\nContent-Encoding: gzip\r\n\r\n", then="keep")
    assert (await get(server.base, request={"method": "HEAD"})).body == b""


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GE T"},
        {"headers": {"X": "a\r\nEvil: 1"}},
        {"headers": {"X": 1}},
    ],
)
async def test_a_request_that_cannot_be_sent_is_a_request_exception(raw, fail, request_):
    """Nobody smuggles a header in; the server sees nothing of it."""
    server = await raw(OK + b"Content-Length: 0\r\n\r\n")
    error = await fail(server.base, request=request_)
    assert isinstance(error, RequestException)
    assert server.seen == []


async def test_messages_name_the_request_and_never_a_password(raw, fail):
    """`METHOD URL: what happened`, the cause attached, user names and passwords gone."""
    server = await raw(b"")
    login = {"headers": {"Authorization": "Basic c2VjcmV0"}}
    error = await fail(f"http://user:hunter2@127.0.0.1:{server.port}/a?b#c", request=login)
    assert str(error).startswith(f"GET http://127.0.0.1:{server.port}/a?b: ")
    assert error.request.url == f"http://127.0.0.1:{server.port}/a?b"
    assert error.__cause__ is not None
    shown = str(error) + str(error.__cause__)
    assert "hunter2" not in shown
    assert "c2VjcmV0" not in shown


@pytest.mark.parametrize(
    ("certificate", "fault"),
    [("expired", "has expired"), ("other", "is for another"), ("self", "is self-signed"), ("good", "")],
)
async def test_tls_errors_name_the_fault(raw, make, tls_folder, certificate, fault):
    """Expired, for another host, self-signed: the message says which; a good certificate passes."""
    server = await raw(OK + b"Content-Length: 2\r\n\r\nhi", tls=certificate)
    place = {"shop.test": f"127.0.0.1:{server.port}"}
    async with make(verify_tls=str(tls_folder / "ca.pem"), connect_to=place) as it:
        for host in ("shop.test", f"127.0.0.1:{server.port}"):
            if not fault:
                assert (await it.fetch(Request(f"https://{host}/"))).text == "hi"
                continue
            with pytest.raises(SSLError, match=f"the certificate {fault}"):
                await it.fetch(Request(f"https://{host}/"))


async def test_tls_without_verification_takes_any_certificate(raw, get, fail):
    """verify_tls=False is what it says; by default an unknown authority is refused."""
    server = await raw(OK + b"Content-Length: 2\r\n\r\nhi", tls="expired")
    url = f"https://127.0.0.1:{server.port}/"
    assert (await get(url, verify_tls=False)).text == "hi"
    assert type(await fail(url)) is SSLError


async def test_tls_with_a_server_that_speaks_none_is_an_ssl_error(raw, fail):
    """Plain HTTP on an https: port names the protocol, not the certificate."""

    async def plain(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    error = await fail(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert type(error) is SSLError
    assert "does not speak TLS on this port (WRONG_VERSION_NUMBER)" in str(error)


async def test_a_missing_file_of_certificates_is_named(fail, tmp_path):
    """verify_tls may be a path; one that cannot be read is an error that names it."""
    error = await fail("https://127.0.0.1:1/", verify_tls=str(tmp_path / "none.pem"))
    assert type(error) is SSLError
    assert "none.pem" in str(error)


async def _until(condition):
    async with asyncio.timeout(1):
        while not condition():
            await asyncio.sleep(0.001)
