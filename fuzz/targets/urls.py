"""URLs: parse, join, canonical form, fast path against parser, traps, scope, what does not matter, secrets, addresses.

The first line of an input is a base URL, the second a reference, the third an entry of `scope.hosts`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import canonical_url, printable, unicode_text
from fuzz.target import Target
from scraper.engine.door import Door
from scraper.errors import ConfigError, InvalidURL
from scraper.fetch.guard import AddressGuard
from scraper.hrefs import Base
from scraper.outcome import Reason
from scraper.policy.canon import ORDER, SESSIONS, TRACKING, Canon
from scraper.policy.referer import referer
from scraper.policy.scope import Scope
from scraper.policy.traps import trap
from scraper.request import Request
from scraper.urls import Url, base_of, canonical, hostname, join, origin, without_secrets

__all__ = ["UrlsTarget"]

YEAR = 2026
PASSWORD = "pa55w0rd"
SITE = Url("http://site.test/folder/page?q=1")
CANON = Canon((TRACKING, SESSIONS, ORDER, "?ref*", "?a*b*c"))
LONGEST_SHOWN = 4500  # characters of a message about a URL: two quotations of 200, each as \\U0001f600 at worst


class UrlsTarget(Target):
    """A text is a canonical http(s) URL or InvalidURL, and everything that is decided from it is decided."""

    name: ClassVar[str] = "urls"
    rooms: ClassVar[str] = (
        "urls, hrefs, policy.canon, policy.traps, policy.scope, policy.referer, fetch.guard, engine.door"
    )
    weight: ClassVar[float] = 1.5
    largest: ClassVar[int] = 16 * 1024
    base_seconds: ClassVar[float] = 0.05
    kilobyte_seconds: ClassVar[float] = 0.01
    tokens: ClassVar[tuple[bytes, ...]] = (
        b"http://", b"https://", b"//", b"../", b"./", b"%2e%2e/", b"%2E", b"@", b":", b":80", b":65536", b"[::1]",
        b"[::ffff:1.2.3.4]",
        b"0x7f.1", b"017700000001", b"127.1", b"xn--", b"xn--a", "ü".encode(), "。".encode(), "１".encode(), b"\\",
        b"\t", b"\n", b"\r", b"?",
        b"#", b"%", b"%zz", b"%00", b";jsessionid=1", b"/(S(abc))/", b"utm_source=a&", b"&", b"=", b"calendar/",
        b"2099-12", b"year=3000&",
        b"month=1", b"a/b/", b"javascript:", b"data:,x", b"file:///", b"blob:", b"mailto:a@b", b"user:pa55w0rd@",
        b"ref1=", b"/a" * 20,
        b" ", b"|", b"^", b"`", b"{", b"*", b"<", b'"', b"'", b"localhost", b"a..b", b".", b"-", b"_",
    )  # fmt: skip

    def open(self) -> None:
        """Make ready."""
        self._scope = _scope(("site.test", "127.0.0.1:8080", "[::1]"), url_length=2000)
        self._guard = AddressGuard()

    def seeds(self) -> Iterable[bytes]:
        """Return URLs of every sort."""
        yield from (
            b"http://site.test/a/b?c=d#e\n../x?y\nsite.test",
            b"HTTP://User:pa55w0rd@Site.Test:80/%7Efoo/../a b\n//other.test/\nother.test:8080",
            b"https://[::FFFF:127.0.0.1]:8443/\n?q=\xc3\xa4&utm_source=x\n[::1]",
            b"http://0x7f.1/\n/\\x/./y/%2e%2e/z\n127.0.0.1",
            "http://bücher.example/ü\nfile:///etc/passwd\nbücher.example".encode(),
            b"http://site.test/\njavascript:alert(1)\n*.site.test",
            b"http://site.test/calendar/2099/12\n?year=2099&month=1\n.site.test",
            b"http://site.test/a/b/a/b/a/b/a/b\n;jsessionid=F00\nsite.test:99999",
            b"site.test/x\n \thttp:x\nhttp://site.test", b"http://a.b/?x=1&x=1&x=1\n#f\n::1",
            b"http://s.test/?" + b"a&" * 3000 + b"\n/\nx",
        )  # fmt: skip

    def strategy(self) -> SearchStrategy[bytes]:
        """Return URLs of parts, each right or odd."""
        scheme = st.sampled_from(
            [
                "http://",
                "https://",
                "HTTP:",
                "http:/",
                "//",
                "http:\\\\",
                "ftp://",
                "file:///",
                "data:",
                "javascript:",
                "",
            ]
        )
        user = st.sampled_from(["", "", "", "u@", f"u:{PASSWORD}@", "@", "a@b@", ":@"])
        label = st.one_of(
            st.sampled_from(
                ["site", "a", "127", "0x7f", "1", "xn--bcher-kva", "bücher", "ß", "_x", "-", "[::1]", "256"]
            ),
            st.text(max_size=4),
        )
        host = st.lists(label, min_size=1, max_size=4).map(".".join)
        port = st.sampled_from(["", "", ":80", ":443", ":0", ":65535", ":65536", ":", ":8a"])
        word = st.one_of(
            st.sampled_from(
                ["a", "b", "..", ".", "", "%2e", "2099", "calendar", "a;jsessionid=1", "(S(x))", "é", "a b"]
            ),
            st.text(max_size=5),
        )
        path = st.lists(word, max_size=12).map("/".join)
        pair = st.one_of(
            st.builds("{}={}".format, st.sampled_from(["utm_source", "a", "ref2", "year", "month", "sid"]), word),
            st.text(max_size=5),
        )
        query = st.one_of(st.just(""), st.lists(pair, max_size=8).map("&".join).map("?{}".format))
        end = st.sampled_from(["", "", "#f", "#", " ", "\t"])
        url = st.builds("{}{}{}{}/{}{}{}".format, scheme, user, host, port, path, query, end)
        reference = st.one_of(
            url,
            st.builds("{}{}{}".format, path, query, end),
            st.builds("/{}{}".format, path, query),
            st.text(max_size=20),
        )
        entry = st.one_of(st.builds("{}{}".format, host, port), st.text(max_size=8))
        return st.builds(lambda *lines: "\n".join(lines).encode("utf-8", "surrogatepass"), url, reference, entry)

    def check(self, data: bytes) -> None:
        """Parse the base, join the reference, decide about what came out."""
        first, _, rest = data.partition(b"\n")
        second, _, third = rest.partition(b"\n")
        base, reference, entry = map(_text, (first, second, third))
        found = [url for url in (_parsed(base), _joined(SITE, reference)) if url is not None]
        if found and type(found[0]) is Url:
            start = found[0]
            joined = _joined(start, reference)
            _fast_path(start, reference)
            found += [joined] if joined is not None else []
            unicode_text(base_of(start, reference))
        for url in found:
            self._decide(url, reference)
        shown = without_secrets(base)
        assert f"{PASSWORD}@" not in shown or base[:7].lower() == "mailto:", "what is before the last @ is not shown"
        _hosts(entry, found)

    def _decide(self, url: Url, reference: str) -> None:
        canonical_url(url)
        assert trap(url, YEAR) in (None, Reason.TRAP_REPETITION, Reason.TRAP_CALENDAR), "a trap has a reason"
        short = CANON.canonical(url)
        canonical_url(short)
        assert CANON.canonical(short) == short, "what does not matter is gone after one cut"
        assert origin(short) == origin(url), "a cut leaves the origin"
        accepted, refused, _ = Door(self._scope).admit([Request(url)])
        assert len(accepted) + len(refused) == 1, "a request comes in or is refused"
        assert isinstance(self._guard.refuses_unseen(hostname(url)), str), "a host may be reached or there is a why"
        told = referer(reference, url)
        assert told == "" or told.startswith(origin(Url(canonical(told)))), "a Referer is a URL"
        if told and origin(canonical(told)) != origin(url):
            assert told == origin(canonical(told)) + "/", "another origin learns no more than the origin"


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _parsed(text: str) -> Url | None:
    try:
        return canonical(text)
    except InvalidURL as error:
        _message(error)
        return None


def _joined(base: str, reference: str) -> Url | None:
    try:
        return join(base, reference)
    except InvalidURL as error:
        _message(error)
        return None


def _message(error: InvalidURL) -> None:
    printable(str(error))
    assert len(str(error)) < LONGEST_SHOWN, "a message is short"
    address = "mailto:" in str(error).lower()  # what stands before its @ is a name
    assert address or f":{PASSWORD}@" not in str(error), "a message shows no password"


def _fast_path(base: Url, reference: str) -> None:
    """Cutting strings gives what the parser gives, or nothing."""
    quick = Base(base).resolve(reference)
    if quick is not None:
        try:
            slow = join(str(base), reference)  # a plain str takes the parser's way
        except InvalidURL:
            raise AssertionError("what the parser refuses is not cut either") from None
        assert quick == slow, "cutting and parsing agree"


def _hosts(entry: str, urls: Iterable[Url]) -> None:
    """An entry of `scope.hosts` is a host or a ConfigError; it admits only its host, or what is below."""
    try:
        scope = _scope((entry,), url_length=10**6)
    except ConfigError as error:
        printable(str(error).replace(repr(entry), ""))
        return
    for url in urls:
        if scope.refuses(Request(url)) is None:
            name = hostname(url)
            bare = entry.strip().lower()
            if bare.isascii() and bare.replace(".", "").isalnum() and not bare.rpartition(".")[2][:1].isdigit():
                assert name == bare or name.endswith("." + bare), "a host is admitted by whole labels"


def _scope(hosts: tuple[str, ...], *, url_length: int) -> Scope:
    return Scope(
        hosts=hosts, subdomains=True, allow=(), deny=(), depth=3, url_length=url_length, ignore=(TRACKING, SESSIONS)
    )
