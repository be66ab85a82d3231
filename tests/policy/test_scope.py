"""Scope admits by whole host names, ports, patterns, depth and length, and says why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import ConfigError
from scraper.outcome import Reason
from scraper.policy.scope import Scope
from scraper.request import Request


def scope(
    *hosts: str,
    subdomains: bool = False,
    allow: tuple[str, ...] = (),
    deny: tuple[str, ...] = (),
    depth: int | None = None,
    url_length: int = 2048,
) -> Scope:
    return Scope(
        hosts=hosts,
        subdomains=subdomains,
        allow=allow,
        deny=deny,
        depth=depth,
        url_length=url_length,
        ignore=(),
    )


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("example.com", "http://example.com/"),
        ("example.com", "https://example.com:8443/x"),
        ("EXAMPLE.com", "https://example.com/"),
        ("bücher.example", "https://xn--bcher-kva.example/"),
        ("127.0.0.1", "http://127.0.0.1:9000/"),
        ("127.0.0.1:8701", "http://127.0.0.1:8701/"),
        ("example.com:80", "http://example.com/"),
        ("example.com:443", "https://example.com/"),
        ("[::1]", "http://[::1]/"),
        ("::1", "http://[0:0::1]:99/"),
        ("[::1]:8701", "http://[::1]:8701/x"),
    ],
)
def test_a_named_host_is_admitted_in_every_spelling(entry: str, url: str) -> None:
    """An entry and a URL that mean the same host (and port) agree."""
    assert scope(entry).refuses(Request(url)) is None


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("example.com", "http://notexample.com/"),
        ("example.com", "http://example.com.evil.test/"),
        ("example.com", "http://www.example.com/"),
        ("www.example.com", "http://example.com/"),
        ("example.com", "http://evil.test/example.com"),
        ("example.com", "http://example.com@evil.test/"),
        ("example.com", "http://evil.test/?http://example.com/"),
        ("127.0.0.1:8701", "http://127.0.0.1:8702/"),
        ("127.0.0.1:8701", "http://127.0.0.1/"),
        ("example.com:80", "https://example.com/"),
        ("example.com:443", "http://example.com/"),
        ("[::1]", "http://[::2]/"),
    ],
)
def test_any_other_host_is_off_scope(entry: str, url: str) -> None:
    """Nothing but the named host itself is admitted while subdomains are not."""
    assert scope(entry).refuses(Request(url)) is Reason.OFF_SCOPE


@pytest.mark.parametrize(
    ("entry", "url", "admitted"),
    [
        ("example.com", "http://www.example.com/", True),
        ("example.com", "http://a.b.c.example.com:81/", True),
        ("example.com", "http://example.com/", True),
        ("example.com", "http://notexample.com/", False),
        ("example.com", "http://com/", False),
        ("example.com", "http://example.com.evil.test/", False),
        ("example.com:8080", "http://www.example.com:8080/", True),
        ("example.com:8080", "http://www.example.com/", False),
        ("host2", "http://www.host2/", True),
        ("0.0.1", "http://127.0.0.1/", False),
        ("[::1]", "http://[1::1]/", False),
    ],
)
def test_subdomains_are_whole_labels_in_front_of_a_name(entry: str, url: str, admitted: bool) -> None:
    """With subdomains a host below a named one is admitted; addresses have nothing below them."""
    assert (scope(entry, subdomains=True).refuses(Request(url)) is None) is admitted


label = st.from_regex(r"[a-z]([a-z0-9]{0,6}[a-z])?", fullmatch=True).filter(lambda text: not text.startswith("xn"))
name = st.lists(label, min_size=1, max_size=4).map(".".join)


@given(host=name, other=name)
def test_below_means_a_dot_and_the_name(host: str, other: str) -> None:
    """For any two names, one is below the other exactly when its text ends in a dot and the other's."""
    expected = other == host or other.endswith("." + host)
    assert (scope(host, subdomains=True).refuses(Request(f"http://{other}/")) is None) is expected


SITES = [
    f"{scheme}://{host}{port}"
    for scheme in ("http", "https")
    for host in ("example.com", "www.example.com", "other.test", "another.test", "a.below.test")
    for port in ("", ":8080")
]


def test_no_hosts_admit_nothing() -> None:
    """An empty list is no licence for the whole web."""
    assert scope().refuses(Request("http://example.com/")) is Reason.OFF_SCOPE


@given(st.lists(st.sampled_from(SITES), min_size=1, max_size=12))
def test_a_site_is_judged_alike_whatever_came_before(sites: list[str]) -> None:
    """What is remembered of a host with one port or scheme says nothing of it with another."""
    rules = scope("example.com:80", "other.test", "below.test:8080", subdomains=True)
    for site in sites:
        anew = scope("example.com:80", "other.test", "below.test:8080", subdomains=True)
        assert rules.refuses(Request(f"{site}/x")) == anew.refuses(Request(f"{site}/y"))


def test_deny_wins_over_allow() -> None:
    """A URL that both kinds of pattern match is denied."""
    rules = scope("example.com", allow=(r"/catalogue/",), deny=(r"\?print=",))
    assert rules.refuses(Request("http://example.com/catalogue/1")) is None
    assert rules.refuses(Request("http://example.com/catalogue/1?print=1")) is Reason.DENIED
    assert rules.refuses(Request("http://example.com/about")) is Reason.DENIED


def test_without_allow_patterns_all_is_allowed_that_is_not_denied() -> None:
    """Deny patterns alone deny what they match, and nothing else."""
    rules = scope("example.com", deny=("/private/",))
    assert rules.refuses(Request("http://example.com/x")) is None
    assert rules.refuses(Request("http://example.com/private/x")) is Reason.DENIED


def test_one_of_several_patterns_is_enough() -> None:
    """Patterns of one kind are alternatives, each with its own flags and groups."""
    rules = scope("example.com", allow=(r"/a(1)\1", r"(?i)/B(2)\1"))
    assert rules.refuses(Request("http://example.com/b22")) is None
    assert rules.refuses(Request("http://example.com/a11")) is None
    assert rules.refuses(Request("http://example.com/b12")) is Reason.DENIED


def test_depth_is_the_last_that_is_admitted() -> None:
    """Depth 1 admits seeds and their links; None admits any depth."""
    request = Request("http://example.com/", depth=2)
    assert scope("example.com", depth=2).refuses(request) is None
    assert scope("example.com", depth=1).refuses(request) is Reason.TOO_DEEP
    assert scope("example.com", depth=0).refuses(Request("http://example.com/")) is None
    assert scope("example.com").refuses(Request("http://example.com/", depth=10_000)) is None


def test_length_is_the_longest_that_is_admitted() -> None:
    """A URL of exactly the bound is admitted, one character more is not."""
    url = "http://example.com/12345"
    assert scope("example.com", url_length=len(url)).refuses(Request(url)) is None
    assert scope("example.com", url_length=len(url) - 1).refuses(Request(url)) is Reason.TOO_LONG


def test_the_first_reason_in_order_is_given() -> None:
    """Too long, off scope, denied, too deep: the earliest that holds is the one that is recorded."""
    bad = Request("http://other.test/denied", depth=9)
    deny = ("denied",)
    assert scope("example.com", deny=deny, depth=0, url_length=5).refuses(bad) is Reason.TOO_LONG
    assert scope("example.com", deny=deny, depth=0).refuses(bad) is Reason.OFF_SCOPE
    assert scope("other.test", deny=deny, depth=0).refuses(bad) is Reason.DENIED
    assert scope("other.test", depth=0).refuses(bad) is Reason.TOO_DEEP


@pytest.mark.parametrize(
    "entry",
    ["", "http://example.com", "example.com/x", "*.example.com", ".example.com", "a b", "x:99999", "u@h", "[::g]"],
)
def test_an_entry_that_is_no_host_is_a_config_error(entry: str) -> None:
    """What is not a bare host name is refused by name, before the crawl."""
    with pytest.raises(ConfigError, match=r"is not a host: "):
        scope(entry)


def test_all_bad_entries_are_named_at_once() -> None:
    """One ConfigError carries every problem."""
    with pytest.raises(ConfigError) as caught:
        scope("*.a.test", "b.test/", allow=("(",), deny=("[",))
    shown = [str(problem) for problem in caught.value.problems]
    assert len(shown) == 4
    assert "set subdomains" in shown[0]
    assert "allow pattern '('" in shown[2]


def test_repr_is_a_window() -> None:
    """Logs show the bounds."""
    assert repr(scope("a.test", "b.test:1", subdomains=True, depth=3, deny=("x",))) == (
        "<Scope 2 hosts and below | depth 3 | 0 allow, 1 deny>"
    )
