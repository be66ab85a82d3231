"""Cookies: Set-Cookie into a jar, the Cookie header out of it, over save and load, and files that are no jars.

The first line of an input is the URL that answers, each further one a Set-Cookie header. Who gets what back is checked
against a few other hosts.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import printable, unicode_text
from fuzz.target import Target
from scraper.errors import InvalidURL, StateDamaged
from scraper.fetch.cookies import load_cookies, save_cookies
from scraper.policy.cookies import ALTOGETHER, PER_DOMAIN, CookieJar
from scraper.policy.setcookie import MAX_LIFE, parse_date
from scraper.urls import Url, canonical, hostname

__all__ = ["CookiesTarget"]

NOW = 1_790_000_000.0  # epoch seconds
STRANGERS = tuple(
    map(
        Url,
        (
            "https://other.test/",
            "http://evil.co.uk/",
            "https://xn--bcher-kva.example/",
            "http://10.0.0.1/",
            "http://test/",
        ),
    )
)
FAMILY = tuple(
    map(Url, ("https://site.test/", "http://site.test/a/b", "https://www.site.test:8443/a", "http://site.test:8080/"))
)


class CookiesTarget(Target):
    """No header raises; a cookie goes back to its own site and to nobody else."""

    name: ClassVar[str] = "cookies"
    rooms: ClassVar[str] = "policy.setcookie, policy.cookies, fetch.cookies"
    largest: ClassVar[int] = 16 * 1024
    base_seconds: ClassVar[float] = 0.1
    kilobyte_seconds: ClassVar[float] = 0.03
    tokens: ClassVar[tuple[bytes, ...]] = (
        b"a=b", b"; ", b";", b"=", b"Domain=", b"Domain=.site.test", b"Domain=test", b"Domain=co.uk", b"Path=/",
        b"Path=/a", b"Secure", b"HttpOnly",
        b"Max-Age=", b"Max-Age=-1", b"Expires=", b"Wed, 21 Oct 2026 07:28:00 GMT", b"01-Jan-70 00:00:00",
        b"SameSite=None", b"__Host-", b"__Secure-",
        b"\n", b"\t", b"\0", b"\x7f", b"\xff", "ü".encode(), b"http://site.test/", b"https://www.site.test/a/b",
        b"http://127.0.0.1/", b"http://[::1]:8/",
    )  # fmt: skip

    def open(self) -> None:
        """Make ready."""
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-cookies-")
        self._file = Path(self._folder.name) / "jar"

    def close(self) -> None:
        """Release."""
        self._folder.cleanup()

    def seeds(self) -> Iterable[bytes]:
        """Return cookies of every sort."""
        yield from (
            b"http://site.test/\na=b",
            b"https://www.site.test/a/b\n__Host-x=1; Secure; Path=/\nid=2; Domain=site.test; Max-Age=10",
            b"http://site.test/x\na=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly\na=; Max-Age=0",
            b"http://a.co.uk/\nx=1; Domain=co.uk",
            b"http://127.0.0.1:8080/\nx=1; Domain=127.0.0.1\n=y\nz",
            b"http://site.test/\n" + b"\n".join(b"n%d=1" % n for n in range(60)),
        )  # fmt: skip

    def strategy(self) -> SearchStrategy[bytes]:
        """Return headers of attributes, right and odd."""
        url = st.sampled_from(
            [
                "http://site.test/",
                "https://www.site.test/a/b",
                "http://127.0.0.1/",
                "http://[::1]/x",
                "https://a.co.uk/",
                "http://test/",
            ]
        )
        odd = st.text(st.characters(blacklist_characters="\n"), max_size=12)
        attribute = st.one_of(
            st.sampled_from(["Secure", "HttpOnly", "Path=/", "Path=/a", "Path=a", "Domain=site.test", "Domain=.test",
            "Domain=", "Max-Age=0", "SameSite=Lax"]),
            st.integers().map("Max-Age={}".format), odd.map("Expires={}".format), odd.map("Domain={}".format), odd,
        )  # fmt: skip
        name = st.one_of(st.sampled_from(["a", "b", "__Host-a", "__Secure-b", "__host-", ""]), odd)
        header = st.builds(
            lambda name, value, rest: "; ".join([f"{name}={value}", *rest]), name, odd, st.lists(attribute, max_size=5)
        )
        return st.builds(
            lambda url, headers: "\n".join([url, *headers]).encode("utf-8", "surrogatepass"),
            url,
            st.lists(header, max_size=8),
        )

    def check(self, data: bytes) -> None:
        """Set, send, save, load, send again; then read the input as a file of cookies."""
        first, *lines = data.split(b"\n")
        try:
            url = canonical(first.decode("latin-1"))
        except InvalidURL:
            url = FAMILY[0]
        headers = [_header(line) for line in lines]
        jar = CookieJar()
        jar.receive(url, headers, NOW)
        assert len(jar) == len(list(jar)) <= min(ALTOGETHER, PER_DOMAIN), "one site keeps so many and no more"
        for cookie in jar:
            assert hostname(url) == cookie.domain or hostname(url).endswith("." + cookie.domain), "a host sets its own"
            assert NOW < cookie.expires <= NOW + MAX_LIFE or cookie.expires == float("inf"), "a cookie lives 400 days"
        sent = {place: _sent(jar, place) for place in (url, *FAMILY, *STRANGERS)}
        for place in STRANGERS:
            assert not sent[place] or hostname(place) == hostname(url) or _below(url, place), "strangers get nothing"
        save_cookies(self._file, jar)
        again = CookieJar()
        again.restore(load_cookies(self._file), NOW)
        assert {place: _sent(again, place) for place in sent} == sent, "a jar is the same after save and load"
        self._foreign(b"\n".join(lines))
        for header in headers:
            date = parse_date(header)
            assert date is None or abs(date) < 1e12, "a date is a moment"

    def _foreign(self, content: bytes) -> None:
        """A file that is not ours is named and nothing else."""
        self._file.write_bytes(content)
        try:
            load_cookies(self._file)
        except StateDamaged as error:
            printable(str(error))
        else:
            assert isinstance(json.loads(content), dict), "what loads is a saved jar"


def _below(url: Url, place: Url) -> bool:
    return hostname(url).endswith("." + hostname(place)) or hostname(place).endswith("." + hostname(url))


def _header(line: bytes) -> str:
    """Return a header's value as the client reads it."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _sent(jar: CookieJar, url: Url) -> str:
    header = jar.header(url, NOW)
    unicode_text(header)
    wrong = [char for char in header if (ord(char) < 0x20 and char != "\t") or ord(char) == 0x7F]
    assert not wrong, "no control character, no line end goes into a request"
    return header
