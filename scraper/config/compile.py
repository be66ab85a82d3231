"""From a valid config and a spider to a plan: shares become seconds, the seeds are chosen, nothing is looked up later.

The last room that knows the config's shape; below it everything takes plain values. It decides nothing that the schema
has decided, and holds no default but the name under which the crawler calls itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scraper.config.checks import PRACTICE_SHOP
from scraper.config.schema import Config, Output
from scraper.errors import ConfigError, ConfigProblem, InvalidURL
from scraper.runs.plan import OutputPlan, Plan
from scraper.spider import Spider
from scraper.urls import canonical

__all__ = ["USER_AGENT", "compile_plan"]

USER_AGENT = "scraper/{version} (web crawler; obeys robots.txt)"


def compile_plan(config: Config, spider: Spider, folder: Path, *, version: str) -> Plan:
    """Return the plan of a crawl; paths are relative to `folder`. Raise ConfigError when there is no seed."""
    seeds = _seeds(config, spider)
    shop = tuple(seeds) == (PRACTICE_SHOP,)
    polite, fetch = config.politeness, config.fetch
    return Plan(
        name=config.name,
        spider=spider,
        seeds=() if shop else tuple(seeds),
        home=folder.resolve(),
        practice_shop=shop,
        state=None if config.state is None else folder / config.state / config.name,
        hosts=config.scope.hosts,
        subdomains=config.scope.subdomains,
        allow=config.scope.allow,
        deny=config.scope.deny,
        depth=config.scope.depth,
        url_length=config.scope.url_length,
        links_per_page=config.scope.links_per_page,
        ignore=config.scope.ignore,
        pages_per_host=config.scope.pages_per_host,
        pages_per_filter=config.scope.pages_per_filter,
        nofollow=polite.nofollow,
        max_pages=config.limits.pages,
        max_items=config.limits.items,
        max_seconds=config.limits.time,
        max_memory=config.limits.memory,
        max_wait=config.limits.callback,
        obey_robots=polite.robots == "obey",
        user_agent=polite.user_agent or USER_AGENT.format(version=version),
        per=polite.per,
        per_host=polite.concurrency,
        delay=polite.delay,
        jitter=polite.delay * polite.jitter,
        max_crawl_delay=polite.max_crawl_delay,
        max_retry_after=polite.max_retry_after,
        retries=config.retry.times,
        backoff=config.retry.backoff,
        max_backoff=config.retry.max_backoff,
        workers=fetch.concurrency,
        timeout=fetch.timeout,
        connect_timeout=min(fetch.connect_timeout, fetch.timeout),
        max_body=fetch.max_body,
        keep_partial=fetch.partial == "keep",
        max_redirects=fetch.max_redirects,
        verify_tls=fetch.verify_tls,
        headers=dict(fetch.headers),
        connect_to=dict(fetch.connect_to),
        proxy=fetch.proxy or "",
        allow_addresses=fetch.allow_addresses,
        cookies=fetch.cookies,
        secrets=config.secrets,
        outputs=tuple(_output(output) for output in config.output),
        group=config.commit.pages,
        interval=config.commit.interval,
        power_safe=config.commit.durability == "power",
        drain=config.shutdown.drain,
    )


def _seeds(config: Config, spider: Spider) -> Sequence[str]:
    """Return where to begin: the config's seeds, or the spider's own."""
    if config.seeds:
        return config.seeds
    name = type(spider).__name__
    problems = []
    for number, seed in enumerate(spider.seeds):
        try:
            canonical(seed)
        except InvalidURL as error:
            problems.append(ConfigProblem(str(error), path=f"{name}.seeds.{number}"))
    if problems:
        raise ConfigError(*problems)
    if not spider.seeds and type(spider).start is Spider.start:
        raise ConfigError(f"there is nothing to begin with: give `seeds`, in the config or on the spider {name}")
    return spider.seeds


def _output(output: Output) -> OutputPlan:
    return OutputPlan(
        path=output.path,
        format=output.format + (".gz" if output.gzip else ""),
        mode=output.mode,
        fields=output.fields,
        formulas=output.formulas,
    )
