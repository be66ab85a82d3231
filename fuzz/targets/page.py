"""Pages: gate, flattening, the child process, the parser, selections, `follow`, and items made of what was found.

The first line of an input is the Content-Type, the rest is the body. It takes the road of a crawl: `Reading` decides
where the markup is parsed, a callback's usual calls are made, and what they return is written as JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import canonical_url, json_lines, unicode_text
from fuzz.target import Target
from scraper.engine.reading import HOSTILE_PAGE, Reading
from scraper.engine.steps import Steps
from scraper.outcome import Failed, Reason
from scraper.page import Follow, Page
from scraper.parsing.flatten import MAX_DEPTH, MAX_FORMATTING, flatten
from scraper.parsing.gate import is_harmless, is_suspicious
from scraper.parsing.tree import markup_tree
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.visit import Lease

__all__ = ["PageTarget"]

REAL_PAGES = Path("/usr/share/doc/python3.11/html")  # Debian's python3.11-doc, where it is installed
REAL_PAGES_TAKEN, REAL_PAGE_SIZE = 60, 120_000  # pages; bytes
URL = "http://site.test/folder/page.html?a=1"
SELECTORS = (
    "a", "p", "div > *", "*", "li:nth-child(2)", "a[href^='/']", "title::text", "body ::text", "img::attr(src)",
    "table tr td", "option[selected]", "h1, h2", ":not(a)", "[class]", "p:empty", "svg *",
)  # fmt: skip
SELECTIONS_OF = 4  # matches that are looked into, of each selector
FEW_SELECTORS, LARGE = 4, 32_768  # as many for pages of more bytes: reading them again and again finds nothing new
# A parser adds formatting elements, html, body and the like, and to each table that stands in a cell its tbody.
DEEPEST = MAX_DEPTH * 4 // 3 + MAX_FORMATTING + 16
PARSE_SECONDS = 4.0  # of processor time that a child may take beside us; it has 10 before the kernel ends it

_TAG_NAMES = (
    "a b i u em font code nobr p div span ul ol li dl dt dd table tr td th tbody thead caption colgroup col"
    " select option optgroup form input button svg math mi desc foreignObject template script style textarea title"
    " head body html iframe noscript noembed frameset frame base meta link img br hr h1 h6 pre plaintext xmp"
    " marquee object applet ruby rt rp details summary video area map x-y o:p sourceset image"
)
_TAGS = tuple(_TAG_NAMES.split())
_ATTRIBUTES = (
    'href="/x"', "href=page-2.html", 'href="http://other.test/"', "href", 'href="javascript:x"', 'src="a.png"',
    'rel="nofollow"', 'class="a b"', "id=x", 'name="robots" content="nofollow, noindex"', "selected", "multiple",
    'http-equiv="refresh" content="0; url=/n"', 'charset="shift_jis"', 'href="//[::1"', "href='?q=é&x=1#f'",
    'href="\t/a\nb"', 'style="x"', 'onclick=">"', "=", "/", "a=\"", 'href="data:,x"', 'href="mailto:a@b"',
)  # fmt: skip


class PageTarget(Target):
    """A response becomes a page or a refusal, in bounded time, and everything found in it can be written."""

    name: ClassVar[str] = "page"
    rooms: ClassVar[str] = "engine.reading, parsing.*, page, selection, mime, policy.directives, policy.refresh, item"
    weight: ClassVar[float] = 3.0
    largest: ClassVar[int] = 256 * 1024
    base_seconds: ClassVar[float] = 0.6
    kilobyte_seconds: ClassVar[float] = 0.008
    tokens: ClassVar[tuple[bytes, ...]] = (
        *(f"<{tag}>".encode() for tag in _TAGS), *(f"</{tag}>".encode() for tag in _TAGS),
        *(f"<a {attribute}>x</a>".encode() for attribute in _ATTRIBUTES), b"<!--", b"-->", b"--!>", b"<![CDATA[",
        b"]]>", b"<!doctype html>", b"<?xml version='1.0' encoding='koi8-r'?>", b"&#0;", b"&#xD800;", b"&amp", b"\0",
        b"<b><p>", b"<div><table>", b"<svg><desc>", b"<select><option>", b"<a href=/", b"'", b'"', b"<", b">",
        b"\x1b$B",
    )  # fmt: skip

    def open(self) -> None:
        """Make ready."""
        self._loop = asyncio.new_event_loop()
        self._steps = Steps()
        self._steps.__enter__()
        self._reading = Reading(steps=self._steps, nofollow="link")

    def close(self) -> None:
        """Release."""
        self._steps.__exit__(None, None, None)
        self._loop.close()

    def seeds(self) -> Iterable[bytes]:
        """Return pages of this kind and that, hostile ones, and real ones."""
        html = b"text/html\n"
        yield from _SEEDS
        for piece in (
            b"<div>",
            b"<b><p>",
            b"<table><tr><td>",
            b"<a href=/%>x",
            b"<select><option>",
            b"<svg><g>",
            b"<p a=b",
        ):
            yield html + piece * 6000
        pages = sorted(REAL_PAGES.rglob("*.html"))
        pages = [page for page in pages if page.stat().st_size < REAL_PAGE_SIZE]
        for page in pages[:: max(1, len(pages) // REAL_PAGES_TAKEN)]:
            yield b"text/html; charset=utf-8\n" + page.read_bytes()

    def strategy(self) -> SearchStrategy[bytes]:
        """Return pages of nested elements, some repeated until they hurt."""
        return _pages()

    def check(self, data: bytes) -> None:
        """Read the page, look into it, follow its links, write what was found."""
        kind, _, body = data.partition(b"\n")
        request = Request(URL)
        headers = Headers((("Content-Type", kind[:200].decode("latin-1")),))
        response = Response(request, status=200, url=URL, headers=headers, body=body)
        before = _children()
        made = self._loop.run_until_complete(
            self._reading.read(Lease(1, request=request, origin=request.url), response)
        )
        assert _children() - before < PARSE_SECONDS, "a child process bounds the time of what it parses"
        if isinstance(made, Failed):
            assert made.reason == HOSTILE_PAGE, "a page is refused for one reason only"
            assert is_suspicious(body), "a page that is not even looked at more closely is not refused"
            return
        _flat(response)
        _look(made)
        _follow(made)


def _flat(response: Response) -> None:
    """What was made harmless is harmless; what was harmless is left alone."""
    if len(response.body) > 65_536:
        return
    text = response.text
    flat = flatten(text)
    assert flat.faults or flat.text == text, "markup without faults stays as it is"
    if flat.faults:
        unicode_text(flat.text)
        assert len(flat.text) <= 3 * len(text), "making markup harmless does not blow it up"
        depth = _depth(flat.text.encode())
        assert depth <= DEEPEST, f"what was flattened is flat: {depth}"
    is_harmless(response.body)


def _depth(markup: bytes) -> int:
    """Return how deep the elements of `markup` are nested, without recursion."""
    root, deepest = markup_tree(markup).root, 0
    waiting = [] if root is None else [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in node.iter()]
    return deepest


def _look(page: Page) -> None:
    """Nothing raises because something is absent, and what is there is text that can be written."""
    record: dict[str, object] = {"title": page.title, "url": page.url, "robots": sorted(page.robots)}
    selectors = SELECTORS if len(page.response.body) <= LARGE else SELECTORS[:FEW_SELECTORS]
    for number, selector in enumerate(selectors):
        found = page.css(selector)
        some = found[:SELECTIONS_OF]
        texts = some.texts
        for text in (*texts, *some.attrs("href"), *some.getall()):
            unicode_text(text)
        assert all(text == " ".join(text.split()) for text in texts), "white space is collapsed"
        assert "::" in selector or found.text == found[:1].text, "`text` is that of the first match"
        record |= {
            f"texts {number}": texts, f"first {number}": found.get(), f"number {number}": found.number,
            f"integer {number}": found.integer, f"count {number}": len(found), f"digits {number}": some.re(r"\d+"),
        }  # fmt: skip
        assert found[len(found) + 1].text is None, "what is not there is None"
    json_lines([record])


def _follow(page: Page) -> None:
    """Every link is a request for a canonical URL or a refusal with a reason."""
    links = page.links()
    followed = page.follow_links()
    _accounted(followed)
    resolved = {page.resolve(reference) for reference in links.references()}
    unwanted = {target for target in resolved if not isinstance(target, Reason)}
    told = {str(request.url) for request in followed.requests} | {url for url, _ in followed.refusals}
    assert unwanted <= told, "no link is lost"
    assert page.follow_links() == followed, "asking twice gives the same"
    for more in (page.follow_refresh(), page.follow("img"), page.follow("a::attr(href)"), page.follow_url("x y")):
        _accounted(more)
    unicode_text(page.base_url)


def _accounted(followed: Follow) -> None:
    for request in followed.requests:
        canonical_url(request.url)
        assert request.depth == 1, "a link is one level deeper"
    assert len({request.url for request in followed.requests}) == len(followed.requests), "each URL once"
    for reference, reason in followed.refusals:
        unicode_text(reference)
        assert reason in (Reason.SCHEME, Reason.INVALID_URL, Reason.NOFOLLOW), "a refusal has one of three reasons"
    json.dumps([[str(request.url) for request in followed.requests], followed.refusals])


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


_SEEDS = (
    b"", b"text/html\n", b"\n<title>no label</title>", b"text/html; charset=utf-16\n\xff\xfe<\0p\0>\0",
    b"text/html; charset=koi8-r\n<base href='http://b.test/x/'><a href='y?q=\xd0\xd2'>\xd0</a>",
    b"text/html\n<!doctype html><title>T</title><meta name=robots content=none><p>a<b>b</p>c</b><a href=/1>1</a>",
    b"text/html\n<ul><li><a href='?p=2' rel=nofollow>2</a><li><a href='../..//x'>3</a></ul><area href=#f>",
    b"application/xml\n<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
    b"<url><loc>http://site.test/a</loc><lastmod>2020-01-01</lastmod></url></urlset>",
    b"application/rss+xml\n<rss><channel><item><link>http://site.test/1</link></item></channel></rss>",
    b"text/html\n<select><option>1<option selected>2</select><table><tr><td>\xc2\xa31,234.50<td>7</table>",
    b"text/html\n<meta http-equiv=refresh content='0;url=/next'><template><p>x</template><noscript><a href=/n>",
    b"text/html\n<svg><desc><p></svg><math><mi><a href=x></math><plaintext></plaintext>",
    b"application/pdf\n%PDF-1.4", b"application/json\n{\"a\": 1}", b"text/html\n\0\0\0<p>\0",
)  # fmt: skip

_text = st.text(max_size=12)
_tag = st.sampled_from(_TAGS)
_attribute = st.one_of(st.sampled_from(_ATTRIBUTES), st.builds("{}='{}'".format, st.text("abhref-", max_size=5), _text))
_attributes = st.lists(_attribute, max_size=3).map(lambda found: "".join(f" {one}" for one in found))
_leaf = st.one_of(_text, st.sampled_from(["<br>", "<!-- x -->", "&nbsp;", "&#x1F600;", "</p>", "</b>", "<!", "</"]))
_node = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.builds(
            lambda tag, attributes, inside, end: f"<{tag}{attributes}>{''.join(inside)}" + (f"</{tag}>" if end else ""),
            _tag, _attributes, st.lists(inner, max_size=4), st.booleans(),
        ),
        st.builds(lambda one, other: f"<{one}>{other}</{one}>", _tag, inner),
    ),
    max_leaves=20,
)  # fmt: skip
_bomb = st.builds(
    lambda pieces, times, numbered: "".join(
        "".join(pieces).replace("#", str(number) if numbered else "0") for number in range(times)
    ),
    st.lists(
        st.one_of(
            _tag.map(lambda tag: f"<{tag}>"), _tag.map(lambda tag: f"<{tag} n=#>"), _tag.map(lambda tag: f"</{tag}>"),
            st.just(" a#"), st.just("x"), st.just("<a href=/#>"), st.just("<!--</div>-->"),
        ),
        min_size=1, max_size=4,
    ),
    st.sampled_from([300, 1000, 3000, 9000]), st.booleans(),
)  # fmt: skip
_kinds = st.sampled_from(
    ["text/html", "", "text/html; charset=utf-8", "text/html;charset=windows-1251", "application/xhtml+xml", "text/xml",
     "text/plain", "text/html; charset=iso-2022-jp", "text/html; charset=gb18030", "application/octet-stream"]
)  # fmt: skip
_codecs = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "cp1251", "gb18030", "shift_jis"])


def _pages() -> SearchStrategy[bytes]:
    body = st.one_of(
        *[st.lists(_node, max_size=6).map("".join)] * 5,
        st.builds("{}{}{}".format, _node, _bomb, _node),
    )
    return st.builds(
        lambda kind, text, codec: kind.encode() + b"\n" + text.encode(codec, "replace"), _kinds, body, _codecs
    )
