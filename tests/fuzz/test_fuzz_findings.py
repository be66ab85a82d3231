"""What fuzzing found, in words: each defect that was repaired, as a rule of its room."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from scraper.clock import SystemClock
from scraper.errors import ContentDecodingError, InvalidURL, ItemError, MalformedResponse, RequestException
from scraper.fetch.body import BodyReader
from scraper.fetch.client import AiohttpFetcher
from scraper.fetch.cookies import load_cookies, save_cookies
from scraper.fetch.decoding import ACCEPT_ENCODING
from scraper.item import to_record
from scraper.parsing.flatten import MAX_DEPTH
from scraper.parsing.gate import SHORT_PAGE, is_suspicious
from scraper.policy.canon import Canon
from scraper.policy.cookies import CookieJar
from scraper.policy.refresh import refresh_target
from scraper.policy.robots import parse
from scraper.request import Request
from scraper.sinks import table
from scraper.urls import Url, canonical

QUICK = 1.0  # seconds of processor time, on a slow day; each of these takes a few hundredths and took many seconds
REQUEST = Request("http://site.test/")
NOW = 1_790_000_000.0


async def body_of(encoding: str, *pieces: bytes) -> bytes | str:
    """Return the decoded body that comes in `pieces`, or the name of the error."""
    try:
        return await BodyReader(REQUEST, encoding=encoding, limit=10_000_000).read(one_after_the_other(*pieces))
    except RequestException as error:
        return type(error).__name__


def one_after_the_other(*pieces: bytes) -> Callable[[], Awaitable[bytes]]:
    """Return what gives out the `pieces`, then the end."""
    waiting = [*pieces, b""]

    async def more() -> bytes:
        return waiting.pop(0)

    return more


@pytest.mark.skipif("br" not in ACCEPT_ENCODING, reason="the extra `speed` is not installed")
async def test_a_brotli_body_that_unpacks_to_much_is_read_to_its_end() -> None:
    """The decoder may hold output back although it takes more input: that is no end (three megabytes from 14 bytes)."""
    packed = bytes.fromhex("9bbfc62df82700e2b14020cfb705")
    assert await body_of("br", packed) == b"\0" * 3_000_000


@pytest.mark.skipif("br" not in ACCEPT_ENCODING, reason="the extra `speed` is not installed")
async def test_what_follows_a_brotli_stream_is_an_error_however_it_is_cut() -> None:
    """A network's packets do not decide what a body is."""
    assert await body_of("br", b"\x33a") == ContentDecodingError.__name__
    assert await body_of("br", b"\x33", b"a") == ContentDecodingError.__name__
    assert await body_of("br", b"\x33") == b""


@pytest.mark.skipif("zstd" not in ACCEPT_ENCODING, reason="the extra `speed` is not installed")
async def test_padding_behind_zstd_stays_padding_in_the_next_piece() -> None:
    """A byte in the padding that looks like the start of a frame is none, wherever the pieces are cut."""
    frame, padding = bytes.fromhex("28b52ffd2004210000") + b"page", b"xxx"
    assert await body_of("zstd", frame + padding + b"(") == b"page"
    assert await body_of("zstd", frame + padding, b"(") == b"page"


@pytest.mark.parametrize("label", ["gzip\x0c", "gzip, \x1b[2J", "gzip, " + "x" * 60_000])
async def test_an_error_about_a_coding_names_known_words_alone(label: str) -> None:
    """A server's text is neither quoted in full nor with what controls a terminal."""
    with pytest.raises(ContentDecodingError) as caught:
        await BodyReader(REQUEST, encoding=label, limit=1000).read(one_after_the_other(b"a"))
    assert str(caught.value) == "GET http://site.test/: the body is not valid gzip"


@pytest.mark.parametrize("value", ["a\x93", "caf\xe9\xa0", "\u200b", "a\tb"])
def test_a_jar_with_an_odd_cookie_is_loaded_again(value: str, tmp_path: Path) -> None:
    """What a server may set, and the jar keeps, is no reason to refuse the whole file of cookies."""
    jar = CookieJar()
    jar.receive(REQUEST.url, [f"a={value}", "login=1"], NOW)
    save_cookies(tmp_path / "jar", jar)
    assert sorted(cookie.name for cookie in load_cookies(tmp_path / "jar")) == ["a", "login"]


def test_a_jar_with_a_cookie_of_a_path_with_parameters_is_loaded_again(tmp_path: Path) -> None:
    """A path may hold a semicolon (`/;jsessionid=1/`); only in a name or a value it would begin something else."""
    jar = CookieJar()
    jar.receive(Url("http://site.test/;jsessionid=1/page"), ["login=1"], NOW)
    save_cookies(tmp_path / "jar", jar)
    assert [cookie.path for cookie in load_cookies(tmp_path / "jar")] == ["/;jsessionid=1"]


def test_a_refresh_of_many_digits_is_read_in_time_with_its_length() -> None:
    """Digits that lead to nothing were read from each of them anew (200 kB: minutes)."""
    began = time.process_time()
    assert refresh_target("1" * 200_000 + "x") == ""
    assert refresh_target("1" * 200_000 + ";url=/a") == "/a"
    assert time.process_time() - began < QUICK


def test_a_crawl_delay_of_many_digits_is_read_in_time_with_its_length() -> None:
    """The same in robots.txt, where a file has room for many such lines."""
    began = time.process_time()
    rules = parse(b"User-agent: *\n" + (b"Crawl-delay: " + b"1" * 16_000 + b"x\n") * 30, "scraper")
    assert rules.delay is None
    assert time.process_time() - began < QUICK


def test_a_pattern_of_names_is_matched_in_time_with_the_name() -> None:
    """`?a*b*c` in scope.ignore stands for names alone, and a long one does not hold up the crawl."""
    canon = Canon(["?a*b*c"])
    began = time.process_time()
    url = Url("http://site.test/?" + "ab" * 50_000)
    assert canon.canonical(url) == url
    assert time.process_time() - began < QUICK
    assert canon.canonical(Url("http://site.test/?axxbyyc=1&b=2")) == "http://site.test/?b=2"
    assert canon.canonical(Url("http://site.test/?abc=1&abx=c")) == "http://site.test/?abx=c"


@pytest.mark.parametrize(
    ("path", "cut"), [("a/%2e;jsessionid=1", "a/"), ("a/b/..;jsessionid=1", "a/"), ("a;jsessionid=1", "a")]
)
def test_a_url_is_canonical_after_what_does_not_matter_was_cut(path: str, cut: str) -> None:
    """A session id may hide a dot segment from the parser; without it the segment counts, and one page has one URL."""
    assert Canon(["sessions"]).canonical(canonical(f"http://site.test/{path}")) == f"http://site.test/{cut}"


@pytest.mark.parametrize("text", ["f" * 100_000 + ":x", "http://" + "\U0001f600" * 100_000 + "%", "x" * 100_000])
def test_a_message_about_a_url_is_short(text: str) -> None:
    """A redirect's Location of any length does not fill the state file with its error."""
    with pytest.raises(InvalidURL) as caught:
        canonical(text)
    assert len(str(caught.value)) < 4500


def test_a_short_page_may_not_be_deep_either() -> None:
    """Three thousand nested elements fit into 16 kB, and to read the text of each takes time with their square."""
    assert is_suspicious(b"<div>" * 3000)
    assert len(b"<div>" * 3000) < SHORT_PAGE
    assert not is_suspicious(b"<p>a line</p>\n" * 1000)
    assert not is_suspicious(b"<ul>" + b"<li>x</li>" * MAX_DEPTH + b"</ul>")


def test_a_column_whose_name_begins_with_a_byte_order_mark_stays_a_column(tmp_path: Path) -> None:
    """Bare at the start of the file every reader would take it for the file's own, and the next append for another."""
    spool, first = tmp_path / "spool", io.BytesIO()
    spool.write_bytes('{"\ufeffname":"a","":"b"}\n'.encode())
    table.write_table(first, str(spool), fields=None, existing=iter(()), origin="")
    (tmp_path / "old.csv").write_bytes(first.getvalue())
    table.check_table(str(tmp_path / "old.csv"), compress=False, fields=None)
    second = io.BytesIO()
    rows = table.read_rows(str(tmp_path / "old.csv"), compress=False)
    table.write_table(second, str(spool), fields=None, existing=rows, origin="")
    read = list(csv.reader(io.StringIO(second.getvalue().decode(), newline=""), strict=True))
    assert read == [["\ufeffname", ""], ["a", "b"], ["a", "b"]]


@pytest.mark.parametrize("key", [1 << 20_000, float("nan")], ids=["long", "nan"])
def test_a_key_that_json_cannot_hold_is_a_fault_of_the_item(key: object) -> None:
    """Python itself refuses to write an integer of 6,000 digits; that is an ItemError too, not a ValueError."""
    with pytest.raises(ItemError, match="a key"):
        to_record({key: 1})
    with pytest.raises(ItemError, match="field 'inner"):
        to_record({"inner": {key: 1}})
    with pytest.raises(ItemError, match="field 'wrong'"):
        to_record({key: 1, "wrong": object()})


async def test_a_status_below_100_is_no_answer() -> None:
    """RFC 9110, 15: three digits from 100; 099 was a page that had come."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 099 x\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, client() as it:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(MalformedResponse, match="status 99"):
            await it.fetch(Request(f"http://127.0.0.1:{port}/"))


def client() -> AiohttpFetcher:
    """Return a client with limits that a test can wait for."""
    return AiohttpFetcher(
        clock=SystemClock(), user_agent="tests/1", connections=2, connections_per_host=0, timeout=5.0,
        connect_timeout=5.0, max_body=1000, verify_tls=True,
    )  # fmt: skip
