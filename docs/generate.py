"""Write docs/config.md from the config's keys: `python docs/generate.py`.

Every key, default, unit and reason comes from `scraper.config.schema` and from nowhere else; only the introduction
stands here. A test fails when the page is older than the keys. No key's name or value may be written down here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scraper.config.schema import Config, json_schema

__all__ = ["PAGE", "page"]

_WITH_UNIT = ("duration", "size", "share")  # written with their unit; others are plain counts

PAGE = Path(__file__).with_name("config.md")

INTRODUCTION = """\
# Every key of the config

This page is made by `python docs/generate.py` from `scraper/config/schema.py`; change it there.
`scrape schema` prints the same as a JSON Schema, for editors. `scrape check config.yaml` tells what a file means.

* **One file is one crawl.** Only `spider` is required, in a file. An unknown key is an error that names the nearest
  known one. All mistakes are reported at once, each with line and column, and nothing is fetched.
* **Paths** are relative to the config file, not to the working directory.
* **A number has its unit**: durations `250ms` `10s` `5m` `2h` `1d`, sizes `512KiB` `16MiB` `1GB`, shares `20%`. Only 0
  needs none. From Python, plain numbers are seconds, bytes and parts of one.
* **A list of one** may be written without brackets. `null` is possible only where this page says so.
* **The traps of YAML are closed.** `no`, `on`, `12:30`, `0777` and `1_000` mean different things to different readers
  of YAML, so they are refused with the cure. Tags, merge keys and a second document are refused too.
* **Secrets come from the environment**: `${NAME}`, or `${NAME:-default}` (also used when the variable is empty). A list
  may be one variable, split at its commas. What a variable held is never shown in a message. `$${` is a literal `${`.
* **`practice-shop` as the only seed** crawls a shop that the program serves itself, on loopback.
* **The name says where the memory is**: the folder `state`/`name`. Two config files in one folder need two names, or
  each goes on with what the other one left.
"""

EXAMPLE = """\
## All defaults, written out

This file means the same as its first two keys alone, except for the output, which has no default.

```yaml
"""


def page() -> str:
    """Return the text of the page."""
    schema = json_schema()
    groups = {name: _properties(schema, name) for name in Config.known}
    parts = [INTRODUCTION, "\n## Top level\n\n", *_table(schema["properties"], skip=groups)]
    for name, properties in groups.items():
        if properties:
            parts += [f"\n## {name}\n\n{_about(schema, name)}\n\n", *_table(properties)]
    parts += ["\n", EXAMPLE, *_example(schema["properties"], groups), "```\n"]
    return "".join(parts)


def _group(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the definition of what is below the key `name`; nothing when it holds a plain value."""
    found = _reference(schema["properties"][name])
    definition: Mapping[str, Any] = schema["$defs"][found.rpartition("/")[2]] if found else {}
    return definition


def _properties(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    keys: Mapping[str, Any] = _group(schema, name).get("properties", {})
    return keys


def _about(schema: Mapping[str, Any], name: str) -> str:
    """Return the description of a group: the key's own, or that of what is below it."""
    return str({**_group(schema, name), **schema["properties"][name]}["description"])


def _reference(rule: Any) -> str:
    """Return the first $ref inside of `rule`, "" when there is none."""
    if isinstance(rule, Mapping):
        if "$ref" in rule:
            return str(rule["$ref"])
        rule = list(rule.values())
    return next(filter(None, map(_reference, rule)), "") if isinstance(rule, list) else ""


def _table(properties: Mapping[str, Any], skip: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Yield a table of keys; groups, which have a table of their own, are linked."""
    yield "| key | default | value | what it does, and why |\n| --- | --- | --- | --- |\n"
    for name, rule in properties.items():
        group = bool(skip and skip[name])
        default = f"see [{name}](#{name})" if group else f"`{_written(rule['default'])}`" if "default" in rule else ""
        about = "a group of keys" if "description" not in rule else _safe(rule["description"])
        yield f"| `{name}` | {default} | {'' if group else _kind(rule)} | {about} |\n"


def _kind(rule: Mapping[str, Any]) -> str:
    """Return what may stand at a key, in a word or two."""
    if "x-unit" in rule:
        unit = str(rule["x-unit"])
        return unit if unit in _WITH_UNIT else f"number of {unit}"
    forms = [form for form in rule.get("anyOf", [rule]) if "${" not in form.get("pattern", "").replace("\\", "")]
    if words := next((form["enum"] for form in forms if "enum" in form), None):
        return " or ".join(f"`{word}`" for word in words)
    types = {str(form.get("type")) for form in forms}
    names = {"boolean": "true or false", "array": "list", "object": "mapping", "string": "text"}
    return next((words for kind, words in names.items() if kind in types), "")


def _written(value: Any) -> str:
    """Return a default as YAML has it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case tuple() | list():
            return f"[{', '.join(map(_written, value))}]"
        case {}:
            return "{}"
    return str(value)


def _safe(text: str) -> str:
    return text.replace("|", "\\|")


def _example(properties: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "spider: spiders/books.py:Books\nseeds: https://example.org/\n"
    for name, rule in properties.items():
        if groups[name]:
            keys = {key: each["default"] for key, each in groups[name].items() if "default" in each}
            first = "" if len(keys) == len(groups[name]) else "  path: items.jsonl\n"
            yield f"{name}:\n{first}" + "".join(f"  {key}: {_written(value)}\n" for key, value in keys.items())
        elif "default" in rule and name not in ("spider", "seeds"):
            yield f"{name}: {_written(rule['default'])}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
