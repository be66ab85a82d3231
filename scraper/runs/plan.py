"""Everything that one crawl is made of, as plain values: what the composition root gets.

No defaults stand here: each is written once, in the config schema, with its unit and its reason. No config object, no
YAML and no behaviour may enter: a plan is read, never asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from scraper.page import Nofollow
from scraper.policy.politeness import Per
from scraper.sinks.base import Mode
from scraper.sinks.formulas import Formulas
from scraper.spider import Spider

__all__ = ["OutputPlan", "Plan"]

_HIDDEN = frozenset({"headers", "proxy", "secrets"})  # from repr: they may hold a login


class OutputPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One output: where, in which format, and what a run does to what is there."""

    path: str  # relative to the plan's home; may hold {run} {date} {time} {name}
    format: str  # "jsonl" or "csv", each also with ".gz"
    mode: Mode
    fields: tuple[str, ...] | None
    formulas: Formulas = "keep"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One crawl. Durations are seconds, sizes are bytes, None is "no limit"."""

    name: str
    spider: Spider
    seeds: tuple[str, ...]  # absolute URLs
    home: Path  # the folder that relative paths start from, absolute: the config's own
    practice_shop: bool  # serve the package's own shop and begin there
    state: Path | None  # the folder of this crawl's state; None: in memory, nothing survives
    # scope
    hosts: tuple[str, ...]  # (): the seeds' hosts
    subdomains: bool
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    depth: int | None
    url_length: int
    links_per_page: int
    ignore: tuple[str, ...]  # parts of a URL that do not matter
    pages_per_host: int | None
    pages_per_filter: int | None
    nofollow: Nofollow
    # limits
    max_pages: int | None
    max_items: int | None
    max_seconds: float | None
    max_memory: int | None
    max_wait: float | None  # of one callback
    # politeness
    obey_robots: bool
    user_agent: str
    per: Per  # what counts as one host
    per_host: int
    delay: float
    jitter: float  # seconds added at most
    max_crawl_delay: float
    max_retry_after: float
    # retry
    retries: int
    backoff: float
    max_backoff: float
    # fetch
    workers: int
    timeout: float
    connect_timeout: float
    max_body: int
    keep_partial: bool  # a body that was cut short is a page
    max_redirects: int
    verify_tls: bool
    headers: Mapping[str, str]
    connect_to: Mapping[str, str]
    proxy: str  # "": none; "environment": what the process's variables say
    allow_addresses: tuple[str, ...]  # networks
    cookies: bool
    secrets: tuple[str, ...]  # what nobody may be shown
    # output
    outputs: tuple[OutputPlan, ...]
    group: int  # visits a commit
    interval: float
    power_safe: bool
    drain: float

    def __repr__(self) -> str:
        return f"Plan({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return what may be shown; some tools ask for this instead of the repr."""
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in _HIDDEN]
