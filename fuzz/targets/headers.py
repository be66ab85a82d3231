"""Headers that steer a crawl: Location, Retry-After, Refresh, X-Robots-Tag, Content-Type, as lines of a head.

The first line of an input is a status, the others are headers. Redirects are followed as a crawl does it: next hop,
origin, what goes along.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import canonical_url, unicode_text
from fuzz.target import Target
from scraper.errors import InvalidURL
from scraper.mime import Kind, essence, kind_of_body
from scraper.outcome import Failed, Moved, Refused, Retry
from scraper.policy.directives import directives
from scraper.policy.redirect import follow, is_downgrade, location_of, next_hop
from scraper.policy.refresh import refresh_target
from scraper.policy.retry import RetryPolicy, retry_after
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.urls import origin

__all__ = ["HeadersTarget"]

WALL = 1_790_000_000.0  # epoch seconds: some day in 2026
CAP = 600.0  # seconds
SECRET = "s3cr3t"
OWN = (
    ("Authorization", SECRET),
    ("Cookie", f"a={SECRET}"),
    ("X-Api-Key", SECRET),
    ("Accept", "*/*"),
    ("Referer", "https://site.test/x?y"),
)
LIMIT = 10  # redirects


class HeadersTarget(Target):
    """Whatever a header says, what follows from it is a value."""

    name: ClassVar[str] = "headers"
    rooms: ClassVar[str] = "policy.redirect, policy.retry, policy.refresh, policy.directives, response (headers), mime"
    largest: ClassVar[int] = 16 * 1024
    base_seconds: ClassVar[float] = 0.05
    kilobyte_seconds: ClassVar[float] = 0.005
    tokens: ClassVar[tuple[bytes, ...]] = (
        b"Location: ", b"Retry-After: ", b"Refresh: ", b"X-Robots-Tag: ", b"Content-Type: ", b"\r\n",
        b"Wed, 21 Oct 2026 07:28:00 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994", b"http://other.test/", b"//",
        b"http://site.test:80/", b"u:p@", b"0;url=",
        b"url='", b"noindex", b"none", b"googlebot: ", b"unavailable_after: ", b",", b";", b"-1", b"1e999", b"3",
        b"0.5", b"text/html", b"+xml",
        "١".encode(), "²".encode(), b"inf", b"nan", b"301\n", b"303\n", b"308\n", b"javascript:", b"#", b"\\",
    )  # fmt: skip

    def seeds(self) -> Iterable[bytes]:
        """Return heads of redirects and of answers that ask for patience."""
        yield from (
            b"302\nLocation: /next", b"301\nLocation: http://other.test/x",
            b"307\nLocation: https://user:pw@site.test:443/\nLocation: /b",
            b"429\nRetry-After: 120", b"503\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT", b"503\nRetry-After: -5",
            b"200\nRefresh: 5; url='/a'",
            b"200\nX-Robots-Tag: googlebot: nofollow\nX-Robots-Tag: noindex, nofollow",
            b"308\nLocation: \xe4\xf6?\xfc", b"200\nContent-Type: text/html, x/y+xml",
        )  # fmt: skip

    def strategy(self) -> SearchStrategy[bytes]:
        """Return heads with values that are nearly right."""
        latin = st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n"), max_size=15)
        place = st.one_of(
            latin,
            st.builds(
                "{}{}{}".format,
                st.sampled_from(["", "http://site.test/", "https://o.test", "//", "http:"]),
                latin,
                latin,
            ),
        )
        moment = st.integers(-(10**11), 10**11).map(_date)
        wait = st.one_of(
            st.integers().map(str),
            st.floats().map(str),
            moment,
            latin,
            st.sampled_from(["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]),
        )
        refresh = st.builds(
            "{}{}{}{}".format,
            st.sampled_from(["0", "5", ".", "1.5", "", "a"]),
            st.sampled_from([";", ",", " ", ""]),
            st.sampled_from(["url=", "URL =", "'", '"', ""]),
            latin,
        )
        robots = st.lists(
            st.one_of(
                st.sampled_from(["none", "all", "noindex", "googlebot: nofollow", "unavailable_after: 1 Jan 2030"]),
                latin,
            ),
            max_size=4,
        ).map(", ".join)
        line = st.one_of(
            place.map("Location: {}".format), wait.map("Retry-After: {}".format), refresh.map("Refresh: {}".format),
            robots.map("X-Robots-Tag: {}".format),
            latin.map("Content-Type: {}".format), st.builds("{}: {}".format, latin, latin),
        )  # fmt: skip
        status = st.sampled_from([200, 301, 302, 303, 307, 308, 429, 503, 999])
        return st.builds(
            lambda status, lines: "\n".join([str(status), *lines]).encode("latin-1", "replace"),
            status,
            st.lists(line, max_size=5),
        )

    def check(self, data: bytes) -> None:
        """Read the headers, follow the redirect, judge the trouble."""
        first, *lines = data.decode("latin-1").split("\n")
        status = int(first) if first.isascii() and first.isdigit() and len(first) == 3 else 302
        raw = tuple((name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
        headers = Headers(raw)
        assert set(headers) == {name.lower() for name, _ in raw}, "every header is there, in lower case"
        request = Request(
            "https://site.test/a/b?c",
            method="POST" if len(data) % 3 == 0 else "GET",
            headers=OWN,
            body=b"x" * (len(data) % 3 == 0),
        )
        response = Response(request, status=status, url=request.url, headers=headers)
        if response.is_redirect:
            _redirect(request, response)
        _patience(status, headers)
        for content in headers.values():
            place = refresh_target(content)
            assert place == place.strip(), "a place has no space around it"
        told = directives([], headers.get_all("x-robots-tag"))
        assert all(word and word == word.strip().lower() for word in told), "directives are bare words in lower case"
        assert "none" not in told, "none stands for two words"
        assert isinstance(kind_of_body(data, headers), Kind), "a body is of some kind"
        assert essence(headers.get("content-type", "")).strip() == essence(headers.get("content-type", "")), (
            "an essence is bare"
        )


def _date(offset: int) -> str:
    try:
        return format_datetime(datetime.fromtimestamp(WALL, UTC) + timedelta(seconds=offset), usegmt=True)
    except OverflowError:
        return "Wed, 99 Oct 9999 99:99:99 GMT"


def _redirect(request: Request, response: Response) -> None:
    outcome = follow(request, response, hops=len(response.headers) % (LIMIT + 2), limit=LIMIT)
    try:
        location_of(response)
    except InvalidURL as error:
        unicode_text(str(error))
        assert isinstance(outcome, Refused), "Locations that differ are not followed"
    if isinstance(outcome, Refused):
        unicode_text(outcome.detail)
        return
    assert isinstance(outcome, Moved), "a redirect is followed or refused"
    canonical_url(outcome.target)
    hop = next_hop(request, response.status, outcome.target)
    if origin(hop.url) != origin(request.url):
        assert SECRET not in repr(hop.headers), "no secret crosses an origin"
        assert not hop.body, "no body crosses an origin"
        assert all(value in ("https://site.test/", "*/*") for _, value in hop.headers), "another origin gets the origin"
    if is_downgrade(request.url, hop.url):
        assert "referer" not in {name.lower() for name, _ in hop.headers}, "no Referer leaves TLS"
    assert hop.method in ("GET", request.method), "a method stays or becomes GET"


def _patience(status: int, headers: Headers) -> None:
    asked = retry_after(headers.get("retry-after", ""), WALL, CAP)
    assert asked is None or 0 <= asked <= CAP, "a wait is between nothing and the cap"
    policy = RetryPolicy(times=2, backoff=1.0, max_backoff=60.0, max_retry_after=CAP, random=lambda: 0.5)
    judged = policy.judge(attempt=1, method="GET", reason="", status=status, retry_after=asked)
    assert isinstance(judged, Failed | Retry), "a trouble is final or is tried again"
    assert not isinstance(judged, Retry) or (math.isfinite(judged.delay) and 0 <= judged.delay <= CAP), (
        "a wait is bounded"
    )
