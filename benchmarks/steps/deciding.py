"""Steps that decide about a URL: door and scope, robots.txt, fingerprint, and the frontier's verbs."""

from __future__ import annotations

import shutil

from benchmarks.steps.material import Material, finish
from benchmarks.steps.step import Step, Work
from benchmarks.website.shop import ROBOTS
from scraper.engine.door import Door
from scraper.frontier.base import HostPolicy
from scraper.outcome import Fetched
from scraper.policy.robots import parse as parse_robots
from scraper.policy.scope import Scope
from scraper.request import Request
from scraper.testing.clock import run
from scraper.urls import canonical, fingerprint, hostname
from scraper.visit import Visit

__all__ = ["STEPS"]

GROUP = 64  # visits a commit, as the config's default has it
_KNOWN = HostPolicy(robots_until=1e12)
SEEDS = 2000  # requests that the frontier's step takes through its life


def _door(material: Material) -> Work:
    plan = material.plan()
    scope = Scope(
        hosts=[hostname(material.shop.origin)], subdomains=False, allow=(), deny=(), depth=None,
        url_length=plan.url_length, ignore=plan.ignore,
    )  # fmt: skip
    follows = [page.follow("a[href]") for page in material.parsed()]

    def work() -> int:
        door = Door(scope)
        for follow in follows:
            door.admit([follow], links=plan.links_per_page)
        return len(follows)

    return work


def _robots(material: Material) -> Work:
    rules = parse_robots(ROBOTS.encode(), "scraper/1")
    urls = [canonical(url) for url in material.urls[:1000]]

    def work() -> int:
        for url in urls:
            rules.allows(url)
        return len(urls)

    return work


def _fingerprint(material: Material) -> Work:
    urls = [canonical(url) for url in material.urls]

    def work() -> int:
        for url in urls:
            fingerprint(url)
        return len(urls)

    return work


def _offer(material: Material) -> Work:
    requests = [Request(url) for url in material.urls]

    async def fill() -> None:
        frontier = material.frontier(":memory:")
        await frontier.open()
        await frontier.begin(1, {})
        await frontier.offer(requests)
        await frontier.close()

    def work() -> int:
        run(fill())
        return len(requests)

    return work


def _life(material: Material, path: str) -> Work:
    """Take requests through lease, release and commit, ten known links and one new on each page."""
    requests = [Request(url) for url in material.urls[:SEEDS]]
    plan = material.plan()

    async def crawl() -> int:
        frontier = material.frontier(path)
        await frontier.open()
        await frontier.begin(1, {})
        await frontier.offer(requests[: SEEDS // 2])
        done = 0
        while leases := await frontier.lease(plan.workers):
            visits = []
            for lease in leases:
                frontier.release(lease, None)
                if lease.is_robots:
                    visits.append(Visit(lease, Fetched(200)))
                    frontier.host_policy(lease.origin, _KNOWN)
                    continue
                known, new = requests[done : done + 10], requests[SEEDS // 2 + done : SEEDS // 2 + done + 1]
                visits.append(Visit(lease, Fetched(200), requests=(*known, *new)))
                done += 1
            await frontier.commit(visits, {})
        await frontier.close()
        return done

    def work() -> int:
        if path != ":memory:":
            shutil.rmtree(material.folder / "life", ignore_errors=True)
            (material.folder / "life").mkdir()
            return finish(crawl())
        return run(crawl())

    return work


STEPS = (
    Step("door: scope and what does not matter", _door, "page"),
    Step("robots.txt", _robots, "URL"),
    Step("fingerprint", _fingerprint, "URL"),
    Step("frontier: offer", _offer, "URL"),
    Step("frontier: lease, release, commit; in memory", lambda material: _life(material, ":memory:"), "request"),
    Step(
        "frontier: lease, release, commit; on disk",
        lambda material: _life(material, str(material.folder / "life" / "run.db")),
        "request",
        0.05,
    ),
)
