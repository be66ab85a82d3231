"""From the path of a config file to a plan, and a plan in words.

What `check` and `run` have in common: load, find the spider, compile. Nothing is fetched and nothing is written here,
so every mistake that can be seen beforehand costs nothing. The HTTP client must not be imported from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from scraper.about import __version__
from scraper.config.compile import compile_plan
from scraper.config.find import find_spider, make_spider
from scraper.config.load import load
from scraper.config.units import SIZE
from scraper.errors import ConfigError, ConfigProblem, SpiderError
from scraper.policy.secrets import hider
from scraper.runs.plan import Plan
from scraper.ui.words import duration, plural

__all__ = ["describe", "prepare"]


def prepare(path: Path, environ: Mapping[str, str], *, memory: bool) -> Plan:
    """Load a config, import its spider and return the plan; raise ConfigError or SpiderError."""
    config = load(path, environ)
    folder = path.resolve().parent
    assert config.spider is not None  # the schema asks for it in a file
    try:
        spider = make_spider(find_spider(config.spider, folder))
    except SpiderError as error:
        raise ConfigError(ConfigProblem(str(error), path="spider", file=str(path))) from error
    plan = compile_plan(config, spider, folder, version=__version__)
    return replace(plan, state=None) if memory else plan


def describe(plan: Plan) -> str:
    """Return what a run of `plan` would do, in lines for a person."""
    rows = [
        ("spider", type(plan.spider).__name__),
        ("seeds", "the practice shop" if plan.practice_shop else _few(plan.seeds)),
        ("hosts", _few(plan.hosts) if plan.hosts else "those of the seeds"),
        ("robots", "obeyed" if plan.obey_robots else "IGNORED"),
        ("pace", f"{plural(plan.per_host, 'request')} at once to a host, {duration(plan.delay)} between them"),
        ("workers", str(plan.workers)),
        ("limits", _limits(plan)),
        (
            "output",
            "  ".join(f"{plan.home / output.path} ({output.format}, {output.mode})" for output in plan.outputs)
            or "none",
        ),
        ("state", str(plan.state) if plan.state else "in memory: nothing can be gone on with"),
        ("calls itself", plan.user_agent),
    ]
    lines = [f"{plan.name}: the config is valid", *(f"  {name:<14}{text}" for name, text in rows)]
    return hider(plan.secrets)("\n".join(lines))


def _few(texts: tuple[str, ...]) -> str:
    shown = ", ".join(texts[:3])
    return f"{shown} and {len(texts) - 3:,} more" if len(texts) > 3 else shown or "the spider's own"


def _limits(plan: Plan) -> str:
    found = [
        plural(plan.max_pages, "page") if plan.max_pages is not None else "",
        plural(plan.max_items, "item") if plan.max_items is not None else "",
        duration(plan.max_seconds) if plan.max_seconds is not None else "",
        f"{SIZE.spell(plan.max_memory)} of memory" if plan.max_memory is not None else "",
        f"depth {plan.depth}" if plan.depth is not None else "",
    ]
    return ", ".join(filter(None, found)) or "none: until every page is fetched"
