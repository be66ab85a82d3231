"""Every key of a crawl's config, with its default, unit, bounds and the reason for them; they stand nowhere else.

The models are frozen and complete: who holds a `Config` holds valid values in base units (seconds, bytes, parts of
one) and never asks again. The descriptions are the text of the JSON Schema and of the reference. Nothing here reads a
file or knows YAML, and no value is looked up by a text.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, ValidationInfo, field_validator

from scraper.config import checks
from scraper.config import values as v
from scraper.config.editor import editor_form
from scraper.config.group import Group as _Group
from scraper.config.group import key as _key
from scraper.config.group import keys as _keys
from scraper.config.kinds import GROUP, NULL, OUTPUT, OUTPUTS, fault
from scraper.config.problems import explain
from scraper.config.scoping import Scope
from scraper.errors import ConfigError, ConfigProblem

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

_ENDINGS: Mapping[str, v.Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_UNKNOWN = ""  # no format can be told from the extension


class Limits(_Group):
    """Where a run ends by choice. It has succeeded then; what is left is not fetched, and the next run starts anew."""

    pages: v.Limit = _key(None, "Pages to fetch in one run. null: no limit.", "pages")
    items: v.Limit = _key(None, "Items to write in one run. null: no limit.", "items")
    time: Annotated[v.Timeout | None, NULL] = _key(None, "Duration of one run, e.g. 2h. null: no limit.", "duration")


class Politeness(_Group):
    """How the crawl behaves towards one host; the defaults are those of a guest whom nobody invited."""

    robots: v.Robots = _key("obey", "What to do with robots.txt (RFC 9309); ignore is for sites of your own.")
    nofollow: v.Nofollow = _key(
        "page",
        "Whether nofollow counts: page (links of a page that says so to robots, in <meta> or X-Robots-Tag, are "
        "refused), link (also single links with rel=nofollow, which says only that nobody vouches for them), ignore.",
    )
    user_agent: v.UserAgent = _key(
        None, "The User-Agent header. null: one that names this program and its version honestly."
    )
    concurrency: v.Parallel = _key(
        1, "Requests to one host at once; 1, as a person reads one page at a time.", "requests"
    )
    delay: v.Duration = _key("1s", "Rest between two requests to one host; every server bears 1s.", "duration")
    jitter: v.Percent = _key(
        "20%", "Share of the delay that is added at random, never taken away, so requests fall in no rhythm.", "share"
    )
    max_crawl_delay: v.Duration = _key(
        "60s", "Longest Crawl-delay that is obeyed; more would stop the crawl.", "duration"
    )
    max_retry_after: v.Duration = _key(
        "10m", "Longest Retry-After that is obeyed; longer ones count as this.", "duration"
    )


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


class Output(_Group):
    """One file that the items go to."""

    path: v.OutputPath = Field(
        description="The file, relative to the config file. {run} {date} {time} {name} are filled in; with one of the "
        "first three each run writes a file of its own. Required: there is no place that is always right."
    )
    format: v.Format = Field(
        default_factory=lambda data: _format_of(data["path"]),
        validate_default=True,
        description="How the items are written. By default from the extension of path: .jsonl and .ndjson are jsonl, "
        ".csv is csv, each also with .gz after it.",
    )
    mode: v.Mode = _key(
        "replace", "What a new run does with the file of the run before; replace, so that the file is one run's."
    )
    gzip: v.Truth = Field(
        default_factory=lambda data: data["path"].endswith(".gz"),
        validate_default=True,
        description="Whether the file is compressed with gzip. By default from the extension of path: .gz is true.",
    )
    fields: v.Fields = _key(
        None, "Fields of an item to write: a subset, and for csv the columns in this order. null: all of them."
    )

    @field_validator("format", mode="before")
    @classmethod
    def _is_known(cls, chosen: Any) -> Any:
        if chosen == _UNKNOWN:
            raise fault("the extension tells no format; add format: jsonl or format: csv", instead="path")
        return chosen

    @field_validator("gzip")
    @classmethod
    def _fits_path(cls, gzip: bool, info: ValidationInfo) -> bool:
        if not gzip and str(info.data.get("path", "")).endswith(".gz"):
            raise fault("path ends in .gz, which promises gzip; remove gzip: false or the .gz")
        return gzip

    @field_validator("fields")
    @classmethod
    def _each_once(cls, fields: tuple[str, ...] | None) -> tuple[str, ...] | None:
        checks.distinct_fields(fields)
        return fields


def _format_of(path: str) -> str:
    return _ENDINGS.get(posixpath.splitext(path.removesuffix(".gz"))[1], _UNKNOWN)


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
        """What nobody may be shown: headers' values, and what `keep_secret` was told."""
        return self._secrets + checks.secret_values(self.fetch.headers)

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
