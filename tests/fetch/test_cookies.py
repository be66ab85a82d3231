"""Which cookies a session keeps, and for whom."""

from __future__ import annotations

import pytest
from yarl import URL

from scraper.fetch.cookies import GuardedCookieJar


def sent(header, setter, getter):
    """Return the cookies that `getter` is sent after `setter` answered with one Set-Cookie header."""
    jar = GuardedCookieJar()
    jar.update_cookies_from_headers([header], URL(setter))
    return {name: cookie.value for name, cookie in jar.filter_cookies(URL(getter)).items()}


@pytest.mark.parametrize(
    ("domain", "setter", "stranger"),
    [
        ("co.uk", "http://evil.co.uk/", "http://bank.co.uk/"),
        (".co.uk", "http://evil.co.uk/", "http://bank.co.uk/"),
        ('"co.uk"', "http://evil.co.uk/", "http://bank.co.uk/"),
        ("uk", "http://evil.co.uk/", "http://bank.co.uk/"),
        ("github.io", "http://evil.github.io/", "http://other.github.io/"),
        ("com", "http://evil.com/", "http://bank.com/"),
        ("bank.com", "http://evil.com/", "http://bank.com/"),
    ],
)
async def test_a_cookie_never_reaches_strangers(domain, setter, stranger):
    """A cookie for a public suffix, or for somebody else's domain, is not kept at all."""
    assert sent(f"a=1; Domain={domain}", setter, setter) == {}
    assert sent(f"a=1; Domain={domain}", setter, stranger) == {}
    assert sent(f"a=1; dOmAiN = {domain}", setter, stranger) == {}


async def test_a_cookie_reaches_the_hosts_of_its_domain():
    """A site's own domain, and the host alone when none is named."""
    assert sent("a=1; Domain=shop.co.uk", "http://www.shop.co.uk/", "http://img.shop.co.uk/") == {"a": "1"}
    assert sent("a=1", "http://shop.test/", "http://shop.test/b") == {"a": "1"}
    assert sent("a=1", "http://shop.test/", "http://www.shop.test/") == {}


async def test_a_suffix_that_is_a_host_has_cookies_for_itself_alone():
    """github.io may have a cookie, but its users' pages do not get it (RFC 6265, 5.3)."""
    assert sent("a=1; Domain=github.io", "http://github.io/", "http://github.io/") == {"a": "1"}
    assert sent("a=1; Domain=github.io", "http://github.io/", "http://user.github.io/") == {}
    assert sent("a=1; Domain=localhost", "http://localhost/", "http://localhost/") == {"a": "1"}


async def test_addresses_have_cookies_of_their_own():
    """An IP address is a host; its last number is no suffix."""
    assert sent("a=1", "http://127.0.0.1:80/", "http://127.0.0.1:81/") == {"a": "1"}
    assert sent("a=1; Domain=127.0.0.1", "http://127.0.0.1/", "http://127.0.0.1/") == {"a": "1"}
    assert sent("a=1; Domain=0.1", "http://127.0.0.1/", "http://10.0.0.1/") == {}
    assert sent("a=1", "http://[::1]/", "http://[::1]/") == {"a": "1"}


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("__Host-a=1; Secure; Path=/", True),
        ("__host-a=1; Path=/", False),
        ("__Host-a=1; Secure; Path=/; Domain=shop.test", False),
        ("__Host-a=1; Secure; Path=/b", False),
        ("__Secure-a=1; Secure", True),
        ("__Secure-a=1", False),
    ],
)
async def test_prefixed_names_keep_their_promise(header, kept):
    """`__Host-` and `__Secure-` cookies are what RFC 6265bis demands, or they are none; over http: never."""
    assert bool(sent(header, "https://shop.test/", "https://shop.test/b")) is kept
    assert sent(header, "http://shop.test/", "https://shop.test/b") == {}


async def test_cookies_may_be_put_in_by_hand():
    """Plain names and values belong to the host they were put in for."""
    jar = GuardedCookieJar()
    jar.update_cookies({"a": "1"}, URL("http://shop.test/"))
    assert jar.filter_cookies(URL("http://shop.test/"))["a"].value == "1"
    assert not jar.filter_cookies(URL("http://other.test/"))
