"""From pydantic's JSON Schema to the one that editors need: what may be written into the file, not what is read out.

A file may hold `${NAME}` wherever a scalar stands, a single value for a list of one, and a path for an output. Nothing
here knows a key; all comes from the models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["editor_form"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}
_ANY_TEXT = {"type": "string"}
_ABOUT = ("title", "description", "default", "x-unit")  # say something about a value, and restrict nothing


def editor_form(schema: Mapping[str, Any], *, title: str, required: Iterable[str]) -> dict[str, Any]:
    """Return `schema` as a schema of files, with the keys that a file must have."""
    definitions = {name: _mapping(each) for name, each in schema["$defs"].items()}
    top = _mapping(schema)
    for key in required:
        top["properties"][key] = _without_null(top["properties"][key])
    return {"$schema": _DIALECT, **top, "title": title, "required": [*required], "$defs": definitions}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    rules = [rule for rule in schema["anyOf"] if rule != {"type": "null"}]
    return {**{key: each for key, each in schema.items() if key != "default"}, "anyOf": rules}


def _mapping(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: _value(each) for name, each in schema["properties"].items()}
    return {**{key: each for key, each in schema.items() if key != "$defs"}, "properties": properties}


def _value(schema: Mapping[str, Any]) -> dict[str, Any]:
    about = {key: each for key, each in schema.items() if key in _ABOUT}
    return {**about, **_form({key: each for key, each in schema.items() if key not in _ABOUT})}


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
