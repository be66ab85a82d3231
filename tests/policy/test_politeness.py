"""The rest between two requests to a host is never shorter than what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.policy.politeness import Politeness, host_of, unit_of


def politeness(*, delay: float = 1.0, jitter: float = 0.0, cap: float = 60.0, random: float = 0.0) -> Politeness:
    return Politeness(delay=delay, jitter=jitter, concurrency=1, max_crawl_delay=cap, random=lambda: random)


def test_the_longer_of_both_wishes_counts() -> None:
    """The user's delay and the site's Crawl-delay are both kept."""
    assert politeness(delay=2.0).gap(None) == 2.0
    assert politeness(delay=2.0).gap(1.0) == 2.0
    assert politeness(delay=2.0).gap(5.0) == 5.0


def test_a_crawl_delay_counts_up_to_the_cap() -> None:
    """A site cannot stop a crawl by asking for a day, nor shorten the user's own delay through the cap."""
    assert politeness(cap=30.0).gap(86_400.0) == 30.0
    assert politeness(delay=40.0, cap=30.0).gap(86_400.0) == 40.0


def test_jitter_is_seconds_on_top() -> None:
    """Half of the random range is half of the jitter."""
    assert politeness(delay=1.0, jitter=0.5, random=0.5).gap(None) == 1.25


seconds = st.floats(0, 1e6)


@given(delay=seconds, jitter=seconds, cap=seconds, random=st.floats(0, 1, exclude_max=True), wish=st.none() | seconds)
def test_a_gap_is_never_shorter_than_asked(
    delay: float, jitter: float, cap: float, random: float, wish: float | None
) -> None:
    """Whatever the numbers, jitter only adds, and at most itself."""
    gap = politeness(delay=delay, jitter=jitter, cap=cap, random=random).gap(wish)
    least = max(delay, min(wish or 0.0, cap))
    assert least <= gap <= least + jitter


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://example.com", "example.com"),
        ("http://example.com:8080", "example.com"),
        ("http://[::1]:8080", "[::1]"),
        ("http://127.0.0.1:1/path", "127.0.0.1"),
        ("http://example.com.:81/path", "example.com"),
    ],
)
def test_ports_and_schemes_of_one_name_share_one_rest(origin: str, host: str) -> None:
    """The unit of politeness is the host name."""
    assert host_of(origin) == host


@pytest.mark.parametrize(
    ("origin", "unit"),
    [
        ("https://www.example.com", "example.com"),
        ("http://example.com:8080", "example.com"),
        ("http://a.b.c.example.com./x", "example.com"),
        ("http://shop.example.co.uk", "example.co.uk"),
        ("http://co.uk", "co.uk"),
        ("http://x.city.kobe.jp", "city.kobe.jp"),
        ("http://one.github.io", "one.github.io"),
        ("http://www.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://localhost:81", "localhost"),
        ("http://127.0.0.1:1/path", "127.0.0.1"),
        ("http://10.2.3.1", "10.2.3.1"),
        ("http://[::1]:8080", "[::1]"),
    ],
)
def test_by_choice_the_names_of_one_registered_domain_share_one_rest(origin: str, unit: str) -> None:
    """Whom strangers share a suffix with are strangers; an address is nobody's domain."""
    assert unit_of("domain")(origin) == unit
    assert unit_of("host") is host_of
