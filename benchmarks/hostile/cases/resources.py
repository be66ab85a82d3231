"""Resources: kills, signals, dead sites, mistakes in the settings. What can the next run, or cron, rely on?"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import Site, page, redirect, status
from benchmarks.hostile.stage import Child, Run, Stage
from tests.hostile.servers import holds

LOOK = 0.02  # seconds between two looks at the log
PAGES = 400
HUNG = 150  # pages that come before nothing comes any more


def chain(pages: int) -> dict[str, bytes]:
    """Return a home page and pages that it links to."""
    paths = [f"/{number}" for number in range(pages)]
    return {"/": page("home", *paths), **{path: page(path[1:]) for path in paths}}


async def until(site: Site, requests: int) -> None:
    """Wait until a site has had so many requests for pages."""
    while len(site.pages) < requests:
        await asyncio.sleep(LOOK)


def each_once(site: Site, run: Run, pages: int) -> Verdict:
    """Judge whether the output has each page's item once."""
    counts = Counter(run.titles)
    lost = pages - len(counts)
    doubled = sum(count > 1 for count in counts.values())
    told = f"{lost} items lost, {doubled} doubled; {run.end}; {len(site.pages)} requests for {pages} pages"
    return verdict(not lost and not doubled and not run.faults and run.exit == 0, told)


@case(
    "resources", "kill-9", meets="`kill -9` in the midst of a crawl of 401 pages, then the same command again.",
    expects="Each item is in the output once.", source="the promise of a crawl that can be gone on with",
)  # fmt: skip
async def killed(stage: Stage) -> Verdict:
    site = await stage.site(chain(PAGES))

    async def kill(child: Child) -> None:
        await until(site, PAGES // 2)
        child.kill()

    await stage.crawl(site.url(), during=kill, delay=0.01, resumable=True)
    run = await stage.crawl(site.url(), delay=0.01, resumable=True)
    return each_once(site, run, PAGES + 1)


@case(
    "resources", "ctrl-c-twice",
    meets="Ctrl-C twice, half a second apart, when pages do not come any more; then the same command again.",
    expects="It ends within 5 s; each item is in the output once in the end.",
    source="what everybody does at a terminal",
)  # fmt: skip
async def interrupted_twice(stage: Stage) -> Verdict:
    site, good = await stage.site({}), chain(2 * HUNG)
    site.routes = lambda target: holds() if len(site.pages) > HUNG else good.get(target)
    sent = []

    async def interrupt(child: Child) -> None:
        await until(site, HUNG + 1)
        for _ in range(2):
            await asyncio.sleep(0.5)
            child.send(signal.SIGINT)
        sent.append(time.monotonic() - child.began)

    first = await stage.crawl(site.url(), during=interrupt, delay=0.01, resumable=True, wall=20)
    site.routes = good
    run = await stage.crawl(site.url(), delay=0.01, resumable=True)
    told = each_once(site, run, 2 * HUNG + 1)
    took = first.wall - sent[0] if sent else 99
    return verdict(told.right and first.ended and took < 5, f"{took:.1f} s after the second; then {told.evidence}")


@case(
    "resources", "sigterm", meets="SIGTERM while a page does not come.",
    expects="It ends within 30 s, before a service manager kills it; not with exit code 0.",
    source="Kubernetes: terminationGracePeriodSeconds 30; systemd: 90 s",
)  # fmt: skip
async def terminated(stage: Stage) -> Verdict:
    site = await stage.site({"/": page("home", "/hangs"), "/hangs": holds()})
    sent: list[float] = []

    async def terminate(child: Child) -> None:
        await until(site, 2)
        child.send(signal.SIGTERM)
        sent.append(time.monotonic() - child.began)

    run = await stage.crawl(site.url(), during=terminate, wall=38)
    took = run.wall - sent[0] if sent else 99
    return verdict(run.ended and took < 30 and run.exit != 0, f"{took:.0f} s after the signal: {run.end}")


@case(
    "resources", "dead-site", meets="Nothing listens on the seed's port.",
    expects="Exit code not 0.", source="what cron can see",
)  # fmt: skip
async def dead(stage: Stage) -> Verdict:
    site = await stage.site({})
    await site.__aexit__()
    run = await stage.crawl(site.url())
    return verdict(run.ended and run.exit != 0, run.end)


@case(
    "resources", "broken-site", meets="Every page answers 500.",
    expects="Exit code not 0.", source="what cron can see",
)  # fmt: skip
async def broken(stage: Stage) -> Verdict:
    site = await stage.site({"/": status(500)})
    run = await stage.crawl(site.url())
    return verdict(run.ended and run.exit != 0, f"{run.end}, after {len(site.pages)} requests")


@case(
    "resources", "login-wall", meets="The only seed redirects to a host that is not of the crawl.",
    expects="Exit code not 0: no page of the crawl was read.", source="what cron can see",
)  # fmt: skip
async def login_wall(stage: Stage) -> Verdict:
    other = await stage.site({"/login": page("log in")})
    site = await stage.site({"/": redirect(other.url("/login", "localhost"))})
    run = await stage.crawl(site.url())
    return verdict(run.ended and run.exit != 0, f"{run.end}, {len(run.items)} items")


@case(
    "resources", "misspelt", meets="The settings have `concurency` for `concurrency`.",
    expects="Nothing is fetched; exit code not 0.", source="CWE-636 (failing open): a limit that is not obeyed",
)  # fmt: skip
async def misspelt(stage: Stage) -> Verdict:
    site = await stage.site({"/": page("home")})
    run = await stage.crawl(site.url(), misspelt=True)
    return verdict(not site.log and run.exit != 0, f"{len(site.log)} requests; {run.end}")


@case(
    "resources", "nobody-listens", meets="Nobody reads what the crawler says: its terminal is gone.",
    expects="The crawl ends well, all items are there.", source="pipe(7): EPIPE, SIGPIPE",
)  # fmt: skip
async def deaf(stage: Stage) -> Verdict:
    site = await stage.site(chain(3))
    run = await stage.crawl(site.url(), deaf=True)
    return verdict(len(run.items) == 4 and run.ended, f"{len(run.items)} of 4 items; {run.end}")
