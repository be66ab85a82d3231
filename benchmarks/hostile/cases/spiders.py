"""Spiders: mistakes of the person who wrote the callback. What becomes of the rest of the crawl, and who is told?"""

from __future__ import annotations

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import page
from benchmarks.hostile.stage import Stage

SITE = {"/": page("home", "/bad", "/1", "/2"), "/bad": page("bad"), "/1": page("1"), "/2": page("2")}
GOOD = {"home", "1", "2"}


async def told(stage: Stage, spider: str) -> Verdict:
    """Judge whether the other pages' items came, the page was named, and the exit code tells."""
    site = await stage.site(SITE)
    run = await stage.crawl(site.url(), spider=spider)
    named = b"/bad" in run.said
    right = set(run.titles) >= GOOD and run.exit != 0 and run.ended and named
    return verdict(right, f"items: {' '.join(run.titles)}; {run.end}; the page is {'' if named else 'not '}named")


@case(
    "spiders", "exception", meets="A callback raises on one page.",
    expects="The others' items stand; the page is named; exit code not 0.", source="sysexits(3); what cron can see",
)  # fmt: skip
async def exception(stage: Stage) -> Verdict:
    return await told(stage, "Raises")


@case(
    "spiders", "wrong-type", meets="A callback yields a number.",
    expects="The others' items stand; the page is named; exit code not 0.", source="what cron can see",
)  # fmt: skip
async def wrong_type(stage: Stage) -> Verdict:
    return await told(stage, "WrongType")


@case(
    "spiders", "unwritable", meets="A callback yields an item that cannot be written as JSON.",
    expects="The others' items stand; the page is named; exit code not 0.", source="what cron can see",
)  # fmt: skip
async def unwritable(stage: Stage) -> Verdict:
    return await told(stage, "Unwritable")


@case(
    "spiders", "endless", meets="A callback yields items in a loop that has no end.",
    expects="It is stopped, and named; the other pages are fetched.", source="CWE-835",
)  # fmt: skip
async def endless(stage: Stage) -> Verdict:
    site = await stage.site(SITE)
    run = await stage.crawl(site.url(), spider="Endless", wall=40)
    pages = set(site.pages)
    right = run.ended and pages >= {"/bad", "/1", "/2"} and run.exit != 0
    return verdict(right, f"{len(pages)} pages; {run.end}; {len(run.raw) / 1e6:.0f} MB of output; {run.cost}")


@case(
    "spiders", "blocking", meets="A callback holds the whole process for 7 s (`time.sleep`).",
    expects="What the crawler says names the line that holds it.", source="asyncio: debug mode, slow callbacks",
)  # fmt: skip
async def blocking(stage: Stage) -> Verdict:
    site = await stage.site(SITE)
    run = await stage.crawl(site.url(), spider="Blocks")
    named = b"time.sleep" in run.said
    right = named and set(run.titles) >= GOOD
    return verdict(right, f"the line is {'' if named else 'not '}named; items: {' '.join(run.titles)}")
