"""robots.txt: parse, then ask about URLs, Sitemap lines included (the package reads no sitemap itself).

An input is the file; URLs that are asked about are cut out of its own lines, beside a few fixed ones. Rules that follow
from the standard are checked by changing the file in ways that mean nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import unicode_text
from fuzz.target import Target
from scraper.errors import InvalidURL
from scraper.policy.robots import Rules, judge, parse, product_token
from scraper.urls import Url, join

__all__ = ["RobotsTarget"]

AGENT = "scraper/1.0 (web crawler)"
SITE = "http://site.test/"
FIXED = (SITE, f"{SITE}a/b?c=d/e", f"{SITE}%2F%e4?%2f", f"{SITE}{'a/' * 300}x", f"{SITE}{'a' * 1500}b")
ASKED = 12  # paths of the file's own that are asked about
LONGEST_URL = 2000  # characters, as in scope.url_length


class RobotsTarget(Target):
    """Nothing that a site writes raises, or takes long."""

    name: ClassVar[str] = "robots"
    rooms: ClassVar[str] = "policy.robots"
    weight: ClassVar[float] = 1.5
    largest: ClassVar[int] = 64 * 1024
    base_seconds: ClassVar[float] = 0.15
    kilobyte_seconds: ClassVar[float] = 0.02
    tokens: ClassVar[tuple[bytes, ...]] = (
        b"User-agent: *\n", b"User-agent: scraper\n", b"Disallow: /", b"Allow: /", b"Crawl-delay: ",
        b"Request-rate: 1/10s 0800-1700\n",
        b"Sitemap: http://site.test/s.xml\n", b"*", b"$", b"*a", b"%2F", b"%2f", b"%", b"%C3%A4", b"\xef\xbb\xbf",
        b"\xff\xfe", b"\r",
        b"\r\n", b"#", b":", b"\0", b"?", b"Noindex: /", b"disalow /", b"a*", b"/*?", b"Host: x\n",
        b"clean-param: a /\n", b";", b"=",
    )  # fmt: skip

    def seeds(self) -> Iterable[bytes]:
        """Return files as sites write them."""
        yield from (
            b"", b"User-agent: *\nDisallow: /private/\nAllow: /private/open$\nCrawl-delay: 2\n",
            b"\xef\xbb\xbfuser-agent: scraper\r\nuser-agent: other\r\ndisallow: /*.pdf$\r\n"
            b"\r\nUser-agent: *\r\nDisallow:\r\n",
            b"User-agent: *\nRequest-rate: 1/5m\nDisallow: /a%2Fb?x=%2f\nSitemap: http://site.test/sitemap.xml\n",
            b"User-agent: *\nDisallow: /*a*a*a*a*a*a*a*b\nAllow: /\n", b"<html><body>404</body></html>",
            "User-agent: *\nDisallow: /ä/ö\n".encode("utf-16"), b"User-agent: *\rDisallow: /x\rCrawl-delay: 1e400\r",
            b"User-agent: *\n" + b"Disallow: /dir/page\n" * 500,
        )  # fmt: skip

    def strategy(self) -> SearchStrategy[bytes]:
        """Return groups of rules with patterns, and lines of junk between them."""
        atom = st.one_of(
            st.sampled_from(["*", "$", "/", "a", "b", "aa", "%2F", "%61", "?", "ä", ".", "x*", "*a"]),
            st.text(max_size=4),
        )
        path = st.lists(atom, max_size=25).map("".join).map("/{}".format)
        number = st.one_of(
            st.sampled_from(["1", "0.5", "-1", "nan", "inf", "1e309", "1/0", "1/10s", "0/1", "9" * 50]),
            st.text(max_size=6),
        )
        line = st.one_of(
            path.map("Disallow: {}".format), path.map("Allow: {}".format), path.map("disallow:{} # x".format),
            number.map("Crawl-delay: {}".format), number.map("Request-rate: {}".format),
            st.text(max_size=20).map("Sitemap: {}".format),
            st.sampled_from(["User-agent: *", "User-agent: scraper", "user agent: SCRAPER/2", "User-agent: other",
            ""]), st.text(max_size=30),
        )  # fmt: skip
        end = st.sampled_from(["\n", "\n", "\r\n", "\r"])
        return st.builds(
            lambda lines, end: ("User-agent: *" + end + end.join(lines)).encode("utf-8", "replace"),
            st.lists(line, max_size=25),
            end,
        )

    def check(self, data: bytes) -> None:
        """Parse, ask, and ask the same of files that mean the same."""
        rules = parse(data, AGENT)
        urls = _urls(data)
        answers = _answers(rules, urls)
        _sane(rules)
        assert all(type(answer) is bool for answer in answers), "a URL is allowed or not"
        if data.startswith((b"\xff\xfe", b"\xfe\xff")) or len(data) > self.largest // 2:
            return
        assert _same(parse(data + b"\n# a comment\n", AGENT), rules, urls, answers), "a comment at the end says nothing"
        if b"\r" not in data and b"\0" not in data:
            assert _same(parse(data.replace(b"\n", b"\r\n"), AGENT), rules, urls, answers), (
                "CRLF and LF are both line ends"
            )
        assert isinstance(product_token(data[:300].decode("latin-1")), str), "a product token is text"
        assert judge(200 + len(data) % 400) is not None, "every status has a meaning"


def _sane(rules: Rules) -> None:
    assert rules.delay is None or (math.isfinite(rules.delay) and rules.delay >= 0), "a delay is a number of seconds"
    for place in rules.sitemaps:
        unicode_text(place)
        assert "\n" not in place, "a Sitemap is one line"
        assert "\r" not in place, "a Sitemap is one line"
    unicode_text(repr(rules))


def _urls(data: bytes) -> list[Url]:
    """Return what to ask about: the paths of the file, as URLs, with stars filled in."""
    found = [Url(url) for url in FIXED]
    for line in data.split(b"\n")[:ASKED]:
        path = line.partition(b":")[2].strip().decode("utf-8", "replace").replace("$", "")
        for written in (path, path.replace("*", "a") + "a" * 100):
            try:
                found.append(Url(join(SITE, written[:LONGEST_URL])[:LONGEST_URL]))
            except InvalidURL:
                continue
    return [url for url in found if url.startswith(SITE)]


def _answers(rules: Rules, urls: list[Url]) -> list[bool]:
    return [rules.allows(url) for url in urls]


def _same(other: Rules, rules: Rules, urls: list[Url], answers: list[bool]) -> bool:
    return (other.delay, other.sitemaps, _answers(other, urls)) == (rules.delay, rules.sitemaps, answers)
