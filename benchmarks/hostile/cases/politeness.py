"""Politeness: how a host is treated that complains, breaks or is slow."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from time import time

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import NOT_THERE, Route, Site, page, redirect, status, turns
from benchmarks.hostile.stage import Stage
from tests.hostile.servers import Exchange, resets

REST = 2.9  # seconds; what is left of three on a busy machine


async def rested(stage: Stage, complaint: Route) -> Verdict:
    """Judge whether a host that complained once had its rest, and all pages were read then."""
    site = await stage.site({"/": page("home", "/1", "/2"), "/1": turns(complaint, page("1")), "/2": page("2")})
    run = await stage.crawl(site.url())
    began = site.asked("/1")[0].at if site.asked("/1") else 0.0
    later = [seen.at - began for seen in site.log if seen.at > began]
    right = bool(later) and later[0] >= REST and run.titles == ["1", "2", "home"]
    told = f"next request after {later[0]:.2f} s" if later else "no request after it"
    return verdict(right, f"{told}; items: {' '.join(run.titles)}")


@case(
    "politeness", "429", meets="A page answers 429 with `Retry-After: 3`, once.",
    expects="The host is asked nothing for 3 s, then the page again.", source="RFC 6585 4, RFC 9110 10.2.3",
)  # fmt: skip
async def too_many(stage: Stage) -> Verdict:
    return await rested(stage, status(429, "Retry-After: 3"))


@case(
    "politeness", "503", meets="A page answers 503 with `Retry-After: 3`, once.",
    expects="The host is asked nothing for 3 s, then the page again.", source="RFC 9110 15.6.4, 10.2.3",
)  # fmt: skip
async def unavailable(stage: Stage) -> Verdict:
    return await rested(stage, status(503, "Retry-After: 3"))


@case(
    "politeness", "429-date", meets="A page answers 429; its `Retry-After` is a date, five seconds ahead.",
    expects="The date is obeyed.", source="RFC 9110 10.2.3",
)  # fmt: skip
async def until_date(stage: Stage) -> Verdict:
    async def complaint(exchange: Exchange) -> bool:
        await exchange.send(status(429, f"Retry-After: {formatdate(time() + 5, usegmt=True)}"))
        return True

    return await rested(stage, complaint)


@case(
    "politeness", "429-alone", meets="Every page answers 429, always, without `Retry-After`; ten links.",
    expects="It is slowed down for: at most 10 requests in 20 s, of 20 that the usual rest allows.",
    source="RFC 6585 4; AWS: back-off and jitter",
)  # fmt: skip
async def only_429(stage: Stage) -> Verdict:
    return await _asked_less(stage, status(429))


@case(
    "politeness", "sick-host", meets="Behind its first page a host answers 500 to everything; 300 links.",
    expects="It is slowed down for: at most 60 requests in 20 s, of 200 that the rest allows.",
    source="circuit breaker (Nygard, Release It!)",
)  # fmt: skip
async def sick(stage: Stage) -> Verdict:
    return await _asked_less(stage, status(500), links=300, most=60, delay=0.1)


async def _asked_less(
    stage: Stage, trouble: bytes, *, links: int = 10, most: int = 10, delay: float | None = None
) -> Verdict:
    home = page("home", *(f"/{number}" for number in range(links)))
    site = await stage.site(lambda target: {"/": home, "/robots.txt": NOT_THERE}.get(target, trouble))
    run = await stage.crawl(site.url(), wall=20, delay=delay)
    start = site.log[0].at if site.log else 0.0
    late = sum(seen.at - start > 10 for seen in site.log)
    return verdict(
        0 < len(site.pages) - 1 <= most, f"{len(site.pages) - 1} requests, {late} of them after 10 s; {run.end}"
    )


@case(
    "politeness", "limit-of-two",
    meets="Twelve links redirect to pages that take 0.3 s; two requests at once are allowed.",
    expects="Never more than two under way, redirects and robots.txt counted.", source="the limit that the user set",
)  # fmt: skip
async def two_at_once(stage: Stage) -> Verdict:
    home, end = page("home", *(f"/go/{number}" for number in range(12))), _slow(page("end"))

    def routes(target: str) -> Route | None:
        if target.startswith("/go/"):
            return _slow(redirect(target.replace("go", "to")))
        return {"/": home, "/robots.txt": NOT_THERE}.get(target, end)

    site = await stage.site(routes)
    run = await stage.crawl(site.url(), delay=0, concurrency=2)
    return _at_most(site, 2, len(run.items) >= 12)


def _slow(data: bytes, seconds: float = 0.3) -> Route:
    async def behave(exchange: Exchange) -> bool:
        await asyncio.sleep(seconds)
        await exchange.send(data)
        return True

    return behave


def _at_most(site: Site, most: int, worked: bool) -> Verdict:
    return verdict(worked and site.busiest <= most, f"{site.busiest} at once, {len(site.pages)} requests")


@case(
    "politeness", "one-at-once",
    meets="Eight links to pages that take 1.5 s, longer than the rest between two requests.",
    expects="One request at a time, as both are shipped.", source="Scrapy's project template; the defaults of scrape",
)  # fmt: skip
async def one_at_once(stage: Stage) -> Verdict:
    home = page("home", *(f"/{number}" for number in range(8)))
    slow = _slow(page("end"), seconds=1.5)
    site = await stage.site(lambda target: {"/": home, "/robots.txt": NOT_THERE}.get(target, slow))
    run = await stage.crawl(site.url())
    return _at_most(site, 1, len(run.items) == 9)


@case(
    "politeness", "reset-once", meets="A connection is reset once.",
    expects="The request is made again.", source="RFC 9110 9.2.2 (idempotent methods)",
)  # fmt: skip
async def reset_once(stage: Stage) -> Verdict:
    return await _again(stage, resets(), tries=2)


@case(
    "politeness", "521-once", meets="A page answers 521 (the server behind Cloudflare is down), once.",
    expects="The request is made again.", source="Cloudflare 5xx errors: 520 to 526 pass",
)  # fmt: skip
async def cloudflare(stage: Stage) -> Verdict:
    return await _again(stage, status(521), tries=2)


@case(
    "politeness", "404-once", meets="A link leads to nothing: 404.",
    expects="It is asked for once.", source="RFC 9110 15.5.5",
)  # fmt: skip
async def not_found(stage: Stage) -> Verdict:
    return await _again(stage, status(404), tries=1)


async def _again(stage: Stage, trouble: Route, *, tries: int) -> Verdict:
    site = await stage.site({"/": page("home", "/1", "/2"), "/1": turns(trouble, page("1")), "/2": page("2")})
    run = await stage.crawl(site.url())
    right = len(site.asked("/1")) == tries and ("1" in run.titles) == (tries > 1) and "2" in run.titles
    return verdict(right, f"{len(site.asked('/1'))} tries; items: {' '.join(run.titles)}")


@case(
    "politeness", "post", meets="A POST is answered with 503.",
    expects="It is not sent again by itself: it may have been carried out.", source="RFC 9110 9.2.2",
)  # fmt: skip
async def posted(stage: Stage) -> Verdict:
    site = await stage.site({"/order": status(503)})
    await stage.crawl(site.url("/order"), spider="Post")
    tries = sum(seen.method == "POST" for seen in site.log)
    return verdict(tries == 1, f"the POST was sent {tries} ×")
