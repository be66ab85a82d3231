"""Where a redirect leads, by table and by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.policy.redirect import location_of, next_hop, redirected_method
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.urls import canonical, origin

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
STATUSES = [301, 302, 303, 307, 308]
SECRETS = {"Authorization": "Basic x", "cookie": "a=1", "Proxy-Authorization": "y", "Host": "old"}


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "POST", "GET"),
        (302, "PUT", "GET"),
        (302, "HEAD", "HEAD"),
        (301, "POST", "GET"),
        (301, "PUT", "PUT"),
        (301, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
def test_the_method_after_a_redirect(status, method, expected):
    """303 always, 302 and 301 after POST become GET; HEAD stays HEAD; 307 and 308 change nothing."""
    assert redirected_method(status, method) == expected


@given(
    st.sampled_from(METHODS),
    st.sampled_from(STATUSES),
    st.sampled_from(["http://a.test/b", "http://a.test:81/b", "https://a.test/b", "http://b.a.test/b"]),
)
def test_nothing_is_lost_or_leaked_on_the_way(method, status, url):
    """Headers that may hold a secret stay in their origin, and so does a body; the body goes with its method."""
    headers = {**SECRETS, "Content-Type": "text/plain", "X-Mine": "1", "Accept-Language": "de"}
    first = Request(
        "http://a.test/", "shop", method=method, headers=headers, body="x", meta={"n": 1}, depth=3, parent=4
    )
    target = canonical(url)
    hop = next_hop(first, status, target)
    names = {name for name, _ in hop.headers}
    home = origin(target) == origin(first.url)
    kept = hop.method == method and home
    assert (hop.url, hop.body) == (target, b"x" if kept else b"")
    assert ("Content-Type" in names) is kept
    assert names.issuperset(SECRETS) is home
    assert names.isdisjoint(SECRETS) is not home
    assert ("X-Mine" in names) is home
    assert "Accept-Language" in names
    assert (hop.callback, hop.meta, hop.depth, hop.parent) == ("shop", {"n": 1}, 3, 4)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (302, (("Location", "/b"),), "/b"),
        (302, (("Location", "/b"), ("Location", "/b")), "/b"),
        (302, (("Location", ""),), ""),
        (302, (), ""),
        (304, (("Location", "/b"),), ""),
        (200, (("Location", "/b"),), ""),
    ],
)
def test_only_a_redirect_with_a_location_leads_anywhere(status, headers, expected):
    """Several Locations must agree; other statuses have none."""
    response = Response(Request("http://a.test/"), status=status, url="http://a.test/", headers=Headers(headers))
    assert location_of(response) == expected
