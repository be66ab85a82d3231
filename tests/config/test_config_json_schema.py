"""The JSON Schema that editors use: complete, and of one mind with the loader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from scraper.config.load import parse
from scraper.config.schema import json_schema, known_keys
from scraper.errors import ConfigError

SCHEMA = json_schema()
EXAMPLES = [
    "{spider: a.py, seeds: practice-shop, output: items.jsonl}",
    "{spider: a.py, seeds: [http://a.example/], output: {path: a.csv, fields: [a], mode: append}}",
    "{spider: a.py, limits: {pages: null, time: 2h, items: 7}, politeness: {delay: 0, jitter: 12.5%, robots: ignore}}",
    "spider: a.py\nlimits:\n  pages: ${N:-1}\nfetch:\n  verify_tls: ${V:-true}\n  max_body: ${M:-1MB}\n",
    "{spider: 'a.b:C', fetch: {verify_tls: false, headers: {A: b}, max_body: 1.5MiB}}",
    "{spider: a.py, scope: {hosts: a.example, subdomains: true, depth: 0, allow: [a, b]}, state: x, name: z}",
    "{spider: a.py, output: [a.csv, {path: b.txt, format: jsonl, gzip: true}], commit: {durability: power}}",
    "{spider: a.py, fetch: {connect_to: {a.example: '127.0.0.1:80'}}, retry: {times: 0}, shutdown: {drain: 0}}",
]
REFUSED = [
    "{}",
    "{spider: a.py, dealy: 1}",
    "{spider: a.py, retry: {times: -1}}",
    "{spider: a.py, retry: {times: '3'}}",
    "{spider: a.py, politeness: {delay: 10}}",
    "{spider: a.py, politeness: {delay: 10min}}",
    "{spider: a.py, politeness: {robots: maybe}}",
    "{spider: a.py, fetch: {verify_tls: 1}}",
    "{spider: a.py, fetch: {max_body: 16}}",
    "{spider: a.py, output: {mode: append}}",
    "{spider: a.py, name: a b}",
    "{spider: null}",
    "{spider: a.py, state: null}",
]
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip


def fits(value: Any, rule: dict[str, Any]) -> bool:
    """Check `value` by the keywords of JSON Schema that this schema uses."""
    if "$ref" in rule:
        return fits(value, SCHEMA["$defs"][rule["$ref"].rpartition("/")[2]])
    if "anyOf" in rule and not any(fits(value, each) for each in rule["anyOf"]):
        return False
    if "type" in rule:
        names = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        if not any(
            isinstance(value, TYPES[name]) and (name == "boolean" or value is not bool(value)) for name in names
        ):
            return False
    if "enum" in rule and value not in rule["enum"]:
        return False
    if isinstance(value, str):
        return re.search(rule.get("pattern", ""), value) is not None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(rule.get("minimum", value) <= value <= rule.get("maximum", value))
    if isinstance(value, list):
        return all(fits(each, rule.get("items", {})) for each in value)
    return not isinstance(value, dict) or fits_object(value, rule)


def fits_object(value: dict[str, Any], rule: dict[str, Any]) -> bool:
    properties, others = rule.get("properties", {}), rule.get("additionalProperties", True)
    for key, each in value.items():
        known = properties.get(key, others)
        if known is False or (known is not True and not fits(each, known)):
            return False
    return all(key in value for key in rule.get("required", ()))


def leaves() -> Iterator[tuple[str, dict[str, Any]]]:
    for group, rule in {"": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, each in rule["properties"].items():
            if "$ref" not in each:
                yield f"{group}.{key}", each


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_schema_accepts_what_the_loader_accepts(text: str) -> None:
    """An editor draws no line under a file that can be run."""
    assert fits(yaml.safe_load(text), SCHEMA)
    assert parse(text, "c.yaml", {})


@pytest.mark.parametrize("text", REFUSED)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    """An editor sees unknown keys, wrong types, missing units and bounds."""
    assert not fits(yaml.safe_load(text), SCHEMA)
    with pytest.raises(ConfigError):
        parse(text, "c.yaml", {})


def test_the_schema_is_json_of_a_known_dialect() -> None:
    """It can be written down, says which draft it is, has a title and requires the spider alone."""
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "The config of a crawl"
    assert SCHEMA["required"] == ["spider"]
    assert SCHEMA["additionalProperties"] is False


def test_every_key_is_described_with_its_default() -> None:
    """Each key has a sentence and a default; the few without one say in the sentence where it comes from."""
    found = dict(leaves())
    assert len(found) == 54
    for key, rule in found.items():
        assert len(rule["description"]) > 25, key
        assert rule["description"].endswith("."), key
        assert "default" in rule or re.search("Required|By default", rule["description"]), key
    assert [key for key, rule in found.items() if "default" not in rule] == [
        ".spider", "Output.path", "Output.format", "Output.gzip",
    ]  # fmt: skip


def test_defaults_are_values_that_a_file_may_hold() -> None:
    """Every default in the schema fits the schema of its own key, so it can be copied into a file."""
    for key, rule in leaves():
        assert "default" not in rule or fits(rule["default"], rule), key


def test_units_and_choices_are_in_the_schema() -> None:
    """What is counted is named, and words to choose from are listed."""
    found = dict(leaves())
    assert found["Politeness.delay"]["x-unit"] == "duration"
    assert found["Politeness.delay"]["default"] == "1s"
    assert found["Fetch.max_body"]["default"] == "16MiB"
    assert found["Commit.durability"]["anyOf"][0]["enum"] == ["process", "power"]
    for key, rule in found.items():
        numeric = any(each.get("type") == "integer" or "x-base-unit" in each for each in rule.get("anyOf", ()))
        assert ("x-unit" in rule) == numeric, key


def test_known_keys_are_the_keys_of_the_schema() -> None:
    """The names that hints are drawn from are those of the models."""
    assert known_keys()[""] == tuple(SCHEMA["properties"])
    for group, keys in known_keys().items():
        assert not group or keys == tuple(SCHEMA["$defs"][group.capitalize()]["properties"])
