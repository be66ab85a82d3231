"""What a key and a group of keys are: a default, what it counts, and why it is the default.

The groups themselves stand in `schema` and `scoping`: they are frozen and complete, and refuse what is not a key of
theirs. No key's name and no value may enter here.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

__all__ = ["Group", "key", "keys"]


def key(default: Any, description: str, unit: str = "") -> Any:
    """Return a key's default, its description and what it counts."""
    extra: dict[str, JsonValue] = {"x-unit": unit} if unit else {}
    return Field(default=default, validate_default=True, description=description, json_schema_extra=extra)


def keys(group: type[BaseModel]) -> Any:
    """Return a group of keys as a key, described by its docstring."""
    return Field(default_factory=group, description=group.__doc__)


class Group(BaseModel):
    """Keys that belong together: frozen, complete, and nothing beside them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
