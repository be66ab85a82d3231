"""robots.txt as the web has it, and what the crawler makes of it."""

from __future__ import annotations

import gzip
from itertools import pairwise
from math import inf

import pytest
from case import case, row, table
from logged import Entry, Logged, Reply, crawl, links, logged
from robots_facts import CHECKS, DISAGREEMENTS
from servers import TLS, Server, answer, sends

from scraper.errors import (
    BodyTooLarge,
    ChunkedEncodingError,
    ConnectionError,  # noqa: A004 - requests' own name
    ConnectTimeout,
    ContentDecodingError,
    DNSError,
    MalformedResponse,
    ReadTimeout,
    RequestException,
    SSLError,
    UnsafeAddress,
)
from scraper.fetch.gate import AGAIN, LIFE, SHARED_BYTES, Gate
from scraper.outcome import Failed, Fetched, Reason, Retry
from scraper.policy.retry import RetryPolicy
from scraper.policy.robots import MAX_BYTES, MAX_LINE, parse
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.runs.runner import Run
from scraper.testing.clock import run
from scraper.testing.fake_fetcher import Answer, FakeFetcher
from scraper.testing.frontier_steps import WaitingClock
from tests.helpers import SteadyClock, make_plan

SITE = "http://site.test"
DAY = 24 * 3600.0  # seconds
GOOGLE = "github.com/google/robotstxt, its published checks; RFC 9309"


def allowed(text: str | bytes, path: str, agent: str = "FooBot") -> bool:
    body = text if isinstance(text, bytes) else text.encode()
    return parse(body, agent).allows(SITE + path)


def told(wanted: bool) -> str:
    return "is allowed" if wanted else "is refused"


def window(text: str) -> str:
    """Return a file in one line, shortened, as a table can show it."""
    line = " / ".join(text.split("\n")).strip(" /")
    return f"`{line[:60]}…`" if len(line) > 60 else f"`{line}`"


@table(
    "robots",
    ("text", "agent", "path", "wanted"),
    [
        row(
            f"google-{number:03}-{check.name}".lower(),
            check.text, check.agent, check.path, check.allowed,
            behaviour=f"{window(check.text)} for {check.agent or 'nobody'}",
            expectation=f"`{check.path[:30]}` {told(check.allowed)}",
        )
        for number, check in enumerate(CHECKS, 1)
        if check.name not in DISAGREEMENTS
    ],
    behaviour="", expectation="", source=GOOGLE,
)  # fmt: skip
def test_google_says(text: str, agent: str, path: str, wanted: bool) -> None:
    """What Google's parser is checked for."""
    rules = parse(text.encode(), agent)
    if path or not wanted:
        assert rules.allows(SITE + path) is wanted
    else:
        assert rules.allows("") is True


@pytest.mark.parametrize("check", [c for c in CHECKS if c.name in DISAGREEMENTS], ids=lambda check: check.name)
def test_where_the_standard_says_otherwise(check: object) -> None:
    """The few disagreements are real; one that is gone has to leave the list."""
    assert check in CHECKS
    assert allowed(check.text, check.path, check.agent) is not check.allowed  # type: ignore[attr-defined]


def test_the_share_of_googles_checks() -> None:
    """All but two, and each of these has its reason."""
    assert len(DISAGREEMENTS) == sum(check.name in DISAGREEMENTS for check in CHECKS) == 2
    assert len(CHECKS) == 145


LINES = ["User-Agent: FooBot", "Allow: /some/path", "User-Agent: BarBot", "", "", "Disallow: /"]
MARKED = "User-Agent: FooBot\nDisallow: /x\n"


@table(
    "robots",
    ("body", "path", "wanted"),
    [
        row("lines-of-unix", "\n".join(LINES).encode() + b"\n", "/x", True, behaviour="LF; the rest is another's"),
        row("lines-of-dos", "\r\n".join([*LINES[:1], "Disallow: /x"]).encode(), "/x", False, behaviour="CR LF"),
        row("lines-of-old-macs", "\r".join([*LINES[:1], "Disallow: /x"]).encode(), "/x", False, behaviour="CR"),
        row("lines-of-all-kinds", b"User-agent: *\r\r\n\nDisallow: /x\n\rAllow: /x/y", "/x", False,
            behaviour="CR, LF and CR LF"),
        row("no-last-line-end", b"User-agent: *\nDisallow: /x", "/x", False, behaviour="no line end"),
        row("byte-order-mark", b"\xef\xbb\xbf" + MARKED.encode(), "/x", False, behaviour="a UTF-8 mark"),
        row("half-a-mark", b"\xef\xbb" + MARKED.encode(), "/x", False, behaviour="two bytes of a mark"),
        row("a-third-of-a-mark", b"\xef" + MARKED.encode(), "/x", False, behaviour="one byte of a mark"),
        row("a-broken-mark", b"\xef\x11\xbf" + MARKED.encode(), "/x", True, behaviour="a wrong mark"),
        row("a-mark-inside", b"User-agent: *\n\xef\xbb\xbfDisallow: /x", "/x", True, behaviour="a mark in a line"),
        row("two-marks", b"\xef\xbb\xbf\xef\xbb\xbf" + MARKED.encode(), "/x", True, behaviour="two marks"),
        row("utf-16-little", MARKED.encode("utf-16"), "/x", False, behaviour="UTF-16 with its mark"),
        row("utf-16-big", b"\xfe\xff" + MARKED.encode("utf-16-be"), "/x", False, behaviour="UTF-16, big end first"),
        row("utf-16-cut", MARKED.encode("utf-16")[:-1], "/y", True, behaviour="UTF-16, cut in a letter"),
        row("nul-before-a-line", b"\0\0User-agent: *\n\0Disallow: /x", "/x", False, behaviour="NUL before a line"),
        row("nul-after-a-line", b"User-agent: *\0\nDisallow: /x\0\0", "/x", False, behaviour="NUL after a line"),
        row("nul-in-a-path", b"User-agent: *\nDisallow: /x\0y", "/x%00y", False, behaviour="NUL in a path"),
        row("only-nul", b"\0" * 5000, "/x", True, behaviour="5,000 NUL"),
        row("junk-between-agents", b"User-agent: FooBot\nHost: a\n%%\nUser-agent: b\nDisallow: /x", "/x", False,
            behaviour="junk between two names of a group"),
        row("junk-between-rules", b"User-agent: *\nAllow: /y\nnoindex\n\xff\xfe\nDisallow: /x", "/x", False,
            behaviour="junk between rules"),
        row("a-blank-line-in-a-group", b"User-agent: *\n\nAllow: /y\n\n\nDisallow: /x", "/x", False,
            behaviour="blank lines in a group"),
        row("comment-after-a-name", b"User-agent: FooBot#x\nDisallow: /x # y", "/x", False, behaviour="comments"),
        row("spaces-everywhere", b" \t User-agent \t: \t FooBot \n\tDisallow : /x \t", "/x", False, behaviour="spaces"),
        row("latin-1", b"User-agent: *\nDisallow: /caf\xe9", "/caf%E9", False, behaviour="latin-1 in a path"),
        row("no-utf8-in-a-name", b"User-agent: \xff\xfe\nDisallow: /x", "/x", True, behaviour="bytes as a name"),
        row("a-page-of-html", b"<!doctype html>\n<p>User-agent: *</p>\n<p>Disallow: /</p>", "/x", True,
            behaviour="an HTML page that speaks of robots.txt"),
        row("vertical-tab", b"User-agent: *\nDisallow: /\nAllow: /y\x0bAllow: /", "/x", False,
            behaviour="a control character that Python takes for a line's end"),
        row("next-line", "User-agent: *\nDisallow: /\nAllow: /y\x85Allow: /".encode(), "/x", False,
            behaviour="U+0085 in a path"),
        row("line-without-a-group", b"Disallow: /x", "/x", True, behaviour="a rule before any name"),
        row("endless-line", b"User-agent: *\nDisallow: /x" + b"a" * 200_000, "/x", True,
            behaviour="a line of 200 kB"),
        row("long-allow-is-cut", b"User-agent: *\nDisallow: /\nAllow: /" + b"a" * MAX_LINE + b"b", "/x", False,
            behaviour="an Allow longer than any URL"),
        row("500-kib-are-read", b"User-agent: *\n" + b"#" * (MAX_BYTES - 40) + b"\nDisallow: /x\n", "/x", False,
            behaviour="a rule at the end of the first 500 KiB"),
        row("beyond-500-kib", b"User-agent: *\n" + b"#" * MAX_BYTES + b"\nDisallow: /x\n", "/x", True,
            behaviour="a rule beyond 500 KiB"),
    ],
    behaviour="robots.txt:", expectation="the rules are those that its lines say",
    source="RFC 9309 2.2, 2.2.4, 2.3 (UTF-8), 2.5; google/robotstxt",
)  # fmt: skip
def test_lines_are_found(body: bytes, path: str, wanted: bool) -> None:
    """Whatever is around them, the lines that are there are read, and no others."""
    assert allowed(body, path) is wanted


MERGED = "User-agent: a\nUser-agent: FooBot\nDisallow: /x\nUser-agent: *\nDisallow: /y\nuser-agent:foobot\nDisallow: /z"
NESTED = "User-agent: *\nAllow: /\nDisallow: /a/\nAllow: /a/b\nDisallow: /a/b/c"


@table(
    "robots",
    ("lines", "allowed_paths", "refused_paths"),
    [
        row("groups-of-one-name-are-one", MERGED, "/y /w", "/x /z", behaviour="two groups for one name, one for all"),
        row("a-longer-name-is-another", "User-agent: FooBotNews\nDisallow: /", "/x", "", behaviour="a longer name"),
        row("a-part-of-a-name-is-another", "User-agent: Foo\nDisallow: /", "/x", "", behaviour="a part of our name"),
        row("a-name-with-its-version", "User-agent: FooBot/2.1 (x)\nDisallow: /", "", "/x", behaviour="a version"),
        row("an-empty-group-of-ours", "User-agent: *\nDisallow: /\nUser-agent: FooBot\nDisallow:", "/x", "",
            behaviour="everything forbidden to all, nothing to us"),
        row("an-empty-disallow", "User-agent: *\nDisallow:\nDisallow: /x", "/y", "/x", behaviour="an empty Disallow"),
        row("an-empty-allow", "User-agent: *\nDisallow: /\nAllow:", "", "/ /x", behaviour="an empty Allow"),
        row("a-draw", "User-agent: *\nDisallow: /x\nAllow: /x", "/x", "", behaviour="a draw"),
        row("a-draw-with-a-star", "User-agent: *\nDisallow: /x\nAllow: /*", "/x", "", behaviour="a draw with a star"),
        row("the-longest", NESTED, "/ /a/b", "/a/x /a/b/c/", behaviour="rules inside of rules"),
        row("a-dollar-inside", "User-agent: *\nDisallow: /a$b", "/a /ab", "/a$b /a$bc", behaviour="a dollar inside"),
        row("two-dollars", "User-agent: *\nDisallow: /a$$", "/a /a$b", "/a$", behaviour="two dollars"),
        row("only-a-star", "User-agent: *\nDisallow: *", "", "/ /x?y", behaviour="only a star"),
        row("only-a-dollar", "User-agent: *\nDisallow: $", "/ /x", "", behaviour="only a dollar sign"),
        row("no-first-slash", "User-agent: *\nDisallow: x\nDisallow: .php", "/x /a.php", "", behaviour="no slash"),
        row("a-whole-url", f"User-agent: *\nDisallow: {SITE}/x", "/x", "", behaviour="a URL as a path"),
        row("itself", "User-agent: *\nDisallow: /", "/robots.txt", "/robots.txt.bak", behaviour="itself forbidden"),
        row("thousands-of-stars", f"User-agent: *\nDisallow: /{'*a' * 8000}b", f"/{'a' * 2000}", "",
            behaviour="8,000 stars in one rule, and a URL that nearly fits"),
        row("stars-that-fit", f"User-agent: *\nDisallow: /{'*a' * 1000}*b$", f"/{'a' * 1500}c", f"/{'a' * 1500}b",
            behaviour="1,000 stars in a rule that fits"),
        row("thousands-of-rules", "User-agent: *\n" + "\n".join(f"Disallow: /*a{n}*a" for n in range(2000)),
            f"/{'a' * 500}", "/a7a", behaviour="2,000 rules with stars"),
    ],
    behaviour="robots.txt has", expectation="is read as the standard says, in time that no file can make long",
    source="RFC 9309 2.2.1, 2.2.2, 2.2.3; google/robotstxt; CWE-1333",
)  # fmt: skip
def test_rules_are_understood(lines: str, allowed_paths: str, refused_paths: str) -> None:
    """Groups, draws, the longest match, stars and ends."""
    assert [path for path in allowed_paths.split() if not allowed(lines, path)] == []
    assert [path for path in refused_paths.split() if allowed(lines, path)] == []


@table(
    "robots",
    ("pattern", "path", "same"),
    [
        row("escape-rfc-1", "/foo/bar?baz=quz", "/foo/bar?baz=quz", True),
        row("escape-rfc-2", "/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar", True),
        row("escape-rfc-2-reversed", "/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https://foo.bar", True),
        row("escape-rfc-3", "/foo/bar/\u30c4", "/foo/bar/%E3%83%84", True),
        row("escape-rfc-4", "/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84", True),
        row("escape-rfc-5", "/foo/bar/%62%61%7A", "/foo/bar/baz", True),
        row("escape-rfc-star", "/path/file-with-a-%2A.html", "/path/file-with-a-*.html", True),
        row("escape-rfc-dollar", "/path/foo-%24", "/path/foo-$", True),
        row("escape-case", "/a%3cd.html", "/a%3Cd.html", True),
        row("escape-tilde", "/%7ejoe/", "/~joe/", True),
        row("escape-tilde-reversed", "/~joe/", "/%7Ejoe/", True),
        row("escape-slash-in-a-path", "/a%2fb", "/a/b", False),
        row("escape-slash-in-a-path-reversed", "/a/b", "/a%2Fb", False),
        row("escape-percent", "/a%25b", "/a%25b", True),
        row("escape-bare-percent", "/a%b", "/a%b", True),
        row("escape-broken", "/a%zz", "/a%zz", True),
        row("escape-space", "/a b", "/a%20b", True),
        row("escape-plus", "/a b", "/a+b", False),
        row("escape-pipe", "/a|b", "/a%7Cb", True),
        row("escape-comma", "/a,b", "/a%2Cb", True),
        row("escape-quote", '/a"b', "/a%22b", True),
    ],
    behaviour="a rule and a URL that spell a path in two ways", expectation="are compared octet by octet, unescaped",
    source="RFC 9309 2.2.2, RFC 3986 6.2.2",
)  # fmt: skip
def test_spellings_are_compared(pattern: str, path: str, same: bool) -> None:
    """Percent-encoding does not change what a path is."""
    assert allowed(f"User-agent: *\nDisallow: {pattern}", path) is not same


@table(
    "robots",
    ("lines", "delay"),
    [
        row("delay", "Crawl-delay: 2.5", 2.5),
        row("delay-zero", "Crawl-delay: 0", 0.0),
        row("delay-words", "Crawl-delay: ten", None),
        row("delay-unit", "Crawl-delay: 10s", None),
        row("delay-negative", "Crawl-delay: -10", None),
        row("delay-nan", "Crawl-delay: NaN", None),
        row("delay-infinite", "Crawl-delay: inf", None),
        row("delay-digits", f"Crawl-delay: {'9' * 5000}", 366 * 86_400.0),
        row("delay-twice", "Crawl-delay: 4\nCrawl-delay: 1", 4.0),
        row("delay-in-two-groups", "Crawl-delay: 4\nAllow: /\nUser-agent: *\nCrawl-delay: 1", 4.0),
        row("delay-without-a-zero", "Crawl-delay: .5", 0.5),
        row("delay-with-a-comma", "Crawl-delay: 1,5", None),
        row("delay-other-digits", "Crawl-delay: \u0663", None),
        row("delay-and-rate", "Crawl-delay: 2\nRequest-rate: 1/20", 20.0),
        row("rate-with-spaces", "Request-rate: 1 / 5s", 5.0),
        row("rate-of-a-day", "Request-rate: 24/1d", 3600.0),
        row("rate-negative", "Request-rate: -1/5", None),
        row("rate-of-no-time", "Request-rate: 1/0", None),
        row("rate-many-pages", f"Request-rate: {'9' * 400}/1", 0.0),
        row("rate", "Request-rate: 1/10", 10.0),
        row("rate-minutes", "Request-rate: 30/1m", 2.0),
        row("rate-hours", "Request-rate: 60/1h 0100-0600", 60.0),
        row("rate-zero", "Request-rate: 0/10", None),
        row("rate-nothing", "Request-rate: /", None),
        row("rate-digits", f"Request-rate: 1/{'9' * 400}", 366 * 86_400.0),
    ],
    behaviour="the site asks for slowness:", expectation="a finite number of seconds, or nothing",
    source="RFC 9309 2.2.4 (other records); robotstxt.org's extended standard; Bing and Yandex's documentation",
)  # fmt: skip
def test_slowness_is_a_number(lines: str, delay: float | None) -> None:
    """What makes no sense asks for nothing."""
    assert parse(f"User-agent: *\n{lines}\nDisallow: /x".encode(), "FooBot").delay == delay


# -- what the answer means -------------------------------------------------------------------------------------------


class Desk:
    """A gate with its clock, and one origin."""

    def __init__(self, *, times: int = 3) -> None:
        self.clock = WaitingClock()
        retry = RetryPolicy(times=times, backoff=1.0, max_backoff=60.0, max_retry_after=600.0, random=lambda: 0.5)
        self.gate = Gate(obey=True, user_agent="FooBot/1", retry=retry, clock=self.clock)

    def refused(self, path: str = "/x") -> Reason | None:
        """Return why a page may not be had."""
        refusal = self.gate.refuses(Request(SITE + path))
        return refusal.reason if refusal else None

    def learn(self, answer: int | RequestException, body: str = "", wait: float | None = None) -> tuple[object, float]:
        """Take in an answer; return the outcome, and for how many seconds it holds."""
        if isinstance(answer, int):
            request = Request(SITE + "/robots.txt")
            said: Response | RequestException = Response(
                request, status=answer, url=request.url, headers=Headers(()), body=body.encode()
            )
        else:
            said = answer
        outcome, policy = self.gate.learn(SITE, said, wait)
        assert policy.robots_until is not None
        return outcome, policy.robots_until - self.clock.now()


@case(
    "robots",
    "same-file-many-sites",
    behaviour="Many sites have the same robots.txt, as a shop system writes it; one of them changes its own.",
    expectation="It is read once, and what changes at one site changes nothing at the others.",
    source="own design",
)
def test_sites_with_the_same_file_share_what_it_says() -> None:
    """A file of a size that only one site would have is not kept for others."""
    gate = Desk().gate
    sites = ("http://a.test", "http://b.test")

    def learn(site: str, text: str) -> None:
        request = Request(site + "/robots.txt")
        answer = Response(request, status=200, url=request.url, headers=Headers(()), body=text.encode())
        gate.learn(site, answer, None)

    def refused(site: str, path: str) -> bool:
        return gate.refuses(Request(site + path)) is not None

    text = "User-agent: *\nDisallow: /x\nSitemap: http://maps.test/1"
    for long in (False, True):
        for site in sites:
            learn(site, text + "\n# and so on" * (SHARED_BYTES if long else 1))
        assert [refused(site, "/x") for site in sites] == [True, True]
        one, other = map(gate.sitemaps, sites)
        assert one == other == ("http://maps.test/1",)
        assert (one is other) is not long
    learn(sites[0], text.replace("/x", "/y"))
    assert [(refused(site, "/x"), refused(site, "/y")) for site in sites] == [(False, True), (True, False)]


@table(
    "robots",
    ("status",),
    [row(f"status-{status}", status) for status in (400, 401, 403, 404, 405, 410, 418, 451, 499)],
    behaviour="robots.txt answers with a 4xx status and rules as its body", expectation="there are no rules",
    source="RFC 9309 2.3.1.3",
)  # fmt: skip
def test_unavailable_allows(status: int) -> None:
    """The body of an error page is not a file of rules."""
    desk = Desk()
    outcome, life = desk.learn(status, "User-agent: *\nDisallow: /")
    assert isinstance(outcome, Fetched)
    assert life == LIFE
    assert desk.refused() is None


@table(
    "robots",
    ("answer",),
    [
        *(row(f"status-{status}", status) for status in (429, 500, 502, 503, 504, 520, 526)),
        row("no-connection", ConnectionError("refused")),
        row("no-connection-in-time", ConnectTimeout("slow")),
        row("no-address", DNSError("no such host")),
        row("no-answer-in-time", ReadTimeout("slow")),
        row("half-an-answer", ChunkedEncodingError("cut")),
    ],
    behaviour="robots.txt cannot be had", expectation="is asked for again, with pauses; then no page is visited",
    source="RFC 9309 2.3.1.4",
)  # fmt: skip
def test_unreachable_forbids_and_is_asked_again(answer: int | RequestException) -> None:
    """Nobody knows what the site wants, so nothing is done; an hour later it is asked once more."""
    desk = Desk()
    for _ in range(3):
        outcome, life = desk.learn(answer)
        assert isinstance(outcome, Retry)
        assert life == -inf
    outcome, life = desk.learn(answer)
    assert isinstance(outcome, Failed)
    assert life == AGAIN
    assert desk.refused() is Reason.ROBOTS_UNREACHABLE
    assert isinstance(desk.learn(answer)[0], Retry), "it is given as many tries as the first time"
    desk.learn(200, "User-agent: *\nDisallow: /y")
    assert (desk.refused("/x"), desk.refused("/y")) == (None, Reason.ROBOTS)


@table(
    "robots",
    ("answer", "reason"),
    [
        row("status-501", 501, Reason.ROBOTS_UNREACHABLE),
        row("bad-certificate", SSLError("expired"), Reason.ROBOTS_UNREACHABLE),
        row("not-http", MalformedResponse("junk"), Reason.ROBOTS_UNREACHABLE),
        row("broken-coding", ContentDecodingError("gzip"), Reason.ROBOTS_UNREACHABLE),
        row("unsafe-address", UnsafeAddress("10.0.0.1"), Reason.UNSAFE_ADDRESS),
    ],
    behaviour="robots.txt cannot be had, and asking at once would not help", expectation="no page is visited",
    source="RFC 9309 2.3.1.4",
)  # fmt: skip
def test_unreachable_for_good_forbids(answer: int | RequestException, reason: Reason) -> None:
    """It is not asked in vain, and asked again in an hour."""
    desk = Desk()
    outcome, life = desk.learn(answer)
    assert isinstance(outcome, Failed)
    assert life == AGAIN
    assert desk.refused() is reason


@case(
    "robots", "stale-and-unreachable",
    behaviour="after a day robots.txt is asked for again and answers 503",
    expectation="the old rules stay in force, and it is asked for again every hour", source="RFC 9309 2.4",
)  # fmt: skip
def test_old_rules_are_better_than_none() -> None:
    """A cached file may be used for longer while there is no other."""
    desk = Desk(times=0)
    desk.learn(200, "User-agent: *\nDisallow: /y")
    desk.clock.time += LIFE
    _, life = desk.learn(503)
    assert life == AGAIN
    assert (desk.refused("/x"), desk.refused("/y")) == (None, Reason.ROBOTS)


@case(
    "robots", "gone-after-a-day",
    behaviour="after a day robots.txt is not there any more", expectation="there are no rules any more",
    source="RFC 9309 2.3.1.3, 2.4",
)  # fmt: skip
def test_new_rules_replace_old_ones() -> None:
    """What the site says now counts."""
    desk = Desk()
    desk.learn(200, "User-agent: *\nDisallow: /")
    desk.learn(404)
    assert desk.refused() is None


@case(
    "robots", "larger-than-a-body-may-be",
    behaviour="robots.txt is endless", expectation="what came of it counts, up to 500 KiB", source="RFC 9309 2.5",
)  # fmt: skip
def test_what_came_of_an_endless_file_counts() -> None:
    """A limit on bodies is no reason to know nothing."""
    desk, request = Desk(), Request(SITE + "/robots.txt")
    body = b"User-agent: *\nDisallow: /y\n" + b"#" * MAX_BYTES
    error = BodyTooLarge("too large")
    error.response = Response(request, status=200, url=request.url, headers=Headers(()), body=body)
    outcome, _ = desk.learn(error)
    assert isinstance(outcome, Fetched)
    assert (desk.refused("/x"), desk.refused("/y")) == (None, Reason.ROBOTS)


@case(
    "robots", "sitemaps",
    behaviour="robots.txt names sitemaps, in and outside of groups", expectation="all of them are known, in order",
    source="sitemaps.org, protocol; RFC 9309 2.2.4",
)  # fmt: skip
def test_sitemaps_are_known() -> None:
    """They are for every crawler."""
    desk = Desk()
    desk.learn(
        200, "sitemap: /a.xml\nUser-agent: B\nDisallow: /\nSITEMAP: https://b.test/b.xml #x\nSite-map: /c.xml\nSitemap:"
    )
    assert desk.gate.sitemaps(SITE) == ("/a.xml", "https://b.test/b.xml", "/c.xml")
    assert desk.gate.sitemaps("http://other.test") == ()


# -- against real sockets --------------------------------------------------------------------------------------------

RULES = b"User-agent: *\nDisallow: /no\n"
PLAIN = {"Content-Type": "text/plain"}
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"


def moved(to: str, status: int = 302) -> Reply:
    """Return a redirect."""
    return Reply(status=status, headers={"Location": to})


def hops(number: int) -> dict[str, Reply]:
    """Return a chain of redirects from robots.txt to RULES."""
    way = ["/robots.txt", *(f"/r{hop}" for hop in range(1, number)), "/rules"]
    return {here: moved(there) for here, there in pairwise(way)} | {"/rules": Reply(RULES)}


def site(robots: Reply, *, pages: int = 3) -> dict[str, Reply]:
    """Return a site: a front page that links to pages and to /no, which is forbidden by RULES."""
    paths = [f"/p{number}" for number in range(pages)]
    return {"/robots.txt": robots, "/": links(*paths, "/no"), "/no": Reply(), **dict.fromkeys(paths, Reply())}


def first_answered(server: Logged) -> Entry:
    """Return the robots.txt request, which was answered before any page was asked for."""
    first = server.log[0]
    assert first.path == "/robots.txt"
    assert all(entry.start >= first.end for entry in server.log[1:])
    return first


@case(
    "robots", "one-request-for-32-workers",
    behaviour="32 workers and 64 URLs of one origin whose robots.txt takes its time",
    expectation="one request for it, and no page before its answer", source="RFC 9309 2.4; architecture, law 3",
)  # fmt: skip
async def test_one_request_however_many_workers() -> None:
    """The order is kept by the frontier, not by a lock."""
    paths = [f"/p{number}" for number in range(64)]
    answers = {"/robots.txt": Reply(RULES, wait=0.1), **dict.fromkeys(paths, Reply(wait=0.01))}
    async with logged(answers) as server:
        report = await crawl(*map(server.url, paths), workers=32, per_host=32)
        assert report.ok
        assert server.paths.count("/robots.txt") == 1
        assert first_answered(server)
        assert len(server.pages) == 64


@case(
    "robots", "each-origin-its-own",
    behaviour="two ports of one host, one of which forbids everything",
    expectation="each is asked for its robots.txt, and each is obeyed", source="RFC 9309 2.3 (scheme and authority)",
)  # fmt: skip
async def test_each_origin_has_its_own() -> None:
    """A port is another site."""
    async with (
        logged(site(Reply(b"User-agent: *\nDisallow: /"))) as closed,
        logged(site(Reply(RULES))) as opened,
    ):
        await crawl(closed.url(), opened.url())
        assert closed.paths == ["/robots.txt"]
        assert sorted(opened.paths) == ["/", "/p0", "/p1", "/p2", "/robots.txt"]


@case(
    "robots", "a-link-to-another-origin",
    behaviour="a page links to an origin that was not met before", expectation="its robots.txt first",
    source="RFC 9309 2.2.2",
)  # fmt: skip
async def test_a_new_origin_is_asked_first() -> None:
    """Links open origins as seeds do."""
    async with logged(site(Reply(RULES))) as second:
        pages = {"/": links(second.url("/p0"), second.url("/no"))}
        async with logged(pages) as first:
            await crawl(first.url())
            assert second.paths == ["/robots.txt", "/p0"]


@table(
    "robots",
    ("robots",),
    [
        row("served-as-an-image", Reply(RULES, headers={"Content-Type": "image/png"}), behaviour="as image/png"),
        row("served-without-a-type", Reply(RULES, headers={"Content-Type": ""}), behaviour="without a content type"),
        row("served-as-a-download", Reply(RULES, headers={"Content-Type": "application/octet-stream"}),
            behaviour="as a download"),
        row("served-with-a-wrong-charset", Reply(RULES, headers={"Content-Type": "text/plain; charset=utf-16"}),
            behaviour="as UTF-16, which it is not"),
        row("served-in-gzip", Reply(gzip.compress(RULES), headers={**PLAIN, "Content-Encoding": "gzip"}),
            behaviour="with gzip"),
        row("served-as-206", Reply(RULES, 206), behaviour="with status 206"),
        row("served-without-a-length", Reply(raw=b"HTTP/1.0 200 OK\r\n\r\n" + RULES, end="close"),
            behaviour="by HTTP/1.0, ended by the connection's end"),
        row("huge", Reply(RULES + b"# " + b"x" * 3_000_000), behaviour="with 3 MB"),
        row("larger-than-any-body", Reply(raw=OK % (20_000_000, RULES), end="flood"),
            behaviour="with a Content-Length above fetch.max_body"),
        row("larger-than-any-body-early", Reply(b"# " + b"x" * 400_000 + b"\n" + RULES),
            behaviour="with its rules after 400 kB, far above a small fetch.max_body"),
        row("a-bomb", Reply(gzip.compress(RULES + b"#" * 5_000_000), headers={**PLAIN, "Content-Encoding": "gzip"}),
            behaviour="as 5 kB of gzip that become 5 MB"),
        row("after-early-hints", Reply(raw=b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + OK % (len(RULES), RULES)),
            behaviour="after an answer with status 103"),
        row("endless", Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + RULES, end="flood"),
            behaviour="without an end"),
        row("slow", Reply(RULES, wait=0.2), behaviour="after 0.2 s"),
    ],
    behaviour="the file is served", expectation="its rules are obeyed",
    source="RFC 9309 2.3, 2.5; google/robotstxt; measured on the web",
)  # fmt: skip
async def test_a_file_is_a_file(robots: Reply) -> None:
    """Headers do not matter, and neither does what comes after the first 500 KiB."""
    async with logged(site(robots)) as server:
        report = await crawl(server.url(), timeout=2.0, max_body=1000)
        assert report.ok, report.reasons
        first_answered(server)
        assert sorted(server.pages) == ["/", "/p0", "/p1", "/p2"]


@table(
    "robots",
    ("robots",),
    [
        row("a-page-in-its-place", Reply(b"<!doctype html><h1>Welcome</h1>Disallow: /"), behaviour="an HTML page"),
        row("an-empty-file", Reply(b"", headers=PLAIN), behaviour="an empty body"),
        row("no-content", Reply(raw=b"HTTP/1.1 204 No\r\n\r\n"), behaviour="status 204"),
        row("a-login-page", Reply(status=302, headers={"Location": "/login"}), behaviour="a redirect to a login page"),
        row("rules-in-a-404", Reply(b"User-agent: *\nDisallow: /", 404), behaviour="status 404 with rules in it"),
        row("a-wall", Reply(b"User-agent: *\nDisallow: /", 403), behaviour="status 403"),
        row("a-redirect-to-itself", Reply(status=301, headers={"Location": "/robots.txt"}),
            behaviour="a redirect to itself"),
        row("a-redirect-to-nowhere", Reply(status=301), behaviour="a redirect without a Location"),
        row("a-redirect-to-mail", moved("mailto:a@b.test"), behaviour="a redirect to mailto:"),
        row("a-redirect-to-a-file", moved("file:///etc/passwd"), behaviour="a redirect to file:"),
        row("a-redirect-to-no-url", moved("http://[::1"), behaviour="a redirect to what is no URL"),
        row("a-redirect-to-nothing", moved("/nothing"), behaviour="a redirect to a 404"),
        row("not-modified", Reply(raw=b"HTTP/1.1 304 Not Modified\r\n\r\n"), behaviour="status 304, unasked"),
        row("packed-twice", Reply(gzip.compress(b"User-agent: *\nDisallow: /")), behaviour="gzip that nobody names"),
    ],
    behaviour="in place of the file there is", expectation="there are no rules, and the pages are visited",
    source="RFC 9309 2.3.1.2, 2.3.1.3",
)  # fmt: skip
async def test_what_is_no_file_has_no_rules(robots: Reply) -> None:
    """Only rules forbid."""
    async with logged({**site(robots), "/login": Reply(b"<form>Log in</form>")}) as server:
        report = await crawl(server.url())
        assert report.ok, report.reasons
        assert sorted(set(server.pages) - {"/login", "/nothing"}) == ["/", "/no", "/p0", "/p1", "/p2"]


@table(
    "robots",
    ("answers",),
    [
        *(row(f"moved-{status}", {"/robots.txt": moved("/rules", status), "/rules": Reply(RULES)})
          for status in (301, 302, 303, 307, 308)),
        row("moved-5-times", hops(5), behaviour="five times over"),
    ],
    behaviour="robots.txt was moved", expectation="the rules at the end of the way are obeyed; each hop is one request",
    source="RFC 9309 2.3.1.2",
)  # fmt: skip
async def test_robots_txt_may_be_moved(answers: dict[str, Reply]) -> None:
    """Five hops at least."""
    async with logged({**site(Reply()), **answers}) as server:
        report = await crawl(server.url())
        assert report.ok, report.reasons
        way = [path for path in answers if path != "/rules"]
        assert server.paths[: len(way) + 1] == [*way, "/rules"]
        assert sorted(server.paths[len(way) + 1 :]) == ["/", "/p0", "/p1", "/p2"]


@table(
    "robots",
    ("answers", "asked"),
    [
        row("moved-6-times", hops(6), 6, behaviour="six times"),
        row("moved-in-a-circle", {"/robots.txt": moved("/r1"), "/r1": moved("/robots.txt")}, 6,
            behaviour="in a circle of two"),
    ],
    behaviour="robots.txt is redirected", expectation="after five hops nobody goes on, and there are no rules",
    source="RFC 9309 2.3.1.2: more than five may count as unavailable",
)  # fmt: skip
async def test_robots_txt_may_be_lost(answers: dict[str, Reply], asked: int) -> None:
    """As Google does it: the page that a robot cannot get is a 404."""
    async with logged({**site(Reply()), **answers}) as server:
        report = await crawl(server.url())
        assert report.ok, report.reasons
        assert not set(server.paths[:asked]) & {"/", "/no", "/rules"}
        assert sorted(server.paths[asked:]) == ["/", "/no", "/p0", "/p1", "/p2"]


@case(
    "robots", "moved-across-hosts",
    behaviour="robots.txt is redirected from host to host, five times, the last of them to another port",
    expectation="the file at the end is that of the first host; the others' own files say nothing about it",
    source="RFC 9309 2.3.1.2 (even across authorities)",
)  # fmt: skip
async def test_robots_txt_may_be_elsewhere() -> None:
    """It speaks for the origin that was asked, and only for that."""
    async with logged({"/rules": Reply(RULES), "/robots.txt": Reply(b"User-agent: *\nDisallow: /")}) as last:
        names = [f"h{number}.test" for number in range(5)]
        to = [f"http://{name}/{number}" for number, name in enumerate(names[1:], 1)] + ["http://last.test/rules"]
        way = {"/robots.txt": moved(to[0]), **{f"/{number}": moved(to[number]) for number in range(1, 5)}}
        async with logged({**site(Reply()), **way}) as first:
            places = dict.fromkeys(names, f"127.0.0.1:{first.port}") | {"last.test": f"127.0.0.1:{last.port}"}
            report = await crawl("http://h0.test/", connect_to=places)
        assert report.ok, report.reasons
        assert first.paths[:5] == ["/robots.txt", "/1", "/2", "/3", "/4"]
        assert last.paths == ["/rules"]
        assert sorted(first.paths[5:]) == ["/", "/p0", "/p1", "/p2"]


@table(
    "robots",
    ("target", "reason"),
    [
        row("moved-to-a-private-address", "http://10.0.0.1/robots.txt", "unsafe_address", behaviour="10.0.0.1"),
        row("moved-to-metadata", "http://169.254.169.254/latest/", "unsafe_address", behaviour="a cloud's metadata"),
        row("moved-to-nobody", "http://127.0.0.1:1/robots.txt", "robots_unreachable", behaviour="a port that refuses"),
        row("moved-to-trouble", "/down", "robots_unreachable", behaviour="a page that answers 503"),
    ],
    behaviour="robots.txt is redirected to", expectation="it cannot be had, so no page is visited",
    source="RFC 9309 2.3.1.4; the guard of addresses is asked at each hop",
)  # fmt: skip
async def test_robots_txt_may_be_out_of_reach(target: str, reason: str) -> None:
    """A redirect is no way around a refusal, and none into a private network."""
    async with logged({**site(moved(target)), "/down": Reply(b"", 503)}) as server:
        report = await crawl(server.url())
        assert not report.ok
        assert set(server.paths) <= {"/robots.txt", "/down"}
        assert dict(report.progress.tally.refused) == {reason: 1}


@case(
    "robots", "moved-to-tls",
    behaviour="robots.txt of http: is redirected to https:, as most sites do", expectation="the rules there are obeyed",
    source="RFC 9309 2.3.1.2",
)  # fmt: skip
async def test_robots_txt_may_be_at_another_scheme() -> None:
    """The pages stay with http: they are another origin's."""
    async with Server(sends(answer(RULES)), tls="good") as secure:
        async with logged(site(moved(f"{secure.base}/robots.txt", 301))) as server:
            report = await crawl(server.url(), verify_tls=str(TLS / "ca.pem"))
        assert secure.targets == ["/robots.txt"]
        assert report.ok, report.reasons
        assert sorted(server.pages) == ["/", "/p0", "/p1", "/p2"]


@case(
    "robots", "a-page-that-moved",
    behaviour="a page is redirected to an origin whose robots.txt forbids it",
    expectation="that file is asked for first, and the page is not", source="RFC 9309 2.2.2",
)  # fmt: skip
async def test_a_redirect_is_no_way_around_robots_txt() -> None:
    """Each hop is judged by the origin that it goes to."""
    async with logged(site(Reply(RULES))) as second:
        async with logged({"/a": moved(second.url("/no")), "/b": moved(second.url("/p0"))}) as first:
            report = await crawl(first.url("/a"), first.url("/b"))
        assert sorted(second.paths) == ["/p0", "/robots.txt"]
        assert second.paths[0] == "/robots.txt"
        assert report.progress.tally.refused["robots"] == 1


@case(
    "robots", "a-life-of-24-hours",
    behaviour="a crawl of 100 pages with half an hour between requests; what robots.txt says changes on the second day",
    expectation="it is asked for once a day, and what it says then counts", source="RFC 9309 2.4",
)  # fmt: skip
def test_robots_txt_is_asked_for_once_a_day() -> None:
    """On a clock that jumps."""
    seeds = [f"http://a.test/{number}" for number in range(100)]

    async def main() -> list[tuple[float, str]]:
        clock = SteadyClock()

        def rules(request: Request) -> str:
            return "" if clock.now() < DAY else "User-agent: *\nDisallow: /9"

        pages: dict[str, Answer] = dict.fromkeys(seeds, "x")
        async with FakeFetcher({**pages, "http://a.test/robots.txt": rules}, clock=clock) as fetcher:
            plan = make_plan(seeds=tuple(seeds), per_host=1, delay=1800.0, obey_robots=True)
            await Run(plan, clock=clock, fetcher=fetcher).execute()
        return [(visit.at, str(visit.request.url)) for visit in fetcher.visits]

    visits = run(main())
    first, second = [at for at, url in visits if url.endswith("/robots.txt")]
    assert first == 0.0
    assert DAY <= second < DAY + 3600.0
    assert len(visits) == 2 + 100 - 10
    assert min(later[0] - sooner[0] for sooner, later in pairwise(visits)) >= 1800.0


@table(
    "robots",
    ("robots",),
    [
        row("always-503", Reply(b"", 503), behaviour="status 503"),
        row("always-500", Reply(b"", 500), behaviour="status 500"),
        row("always-429", Reply(b"", 429), behaviour="status 429"),
        row("reset", Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + RULES, end="reset"),
            behaviour="half of it, then a reset"),
        row("closed", Reply(raw=b"", end="close"), behaviour="a closed connection"),
        row("cut", Reply(raw=OK % (99, RULES), end="close"), behaviour="half of it, then a closed connection"),
        row("cut-in-gzip", Reply(gzip.compress(RULES * 99)[:-9], headers={"Content-Encoding": "gzip"}),
            behaviour="half of its gzip stream"),
        row("stopped", Reply(raw=OK % (99, RULES), end="hang"), behaviour="half of it, then silence"),
        row("silent", Reply(raw=b"", end="hang"), behaviour="silence"),
    ],
    behaviour="for robots.txt there is always", expectation="four tries, no page, and the run has failed",
    source="RFC 9309 2.3.1.4",
)  # fmt: skip
async def test_no_file_no_pages(robots: Reply) -> None:
    """The site may want anything, so nothing is done."""
    async with logged(site(robots)) as server:
        report = await crawl(server.url(), server.url("/p0"), timeout=0.1)
        assert not report.ok
        assert server.paths == ["/robots.txt"] * 4
        assert report.progress.tally.refused["robots_unreachable"] == 2


@case(
    "robots", "503-and-then-rules",
    behaviour="robots.txt answers 503 twice, with Retry-After, then rules",
    expectation="it is asked for again when that time is over; then the rules are obeyed", source="RFC 9309 2.3.1.4",
)  # fmt: skip
async def test_it_is_asked_again() -> None:
    """A site that restarts is not lost."""
    asked: list[str] = []

    def answer(path: str) -> Reply:
        asked.append(path)
        down = path == "/robots.txt" and len(asked) < 3
        return Reply(b"", 503, {"Retry-After": "1"}) if down else site(Reply(RULES))[path]

    async with logged(answer) as server:
        report = await crawl(server.url(), max_retry_after=0.15)
        assert report.ok, report.reasons
        first, second, third = server.starts("/robots.txt")
        assert min(second - first, third - second) >= 0.15
        assert sorted(server.pages) == ["/", "/p0", "/p1", "/p2"]


@case(
    "robots", "503-on-another-port",
    behaviour="robots.txt of one port always answers 503 with Retry-After; another port of the host has pages",
    expectation="the host as a whole is left alone for so long after each of these answers", source="RFC 9110 10.2.3",
)  # fmt: skip
def test_a_rest_that_robots_txt_asks_for_is_the_hosts() -> None:
    """Also the last one, after which that port is given up."""
    asked: Answer = (503, {"Retry-After": "100"}, "")
    pages = [f"http://a.test/{number}" for number in range(5)]

    async def main() -> list[tuple[float, str]]:
        clock = SteadyClock()
        site: dict[str, Answer] = {**dict.fromkeys(pages, "x"), "http://a.test:81/robots.txt": asked}
        async with FakeFetcher(site, clock=clock) as fetcher:
            plan = make_plan(seeds=("http://a.test:81/", *pages), per_host=1, delay=1.0, obey_robots=True, retries=1)
            await Run(plan, clock=clock, fetcher=fetcher).execute()
        return [(visit.at, str(visit.request.url)) for visit in fetcher.visits]

    visits = run(main())
    told = [at for at, url in visits if url == "http://a.test:81/robots.txt"]
    assert len(told) == 2
    assert not [at for at, _ in visits for rest in told if rest < at < rest + 100]
    assert len(visits) == 2 + 1 + 5


@table(
    "robots",
    ("lines", "gap"),
    [
        row("crawl-delay-is-kept", "Crawl-delay: 0.12", 0.12, behaviour="a Crawl-delay"),
        row("request-rate-is-kept", "Request-rate: 10/1", 0.1, behaviour="a Request-rate"),
        row("crawl-delay-is-capped", "Crawl-delay: 86400", 0.15, behaviour="a Crawl-delay of a day"),
        row("crawl-delay-is-a-floor", "Crawl-delay: 0.01", 0.1, behaviour="a Crawl-delay below the user's own delay"),
    ],
    behaviour="robots.txt has", expectation="requests are so far apart, counted from robots.txt itself",
    source="RFC 9309 2.2.4; Bing's and Yandex's documentation",
)  # fmt: skip
async def test_slowness_is_kept(lines: str, gap: float) -> None:
    """The longer of both wishes, and no site can stop the crawl."""
    async with logged(site(Reply(f"User-agent: *\n{lines}\nDisallow: /no".encode()), pages=1)) as server:
        report = await crawl(server.url(), max_crawl_delay=0.15, delay=0.1 if gap == 0.1 else 0.0)
        assert report.ok
        assert min(server.gaps()) >= gap - 0.005
        assert max(server.gaps()) < gap + 0.3
