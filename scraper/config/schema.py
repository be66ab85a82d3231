"""Every key of a crawl's config, with its default, unit, bounds and the reason for them; they stand nowhere else.

The groups are frozen and complete: who holds a `Config` holds valid values in base units (seconds, bytes, parts of
one) and never asks again. The descriptions are the text of the JSON Schema and of the reference. Nothing here reads a
file or knows YAML, and no value is looked up by a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scraper.config import checks
from scraper.config import values as v
from scraper.config.editor import editor_form
from scraper.config.faults import Refusal, fault
from scraper.config.group import Group, Key, keys
from scraper.config.limits import Limits
from scraper.config.outputs import OUTPUTS, Output
from scraper.config.politeness import Politeness
from scraper.config.problems import explain
from scraper.config.scoping import Scope
from scraper.errors import ConfigError, ConfigProblem
from scraper.policy.proxy import proxy_secrets

__all__ = [
    "Commit",
    "Config",
    "Fetch",
    "Limits",
    "Output",
    "Politeness",
    "Retry",
    "Scope",
    "Shutdown",
    "from_kwargs",
    "json_schema",
    "known_keys",
    "validate",
]


def _covers_backoff(longest: float, before: Mapping[str, Any]) -> None:
    checks.ordered("backoff", before.get("backoff"), "max_backoff", longest, instead="backoff")


def _each_once(headers: Mapping[str, str], _: Mapping[str, Any]) -> None:
    checks.distinct_headers(headers)


def _shop_alone(seeds: tuple[str, ...], _: Mapping[str, Any]) -> None:
    if checks.PRACTICE_SHOP in seeds and len(set(seeds)) > 1:
        raise fault(f"{checks.PRACTICE_SHOP} stands alone; remove it or the other seeds")


def _own_files(outputs: tuple[Output, ...], _: Mapping[str, Any]) -> None:
    checks.distinct_paths([output.path for output in outputs])


class Retry(Group):
    """What happens to a request that failed for a reason that may pass."""

    times = Key(v.HOPS, 3, "Further tries after the first; after three, waiting rarely helps.", "tries")
    backoff = Key(v.SPAN, "1s", "Wait before the second try; doubles with each further one.", "duration")
    max_backoff = Key(
        v.SPAN,
        "60s",
        "Longest wait between two tries; most servers restart in less.",
        "duration",
        check=_covers_backoff,
    )


class Fetch(Group):
    """How one request is made."""

    concurrency = Key(v.PARALLEL, 16, "Requests in flight in the whole crawl; 16 keep one core busy.", "requests")
    timeout = Key(v.TIMEOUT, "30s", "Time for one request with its body; also ends a body that drips.", "duration")
    connect_timeout = Key(
        v.TIMEOUT,
        "10s",
        "Time for name look-up, connection and TLS; who takes longer is down. At most the timeout.",
        "duration",
    )
    max_body = Key(
        v.SPACE,
        "16MiB",
        "Largest body after decoding; a bound on memory, since a parsed page takes 16 times as much.",
        "size",
    )
    partial = Key(
        v.PARTIAL,
        "retry",
        "What a body is that was cut short: retry (a failure, tried again), keep (a page, with page.truncated).",
    )
    max_redirects = Key(v.HOPS, 10, "Redirects of one request; browsers follow 20, sites need 3.", "redirects")
    verify_tls = Key(v.TRUTH, True, "Whether certificates are verified; false only for test servers of your own.")
    cookies = Key(
        v.TRUTH,
        True,
        "Whether a site's cookies are kept during one run; true, as sites without them redirect in circles or write a "
        "session into every URL.",
    )
    headers = Key(
        v.HEADERS,
        {},
        "Request headers: names and values. Those that may hold a secret (all but Accept… and the like) go only to the "
        "origins of the seeds: scheme, host and port. None are needed.",
        check=_each_once,
        hidden=True,
    )
    connect_to = Key(
        v.ADDRESSES, {}, "Hosts that are reached at another address:port, as with curl --connect-to. None: DNS decides."
    )
    allow_addresses = Key(
        v.NETWORKS,
        (),
        "Networks beside the public ones that any page may lead to, e.g. 10.0.0.0/8. None: private, loopback and other "
        "special addresses are refused, but for those of the seeds' own hosts and of connect_to.",
    )
    proxy = Key(
        v.PROXY,
        None,
        "Proxy for every request: http://, https:// or socks5://user:password@host:port, or the word environment for "
        "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. null: none, whatever the environment says.",
        hidden=True,
    )


class Commit(Group):
    """How often finished pages are written down, items and crawl state together."""

    pages = Key(v.FROM_ONE, 64, "Pages in one commit; with 64 its cost does not matter.", "pages")
    interval = Key(v.SPAN, "250ms", "Longest wait for a commit; a killed process fetches this much again.", "duration")
    durability = Key(
        v.DURABILITY,
        "process",
        "What a commit survives: the end of the process, or also a loss of power (slower: fsync).",
    )


class Shutdown(Group):
    """How a run ends on Ctrl-C or SIGTERM."""

    drain = Key(v.SPAN, "10s", "Time for requests in flight; service managers kill after 10s to 90s.", "duration")


class Config(Group):
    """One crawl, complete and valid."""

    name = Key(
        v.NAME,
        "crawl",
        f"Name of the crawl, at most {checks.MAX_NAME} characters. In a file by default the file's own name.",
    )
    spider = Key(
        v.SPIDER,
        None,
        "The spider: spiders/books.py:Books (relative to the config file) or package.module:Books. Required in a file.",
    )
    seeds = Key(
        v.SEEDS,
        (),
        "URLs to begin with, or the word practice-shop (a shop this program serves itself). None: the spider's own.",
        check=_shop_alone,
    )
    state = Key(
        v.FOLDER,
        ".scrape",
        "Folder of the crawl's memory, relative to the config file; beside it, so that both move together.",
    )
    scope = keys(Scope)
    limits = keys(Limits)
    politeness = keys(Politeness)
    retry = keys(Retry)
    fetch = keys(Fetch)
    output = Key(
        OUTPUTS,
        (),
        "Files for the items: a list, or a single one; a text is a path. None: the items are only counted.",
        check=_own_files,
    )
    commit = keys(Commit)
    shutdown = keys(Shutdown)

    _secrets: tuple[str, ...] = ()

    def keep_secret(self, values: Iterable[str]) -> None:
        """Note values from the environment that nobody may be shown."""
        object.__setattr__(self, "_secrets", tuple(values))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be shown: headers' values, the proxy's login, and what `keep_secret` was told."""
        login = proxy_secrets(self.fetch.proxy, {}) if self.fetch.proxy else ()
        return self._secrets + login + checks.secret_values(self.fetch.headers)


_BELOW: Mapping[str, type[Group]] = {
    "scope": Scope,
    "limits": Limits,
    "politeness": Politeness,
    "retry": Retry,
    "fetch": Fetch,
    "output": Output,
    "commit": Commit,
    "shutdown": Shutdown,
}


def known_keys() -> dict[str, tuple[str, ...]]:
    """Return the keys of each group by the group's name; "" is the top level."""
    return {**{name: tuple(group.known) for name, group in _BELOW.items()}, "": tuple(Config.known)}


def validate(settings: Mapping[str, Any], file: str = "") -> Config | list[ConfigProblem]:
    """Return the config that `settings` (Python values, or a file's tree) describe, or all problems in them."""
    try:
        return Config.read(settings)
    except Refusal as refusal:
        return explain(refusal.faults, settings, file=file, known=known_keys())


def from_kwargs(settings: Mapping[str, Any]) -> Config:
    """Return the config that Python values describe; raise ConfigError with every problem.

    Durations may be plain numbers of seconds, sizes plain numbers of bytes, percentages plain parts of one.
    """
    result = validate(settings)
    if isinstance(result, Config):
        return result
    raise ConfigError(*result)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a config file, for editors and for the reference."""
    return editor_form(Config, below=_BELOW.values(), title="The config of a crawl", required=("spider",))
