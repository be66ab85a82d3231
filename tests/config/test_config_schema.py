"""The keys: defaults, units, bounds, what their values must look like, and the library's way in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.config.group import Group
from scraper.config.load import parse
from scraper.config.schema import Config, from_kwargs
from scraper.config.units import DURATION, PERCENT, SIZE
from scraper.errors import ConfigError


def flow(key: str, value: str) -> str:
    *groups, last = key.split(".")
    return "".join(f"{group}: {{" for group in groups) + f"{last}: {value}" + "}" * len(groups)


def value_of(config: Config, key: str) -> Any:
    found: Any = config
    for name in key.split("."):
        found = getattr(found, name)
    return found


def plain(value: Any) -> Any:
    """Return a config as Python's own types."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return {name: plain(each) for name, each in value} if isinstance(value, Group) else value


def refusal(settings: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        from_kwargs(settings)
    return [str(problem) for problem in caught.value.problems]


DEFAULTS: dict[str, Any] = {
    "name": "crawl", "spider": None, "seeds": (), "state": ".scrape",
    "scope.hosts": (), "scope.subdomains": False, "scope.allow": (), "scope.deny": (), "scope.depth": None,
    "scope.url_length": 2083, "scope.links_per_page": 10000,
    "scope.ignore": ("tracking", "sessions"), "scope.pages_per_host": 1_000_000, "scope.pages_per_filter": 10_000,
    "politeness.nofollow": "page",
    "limits.pages": None, "limits.items": None, "limits.time": None, "limits.memory": None,
    "limits.callback": 600.0,
    "politeness.per": "host",
    "politeness.robots": "obey", "politeness.user_agent": None, "politeness.concurrency": 1, "politeness.delay": 1.0,
    "politeness.jitter": 0.2, "politeness.max_crawl_delay": 60.0, "politeness.max_retry_after": 600.0,
    "retry.times": 3, "retry.backoff": 1.0, "retry.max_backoff": 60.0,
    "fetch.concurrency": 16, "fetch.timeout": 30.0, "fetch.connect_timeout": 10.0, "fetch.max_body": 16 * 2**20,
    "fetch.partial": "retry",
    "fetch.max_redirects": 10, "fetch.verify_tls": True, "fetch.headers": {}, "fetch.connect_to": {},
    "fetch.cookies": True,
    "fetch.proxy": None,
    "fetch.allow_addresses": (), "output": (),
    "commit.pages": 64, "commit.interval": 0.25, "commit.durability": "process", "shutdown.drain": 10.0,
}  # fmt: skip


def test_nothing_written_gives_every_default() -> None:
    """An empty config has these values, in base units and of these very types."""
    config = from_kwargs({})
    found = {key: value_of(config, key) for key in DEFAULTS}
    assert found == DEFAULTS
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in DEFAULTS.items()}
    (output,) = from_kwargs({"output": "a.jsonl"}).output
    assert dict(output) == {
        "path": "a.jsonl",
        "format": "jsonl",
        "mode": "replace",
        "gzip": False,
        "fields": None,
        "formulas": "keep",
    }


def test_a_config_cannot_be_changed() -> None:
    """A config and its groups are frozen."""
    config = from_kwargs({})
    with pytest.raises(AttributeError, match="cannot be changed"):
        config.name = "x"
    with pytest.raises(AttributeError, match="cannot be changed"):
        config.retry.times = 9


GOOD: list[tuple[str, str, Any]] = [
    ("politeness.delay", "250ms", 0.25),
    ("politeness.delay", "1.5m", 90.0),
    ("politeness.delay", "2h", 7200.0),
    ("politeness.delay", "1d", 86400.0),
    ("politeness.delay", "0", 0.0),
    ("politeness.delay", "'0'", 0.0),
    ("politeness.delay", "'3s'", 3.0),
    ("politeness.jitter", "0", 0.0),
    ("politeness.jitter", "7%", 0.07),
    ("politeness.jitter", "12.5%", 0.125),
    ("fetch.max_body", "64KiB", 65536),
    ("fetch.max_body", "16MB", 16_000_000),
    ("fetch.max_body", "1GiB", 2**30),
    ("fetch.max_body", "1.5kB", 1500),
    ("spider", "spiders/books.py", "spiders/books.py"),
    ("spider", "../b c.py:Books", "../b c.py:Books"),
    ("spider", "package.module:Books", "package.module:Books"),
    ("name", "'2026.shop_a-b'", "2026.shop_a-b"),
    ("seeds", "practice-shop", ("practice-shop",)),
    ("seeds", "[HTTP://A.example:80/b#c]", ("http://a.example/b",)),
    ("seeds", "http://a.example/?mail=a@b", ("http://a.example/?mail=a@b",)),
    ("seeds", "[]", ()),
    ("scope.hosts", "[BÜCHER.example, 127.0.0.1, '[::1]']", ("xn--bcher-kva.example", "127.0.0.1", "[::1]")),
    ("scope.depth", "0", 0),
    ("politeness.user_agent", "bot/1.0", "bot/1.0"),
]


@pytest.mark.parametrize(("key", "written", "value"), GOOD)
def test_values_come_in_base_units_and_canonical_form(key: str, written: str, value: Any) -> None:
    """Seconds, bytes, parts of one; URLs and hosts as they will be requested."""
    text = flow(key, written) if key == "spider" else f"spider: a.py\n{flow(key, written)}"
    assert value_of(parse(text, "c.yaml", {}), key) == value


BAD: list[tuple[str, str, str]] = [
    ("politeness.delay", "10", "10 has no unit; write e.g. 10s (units: ms, s, m, h, d)"),
    ("politeness.delay", "'10'", "'10' has no unit; write e.g. 10s (units: ms, s, m, h, d)"),
    ("politeness.delay", "-5s", "-5s is too small; write 0 or more"),
    ("politeness.delay", "366d", "366d is too large; write 365d or less"),
    ("politeness.delay", "10S", "10S: write the unit as s"),
    ("politeness.delay", "10min", "10min: min is no unit of a duration; there are ms, s, m, h, d"),
    ("politeness.delay", "10 s", "10 s has a space in it; write e.g. 10s"),
    ("politeness.delay", "soon", "soon is not a duration; write e.g. 10s"),
    ("politeness.delay", "1:30", "YAML 1.1 reads 1:30 as the number 90; write plain digits and a unit"),
    ("politeness.delay", "1_000", "YAML 1.1 reads 1_000 as the number 1000; write plain digits and a unit"),
    ("politeness.delay", ".inf", "YAML reads .inf as infinity; write plain digits and a unit"),
    ("politeness.delay", ".nan", "YAML reads .nan as not-a-number; write plain digits and a unit"),
    ("politeness.delay", "true", "YAML reads true as true; write plain digits and a unit"),
    ("politeness.delay", "~", "there is no value here (null); write one, or remove the key"),
    ("politeness.delay", "[1s]", "expected a duration such as 10s, found a list"),
    ("politeness.jitter", "0.2", "0.2 has no unit; write e.g. 25% (units: %)"),
    ("politeness.jitter", "101%", "101% is too large; write 100% or less"),
    ("politeness.concurrency", "0", "0 is too small; write 1 or more"),
    ("politeness.robots", "Obey", "Obey is not possible here; write obey or ignore"),
    ("politeness.robots", "no", "YAML 1.1 reads no as false; if it is text, put it in quotes: 'no'"),
    ("politeness.user_agent", "büchse", "büchse cannot be a User-Agent; "
     "write ASCII text such as bookbot/1.0 (+https://example.com/bot)"),
    ("politeness.user_agent", '"a\\r\\nB: c"', "the text holds a line break or another character that cannot be "
     "printed; remove it"),
    ("fetch.timeout", "0", "0 is too small; write 1ms or more"),
    ("fetch.max_body", "16", "16 has no unit; write e.g. 16MiB (units: B, kB, KB, KiB, MB, MiB, GB, GiB, TB, TiB)"),
    ("fetch.max_body", "16mib", "16mib: write the unit as MiB"),
    ("fetch.max_body", "0", "0 is too small; write 1B or more"),
    ("fetch.concurrency", "10001", "10001 is too large; write 10000 or less"),
    ("limits.pages", "0", "0 is too small; write 1 or more"),
    ("scope.allow", "'('", "'(' is not a regular expression: missing ), unterminated subpattern at character 1"),
    ("scope.deny", "'[[a]'", "'[[a]' is a doubtful regular expression: Possible nested set at position 1; "
     "escape it with \\"),
    ("scope.deny", "''", "an empty regular expression fits every URL; write .* when that is meant"),
    ("scope.allow", "'a{99999999999}'", "'a{99999999999}' is not a regular expression: it nests or repeats too much"),
    ("scope.hosts", "https://a.example/", "https://a.example/ is not a host name; "
     "write the host name alone, e.g. example.com"),
    ("scope.hosts", "'a.example:80000'", "'a.example:80000': a port is a number up to 65535"),
    ("scope.hosts", "'*.a.example'", "'*.a.example' has a star; write the domain alone, and subdomains: true for all "
     "below it"),
    ("seeds", "a.example", "'a.example' has no scheme; write https://a.example"),
    ("seeds", "ftp://a.example", "'ftp://a.example': ftp: URLs are not requested, only http and https"),
    ("seeds", "https://u:pw@a.example/", "a seed may not hold user:password@, which would get into logs and files; "
     "send an Authorization header instead (fetch.headers)"),
    ("seeds", "'https:\\u@a.example/'", "a seed may not hold user:password@, which would get into logs and files; "
     "send an Authorization header instead (fetch.headers)"),
    ("seeds", "[practice-shop, http://a.example]", "practice-shop stands alone; remove it or the other seeds"),
    ("name", "a b", "a b cannot be a name; write letters, digits, '.', '_' and '-', a letter or digit first, "
     "at most 64 characters"),
    ("name", "''", "'' cannot be a name; write letters, digits, '.', '_' and '-', a letter or digit first, "
     "at most 64 characters"),
    ("state", "''", "the path is empty; write the name of a folder, e.g. .scrape"),
    ("state", '"a\\0b"', "the text holds a line break or another character that cannot be printed; remove it"),
    ("output", "items", "the extension tells no format; add format: jsonl or format: csv"),
    ("output", "items/", "items/ names no file; write e.g. items.jsonl"),
    ("output", "'{year}.csv'", "'{year}' is no placeholder; there are {run}, {date}, {time}, {name}"),
    ("output", "'a}.csv'", "'}' is no placeholder; there are {run}, {date}, {time}, {name}"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "written", "message"), BAD)
def test_wrong_values_name_the_cure(key: str, written: str, message: str) -> None:
    """Each of these values is refused with exactly this message, which says what to write."""
    with pytest.raises(ConfigError) as caught:
        parse(f"spider: a.py\n{flow(key, written)}", "c.yaml", {})
    assert [problem.message for problem in caught.value.problems] == [message]


@pytest.mark.parametrize("spider", ["books", "a.py:", "a.b", "a:b:C", "a.py:1B", "a/b:C", "", ".py:C:D", "a.py:B.C"])
def test_a_spider_is_a_file_or_a_class_of_a_module(spider: str) -> None:
    """Anything else names no spider."""
    with pytest.raises(ConfigError, match=r"names no spider; write spiders/books.py:Books or package.module:Books"):
        parse(f"spider: '{spider}'", "c.yaml", {})


def test_a_port_of_thousands_of_digits_is_refused() -> None:
    """Python refuses to make a number of so many; the answer is a message nevertheless."""
    (message,) = refusal({"scope": {"hosts": "a.example:" + "9" * 5000}})
    assert message.endswith("a port is a number up to 65535")


BETWEEN: list[tuple[str, list[str]]] = [
    ("retry: {backoff: 90s}", [
        "c.yaml:2:18: retry.backoff: backoff (90s) is longer than max_backoff (1m); "
        "lower backoff or raise max_backoff"]),
    ("retry: {max_backoff: 0}", [
        "c.yaml:2:22: retry.max_backoff: backoff (1s) is longer than max_backoff (0); "
        "lower backoff or raise max_backoff"]),
    ("fetch: {headers: {X-a: v, x-A: w}}", [
        "c.yaml:2:32: fetch.headers.x-A: this header stands here twice, the first time as X-a; remove one"]),
    ("fetch: {headers: {user-agent: x, Host: b, 'a b': z}}", [
        "c.yaml:2:19: fetch.headers.user-agent: this header has a key of its own: politeness.user_agent",
        "c.yaml:2:34: fetch.headers.Host: this header is the connection's own; remove it",
        "c.yaml:2:43: fetch.headers.a b: a header's name is made of letters, digits and '-'; repair the name"]),
    ("fetch: {headers: {X: 'é ', Z: '☃'}}", [
        "c.yaml:2:22: fetch.headers.X: the header's value has a space at its end or characters outside of latin-1; "
        "remove them",
        "c.yaml:2:31: fetch.headers.Z: the header's value has a space at its end or characters outside of latin-1; "
        "remove them"]),
    ("fetch: {connect_to: {a.example: '127.0.0.1', 'b:1': 'h:1'}}", [
        "c.yaml:2:33: fetch.connect_to.a.example: '127.0.0.1' is not an address with a port; "
        "write e.g. 127.0.0.1:8000 or '[::1]:8000'",
        "c.yaml:2:46: fetch.connect_to.b:1: 'b:1' is not a host name; write the host name alone, e.g. example.com"]),
    ("fetch: {connect_to: {a: 'b:0', c: 'd:65536', e: 'f g:1'}}", [
        "c.yaml:2:25: fetch.connect_to.a: 'b:0' is not an address with a port; "
        "write e.g. 127.0.0.1:8000 or '[::1]:8000'",
        "c.yaml:2:35: fetch.connect_to.c: 'd:65536' is not an address with a port; "
        "write e.g. 127.0.0.1:8000 or '[::1]:8000'",
        "c.yaml:2:49: fetch.connect_to.e: 'f g:1' is not an address with a port; "
        "write e.g. 127.0.0.1:8000 or '[::1]:8000'"]),
    ("output: [a.csv, ./a.csv]", ["c.yaml:2:17: output.1: another output has the same path; give each its own"]),
    ("output: {path: a.csv.gz, gzip: false}", [
        "c.yaml:2:32: output.gzip: path ends in .gz, which promises gzip; remove gzip: false or the .gz"]),
    ("output: {path: a.csv, fields: []}", [
        "c.yaml:2:31: output.fields: no field is left to write; name at least one, or remove the key for all of them"]),
    ("output: {path: a.csv, fields: [a, b, a]}", [
        "c.yaml:2:38: output.fields.2: this field stands here twice; remove one"]),
    ("output: {path: a.txt}", [
        "c.yaml:2:16: output.path: the extension tells no format; add format: jsonl or format: csv"]),
    ("output: {path: a.txt, format: xml, mode: new}", [
        "c.yaml:2:31: output.format: xml is not possible here; write jsonl or csv",
        "c.yaml:2:42: output.mode: new is not possible here; write replace or append"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BETWEEN, ids=[text for text, _ in BETWEEN])
def test_values_that_do_not_fit_each_other_are_refused_where_they_are_written(text: str, expected: list[str]) -> None:
    """A rule between keys is reported at the one that the author wrote."""
    with pytest.raises(ConfigError) as caught:
        parse(f"spider: a.py\n{text}", "c.yaml", {})
    assert [str(problem) for problem in caught.value.problems] == expected


@pytest.mark.parametrize(
    ("path", "form", "gzip"),
    [
        ("a.jsonl", "jsonl", False),
        ("a.ndjson.gz", "jsonl", True),
        ("d.x/{run}.csv", "csv", False),
        ("a.b.csv.gz", "csv", True),
    ],
)
def test_the_extension_tells_format_and_compression(path: str, form: str, gzip: bool) -> None:
    """Format and gzip follow from the path unless they are written."""
    (output,) = from_kwargs({"output": path}).output
    assert (output.format, output.gzip) == (form, gzip)


def test_python_values_may_be_plain_numbers() -> None:
    """In the library seconds, bytes and parts of one are plain numbers, lists are lists or tuples, paths are paths."""
    config = from_kwargs(
        {
            "seeds": ("http://a.example",),
            "state": Path("var") / "x",
            "politeness": {"delay": 0.5, "jitter": 0.1},
            "fetch": {"max_body": 1000, "timeout": 20, "headers": {"A": "1"}},
            "output": [Path("a.csv"), {"path": "b.jsonl", "fields": ["x"]}],
        }
    )
    assert (config.politeness.delay, config.politeness.jitter, config.state) == (0.5, 0.1, "var/x")
    assert (config.fetch.max_body, config.fetch.timeout) == (1000, 20.0)
    assert [output.path for output in config.output] == ["a.csv", "b.jsonl"]
    assert from_kwargs({"state": None}).state is None
    assert from_kwargs(dict(config)) == config
    assert from_kwargs(plain(config)) == config


KWARGS: list[tuple[dict[str, Any], list[str]]] = [
    ({"retry": {"times": True}}, ["retry.times: expected a whole number, found True"]),
    ({"retry": {"times": "3"}}, ["retry.times: expected a whole number, found '3'"]),
    ({"politeness": {"delay": float("nan")}}, ["politeness.delay: expected a duration such as 10s, found nan"]),
    ({"politeness": {"delay": -1}}, ["politeness.delay: -1 is too small; write 0 or more"]),
    ({"politeness": {"jitter": 20}}, ["politeness.jitter: 20 is too large; write 100% or less"]),
    ({"fetch": {"max_body": 1.5}}, ["fetch.max_body: expected a size such as 16MiB, found 1.5"]),
    ({"fetch": {"verify_tls": 0}}, ["fetch.verify_tls: expected true or false, found 0"]),
    ({"name": 5}, ["name: expected a text, found 5"]),
    ({"seeds": {"a"}}, ["seeds: expected a list, found a value of the type set"]),
    ({"seeds": object()}, ["seeds: expected a list, found a value of the type object"]),
    ({"scope": None}, ["scope: expected keys with values (a mapping), found None"]),
    ({"delay": 1}, ["delay: unknown key here; did you mean politeness.delay?"]),
    ({"output": [{"mode": "append"}]}, ["output.0.path: this key is required; add it"]),
    ({"fetch": {"headers": {"A\nB": "x"}}}, [
        "fetch.headers.A\\nB: the text holds a line break or another character that cannot be printed; remove it"]),
    ({"state": "\ud800"}, [
        "state: the text holds a line break or another character that cannot be printed; remove it"]),
    ({1: 2}, ["1: the keys of a mapping are texts; write the key as a text"]),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "expected"), KWARGS)
def test_python_values_get_the_same_messages_without_a_place(settings: dict[str, Any], expected: list[str]) -> None:
    """The library's refusals name the key and the cure, and no file."""
    assert refusal(settings) == expected


def test_headers_are_not_shown() -> None:
    """A config's repr keeps the headers to itself: they may hold a secret."""
    assert "token" not in repr(from_kwargs({"fetch": {"headers": {"Authorization": "token"}}}))


@given(st.integers(0, 10**9), st.sampled_from([DURATION, SIZE, PERCENT]))
def test_what_is_spelled_can_be_read_again(number: int, unit: Any) -> None:
    """A quantity in a message, written into the file, is the same quantity."""
    base = number / 1000 if unit is DURATION else float(number) if unit is SIZE else number / 100
    assert unit.parse(unit.spell(base)) == pytest.approx(base, rel=1e-12)
