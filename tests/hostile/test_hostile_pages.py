"""Pages built to hurt the parser: they are made harmless or refused, and the crawl does not wait for them."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest
from case import case, row, table

from scraper.engine import reading
from scraper.engine.reading import Reading
from scraper.engine.steps import Steps
from scraper.outcome import Failed
from scraper.page import Page
from scraper.parsing.flatten import MAX_DEPTH, MAX_FORMATTING, flatten
from scraper.parsing.gate import is_harmless, is_suspicious
from scraper.parsing.tree import markup_tree, nests
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.visit import Lease

MEASURED = "measured, measured with Lexbor; lexbor#340, html#3732"
BLINK = "Blink and WebKit: 512 open elements"


def numbered(pattern: str, times: int) -> bytes:
    return "".join(pattern % number for number in range(times)).encode()


def response(body: bytes, content_type: str = "text/html; charset=utf-8") -> Response:
    headers = Headers((("Content-Type", content_type),))
    return Response(Request("http://s.test/"), status=200, url="http://s.test/", headers=headers, body=body)


def lease(number: int = 1) -> Lease:
    return Lease(number, request=Request("http://s.test/"), origin="http://s.test")


def depth_of(page: Page) -> int:
    node, depth = page.css("html")._all()[0], 0
    while node is not None:
        depth += 1
        children = list(node.iter())
        node = children[-1] if children else None
    return depth


END = b'<a href="/end">end</a>'
HOSTILE = {
    "div-20000": b"<div>" * 20_000,
    "div-upper-case": b"<DIV\n>" * 20_000,
    "unknown-elements": b"<x-y>" * 20_000,
    "lists": b"<ul><li>" * 20_000,
    "tables": b"<table><tr><td>" * 8_000,
    "svg": b"<svg><g>" * 15_000,
    "buttons": b"<p><button>" * 8_000,
    "fonts": numbered("<font size=%d>", 20_000),
    "formatting-pairs": numbered("<b n=%d>", 2000) + numbered("<i n=%d>", 2000) + b"x</b></i>" * 2000,
    "formatting-blocks": numbered("<b n=%d><p>x", 3000),
    "attributes-20000": b"<p " + numbered("a%d ", 20_000) + b">",
    "attributes-quoted": b"<p " + numbered('a%d=">"', 20_000) + b">",
    "attributes-like-tags": b"<p " + b"".join(b"a%d " % n if n % 9 else b"a%d='<>' " % n for n in range(30_000)) + b">",
    "href-50-kb": b'<p><a href="' + b"x" * 50_000 + b'">' + b"<p>x" * 12_500,
    "false-end-tags": b"<div></x>" * 10_000,
    "end-tags-in-comments": b"<div><!--</div>-->" * 10_000,
    "end-tags-in-scripts": b"<div><script></div></script>" * 10_000,
    "end-tags-out-of-scope": b"<div><table></div></table>" * 10_000,
    "between-fixed-places": (b"text " * 102 + b"<div>" * 3174) * 8,
    "end-tags-in-attributes": b'<div title="</div>">some words here and there ' * 20_000,
    "end-tags-in-sparse-comments": b"<div><!--</div>-->some words here and there " * 20_000,
    "behind-an-honest-part": b"<p>text and <b>more</b> text</p>\n" * 20_000 + b"<div>" * 20_000,
}


@table(
    "content",
    "body",
    [row(f"page-{name}", body, behaviour=name.replace("-", " ") + ".") for name, body in HOSTILE.items()],
    behaviour="A page costs a parser time and memory with the square of its size:",
    expectation="It is noticed before it is parsed, and made harmless: the tree is at most 512 deep, the end is there.",
    source=f"{MEASURED}; {BLINK}",
)
def test_hostile_markup_is_made_harmless(body: bytes) -> None:
    """Gate, closer look and flattening together; what comes out is parsed at once."""
    assert is_suspicious(body) or nests(body)
    assert not is_harmless(body) or nests(body, everywhere=True) or b'">"' in body
    flat = flatten(body.decode() + END.decode())
    assert flat.faults
    started = time.perf_counter()
    tree = markup_tree(flat.text.encode())
    assert time.perf_counter() - started < 10.0
    assert tree.css("a[href='/end']")


def honest_table(rows: int) -> bytes:
    line = '<tr class="r"><td><a href="/i/%d">Item</a></td><td>%d<br>x</td><td><img src="x.png"></td></tr>\n'
    return b"<table>" + "".join(line % (number, number) for number in range(rows)).encode() + b"</table>"


HONEST = {
    "options-30000": b"<select name=s>" + numbered("<option value=%d>Option\n", 30_000) + b"</select>",
    "options-closed": b"<select>" + numbered("<option value=%d>Option</option>\n", 10_000) + b"</select>",
    "options-upper-case": b"<SELECT>" + numbered("<OPTION value=%d>Option</OPTION>\n", 10_000) + b"</SELECT>",
    "rows-5000": honest_table(5000),
    "rows-without-end-tags": b"<table>" + b"<tr><td>a<td>b\n" * 5000,
    "items-without-end-tags": b"<ul>" + b"<li>item with <b>text</b>\n" * 5000,
    "paragraphs-and-breaks": b"<p>Some words<br>and <i>more</i> words<br>\n" * 5000,
    "images": b'<img src="/a/b/c.jpg" alt="a picture of something">\n' * 5000,
    "deep-200": b"<div>" * 200 + b"x" + b"</div>" * 200,
    "deep-200-often": (b"<div>" * 200 + b"x" + b"</div>" * 200) * 20,
    "script-300-kb": b"<p>x<script>" + b"var a = {'b': 1, 'c': '<div>'};" * 10_000 + b"</script>",
    "picture-in-a-tag": b'<p><img src="data:image/png;base64,' + b"A" * 100_000 + b'"><p>x',
    "cards": b'<div class="card"><h3><a href="/p">T</a></h3><i class="icon"></i><button>Add</button></div>\n' * 3000,
}


@table(
    "content",
    "body",
    [row(f"honest-{name}", body, behaviour=name.replace("-", " ") + ".") for name, body in HONEST.items()],
    behaviour="An honest page is large or careless:",
    expectation="It is read at once, in this process, and its tree is the parser's own.",
    source=f"the project's own measurement; {MEASURED}",
)
async def test_honest_markup_is_read_unchanged(body: bytes) -> None:
    """No child process, no change, and no square of anything."""
    with Steps() as steps:
        started = time.perf_counter()
        page = await Reading(steps=steps).read(lease(), response(body))
        taken = time.perf_counter() - started
    assert isinstance(page, Page)
    assert page._cleaned is None
    assert taken < 1.0
    if len(body) < 200_000 or b"option" not in body.lower():
        assert page.css("html").html == Page(response(body)).css("html").html
    else:
        assert len(page.css("option")) == body.lower().count(b"<option")
        assert page.css("select").attr("multiple") is None


@case(
    "content",
    "gate-is-cheap",
    behaviour="An honest page of 200 kB.",
    expectation="Looking whether it is hostile costs a small part of parsing it (measured: 2 to 5 %).",
    source="the project's own measurement",
)
def test_the_gate_is_cheap() -> None:
    """The usual page does not pay for the hostile one."""
    body = (
        b'<div class="card item"><h3><a href="/some/page.html">Some title</a></h3><p>Some text here</p></div>\n' * 2000
    )

    def best(work: object) -> float:
        times = []
        for _ in range(15):
            started = time.thread_time()
            work(body)  # type: ignore[operator]
            times.append(time.thread_time() - started)
        return min(times)

    def look(markup: bytes) -> bool:
        return is_suspicious(markup) or nests(markup)

    assert not any(look(body) for _ in range(50))  # it looks at other places each time
    assert best(look) < best(markup_tree) / 2  # a noisy machine doubles either


@case(
    "content",
    "flattened-as-blink-does",
    behaviour="600 nested elements, then as many end tags, then more text.",
    expectation="Those deeper than 512 are siblings there, and what comes behind is back at the top.",
    source=BLINK,
)
def test_deep_elements_become_siblings() -> None:
    """The text keeps its order, and end tags close what they close in a browser."""
    flat = flatten("<div>" * 600 + "deep" + "</div>" * 600 + "<p id=after>after")
    tree = Page(response(flat.text.encode()))
    assert flat.faults == (f"elements nested more than {MAX_DEPTH} deep",)
    assert depth_of(Page(response(flatten("<div>" * 600).text.encode()))) <= MAX_DEPTH + 2
    assert tree.css("body > #after").text == "after"
    assert tree.css("body").text == "deep after"
    assert flatten("<div>" * 500 + "</div>" * 500).faults == ()


@pytest.mark.parametrize("more", ["</div>", "</i>", "</article></p>"])
def test_end_tags_may_be_more_than_elements_are_open(more: str) -> None:
    """What was too deep ends with the element around it, and its own end tags still come."""
    assert flatten("<article>" + "<div>" * 600 + "</article>" + more).text.endswith("</article>" + more)


@case(
    "content",
    "formatting-bounded",
    behaviour="200 different font tags are open at once.",
    expectation="All but a few dozen are left out; links and text stay.",
    source="HTML standard 13.2.4.3, the list of active formatting elements",
)
def test_formatting_is_bounded() -> None:
    """Dropped tags take their end tags along."""
    flat = flatten(numbered("<font n=%d>", 200).decode() + "<a href=/x>x</a>" + "</font>" * 200 + "<p>y")
    assert flat.text.count("<font") == MAX_FORMATTING
    assert flat.text.count("</font") == MAX_FORMATTING
    assert "<a href=/x>x</a>" in flat.text


@case(
    "content",
    "child-cleans",
    behaviour="30,000 nested elements: seconds for a parser.",
    expectation="A child process makes them harmless while the event loop goes on ticking.",
    source=MEASURED,
)
async def test_the_loop_goes_on_while_a_child_cleans() -> None:
    """The page comes back flat, with its end, and the loop was never away for long."""
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(time.perf_counter())
            await asyncio.sleep(0.01)

    ticking = asyncio.ensure_future(tick())
    with Steps() as steps:
        page = await Reading(steps=steps).read(lease(), response(b"<div>" * 30_000 + END))
    ticking.cancel()
    assert isinstance(page, Page)
    assert page.css("a").attr("href") == "/end"
    assert page.follow("a").requests[0].url == "http://s.test/end"
    gaps = [after - before for before, after in pairwise(ticks)]
    assert len(gaps) > 5
    assert max(gaps) < 1.5


@case(
    "content",
    "child-dies",
    behaviour="The child that reads a page runs out of its memory or its time.",
    expectation='The page has failed as "hostile_page" with what it was; the crawl goes on.',
    source="RLIMIT_AS, RLIMIT_CPU, setrlimit(2)",
)
@pytest.mark.parametrize("ending", ["deadline", "death"])
async def test_a_page_that_kills_its_child_is_refused(ending: str) -> None:
    """The deadline and the death of a child are answers."""
    with Steps() as steps:
        limits = {"deadline": {"deadline": 0.01}, "death": {"child_memory": 32 * 1024 * 1024}}[ending]
        page = await Reading(steps=steps, **limits).read(lease(), response(b"<div>" * 100_000))
    assert isinstance(page, Failed)
    assert page.reason == reading.HOSTILE_PAGE
    assert "hurt its reader" in page.detail


@case(
    "content",
    "page-kills-the-process",
    behaviour="Processes die, again and again, while they read one page.",
    expectation="After two deaths a child reads it first, after three it is left alone; other pages are not concerned.",
    source="architecture.md, law 2: the same command again",
)
async def test_a_page_that_kills_the_process_is_left_alone(tmp_path: Path) -> None:
    """Crumbs of dead processes are counted over resumes and belong to one run."""
    fine = response(b"<p>x")
    for deaths in range(4):
        with Steps(tmp_path, run=7) as steps:
            assert steps.deaths(5) == deaths
            page = await Reading(steps=steps).read(lease(5), fine)
            assert isinstance(page, Failed) == (deaths == 3)
            assert isinstance(await Reading(steps=steps).read(lease(6), fine), Page)
            crumb = tmp_path / "crumb"
            steps.enter(lease(5))
            died_here = crumb.read_bytes()
            steps.leave()
            assert crumb.read_bytes() == bytes(16)
        crumb.write_bytes(died_here)
    assert isinstance(page, Failed)
    assert "3 processes died" in page.detail
    with Steps(tmp_path, run=8) as steps:
        assert steps.suspects == {}


@case(
    "content",
    "killed-while-waiting",
    behaviour="The user kills the process while it waits for answers, as often as it pleases him.",
    expectation="No page is blamed: only what holds the loop leaves a crumb.",
    source="the project's own measurement",
)
def test_a_kill_between_steps_blames_nobody(tmp_path: Path) -> None:
    """No crumb stands outside of a step, and a torn or foreign file is nobody's death."""
    for _ in range(5):
        with Steps(tmp_path, run=1) as steps:
            assert not steps.suspects
    (tmp_path / "suspects.json").write_bytes(b"{torn")
    (tmp_path / "crumb").write_bytes(b"x")
    with Steps(tmp_path, run=1) as steps:
        assert not steps.suspects


@pytest.mark.parametrize(
    "text",
    ["", "<", "</", "<a", "<a b='", "<!--", '<p a="x>y" b=c>', "</p", "<p/></>", "<script><div></scrip", "<a =x='>'>"],
)
def test_flattening_changes_nothing_that_is_harmless(text: str) -> None:
    """Broken markup comes out as it went in."""
    assert flatten(text) == flatten(text)
    assert flatten(text).text == text
