"""Cookies: who may set which, who gets it back, and for how long."""

from __future__ import annotations

import stat
from itertools import count

import pytest
from case import case, row, table
from hypothesis import given
from hypothesis import strategies as st
from recording import crawl, page, recording, redirect

from scraper.fetch.cookies import load_cookies, save_cookies
from scraper.policy.cookies import ALTOGETHER, PER_DOMAIN, CookieJar
from scraper.policy.setcookie import MAX_LIFE, parse_date, parse_set_cookie
from scraper.session import AsyncSession
from scraper.urls import canonical

BIS = "RFC 6265bis"
NOW = 1_800_000_000.0  # 2027-01-15


def back(header, setter, getter=None, *, later=0.0):
    """Return the Cookie header for `getter` after `setter` answered with these Set-Cookie headers."""
    jar = CookieJar()
    jar.receive(canonical(setter), [header] if isinstance(header, str) else header, NOW)
    return jar.header(canonical(getter or setter), NOW + later)


# -- domains ----------------------------------------------------------------------------------------------------


@table(
    "cookies",
    "header, setter, getter, sent",
    [
        row("host-only", "a=1", "http://shop.test/", "http://shop.test/b", True),
        row("host-only-subdomain", "a=1", "http://shop.test/", "http://www.shop.test/", False),
        row("host-only-parent", "a=1", "http://www.shop.test/", "http://shop.test/", False),
        row("domain-self", "a=1; Domain=shop.test", "http://shop.test/", "http://shop.test/", True),
        row("domain-subdomain", "a=1; Domain=shop.test", "http://shop.test/", "http://www.shop.test/", True),
        row("domain-deep-subdomain", "a=1; Domain=shop.test", "http://shop.test/", "http://a.b.shop.test/", True),
        row("domain-from-subdomain", "a=1; Domain=shop.test", "http://www.shop.test/", "http://img.shop.test/", True),
        row("domain-leading-dot", "a=1; Domain=.shop.test", "http://www.shop.test/", "http://shop.test/", True),
        row("domain-two-dots", "a=1; Domain=..shop.test", "http://www.shop.test/", "http://shop.test/", False),
        row("domain-capitals", "a=1; DOMAIN=Shop.TEST", "http://www.shop.test/", "http://shop.test/", True),
        row("domain-of-another", "a=1; Domain=bank.test", "http://shop.test/", "http://bank.test/", False),
        row("domain-too-narrow", "a=1; Domain=www.shop.test", "http://shop.test/", "http://www.shop.test/", False),
        row("domain-of-sibling", "a=1; Domain=b.shop.test", "http://a.shop.test/", "http://b.shop.test/", False),
        row("domain-end-of-name", "a=1; Domain=hop.test", "http://shop.test/", "http://hop.test/", False),
        row("domain-end-of-label", "a=1; Domain=shop.test", "http://shop.test/", "http://myshop.test/", False),
        row("domain-trailing-dot", "a=1; Domain=shop.test.", "http://shop.test/", "http://shop.test/", False),
        row("domain-empty", "a=1; Domain=", "http://shop.test/", "http://www.shop.test/", False),
        row("domain-quoted", 'a=1; Domain="shop.test"', "http://shop.test/", "http://shop.test/", False),
        row(
            "domain-last-wins",
            "a=1; Domain=bank.test; Domain=shop.test",
            "http://shop.test/",
            "http://a.shop.test/",
            True,
        ),
        row(
            "domain-not-ascii",
            "a=1; Domain=b\u00fccher.test",
            "http://b\u00fccher.test/",
            "http://b\u00fccher.test/",
            False,
        ),
        row("ip-host", "a=1", "http://127.0.0.1/", "http://127.0.0.1/b", True),
        row("ip-other", "a=1", "http://127.0.0.1/", "http://127.0.0.2/", False),
        row("ip-domain-self", "a=1; Domain=127.0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", True),
        row("ip-domain-part", "a=1; Domain=0.0.1", "http://127.0.0.1/", "http://10.0.0.1/", False),
        row("ip-domain-part-home", "a=1; Domain=0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", False),
        row("ip-odd-notation", "a=1", "http://0x7f.1/", "http://2130706433/", True, expectation="One host."),
        row("ipv6-host", "a=1", "http://[::1]/", "http://[::1]/b", True),
        row("ipv6-other", "a=1", "http://[::1]/", "http://[::2]/", False),
        row("ipv6-domain-self", "a=1; Domain=::1", "http://[::1]/", "http://[::1]/", True),
        row("other-port", "a=1", "http://127.0.0.1:8001/", "http://127.0.0.1:8002/", False),
        row("same-port", "a=1", "http://127.0.0.1:8001/", "http://127.0.0.1:8001/", True),
        row("default-ports", "a=1", "http://shop.test/", "https://shop.test/", True),
        row("other-port-domain", "a=1; Domain=shop.test", "http://shop.test:81/", "http://shop.test:82/", True),
    ],
    behaviour="A host sets a cookie, with or without a Domain.",
    expectation="It reaches its own host, the hosts of the domain if it has one, no other; host-only ones their port.",
    source=f"{BIS} 5.1.3, 5.7, 5.8.3; origin-bound cookies (Chromium)",
)
def test_which_hosts_get_a_cookie(header, setter, getter, sent):
    assert back(header, setter, getter) == ("a=1" if sent else "")


# (host, its registrable domain or None), restated from the tests that publicsuffix.org publishes
SUFFIX_FACTS = [
    ("COM", None), ("example.COM", "example.com"), ("WwW.example.COM", "example.com"), ("example", None),
    ("example.example", "example.example"), ("b.example.example", "example.example"),
    ("a.b.example.example", "example.example"), ("biz", None), ("domain.biz", "domain.biz"),
    ("b.domain.biz", "domain.biz"), ("a.b.domain.biz", "domain.biz"), ("com", None), ("example.com", "example.com"),
    ("b.example.com", "example.com"), ("a.b.example.com", "example.com"), ("uk.com", None),
    ("example.uk.com", "example.uk.com"), ("b.example.uk.com", "example.uk.com"), ("test.ac", "test.ac"),
    ("mm", None), ("c.mm", None), ("b.c.mm", "b.c.mm"), ("a.b.c.mm", "b.c.mm"), ("jp", None), ("test.jp", "test.jp"),
    ("www.test.jp", "test.jp"), ("ac.jp", None), ("test.ac.jp", "test.ac.jp"), ("www.test.ac.jp", "test.ac.jp"),
    ("kyoto.jp", None), ("test.kyoto.jp", "test.kyoto.jp"), ("ide.kyoto.jp", None),
    ("b.ide.kyoto.jp", "b.ide.kyoto.jp"),
    ("a.b.ide.kyoto.jp", "b.ide.kyoto.jp"), ("c.kobe.jp", None), ("b.c.kobe.jp", "b.c.kobe.jp"),
    ("a.b.c.kobe.jp", "b.c.kobe.jp"), ("city.kobe.jp", "city.kobe.jp"), ("www.city.kobe.jp", "city.kobe.jp"),
    ("ck", None), ("test.ck", None), ("b.test.ck", "b.test.ck"), ("a.b.test.ck", "b.test.ck"), ("www.ck", "www.ck"),
    ("www.www.ck", "www.ck"), ("us", None), ("test.us", "test.us"), ("www.test.us", "test.us"), ("ak.us", None),
    ("test.ak.us", "test.ak.us"), ("www.test.ak.us", "test.ak.us"), ("k12.ak.us", None),
    ("test.k12.ak.us", "test.k12.ak.us"), ("www.test.k12.ak.us", "test.k12.ak.us"),
    ("食狮.com.cn", "xn--85x722f.com.cn"), ("食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"),
    ("www.食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"), ("shishi.公司.cn", "shishi.xn--55qx5d.cn"), ("公司.cn", None),
    ("食狮.中国", "xn--85x722f.xn--fiqs8s"), ("www.食狮.中国", "xn--85x722f.xn--fiqs8s"), ("中国", None),
    ("xn--85x722f.com.cn", "xn--85x722f.com.cn"), ("xn--55qx5d.cn", None), ("xn--fiqs8s", None),
    ("co.uk", None), ("bank.co.uk", "bank.co.uk"), ("github.io", None), ("me.github.io", "me.github.io"),
    ("s3.amazonaws.com", None), ("localhost", None),
]  # fmt: skip


@table(
    "cookies",
    "host, registrable",
    [
        row(f"suffix-{number}", host, registrable, behaviour=f"{host}: {registrable or 'is a public suffix'}.")
        for number, (host, registrable) in enumerate(SUFFIX_FACTS)
    ],
    behaviour="A host sets cookies for the domains above it.",
    expectation="They are kept up to the registrable domain, never for a public suffix.",
    source="publicsuffix.org's published tests; GHSA-mfjm-vh54-3f96 (Scrapy), aiohttp#13653",
)
def test_no_cookie_is_for_a_public_suffix(host, registrable):
    url = f"http://{host}/"
    if registrable is None:
        assert back(f"a=1; Domain={canonical(url)[7:-1]}", f"http://evil.{host}/", f"http://bank.{host}/") == ""
        assert back(f"a=1; Domain={canonical(url)[7:-1]}", url, f"http://bank.{host}/") == ""
        assert back(f"a=1; Domain={canonical(url)[7:-1]}", url) == "a=1"
        return
    assert back(f"a=1; Domain={registrable}", url, f"http://sibling.{registrable}/") == "a=1"
    above = registrable.partition(".")[2]
    assert back(f"a=1; Domain={above}", url) == ""


# -- paths ----------------------------------------------------------------------------------------------------


@table(
    "cookies",
    "header, setter, getter, sent",
    [
        row("path-default", "a=1", "/x/y", "/x/z", True),
        row("path-default-above", "a=1", "/x/y", "/", False),
        row("path-default-itself", "a=1", "/x/y", "/x", True),
        row("path-default-folder", "a=1", "/x/y/", "/x/y", True),
        row("path-root", "a=1; Path=/", "/x/y", "/z", True),
        row("path-given", "a=1; Path=/x", "/", "/x", True),
        row("path-below", "a=1; Path=/x", "/", "/x/y", True),
        row("path-not-below", "a=1; Path=/x", "/", "/xy", False),
        row("path-slash", "a=1; Path=/x/", "/", "/x", False),
        row("path-slash-below", "a=1; Path=/x/", "/", "/x/y", True),
        row("path-case", "a=1; Path=/X", "/", "/x", False),
        row("path-query", "a=1; Path=/x", "/", "/x?y", True),
        row("path-query-slash", "a=1", "/x?q=/a/b", "/z", True),
        row("path-relative", "a=1; Path=x", "/p/q", "/p/r", True, expectation="As if there were none."),
        row("path-empty", "a=1; Path=", "/p/q", "/p/r", True, expectation="As if there were none."),
        row("path-of-another", "a=1; Path=/other", "/p", "/other/x", True, expectation="A path is no boundary."),
    ],
    behaviour="A cookie has a Path, or the folder of the page that set it.",
    expectation="It is sent to that path and below.",
    source=f"{BIS} 5.1.4",
)
def test_which_paths_get_a_cookie(header, setter, getter, sent):
    assert back(header, f"http://shop.test{setter}", f"http://shop.test{getter}") == ("a=1" if sent else "")


def test_longer_paths_and_older_cookies_go_first():
    """The order that servers rely on (RFC 6265bis, 5.8.3)."""
    assert back(["a=1; Path=/", "b=2; Path=/x", "c=3; Path=/"], "http://shop.test/x/y") == "b=2; a=1; c=3"


# -- TLS and prefixes ------------------------------------------------------------------------------------------------


@table(
    "cookies",
    "header, setter, getter, sent",
    [
        row("secure-https", "a=1; Secure", "https", "https", True),
        row("secure-downgrade", "a=1; Secure", "https", "http", False),
        row("secure-over-http", "a=1; Secure", "http", "https", False),
        row("plain-downgrade", "a=1", "https", "http", False, expectation="As if it were Secure."),
        row("plain-upgrade", "a=1", "http", "https", True),
        row("plain-http", "a=1", "http", "http", True),
        row("secure-with-value", "a=1; Secure=false", "https", "http", False),
        row("secure-capitals", "a=1; SECURE", "https", "http", False),
        row("http-only", "a=1; HttpOnly", "http", "http", True),
        row("same-site", "a=1; SameSite=Strict", "https", "https", True),
        row("partitioned", "a=1; Secure; Partitioned", "https", "https", True),
        row("host-prefix", "__Host-a=1; Secure; Path=/", "https", "https", True),
        row("host-prefix-no-path", "__Host-a=1; Secure", "https", "https", False),
        row("host-prefix-other-path", "__Host-a=1; Secure; Path=/x", "https", "https", False),
        row("host-prefix-domain", "__Host-a=1; Secure; Path=/; Domain=shop.test", "https", "https", False),
        row("host-prefix-not-secure", "__Host-a=1; Path=/", "https", "https", False),
        row("host-prefix-http", "__Host-a=1; Secure; Path=/", "http", "https", False),
        row("host-prefix-small", "__host-a=1; Path=/", "https", "https", False),
        row("secure-prefix", "__Secure-a=1; Secure", "https", "https", True),
        row("secure-prefix-domain", "__Secure-a=1; Secure; Domain=shop.test", "https", "https", True),
        row("secure-prefix-not-secure", "__Secure-a=1", "https", "https", False),
        row("secure-prefix-http", "__Secure-a=1; Secure", "http", "https", False),
        row("secure-prefix-capitals", "__SECURE-a=1", "https", "https", False),
        row("nameless-prefix", "=__Host-a=1; Secure; Path=/", "https", "https", False),
        row("nameless-prefix-bare", "__Secure-a; Secure", "https", "https", False),
    ],
    behaviour="A cookie is set over one scheme and asked for over another, or its name makes a promise.",
    expectation="What came over https is never sent without it; a name that lies is not kept.",
    source=f"{BIS} 4.1.3, 5.7; Scrapy's cookie matrix (scheme changes)",
)
def test_which_schemes_get_a_cookie(header, setter, getter, sent):
    assert bool(back(header, f"{setter}://shop.test/x", f"{getter}://shop.test/x")) is sent


@table(
    "cookies",
    "setter, header",
    [
        row("overlay-same", "http://www.shop.test/", "sid=evil"),
        row("overlay-by-domain", "http://evil.shop.test/", "sid=evil; Domain=shop.test"),
        row("overlay-by-parent", "http://shop.test/", "sid=evil; Domain=shop.test"),
        row("overlay-longer-path", "http://www.shop.test/login/x", "sid=evil; Path=/login"),
        row("overlay-expired", "http://www.shop.test/", "sid=evil; Max-Age=0"),
    ],
    behaviour="Somebody between sets a cookie without TLS that has the name of a Secure one.",
    expectation="The Secure one stays as it is and alone.",
    source=f"{BIS} 5.7 (leave secure cookies alone)",
)
def test_a_secure_cookie_is_left_alone(setter, header):
    jar = CookieJar()
    jar.receive(canonical("https://www.shop.test/"), ["sid=good; Secure; Path=/"], NOW)
    jar.receive(canonical(setter), [header], NOW)
    assert jar.header(canonical("https://www.shop.test/login/y"), NOW) == "sid=good"


# -- life ----------------------------------------------------------------------------------------------------


@table(
    "cookies",
    "attributes, life",
    [
        row("session", "", float("inf")),
        row("max-age", "Max-Age=60", 60),
        row("max-age-zero", "Max-Age=0", 0),
        row("max-age-negative", "Max-Age=-1", 0),
        row("max-age-leading-zeros", "Max-Age=000060", 60),
        row("max-age-huge", "Max-Age=" + "9" * 400, MAX_LIFE),
        row("max-age-plus", "Max-Age=+60", float("inf")),
        row("max-age-float", "Max-Age=1.5", float("inf")),
        row("max-age-word", "Max-Age=soon", float("inf")),
        row("max-age-empty", "Max-Age=", float("inf")),
        row("max-age-quoted", 'Max-Age="60"', float("inf")),
        row("max-age-arabic-digits", "Max-Age=\u0666\u0660", float("inf")),
        row("max-age-before-expires", "Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 60),
        row("expires-before-max-age", "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", 60),
        row("max-age-last-wins", "Max-Age=0; Max-Age=60", 60),
        row("max-age-bad-last", "Max-Age=60; Max-Age=x", 60),
        row("expires-past", "Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0),
        row("expires-future", "Expires=Fri, 15 Jan 2027 08:01:00 GMT", 60),
        row("expires-far", "Expires=Fri, 31 Dec 9999 23:59:59 GMT", MAX_LIFE),
        row("expires-nonsense", "Expires=tomorrow", float("inf")),
        row("blanks", " max-age \t=  60 ", 60),
    ],
    behaviour="A cookie says how long it lives, in one of many ways.",
    expectation="It lives that long, 400 days at most; what is no time does not count.",
    source=f"{BIS} 5.5, 5.6.1, 5.6.2",
)
def test_how_long_a_cookie_lives(attributes, life):
    header = f"a=1; {attributes}"
    assert bool(back(header, "http://shop.test/", later=life - 1 if life < 1e12 else 1e12)) is (life > 0)
    assert life == float("inf") or back(header, "http://shop.test/", later=life) == ""


EPOCH = 784111777.0  # 1994-11-06 08:49:37


@table(
    "cookies",
    "text, moment",
    [
        row("date-imf", "Sun, 06 Nov 1994 08:49:37 GMT", EPOCH),
        row("date-rfc850", "Sunday, 06-Nov-94 08:49:37 GMT", EPOCH),
        row("date-asctime", "Sun Nov  6 08:49:37 1994", EPOCH),
        row("date-netscape", "Sun, 06-Nov-1994 08:49:37 GMT", EPOCH),
        row("date-no-weekday", "06 Nov 1994 08:49:37", EPOCH),
        row("date-any-order", "08:49:37 1994 6 november", EPOCH),
        row("date-long-month", "Sun, 06 Novembre 1994 08:49:37", EPOCH),
        row("date-capitals", "SUN, 06 NOV 1994 08:49:37 gmt", EPOCH),
        row("date-zone-ignored", "Sun, 06 Nov 1994 08:49:37 +0200", EPOCH),
        row("date-one-digit", "6 Nov 1994 8:49:37", EPOCH),
        row("date-two-digit-year", "6-Nov-94 08:49:37", EPOCH),
        row("date-year-69", "01-Jan-69 00:00:00", 3124224000.0),
        row("date-year-70", "01-Jan-70 00:00:00", 0.0),
        row("date-rubbish-between", "Sun!!06##Nov$$1994&&08:49:37", EPOCH),
        row("date-time-tail", "06 Nov 1994 08:49:37abc", EPOCH),
        row("date-year-1600", "01 Jan 1600 00:00:00", None),
        row("date-hour-24", "06 Nov 1994 24:00:00", None),
        row("date-minute-60", "06 Nov 1994 08:60:00", None),
        row("date-second-60", "06 Nov 1994 08:49:60", None),
        row("date-february-30", "30 Feb 1994 08:49:37", None),
        row("date-day-0", "0 Nov 1994 08:49:37", None),
        row("date-no-time", "06 Nov 1994", None),
        row("date-no-year", "06 Nov 08:49:37", None),
        row("date-numeric-month", "1994-11-06 08:49:37", None),
        row("date-empty", "", None),
        row("date-year-five-digits", "06 Nov 19941 08:49:37", None),
    ],
    behaviour="The date of an Expires has one of the many forms that servers write.",
    expectation="It is read as browsers read it.",
    source="RFC 6265 5.1.1",
)
def test_dates_are_read_as_browsers_read_them(text, moment):
    assert parse_date(text) == moment
    assert parse_date(text + " " * 100) == moment


# -- what a header may hold ------------------------------------------------------------------------------------------


@table(
    "cookies",
    "header, sent",
    [
        row("no-equals", "a", "a"),
        row("empty-name", "=1", "1"),
        row("empty-value", "a=", "a="),
        row("nothing", "", ""),
        row("only-equals", "=", ""),
        row("only-attributes", "; Path=/", ""),
        row("several-equals", "a=b=c", "a=b=c"),
        row("quotes-kept", 'a="b c"', 'a="b c"'),
        row("comma-kept", "a=1,b=2", "a=1,b=2"),
        row("blanks-around", " \t a \t=\t 1 \t", "a=1"),
        row("blanks-inside", "a b=c d", "a b=c d"),
        row("odd-name", "a[b]@=1", "a[b]@=1"),
        row("not-ascii", "a=gr\u00fcn", "a=gr\u00fcn"),
        row("json", 'a={"b":1}', 'a={"b":1}'),
        row("control", "a=1\x01", ""),
        row("nul", "a=1\x00b", ""),
        row("line-break", "a=1\r\nX: y", ""),
        row("delete-character", "a=\x7f", ""),
        row("control-in-attribute", "a=1; Path=/\x02", ""),
        row("tab-inside", "a=b\tc", "a=b\tc"),
        row("unknown-attributes", "a=1; Foo=bar; Version=1; Comment=x; Priority=High", "a=1"),
        row("just-fits", "a=" + "x" * 4095, "a=" + "x" * 4095),
        row("too-large", "a=" + "x" * 4096, ""),
        row("too-large-name", "x" * 4097 + "=", ""),
        row("too-large-utf-8", "a=" + "\u00fc" * 2048, ""),
        row("giant-path", "a=1; Path=/" + "x" * 1024, "a=1", expectation="As if there were no Path."),
        row("giant-domain", "a=1; Domain=" + "x" * 1025, "a=1", expectation="As if there were no Domain."),
        row("many-attributes", "a=1" + "; x=y" * 5000, "a=1"),
    ],
    behaviour="A Set-Cookie is odd, broken or too large.",
    expectation="What browsers keep is kept byte for byte, what they ignore is ignored, nothing raises.",
    source=f"{BIS} 5.6",
)
def test_what_a_header_may_hold(header, sent):
    assert back(header, "http://shop.test/") == sent


@given(st.text(max_size=60), st.sampled_from(["http://shop.test/a", "https://www.shop.co.uk:8443/", "http://[::1]/"]))
def test_no_set_cookie_raises_or_splits_a_header(header, url):
    """Whatever a server writes, what goes back fits into one line."""
    sent = back(header, url)
    assert not {"\r", "\n", "\0"} & set(sent)


@given(st.text(max_size=60))
def test_any_text_is_a_date_or_none(text):
    """Nothing raises."""
    assert parse_date(text) is None or parse_date(text) > -1.2e10
    assert parse_set_cookie(f"a=1; Expires={text}", NOW) is None or True


# -- limits ----------------------------------------------------------------------------------------------------


@case(
    "cookies",
    "many-of-a-host",
    behaviour="A host sets a thousand cookies.",
    expectation=f"{PER_DOMAIN} are kept, the newest; those that came over TLS as Secure stay before others.",
    source=f"{BIS} 6.1",
)
def test_a_host_has_so_many_cookies_and_no_more():
    jar = CookieJar()
    jar.receive(canonical("https://shop.test/"), ["login=1; Secure"], NOW)
    jar.receive(canonical("http://shop.test/"), [f"c{number}=1" for number in range(1000)], NOW)
    kept = jar.header(canonical("https://shop.test/"), NOW).split("; ")
    assert len(jar) == len(kept) == PER_DOMAIN >= 50
    assert {"login=1", "c999=1", f"c{1000 - PER_DOMAIN + 1}=1"} <= set(kept)


@case(
    "cookies",
    "many-hosts",
    behaviour="Ten thousand hosts set a cookie each.",
    expectation=f"{ALTOGETHER} are kept; those of the hosts that were asked last stay.",
    source=f"{BIS} 6.1",
)
def test_a_jar_is_bounded():
    jar = CookieJar()
    for number in range(2 * ALTOGETHER):
        jar.receive(canonical(f"http://h{number}.test/"), ["a=1"], NOW)
        jar.header(canonical("http://h0.test/"), NOW)
    assert len(jar) == len(list(jar)) == ALTOGETHER
    assert jar.header(canonical("http://h0.test/"), NOW) == "a=1"
    assert jar.header(canonical("http://h1.test/"), NOW) == ""


def test_a_cookie_that_is_renewed_keeps_its_place():
    """The same name, domain and path is the same cookie; ended ones make room and are not counted."""
    jar, url = CookieJar(), canonical("http://shop.test/")
    jar.receive(url, ["a=1", "b=1", "a=2"], NOW)
    assert (len(jar), jar.header(url, NOW)) == (2, "a=2; b=1")
    jar.receive(url, ["a=; Max-Age=0"], NOW)
    assert (len(jar), jar.header(url, NOW)) == (1, "b=1")
    assert jar.header(url, NOW, "b=mine; c=3") == "b=mine; c=3"
    assert jar.header(url, NOW, "c=3") == "c=3; b=1"
    jar.clear()
    assert (len(jar), list(jar), jar.header(url, NOW)) == (0, [], "")


# -- in crawls and sessions ------------------------------------------------------------------------------------------


@case(
    "cookies",
    "never-to-another-host",
    behaviour="A site sets cookies, then links and redirects to another origin of the same crawl.",
    expectation="The cookies come back to the site and never reach the other origin.",
    source="CVE-2022-0577 (Scrapy)",
)
async def test_cookies_stay_with_their_host():
    async with recording({"/": page(), "/linked": page()}) as other:
        body = f"<a href='{other.url('/linked', host='other.test')}'>x</a><a href='/go'>y</a>"
        site = {
            "/": page(body, "Set-Cookie: sid=s3cret; Path=/"),
            "/go": redirect(other.url(host="other.test"), 302, "Set-Cookie: more=s3cret; Domain=test"),
        }
        async with recording(site) as own:
            connect_to = {"own.test": f"127.0.0.1:{own.port}", "other.test": f"127.0.0.1:{other.port}"}
            await crawl("http://own.test/", connect_to=connect_to, hosts=("own.test", "other.test"))
    assert sorted(other.paths) == ["/", "/linked"]
    assert not [asked for asked in other.asked if "cookie" in asked.headers]
    assert own.to("/go").headers["cookie"] == "sid=s3cret"


@case(
    "cookies",
    "never-to-another-crawl",
    behaviour="Two crawls of one process, and two sessions, visit the same site one after the other.",
    expectation="Each begins without cookies.",
    source="the project's own decision: a jar belongs to one crawl or session",
)
async def test_cookies_are_not_shared():
    async with recording({"/": page("", "Set-Cookie: a=1")}) as server:
        for _ in range(2):
            await crawl(server.url())
        for _ in range(2):
            async with AsyncSession() as session:
                await session.get(server.url())
                await session.get(server.url())
    assert [asked.headers.get("cookie", "") for asked in server.asked] == ["", "", "", "a=1", "", "a=1"]


@case(
    "cookies",
    "switched-off",
    behaviour="A site sets a cookie in a crawl with fetch.cookies: false.",
    expectation="None is ever sent.",
    source="the project's own decision",
)
async def test_a_crawl_may_keep_no_cookies():
    async with recording({"/": page("<a href='/b'>x</a>", "Set-Cookie: a=1; Path=/"), "/b": page()}) as server:
        await crawl(server.url(), cookies=False)
    assert server.paths == ["/", "/b"]
    assert not [asked for asked in server.asked if "cookie" in asked.headers]


@case(
    "cookies",
    "host-only-over-save-and-load",
    behaviour="A session's cookies are saved and loaded by another session.",
    expectation="Host-only ones stay host-only; the file is plain JSON that only its owner may read.",
    source="CVE-2026-54279 (aiohttp)",
)
async def test_saved_cookies_are_not_widened(tmp_path):
    path = tmp_path / "jar.json"
    async with AsyncSession() as session:
        session.cookies.receive(canonical("https://shop.example.com/"), ["own=1", "wide=2; Domain=example.com"], NOW)
        session.save_cookies(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with AsyncSession() as session:
        session.load_cookies(path)
        jar = session.cookies
    assert jar.header(canonical("https://shop.example.com/"), NOW) == "own=1; wide=2"
    assert jar.header(canonical("https://sub.shop.example.com/"), NOW) == "wide=2"
    assert jar.header(canonical("http://shop.example.com/"), NOW) == ""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["https://shop.example.com/x/y", "http://a.co.uk/", "http://127.0.0.1:81/"]),
            st.sampled_from(["a", "b", ""]),
            st.sampled_from(["", "; Secure", "; Domain=example.com", "; Path=/", "; Max-Age=90", "; HttpOnly"]),
        ),
        max_size=8,
    )
)
def test_a_jar_that_was_saved_and_loaded_answers_alike(tmp_path_factory, cookies):
    """Saving changes nothing that anybody is sent."""
    jar, again, number = CookieJar(), CookieJar(), count()
    for url, name, attributes in cookies:
        jar.receive(canonical(url), [f"{name}={next(number)}{attributes}"], NOW)
    path = tmp_path_factory.mktemp("jar") / "jar.json"
    save_cookies(path, jar)
    again.restore(load_cookies(path), NOW)
    for url in ("https://shop.example.com/x/z", "http://b.example.com/", "http://a.co.uk/", "http://127.0.0.1:81/"):
        assert again.header(canonical(url), NOW + 1) == jar.header(canonical(url), NOW + 1)


@pytest.mark.parametrize("thing", [CookieJar, AsyncSession])
def test_no_repr_shows_a_cookie(thing):
    """A repr is a window, and a cookie may be a login."""
    made = thing()
    jar = made if isinstance(made, CookieJar) else made.cookies
    jar.receive(canonical("http://shop.test/"), ["sid=s3cret"], NOW)
    assert "s3cret" not in repr(made) + repr(list(jar))
