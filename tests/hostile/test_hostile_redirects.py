"""Redirects: every hop is a new request that has to be allowed, and nothing secret travels along."""

from __future__ import annotations

import itertools
import logging
from contextlib import AsyncExitStack

import pytest
from case import case, row, table
from hypothesis import given
from hypothesis import strategies as st
from recording import crawl, page, recording, redirect

from scraper.engine.tally import Tally
from scraper.errors import InvalidURL, TooManyRedirects, UnsafeRedirect
from scraper.frontier.base import Committed
from scraper.outcome import Failed, Fetched, Moved, Reason, Refused
from scraper.page import Page
from scraper.policy.redirect import carries_body_away, is_downgrade, is_harmless, next_hop, redirected_method
from scraper.policy.referer import referer
from scraper.policy.refresh import refresh_target
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.session import AsyncSession
from scraper.spider import Spider
from scraper.ui.log import VisitLog
from scraper.urls import canonical, join, origin
from scraper.visit import Lease, Visit
from tests.helpers import crawl_fast

FETCH = "WHATWG Fetch 4.4 (HTTP-redirect fetch), RFC 9110 15.4"
SECRETS = {
    "Authorization": "Bearer s3cret",
    "Cookie": "sid=s3cret",
    "Proxy-Authorization": "Basic s3cret",
    "X-Api-Key": "s3cret",
    "X-Auth-Token": "s3cret",
    "PRIVATE-TOKEN": "s3cret",
    "X-Anything": "s3cret",
}


def seen(asked):
    """Return everything that a server was sent, as one text."""
    return repr([(one.method, one.path, one.headers, one.body) for one in asked])


# -- methods and bodies ------------------------------------------------------------------------------------------------

BECOMES = {
    301: {"POST": "GET"},
    302: {"POST": "GET", "PUT": "GET", "PATCH": "GET", "DELETE": "GET", "OPTIONS": "GET"},
    303: {"POST": "GET", "PUT": "GET", "PATCH": "GET", "DELETE": "GET", "OPTIONS": "GET"},
    307: {},
    308: {},
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@table(
    "redirects",
    "status, method, becomes",
    [
        row(
            f"method-{status}-{method.lower()}",
            status,
            method,
            turned.get(method, method),
            behaviour=f"{method}, {status}.",
            expectation=f"{turned.get(method, method)}.",
        )
        for status, turned in BECOMES.items()
        for method in METHODS
    ],
    behaviour="A request is redirected within its origin:",
    expectation="The next hop's method, with the body only where the method stays:",
    source=f"{FETCH}; 302 as `requests` and curl do",
)
def test_the_method_and_the_body_after_a_redirect(status, method, becomes):
    first = Request("http://a.test/", method=method, headers={"Content-Type": "text/plain", "X": "1"}, body="b")
    hop = next_hop(first, status, canonical("http://a.test/b"))
    assert (redirected_method(status, method), hop.method) == (becomes, becomes)
    assert hop.body == (b"b" if becomes == method else b"")
    assert [name for name, _ in hop.headers] == (["Content-Type", "X"] if becomes == method else ["X"])


@table(
    "redirects",
    "status",
    [row("body-307-crawl", 307), row("body-308-crawl", 308)],
    behaviour="A crawl's POST is redirected to another origin in a way that keeps its body.",
    expectation="The redirect is refused (cross_origin); the other origin is not asked.",
    source="CVE-2025-11411 class; Scrapy 2.14.2 hardening; RFC 9110 15.4.8",
)
async def test_a_body_does_not_cross_an_origin_in_a_crawl(status):
    class Poster(Spider):
        def start(self, seeds):
            return [Request(seed, method="POST", body="pin=s3cret") for seed in seeds]

        def parse(self, page):
            return None

    async with recording({"/": page()}) as other, recording({"/": redirect(other.url(), status)}) as own:
        crawled = await crawl(own.url(), spider=Poster())
    assert other.asked == []
    assert own.asked[0].body == b"pin=s3cret"
    assert crawled.outcomes()[-1].reason == Reason.CROSS_ORIGIN


@table(
    "redirects",
    "status",
    [row("body-307-session", 307), row("body-308-session", 308)],
    behaviour="A session's POST is redirected to another origin in a way that keeps its body.",
    expectation="UnsafeRedirect, which has the response; the other origin is not asked. Within the origin it is sent.",
    source="RFC 9110 15.4.8",
)
async def test_a_body_does_not_cross_an_origin_in_a_session(status):
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(recording({"/": page()}))
        site = {"/": redirect(other.url(), status), "/home": redirect("/end", status), "/end": page()}
        own = await stack.enter_async_context(recording(site))
        session = await stack.enter_async_context(AsyncSession())
        with pytest.raises(UnsafeRedirect) as caught:
            await session.post(own.url(), data={"pin": "s3cret"})
        assert caught.value.response.status == status
        assert "s3cret" not in str(caught.value)
        await session.post(own.url("/home"), data={"pin": "s3cret"})
        assert own.to("/end").body == b"pin=s3cret"
    assert other.asked == []


# -- what crosses an origin --------------------------------------------------------------------------------------------

CROSSING = [
    ("same-path", "http://example.com/a", "http://example.com/b", True),
    ("same-https", "https://example.com/a", "https://example.com/b", True),
    ("default-port-written", "http://example.com/a", "http://example.com:80/b", True),
    ("default-port-left-out", "http://example.com:80/a", "http://example.com/b", True),
    ("default-port-https", "https://example.com/a", "https://example.com:443/b", True),
    ("same-port", "http://example.com:8080/a", "http://example.com:8080/b", True),
    ("same-case", "http://EXAMPLE.com/a", "http://example.COM/b", True),
    ("other-port", "http://example.com/a", "http://example.com:8080/b", False),
    ("other-port-back", "http://example.com:8080/a", "http://example.com/b", False),
    ("other-port-https", "https://example.com/a", "https://example.com:8443/b", False),
    ("other-host", "http://a.example/a", "http://b.example/b", False),
    ("other-host-https", "https://a.example/a", "https://b.example/b", False),
    ("to-subdomain", "https://example.com/a", "https://www.example.com/b", False),
    ("from-subdomain", "https://www.example.com/a", "https://example.com/b", False),
    ("upgrade", "http://example.com/a", "https://example.com/b", False),
    ("upgrade-odd-ports", "http://example.com:443/a", "https://example.com/b", False),
    ("downgrade", "https://example.com/a", "http://example.com/b", False),
    ("downgrade-same-port", "https://example.com:80/a", "http://example.com/b", False),
    ("trailing-dot", "https://example.com/a", "https://example.com./b", False),
    ("look-alike", "https://example.com/a", "https://example.com.evil.example/b", False),
    ("userinfo-trick", "https://example.com/a", "https://example.com@evil.example/b", False),
    ("backslash-trick", "https://example.com/a", "https://evil.example\\@example.com/b", False),
]


@table(
    "redirects",
    "source, target, kept",
    [
        row(f"headers-{name}", source, target, kept, behaviour=f"{source} to {target}.", expectation=f"Kept: {kept}.")
        for name, source, target, kept in CROSSING
    ],
    behaviour="A request with Authorization, Cookie, Proxy-Authorization, X-Api-Key and others is redirected:",
    expectation="Only within scheme, host and port they go along; what cannot hold a secret always does.",
    source="CVE-2022-0577, CVE-2024-3574, CVE-2024-1968 (Scrapy), CVE-2018-18074 (requests), CVE-2018-1000007 (curl)",
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_secrets_stay_in_their_origin(source, target, kept, status):
    first = Request(source, headers={**SECRETS, "Accept-Language": "de"})
    hop = next_hop(first, status, canonical(target))
    names = {name for name, _ in hop.headers}
    assert names == ({*SECRETS, "Accept-Language"} if kept else {"Accept-Language"})
    assert carries_body_away(Request(source, method="PUT", body="b"), 307, canonical(target)) is not kept


@given(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCXYZ-", min_size=1, max_size=20),
    st.sampled_from([301, 302, 303, 307, 308]),
)
def test_no_header_of_an_unknown_name_crosses_an_origin(name, status):
    """Nobody can know what a site calls its keys."""
    hop = next_hop(Request("http://a.test/", headers={name: "s3cret"}), status, canonical("http://b.test/"))
    assert is_harmless(name) or not hop.headers


def test_what_was_dropped_on_the_way_does_not_come_back():
    """A, B, A again: the secrets of A were gone at B, and B chose the way back (CVE-2022-0577 class)."""
    hop = Request("http://a.test/", headers=SECRETS)
    for target in ("http://b.test/", "http://a.test/"):
        hop = next_hop(hop, 302, canonical(target))
    assert hop.headers == ()


@table(
    "redirects",
    "header",
    [row(f"config-{name.lower()}", name) for name in (*SECRETS, "X-Shop") if name != "Proxy-Authorization"],
    behaviour="fetch.headers holds a secret; the site redirects and links to another origin that is in the crawl.",
    expectation="It goes to the origins of the seeds only; Accept-Language goes to both.",
    source="GHSA-cw9j-q3vf-hrrv; CVE-2021-41125 (secrets sent to every host)",
)
async def test_secret_headers_of_the_config_are_for_the_seeds(header):
    async with recording({"/": page(), "/linked": page()}) as other:
        site = {"/": page(f"<a href='{other.url('/linked')}'>x</a><a href='/go'>y</a>"), "/go": redirect(other.url())}
        async with recording(site) as own:
            await crawl(own.url(), headers={header: "s3cret", "Accept-Language": "de"}, obey_robots=True)
    assert sorted(other.paths) == ["/", "/linked"]
    assert "s3cret" not in seen(other.asked)
    assert {asked.headers["accept-language"] for asked in [*own.asked, *other.asked]} == {"de"}
    assert all("s3cret" in asked.headers[header.lower()] for asked in own.asked)


@case(
    "redirects",
    "userinfo-in-location",
    behaviour="A Location holds a user name and a password.",
    expectation="They become no credentials and stand in no record.",
    source="RFC 9110 4.2.4; aiohttp sends them as Basic auth",
)
async def test_userinfo_never_becomes_credentials():
    async with recording({"/": page()}) as other:
        target = f"http://user:s3cret@127.0.0.1:{other.port}/"
        async with recording({"/": redirect(target)}) as own:
            crawled = await crawl(own.url())
            async with AsyncSession() as session:
                response = await session.get(own.url())
    assert len(other.asked) == 2
    assert all("authorization" not in asked.headers for asked in other.asked)
    assert "s3cret" not in repr(crawled.visits) + response.url


@case(
    "redirects",
    "downgrade-named",
    behaviour="A redirect leads from https to http.",
    expectation="It is followed, named in the log and counted in the report.",
    source="W3C Mixed Content; the project's own decision",
)
def test_leaving_https_is_named(caplog):
    lease = Lease(1, request=Request("https://a.test/"), origin="https://a.test")
    visit = Visit(lease, Moved(canonical("http://a.test/b"), 302))
    tally = Tally()
    with caplog.at_level(logging.INFO, "scraper"):
        logging.getLogger("scraper").propagate = True
        VisitLog().hear([visit], Committed())
        tally.hear([visit], Committed())
    assert "leaves https" in caplog.text
    assert tally.downgrades == 1
    assert not is_downgrade("http://a.test/", "https://a.test/")


# -- where a Location leads --------------------------------------------------------------------------------------------


@table(
    "redirects",
    "location, arrives",
    [
        row("relative", "b", "/dir/b"),
        row("absolute-path", "/b", "/b"),
        row("query-only", "?q=1", "/dir/page?q=1"),
        row("parent", "../b", "/b"),
        row("above-the-root", "../../../b", "/b"),
        row("dot-segments-encoded", "%2e%2e/b", "/b"),
        row("without-scheme", "//HOST/b", "/b"),
        row("space", "/b c", "/b%20c"),
        row("utf-8", "/caf\u00e9", "/caf%C3%A9"),
        row("latin-1-byte", "/caf\udce9", "/caf%E9"),
        row("percent-kept", "/a%2Fb", "/a%2Fb"),
        row("broken-percent", "/a%zz", "/a%zz"),
        row("backslash", "\\b", "/b"),
        row("tab-inside", "/b\tc", "/bc"),
        row("blanks-around", "   /b   ", "/b"),
        row("fragment", "/b#part", "/b"),
        row("scheme-in-capitals", "HTTP://HOST/b", "/b"),
        row("one-slash", "http:/b", "/b"),
        row("nothing-after-scheme", "http:b", "/dir/b"),
    ],
    behaviour="A Location is not what RFC 9110 wants of it:",
    expectation="It means what it means in browsers.",
    source="WHATWG URL 4.4, RFC 9110 10.2.2",
)
async def test_a_location_means_what_it_means_in_browsers(location, arrives):
    def answer(asked):
        place = location.replace("HOST", f"127.0.0.1:{server.port}")
        return redirect(place) if asked.path == "/dir/page" else page()

    async with recording(answer) as server:
        crawled = await crawl(server.url("/dir/page"))
    assert server.paths == ["/dir/page", arrives]
    assert isinstance(crawled.outcomes()[-1], Fetched)


@table(
    "redirects",
    "location, reason",
    [
        row("to-file", "file:///etc/passwd", Reason.SCHEME),
        row("to-ftp", "ftp://a.test/b", Reason.SCHEME),
        row("to-data", "data:text/html,<p>", Reason.SCHEME),
        row("to-javascript", "javascript:alert(1)", Reason.SCHEME),
        row("to-mailto", "mailto:a@b.test", Reason.SCHEME),
        row("to-about", "about:blank", Reason.SCHEME),
        row("to-gopher", "gopher://127.0.0.1:6379/_x", Reason.SCHEME),
        row("to-nonsense", "http://", Reason.INVALID_URL),
        row("to-bad-port", "http://a.test:99999/", Reason.INVALID_URL),
        row("to-bad-host", "http://a b/", Reason.INVALID_URL),
        row("to-another-host", "http://b.test/", Reason.OFF_SCOPE),
        row("to-denied", "/private/x", Reason.DENIED),
        row("to-giant", "/" + "a" * 3000, Reason.TOO_LONG),
    ],
    behaviour="A redirect leads where the crawl does not go.",
    expectation="It is refused for the reason for which a link is; nothing is asked.",
    source="GHSA-23j4-mw76-5v7h (redirects to file:); every hop passes the front door",
)
async def test_a_hop_passes_the_same_door_as_a_link(location, reason):
    async with recording(lambda asked: redirect(location)) as server:
        crawled = await crawl(server.url(), deny=("/private/",), hosts=("127.0.0.1",))
    assert server.paths == ["/"]
    (outcome,) = crawled.outcomes()
    assert isinstance(outcome, Refused)
    assert outcome.reason == reason
    assert crawled.tally.lost_seeds


@table(
    "redirects",
    "answer, outcome",
    [
        row("no-location", page("", status=302), Failed("http_302", 302, "X")),
        row("empty-location", redirect(""), Failed("http_302", 302, "X")),
        row("blank-location", redirect("   "), Failed("http_302", 302, "X")),
        row("300-with-location", redirect("/b", 300), Failed("http_300", 300, "X")),
        row("304-with-location", redirect("/b", 304), Failed("http_304", 304, "X")),
        row("305-with-location", redirect("/b", 305), Failed("http_305", 305, "X")),
        row("201-with-location", redirect("/b", 201), Fetched(201)),
    ],
    behaviour="An answer looks like a redirect and is none.",
    expectation="Nothing is followed; the status is what counts.",
    source=FETCH,
)
async def test_what_is_no_redirect_is_not_followed(answer, outcome):
    async with recording(lambda asked: answer) as server:
        crawled = await crawl(server.url())
    assert server.paths == ["/"]
    (found,) = crawled.outcomes()
    assert (type(found), found.status) == (type(outcome), outcome.status)


@case(
    "redirects",
    "several-locations",
    behaviour="There are two Location headers that differ.",
    expectation="Neither is followed: one may be smuggled in. Two that agree are one.",
    source="Chromium ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION; CWE-113",
)
async def test_several_locations_must_agree():
    site = {
        "/": redirect("/b", 302, "Location: /c"),
        "/same": redirect("/b", 302, "Location: /b"),
        "/b": page(),
    }
    async with recording(site) as server:
        crawled = await crawl(server.url(), server.url("/same"))
        async with AsyncSession() as session:
            with pytest.raises(InvalidURL, match="differ"):
                await session.get(server.url())
    assert server.paths.count("/b") == 1
    assert "/c" not in server.paths
    assert [o.reason for o in crawled.outcomes() if isinstance(o, Refused)] == [Reason.INVALID_URL]


# -- loops and chains --------------------------------------------------------------------------------------------------


@table(
    "redirects",
    "site",
    [
        row("loop-self", {"/": redirect("/")}, behaviour="To itself."),
        row("loop-two", {"/": redirect("/b"), "/b": redirect("/")}, behaviour="Between two pages."),
        row("loop-fragment", {"/": redirect("/#again")}, behaviour="To itself with a fragment."),
        row(
            "loop-three", {"/": redirect("/b"), "/b": redirect("/c"), "/c": redirect("/b")}, behaviour="Into a circle."
        ),
    ],
    behaviour="Pages redirect in a circle.",
    expectation="After fetch.max_redirects it is refused (redirect_limit), and the crawl goes on.",
    source="RFC 9110 15.4: a client should detect cyclical redirections",
)
async def test_a_circle_ends_at_the_limit(site):
    async with recording(site) as server:
        crawled = await crawl(server.url(), max_redirects=4)
        async with AsyncSession(max_redirects=4) as session:
            with pytest.raises(TooManyRedirects):
                await session.get(server.url())
    assert len(server.paths) == 10
    assert crawled.outcomes()[-1].reason == Reason.REDIRECT_LIMIT


@case(
    "redirects",
    "endless-chain",
    behaviour="Every page redirects to a new one.",
    expectation="It ends at the limit.",
    source="RFC 9110 15.4",
)
async def test_a_chain_ends_at_the_limit():
    async with recording(lambda asked: redirect(f"/{len(asked.path)}" + "x" * len(asked.path))) as server:
        crawled = await crawl(server.url(), max_redirects=4)
    assert len(server.paths) == 5
    assert crawled.outcomes()[-1].reason == Reason.REDIRECT_LIMIT


@case(
    "redirects",
    "cookie-wall",
    behaviour="A site sets a cookie and redirects to the same page until the cookie comes back.",
    expectation="With cookies kept (the default) the page is fetched at the second try.",
    source="Scrapy #1225, #6895: redirects lost to the duplicate filter",
)
async def test_a_cookie_wall_is_passed():
    def answer(asked):
        return page() if "seen=1" in asked.headers.get("cookie", "") else redirect("/", 302, "Set-Cookie: seen=1")

    async with recording(answer) as server:
        crawled = await crawl(server.url())
        walled = await crawl(server.url(), cookies=False, max_redirects=3)
    assert crawled.tally.pages == 1
    assert server.paths == ["/"] * 6
    assert walled.outcomes()[-1].reason == Reason.REDIRECT_LIMIT


@case(
    "redirects",
    "to-a-page-of-its-own",
    behaviour="A redirect leads to a page that another link leads to as well.",
    expectation="The page is fetched once.",
    source="the project's own decision: a hop onto somebody else's page is a duplicate",
)
async def test_a_page_is_fetched_once_however_it_is_reached():
    site = {"/": page("<a href='/a'>a</a><a href='/b'>b</a>"), "/a": redirect("/b"), "/b": page()}
    async with recording(site) as server:
        crawled = await crawl(server.url(), per_host=1)
    assert server.paths.count("/b") == 1
    assert crawled.tally.refused == {Reason.DUPLICATE: 1}


# -- robots.txt and politeness of every hop ----------------------------------------------------------------------------


@case(
    "redirects",
    "robots-of-the-target",
    behaviour="A redirect leads to an origin whose robots.txt forbids the page.",
    expectation="That robots.txt is asked for first; the page never is.",
    source="RFC 9309 2.2.2; every hop passes the gate",
)
async def test_a_hop_obeys_the_targets_robots():
    site = {"/robots.txt": page("User-agent: *\nDisallow: /x"), "/x": page()}
    async with recording(site) as other, recording({"/": redirect(other.url("/x"))}) as own:
        crawled = await crawl(own.url(), obey_robots=True)
    assert [asked.path for asked in other.asked] == ["/robots.txt"]
    assert crawled.outcomes()[-1].reason == Reason.ROBOTS


def gaps(fetcher, host):
    """Return the seconds between requests to a host."""
    times = [visit.at for visit in fetcher.visits if f"//{host}/" in visit.request.url]
    return [later - sooner for sooner, later in itertools.pairwise(times)]


@case(
    "redirects",
    "politeness-of-the-target",
    behaviour="Many pages of one host redirect to another host.",
    expectation="Both hosts get their rest between any two requests, robots.txt and hops included.",
    source="Scrapy breaks its own per-host limit by redirects",
)
def test_hops_keep_the_targets_pace():
    site = {"http://a.test/": "".join(f"<a href='/{n}'>x</a>" for n in range(6)), "http://b.test/": "b"}
    for number in range(6):
        site[f"http://a.test/{number}"] = (302, {"Location": f"http://b.test/{number}"}, "")
        site[f"http://b.test/{number}"] = "ok"
    report, fetcher = crawl_fast(
        site, seeds=("http://a.test/", "http://b.test/"), delay=1.0, per_host=1, obey_robots=True
    )
    assert report.pages == 8
    assert min(gaps(fetcher, "a.test") + gaps(fetcher, "b.test")) >= 0.999


@case(
    "redirects",
    "robots-moved-keeps-pace",
    behaviour="Many hosts redirect their robots.txt to one host, which is being crawled as well.",
    expectation="That host gets its rest between any two requests; all rules are obeyed.",
    source="RFC 9309 2.3.1.2; politeness is per host, whatever for",
)
def test_robots_hops_keep_the_targets_pace():
    site = {
        "http://hub.test/": "<a href='/1'>x</a><a href='/2'>x</a>",
        "http://hub.test/1": "1",
        "http://hub.test/2": "2",
    }
    site["http://hub.test/robots.txt"] = "User-agent: *\nCrawl-delay: 1.5"
    site["http://hub.test/shared.txt"] = "User-agent: *\nDisallow: /private"
    seeds = ["http://hub.test/"]
    for number in range(5):
        host = f"http://h{number}.test"
        places = [
            f"{host}/robots.txt",
            *(f"{host}/moved-{hop}" for hop in range(number % 3)),
            "http://hub.test/shared.txt",
        ]
        site |= {here: (301, {"Location": there}, "") for here, there in itertools.pairwise(places)}
        site |= {f"{host}/": "<a href='/private'>x</a>", f"{host}/private": "no"}
        seeds.append(f"{host}/")
    report, fetcher = crawl_fast(site, seeds=tuple(seeds), delay=1.0, per_host=1, obey_robots=True)
    assert min(gaps(fetcher, "hub.test")) >= 1.499
    assert min(gaps(fetcher, "h2.test")) >= 0.999
    assert report.pages == 8
    assert not [url for url in fetcher.urls if url.endswith("/private")]
    assert sum(url.endswith("/shared.txt") for url in fetcher.urls) == 5


@table(
    "redirects",
    "hops, allowed",
    [row("robots-5-hops", 5, False), row("robots-6-hops", 6, True)],
    behaviour="robots.txt is behind so many redirects.",
    expectation="Five are followed, each to its host; one that is further away counts as not there.",
    source="RFC 9309 2.3.1.2",
)
def test_robots_is_followed_over_five_hops(hops, allowed):
    site = {"http://a.test/": "ok", "http://a.test/robots.txt": (302, {"Location": "http://h1.test/robots.txt"}, "")}
    for number in range(1, hops):
        place = {"Location": f"http://h{number + 1}.test/robots.txt"}
        site[f"http://h{number}.test/robots.txt"] = (302, place, "")
    site[f"http://h{hops}.test/robots.txt"] = "User-agent: *\nDisallow: /"
    report, fetcher = crawl_fast(site, seeds=("http://a.test/",), obey_robots=True)
    assert (report.pages == 1) is allowed
    assert len([url for url in fetcher.urls if url.endswith("/robots.txt")]) == 6


@table(
    "redirects",
    "location",
    [
        row("robots-to-itself", "/robots.txt"),
        row("robots-to-file", "file:///etc/passwd"),
        row("robots-to-nonsense", "http://["),
        row("robots-to-page", "/"),
    ],
    behaviour="robots.txt redirects in a circle, to no web page, or to the home page.",
    expectation="The crawl goes on; what cannot be followed counts as not there.",
    source="RFC 9309 2.3.1.2, 2.3.1.3",
)
def test_a_robots_that_leads_nowhere_stops_nobody(location):
    site = {"http://a.test/": "ok", "http://a.test/robots.txt": (302, {"Location": location}, "")}
    report, _ = crawl_fast(site, seeds=("http://a.test/",), obey_robots=True)
    assert report.pages == 1


# -- Referer -----------------------------------------------------------------------------------------------------------


@table(
    "redirects",
    "source, target, told",
    [
        row("referer-same-origin", "https://a.test/x?y", "https://a.test/z", "https://a.test/x?y"),
        row("referer-cross-origin", "https://a.test/x?y", "https://b.test/", "https://a.test/"),
        row("referer-other-port", "http://a.test:81/x", "http://a.test/", "http://a.test:81/"),
        row("referer-subdomain", "https://a.test/x", "https://www.a.test/", "https://a.test/"),
        row("referer-upgrade", "http://a.test/x", "https://a.test/", "http://a.test/"),
        row("referer-downgrade", "https://a.test/x", "http://a.test/", ""),
        row("referer-downgrade-cross", "https://a.test/x", "http://b.test/", ""),
        row("referer-fragment", "https://a.test/x#secret", "https://a.test/", "https://a.test/x"),
        row("referer-userinfo", "https://u:p@a.test/x", "https://a.test/", "https://a.test/x"),
        row("referer-userinfo-cross", "https://u:p@a.test/x", "https://b.test/", "https://a.test/"),
        row("referer-no-url", "about:client", "https://a.test/", ""),
        row("referer-file", "file:///home/me/x", "https://a.test/", ""),
    ],
    behaviour="A request that has a Referer is made, or redirected, from one URL to another.",
    expectation="The other origin learns the origin at most; nothing after a downgrade; never userinfo or fragment.",
    source="W3C Referrer Policy 8.4: strict-origin-when-cross-origin",
)
def test_a_referer_tells_no_more_than_the_origin(source, target, told):
    assert referer(source, canonical(target)) == told
    hop = next_hop(Request("https://start.test/", headers={"Referer": source}), 302, canonical(target))
    assert dict(hop.headers).get("Referer", "") == told


@case(
    "redirects",
    "no-referer-by-itself",
    behaviour="A crawl follows links and redirects.",
    expectation="It sends no Referer at all: where a link was found is nobody's business.",
    source="the project's own decision; RFC 9110 10.1.3 leaves it to the client",
)
async def test_a_crawl_sends_no_referer():
    async with recording({"/": page("<a href='/a'>x</a>"), "/a": redirect("/b"), "/b": page()}) as server:
        await crawl(server.url())
    assert server.paths == ["/", "/a", "/b"]
    assert not [asked for asked in server.asked if "referer" in asked.headers]


@case(
    "redirects",
    "referrer-policy-header",
    behaviour="A response has `Referrer-Policy: os.abort` or another name of Python's.",
    expectation="It is text, and nothing looks at it.",
    source="GHSA-cwxj-rr6w-m6w7",
)
async def test_a_referrer_policy_is_only_text():
    async with recording({"/": page("ok", "Referrer-Policy: os.abort")}) as server:
        crawled = await crawl(server.url())
    assert crawled.tally.pages == 1


def test_origin_is_scheme_host_and_port():
    """The word means the same in every rule above."""
    assert origin(canonical("http://u:p@A.test:80/x")) == "http://a.test"


# -- meta refresh, by choice -------------------------------------------------------------------------------------------


@table(
    "redirects",
    "content, place",
    [
        row("refresh-usual", "0; url=/b", "/b"),
        row("refresh-capitals", "0;URL=/b", "/b"),
        row("refresh-single-quotes", "5; url='/b'x", "/b"),
        row("refresh-double-quotes", '5;url="/b"', "/b"),
        row("refresh-open-quote", "5;url='/b", "/b"),
        row("refresh-comma", "0, url=/b", "/b"),
        row("refresh-blank", "0 url=/b", "/b"),
        row("refresh-no-name", "0; /b", "/b"),
        row("refresh-name-without-equals", "0; url /b", "url /b"),
        row("refresh-blanks-everywhere", " \t0 ; url \n= \f/b ", "/b"),
        row("refresh-fraction", "0.5; url=/b", "/b"),
        row("refresh-only-fraction", ".5; url=/b", "/b"),
        row("refresh-no-semicolon", "0url=/b", ""),
        row("refresh-reload", "300", ""),
        row("refresh-no-time", "url=/b", ""),
        row("refresh-negative", "-1; url=/b", ""),
        row("refresh-empty", "", ""),
        row("refresh-empty-place", "0; url=", ""),
    ],
    behaviour="A page has a meta refresh in one of the spellings of the web.",
    expectation="It means what it means in browsers, and only a spider that asks for it (follow_refresh) follows it.",
    source="HTML standard 4.2.5.3 (shared declarative refresh steps)",
)
def test_a_meta_refresh_means_what_it_means_in_browsers(content, place):
    body = f'<meta http-equiv="Refresh" content="{content.replace(chr(34), "&quot;")}"><p>x'.encode()
    html = Headers((("Content-Type", "text/html"),))
    found = Page(Response(Request("http://a.test/x"), status=200, url="http://a.test/x", headers=html, body=body))
    assert refresh_target(content) == place
    wanted = [join("http://a.test/x", place)] if place else []
    assert [request.url for request in found.follow_refresh().requests] == wanted


@case(
    "redirects",
    "refresh-to-itself",
    behaviour="A page reloads itself every few seconds, or wants to run a script by a refresh.",
    expectation="The first is no hop; the second is refused for its scheme.",
    source="the project's own decision",
)
def test_a_page_that_reloads_itself_is_no_hop():
    def follow(content):
        html = Headers((("Content-Type", "text/html"), ("Refresh", content)))
        answer = Response(Request("http://a.test/x"), status=200, url="http://a.test/x", headers=html)
        return Page(answer).follow_refresh()

    assert not follow("5; url=/x").requests
    assert [request.url for request in follow("5; url=/y").requests] == ["http://a.test/y"]
    assert follow("0; url=javascript:alert(1)").refusals == (("javascript:alert(1)", Reason.SCHEME),)
