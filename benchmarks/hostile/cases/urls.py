"""URLs: what a link means, what is no page at all, and places that have no end."""

from __future__ import annotations

import asyncio
import itertools
import re

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.job import ANY
from benchmarks.hostile.site import Routes, html, links, page
from benchmarks.hostile.stage import Child, Stage

ENOUGH = 3  # pages that show that a crawl goes on
FAST = 0.02  # seconds between two requests, where a trap has many pages


async def asked_for(stage: Stage, home: bytes, *wanted: str) -> Verdict:
    """Judge whether exactly the wanted paths were asked for, once each, after the home page."""
    site = await stage.site({"/": home, **{path: page("found") for path in wanted}})
    await stage.crawl(site.url())
    found = [target for target in site.pages if target != "/"]
    return verdict(sorted(found) == sorted(wanted), f"asked for {' '.join(found) or 'nothing'}")


@case(
    "urls", "file", meets="A page links to `file:///etc/hostname`; the spider's hosts are stated.",
    expects="It is not read.", source="CWE-73; Fetch: file: is no matter of the web",
)  # fmt: skip
async def file_link(stage: Stage) -> Verdict:
    return await _no_file(stage, ())


@case(
    "urls", "file-no-hosts", meets="A page links to `file:///etc/hostname`; the spider's author stated no hosts.",
    expects="It is not read.", source="CWE-73; Fetch: file: is no matter of the web",
)  # fmt: skip
async def file_link_anywhere(stage: Stage) -> Verdict:
    return await _no_file(stage, ANY)


async def _no_file(stage: Stage, hosts: tuple[str, ...]) -> Verdict:
    site = await stage.site({"/": page("home", "file:///etc/hostname", "/ok"), "/ok": page("ok")})
    run = await stage.crawl(site.url(), hosts=hosts)
    read = [item["url"] for item in run.items if item["url"].startswith("file:")]
    tried = re.findall(rb"(?:GET|Crawled|processing).{0,20}file:///\S*", run.said)
    right = not read and not tried and "ok" in run.titles
    return verdict(right, f"opened {read[0] if read else tried[0].decode()}" if read or tried else "not opened")


@case(
    "urls", "no-pages", meets="Links to `javascript:`, `data:`, `mailto:`, `tel:` and to nothing that can be read.",
    expects="They are passed over; the good link is followed and nothing fails.", source="WHATWG URL 4.4, Fetch 4.1",
)  # fmt: skip
async def no_pages(stage: Stage) -> Verdict:
    bad = [
        "javascript:void(0)",
        "data:text/html,<h1>hi",
        "mailto:a@b.test",
        "tel:+1",
        "http://[",
        "http://a b/",
        "http://:99999/",
    ]
    site = await stage.site({"/": page("home", *bad, "/ok"), "/ok": page("ok")})
    run = await stage.crawl(site.url())
    right = run.titles == ["home", "ok"] and run.exit == 0 and b"Traceback" not in run.said
    traced = ", a traceback" if b"Traceback" in run.said else ""
    return verdict(right, f"items: {' '.join(run.titles)}; {run.end}{traced}")


@case(
    "urls", "backslashes", meets="A link is written `\\shelf\\1`.",
    expects="Backslashes are slashes, as in every browser.", source="WHATWG URL 4.4",
)  # fmt: skip
async def backslashes(stage: Stage) -> Verdict:
    return await asked_for(stage, page("home", "\\shelf\\1"), "/shelf/1")


@case(
    "urls", "tabs", meets="A link has tabs, line ends and blanks in and around it.",
    expects="They are taken out.", source="WHATWG URL 4.4",
)  # fmt: skip
async def tabs(stage: Stage) -> Verdict:
    return await asked_for(stage, page("home", "  /sh\telf\n/1 "), "/shelf/1")


@case(
    "urls", "dot-segments", meets="Links `/a/./b/../c`, `/a/%2e%2e/d` and `/../e`.",
    expects="The dots are resolved.", source="WHATWG URL 4.4 (path state)",
)  # fmt: skip
async def dots(stage: Stage) -> Verdict:
    return await asked_for(stage, page("home", "/a/./b/../c", "/a/%2e%2e/d", "/../e"), "/a/c", "/d", "/e")


@case(
    "urls", "fragments", meets="One page is linked with three fragments, and without.",
    expects="It is fetched once.", source="RFC 3986 3.5",
)  # fmt: skip
async def fragments(stage: Stage) -> Verdict:
    return await asked_for(stage, page("home", "/a#1", "/a#2", "/a#", "/a"), "/a")


@case(
    "urls", "base", meets="`<base href=/shop/>`, and a relative link.",
    expects="The link is relative to the base.", source="HTML 4.2.3",
)  # fmt: skip
async def base(stage: Stage) -> Verdict:
    return await asked_for(stage, page("home", "1", extra="<base href=/shop/>"), "/shop/1")


@case(
    "urls", "query-encoding", meets="A page in windows-1252 links to `/s?q=é`.",
    expects="The query is written in the page's encoding: `%E9`.", source="WHATWG URL 4.4 (query state)",
)  # fmt: skip
async def query_encoding(stage: Stage) -> Verdict:
    home = html("<title>home</title><a href='/s?q=é'>x</a>".encode("cp1252")).replace(b"utf-8", b"windows-1252")
    return await asked_for(stage, home, "/s?q=%E9")


@case(
    "urls", "odd-ipv4", meets="A link to this very host is written `http://2130706433:PORT/ok`.",
    expects="It is 127.0.0.1, which is the crawl's host.", source="WHATWG URL 3.5 (IPv4 parser)",
)  # fmt: skip
async def odd_ipv4(stage: Stage) -> Verdict:
    site = await stage.site({"/ok": page("ok")})
    site.routes = {"/": page("home", site.url("/ok", "2130706433")), "/ok": page("ok")}
    await stage.crawl(site.url())
    return verdict("/ok" in site.pages, f"asked for {' '.join(site.pages)}")


async def trapped(stage: Stage, make: Routes, most: int) -> Verdict:
    """Judge whether a place without end was left by itself after not too many pages."""
    site = await stage.site(make)
    run = await stage.crawl(site.url(), delay=FAST, wall=25)
    right = run.ended and "end" in run.titles and len(site.pages) <= most
    return verdict(right, f"{len(site.pages)} pages; {run.end}")


@case(
    "urls", "path-trap", meets="Every page links to itself one folder deeper: `/x/y/x/y/…`.",
    expects="The crawl ends by itself, before 100 pages.", source="Heritrix: PathologicalPathDecideRule",
)  # fmt: skip
async def path_trap(stage: Stage) -> Verdict:
    def route(target: str) -> bytes | None:
        if target in ("/", "/robots.txt"):
            return page("home", "/x/y/", "/end") if target == "/" else None
        return page("end") if target == "/end" else page("deeper", "x/y/")

    return await trapped(stage, route, 100)


@case(
    "urls", "calendar", meets="A calendar in which every month links to the next one.",
    expects="The crawl ends by itself, before 200 pages.", source="IRLbot (WWW 2008) and Heritrix on calendar traps",
)  # fmt: skip
async def calendar(stage: Stage) -> Verdict:
    def route(target: str) -> bytes | None:
        at = re.fullmatch(r"/calendar\?year=(\d+)&month=(\d+)", target)
        if at is None:
            return {"/": page("home", "/calendar?year=2026&month=1", "/end"), "/end": page("end")}.get(target)
        year, month = divmod(int(at[1]) * 12 + int(at[2]), 12)
        return page("month", f"/calendar?year={year}&month={month + 1}")

    return await trapped(stage, route, 200)


@case(
    "urls", "session-ids", meets="Three pages whose links have a new `;jsessionid=` or `?PHPSESSID=` each time.",
    expects="Each page is fetched once.", source="PHP and Java Servlet session rewriting; IRLbot (WWW 2008)",
)  # fmt: skip
async def session_ids(stage: Stage) -> Verdict:
    number = itertools.count(10**30)

    def route(target: str) -> bytes | None:
        if target == "/robots.txt":
            return None
        fresh = [f"/end;jsessionid={next(number):032X}", f"/b?PHPSESSID={next(number):032x}"]
        return page("end" if target.startswith("/end") else "page", *fresh)

    return await trapped(stage, route, 6)


@case(
    "urls", "long", meets="A link of 100,000 characters.",
    expects="It is passed over; the rest of the page counts.", source="RFC 9110 4.1; 2,083 in browsers and Scrapy",
)  # fmt: skip
async def long(stage: Stage) -> Verdict:
    return await asked_for(stage, page("home", "/" + "a" * 100_000, "/ok"), "/ok")


@case(
    "urls", "many-links", meets="A page with 200,000 different links.",
    expects="Less than 20 CPU seconds and 500 MiB; pages that it links to are read.", source="measured",
)  # fmt: skip
async def many(stage: Stage) -> Verdict:
    home = html("<title>home</title>" + links(f"/{number}" for number in range(200_000)))
    site = await stage.site(lambda target: home if target == "/" else page("leaf"))

    async def leave(child: Child) -> None:
        while len(site.pages) <= ENOUGH:
            await asyncio.sleep(0.1)
        child.kill()

    run = await stage.crawl(site.url(), during=leave, wall=90)
    right = len(site.pages) > ENOUGH and run.cpu < 20 and run.rss < 500
    return verdict(right, f"{len(site.pages)} pages in {run.wall:.0f} s, {run.cost}")
