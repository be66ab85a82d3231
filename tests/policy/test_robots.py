"""robots.txt is read as RFC 9309 says; where it is silent, as Google publishes that its own crawlers do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.policy.robots import ALLOW_ALL, MAX_BYTES, Rules, Verdict, judge, parse, product_token

AGENT = "ExampleBot/2.1 (+https://bot.example/)"


def rules(text: str, agent: str = AGENT) -> Rules:
    return parse(text.encode(), agent)


def allowed(text: str, path: str, agent: str = AGENT) -> bool:
    return rules(text, agent).allows("https://site.test" + path)


@pytest.mark.parametrize(
    ("agents", "ours"),
    [
        ("User-agent: ExampleBot", True),
        ("user-agent: examplebot", True),
        ("USER-AGENT:EXAMPLEBOT", True),
        ("User-agent : ExampleBot", True),
        ("\tUser-agent:\tExampleBot\t", True),
        ("User-agent: ExampleBot/1.0", True),
        ("User-agent: ExampleBot and friends", True),
        ("User-agent: ExampleBot # us", True),
        ("User agent: ExampleBot", True),
        ("UserAgent: ExampleBot", True),
        ("User-agent ExampleBot", True),
        ("User-agent: *", True),
        ("User-agent: * all of you", True),
        ("User-agent: Example", False),
        ("User-agent: Bot", False),
        ("User-agent: ExampleBotter", False),
        ("User-agent: ExampleBot-Image", False),
        ("User-agent: My ExampleBot", False),
        ("User-agent: Mozilla", False),
        ("User-agent:", False),
        ("# User-agent: ExampleBot", False),
        ("Agent: ExampleBot", False),
    ],
)
def test_a_group_is_ours_by_its_whole_product_token(agents: str, ours: bool) -> None:
    """RFC 9309, 2.2.1: case does not matter, what follows the token is cut, parts of a name are another name."""
    assert allowed(f"{agents}\nDisallow: /", "/x") is not ours


def test_a_crawler_without_a_name_is_spoken_to_as_anybody() -> None:
    """An empty token does not match a line that names nobody."""
    assert allowed("User-agent:\nDisallow: /", "/x", agent="")
    assert not allowed("User-agent:\nAllow: /\nUser-agent: *\nDisallow: /", "/x", agent="")


GROUPS = """
User-agent: *
Disallow: /all

User-agent: OtherBot
User-agent: ExampleBot
Disallow: /first

User-agent: OtherBot
Disallow: /other

User-agent: examplebot
Disallow: /second
"""


@pytest.mark.parametrize(
    ("path", "agent", "expected"),
    [
        ("/first", AGENT, False),
        ("/second", AGENT, False),
        ("/other", AGENT, True),
        ("/all", AGENT, True),
        ("/first", "OtherBot", False),
        ("/second", "OtherBot", True),
        ("/all", "ThirdBot", False),
        ("/first", "ThirdBot", True),
        ("/all", "", False),
    ],
)
def test_groups_for_one_token_are_one_and_replace_those_for_anybody(path: str, agent: str, expected: bool) -> None:
    """RFC 9309, 2.2.1: matching groups are combined; `*` counts only where none matches."""
    assert allowed(GROUPS, path, agent) is expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("Disallow: /\nUser-agent: *\nAllow: /", "/x", True),  # a rule without a group
        ("User-agent: *\nAllow: /a\n\n\nDisallow: /b", "/b", False),  # a blank line ends nothing
        ("User-agent: A\n\nUser-agent: *\nDisallow: /", "/x", False),
        ("User-agent: *\nSitemap: https://site.test/s.xml\nUser-agent: A\nDisallow: /", "/x", False),
        ("User-agent: *\nNoindex: /y\nUser-agent: A\nDisallow: /", "/x", False),
        ("User-agent: *\nsome words\nUser-agent: A\nDisallow: /", "/x", False),
        ("User-agent: *\nCrawl-delay: 5\nUser-agent: A\nDisallow: /", "/x", False),
        ("User-agent: *\nDisallow:\nUser-agent: A\nDisallow: /", "/x", True),  # an empty rule is a rule
        ("User-agent: ExampleBot\n\nUser-agent:\nDisallow: /", "/x", False),
        ("User-agent: ExampleBot\nUser-agent: A\nAllow: /\nUser-agent: *\nDisallow: /", "/x", True),
    ],
)
def test_only_allow_and_disallow_end_the_list_of_agents(text: str, path: str, expected: bool) -> None:
    """RFC 9309, 2.2 and 2.2.4: other records must not interfere with the standard's own."""
    assert allowed(text, path) is expected


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        ("Disallow: /", "/", False),
        ("Disallow:", "/", True),
        ("Disallow: /\nAllow: /x", "/x/y", True),
        ("Allow: /x\nDisallow: /", "/x/y", True),
        ("Allow: /x\nDisallow: /x/y", "/x/y", False),
        ("Disallow: /x\nAllow: /x", "/x", True),  # of equals the allowing one
        ("Disallow: /x/page.html\nAllow: /x/", "/x/page.html", False),
        ("Disallow: /x", "/X", True),
        ("Disallow: /", "/robots.txt", True),
        ("Disallow: /", "/robots.txt?x", False),
        ("DISALLOW: /x", "/x", False),
        ("Disallow:/x", "/x", False),
        ("Disallow /x", "/x", False),
        ("Dissalow: /x", "/x", False),
        ("Disallow: /x # a reason", "/x", False),
        ("Disallow: /a b", "/a%20b", False),
        ("Disallowed: /x", "/x", True),
        ("Disallow: x", "/x", True),
        ("Allow: /dir/index.html\nDisallow: /dir/", "/dir/", True),
    ],
)
def test_the_longest_match_decides(lines: str, path: str, expected: bool) -> None:
    """RFC 9309, 2.2.2: the most specific rule is used, allow wins a draw, no match allows."""
    assert allowed(f"User-agent: *\n{lines}", path) is expected


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("/fish", "/fish /fish.html /fish/salmon.html /fishheads /fish.php?id=1", "/Fish.asp /catfish /?id=fish"),
        ("/fish*", "/fish /fish/salmon.html /fishheads/yummy", "/Fish.asp /catfish"),
        ("/fish/", "/fish/ /fish/?id=1 /fish/salmon.htm", "/fish /fish.html /animals/fish/"),
        ("/*.php", "/index.php /dir/file.php?x=1 /a.php.html", "/ /windows.PHP"),
        ("/*.php$", "/filename.php /folder/any.php", "/filename.php?x /filename.php/ /filename.php5"),
        ("/fish*.php", "/fish.php /fishheads/catfish.php?x", "/Fish.PHP"),
        ("/a$b", "/a$b /a$b/c", "/a"),
        ("/x*y*z$", "/xyz /x1y2z /xyzz", "/xyz1 /xy"),
        ("*/tail", "/tail /a/tail", "/tai"),
        ("/?", "/? /?q=1", "/ /a?"),
        ("/*?*=http%3A%2F%2F", "/r?u=http%3A%2F%2Fx /r?u=http://x", "/r?u=http:/x"),
        ("/*u=http%3A%2F%2F", "/r?u=http%3A%2F%2Fx", "/r"),
        ("/*u=http://", "/r?u=http%3A%2F%2Fx /r?u=http://x", "/r"),
        ("/a*b*", "/ab /a/b/c", "/a /ba"),
        ("/*a*a*a$", "/aaa /a/a/a", "/aa /aaab"),
    ],
)
def test_star_and_dollar_are_the_only_special_signs(pattern: str, matching: str, others: str) -> None:
    """RFC 9309, 2.2.3: `*` is any run of characters, `$` at the end is the end."""
    text = f"User-agent: *\nDisallow: {pattern}"
    assert [path for path in matching.split() if allowed(text, path)] == []
    assert [path for path in others.split() if not allowed(text, path)] == []


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/foo/bar/\u30c4", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/foo/bar?baz=http://foo.bar", "/foo/bar?baz=http://foo.bar"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),
        ("/path/foo-%24", "/path/foo-$"),
    ],
)
def test_percent_encoding_does_not_matter(pattern: str, path: str) -> None:
    """RFC 9309, 2.2.2: paths are compared with octets encoded alike."""
    assert not allowed(f"User-agent: *\nDisallow: {pattern}", path)


def test_bytes_that_are_no_utf8_are_compared_as_they_are() -> None:
    """A path in latin-1 matches its percent-encoded octets."""
    assert not parse(b"User-agent: *\nDisallow: /caf\xe9", AGENT).allows("https://site.test/caf%E9")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", "\r\n \r\n"])
def test_lines_end_in_any_way(end: str) -> None:
    """RFC 9309, 2.2: CR, LF or both end a line, the last may have no end."""
    assert not allowed(end.join(["User-agent: *", "Allow: /a", "Disallow: /x"]), "/x")


def test_other_control_characters_do_not_end_a_line() -> None:
    """What Python takes for a line's end may stand in a path; it must not smuggle in a line."""
    assert not allowed("User-agent: *\nDisallow: /\nAllow: /a\x0bAllow: /", "/x")
    assert not allowed("User-agent: *\nDisallow: /\nAllow: /a\u2028Allow: /", "/x")


def test_a_byte_order_mark_is_skipped() -> None:
    """A mark in front does not hide the first group."""
    assert not parse(b"\xef\xbb\xbfUser-agent: *\nDisallow: /", AGENT).allows("https://site.test/x")


def test_what_is_beyond_500_kib_is_not_read() -> None:
    """RFC 9309, 2.5: the limit cuts at a whole line, so that no half path is a rule."""
    head = b"User-agent: *\n"
    filler = b"#" * (MAX_BYTES - len(head) - len(b"\nDisallow: /ab"))
    body = head + filler + b"\nDisallow: /abc"
    assert parse(body, AGENT).allows("https://site.test/abd")
    assert parse(body, AGENT).allows("https://site.test/abc")
    assert not parse(body[: len(head)] + body[len(head) + 1 :], AGENT).allows("https://site.test/abc")
    assert not parse(body.replace(b"\n", b"\r").replace(b"##", b"\rDisallow: /y\r#", 1), AGENT).allows(
        "https://x.test/y"
    )


@pytest.mark.parametrize(
    ("lines", "delay"),
    [
        ("Crawl-delay: 2.5", 2.5),
        ("Crawl-delay: 10 # s", 10.0),
        ("crawl delay 3", 3.0),
        ("Request-rate: 1/10", 10.0),
        ("Request-rate: 30/1m", 2.0),
        ("Request-rate: 1/10s 0100-0600", 10.0),
        ("Request-rate: 1/10\nCrawl-delay: 4", 10.0),
        ("Request-rate: 1/2\nCrawl-delay: 4", 4.0),
        ("Crawl-delay: 4\nCrawl-delay: 1", 4.0),
        ("Crawl-delay: .5", 0.5),
        ("Crawl-delay: 1,5", None),
        ("Request-rate: 1 / 5", 5.0),
        ("Request-rate: 2.5/10", None),
        ("Request-rate: 1/0", None),
        ("Crawl-delay: soon", None),
        ("Crawl-delay: -1", None),
        ("Crawl-delay: nan", None),
        ("Crawl-delay: inf", None),
        ("Request-rate: 0/0", None),
        ("Disallow: /x", None),
    ],
)
def test_a_delay_is_crawl_delay_or_comes_from_request_rate(lines: str, delay: float | None) -> None:
    """Seconds between two requests; of several the longest; what makes no sense asks for nothing."""
    assert rules(f"User-agent: *\n{lines}").delay == delay


def test_a_delay_of_another_group_is_not_ours() -> None:
    """Crawl-delay belongs to its group; a group of ours without one asks for none."""
    text = "User-agent: *\nCrawl-delay: 9\nDisallow: /x\n\nUser-agent: ExampleBot\nDisallow: /y"
    assert rules(text).delay is None
    assert rules(text, "OtherBot").delay == 9.0


def test_a_delay_alone_forbids_nothing() -> None:
    """A group may ask for slowness only."""
    assert allowed("User-agent: *\nCrawl-delay: 9", "/x")


def test_an_endless_request_rate_is_a_finite_delay() -> None:
    """A number that does not fit a float is cut, not raised."""
    assert rules(f"User-agent: *\nRequest-rate: 1/{'9' * 400}").delay == 366 * 86_400


def test_sitemaps_are_for_everybody() -> None:
    """Sitemap lines stand outside of groups, in the order of the file."""
    text = "Sitemap: https://site.test/a.xml\nUser-agent: OtherBot\nDisallow: /\nsitemap: https://site.test/b.xml\nSitemap:"
    assert rules(text).sitemaps == ("https://site.test/a.xml", "https://site.test/b.xml")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\xff\xfe",
        b"User-agent: *\nDisallow:",
        b"<!doctype html><p>Disallow: /",
        b"Disallow: /",
        b"User-agent: *",
    ],
)
def test_a_file_without_rules_allows_everything(body: bytes) -> None:
    """A page of HTML in place of the file, or nothing, forbids nothing."""
    assert parse(body, AGENT) == ALLOW_ALL
    assert ALLOW_ALL.allows("https://site.test/x")


lines = st.sampled_from(
    ["User-agent: *", "Disallow:", "Allow: ", "Disallow: /*", "Crawl-delay: ", "Request-rate: ", "*", "$"]
)


@given(
    st.binary() | st.lists(lines | st.text(max_size=8)).map(lambda parts: "\n".join(parts).encode("utf-8", "replace"))
)
def test_no_file_raises(body: bytes) -> None:
    """Whatever a site sends, there are rules, and a delay is finite and not negative."""
    found = parse(body, AGENT)
    assert found.allows("https://site.test/%zz//[a?b#c") in (True, False)
    assert found.delay is None or 0 <= found.delay < float("inf")


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        ("scraper/0.1 (+https://x.test)", "scraper"),
        ("scraper", "scraper"),
        (" My-Bot_2.0 beta", "My-Bot_2.0"),
        ("Mozilla/5.0 (compatible; ExampleBot/0.1; https://bot.example/)", "ExampleBot"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla"),
        ("", ""),
        ("(odd)", ""),
    ],
)
def test_the_product_token_is_the_crawlers_name(user_agent: str, token: str) -> None:
    """RFC 9309, 2.2.1: a part of the User-Agent header, without its version."""
    assert product_token(user_agent) == token


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.RULES),
        (204, Verdict.RULES),
        (301, Verdict.ALLOW),
        (400, Verdict.ALLOW),
        (401, Verdict.ALLOW),
        (403, Verdict.ALLOW),
        (404, Verdict.ALLOW),
        (410, Verdict.ALLOW),
        (429, Verdict.UNREACHABLE),
        (500, Verdict.UNREACHABLE),
        (503, Verdict.UNREACHABLE),
        (599, Verdict.UNREACHABLE),
        (0, Verdict.UNREACHABLE),
        (999, Verdict.UNREACHABLE),
    ],
)
def test_a_status_is_rules_permission_or_silence(status: int, verdict: Verdict) -> None:
    """RFC 9309, 2.3.1: 4xx is unavailable and allows, 5xx is unreachable and forbids; 429 is a 5xx in spirit."""
    assert judge(status) is verdict


def test_repr_is_a_window() -> None:
    """Logs show what a site asks for."""
    assert (
        repr(rules("User-agent: *\nDisallow: /x\nCrawl-delay: 2\nSitemap: /s"))
        == "<Rules some paths | 2 s | 1 sitemaps>"
    )
    assert repr(ALLOW_ALL) == "<Rules everything allowed | no delay | 0 sitemaps>"
