"""`${NAME}`: where it is filled in, what it becomes, and that it can be neither structure nor seen in a message."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.config.load import parse
from scraper.config.schema import Config
from scraper.errors import ConfigError

SPIDER = "spider: a.py\n"


def good(text: str, **environ: str) -> Config:
    return parse(SPIDER + text, "c.yaml", environ)


def problem(text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        good(text, **environ)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "environ", "pages"),
    [
        ("${L}", {"L": "7"}, 7),
        ("${L:-100}", {}, 100),
        ("${L:-100}", {"L": ""}, 100),
        ("${L:-100}", {"L": "8"}, 8),
        ("${L:-}", {}, None),
        ("${L:-null}", {}, None),
        ("${L}", {"L": ""}, None),
    ],
)
def test_a_plain_variable_alone_is_typed_again(text: str, environ: dict[str, str], pages: int | None) -> None:
    """A plain scalar that is one variable has the type that its text would have in the file."""
    assert good(f"limits: {{pages: {text}}}\n", **environ).limits.pages == pages
    assert good(f"limits:\n  pages: {text}\n", **environ).limits.pages == pages


def test_truth_and_quantities_may_be_variables() -> None:
    """Truth values, durations and words are typed again too."""
    config = good("fetch: {verify_tls: '${V}', timeout: 40s}\n".replace("'", ""), V="false")
    assert config.fetch.verify_tls is False
    assert good("politeness: {delay: '${D}', robots: ${R}}\n", D="2s", R="ignore").politeness.delay == 2.0


def test_where_text_belongs_a_variable_is_text() -> None:
    """A text key takes a variable's value as it is, whatever YAML would make of it."""
    config = good("name: ${N}\nfetch: {headers: {X-Token: ${T}}}\nstate: ${S:-010}\n", N="no", T="1.10")
    assert (config.name, config.fetch.headers["X-Token"], config.state) == ("no", "1.10", "010")


def test_variables_are_filled_in_within_a_text() -> None:
    """Variables in the middle, in quotes, in block scalars and in lists; `$${` is a literal `${`."""
    config = good("state: a${A}b${B:-x y}c\nscope: {allow: [${A}, \"${A}\\x20?\", '$${A}$'], deny: '\\$${A}'}\n", A="1")
    assert config.state == "a1bx yc"
    assert config.scope.deny == ("\\${A}",)
    assert parse("spider: a.py\nstate: ${A}$${A}$$${A}", "c", {"A": "${B}"}).state == "${B}${A}$${A}"


@pytest.mark.parametrize("written", ["${S}", "'${S}'", '"${S}"', "${S:-x}"])
def test_a_variable_that_is_a_whole_list_is_split_at_commas(written: str) -> None:
    """`seeds: ${STARTS}` is a list; its blanks and empty parts vanish."""
    config = good(f"seeds: {written}\n", S=" http://a.example/, http://b.example/x ,,")
    assert config.seeds == ("http://a.example/", "http://b.example/x")


def test_only_a_whole_list_is_split() -> None:
    """An element of a list, or a variable with text beside it, keeps its commas."""
    assert good("scope: {allow: [${A}]}\n", A="a,b").scope.allow == ("a,b",)
    assert good("scope: {allow: x${A}}\n", A="a,b").scope.allow == ("xa,b",)
    assert good("scope: {allow: ${A}}\n", A="").scope.allow == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("state: ${A}", "c.yaml:2:8: state: the variable A is not set; set it, or write a default: ${A:-…}"),
        ("state: x${1A}", "c.yaml:2:8: state: this ${ begins no variable; "
         "write ${NAME} or ${NAME:-default}, or $${ for a literal ${"),
        ("state: x${A", "c.yaml:2:8: state: this ${ begins no variable; "
         "write ${NAME} or ${NAME:-default}, or $${ for a literal ${"),
        ("state: ${A:-${B}}", "c.yaml:2:8: state: this ${ begins no variable; "
         "write ${NAME} or ${NAME:-default}, or $${ for a literal ${\n"
         "c.yaml:2:8: state: the variable B is not set; set it, or write a default: ${B:-…}"),
        ("limits: {pages: '${L}'}", "c.yaml:2:17: limits.pages: "
         "the value of ${L} is in quotes and so a text; write the number without quotes"),
        ("limits: {pages: 1${L}}", "c.yaml:2:17: limits.pages: "
         "the value with ${L} is not a whole number; write it in plain digits"),
        ("seeds: ${T}", "c.yaml:2:8: seeds: the value of ${T} has no scheme; write https:// in front of it"),
        ("${L}: x", "c.yaml:2:1: ${L}: unknown key; known here are name, spider, seeds, state, scope, limits, "
         "politeness, retry, fetch, output, commit, shutdown"),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_reported_at_its_place(text: str, message: str) -> None:
    """An unset or misspelt variable, and a wrong value of one, name the variable and never the value."""
    assert problem(text, L="7", T="token") == message


def attempt(text: str, environ: dict[str, str]) -> Config | ConfigError:
    try:
        return parse(text, "c.yaml", environ)
    except ConfigError as error:
        return error


VALUES = ["SECRET-{}", "(SECRET", "SECRET:SECRET@[", "-SECRETs", "user:SECRET@x", "{SECRET}.csv", "9SECRET", "SECRET\n"]
KEYS = [
    "name", "spider", "seeds", "state", "scope.hosts", "scope.subdomains", "scope.allow", "scope.depth", "limits.pages",
    "limits.time", "politeness.robots", "politeness.user_agent", "politeness.delay", "politeness.jitter", "retry.times",
    "retry.backoff", "fetch.timeout", "fetch.max_body", "fetch.verify_tls", "fetch.headers.A", "fetch.connect_to.a",
    "fetch.connect_timeout", "output.path", "output.format", "output.gzip", "output.fields", "commit.durability",
    "retry", "fetch.headers", "output", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_secret_never_gets_into_a_message(key: str) -> None:
    """Whatever is wrong with a value from the environment, no message quotes it."""
    *groups, last = key.split(".")
    for value in VALUES:
        for written in ("${S}", "'${S}'", "x${S}", "[${S}]"):
            opened = "".join(f"{group}: {{" for group in groups)
            text = f"{opened}{last}: {written}{'}' * len(groups)}\n"
            result = attempt(text if key == "spider" else SPIDER + text, {"S": value})
            assert isinstance(result, Config) or "SECRET" not in str(result)


@pytest.mark.parametrize(
    "text",
    ["retry: {backoff: ${S}}", "retry: {backoff: ${S}, max_backoff: 60s}"],
)
def test_messages_between_two_keys_keep_secrets_too(text: str) -> None:
    """A comparison with a value from the environment names the keys only."""
    message = problem(text, S="61s")
    assert "is longer than" in message
    assert "61s" not in message
    assert "1m" not in message


@given(st.text(st.sampled_from("\n:{}[],&*!|>'\"%@`#- ab${}\t<?~") | st.characters()))
def test_a_variable_adds_neither_keys_nor_structure(value: str) -> None:
    """Whatever a variable holds, the config has the value as text, or is refused."""
    for written in ("${V}", '"${V}"', "'${V}'"):
        result = attempt(f"{SPIDER}state: {written}\n", {"V": value})
        if isinstance(result, Config):
            assert dict(result) == {**dict(good("")), "state": value}
        else:
            assert {problem.path for problem in result.problems} == {"state"}


@given(st.text(string.printable.replace("\n", "").replace("\r", ""), max_size=30))
def test_any_dollar_text_is_filled_in_or_reported(text: str) -> None:
    """No sequence of dollars and braces gives anything but a text or a ConfigError."""
    quoted = "'" + text.replace("'", "''").replace("\x0b", "").replace("\x0c", "") + "'"
    result = attempt(f"{SPIDER}state: {quoted}\n", {"a": "1"})
    assert isinstance(result, Config) or result.problems
