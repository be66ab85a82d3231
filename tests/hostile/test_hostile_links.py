"""Links of a page: what they start from, which of them a page asks not to follow, and how many it may bring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table
from logged import Reply, crawl, logged

from scraper import links
from scraper.engine.door import Door
from scraper.follow import Follow
from scraper.outcome import Reason
from scraper.page import Nofollow, Page
from scraper.policy.scope import Scope
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.spider import Spider
from scraper.urls import Url, canonical
from tests.helpers import read_rows

URL = canonical("http://shop.test/books/list.html?page=2")
HTML = ("Content-Type", "text/html; charset=utf-8")


def page(html: str | bytes, *headers: tuple[str, str], nofollow: Nofollow = "ignore", robot: str = "") -> Page:
    body = html.encode() if isinstance(html, str) else html
    response = Response(Request(URL), status=200, url=URL, headers=Headers((HTML, *headers)), body=body)
    return Page(response, nofollow=nofollow, robot=robot)


@table(
    "links",
    "head, wanted",
    [
        row("base-none", "", "http://shop.test/books/x"),
        row("base-absolute", "<base href='https://cdn.test/a/b'>", "https://cdn.test/a/x"),
        row("base-relative", "<base href='../other/'>", "http://shop.test/other/x"),
        row("base-only-query", "<base href='?q'>", "http://shop.test/books/x"),
        row("base-scheme-relative", "<base href='//cdn.test/a/'>", "http://cdn.test/a/x"),
        row("base-empty", "<base href=''>", "http://shop.test/books/x"),
        row("base-fragment", "<base href='#a'>", "http://shop.test/books/x"),
        row("base-blanks-and-breaks", "<base href=' \n/o\tther/ '>", "http://shop.test/other/x"),
        row("base-backslash", "<base href='\\\\cdn.test\\a\\'>", "http://cdn.test/a/x"),
        row("base-with-user", "<base href='http://me:pw@cdn.test/a/'>", "http://cdn.test/a/x"),
        row("base-odd-ipv4", "<base href='http://0x7f.1/'>", "http://127.0.0.1/x"),
        row("base-without-href", "<base target=_top><base href='/a/'>", "http://shop.test/a/x"),
        row("base-first-one-counts", "<base href='/a/'><base href='/b/'>", "http://shop.test/a/x"),
        row("base-upper-case", "<BASE HREF='/a/'>", "http://shop.test/a/x"),
        row("base-in-the-body", "</head><body><p><base href='/a/'>", "http://shop.test/a/x"),
        row("base-commented-out", "<!-- <base href='/a/'> -->", "http://shop.test/books/x"),
        row("base-in-a-script", "<script>'<base href=/a/>'</script>", "http://shop.test/books/x"),
        row("base-in-a-template", "<template><base href='/a/'></template>", "http://shop.test/books/x"),
        row("base-invalid", "<base href='http://[bad'>", "http://shop.test/books/x"),
        row(
            "base-first-one-counts-even-invalid", "<base href='http://['><base href='/b/'>", "http://shop.test/books/x"
        ),
        row("base-data", "<base href='data:text/html,x'>", "http://shop.test/books/x"),
        row("base-javascript", "<base href='javascript:1'>", "http://shop.test/books/x"),
        row("base-mailto", "<base href='mailto:a@b'>", "http://shop.test/books/x"),
        row("base-file", "<base href='file:///etc/'>", Reason.SCHEME),
        row("base-ftp", "<base href='ftp://shop.test/a/'>", Reason.SCHEME),
        row("base-huge", f"<base href='/{'a' * 100_000}/'>", f"http://shop.test/{'a' * 100_000}/x"),
    ],
    behaviour="A page has such a <base>, and a link to x.",
    expectation="The link means what it means in a browser; file: and ftp: are refused.",
    source="HTML standard 4.2.3, document base URL",
)
def test_links_start_at_the_base(head: str, wanted: str | Reason) -> None:
    """The first <base href> counts, wherever it is, if relative links can start there."""
    one = page(f"<head>{head}<a href='x'>x</a>")
    assert one.resolve("x") == wanted
    follow = one.follow_links()
    if isinstance(wanted, Reason):
        assert (follow.requests, follow.refusals) == ((), (("x", wanted),))
    else:
        assert [request.url for request in follow.requests] == [wanted]
    assert one.resolve("https://other.test/y") == "https://other.test/y"


@table(
    "links",
    "head, headers, told",
    [
        row("meta-nofollow", "<meta name=robots content=nofollow>", (), "nofollow"),
        row("meta-list", "<meta name='robots' content='NOINDEX, NoFollow'>", (), "noindex nofollow"),
        row("meta-name-in-capitals", "<META NAME=ROBOTS CONTENT=NOFOLLOW>", (), "nofollow"),
        row("meta-none", "<meta name=robots content=none>", (), "noindex nofollow"),
        row("meta-all", "<meta name=robots content=all>", (), ""),
        row(
            "meta-two-tags",
            "<meta name=robots content=noindex><meta name=robots content=nofollow>",
            (),
            "noindex nofollow",
        ),
        row("meta-for-another", "<meta name=googlebot content=nofollow>", (), ""),
        row("meta-in-the-body", "</head><body><meta name=robots content=nofollow>", (), "nofollow"),
        row("meta-without-content", "<meta name=robots>", (), ""),
        row("meta-part-of-a-word", "<meta name=robots content='nofollowing'>", (), "nofollowing"),
        row("meta-huge", f"<meta name=robots content='{'noindex,' * 50_000}'>", (), "noindex"),
        row("header-nofollow", "", (("X-Robots-Tag", "nofollow"),), "nofollow"),
        row("header-repeated", "", (("X-Robots-Tag", "noindex"), ("x-robots-tag", "NOFOLLOW")), "noindex nofollow"),
        row("header-for-another", "", (("X-Robots-Tag", "googlebot: nofollow"),), ""),
        row(
            "header-for-another-and-all",
            "",
            (("X-Robots-Tag", "otherbot: noindex"), ("X-Robots-Tag", "nofollow")),
            "nofollow",
        ),
        row("header-for-robots", "", (("X-Robots-Tag", "robots: nofollow"),), "nofollow"),
        row("meta-for-us", "<meta name=FooBot content='none'>", (), "noindex nofollow"),
        row("header-for-us", "", (("X-Robots-Tag", "FooBot: nofollow"),), "nofollow"),
        row(
            "header-for-us-and-another", "", (("X-Robots-Tag", "FooBot: nofollow, b2.bot: noindex, none"),), "nofollow"
        ),
        row("header-for-another-and-us", "", (("X-Robots-Tag", "b: noindex, foobot: nofollow"),), "nofollow"),
        row("header-for-all-then-another", "", (("X-Robots-Tag", "nofollow, b: noindex"),), "nofollow"),
        row("header-for-a-part-of-us", "", (("X-Robots-Tag", "Foo: nofollow"),), ""),
        row(
            "header-of-a-date-with-commas",
            "",
            (("X-Robots-Tag", "unavailable_after: 25 Jun 2010, 15:00:00 PST, nofollow"),),
            "unavailable_after: 25 jun 2010|15:00:00 pst|nofollow",
        ),
        row("header-with-value", "", (("X-Robots-Tag", "max-snippet: 5, nofollow"),), "max-snippet: 5|nofollow"),
        row("nothing-said", "<meta name=description content=nofollow>", (), ""),
    ],
    behaviour="A page tells robots something.",
    expectation="page.robots says it; with nofollow the page's links are refused, but for `nofollow: ignore`.",
    source="Google: Robots meta tag and X-Robots-Tag specifications; RFC 9309 does not speak of them",
)
def test_a_page_may_ask_not_to_be_followed(head: str, headers: tuple[tuple[str, str], ...], told: str) -> None:
    """What the page asks of robots is obeyed unless the user decided otherwise, and every callback can see it."""
    words = frozenset(told.split("|") if "|" in told else told.split())
    html = f"<head>{head}<a href='/x'>x</a><a href='mailto:y'>y</a>"
    for policy in ("page", "link", "ignore"):
        one = page(html, *headers, nofollow=policy, robot="FooBot")
        assert one.robots == words
        follow = one.follow_links()
        refused = {"mailto:y": Reason.SCHEME}
        if "nofollow" in words and policy != "ignore":
            assert dict(follow.refusals) == {"http://shop.test/x": Reason.NOFOLLOW, **refused}
            assert not follow.requests
        else:
            assert (len(follow.requests), dict(follow.refusals)) == (1, refused)


@table(
    "links",
    "anchor, disowned",
    [
        row("rel-nofollow", "<a href=/x rel=nofollow>", True),
        row("rel-list", "<a href=/x rel='noopener NoFollow ugc'>", True),
        row("rel-area", "<map><area href=/x rel=nofollow></map>", True),
        row("rel-other", "<a href=/x rel='noopener ugc sponsored'>", False),
        row("rel-part-of-a-word", "<a href=/x rel=nofollowed>", False),
        row("rel-also-without", "<a href=/x rel=nofollow></a><a href=/x>", False),
    ],
    behaviour="A link says rel=… of itself.",
    expectation="Nobody vouches for it, which is no ban: by default it is followed; `nofollow: link` refuses it.",
    source="HTML standard 4.6.7.13, nofollow",
)
def test_a_link_may_be_disowned(anchor: str, disowned: bool) -> None:
    """rel=nofollow is a word about the target, obeyed by choice."""
    assert len(page(anchor, nofollow="page").follow_links().requests) == 1
    follow = page(anchor, nofollow="link").follow_links()
    assert follow.refusals == ((("http://shop.test/x", Reason.NOFOLLOW),) if disowned else ())
    assert len(follow.requests) == (not disowned)


class Links(Spider):
    """Follow all links."""

    def parse(self, page: Page) -> Iterator[Any]:
        """Yield the page's own URL and all links, twice."""
        yield {"url": page.url, "robots": sorted(page.robots)}
        yield page.follow_links()
        yield page.follow("a")


@case(
    "links",
    "nofollow-on-a-server",
    behaviour="Pages of a site say nofollow in a header, in their markup, and to this crawler by name; all have links.",
    expectation="Those links are not asked for, and the summary says so; the pages themselves are read.",
    source="Google: Robots meta tag and X-Robots-Tag specifications",
)
async def test_what_a_site_asks_robots_not_to_follow_is_left() -> None:
    """The default is that of a guest."""
    site = {
        "/": Reply(b"<a href=/a>a</a><a href=/b rel=nofollow>b</a><a href=/c>c</a><a href=/d>d</a><a href=/e>e</a>"),
        "/a": Reply(b"<a href=/secret1>x</a>", headers={"X-Robots-Tag": "nofollow"}),
        "/b": Reply(b"<meta name=robots content='noindex,nofollow'><a href=/secret2>x</a>"),
        "/c": Reply(b"<meta name=Scraper content=none><a href=/secret3>x</a>"),
        "/d": Reply(b"<a href=/secret4>x</a>", headers={"X-Robots-Tag": "otherbot: none, scraper: nofollow"}),
        "/e": Reply(b"<a href=/f>x</a>", headers={"X-Robots-Tag": "scraper: noarchive, otherbot: nofollow"}),
        "/f": Reply(b"<p>"),
    }
    async with logged(site) as server:
        report = await crawl(server.url(), spider=Links())
    assert sorted(server.pages) == ["/", "/a", "/b", "/c", "/d", "/e", "/f"]
    assert report.progress.tally.refused["nofollow"] == 4


def bounds(**changes: Any) -> dict[str, Any]:
    return {
        "hosts": ["shop.test"],
        "subdomains": False,
        "allow": (),
        "deny": (),
        "depth": None,
        "url_length": 2083,
        "ignore": (),
        **changes,
    }


def door(**changes: Any) -> Door:
    return Door(Scope(**bounds(**changes)))


@case(
    "links",
    "many-links-are-cut",
    behaviour="A page has 30,000 links.",
    expectation="The first 10,000 different ones are taken, the others are refused as too_many_links.",
    source="the project's own rule: scope.links_per_page",
)
def test_a_page_brings_a_bounded_number_of_links() -> None:
    """A page cannot fill the frontier."""
    one = page("".join(f"<a href=/{n}>x</a>" for n in range(30_000)))
    follow = one.follow_links()
    accepted, refused, _ = door().admit((*follow.requests, *follow.requests), follow.refusals, links=10_000)
    assert [request.url for request in accepted] == [f"http://shop.test/{n}" for n in range(10_000)]
    assert [reason for _, reason in refused] == [Reason.TOO_MANY_LINKS] * 20_000


@case(
    "links",
    "doubles-do-not-count",
    behaviour="A page has the same ten links a thousand times, written in several ways, and then an eleventh.",
    expectation="With links_per_page 11 all eleven are taken.",
    source="the project's own rule: scope.links_per_page",
)
def test_a_link_counts_once() -> None:
    """What is on a page twice is one link."""
    many = [Request(f"http://shop.test/{'./' * (n // 10 % 3)}{n % 10}#{n}") for n in range(10_000)]
    accepted, refused, _ = door().admit([*many, Request("http://shop.test/last")], links=11)
    assert ({request.url for request in accepted} >= {"http://shop.test/last", "http://shop.test/0"}, refused) == (
        True,
        (),
    )


@case(
    "links",
    "off-scope-links-do-not-count",
    behaviour="The first 1,000 links of a page lead elsewhere.",
    expectation="They do not use up the links of the page.",
    source="the project's own rule: scope.links_per_page",
)
def test_links_that_are_not_taken_do_not_count() -> None:
    """Only what enters is counted."""
    away = [Request(f"http://other.test/{n}") for n in range(1000)]
    accepted, refused, _ = door().admit([*away, Request(URL)], links=1)
    assert (len(accepted), len(refused)) == (1, 1000)


@case(
    "links",
    "seeds-are-not-links",
    behaviour="Somebody has 20,000 seeds.",
    expectation="All are taken: links_per_page is about pages.",
    source="the project's own rule: scope.links_per_page",
)
def test_seeds_are_not_counted() -> None:
    """No page brought them."""
    accepted, _, _ = door().admit([Request(f"http://shop.test/{n}") for n in range(20_000)])
    assert len(accepted) == 20_000


@case(
    "links",
    "long-hrefs-are-refused-and-stored-short",
    behaviour="A page has links of 100 kB.",
    expectation="They are refused as too_long; the state file keeps the beginning of each.",
    source="the project's own rule: scope.url_length",
)
async def test_long_links_do_not_fill_the_disk(tmp_path: Path) -> None:
    """A refusal is remembered by what a person would read of it."""
    html = "".join(f"<a href='/{n}{'a' * 100_000}'>x</a>" for n in range(20)) + "<a href=/ok>x</a>"
    async with logged({"/": Reply(html.encode()), "/ok": Reply(b"<p>")}) as server:
        report = await crawl(server.url(), spider=Links(), state=tmp_path, timeout=5.0)
    assert sorted(server.pages) == ["/", "/ok"]
    assert report.progress.tally.refused["too_long"] == 20
    (state,) = tmp_path.rglob("*.db")
    assert max(len(text) for (text,) in read_rows(state, "select url from refused")) <= 4000


@case(
    "links",
    "tracking-links-on-a-server",
    behaviour="A page links to one page with ten campaigns.",
    expectation="It is asked for once, without the campaign; with an empty `ignore` ten times.",
    source="the project's own rule: scope.ignore",
)
async def test_campaigns_do_not_multiply_pages() -> None:
    """By default one page is one page; who wants every variant says so."""
    index = "".join(f"<a href='/p?utm_source=s{n}&id=1'>x</a>" for n in range(10)).encode()
    for ignore, wanted in ((("tracking",), 1), ((), 10)):
        async with logged(
            lambda path: Reply(index) if path == "/" else Reply(b"", 404 * (path == "/robots.txt") or 200)
        ) as server:
            await crawl(server.url(), spider=Links(), ignore=ignore)
        assert len(server.pages) == 1 + wanted


@case(
    "links",
    "refused-by-one-page",
    behaviour="One page says nofollow of a link, as it is written there in full; another page has the same link.",
    expectation="It is refused on the first page and taken from the second: what a page says holds for its own links.",
    source="RFC 9309 does not know nofollow; HTML standard, 4.6.7.13: it is said of the link, not of its target",
)
def test_what_one_page_refuses_another_may_bring() -> None:
    """The door remembers what it refused, and that was not its own refusal."""
    at_the_door = door()
    url = Url("http://shop.test/a")
    like = Request(url)
    accepted, refused, _ = at_the_door.admit([], [(url, Reason.NOFOLLOW)], links=10)
    assert (accepted, refused) == ((), ((url, Reason.NOFOLLOW),))
    accepted, refused, _ = at_the_door.admit([Follow(links=(url,), like=like)], links=10)
    assert ([request.url for request in accepted], refused) == ([url], ())


@case(
    "links",
    "elsewhere-on-every-page",
    behaviour="A link to another site stands on every page, and so does one that is too deep only on some.",
    expectation="The first is refused once and not looked at again; the second is judged on each page.",
    source="the project's own rule: each refusal is told once; depth depends on the way",
)
def test_a_refusal_that_no_way_makes_better_is_told_once() -> None:
    """Scope by host is for good, depth is not."""
    at_the_door = door(depth=1)
    away, deep = Url("http://elsewhere.test/"), Url("http://shop.test/deep")
    links = (away, deep)
    _, refused, _ = at_the_door.admit([Follow(links=links, like=Request(deep, depth=2))], links=10)
    assert refused == ((away, Reason.OFF_SCOPE), (deep, Reason.TOO_DEEP))
    accepted, refused, _ = at_the_door.admit([Follow(links=links, like=Request(deep, depth=1))], links=10)
    assert ([request.url for request in accepted], refused) == ([deep], ())


@case(
    "links",
    "known-on-every-page",
    behaviour="Pages have links that the frontier has already, one of them once more under a campaign's name.",
    expectation="They are counted on each page and asked about once; nobody makes a request of them.",
    source="the project's own rule: what the frontier knows for certain stays known",
)
def test_a_link_that_is_known_is_asked_about_once() -> None:
    """The door remembers what it was told, text by text as pages write it."""
    asked: list[str] = []

    def knows(url: Url) -> bool:
        asked.append(url)
        return url.endswith("/a")

    at_the_door = Door(Scope(**bounds(ignore=("tracking",))), knows)
    known, tracked, new = (Url(f"http://shop.test/{rest}") for rest in ("a", "a?utm_source=x", "b"))
    follow = Follow(links=(known, new, tracked), like=Request(known))
    for times in (1, 2, 3):
        accepted, refused, number = at_the_door.admit([follow], links=10)
        assert ([request.url for request in accepted], refused, number) == ([new], (), 2)
        assert (asked.count(known), asked.count(new)) == (2, times)


@case(
    "links",
    "refused-by-another-method",
    behaviour="A form that sends to a URL is refused, and a link to that text stands on later pages.",
    expectation="The link is judged by itself: without what does not matter it may be in the crawl.",
    source="the project's own rule: every URL that was seen is in the crawl or on record",
)
@pytest.mark.parametrize(("deny", "length"), [(("utm_",), 2083), ((), 30)])
def test_what_one_method_may_not_says_nothing_of_links(deny: tuple[str, ...], length: int) -> None:
    """A link is looked at without its campaign's name, a request that sends data as it stands."""
    at_the_door = door(deny=deny, url_length=length, ignore=("tracking",))
    url = Url("http://shop.test/x?utm_source=1&id=2")
    refused = at_the_door.admit([Request(url, method="POST", body=b"x")], links=10).refusals
    assert [text for text, _ in refused] == [url]
    for _ in range(2):
        accepted, refused, _ = at_the_door.admit([Follow(links=(url,), like=Request(url))], links=10)
        assert ([request.url for request in accepted], refused) == (["http://shop.test/x?id=2"], ())


def test_a_refusal_is_told_once() -> None:
    """What stands on every page and may not come in is on record from the first, whichever way it is refused."""
    at_the_door = door()
    mail, far = ("mailto:a@shop.test", Reason.SCHEME), Url("http://far.test/")
    for told in ((mail, (far, Reason.OFF_SCOPE)), ()):
        wanted = [Request(far), Follow(links=(far,), like=Request(far)), Request(far)]
        assert at_the_door.admit(wanted, [mail, mail], links=10).refusals == told


@case(
    "links",
    "long-links-are-not-remembered",
    behaviour="Pages have links of a megabyte, each with another campaign's name.",
    expectation="Nothing keeps them: what is remembered of links is short.",
    source="the project's own rule: memory is bounded",
)
def test_long_links_are_not_remembered() -> None:
    """The door asks again for what is long, and a reference whose URL is long is resolved again."""
    asked: list[str] = []
    at_the_door = Door(Scope(**bounds(ignore=("tracking",))), lambda url: not asked.append(url))
    long, short = (Url(f"http://shop.test/?utm_source={'x' * size}") for size in (1_000_000, 10))
    for _ in range(3):
        assert at_the_door.admit([Follow(links=(long, short), like=Request(long))], links=10).known == 2
    assert len(asked) == 3 + 1
    before = len(links._MET)
    escaped = links.Links(Url("http://shop.test/"), "utf-8")
    assert len(str(escaped.meaning("/" + "\U0001f600" * 400))) > 4000
    assert len(links._MET) == before
    escaped.meaning("/short-and-new-here")
    assert len(links._MET) == before + 1


def test_a_page_that_disowns_some_links_tells_all_in_order() -> None:
    """Refusals come in the page's order, each with its reason, and a link is followed where one copy may be."""
    html = "<a href=/x rel=nofollow><a href=mailto:a><a href=/y><a href='http://[' rel=nofollow><a href=./../x>"
    follow = page(html, nofollow="link").follow_links()
    x, y = "http://shop.test/x", "http://shop.test/y"
    assert follow.links == (y, x)
    wanted = ((x, Reason.NOFOLLOW), ("mailto:a", Reason.SCHEME), ("http://[", Reason.INVALID_URL))
    assert follow.refusals == wanted
    asks = page(html, ("X-Robots-Tag", "nofollow"), nofollow="page").follow_links()
    assert (asks.links, asks.refusals) == ((), (*wanted[:2], (y, Reason.NOFOLLOW), wanted[2]))
