"""A page: null-safe selections, text as a reader sees it, and links that are all accounted for."""

from __future__ import annotations

import gc
import re
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import JSONDecodeError, SpiderError
from scraper.outcome import Reason
from scraper.page import Follow, Page, Target
from scraper.request import Request
from scraper.response import Headers, Response

URL = "http://shop.test/catalogue/index.html"


def page(html: str | bytes, *, url: str = URL, content_type: str = "text/html; charset=utf-8", **request: Any) -> Page:
    body = html.encode() if isinstance(html, str) else html
    headers = Headers((("Content-Type", content_type),))
    return Page(Response(Request(url, **request), status=200, url=url, headers=headers, body=body))


SHOP = page("""
<!doctype html><html><head><title>  All
 books </title><script>var price = 1;</script></head>
<body><ul class="breadcrumb"><li><a href="/">Home</a></li><li class=active>Books</li></ul>
<article class="book" data-id="17"><h3><a href="sharp.html" title="Sharp Objects">Sharp <b>Ob</b>jects</a></h3>
<p class="price">£1,047.82</p><p class="stock">  In stock
  (22 available) </p><img src="../media/sharp.jpg" alt></article>
<article class="book" data-id="18"><h3><a href="./soumission.html#top">Soumission</a></h3>
<p class="price">£50.10</p></article>
<ul><li class="next"><a href="page-2.html">next</a></li></ul></body></html>
""")


def test_a_page_shows_its_response() -> None:
    """Address, status, headers, source and what was handed on are at hand."""
    one = page("<p>é", meta={"n": 1})
    assert (one.url, one.status, one.meta["n"]) == (URL, 200, 1)
    assert one.headers["content-type"].startswith("text/html")
    assert one.text == "<p>é"
    assert one.request.url == URL
    assert repr(one) == f"<Page 200 {URL}>"


def test_json_is_parsed_or_named() -> None:
    """A body that is JSON is data; one that is not raises with its URL."""
    assert page('{"a": [1]}').json() == {"a": [1]}
    with pytest.raises(JSONDecodeError, match="catalogue"):
        page("<p>").json()


def test_fields_of_a_page_are_one_short_expression_each() -> None:
    """Text, numbers, attributes and links come in the form that an item wants."""
    book = SHOP.css("article.book")[0]
    assert SHOP.title == "All books"
    assert book.css("h3 a").text == "Sharp Objects"
    assert book.css("h3 a").attr("title") == "Sharp Objects"
    assert book.css(".price").number == 1047.82
    assert book.css(".price").integer is None
    assert book.css(".stock").integer == 22
    assert book.css("a").url == "http://shop.test/catalogue/sharp.html"
    assert book.css("img").url == "http://shop.test/media/sharp.jpg"
    assert book.css("img").attr("alt") == ""
    assert SHOP.css("article").attrs("data-id") == ["17", "18"]
    assert SHOP.css(".price").texts == ["£1,047.82", "£50.10"]
    assert SHOP.css("h3 a").urls == [
        "http://shop.test/catalogue/sharp.html",
        "http://shop.test/catalogue/soumission.html",
    ]


def test_what_is_absent_is_none_or_empty_all_the_way_down() -> None:
    """A chain never raises because something is not there."""
    nothing = SHOP.css("table.missing").css("td")[3].css("a::attr(href)")
    assert not nothing
    assert len(nothing) == 0
    assert list(nothing) == []
    assert (nothing.text, nothing.number, nothing.integer, nothing.html, nothing.url) == (None,) * 5
    assert (nothing.attr("href"), nothing.re_first("x"), nothing.get(), nothing.get("-")) == (None, None, None, "-")
    assert (nothing.texts, nothing.urls, nothing.attrs("x"), nothing.re("x"), nothing.getall()) == ([], [], [], [], [])
    assert SHOP.follow(nothing) == Follow()
    assert SHOP.follow("table a") == Follow()
    assert page("").title is None
    assert page("").css("p").text is None


def test_a_selection_is_a_sequence_of_selections() -> None:
    """Length, truth, iteration, index and slice; an index beyond the end gives an empty Selection."""
    prices = SHOP.css(".price")
    assert len(prices) == 2
    assert prices
    assert [one.text for one in prices] == ["£1,047.82", "£50.10"]
    assert prices[-1].text == "£50.10"
    assert prices[0:1].texts == ["£1,047.82"]
    assert not prices[2]
    assert not prices[-3]
    assert [one.get() for one in SHOP.css(".price::text")] == ["£1,047.82", "£50.10"]
    assert SHOP.css(".price::text")[-1].get() == "£50.10"


NESTED = page("<div id=a><p>1</p><div id=b><p>2</p><div id=c><p>3</p></div></div></div><p id=d>4</p>")


@pytest.mark.parametrize("selector", ["p", "div p", "div div p, p, #d", "#d, p", "p:is(div p), p"])
def test_matches_are_in_document_order_and_once(selector: str) -> None:
    """Neither a selector list nor nested starting points give an element twice."""
    found = NESTED.css(selector).texts
    assert found == sorted(set(found))
    below = NESTED.css("div").css(selector).texts
    assert below == [text for text in found if text != "4"]


@given(
    st.recursive(
        st.just("<p>x</p>"), lambda inner: st.lists(inner, max_size=3).map(lambda c: f"<div>{''.join(c)}</div>")
    )
)
def test_searching_below_all_divs_is_searching_below_the_outermost(html: str) -> None:
    """Overlapping starting points change nothing."""
    one = page(f"<div>{html}</div>")
    assert one.css("div").css("p").getall() == one.css("body > div").css("p").getall()


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p> a\n b\t c&nbsp;&nbsp;d </p>", "a b c d"),
        ("<p>un<b>belie</b><i>vable</i></p>", "unbelievable"),
        ("<p>one<br>two</p>", "one two"),
        ("<p>a<br><br>b<wbr>c</p>", "a bc"),
        ("<p><custom-tag>a</custom-tag>b</p>", "ab"),
        ("<p>a<!-- no -->b</p>", "ab"),
        ("<p></p>", ""),
        ("<p><img></p>", ""),
        ("<p>a<script>no()</script><style>no</style><template>no</template>b</p>", "ab"),
        ("<p>a<noscript>no<b>no</b></noscript><iframe>no</iframe>b</p>", "ab"),
        ("<p>5 &lt; 6 &amp;amp;</p>", "5 < 6 &amp;"),
    ],
)
def test_text_is_what_a_reader_sees(html: str, text: str) -> None:
    """Inline elements join, line breaks part, unseen content is left out, white space collapses."""
    assert page(html).css("p").text == text


def test_blocks_part_words_on_both_sides() -> None:
    """The words of neighbouring blocks and cells do not run into one another."""
    one = page("<div>a<p>b</p>c<ul><li>d</li><li>e</li></ul>f<table><tr><td>g<td>h</table>i<div></div>j</div>k")
    assert one.css("div").text == "a b c d e f g h i j"
    assert one.css("body").text == "a b c d e f g h i j k"
    assert one.css("li").texts == ["d", "e"]


def test_an_unseen_element_is_read_when_it_is_asked_for() -> None:
    """Data in a script can be had by naming the script."""
    one = page('<body><script type="application/ld+json">{"a": "<b>"}</script><noscript><img src=x.png></noscript>')
    assert one.css("script").text == '{"a": "<b>"}'
    assert one.css("script::text").get() == '{"a": "<b>"}'
    assert one.css("noscript img").url == "http://shop.test/catalogue/x.png"


def test_deep_pages_are_read_without_recursion() -> None:
    """Text of a tree deeper than Python's stack is read."""
    assert page("<div>" + "<span>" * 3000 + "x").css("div").text == "x"


def test_the_text_ending_gives_own_text_nodes_as_scrapy_does() -> None:
    """`::text` is the elements' own text nodes as they stand; after a space all below; alone the whole selection's."""
    one = page("<p> a <b>b</b> <i>c</i></p>")
    assert one.css("p::text").getall() == [" a ", " "]
    assert one.css("p::text").get() == " a "
    assert one.css("p::text").texts == ["a"]
    assert one.css("p ::text").getall() == [" a ", "b", " ", "c"]
    assert one.css("p").css("::text").getall() == [" a ", "b", " ", "c"]
    assert one.css("p, b").css(" ::text").getall() == [" a ", "b", " ", "c"]
    assert page("<p> <b>b</b> a</p>").css("p::text").text == "a"


def test_the_attr_ending_gives_values_of_those_that_have_it() -> None:
    """`::attr(name)` is the attribute's value, "" for one without; elements that lack it are no match."""
    one = page("<a href=' x '>1</a><a>2</a><a href>3</a><p title='a::b'><b title=c></b></p>")
    assert one.css("a::attr(href)").getall() == [" x ", ""]
    assert one.css("a::attr( href )").text == "x"
    assert one.css("p").css("::attr(title)").getall() == ["a::b", "c"]
    assert one.css("[title='a::b']").attr("title") == "a::b"
    assert one.css("[title='a::b']::attr(title)").get() == "a::b"
    assert one.css("a::attr(href)").url == "http://shop.test/catalogue/x"


def test_get_and_getall_give_html_for_elements() -> None:
    """Scrapy's spelling means what it means there."""
    assert SHOP.css(".price").get() == '<p class="price">£1,047.82</p>'
    assert SHOP.css(".price").html == SHOP.css(".price").getall()[0]


def test_regular_expressions_see_the_readers_text() -> None:
    """Groups come one after the other, whole matches without groups; endings are searched as they stand."""
    assert SHOP.css(".stock").re(r"\((\d+) (\w+)\)") == ["22", "available"]
    assert SHOP.css(".price").re(r"\d+\.\d+") == ["047.82", "50.10"]
    assert SHOP.css("article::attr(data-id)").re_first(r"\d$") == "7"
    assert SHOP.css("h3").re_first(r"(Sub)?mission") == ""
    assert SHOP.css(".stock").re_first(re.compile(r"(\w+)\)")) == "available"
    assert SHOP.css(".price").re_first(r"5\d\.\d+") == "50.10"


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "a[",
        "> a",
        "a:contains(x)",
        "a::text, b::text",
        "a, b::text",
        "a::text::text",
        "a::first-line",
        "a::attr()",
        "\ud800",
    ],
)
def test_a_bad_selector_is_the_spiders_error(selector: str) -> None:
    """It is named together with the page."""
    with pytest.raises(SpiderError, match=r"selector .*shop\.test"):
        SHOP.css(selector)


def test_a_list_may_end_in_text_inside_is() -> None:
    """The comma inside brackets belongs to the selector."""
    assert SHOP.css(":is(.price, .active)::text").getall() == ["Books", "£1,047.82", "£50.10"]
    assert SHOP.css("[class='a, b']::text").getall() == []


def test_nothing_is_searched_below_a_text() -> None:
    """Going on from `::text` or `::attr` is a mistake that is named."""
    with pytest.raises(SpiderError, match="below a text"):
        SHOP.css("a::text").css("b")


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("<p>caf\u00e9".encode("cp1252"), "text/html; charset=iso-8859-1", "café"),
        ("<meta charset=windows-1251><p>\u041f".encode("cp1251"), "text/html", "П"),
        ("\ufeff<p>caf\u00e9".encode(), "text/html; charset=iso-8859-1", "café"),
        ("<p>caf\u00e9".encode("utf-16-le"), "text/html; charset=utf-16", "café"),
        ("<p>caf\u00e9".encode("utf-16"), "text/html", "café"),
        ("<p>caf\u00e9".encode(), "text/html", "café"),
        (b"<p>caf\xe9", "text/html; charset=utf-8", "caf\ufffd"),
    ],
)
def test_the_tree_is_in_the_pages_encoding(body: bytes, content_type: str, text: str) -> None:
    """The parser sees what a browser would, whichever way the encoding was declared."""
    one = page(body, content_type=content_type)
    assert one.css("p").text == text
    assert "\ufeff" not in one.css("body").get("")


@pytest.mark.parametrize(
    ("head", "base"),
    [
        ("", URL),
        ("<base href='/other/'>", "http://shop.test/other/"),
        ("<base target=_top><BASE HREF='https://cdn.test/x'><base href='/no'>", "https://cdn.test/x"),
        ("<base href='mailto:x'>", URL),
        ("<base href='http://[bad'>", URL),
    ],
)
def test_relative_links_start_at_the_base(head: str, base: str) -> None:
    """The first base with an href counts, if it can be used."""
    one = page(f"<head>{head}</head><a href='a.html'>")
    assert one.base_url == base
    assert one.base_url is one.base_url  # looked for once: a callback may ask for it a thousand times
    assert one.css("a").url == base.rpartition("/")[0] + "/a.html"


def urls(follow: Follow) -> list[str]:
    return [request.url for request in follow.requests]


def test_follow_asks_for_each_match_one_level_deeper() -> None:
    """A selector stands for all its matches; depth, callback, priority and meta are those of the call."""
    one = page("<h3><a href=a>A</a></h3><h3><a href=b#x>B</a></h3>", depth=2)
    meta = {"shelf": [1]}
    follow = one.follow("h3 a", "book", meta=meta, priority=3)
    meta["later"] = [2]
    assert urls(follow) == ["http://shop.test/catalogue/a", "http://shop.test/catalogue/b"]
    for request in follow.requests:
        assert (request.depth, request.callback, request.priority, request.parent) == (3, "book", 3, 0)
        assert request.meta == {"shelf": [1]}
    assert one.follow("h3 a").requests[0].callback == "parse"


def test_follow_takes_a_method_of_the_spider() -> None:
    """A bound method is kept by name; a function that nobody can find again is refused."""

    class Spider:
        def book(self) -> None: ...

    assert SHOP.follow(".next a", Spider().book).requests[0].callback == "book"
    with pytest.raises(SpiderError, match="cannot be a callback"):
        SHOP.follow(".next a", lambda page: None)


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("https://other.test/x#y", "https://other.test/x"),
        ("HTTP://other.test", "http://other.test/"),
        ("//other.test/x", "http://other.test/x"),
        ("/x", "http://shop.test/x"),
        ("./x", "http://shop.test/catalogue/x"),
        ("../x", "http://shop.test/x"),
        ("?page=2", "http://shop.test/catalogue/index.html?page=2"),
        (".next a", "http://shop.test/catalogue/page-2.html"),
        (".next a::attr(href)", "http://shop.test/catalogue/page-2.html"),
        ("img", "http://shop.test/media/sharp.jpg"),
    ],
)
def test_a_text_is_a_url_by_its_beginning_else_a_selector(target: str, url: str) -> None:
    """The rule needs no look at the page."""
    assert urls(SHOP.follow(target)) == [url]


def test_follow_takes_selections_and_mixtures() -> None:
    """A Selection, or an iterable of all that a target may be, in the order given."""
    assert urls(SHOP.follow(SHOP.css(".next").css("a"))) == ["http://shop.test/catalogue/page-2.html"]
    mixture: list[Target] = [SHOP.css(".next a"), "/x", "img", SHOP.css("article a")]
    assert [url.rpartition("/")[2] for url in urls(SHOP.follow(mixture))] == [
        "page-2.html",
        "x",
        "sharp.jpg",
        "sharp.html",
        "soumission.html",
    ]


def test_follow_url_takes_what_looks_like_a_selector() -> None:
    """A relative URL that begins with a letter is one when it is said to be one."""
    assert urls(SHOP.follow_url("page-2.html")) == ["http://shop.test/catalogue/page-2.html"]
    assert urls(SHOP.follow_url(["a", "b"], "x")) == ["http://shop.test/catalogue/a", "http://shop.test/catalogue/b"]


def test_an_element_without_its_own_link_is_not_followed() -> None:
    """Links inside a matched element are not meant by it."""
    assert SHOP.follow("h3") == Follow()


LINKS = page("""<a href=a>1</a><map><area href=b></map><a href=a>again</a><a href="a#part">part</a><a name=x>no</a>
<a href="mailto:me@shop.test">m</a><a href="javascript:void(0)">j</a><a href="http://[bad">b</a><a href=" c ">c</a>
<a href="mailto:me@shop.test">m</a><a href="">self</a><a href="tel:1">t</a><link href=style.css>""")


def test_every_link_is_a_request_or_a_refusal_once() -> None:
    """Links that cannot be requested are handed on with a reason, duplicates within the page are dropped."""
    follow = LINKS.follow_links("parse")
    assert urls(follow) == [f"http://shop.test/catalogue/{name}" for name in ("a", "b", "c", "index.html")]
    assert follow.refusals == (
        ("mailto:me@shop.test", Reason.SCHEME),
        ("javascript:void(0)", Reason.SCHEME),
        ("http://[bad", Reason.INVALID_URL),
        ("tel:1", Reason.SCHEME),
    )
    assert repr(follow) == "<Follow 4 | 4 refused>"
    assert LINKS.follow(LINKS.links()) == follow
    assert LINKS.css("a").urls[-1] == "http://shop.test/catalogue/index.html"
    assert len(LINKS.css("a").urls) == 5


@given(st.lists(st.text(max_size=12)))
def test_no_reference_raises_or_gets_lost(references: list[str]) -> None:
    """Whatever a page writes into href, each text is a request or a refusal, and nothing raises."""
    follow = SHOP.follow_url(references)
    known = set(urls(follow))
    refused = dict(follow.refusals)
    for reference in references:
        target = SHOP.resolve(reference)
        assert (target in known) != (refused.get(reference) is target)


def test_a_page_is_freed_with_its_last_user() -> None:
    """The tree, many times the size of its source, does not wait for the garbage collector."""
    gc.disable()
    try:
        one = page("<base href=/x/><p>text<a href=a>")
        kept = one.css("p").text, one.title, one.follow("a")
        watch = weakref.ref(one)
        del one
        assert watch() is None
        assert kept[0] == "text"
    finally:
        gc.enable()


def test_repr_is_a_window() -> None:
    """A selection shows how many it has and how the first begins."""
    assert repr(SHOP.css(".price")) == "<Selection 2 | '<p class=\"price\">£1,047.82</p>'>"
    assert repr(SHOP.css("table")) == "<Selection 0>"


PIECES = """<base href=/x/>|<BASE target=_top>|<bAse\thref='/y/'/>|<base|<basefont>|<base\0>|<mesa >|<metadata>
|<meta name=robots content=a>|<MeTa name=&#114;obots content=b>|</meta>|<head>|</head>|<body>|<p>|</p>|<!--|-->
|<script>|</script>|<template>|</template>|<noscript>|</noscript>|<svg>|</svg>|<title>|</title>|<table>|<select>
|text|<a href=1>|<b>|</b>| |>"""
TAGS = st.lists(st.sampled_from(PIECES.split("|")), max_size=12).map("".join)


@given(TAGS)
def test_what_a_page_says_of_itself_is_found_wherever_it_stands(html: str) -> None:
    """A `<base>` or a `<meta>` counts in any place where a selector finds it."""
    one = page(html)
    for tag in ("base", "meta"):
        assert [node.html for node in one._said(tag)] == one.css(tag).getall()


QUERIES = st.sampled_from(
    ["p", "b, p", "p b", "a[href]", "b:first-child", "*", "p, *", "title", "td", ":not(p)", "html b"]
)


@given(TAGS, st.lists(QUERIES, min_size=1, max_size=3))
def test_the_first_of_a_selection_is_the_first_of_all(html: str, queries: list[str]) -> None:
    """Asked for one, a selection says what it says when it was asked for all before."""
    one = page(html + "<p><b>1</b></p><table><tr><td><p>2<b>3")
    lazy = eager = one.css("html")
    for query in queries:
        lazy, eager = lazy.css(query), eager.css(query)
        assert len(eager) == len(eager.getall())
    assert (lazy.text, lazy.attr("href"), bool(lazy), lazy.html) == (
        next(iter(eager.texts), None), eager[0].attr("href"), len(eager) > 0, next(iter(eager.getall()), None),
    )  # fmt: skip
    assert lazy.url == next(iter(eager.urls), None)
    assert lazy.re_first("[0-9]") == next(iter(eager.re("[0-9]")), None)
    assert lazy.getall() == eager.getall()


def test_what_the_first_element_lacks_another_one_may_have() -> None:
    """The first match is the first of all that are asked, not of the first one."""
    found = page("<p></p><p><b>x</b></p>").css("p").css("b")
    assert (bool(found), found.text, found[0].text, len(found)) == (True, "x", "x", 1)
    assert not page("<p></p><p></p>").css("p").css("b")


def test_a_chain_of_selections_may_be_long() -> None:
    """Longer than Python's stack is deep."""
    found = page("<p>x").css("html")
    for _ in range(5_000):
        found = found.css("*")
    assert found.texts[-1] == "x"


def test_a_selector_that_is_none_is_told_at_once() -> None:
    """Not when somebody asks for what it found."""
    for bad in ("p[", "p::before", ":nonsense(", "\ud800"):
        with pytest.raises(SpiderError, match="selector"):
            page("").css(bad)


def test_attribute_names_are_looked_up_as_in_html() -> None:
    """The case of a name does not matter; what is no name is not there."""
    link = page("<a HREF=x title>").css("a")
    assert (link.attr("HREF"), link.attr("href"), link.attr("title"), link.attr("\ud800")) == ("x", "x", "", None)
    assert page("<p>text").css("p::text").attr("href") is None


def test_a_request_is_made_of_a_link_when_it_is_asked_for() -> None:
    """Each like the others but for its URL, and checked once for all."""
    follow = page("<a href=/a><a href=/b>").follow("a", "book", meta={"n": {1: (2,)}}, priority=4)
    assert [str(link) for link in follow.links] == ["http://shop.test/a", "http://shop.test/b"]
    assert follow.requests == tuple(map(follow.request, follow.links))
    assert [request.meta for request in follow.plain().requests] == [{"n": {"1": [2]}}] * 2
    assert follow.plain().links == follow.links
    assert page("<a href=/a>").follow("a").plain() == page("<a href=/a>").follow("a")
    with pytest.raises(SpiderError, match="cannot be kept"):
        page("<a href=/a>").follow("a", meta={"n": object()}).plain()
