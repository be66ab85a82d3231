"""Any text, any bytes and any Python value give a Config or a ConfigError, and quickly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scraper.config.load import parse
from scraper.config.schema import Config, from_kwargs, known_keys
from scraper.errors import ConfigError

KEYS = sorted({key for keys in known_keys().values() for key in keys} | {"", "x", "<<", "1", "no", "a b"})
SCALARS = st.sampled_from(
    ["no", "010", "1_0", "12:30", ".nan", "~", "", "10s", "5", "-1", "25%", "1MiB", "http://a.example/", "a.csv", "*a",
     "&a x", "!!str x", "!x", "'q'", '"\\u2028"', "${A}", "${B:-1}", "$${A}", "${", "practice-shop", "(", "true", "[",
     "}", "obey", "a.py:B", "<<", "|", "- a", "? b", "@", "\t", "# c", "---", "...", "%TAG ! x"]
)  # fmt: skip
PARTS = (
    st.sampled_from([*KEYS, ": ", ":\n  ", ":\n- ", "\n", ", ", "{", "}", "[", "]", " ", "  "])
    | SCALARS
    | st.text(max_size=4)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | SCALARS | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)


def attempt(make: Callable[[], Config]) -> Config | ConfigError:
    try:
        return make()
    except ConfigError as error:
        return error


def outcome(text: str | bytes) -> None:
    began = time.process_time()
    result = attempt(lambda: parse(text, "c.yaml", {"A": "x, y"}))
    assert time.process_time() - began < 10
    if isinstance(result, Config):
        return
    places = [(problem.line, problem.column) for problem in result.problems]
    assert places
    assert places == sorted(places)
    assert all(problem.file == "c.yaml" and problem.message for problem in result.problems)
    assert all(problem.message.isprintable() and len(problem.message) < 500 for problem in result.problems)


@given(st.text() | st.binary())
@example("\ud800")
@example("a: \x85\u2028b")
def test_any_text_or_bytes_is_a_config_or_a_config_error(text: str | bytes) -> None:
    """Nothing but a ConfigError with printable problems in the order of the file comes out of bad input."""
    outcome(text)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(PARTS, max_size=25).map("".join))
def test_anything_that_looks_like_a_config_is_one_or_a_config_error(text: str) -> None:
    """The same for texts made of keys, traps and YAML's own signs."""
    outcome(text)


@settings(deadline=None)
@given(st.sampled_from(KEYS), st.sampled_from(KEYS), SCALARS)
def test_any_value_at_any_key_is_accepted_or_refused(group: str, key: str, value: str) -> None:
    """The same for every key with every trap."""
    outcome(f"spider: a.py\n{group}:\n  {key}: {value}\n")
    outcome(f"spider: a.py\n{group}: {value}\n")
    outcome(f"spider: a.py\n{group}: [{value}, {{{key}: {value}}}]\n")


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_python_values_are_a_config_or_a_config_error(values: dict[str, Any]) -> None:
    """The library's way in never raises anything else either."""
    result = attempt(lambda: from_kwargs(values))
    if isinstance(result, ConfigError):
        assert result.problems
        assert all(problem.message and not problem.file for problem in result.problems)
