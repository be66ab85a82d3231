"""What a config file may say, and where every mistake in it is reported."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scraper.config.load import MAX_BYTES, load, parse
from scraper.config.schema import Config
from scraper.errors import ConfigError

FULL = """\
name: books
spider: spiders/books.py:Books
seeds: [https://books.example/, https://other.example/a]
state: var/state
scope:
  hosts: [books.example, Other.Example]
  subdomains: true
  allow: ['/catalogue/', '\\.html$']
  deny: [logout]
  depth: 5
  url_length: 500
  links_per_page: 100
limits: {pages: 1000, items: 500, time: 2h}
politeness:
  robots: ignore
  user_agent: bookbot/1.0 (+https://example.com/bot)
  concurrency: 2
  delay: 1.5s
  jitter: 7%
  max_crawl_delay: 0
  max_retry_after: 1d
retry: {times: 0, backoff: 250ms, max_backoff: 1.5m}
fetch:
  concurrency: 4
  timeout: 20s
  connect_timeout: 20s
  max_body: 64KiB
  max_redirects: 0
  verify_tls: false
  headers: {Accept-Language: en, X-Empty: ''}
  connect_to: {Shop.Example: '127.0.0.1:8000', other.example: '[::1]:80'}
output:
  - path: out/{name}-{run}-{date}-{time}.csv.gz
    mode: append
    fields: [title, price]
  - path: items.txt
    format: jsonl
    gzip: true
commit: {pages: 1, interval: 0, durability: power}
shutdown: {drain: 3s}
"""
SPIDER = "spider: a.py\n"


def problems(text: str | bytes, environ: dict[str, str] | None = None, file: str = "c.yaml") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, file, environ or {})
    return [str(problem).removeprefix(f"{file}:").strip() for problem in caught.value.problems]


def good(text: str, environ: dict[str, str] | None = None) -> Config:
    return parse(SPIDER + text, "c.yaml", environ or {})


def test_every_key_can_be_written() -> None:
    """A file with every key gives these values, in seconds, bytes and parts of one."""
    config = parse(FULL, "x.yaml", {})
    assert (config.name, config.spider, config.state) == ("books", "spiders/books.py:Books", "var/state")
    assert config.seeds == ("https://books.example/", "https://other.example/a")
    assert config.scope.hosts == ("books.example", "other.example")
    assert (config.scope.subdomains, config.scope.depth, config.scope.url_length) == (True, 5, 500)
    assert (config.scope.allow, config.scope.deny) == (("/catalogue/", r"\.html$"), ("logout",))
    assert (config.limits.pages, config.limits.items, config.limits.time) == (1000, 500, 7200.0)
    polite = config.politeness
    assert (polite.robots, polite.concurrency, polite.delay, polite.jitter) == ("ignore", 2, 1.5, 0.07)
    assert (polite.max_crawl_delay, polite.max_retry_after) == (0.0, 86400.0)
    assert polite.user_agent == "bookbot/1.0 (+https://example.com/bot)"
    assert (config.retry.times, config.retry.backoff, config.retry.max_backoff) == (0, 0.25, 90.0)
    assert (config.fetch.max_body, config.fetch.verify_tls, config.fetch.max_redirects) == (65536, False, 0)
    assert config.fetch.headers == {"Accept-Language": "en", "X-Empty": ""}
    assert config.fetch.connect_to == {"shop.example": "127.0.0.1:8000", "other.example": "[::1]:80"}
    first, second = config.output
    assert (first.format, first.gzip, first.mode, first.fields) == ("csv", True, "append", ("title", "price"))
    assert (second.path, second.format, second.gzip, second.mode) == ("items.txt", "jsonl", True, "replace")
    assert (config.commit.pages, config.commit.interval, config.commit.durability) == (1, 0.0, "power")
    assert config.shutdown.drain == 3.0


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("books.yaml", "books"),
        ("dir/my shop.yml", "my-shop"),
        (".yaml", "yaml"),
        ("äöü.yaml", "crawl"),
        ("a" * 99 + ".yaml", "a" * 64),
    ],
)
def test_the_file_names_the_crawl(file: str, name: str) -> None:
    """Without a name the crawl has the stem of its file, made fit for a name."""
    assert parse(SPIDER, Path(file), {}).name == name


# Each line: a file, and its problems in full.
WRONG: list[tuple[str | bytes, list[str]]] = [
    ("", ["the file is empty; write at least its spider, e.g. spider: spiders/books.py:Books"]),
    ("\ufeff\n", ["the file is empty; write at least its spider, e.g. spider: spiders/books.py:Books"]),
    ("---\n", ["the file holds nothing but comments; write at least its spider, e.g. spider: spiders/books.py:Books"]),
    ("# a\n", ["the file holds nothing but comments; write at least its spider, e.g. spider: spiders/books.py:Books"]),
    (
        "- a\n",
        [
            "1:1: a config is keys with values (key: value), not a list; "
            "write at least its spider, e.g. spider: spiders/books.py:Books"
        ],
    ),
    (
        "\nhello\n",
        [
            "2:1: a config is keys with values (key: value), not hello; "
            "write at least its spider, e.g. spider: spiders/books.py:Books"
        ],
    ),
    (b"\xef\xbb\xbfname: caf\xe9\n", ["1:10: the byte 0xe9 is not UTF-8; save the file as UTF-8"]),
    ("name: é\n".encode("utf-16"), ["the file is UTF-16; save it as UTF-8"]),
    ("a: b\nc: \x07\n", ["2:4: the character U+0007 may not stand in YAML; remove it"]),
    ("a: \ud800", ["1:4: the character U+D800 may not stand in YAML; remove it"]),
    (b"a" * (MAX_BYTES + 1), ["the file has more than 1,000,000 bytes; a config is shorter"]),
    (
        SPIDER + "name: x\n---\nname: y\n",
        ["3:1: a second document begins here; a config is one, so remove the line ---"],
    ),
    (
        SPIDER + "dealy: 1s\n",
        [
            "2:1: dealy: " + "unknown key; known here are name, spider, seeds, state, scope, limits, "
            "politeness, retry, fetch, output, commit, shutdown"
        ],
    ),
    (SPIDER + "politeness: {dealy: 1s}\n", ["2:14: politeness.dealy: unknown key; did you mean delay?"]),
    (SPIDER + "delay: 1s\n", ["2:1: delay: unknown key here; did you mean politeness.delay?"]),
    (SPIDER + "fetch: {max-body: 1}\n", ["2:9: fetch.max-body: unknown key; did you mean max_body?"]),
    (SPIDER + "output: {path: a.csv, feilds: [a]}\n", ["2:23: output.feilds: unknown key; did you mean fields?"]),
    (SPIDER + f"{'k' * 50}: 1\n", [f"2:1: {'k' * 50}: unknown key; remove it"]),
    (SPIDER + "name: a\nname: b\n", ["3:1: the key name is here twice, the first is in line 2; remove one"]),
    (
        SPIDER + "scope:\n  depth: 1\n  'depth': 2\n",
        ["4:3: scope: the key 'depth' is here twice, the first is in line 3; remove one"],
    ),
    (SPIDER + "1: x\n", ["2:1: YAML reads the key 1 as the number 1; a key is a text, so put it in quotes: '1'"]),
    (
        SPIDER + "fetch: {headers: {On: x}}\n",
        ["2:19: fetch.headers: YAML 1.1 reads the key On as true; a key is a text, so put it in quotes: 'On'"],
    ),
    (SPIDER + "?\n: x\n", ["2:2: there is no key in front of this colon; write one"]),
    (SPIDER + "~: x\n", ["2:1: YAML reads the key ~ as null; a key is a text, so put it in quotes: '~'"]),
    (SPIDER + "? [a]\n: {b: c}\n", ["2:3: a mapping or a list cannot be a key; write a text"]),
    (SPIDER + "name: &a x\n*a : y\n", ["3:1: an alias cannot be a key; write the key out"]),
    (SPIDER + "<<: {name: x}\n", ["2:1: merge keys (<<) are not supported; write the keys out"]),
    (SPIDER + "name: *x\n", ["2:7: name: *x names nothing; write &x in front of a value above"]),
    (SPIDER + "seeds: &x [*x]\n", ["2:12: *x stands inside of what it names, so it would never end; remove it"]),
    (
        SPIDER + "name: !!python/object/apply:os.system [x]\n",
        [
            "2:7: name: tags such as !!python/object/apply:os.system are not supported; remove it",
            "2:7: name: expected a text, found a list",
        ],
    ),
    (SPIDER + "name: !x y\n", ["2:7: name: tags such as !x are not supported; remove it"]),
    (SPIDER + "retry: {times: !!int '3'}\n", ["2:16: retry.times: tags such as !!int are not supported; remove it"]),
    (SPIDER + "name: ! x\n", ["2:7: name: tags such as ! are not supported; remove it"]),
    (
        "name: x\n",
        ["1:1: spider: this key is required; write at least its spider, e.g. spider: spiders/books.py:Books"],
    ),
    (
        "\n\nname: 1.10\n",
        [
            "3:1: spider: this key is required; write at least its spider, e.g. spider: spiders/books.py:Books",
            "3:7: name: YAML reads 1.10 as the number 1.1; if it is text, put it in quotes: '1.10'",
        ],
    ),
    (SPIDER + "output: {format: csv}\n", ["2:9: output.path: this key is required; add it"]),
    (SPIDER + "output:\n- a.csv\n- mode: append\n", ["4:3: output.1.path: this key is required; add it"]),
    (SPIDER + "retry:\n", ["2:7: retry: there are no keys below this one; write some, or remove it"]),
    (SPIDER + "retry: 5\n", ["2:8: retry: expected keys with values (a mapping), found 5"]),
    (SPIDER + "fetch: {headers: [a]}\n", ["2:18: fetch.headers: expected keys with values (a mapping), found a list"]),
    (SPIDER + "seeds:\n", ["2:7: seeds: there is no value here (null); write [] for an empty list, or remove the key"]),
    (SPIDER + "seeds: {a: b}\n", ["2:8: seeds: expected a list, found a mapping"]),
    (SPIDER + "name: [a]\n", ["2:7: name: expected a text, found a list"]),
    (SPIDER + "state: ~\n", ["2:8: state: there is no value here (null); write a text, or remove the key"]),
    ("spider: ~\n", ["1:9: spider: there is no value here (null); write a text, or remove the key"]),
]


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[repr(text)[:40] for text, _ in WRONG])
def test_every_mistake_has_its_place_and_its_cure(text: str | bytes, expected: list[str]) -> None:
    """Each of these files is refused with exactly these messages, at these lines and columns."""
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("text", "start", "hint"),
    [
        ("a: b\n  c: d\n", "2:4: this is not YAML: ", "check the indentation"),
        ("a:\n\tb: 1\n", "2:1: this is not YAML: ", "indent with spaces, not with tabs"),
        ("a: [1,\nb: 2\n", "3:1: this is not YAML: ", "(it begins in line 1)"),
        ('a: "x\n', "", "this is not YAML: "),
        ("a: @x\n", "1:4: this is not YAML: ", "put the value in quotes"),
        ("%YAML 2.0\n---\na: 1\n", "1:1: this is not YAML: ", "incompatible"),
    ],
)
def test_what_is_not_yaml_says_where(text: str, start: str, hint: str) -> None:
    """A syntax error is reported at the parser's mark, with a hint where there is a common cause."""
    (problem,) = problems(text)
    assert problem.startswith(start)
    assert hint in problem


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    """Problems of form, of values, of keys and between keys are reported together, sorted by their place."""
    text = "seeds: [ftp://a/, $${X}]\nretry: {backoff: 2m, times: many}\nname: ${NO}\nname: x\nfoo: 1\nstate: no\n"
    found = problems(text)
    assert [problem.split(": ")[0] for problem in found] == [
        "1:1",
        "1:9",
        "1:19",
        "2:18",
        "2:29",
        "3:7",
        "4:1",
        "5:1",
        "6:8",
    ]
    assert "3:7: name: the variable NO is not set; set it, or write a default: ${NO:-…}" in found
    assert (
        "2:18: retry.backoff: backoff (2m) is longer than max_backoff (1m); lower backoff or raise max_backoff" in found
    )


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("no", "YAML 1.1 reads no as false; if it is text, put it in quotes: 'no'"),
        ("On", "YAML 1.1 reads On as true; if it is text, put it in quotes: 'On'"),
        ("y", "YAML 1.1 reads y as true; if it is text, put it in quotes: 'y'"),
        ("true", "YAML reads true as true; if it is text, put it in quotes: 'true'"),
        ("12:30", "YAML 1.1 reads 12:30 as the number 750; if it is text, put it in quotes: '12:30'"),
        ("12:30:45", "YAML 1.1 reads 12:30:45 as the number 45045; if it is text, put it in quotes: '12:30:45'"),
        ("-1:30.5", "YAML 1.1 reads -1:30.5 as the number -90.5; if it is text, put it in quotes: '-1:30.5'"),
        ("010", "YAML 1.1 reads 010 as the number 8; if it is text, put it in quotes: '010'"),
        ("08", "YAML 1.2 reads 08 as the number 8; if it is text, put it in quotes: '08'"),
        ("0o17", "YAML 1.2 reads 0o17 as the number 15; if it is text, put it in quotes: '0o17'"),
        ("0x0b1F", "YAML 1.1 reads 0x0b1F as the number 2847; if it is text, put it in quotes: '0x0b1F'"),
        ("0b101", "YAML 1.1 reads 0b101 as the number 5; if it is text, put it in quotes: '0b101'"),
        ("1_000", "YAML 1.1 reads 1_000 as the number 1000; if it is text, put it in quotes: '1_000'"),
        ("1.10", "YAML reads 1.10 as the number 1.1; if it is text, put it in quotes: '1.10'"),
        ("1e3", "YAML 1.2 reads 1e3 as the number 1000; if it is text, put it in quotes: '1e3'"),
        ("2024", "YAML reads 2024 as the number 2024; if it is text, put it in quotes: '2024'"),
        (".nan", "YAML reads .nan as not-a-number; if it is text, put it in quotes: '.nan'"),
        ("-.INF", "YAML reads -.INF as infinity; if it is text, put it in quotes: '-.INF'"),
        ("2026-11-22", "YAML 1.1 reads 2026-11-22 as a date; if it is text, put it in quotes: '2026-11-22'"),
        (
            "2026-11-22 10:00:00",
            "YAML 1.1 reads 2026-11-22 10:00:00 as a time; if it is text, put it in quotes: '2026-11-22 10:00:00'",
        ),
        ("null", "there is no value here (null); write a text, or remove the key"),
        ("~", "there is no value here (null); write a text, or remove the key"),
        ("1" * 70, f"YAML reads {'1' * 60}… as a number; if it is text, put it in quotes"),
    ],
)
def test_text_that_yaml_takes_for_something_else_is_refused(written: str, message: str) -> None:
    """Where a text belongs, a plain scalar that any YAML reads otherwise must be put in quotes."""
    assert problems(f"{SPIDER}state: {written}\n") == [f"2:8: state: {message}"]
    assert good(f"state: '{written}'\n").state == written


@pytest.mark.parametrize(
    "written", ["007bond", "1.2.3", "0:30", "0x", "1__x", "nope", "12:99", "+", ".", "-", "2026-1-1", "<<", "="]
)
def test_what_every_yaml_reads_as_text_is_text(written: str) -> None:
    """A plain scalar that only looks odd is text."""
    assert good(f"state: a{written}\n").state == f"a{written}"
    if written not in ("-",):
        assert good(f"state: {written}\n").state == written


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("yes", "only YAML 1.1 reads yes as true; write true or false"),
        ("n", "only YAML 1.1 reads n as false; write true or false"),
        ("True", "only YAML 1.1 reads True as true; write true or false"),
        ("OFF", "only YAML 1.1 reads OFF as false; write true or false"),
        ("'true'", "'true' is in quotes and so a text; write true without quotes"),
        ("1", "1 is not a truth value; write true or false"),
        ("~", "~ is not a truth value; write true or false"),
        ("maybe", "maybe is not a truth value; write true or false"),
        ("[true]", "expected true or false, found a list"),
    ],
)
def test_truth_is_true_or_false(written: str, message: str) -> None:
    """Only the plain words true and false are truth values."""
    assert problems(f"{SPIDER}scope: {{subdomains: {written}}}\n") == [f"2:21: scope.subdomains: {message}"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("'5'", "'5' is in quotes and so a text; write the number without quotes"),
        ("010", "YAML 1.1 reads 010 as the number 8; write it in plain digits: 8 or 10"),
        ("0o17", "YAML 1.2 reads 0o17 as the number 15; write it in plain digits: 15"),
        ("0x1F", "YAML 1.1 reads 0x1F as the number 31; write it in plain digits: 31"),
        ("1_000", "YAML 1.1 reads 1_000 as the number 1000; write it in plain digits: 1000"),
        ("1:30", "YAML 1.1 reads 1:30 as the number 90; write it in plain digits: 90"),
        ("1.5", "YAML reads 1.5 as the number 1.5; write a whole number in plain digits"),
        (".nan", "YAML reads .nan as not-a-number; write a whole number in plain digits"),
        ("yes", "YAML 1.1 reads yes as true; write a whole number in plain digits"),
        ("many", "many is not a whole number; write it in plain digits"),
        ("9" * 30, f"{'9' * 30} is too long for a number"),
        ("-1", "-1 is too small; write 0 or more"),
        ("101", "101 is too large; write 100 or less"),
        ("{a: b}", "expected a whole number, found a mapping"),
    ],
)
def test_numbers_are_plain_digits(written: str, message: str) -> None:
    """A number key takes a plain decimal number within its bounds and nothing else."""
    assert problems(f"{SPIDER}retry: {{times: {written}}}\n") == [f"2:16: retry.times: {message}"]


@pytest.mark.parametrize("written", ["", "~", "null", "Null"])
def test_null_is_the_absence_of_a_limit(written: str) -> None:
    """Keys whose default is null take null and an empty value."""
    assert good(f"limits:\n  pages: {written}\n  time: {written}\n").limits.pages is None
    assert good(f"politeness:\n  user_agent: {written}\n").politeness.user_agent is None


def test_aliases_stand_for_what_they_name() -> None:
    """An anchor's value can be used again; a problem in it is reported where it is written."""
    config = good("scope:\n  allow: &same [a, b]\n  deny: *same\n")
    assert config.scope.deny == ("a", "b")
    found = problems(SPIDER + "scope:\n  allow: &same ['(']\n  deny: *same\n")
    assert [problem[:22] for problem in found] == ["3:17: scope.allow.0: '", "3:17: scope.deny.0: '("]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)),
        "[" * 500_000,
        "a: " + "{a: " * 200_000,
        "- " * 400_000,
        "".join(f"k{i}: 1\n" for i in range(90_000)),
        "a: " + "${A}" * 200_000,
        "a: " + "${" * 400_000,
        "name: 1" + ":1" * 400_000,
        "limits: {pages: 1" + "_" * 900_000 + "x}",
        "scope: {allow: '" + "(" * 90_000 + "'}",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_files_are_refused_quickly(text: str) -> None:
    """Alias bombs, deep nesting and endless scalars end in a ConfigError within seconds, where they took minutes."""
    began = time.process_time()
    assert problems(text, {"A": "x" * 100_000})
    assert time.process_time() - began < 10


def test_aliases_are_counted_as_what_they_stand_for() -> None:
    """Ten aliases of a long list are more values than a file may hold, and are refused at the one too many."""
    text = f"{SPIDER}scope:\n  allow: &a [{'x,' * 9000}]\n  deny: [{'*a ,' * 6}]\n"
    assert problems(text) == ["4:26: the file holds more than 50000 values, aliases counted; shorten it"]
    assert len(good(f"scope:\n  allow: &a [{'x,' * 9000}]\n  deny: *a\n").scope.deny) == 9000


def test_variables_in_many_values_are_bounded_together() -> None:
    """Variables may not make a file longer than a file may be, however many values they are spread over."""
    found = problems(f"{SPIDER}output: {{path: a.csv, fields: [{'${A}, ' * 12}]}}\n", {"A": "x" * 90_000})
    assert found[-1] == "2:98: output.fields.11: the variables make this file too long"


def test_a_value_that_could_not_be_read_leads_to_no_further_problems() -> None:
    """Two paths that lack a variable are not called equal on top of it."""
    found = problems(f"{SPIDER}output: ['${{A}}x.csv', '${{B}}x.csv']\n")
    assert [problem.split(";")[0] for problem in found] == [
        "2:10: output.0: the variable A is not set",
        "2:23: output.1: the variable B is not set",
    ]


def test_a_list_of_one_needs_no_brackets() -> None:
    """Where a list of texts belongs, a single text is a list of one; commas in it mean nothing."""
    config = good("seeds: http://a.example/x,y\nscope: {hosts: a.example, allow: 'a,b'}\noutput: items.jsonl\n")
    assert config.seeds == ("http://a.example/x,y",)
    assert (config.scope.hosts, config.scope.allow) == (("a.example",), ("a,b",))
    assert [output.path for output in config.output] == ["items.jsonl"]
    assert good("output: {path: a.csv}\n").output == good("output: [a.csv]\n").output


@pytest.mark.parametrize(
    ("path", "message"),
    [("none.yaml", "there is no such file; check the path"), (".", "this is a folder; give the YAML file in it")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, path: str, message: str) -> None:
    """A missing file and a folder are config errors that name the path."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / path, {})
    assert str(caught.value) == f"{tmp_path / path}: {message}"


def test_a_path_that_cannot_exist_is_a_config_error(tmp_path: Path) -> None:
    """A path through a file, too long or with a NUL is refused like a missing file."""
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "c.yaml", tmp_path / ("x" * 5000), Path("a\0b")):
        with pytest.raises(ConfigError, match=r"the file cannot be read: .*; check the path"):
            load(path, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_config_error(tmp_path: Path) -> None:
    """A file that may not be read is refused with the cure."""
    file = tmp_path / "c.yaml"
    file.write_text(SPIDER)
    file.chmod(0)
    with pytest.raises(ConfigError, match="the file may not be read"):
        load(file, {})


def test_a_file_is_loaded_with_or_without_bom(tmp_path: Path) -> None:
    """A BOM in front of UTF-8 changes nothing, columns included."""
    file = tmp_path / "shop.yaml"
    for bom in (b"", b"\xef\xbb\xbf"):
        file.write_bytes(bom + b"spider: a.py\nname: caf\xc3\xa9\n")
        with pytest.raises(ConfigError, match=r"shop.yaml:2:7: name: café cannot be a name"):
            load(file, {})
        file.write_bytes(bom + b"spider: a.py\r\n")
        assert load(file, {}).name == "shop"


def test_loading_a_config_imports_nothing_heavy() -> None:
    """The config rooms add neither an HTTP client nor a terminal nor an HTML library to the process."""
    code = (
        "import sys, scraper; before = set(sys.modules); import scraper.config.load;"
        "print(*sorted({'aiohttp', 'rich', 'selectolax', 'click', 'aiofiles'} & (set(sys.modules) - before)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
