"""The kinds of values that hold others: a value or null, a list, a mapping of texts.

A list of one may be a single value, and one variable may be a whole list. All that is wrong inside is gathered, each
fault with the path to it. No key, default or file may enter this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, TypeVar

import msgspec

from scraper.config.faults import KEY, Fault, Refusal, fault
from scraper.config.kinds import Kind, stop_at_broken
from scraper.config.tree import Leaf
from scraper.config.yaml11 import is_null

__all__ = ["InPython", "Many", "Nullable", "Texts", "elements", "mapping"]

T = TypeVar("T")


class InPython(Kind[T | None]):
    """A value, or None in Python alone: in a file null is as odd here as it is for any text."""

    __slots__ = ("kind",)

    def __init__(self, kind: Kind[T]) -> None:
        self.kind = kind

    def read(self, value: Any) -> T | None:
        """Return the value."""
        return None if value is None else self.kind.read(value)

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema: that of files."""
        return self.kind.json()


class Nullable(InPython[T]):
    """A value or null; a variable that is set to nothing means null as well."""

    __slots__ = ()

    def read(self, value: Any) -> T | None:
        """Return the value."""
        return None if _means_null(value) else super().read(value)

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"anyOf": [self.kind.json(), {"type": "null"}]}


class Many(Kind[tuple[T, ...]]):
    """A list; a single value is a list of one, a whole ${…} is split at its commas."""

    __slots__ = ("kind",)

    def __init__(self, kind: Kind[T]) -> None:
        self.kind = kind

    def read(self, value: Any) -> tuple[T, ...]:
        """Return the elements."""
        read: list[T] = []
        faults: list[Fault] = []
        for at, each in enumerate(self.split(value)):
            try:
                read.append(self.kind.read(each))
            except Refusal as refusal:
                faults += refusal.below(at)
        if faults:
            raise Refusal(*faults)
        return tuple(read)

    def split(self, value: Any) -> tuple[Any, ...]:
        """Return what the elements are to be read from."""
        return elements(value)

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"items": self.kind.json(), "type": "array"}


class Texts(Kind[Mapping[str, str]]):
    """A mapping of names to texts, which the author chooses both."""

    __slots__ = ("name", "text")

    def __init__(self, name: Kind[str], text: Kind[str]) -> None:
        self.name = name
        self.text = text

    def read(self, value: Any) -> Mapping[str, str]:
        """Return the mapping."""
        faults: list[Fault] = []
        texts: dict[str, str] = {}
        for key, each in mapping(value).items():
            name = text = ""
            try:
                name = self.name.read(key)
            except Refusal as refusal:
                faults += refusal.below(key, KEY)
            try:
                text = self.text.read(each)
            except Refusal as refusal:
                faults += refusal.below(key)
            texts[name] = text
        if faults:
            raise Refusal(*faults)
        return texts

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"additionalProperties": self.text.json(), "type": "object"}


def mapping(value: Any) -> Mapping[Any, Any]:
    """Return a mapping as it is; refuse anything else."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, Leaf):
        stop_at_broken(value)
        if _means_null(value):
            raise fault("there are no keys below this one; write some, or remove it")
    raise fault("expected keys with values (a mapping), found {shown}")


def elements(value: Any) -> tuple[Any, ...]:
    """Return a list's elements; a single value is a list of one, a whole ${…} is split at its commas."""
    if isinstance(value, Leaf) and value.whole and not value.broken:
        parts = [msgspec.structs.replace(value, text=part.strip()) for part in value.text.split(",")]
        return tuple(part for part in parts if part.text)
    if isinstance(value, Leaf):
        if _means_null(value):
            raise fault("there is no value here (null); write [] for an empty list, or remove the key")
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(value)
    if isinstance(value, str | PurePath):
        return (value,)
    raise fault("expected a list, found {shown}")


def _means_null(value: Any) -> bool:
    return isinstance(value, Leaf) and value.plain and not value.broken and is_null(value.text)
