"""URLs as they stand in pages: parsed, joined and made canonical as the URL standard has it, or refused with a name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ada_url
import pytest
from case import case, row, table
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scraper.errors import InvalidSchema, InvalidURL, MissingSchema
from scraper.hrefs import Base, is_opaque
from scraper.links import Links
from scraper.outcome import Reason
from scraper.page import Page
from scraper.policy.canon import Canon
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.urls import Url, canonical, fingerprint, hostname, join, origin

WHATWG: list[list[Any]] = json.loads((Path(__file__).parents[1] / "tables" / "whatwg_urls.json").read_text("ascii"))
REFUSALS = {"invalid": InvalidURL, "scheme": InvalidSchema}
BASE = canonical("http://shop.test/books/list.html?page=2")


def shown(text: str) -> str:
    """Return foreign text for a table: ASCII, short, on one line."""
    text = json.dumps(text).replace("|", "\\u007c")
    return text if len(text) < 90 else f"{text[:80]}…"


def requested(base: str | None, text: str) -> str:
    return join(base, text) if base else canonical(text)


def whatwg_rows() -> list[Any]:
    rows = []
    for number, (base, text, result) in enumerate(WHATWG, 1):
        behaviour = shown(text) + (f" on {shown(base)}" if base else "")
        expectation = {"invalid": "Refused: no URL.", "scheme": "Refused: not http(s)."}.get(result, result)
        rows.append(row(f"whatwg-{number:03}", base, text, result, behaviour=behaviour, expectation=shown(expectation)))
    return rows


@table(
    "urls",
    "base, text, result",
    whatwg_rows(),
    behaviour="A link is written",
    expectation="",
    source="WHATWG URL standard; facts of the web-platform-tests' URL table (ASCII names as of 2026: only "
    "lower-cased), fragment and user left out",
)
def test_a_url_is_what_the_standard_says(base: str | None, text: str, result: str) -> None:
    """Every valid http(s) URL is requested in exactly the standard's form; everything else is refused."""
    if result in REFUSALS:
        with pytest.raises(REFUSALS[result]):
            requested(base, text)
    else:
        found = requested(base, text)
        assert found == result
        assert canonical(str(found)) == found
        assert join(BASE, found) == found


@table(
    "urls",
    "reference, wanted",
    [
        row("join-folder", "book.html", "http://shop.test/books/book.html"),
        row("join-dot", "./book.html", "http://shop.test/books/book.html"),
        row("join-up", "../about", "http://shop.test/about"),
        row("join-up-beyond-root", "../../../about", "http://shop.test/about"),
        row("join-up-percent-encoded", "%2e%2E/about", "http://shop.test/about"),
        row("join-dot-percent-encoded", "/a/%2e/b", "http://shop.test/a/b"),
        row("join-half-encoded-up", "/a/b/.%2e/c", "http://shop.test/a/c"),
        row("join-dots-inside", "/a/../b/./c/..", "http://shop.test/b/"),
        row("join-three-dots-are-a-name", "/a/.../b", "http://shop.test/a/.../b"),
        row("join-query", "?page=3", "http://shop.test/books/list.html?page=3"),
        row("join-empty-query", "?", "http://shop.test/books/list.html?"),
        row("join-fragment", "#top", "http://shop.test/books/list.html?page=2"),
        row("join-empty", "", "http://shop.test/books/list.html?page=2"),
        row("join-blank", " \t\n ", "http://shop.test/books/list.html?page=2"),
        row("join-fragment-of-garbage", "#%zz \ud800 <>", "http://shop.test/books/list.html?page=2"),
        row("join-question-mark-in-fragment", "x#y?z", "http://shop.test/books/x"),
        row("join-scheme-relative", "//cdn.test/x", "http://cdn.test/x"),
        row("join-three-slashes", "///cdn.test/x", "http://cdn.test/x"),
        row("join-many-slashes", "http://////cdn.test/x", "http://cdn.test/x"),
        row("join-slash-backslash", "/\\cdn.test/x", "http://cdn.test/x"),
        row("join-backslashes", "\\\\cdn.test\\a\\b", "http://cdn.test/a/b"),
        row("join-backslash-path", "a\\b", "http://shop.test/books/a/b"),
        row("join-backslash-in-query", "?a\\b", "http://shop.test/books/list.html?a\\b"),
        row("join-one-slash-after-scheme", "http:/x", "http://shop.test/x"),
        row("join-no-slash-after-scheme", "http:x", "http://shop.test/books/x"),
        row("join-no-slash-other-scheme", "https:cdn.test/x", "https://cdn.test/x"),
        row("join-double-slash-in-path", "/a//b", "http://shop.test/a//b"),
        row("join-tab-inside", "bo\tok.html", "http://shop.test/books/book.html"),
        row("join-newlines-inside", "/a\r\n/b\n", "http://shop.test/a/b"),
        row("join-newline-in-scheme", "ht\ntp://cdn.test/x", "http://cdn.test/x"),
        row("join-spaces-around", "  /a  ", "http://shop.test/a"),
        row("join-controls-around", "\x00\x1f/a\x01", "http://shop.test/a"),
        row("join-space-inside", "/a b?c d", "http://shop.test/a%20b?c%20d"),
        row("join-nul-inside", "/a\x00b", "http://shop.test/a%00b"),
        row("join-escape-inside", "/a\x1b[31mb", "http://shop.test/a%1B[31mb"),
        row("join-delete-inside", "/a\x7fb", "http://shop.test/a%7Fb"),
        row("join-c1-control-inside", "/a\x9bb", "http://shop.test/a%C2%9Bb"),
        row("join-right-to-left-override", "/a\u202egpj.exe", "http://shop.test/a%E2%80%AEgpj.exe"),
        row("join-lone-surrogate", "/a\ud800b", "http://shop.test/a%EF%BF%BDb"),
        row("join-surrogate-pair", "/\ud83d\ude00", "http://shop.test/%F0%9F%98%80"),
        row("join-non-ascii-path", "/bücher", "http://shop.test/b%C3%BCcher"),
        row("join-bad-percent", "/100%/%zz", "http://shop.test/100%/%zz"),
        row("join-percent-case-kept", "/%c3%BC", "http://shop.test/%c3%BC"),
        row("join-percent-letter-kept", "/%41", "http://shop.test/%41"),
        row("join-plus-kept", "/a+b?c+d", "http://shop.test/a+b?c+d"),
        row("join-apostrophe-in-query", "?a='b'", "http://shop.test/books/list.html?a=%27b%27"),
        row("join-quote-in-query", '?a="b"<c>', "http://shop.test/books/list.html?a=%22b%22%3Cc%3E"),
        row("join-colon-in-path", "/wiki/Talk:Bees", "http://shop.test/wiki/Talk:Bees"),
        row("join-colon-after-slash", "a/b:c", "http://shop.test/books/a/b:c"),
        row("join-colon-with-dot", "./a:b", "http://shop.test/books/a:b"),
        row("join-at-in-path", "/@user/post", "http://shop.test/@user/post"),
        row("join-brackets", "?a[]=1&a[]=2", "http://shop.test/books/list.html?a[]=1&a[]=2"),
        row("join-semicolon", "/a;v=1/b", "http://shop.test/a;v=1/b"),
        row("join-empty-parameters", "?a&&b=&=c", "http://shop.test/books/list.html?a&&b=&=c"),
        row("join-default-port", "http://cdn.test:80/x", "http://cdn.test/x"),
        row("join-default-port-tls", "https://cdn.test:443/x", "https://cdn.test/x"),
        row("join-other-port", "http://cdn.test:8080/x", "http://cdn.test:8080/x"),
        row("join-port-of-the-other-scheme", "http://cdn.test:443/x", "http://cdn.test:443/x"),
        row("join-port-zeros", "http://cdn.test:00080/x", "http://cdn.test/x"),
        row("join-port-empty", "http://cdn.test:/x", "http://cdn.test/x"),
        row("join-port-zero", "http://cdn.test:0/x", "http://cdn.test:0/x"),
        row("join-upper-case-host", "HTTP://CDN.Test/X", "http://cdn.test/X"),
        row("join-no-path", "https://cdn.test", "https://cdn.test/"),
        row("join-query-without-path", "https://cdn.test?x", "https://cdn.test/?x"),
        row("join-userinfo", "http://user:pw@cdn.test/x", "http://cdn.test/x"),
        row("join-userinfo-with-at", "http://a@b@cdn.test/x", "http://cdn.test/x"),
        row("join-userinfo-as-lure", "http://shop.test@evil.test/x", "http://evil.test/x"),
        row("join-userinfo-behind-backslash", "http://shop.test\\@evil.test/x", "http://shop.test/@evil.test/x"),
        row("join-userinfo-relative", "//user@cdn.test/x", "http://cdn.test/x"),
        row("join-idn", "http://Bücher.test/", "http://xn--bcher-kva.test/"),
        row("join-idn-full-stop", "http://bücher。test/", "http://xn--bcher-kva.test/"),
        row("join-idn-sharp-s", "http://straße.test/", "http://xn--strae-oqa.test/"),
        row("join-idn-full-width", "http://ｓｈｏｐ．ｔｅｓｔ/", "http://shop.test/"),
        row("join-idn-soft-hyphen", "http://sh\u00adop.test/", "http://shop.test/"),
        row("join-idn-zero-width", "http://sh\u200bop.test/", "http://shop.test/"),
        row("join-punycode-kept", "http://XN--BCHER-KVA.test/", "http://xn--bcher-kva.test/"),
        row("join-host-percent-encoded", "http://%73hop.test/", "http://shop.test/"),
        row("join-trailing-dot-kept", "http://shop.test./", "http://shop.test./"),
        row("join-ipv4-short", "http://127.1/", "http://127.0.0.1/"),
        row("join-ipv4-decimal", "http://2130706433/", "http://127.0.0.1/"),
        row("join-ipv4-hex", "http://0x7f.1/", "http://127.0.0.1/"),
        row("join-ipv4-hex-whole", "http://0x7f000001/", "http://127.0.0.1/"),
        row("join-ipv4-octal", "http://0177.0.0.01/", "http://127.0.0.1/"),
        row("join-ipv4-full-width", "http://１２７．０．０．１/", "http://127.0.0.1/"),
        row("join-ipv4-dot", "http://127.0.0.1./", "http://127.0.0.1/"),
        row("join-ipv4-percent-encoded", "http://%31%32%37.0.0.1/", "http://127.0.0.1/"),
        row("join-ipv4-zero", "http://0/", "http://0.0.0.0/"),
        row("join-ipv6-long", "http://[0:0:0:0:0:0:0:1]/", "http://[::1]/"),
        row("join-ipv6-mapped", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        row("join-ipv6-upper-case", "http://[2001:DB8::A]:80/", "http://[2001:db8::a]/"),
    ],
    behaviour="A page at http://shop.test/books/list.html?page=2 writes a link in this way.",
    expectation="It is the URL that a browser would ask for.",
    source="WHATWG URL 4.4 (parsing), 3.5 (hosts), 1.3 (percent-encoding)",
)
def test_a_link_is_joined_as_browsers_do(reference: str, wanted: str) -> None:
    """A link means what it means in a browser, and its canonical form stands."""
    assert join(BASE, reference) == wanted
    assert canonical(wanted) == wanted


@table(
    "urls",
    "reference",
    [
        row("invalid-no-host", "http://"),
        row("invalid-only-port", "http://:80/"),
        row("invalid-only-user", "http://user@/x"),
        row("invalid-port-letters", "http://cdn.test:8o/"),
        row("invalid-port-too-large", "http://cdn.test:65536/"),
        row("invalid-port-negative", "http://cdn.test:-1/"),
        row("invalid-space-in-host", "http://shop test/"),
        row("invalid-percent-in-host", "http://shop%zz.test/"),
        row("invalid-nul-in-host", "http://shop\x00.test/"),
        row("invalid-encoded-slash-in-host", "http://shop%2f.test/"),
        row("invalid-encoded-at-in-host", "http://shop%40evil.test/"),
        row("invalid-angle-in-host", "http://<script>.test/"),
        row("invalid-pipe-in-host", "http://a|b.test/"),
        row("invalid-ipv4-too-large", "http://1.2.3.256/"),
        row("invalid-ipv4-too-long", "http://1.2.3.4.5/"),
        row("invalid-ipv4-overflow", "http://4294967296/"),
        row("invalid-ipv4-octal-nine", "http://09.0.0.1/"),
        row("invalid-ipv6-open", "http://[::1/"),
        row("invalid-ipv6-zone", "http://[fe80::1%25eth0]/"),
        row("invalid-ipv6-letters", "http://[::g]/"),
        row("invalid-ipv6-two-gaps", "http://[1::2::3]/"),
        row("invalid-ipvfuture", "http://[v1.a]/"),
        row("invalid-soft-hyphen-host", "http://\u00ad/"),
        row("invalid-bidi-mixed-host", "http://\u05d0b.test/"),
    ],
    behaviour="A link has a host or a port that is none.",
    expectation="It is refused as no URL; nothing is guessed.",
    source="WHATWG URL 3.5, 4.4",
)
def test_what_is_no_url_is_refused(reference: str) -> None:
    """A host that cannot be one is not mended."""
    with pytest.raises(InvalidURL):
        join(BASE, reference)
    assert page("").resolve(reference) is Reason.INVALID_URL


SCHEMES = [
    "mailto:a@b.test",
    "tel:+4930",
    "sms:+491",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "ftp://shop.test/x",
    "ws://shop.test/",
    "wss://shop.test/",
    "blob:http://shop.test/1",
    "about:blank",
    "view-source:http://shop.test/",
    "chrome://settings/",
    "intent://x/",
    "magnet:?xt=1",
    "irc://x/",
    "geo:1,2",
    "feed:http://shop.test/",
    "gopher://shop.test/",
    "jar:http://shop.test/!x",
    "android-app://x/",
    "whatsapp://send",
    "skype:x?call",
    "bitcoin:x",
    "cid:x@y",
    "dict://shop.test/",
    "ldap://shop.test/",
    "unix:/run/x",
    "ssh://shop.test/",
    "git://shop.test/",
    "x:http://shop.test/",
    "httpss://shop.test/",
    "urn:isbn:1",
]  # one word each


@table(
    "urls",
    "reference",
    [row(f"scheme-{number:02}-{text.partition(':')[0].lower()}", text) for number, text in enumerate(SCHEMES, 1)],
    behaviour="A page links to something that is not the web.",
    expectation="It is never requested; the refusal says scheme.",
    source="Fetch standard, HTTP(S) scheme; file: links from pages are what Scrapy fetches",
)
def test_other_schemes_are_never_requested(reference: str) -> None:
    """Only http and https are requested, whatever a page, a base or a redirect says."""
    assert page("").resolve(reference) is Reason.SCHEME
    with pytest.raises(InvalidSchema, match="only http and https"):
        canonical(reference)
    with pytest.raises(InvalidSchema):
        join(BASE, f" \t{reference}\n")


@table(
    "urls",
    "text",
    [
        row("seed-without-scheme", "shop.test"),
        row("seed-with-path-without-scheme", "shop.test/books"),
        row("seed-with-port-without-scheme", "localhost:8080/x"),
        row("seed-with-dot-and-port", "shop.test:8080"),
        row("seed-scheme-relative", "//shop.test/x"),
        row("seed-empty", ""),
    ],
    behaviour="Somebody writes a seed without its scheme.",
    expectation="It is refused with the cure, not guessed.",
    source="the project's own rule",
)
def test_a_seed_names_its_scheme(text: str) -> None:
    """What has no scheme is told to get one."""
    with pytest.raises(MissingSchema, match="write https://"):
        canonical(text)


@table(
    "urls",
    "encoding, query, wanted",
    [
        row("encoding-windows-1252", "windows-1252", "é€", "%E9%80"),
        row("encoding-latin1-is-windows-1252", "iso-8859-1", "é€", "%E9%80"),
        row("encoding-latin2", "iso-8859-2", "ł", "%B3"),
        row("encoding-windows-1251", "windows-1251", "да", "%E4%E0"),
        row("encoding-koi8-r", "koi8-r", "да", "%C4%C1"),
        row("encoding-greek", "iso-8859-7", "α", "%E1"),
        row("encoding-shift-jis", "shift_jis", "本", "%96{"),
        row("encoding-shift-jis-backslash-byte", "shift_jis", "表", "%95\\"),
        row("encoding-shift-jis-nec", "shift_jis", "①", "%87@"),
        row("encoding-shift-jis-minus", "shift_jis", "\u2212", "%81|"),
        row("encoding-euc-jp", "euc-jp", "本", "%CB%DC"),
        row("encoding-iso-2022-jp", "iso-2022-jp", "本", "%1B$BK\\%1B(B"),
        row("encoding-gbk", "gbk", "书", "%CA%E9"),
        row("encoding-gb2312-is-gbk", "gb2312", "書", "%95%F8"),
        row("encoding-gb18030", "gb18030", "€", "%A2%E3"),
        row("encoding-big5", "big5", "書", "%AE%D1"),
        row("encoding-euc-kr", "euc-kr", "책", "%C3%A5"),
        row("encoding-unencodable", "windows-1252", "aж", "a%26%231078%3B"),
        row("encoding-unencodable-emoji", "shift_jis", "😀!", "%26%23128512%3B!"),
        row("encoding-utf-8", "utf-8", "é", "%C3%A9"),
        row("encoding-mixed-with-escapes", "windows-1252", "a=%C3%A9&b=é'", "a=%C3%A9&b=%E9%27"),
    ],
    behaviour="A page in this encoding links to /s?… with text that is not ASCII.",
    expectation="The query goes out in the page's encoding, what that lacks as &#N;, the path in UTF-8.",
    source="WHATWG URL 4.4 query state; 1.3 percent-encode after encoding",
)
def test_a_query_is_in_the_encoding_of_its_page(encoding: str, query: str, wanted: str) -> None:
    """A search link of an old site finds what its author meant."""
    one = page("", content_type=f"text/html; charset={encoding}")
    assert one.resolve(f"/s/é?{query}#é") == f"http://shop.test/s/%C3%A9?{wanted}"
    assert one.resolve(f"/s/é#?{query}") == "http://shop.test/s/%C3%A9"


@case(
    "urls",
    "encoding-tabs-and-blanks",
    behaviour="A link in windows-1252 has blanks around it and line breaks inside its query.",
    expectation="They are taken out before the query is encoded.",
    source="WHATWG URL 4.4",
)
def test_blanks_are_no_part_of_a_query() -> None:
    """Encoding a query by ourselves must not keep what the parser removes."""
    one = page("", content_type="text/html; charset=windows-1252")
    assert one.resolve(" \n/s?a=\té\r\n&b=1 \x00") == "http://shop.test/s?a=%E9&b=1"


@case(
    "urls",
    "encoding-utf-16-sends-utf-8",
    behaviour="A page in UTF-16 links with a query that is not ASCII.",
    expectation="The query is UTF-8.",
    source="Encoding standard 4.3, output encodings",
)
def test_utf_16_pages_send_utf_8() -> None:
    """No URL is in UTF-16."""
    body = "<a href='/s?é'>".encode("utf-16")
    one = Page(Response(Request(BASE), status=200, url=BASE, headers=Headers(), body=body))
    assert one.resolve("/s?é") == "http://shop.test/s?%C3%A9"


def page(html: str, *, url: str = BASE, content_type: str = "text/html; charset=utf-8") -> Page:
    headers = Headers((("Content-Type", content_type),))
    return Page(Response(Request(url), status=200, url=url, headers=headers, body=html.encode()))


@table(
    "urls",
    "left, right",
    [
        row("same-host-case", "http://Shop.Test/x", "http://shop.test/x"),
        row("same-default-port", "https://shop.test:443/", "https://shop.test/"),
        row("same-dot-segments", "http://shop.test/a/../b", "http://shop.test/b"),
        row("same-fragment", "http://shop.test/#a", "http://shop.test/#b"),
        row("same-no-path", "http://shop.test", "http://shop.test/"),
        row("same-backslash", "http:\\\\shop.test\\x", "http://shop.test/x"),
        row("same-user", "http://me:secret@shop.test/", "http://shop.test/"),
        row("same-idn", "http://bücher.test/", "http://xn--bcher-kva.test/"),
        row("same-ipv4", "http://0x7f.1/", "http://127.0.0.1/"),
        row("same-encoded-space", "http://shop.test/a b", "http://shop.test/a%20b"),
    ],
    behaviour="One page is written in two ways.",
    expectation="Both have one canonical form, so it is fetched once.",
    source="WHATWG URL 4.5 (serialising), 4.6 (equivalence)",
)
def test_two_spellings_are_one_request(left: str, right: str) -> None:
    """What the standard takes for one URL has one fingerprint."""
    assert fingerprint(canonical(left)) == fingerprint(canonical(right))


@table(
    "urls",
    "left, right",
    [
        row("other-path-case", "http://shop.test/A", "http://shop.test/a"),
        row("other-slash", "http://shop.test/a", "http://shop.test/a/"),
        row("other-scheme", "http://shop.test/", "https://shop.test/"),
        row("other-port", "http://shop.test/", "http://shop.test:8080/"),
        row("other-www", "http://shop.test/", "http://www.shop.test/"),
        row("other-order", "http://shop.test/?a=1&b=2", "http://shop.test/?b=2&a=1"),
        row("other-escape", "http://shop.test/%41", "http://shop.test/A"),
        row("other-empty-value", "http://shop.test/?a", "http://shop.test/?a="),
    ],
    behaviour="Two URLs differ in what a server may tell apart.",
    expectation="They are two requests: nothing is merged by guessing.",
    source="RFC 3986 6.2; WHATWG URL 4.6",
)
def test_nothing_is_merged_by_guessing(left: str, right: str) -> None:
    """What a site may answer differently stays two requests."""
    assert fingerprint(canonical(left)) != fingerprint(canonical(right))


@table(
    "urls",
    "url, wanted",
    [
        row("cut-utm", "/a?utm_source=x&id=7&utm_campaign=y", "/a?id=7"),
        row("cut-all-that-there-is", "/a?fbclid=1&gclid=2", "/a"),
        row("cut-upper-case", "/a?UTM_SOURCE=x&id=7", "/a?id=7"),
        row("cut-without-value", "/a?utm_source&id=7", "/a?id=7"),
        row("cut-mailing", "/a?mc_cid=1&mc_eid=2&id=7", "/a?id=7"),
        row("cut-phpsessid", "/a?PHPSESSID=0123abc&id=7", "/a?id=7"),
        row("cut-jsessionid-in-path", "/a/b.do;jsessionid=A1B2.node1?id=7", "/a/b.do?id=7"),
        row("cut-jsessionid-in-the-middle", "/a;jsessionid=1/b", "/a/b"),
        row("cut-aspx-cookieless", "/(S(abc123def))/b.aspx", "/b.aspx"),
        row("cut-phpbb-sid", "/t.php?t=5&sid=0123456789abcdef0123456789abcdef", "/t.php?t=5"),
        row("kept-short-sid", "/t.php?sid=12", "/t.php?sid=12"),
        row("kept-other-path-parameter", "/a;v=2/b", "/a;v=2/b"),
        row("kept-name-that-only-begins-alike", "/a?utmost=1&gclids=2", "/a?utmost=1&gclids=2"),
        row("kept-empty-query", "/a?", "/a?"),
        row("kept-odd-separators", "/a?&&x=1&", "/a?&&x=1&"),
        row("kept-value-that-looks-alike", "/a?next=utm_source=x", "/a?next=utm_source=x"),
        row("kept-order", "/a?b=2&a=1", "/a?b=2&a=1"),
    ],
    behaviour="A link names the visitor beside the page.",
    expectation="By default tracking parameters and session ids are cut off before the URL is deduplicated.",
    source="the project's own rule: scope.ignore",
)
def test_what_names_the_visitor_is_cut(url: str, wanted: str) -> None:
    """One page under many campaigns or sessions is one page; all else stays to the letter."""
    canon = Canon(("tracking", "sessions"))
    assert canon.cut(Request(f"http://shop.test{url}")).url == f"http://shop.test{wanted}"
    assert canon.canonical(canonical(f"http://shop.test{wanted}")) == f"http://shop.test{wanted}"
    assert Canon(()).cut(Request(f"http://shop.test{url}")).url == canonical(f"http://shop.test{url}")


@case(
    "urls",
    "cut-by-choice",
    behaviour="A site has parameters of its own that do not matter, in any order.",
    expectation="scope.ignore cuts names, with * for several, and sorts when told to, stably.",
    source="the project's own rule: scope.ignore",
)
def test_more_is_cut_by_choice() -> None:
    """Sorting and names of one's own are there when they are wanted."""
    canon = Canon(("order", "?ref", "?src_*"))
    assert canon.canonical(canonical("http://shop.test/?src_a=1&b=2&ref=x&a=2&a=1")) == "http://shop.test/?a=2&a=1&b=2"
    assert canon.canonical(canonical("http://shop.test/?refer=1")) == "http://shop.test/?refer=1"


@case(
    "urls",
    "cut-never-from-a-form",
    behaviour="A request that sends data has a tracking parameter.",
    expectation="It goes out as it is.",
    source="the project's own rule: scope.ignore",
)
def test_requests_with_data_are_not_cut() -> None:
    """Only what is merely read can be told by its URL."""
    form = Request("http://shop.test/?utm_source=x", method="POST", body="a=1")
    assert Canon(("tracking",)).cut(form) is form


PIECES = st.sampled_from(
    [
        *(
            "/",
            "//",
            "?",
            "#",
            ":",
            "@",
            "&",
            "=",
            ".",
            "..",
            "./",
            "../",
            "%2e",
            "%2E",
            "%",
            "%41",
            "\\",
            ";",
            "+",
            "~",
            "'",
        ),
        *(
            "a",
            "b.html",
            "page",
            "http:",
            "mailto:",
            "Java-script:",
            "https://",
            "http://",
            "shop.test",
            "x.test",
            "127.1",
            "10.0.0.255",
            "1.2.3.",
            ":8080",
            ":443",
            ":60000",
            "0x1",
            "xn--a",
            "A.test",
        ),
        *(
            "[",
            "]",
            "|",
            "^",
            "`",
            "{",
            "<",
            '"',
            " ",
            "\t",
            "\n",
            "\x00",
            "\x7f",
            "é",
            "ß",
            "\u200b",
            "\ud800",
            "😀",
            "8080",
            ":80",
            "-",
        ),
    ]
)
LINKS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=12))
BASES = st.sampled_from(
    [
        "http://shop.test/",
        "http://shop.test/a/b/c.html?q=1",
        "https://shop.test:8080/a/",
        "http://127.0.0.1:8000/a//b",
        "http://[::1]/x?",
        "https://a-b.x.test//",
        "http://shop.test/?a/b",
    ]
).map(canonical)
# Pages that have parts of their URLs in common, or texts that look like such parts.
NEIGHBOURS = [
    canonical(f"{origin}/{path}")
    for origin in ("http://shop.test", "https://shop.test", "http://shop.test:8080")
    for path in (
        "",
        "x",
        "?a/b",
        "a/",
        "a/x?q",
        "a/y?r",
        "a/b/",
        "a/c/x",
        "a/..../",
        "a/*/",
        "a//",
        "a//x",
        "//",
        "b/c/x",
    )
]


def by_the_parser(base: str, reference: str) -> str | None:
    """Return what the standard's parser says, without fragment and user; None when that is no web URL."""
    try:
        found = ada_url.URL(reference.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), base)
    except ValueError:
        return None
    if found.protocol not in ("http:", "https:"):
        return None
    found.username = found.password = ""
    return str(found.href).partition("#")[0]


@case(
    "urls",
    "property-short-cut",
    behaviour="Any link on any page.",
    expectation="The usual shapes, resolved without the parser, come out as from the parser.",
    source="the project's own measurement: 4.7 us a link parsed, 1.5 us cut",
)
@settings(max_examples=1500, deadline=None)
@given(BASES, LINKS)
@example(canonical("http://shop.test/a/b"), "../../../x")
@example(canonical("http://shop.test/a/b"), "http://shop.test//x/..")
@example(canonical("http://shop.test/a/b"), "http://shop.test")
@example(canonical("http://shop.test/a/b"), "http://shop.testing/x")
@example(canonical("http://shop.test/a/b"), "x/%2E%2e/y")
@example(canonical("http://shop.test/a/b"), "http://a.1/x")
@example(canonical("http://shop.test/a/b"), "http://10.0.0.255:8080/x?y#z")
@example(canonical("http://shop.test/a/b"), "https://x.test:443/x")
@example(canonical("http://shop.test/a/b"), "https://10.0.0.256/x")
@example(canonical("http://shop.test/a/b"), "https://10.0.0.01:443/x")
@example(canonical("http://shop.test/a/b"), "http://a:99999/x")
@example(canonical("http://shop.test/a/b"), "http://a:080/x")
def test_the_short_cut_agrees_with_the_parser(base: Url, link: str) -> None:
    """A link that is resolved by cutting strings is what the standard makes of it."""
    wanted = by_the_parser(base, link)
    found = Base(base).resolve(link)
    assert found is None or found == wanted
    if is_opaque(link):
        with pytest.raises(InvalidSchema):
            join(base, link)
    try:
        assert join(base, link) == wanted
    except InvalidURL:
        assert wanted is None


@case(
    "urls",
    "property-ground",
    behaviour="Any link on pages that have the origin, the folder above or the folder in common.",
    expectation="Where the link depends on no more than that, it means the same on all of them.",
    source="WHATWG URL 4.4: a reference goes on where a part of its base ends",
)
@settings(max_examples=1500, deadline=None)
@given(LINKS)
@example("//shop.test/x")
@example("http:x")
@example("HTTPS:/x")
@example("http\u017f:/x")
@example("ht\ntp:?x")
@example("\t?x")
@example("./../../c")
@example("./.\t./c")
@example(".\t./../c")
@example("..\\x")
@example("%2e%2e/x")
@example("../?x")
@example("x:y")
@example("mail\tto:x")
def test_a_link_means_the_same_on_the_same_ground(link: str) -> None:
    """What was met on one page need not be resolved on another."""
    met: dict[str, str | None] = {}
    for page in NEIGHBOURS:
        ground = Base(page).ground(link)
        assert Base(page).placed(link) == (Base(page).resolve(link), ground)
        if ground is not None:
            wanted = by_the_parser(page, link)
            assert met.setdefault(ground, wanted) == wanted


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NEIGHBOURS), st.lists(LINKS, max_size=4)), max_size=6))
def test_a_link_that_was_met_means_what_the_parser_says(pages: list[tuple[Url, list[str]]]) -> None:
    """In whatever order pages come, and whichever links they share, each link is what the standard makes of it."""
    everything = [link for _, links in pages for link in links]
    for base, links in pages:
        for written in (links, everything):
            urls, refused = Links(base, "utf-8").meanings(written)
            wanted = {link: by_the_parser(base, link) for link in written}
            assert list(urls.items()) == [(link, url) for link, url in wanted.items() if url is not None]
            assert list(refused) == [link for link, url in wanted.items() if url is None]
            assert all(Links(base, "utf-8").meaning(link) == url for link, url in urls.items())


@pytest.mark.parametrize(("base", "text"), [(base, text) for base, text, _ in WHATWG if base])
def test_links_that_were_met_agree_with_the_standard(base: str, text: str) -> None:
    """The same for the references of the standard's own table, on their bases and on others."""
    for page in (*NEIGHBOURS, *(canonical(base) for base in [base] if base.startswith("http"))):
        short = Base(page).resolve(text)
        assert short is None or short == by_the_parser(page, text)
        found = Links(page, "utf-8").meaning(text)
        assert (found if isinstance(found, Url) else None) == by_the_parser(page, text)


def test_an_encoding_is_not_met_in_another_page() -> None:
    """A query that is not ASCII is another one on a page in another encoding; all else is the same."""
    base = canonical("http://shop.test/")
    for _ in range(2):
        assert Links(base, "utf-8").meaning("/é?q=é") == "http://shop.test/%C3%A9?q=%C3%A9"
        assert Links(base, "windows-1252").meaning("/é?q=é") == "http://shop.test/%C3%A9?q=%E9"
        assert Links(base, "windows-1252").meaning("/é") == "http://shop.test/%C3%A9"


def test_a_link_that_was_met_is_the_same_text() -> None:
    """What was met is not made again, on whichever page of the same ground; what is long is not kept."""
    one, other = (Links(canonical(f"http://shop.test/met/{name}/index.html"), "utf-8") for name in "ab")
    shared = ("../x", "./../x#y", "/x?y", "http://far.test/", "http://far.test/x")
    for link, kept in (*((link, True) for link in shared), ("x", False), ("./x", False), ("?x", False)):
        assert (one.meaning(link) is other.meaning(link)) == kept
        assert (one.meanings([link])[0][link] is other.meanings([link])[0][link]) == kept
    assert one.meaning("x") is one.meaning("x")
    assert one.meaning("/" + "x" * 600) is not one.meaning("/" + "x" * 600)


def test_a_name_that_is_too_long_is_left_to_the_parser() -> None:
    """Which names are plain is remembered, so none is looked at that could fill the memory; the meaning is the same."""
    base = Base(BASE)
    for size, is_cut in ((100, True), (1_000_000, False)):
        link = f"http://{'a' * size}.test/x#y"
        assert base.resolve(link) == (link[:-2] if is_cut else None)
    assert Links(BASE, "utf-8").meaning(f"http://{'a' * 1_000}.test/x#y") == f"http://{'a' * 1_000}.test/x"


def test_a_link_up_beyond_the_root_costs_no_more_than_its_length() -> None:
    """A hundred thousand steps up are read once and leave nothing behind."""
    base = Base(BASE)
    assert base.resolve("../" * 100_000 + "x") == base.resolve("./../" * 50_000 + "x") == "http://shop.test/x"
    assert base.ground("./" * 100_000 + "x") == base.grounds[2]


@case(
    "urls",
    "property-canonical",
    behaviour="Any text as a link.",
    expectation="What comes out is canonical, printable ASCII without blanks, has a host, and joins to itself.",
    source="WHATWG URL 4.5",
)
@settings(max_examples=500, deadline=None)
@given(BASES, LINKS)
def test_what_comes_out_is_clean_and_stays(base: Url, link: str) -> None:
    """No URL carries a control character, a blank or a byte that is not ASCII onto the wire or a terminal."""
    try:
        url = join(base, link)
    except InvalidURL:
        return
    assert canonical(str(url)) == url == join(base, url) == join(url, "")
    assert re.fullmatch("[!-~]+", url.replace("#", " "))
    assert hostname(url)
    assert url.startswith(origin(url) + "/")
    assert urlsplit(url).username is None


@case(
    "urls",
    "property-cut",
    behaviour="Any URL with parameters.",
    expectation="Cutting it twice is cutting it once, and what is left is canonical.",
    source="the project's own rule: scope.ignore",
)
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["utm_a=1", "a=1", "b", "", "gclid", "sid=1", "=x", "PHPSESSID=1"]), max_size=5), LINKS)
def test_cutting_is_idempotent(pairs: list[str], tail: str) -> None:
    """The canonical form of a crawl is one form."""
    try:
        url = join(BASE, "/a;jsessionid=1/" + tail.replace("?", "") + "?" + "&".join(pairs))
    except InvalidURL:
        return
    canon = Canon(("tracking", "sessions", "order"))
    once = canon.canonical(url)
    assert canon.canonical(once) == once == canonical(str(once))


@case(
    "urls",
    "huge-href",
    behaviour="A link has a megabyte of text.",
    expectation="It is resolved in well under a second and then refused by its length.",
    source="the project's own measurement",
)
def test_a_huge_link_is_only_long() -> None:
    """Length alone costs nothing much."""
    assert len(join(BASE, "/" + "a" * 1_000_000)) > 1_000_000
    assert len(join(BASE, "/" + "é/../" * 200_000)) < 100
    assert len(join(BASE, "?" + "a=%2e&" * 200_000)) > 1_000_000
    assert page("").resolve("data:text/plain," + "x" * 1_000_000) is Reason.SCHEME
