"""Bodies that were cut short: a failure that is tried again, or by choice a page with a mark."""

from __future__ import annotations

import gzip
import json
from typing import Any

from case import case, row, table
from servers import CHUNKED, OK, Server, answer, chunk, sends

from scraper import Page, Spider, crawl

MARKUP = b"<title>half a page</title>" + b"".join(b"<p>paragraph %d</p>" % n for n in range(300))
HALF_GZIP = gzip.compress(MARKUP)[:-40]
CUTS = [
    row("length", OK + b"Content-Length: 9999\r\n\r\n" + MARKUP, "close", behaviour="less than its Content-Length"),
    row("chunks", CHUNKED + chunk(MARKUP), "close", behaviour="chunks without the last one"),
    row("gzip", answer(HALF_GZIP, "Content-Encoding: gzip"), "keep", behaviour="gzip that ends in its middle"),
    row("reset", OK + b"\r\n" + MARKUP, "reset", behaviour="a body without a length, then a reset"),
]


class Titles(Spider):
    """Takes what there is."""

    async def parse(self, page: Page) -> Any:
        """Tell whether the page is whole."""
        yield {"title": page.title, "cut": page.truncated}


async def run(tmp_path: Any, data: bytes, then: str, **settings: Any) -> Any:
    async with Server(sends(data, then=then)) as server:
        report = await crawl(
            Titles, seeds=[server.base + "/a"], output=tmp_path / "items.jsonl",
            politeness={"delay": 0, "robots": "ignore"}, retry={"times": 2, "backoff": 0}, **settings,
        )  # fmt: skip
        return report, server.targets


@table(
    "http", ("data", "then"),
    [row(f"partial-retried-{name}", *values, behaviour=behaviour) for name, values, behaviour, _ in CUTS],
    behaviour="Every answer breaks off:",
    expectation="truncated, after retry.times further tries; no callback sees it, and the run says so.",
    source="RFC 9112 8: a recipient may keep a partial message, marked; by default it is a failure",
)  # fmt: skip
async def test_a_partial_body_is_a_failure_and_tried_again(tmp_path, data, then):
    report, targets = await run(tmp_path, data, then)
    tally = report.progress.tally
    assert (report.ok, dict(tally.failed), tally.retries) == (False, {"truncated": 1}, 2)
    assert (tally.partial, report.items, len(targets)) == (0, 0, 3)


@table(
    "http", ("data", "then"),
    [row(f"partial-kept-{name}", *values, behaviour=behaviour) for name, values, behaviour, _ in CUTS],
    behaviour="`fetch.partial: keep`, and the answer breaks off:",
    expectation="It is a page, page.truncated says so, the run counts it; it is asked for once.",
    source="RFC 9112 8; own key",
)  # fmt: skip
async def test_a_partial_body_may_be_kept(tmp_path, data, then):
    report, targets = await run(tmp_path, data, then, fetch={"partial": "keep"})
    item = json.loads((tmp_path / "items.jsonl").read_text())
    assert item == {"title": "half a page", "cut": True}
    assert (report.ok, report.pages, report.progress.tally.partial, targets) == (True, 1, 1, ["/a"])


@case(
    "http", "partial-kept-whole-page",
    behaviour="`fetch.partial: keep`, and the answer is whole.",
    expectation="page.truncated is false and nothing is counted as partial.",
    source="own key",
)  # fmt: skip
async def test_a_whole_page_has_no_mark(tmp_path):
    report, _ = await run(tmp_path, answer(MARKUP), "keep", fetch={"partial": "keep"})
    assert json.loads((tmp_path / "items.jsonl").read_text())["cut"] is False
    assert (report.pages, report.progress.tally.partial) == (1, 0)


@case(
    "http", "partial-kept-too-large",
    behaviour="`fetch.partial: keep`, and a body is above fetch.max_body.",
    expectation="too_large all the same: the site cut nothing short.",
    source="own key",
)  # fmt: skip
async def test_too_large_is_not_partial(tmp_path):
    report, _ = await run(tmp_path, OK + b"\r\n" + MARKUP, "close", fetch={"partial": "keep", "max_body": 1000})
    assert dict(report.progress.tally.failed) == {"too_large": 1}


@case(
    "http", "partial-kept-not-for-robots",
    behaviour="`fetch.partial: keep`, and robots.txt breaks off.",
    expectation="Half of its rules are no rules: it counts as unreachable, and nothing is fetched.",
    source="RFC 9309 2.3.1.4",
)  # fmt: skip
async def test_half_a_robots_txt_is_none(tmp_path):
    async def behave(exchange):
        robots = OK + b"Content-Length: 99\r\n\r\nUser-agent: *\nAllow: /"
        await exchange.send(robots if exchange.seen.target == "/robots.txt" else answer(MARKUP))
        return False

    async with Server(behave) as server:
        report = await crawl(
            Titles, seeds=[server.base + "/a"], politeness={"delay": 0}, retry={"times": 0}, fetch={"partial": "keep"}
        )
    assert (report.pages, dict(report.progress.tally.refused)) == (0, {"robots_unreachable": 1})
    assert set(server.targets) == {"/robots.txt"}


@case(
    "http", "partial-kept-connections",
    behaviour="`fetch.partial: keep`, and forty answers in a row break off.",
    expectation="No connection is lost with them: all forty are pages.",
    source="own measurement: aiohttp keeps the connection of an answer that did not come to its end",
)  # fmt: skip
async def test_partial_pages_give_their_connections_back(tmp_path):
    async with Server(sends(OK + b"Content-Length: 9999\r\n\r\n" + MARKUP, then="close")) as server:
        report = await crawl(
            Titles, seeds=[f"{server.base}/{number}" for number in range(40)],
            politeness={"delay": 0, "robots": "ignore"}, fetch={"partial": "keep", "concurrency": 2},
            limits={"time": 5},
        )  # fmt: skip
    assert (report.pages, report.progress.tally.partial) == (40, 40)
