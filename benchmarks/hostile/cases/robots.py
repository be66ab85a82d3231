"""robots.txt: what it says, and what it means when it does not say anything. RFC 9309, and what stands beside it."""

from __future__ import annotations

import asyncio
import time

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import Route, Site, page, redirect, status, turns
from benchmarks.hostile.stage import Stage
from tests.hostile.servers import OK, Exchange, answer, floods, resets

ALLOWED, FORBIDDEN = "/open", "/closed"
KIB = 1024


def robots(text: str | bytes) -> bytes:
    """Return an answer with rules in it."""
    return answer(text if isinstance(text, bytes) else text.encode(), "Content-Type: text/plain")


async def obeyed(stage: Stage, rules: Route, **more: Route) -> Verdict:
    """Judge whether the open page was read and the closed one was not asked for."""
    pages: dict[str, Route] = {"/": page("home", ALLOWED, FORBIDDEN), ALLOWED: page("open"), FORBIDDEN: page("closed")}
    site = await stage.site({"/robots.txt": rules, **pages, **more})
    run = await stage.crawl(site.url())
    return _judged(site, run.ended, run.end)


def _judged(site: Site, ended: bool, end: str) -> Verdict:
    right = ended and ALLOWED in site.pages and FORBIDDEN not in site.pages
    return verdict(right, f"asked for {' '.join(site.pages) or 'no page'}" + ("" if ended else f"; {end}"))


async def nothing(stage: Stage, rules: Route) -> Verdict:
    """Judge whether robots.txt was asked for, and no page."""
    site = await stage.site({"/robots.txt": rules, "/": page("home")})
    await stage.crawl(site.url())
    tries = len(site.asked("/robots.txt"))
    return verdict(tries > 0 and not site.pages, f"{tries} × robots.txt, then {' '.join(site.pages) or 'no page'}")


@case(
    "robots", "503", meets="robots.txt answers 503.",
    expects="All is forbidden: no page is asked for.", source="RFC 9309 2.3.1.4",
)  # fmt: skip
async def unavailable(stage: Stage) -> Verdict:
    return await nothing(stage, status(503))


@case(
    "robots", "reset", meets="The connection for robots.txt is reset, every time.",
    expects="All is forbidden: no page is asked for.", source="RFC 9309 2.3.1.4",
)  # fmt: skip
async def unreachable(stage: Stage) -> Verdict:
    return await nothing(stage, resets())


@case(
    "robots", "503-then-rules", meets="robots.txt answers 503 once, then rules that close a page.",
    expects="It is asked for again, and obeyed.", source="RFC 9309 2.3.1.4",
)  # fmt: skip
async def asked_again(stage: Stage) -> Verdict:
    return await obeyed(stage, turns(status(503), robots("User-agent: *\nDisallow: /closed\n")))


@case(
    "robots", "404-with-rules", meets="robots.txt is a 404 whose body says `Disallow: /`.",
    expects="All is allowed: the body of an error is no rules.", source="RFC 9309 2.3.1.3",
)  # fmt: skip
async def body_of_404(stage: Stage) -> Verdict:
    site = await stage.site(
        {
            "/robots.txt": status(404, body=b"User-agent: *\nDisallow: /\n"),
            "/": page("home", ALLOWED),
            ALLOWED: page("open"),
        }
    )
    await stage.crawl(site.url())
    return verdict(ALLOWED in site.pages, f"asked for {' '.join(site.pages) or 'no page'}")


@case(
    "robots", "403", meets="robots.txt answers 403.",
    expects="All is allowed.", source="RFC 9309 2.3.1.3",
)  # fmt: skip
async def forbidden_file(stage: Stage) -> Verdict:
    site = await stage.site({"/robots.txt": status(403), "/": page("home", ALLOWED), ALLOWED: page("open")})
    await stage.crawl(site.url())
    return verdict(ALLOWED in site.pages, f"asked for {' '.join(site.pages) or 'no page'}")


@case(
    "robots", "redirect", meets="robots.txt redirects twice before it comes.",
    expects="It is followed, and obeyed.", source="RFC 9309 2.3.1.2",
)  # fmt: skip
async def redirected(stage: Stage) -> Verdict:
    rules = robots("User-agent: *\nDisallow: /closed\n")
    return await obeyed(stage, redirect("/r1", 301), **{"/r1": redirect("/r2"), "/r2": rules})


@case(
    "robots", "500-kib", meets="After 400 KiB of comments robots.txt closes a page.",
    expects="It is obeyed: at least 500 KiB count.", source="RFC 9309 2.5",
)  # fmt: skip
async def large(stage: Stage) -> Verdict:
    return await obeyed(
        stage, robots(b"# nothing to see\n" * (400 * KIB // 17) + b"User-agent: *\nDisallow: /closed\n")
    )


@case(
    "robots", "endless", meets="robots.txt never ends.",
    expects="What came first counts; the crawl goes on.", source="RFC 9309 2.5",
)  # fmt: skip
async def endless(stage: Stage) -> Verdict:
    start = OK + b"Content-Type: text/plain\r\n\r\nUser-agent: *\nDisallow: /closed\n"
    return await obeyed(stage, floods(start, b"# and on it goes, line after line after line\n" * 500))


@case(
    "robots", "bom", meets="robots.txt begins with a byte order mark.",
    expects="The first group counts.", source="RFC 9309 2.2 (UTF-8)",
)  # fmt: skip
async def marked(stage: Stage) -> Verdict:
    return await obeyed(stage, robots(b"\xef\xbb\xbfUser-agent: *\nDisallow: /closed\n"))


@case(
    "robots", "cr", meets="The lines of robots.txt end with CR alone.",
    expects="They are lines.", source="RFC 9309 2.2 (EOL)",
)  # fmt: skip
async def carriage_returns(stage: Stage) -> Verdict:
    return await obeyed(stage, robots("User-agent: *\rDisallow: /closed\r"))


@case(
    "robots", "junk", meets="Between the lines there are HTML, NUL and bytes that are no UTF-8.",
    expects="What can be read as a rule counts.", source="RFC 9309 2.2.4, 2.3.1.5",
)  # fmt: skip
async def junk(stage: Stage) -> Verdict:
    return await obeyed(stage, robots(b"<html>\x00\xff\xfe\nUser-agent: *\n\x00\x00\xfe=\nDisallow: /closed\n:::\n"))


@case(
    "robots", "merged-groups", meets="Two groups are for every crawler; the second one closes a page.",
    expects="They are one group.", source="RFC 9309 2.2.1",
)  # fmt: skip
async def merged(stage: Stage) -> Verdict:
    rules = "User-agent: *\nDisallow: /a\n\nUser-agent: other\nDisallow: /b\n\nUser-agent: *\nDisallow: /closed\n"
    return await obeyed(stage, robots(rules))


@case(
    "robots", "longest-match", meets="`Disallow: /`, and longer `Allow: /$` and `Allow: /o*n$`.",
    expects="The longest rule that fits decides.", source="RFC 9309 2.2.2, 2.2.3",
)  # fmt: skip
async def longest(stage: Stage) -> Verdict:
    return await obeyed(stage, robots("User-agent: *\nDisallow: /\nAllow: /$\nAllow: /o*n$\n"))


@case(
    "robots", "percent-encoding", meets="The rule is `/caf%C3%A9`, the link is `/café`.",
    expects="They are the same path.", source="RFC 9309 2.2.2",
)  # fmt: skip
async def encoded(stage: Stage) -> Verdict:
    home = page("home", "/café", ALLOWED)
    site = await stage.site(
        {"/robots.txt": robots("User-agent: *\nDisallow: /caf%c3%a9\n"), "/": home, ALLOWED: page("open")}
    )
    await stage.crawl(site.url())
    right = ALLOWED in site.pages and not any("caf" in target for target in site.pages)
    return verdict(right, f"asked for {' '.join(site.pages)}")


@case(
    "robots", "crawl-delay", meets="`Crawl-delay: 3`, and three pages.",
    expects="At least three seconds between two pages.", source="a convention of Bing and Yandex; not in RFC 9309",
)  # fmt: skip
async def crawl_delay(stage: Stage) -> Verdict:
    return await _spaced(stage, "Crawl-delay: 3")


@case(
    "robots", "request-rate", meets="`Request-rate: 1/3`, and three pages.",
    expects="At least three seconds between two pages.", source="a convention since 1996; read by urllib.robotparser",
)  # fmt: skip
async def request_rate(stage: Stage) -> Verdict:
    return await _spaced(stage, "Request-rate: 1/3")


async def _spaced(stage: Stage, line: str) -> Verdict:
    site = await stage.site(
        {
            "/robots.txt": robots(f"User-agent: *\n{line}\n"),
            "/": page("home", "/1", "/2"),
            "/1": page("1"),
            "/2": page("2"),
        }
    )
    await stage.crawl(site.url())
    gaps = site.gaps[1:]  # from the first page on
    told = " ".join(f"{gap:.2f} s" for gap in gaps)
    return verdict(len(gaps) == 2 and min(gaps) >= 2.95, f"rests of {told or 'no page'}")


@case(
    "robots", "per-origin", meets="A link leads to another port of the host, whose robots.txt closes everything.",
    expects="Each origin has its own rules.", source="RFC 9309 2.3",
)  # fmt: skip
async def per_origin(stage: Stage) -> Verdict:
    other = await stage.site({"/robots.txt": robots("User-agent: *\nDisallow: /\n"), "/page": page("closed")})
    site = await stage.site({"/": page("home", other.url("/page"), ALLOWED), ALLOWED: page("open")})
    await stage.crawl(site.url())
    right = ALLOWED in site.pages and other.targets == ["/robots.txt"]
    return verdict(right, f"the other port was asked for {' '.join(other.targets) or 'nothing'}")


@case(
    "robots", "before-all-pages", meets="Five seeds of one origin, and a robots.txt that takes two seconds.",
    expects="It is asked for once, and no page before it is there.",
    source="RFC 9309 2.2 (before crawling); politeness",
)  # fmt: skip
async def once(stage: Stage) -> Verdict:
    came = []

    async def slow(exchange: Exchange) -> bool:
        await asyncio.sleep(2)
        came.append(time.monotonic())
        await exchange.send(robots(""))
        return True

    seeds = [f"/{number}" for number in range(5)]
    site = await stage.site({"/robots.txt": slow, **{seed: page(seed) for seed in seeds}})
    await stage.crawl(*map(site.url, seeds))
    early = [seen.target for seen in site.log if seen.target != "/robots.txt" and (not came or seen.at < came[0])]
    count = len(site.asked("/robots.txt"))
    right = count == 1 and not early and sorted(site.pages) == seeds
    return verdict(right, f"{count} × robots.txt, {len(early)} pages before it was there, {len(site.pages)} in all")


@case(
    "robots", "redirect-into-closed", meets="An allowed page redirects to a closed one.",
    expects="The rules count for every hop.", source="RFC 9309 2.2.2 (each URI accessed)",
)  # fmt: skip
async def redirected_into_closed(stage: Stage) -> Verdict:
    rules = robots("User-agent: *\nDisallow: /closed\n")
    site = await stage.site(
        {"/robots.txt": rules, "/": page("home", "/go", ALLOWED), "/go": redirect(FORBIDDEN),
         ALLOWED: page("open"), FORBIDDEN: page("closed")}
    )  # fmt: skip
    run = await stage.crawl(site.url())
    return _judged(site, run.ended, run.end)


@case(
    "robots", "x-robots-tag", meets="A page says `X-Robots-Tag: nofollow`.",
    expects="Its links are not followed.", source="Google and Bing: robots directives in headers",
)  # fmt: skip
async def nofollow_header(stage: Stage) -> Verdict:
    return await _nofollow(stage, page("shy", FORBIDDEN, headers=["X-Robots-Tag: nofollow"]))


@case(
    "robots", "meta-nofollow", meets="A page says `<meta name=robots content=nofollow>`.",
    expects="Its links are not followed.", source="Google and Bing: robots meta tags; HTML 4.01 B.4.1.2",
)  # fmt: skip
async def nofollow_meta(stage: Stage) -> Verdict:
    return await _nofollow(stage, page("shy", FORBIDDEN, extra="<meta name=robots content=nofollow>"))


async def _nofollow(stage: Stage, shy: bytes) -> Verdict:
    site = await stage.site(
        {"/": page("home", "/shy", ALLOWED), "/shy": shy, ALLOWED: page("open"), FORBIDDEN: page("closed")}
    )
    run = await stage.crawl(site.url())
    return _judged(site, run.ended, run.end)
