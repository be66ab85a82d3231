"""The composition root: which parts a plan's crawl is made of, and who is handed what.

Only wiring: plain values from the plan into the constructors of the rooms below. It opens nothing and decides nothing;
a value that has to be worked out is worked out where the config is compiled, or in the room that needs it.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterable, Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from scraper.clock import Clock
from scraper.engine.committer import Committer
from scraper.engine.crawler import Crawler
from scraper.engine.limits import Limits
from scraper.engine.memory import MemoryBudget
from scraper.engine.patience import Patience
from scraper.engine.reading import Reading
from scraper.engine.steps import Steps
from scraper.engine.tally import Tally
from scraper.errors import SpiderError
from scraper.fetch.base import Fetcher
from scraper.fetch.client import AiohttpFetcher
from scraper.fetch.gate import Gate
from scraper.fetch.guard import AddressGuard
from scraper.frontier.base import Committed
from scraper.frontier.sqlite import SqliteFrontier
from scraper.policy.budget import Budget
from scraper.policy.pace import Pacing
from scraper.policy.politeness import Politeness, unit_of
from scraper.policy.retry import RetryPolicy
from scraper.policy.robots import product_token
from scraper.policy.scope import Scope
from scraper.request import Request
from scraper.runs.plan import Plan
from scraper.sinks.base import Sink
from scraper.spider import Spider
from scraper.urls import hostname, origin
from scraper.visit import Visit

__all__ = ["first_requests", "make_budget", "make_crawler", "make_fetcher", "make_frontier"]

MAX_STARTS = 1_000_000  # requests to begin with; they are held in memory until they are written down, 0.5 kB each


def make_frontier(plan: Plan, path: Path | str, *, clock: Clock) -> SqliteFrontier:
    """Return the crawl's memory in the file `path`, or in MEMORY."""
    politeness = Politeness(
        delay=plan.delay,
        jitter=plan.jitter,
        concurrency=plan.per_host,
        max_crawl_delay=plan.max_crawl_delay,
        random=random.random,
    )
    return SqliteFrontier(
        path,
        clock=clock,
        per_host=plan.per_host,
        gap=politeness.gap,
        host_of=unit_of(plan.per),
        ask_robots=plan.obey_robots,
        budget=Budget(
            per_host=plan.pages_per_host,
            per_filter=plan.pages_per_filter,
            year=datetime.fromtimestamp(clock.wall(), UTC).year,
        ),
        power_safe=plan.power_safe,
        pacing=Pacing(backoff=plan.backoff, max_backoff=plan.max_backoff, random=random.random),
    )


def make_fetcher(
    plan: Plan, connect_to: Mapping[str, str], seeds: Sequence[Request], *, clock: Clock
) -> AiohttpFetcher:
    """Return the HTTP client; secret headers and addresses that are not public are for the hosts of the seeds."""
    return AiohttpFetcher(
        clock=clock,
        user_agent=plan.user_agent,
        connections=plan.workers,
        connections_per_host=plan.per_host,
        timeout=plan.timeout,
        connect_timeout=plan.connect_timeout,
        max_body=plan.max_body,
        verify_tls=plan.verify_tls,
        headers=plan.headers,
        own_origins={origin(seed.url) for seed in seeds},
        connect_to=connect_to,
        proxy=plan.proxy,
        cookies=plan.cookies,
        guard=AddressGuard(
            networks=plan.allow_addresses, hosts={hostname(seed.url) for seed in seeds}, fixed=connect_to
        ),
    )


def make_budget(plan: Plan) -> MemoryBudget | None:
    """Return what holds the crawl to its limit of memory; None when it has none."""
    return None if plan.max_memory is None else MemoryBudget(plan.max_memory, workers=plan.workers)


def first_requests(spider: Spider, seeds: Sequence[str]) -> list[Request]:
    """Return what the spider's `start` begins with; raise SpiderError, naming it, for all that can be wrong there."""
    name = type(spider).__name__
    try:
        requests = list(islice(_started(spider, seeds), MAX_STARTS + 1))
    except (Exception, SystemExit) as error:
        raise SpiderError(f"{name}.start failed: {type(error).__name__}: {error}") from error
    if len(requests) > MAX_STARTS:
        raise SpiderError(f"{name}.start gave more than {MAX_STARTS:,} requests; is there a loop without end?")
    for request in requests:
        if not isinstance(request, Request):
            raise SpiderError(f"{name}.start gave {type(request).__name__}; it returns Requests: [Request(url)]")
    return requests


def _started(spider: Spider, seeds: Sequence[str]) -> Iterator[Request]:
    """Return what `start` gives; raise TypeError for what is no list and no generator of requests."""
    given = spider.start(seeds)
    if isinstance(given, Coroutine):
        given.close()  # nobody will await it
    if isinstance(given, (Coroutine, AsyncIterable)):
        raise TypeError("it is asynchronous, and nothing runs yet that it could wait for; write a plain def")
    return iter(given)


def make_crawler(
    plan: Plan,
    seeds: Sequence[Request],
    *,
    frontier: SqliteFrontier,
    fetcher: Fetcher,
    sinks: Mapping[str, Sink],
    clock: Clock,
    steps: Steps,
    done: Tally,
    hear: Callable[[Sequence[Visit], Committed], None],
    at: Callable[[str], None],
) -> Crawler:
    """Return the engine; `done` is what earlier processes of this run have committed."""
    retry = _make_retry(plan)
    committer = _make_committer(plan, frontier, sinks, hear, at)
    frontier.on_hungry = committer.nudge
    return Crawler(
        plan.spider,
        frontier=frontier,
        fetcher=fetcher,
        gate=Gate(obey=plan.obey_robots, user_agent=plan.user_agent, retry=retry, clock=clock),
        scope=_make_scope(plan, seeds),
        retry=retry,
        committer=committer,
        clock=clock,
        reading=Reading(steps=steps, nofollow=plan.nofollow, robot=product_token(plan.user_agent)),
        workers=plan.workers,
        limits=_make_limits(plan),
        drain=plan.drain,
        pages=done.pages,
        items=done.items,
    )


def _make_committer(
    plan: Plan,
    frontier: SqliteFrontier,
    sinks: Mapping[str, Sink],
    hear: Callable[[Sequence[Visit], Committed], None],
    at: Callable[[str], None],
) -> Committer:
    return Committer(
        frontier=frontier,
        sinks=sinks,
        group=plan.group,
        interval=plan.interval,
        power_safe=plan.power_safe,
        hear=hear,
        at=at,
    )


def _make_retry(plan: Plan) -> RetryPolicy:
    return RetryPolicy(
        times=plan.retries,
        backoff=plan.backoff,
        max_backoff=plan.max_backoff,
        max_retry_after=plan.max_retry_after,
        random=random.random,
    )


def _make_scope(plan: Plan, seeds: Sequence[Request]) -> Scope:
    return Scope(
        hosts=plan.hosts or {hostname(seed.url) for seed in seeds},
        subdomains=plan.subdomains,
        allow=plan.allow,
        deny=plan.deny,
        depth=plan.depth,
        url_length=plan.url_length,
        ignore=plan.ignore,
    )


def _make_limits(plan: Plan) -> Limits:
    return Limits(
        pages=plan.max_pages,
        items=plan.max_items,
        seconds=plan.max_seconds,
        redirects=plan.max_redirects,
        links_per_page=plan.links_per_page,
        retry_after=plan.max_retry_after,
        body="part" if plan.keep_partial else "page",
        patience=Patience(ended_after=plan.max_wait),
    )
