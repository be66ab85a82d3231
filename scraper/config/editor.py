"""The JSON Schema that editors need: what may be written into a file, from the groups of keys and their kinds.

A file may hold `${NAME}` wherever a scalar stands, a single value for a list of one, and a path for an output. Nothing
here knows a key; all comes from the groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scraper.config.group import DERIVED, REQUIRED, Group, Key

__all__ = ["editor_form"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}
_ANY_TEXT = {"type": "string"}


def editor_form(
    group: type[Group], *, below: Iterable[type[Group]], title: str, required: Iterable[str]
) -> dict[str, Any]:
    """Return the schema of files that hold `group`, with the groups `below` it and the keys that a file must have."""
    top = _mapping(group)
    for key in required:
        del top["properties"][key]["default"]
    definitions = {each.__name__: _mapping(each) for each in sorted(below, key=lambda each: each.__name__)}
    return {"$schema": _DIALECT, **top, "title": title, "required": [*required], "$defs": definitions}


def _mapping(group: type[Group]) -> dict[str, Any]:
    required = [name for name, key in group.known.items() if key.default is REQUIRED]
    return {
        "additionalProperties": False,
        "description": group.__doc__,
        "properties": {name: _value(key) for name, key in group.known.items()},
        **({"required": required} if required else {}),
        "title": group.__name__,
        "type": "object",
    }


def _value(key: Key[Any]) -> dict[str, Any]:
    rule = _form(key.kind.json())
    if "$ref" in rule:
        return rule
    about: dict[str, Any] = {} if key.default in (REQUIRED, DERIVED) else {"default": _json(key.default)}
    about |= {"description": key.description, "title": key.name.replace("_", " ").title()}
    return {**about, **({"x-unit": key.unit} if key.unit else {}), **rule}


def _json(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _form(rule: dict[str, Any]) -> dict[str, Any]:
    """Return what may be written where a value has to follow `rule`."""
    if "anyOf" in rule:
        return {"anyOf": _flat(_form(each) for each in rule["anyOf"])}
    if rule.get("type") == "array":
        single = rule["items"]
        if "$ref" in single:
            single = {"anyOf": [single, _ANY_TEXT]}
        element = _form(single)
        return {"anyOf": _flat([{"type": "array", "items": element}, element, _VARIABLE])}
    if rule.get("type") == "object":
        return {**rule, "additionalProperties": _form(rule["additionalProperties"])}
    if rule == _ANY_TEXT or "$ref" in rule or rule.get("type") == "null":
        return rule
    return {"anyOf": [rule, _VARIABLE]}


def _flat(rules: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the alternatives of all `rules`, each once."""
    flat: list[dict[str, Any]] = []
    for rule in rules:
        flat += [each for each in (rule["anyOf"] if set(rule) == {"anyOf"} else [rule]) if each not in flat]
    return [rule for rule in flat if rule != _VARIABLE or _ANY_TEXT not in flat]
