"""Every key of a crawl's config, with its default, unit, bounds and the reason for them; they stand nowhere else.

The models are frozen and complete: who holds a `Config` holds valid values in base units (seconds, bytes, parts of
one) and never asks again. The descriptions are the text of the JSON Schema and of the reference. Nothing here reads a
file or knows YAML, and no value is looked up by a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, ValidationInfo, field_validator

from scraper.config import checks
from scraper.config import values as v
from scraper.config.editor import editor_form
from scraper.config.group import Group as _Group
from scraper.config.group import key as _key
from scraper.config.group import keys as _keys
from scraper.config.kinds import GROUP, OUTPUT, OUTPUTS, fault
from scraper.config.limits import Limits
from scraper.config.outputs import Output
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


class Retry(_Group):
    """What happens to a request that failed for a reason that may pass."""

    times: v.Hops = _key(3, "Further tries after the first; after three, waiting rarely helps.", "tries")
    backoff: v.Duration = _key("1s", "Wait before the second try; doubles with each further one.", "duration")
    max_backoff: v.Duration = _key("60s", "Longest wait between two tries; most servers restart in less.", "duration")

    @field_validator("max_backoff")
    @classmethod
    def _covers_backoff(cls, longest: float, info: ValidationInfo) -> float:
        checks.ordered("backoff", info.data.get("backoff"), "max_backoff", longest, instead="backoff")
        return longest


class Fetch(_Group):
    """How one request is made."""

    concurrency: v.Parallel = _key(16, "Requests in flight in the whole crawl; 16 keep one core busy.", "requests")
    timeout: v.Timeout = _key("30s", "Time for one request with its body; also ends a body that drips.", "duration")
    connect_timeout: v.Timeout = _key(
        "10s", "Time for name look-up, connection and TLS; who takes longer is down. At most the timeout.", "duration"
    )
    max_body: v.Size = _key(
        "16MiB", "Largest body after decoding; a bound on memory, since a parsed page takes 16 times as much.", "size"
    )
    partial: v.Partial = _key(
        "retry",
        "What a body is that was cut short: retry (a failure, tried again), keep (a page, with page.truncated).",
    )
    max_redirects: v.Hops = _key(10, "Redirects of one request; browsers follow 20, sites need 3.", "redirects")
    verify_tls: v.Truth = _key(True, "Whether certificates are verified; false only for test servers of your own.")
    cookies: v.Truth = _key(
        True,
        "Whether a site's cookies are kept during one run; true, as sites without them redirect in circles or write a "
        "session into every URL.",
    )
    headers: v.Headers = Field(
        default={},
        description="Request headers: names and values. Those that may hold a secret (all but Accept… and the like) go "
        "only to the origins of the seeds: scheme, host and port. None are needed.",
        repr=False,
    )
    connect_to: v.Addresses = _key(
        {}, "Hosts that are reached at another address:port, as with curl --connect-to. None: DNS decides."
    )
    allow_addresses: v.Networks = _key(
        (),
        "Networks beside the public ones that any page may lead to, e.g. 10.0.0.0/8. None: private, loopback and other "
        "special addresses are refused, but for those of the seeds' own hosts and of connect_to.",
    )

    proxy: v.Proxy = Field(
        default=None,
        description="Proxy for every request: http://, https:// or socks5://user:password@host:port, or the word "
        "environment for HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. null: none, whatever the environment says.",
        repr=False,
    )

    @field_validator("headers")
    @classmethod
    def _each_once(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        checks.distinct_headers(headers)
        return headers


class Commit(_Group):
    """How often finished pages are written down, items and crawl state together."""

    pages: v.FromOne = _key(64, "Pages in one commit; with 64 its cost does not matter.", "pages")
    interval: v.Duration = _key(
        "250ms", "Longest wait for a commit; a killed process fetches this much again.", "duration"
    )
    durability: v.Durability = _key(
        "process", "What a commit survives: the end of the process, or also a loss of power (slower: fsync)."
    )


class Shutdown(_Group):
    """How a run ends on Ctrl-C or SIGTERM."""

    drain: v.Duration = _key("10s", "Time for requests in flight; service managers kill after 10s to 90s.", "duration")


class Config(_Group):
    """One crawl, complete and valid."""

    name: v.Name = _key(
        "crawl", f"Name of the crawl, at most {checks.MAX_NAME} characters. In a file by default the file's own name."
    )
    spider: v.SpiderName | None = _key(
        None,
        "The spider: spiders/books.py:Books (relative to the config file) or package.module:Books. Required in a file.",
    )
    seeds: v.Seeds = _key(
        (), "URLs to begin with, or the word practice-shop (a shop this program serves itself). None: the spider's own."
    )
    state: v.Folder = _key(
        ".scrape", "Folder of the crawl's memory, relative to the config file; beside it, so that both move together."
    )
    scope: Annotated[Scope, GROUP] = _keys(Scope)
    limits: Annotated[Limits, GROUP] = _keys(Limits)
    politeness: Annotated[Politeness, GROUP] = _keys(Politeness)
    retry: Annotated[Retry, GROUP] = _keys(Retry)
    fetch: Annotated[Fetch, GROUP] = _keys(Fetch)
    output: Annotated[tuple[Annotated[Output, OUTPUT], ...], OUTPUTS] = _key(
        (), "Files for the items: a list, or a single one; a text is a path. None: the items are only counted."
    )
    commit: Annotated[Commit, GROUP] = _keys(Commit)
    shutdown: Annotated[Shutdown, GROUP] = _keys(Shutdown)

    _secrets: tuple[str, ...] = PrivateAttr(())

    def keep_secret(self, values: Iterable[str]) -> None:
        """Note values from the environment that nobody may be shown."""
        self._secrets = tuple(values)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be shown: headers' values, the proxy's login, and what `keep_secret` was told."""
        login = proxy_secrets(self.fetch.proxy, {}) if self.fetch.proxy else ()
        return self._secrets + login + checks.secret_values(self.fetch.headers)

    @field_validator("seeds")
    @classmethod
    def _shop_alone(cls, seeds: tuple[str, ...]) -> tuple[str, ...]:
        if checks.PRACTICE_SHOP in seeds and len(set(seeds)) > 1:
            raise fault(f"{checks.PRACTICE_SHOP} stands alone; remove it or the other seeds")
        return seeds

    @field_validator("output")
    @classmethod
    def _own_files(cls, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
        checks.distinct_paths([output.path for output in outputs])
        return outputs


def known_keys() -> dict[str, tuple[str, ...]]:
    """Return the keys of each group by the group's name; "" is the top level."""
    groups: dict[str, type[BaseModel]] = {
        "scope": Scope,
        "limits": Limits,
        "politeness": Politeness,
        "retry": Retry,
        "fetch": Fetch,
    }
    groups |= {"output": Output, "commit": Commit, "shutdown": Shutdown, "": Config}
    return {name: tuple(group.model_fields) for name, group in groups.items()}


def validate(settings: Mapping[str, Any], file: str = "") -> Config | list[ConfigProblem]:
    """Return the config that `settings` (Python values, or a file's tree) describe, or all problems in them."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        return explain(error, settings, file=file, known=known_keys())


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
    return editor_form(Config.model_json_schema(), title="The config of a crawl", required=("spider",))
