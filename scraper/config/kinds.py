"""The kinds of values a key can hold, and how each is read from a file's leaf and from a Python value.

Strict on purpose: a truth value is `true` or `false`, a whole number is decimal digits, a quoted scalar is text, and a
plain scalar that any version of YAML reads as something else is not text. Every refusal is a `fault`: its message may
hold {shown}, which stands for the value as it may be quoted. No key, default or file may enter this room.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from scraper.config.tree import Leaf, in_quotes
from scraper.config.units import Unit
from scraper.config.yaml11 import FALSE, TRUE, is_null, is_whole_number, reading

__all__ = [
    "ANY_COUNT",
    "FAULT",
    "GROUP",
    "LIST",
    "NULL",
    "OUTPUT",
    "OUTPUTS",
    "Choice",
    "Flag",
    "Quantity",
    "Text",
    "Whole",
    "fault",
]

FAULT = "config"  # the type of all errors that this package's kinds raise
ANY_COUNT = 10**12  # of pages, items, characters: more than one machine ever sees, and exact in every store
_MAX_DIGITS = 18  # of a whole number; longer ones are never meant
_CONTROL = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)))  # line breaks and terminal commands


def fault(message: str, *, private: str = "", instead: str = "", inside: tuple[str | int, ...] = ()) -> Exception:
    """Return the error for a wrong value.

    `private` replaces a message that quotes the value when that came from the environment; `instead` names the key
    beside this one, and `inside` the path below it, at which the author can repair it.
    """
    context = {"message": message, "private": private, "instead": instead, "inside": inside}
    return PydanticCustomError(FAULT, "{message}", context)


class _Kind:
    """One way to read a value, as pydantic calls it and as a JSON Schema tells it."""

    def read(self, value: Any) -> Any:
        raise NotImplementedError

    def json(self) -> dict[str, Any]:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return self.json()


@dataclass(frozen=True, slots=True)
class Text(_Kind):
    """Text, which `check` may refuse with a fault or return in its canonical form."""

    check: Callable[[str], str] = str
    pattern: str = field(default="", kw_only=True)  # for the JSON Schema; `check` decides

    def read(self, value: Any) -> str:
        """Return the text of a leaf, of a Python str or of a path."""
        text = _text(value) if isinstance(value, Leaf) else str(value) if isinstance(value, PurePath) else value
        if not isinstance(text, str):
            raise fault("expected a text, found {shown}")
        if not _CONTROL.isdisjoint(text) or not _encodable(text):
            raise fault("the text holds a line break or another character that cannot be printed; remove it")
        return self.check(text)

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "string", "pattern": self.pattern} if self.pattern else {"type": "string"}


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _text(leaf: Leaf) -> str:
    _stop_at_broken(leaf)
    misread = reading(leaf.text) if leaf.plain and not leaf.whole else None
    if misread is None:
        return leaf.text
    if misread.value == "null":
        raise fault("there is no value here (null); write a text, or remove the key")
    cure = f"if it is text, put it in quotes{in_quotes(leaf.text)}"
    raise fault(f"{misread.version} reads {{shown}} as {misread.value}; {cure}")


def _stop_at_broken(leaf: Leaf) -> None:
    if leaf.broken:
        raise fault("")


@dataclass(frozen=True, slots=True)
class Choice(_Kind):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: Any) -> str:
        """Return the word."""
        text = Text().read(value)
        if text not in self.words:
            raise fault(f"{{shown}} is not possible here; write {' or '.join(self.words)}")
        return text

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Flag(_Kind):
    """A truth value: true or false, and nothing that only looks like it."""

    def read(self, value: Any) -> bool:
        """Return the truth value."""
        if isinstance(value, bool):
            return value
        if not isinstance(value, Leaf):
            raise fault("expected true or false, found {shown}")
        _stop_at_broken(value)
        if value.plain and value.text in (TRUE, FALSE):
            return value.text == TRUE
        if value.quoted and value.text in (TRUE, FALSE):
            raise fault(f"{{shown}} is in quotes and so a text; write {value.text} without quotes")
        misread = reading(value.text) if value.plain and not value.whole else None
        if misread and misread.value in (TRUE, FALSE):
            raise fault(f"only YAML 1.1 reads {{shown}} as {misread.value}; write true or false")
        raise fault("{shown} is not a truth value; write true or false")

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole(_Kind):
    """A whole number within bounds."""

    least: int = field(default=0, kw_only=True)
    most: int = field(default=ANY_COUNT, kw_only=True)

    def read(self, value: Any) -> int:
        """Return the number."""
        number = _whole(value) if isinstance(value, Leaf) else value
        if isinstance(number, bool) or not isinstance(number, int):
            raise fault("expected a whole number, found {shown}")
        _within(number, self.least, self.most, str)
        return number

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


def _whole(leaf: Leaf) -> int:
    _stop_at_broken(leaf)
    simple = is_whole_number(leaf.text)
    if leaf.quoted and simple:
        raise fault("{shown} is in quotes and so a text; write the number without quotes")
    if leaf.plain and simple and len(leaf.text) <= _MAX_DIGITS:
        return int(leaf.text)
    if leaf.plain and simple:
        raise fault("{shown} is too long for a number")
    misread = reading(leaf.text) if leaf.plain and not leaf.whole else None
    if misread and misread.number:
        raise fault(f"{misread.version} reads {{shown}} as {misread.value}; write it in plain digits: {misread.number}")
    if misread:
        raise fault(f"{misread.version} reads {{shown}} as {misread.value}; write a whole number in plain digits")
    raise fault("{shown} is not a whole number; write it in plain digits")


def _within(number: float, least: float, most: float, spell: Callable[[Any], str]) -> None:
    if number < least:
        raise fault(f"{{shown}} is too small; write {spell(least)} or more")
    if number > most:
        raise fault(f"{{shown}} is too large; write {spell(most)} or less")


@dataclass(frozen=True, slots=True)
class Quantity(_Kind):
    """A number with a unit; in Python also a plain number of the base unit."""

    unit: Unit
    least: float = field(default=0, kw_only=True)
    most: float = field(kw_only=True)
    whole: bool = field(default=False, kw_only=True)  # sizes: there are no parts of a byte

    def read(self, value: Any) -> float:
        """Return the number in the base unit."""
        if isinstance(value, Leaf | str):
            number = self._parsed(_quantity(value) if isinstance(value, Leaf) else value)
        else:
            number = self._plain(value)
        _within(number, self.least, self.most, self.unit.spell)
        return round(number) if self.whole else float(number)

    def _parsed(self, text: str) -> float:
        try:
            return self.unit.parse(text)
        except ValueError as error:
            private = f"{{shown}} is not a {self.unit.noun} with a unit; write e.g. {self.unit.example}"
            raise fault(str(error), private=private) from None

    def _plain(self, value: Any) -> float:
        numeric = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        if not numeric or (isinstance(value, float) and not math.isfinite(value)):
            raise fault(f"expected a {self.unit.noun} such as {self.unit.example}, found {{shown}}")
        number: float = value
        return number

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema; the only number without a unit is 0."""
        form = {"type": ["string", "number"], "pattern": self.unit.pattern(), "maximum": 0}
        return form | {"minimum": 0, "x-base-unit": min(self.unit.factors, key=lambda u: abs(self.unit.factors[u] - 1))}


def _quantity(leaf: Leaf) -> str:
    _stop_at_broken(leaf)
    misread = reading(leaf.text) if leaf.plain and not leaf.whole else None
    if misread and misread.value == "null":
        raise fault("there is no value here (null); write one, or remove the key")
    if misread and (misread.version != "YAML" or misread.value in ("infinity", "not-a-number", TRUE, FALSE)):
        raise fault(f"{misread.version} reads {{shown}} as {misread.value}; write plain digits and a unit")
    return leaf.text


def _null(value: Any) -> Any:
    """Return None for null; a variable that is set to nothing means null as well."""
    return None if isinstance(value, Leaf) and value.plain and not value.broken and is_null(value.text) else value


def _list(value: Any) -> tuple[Any, ...]:
    """Return a list's elements; a single value is a list of one, a whole ${…} is split at its commas."""
    if isinstance(value, Leaf) and value.whole and not value.broken:
        parts = [replace(value, text=part.strip()) for part in value.text.split(",")]
        return tuple(part for part in parts if part.text)
    if isinstance(value, Leaf):
        if value.plain and is_null(value.text) and not value.broken:
            raise fault("there is no value here (null); write [] for an empty list, or remove the key")
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(value)
    if isinstance(value, str | PurePath):
        return (value,)
    raise fault("expected a list, found {shown}")


def _outputs(value: Any) -> tuple[Any, ...]:
    """Return the outputs; a single one, mapping or text, is a list of one."""
    return (value,) if isinstance(value, Mapping | BaseModel) else _list(value)


def _group(value: Any) -> Any:
    """Return a group of keys as it is; refuse anything that is no mapping."""
    if isinstance(value, Mapping | BaseModel):
        return value
    if isinstance(value, Leaf):
        _stop_at_broken(value)
    if isinstance(value, Leaf) and value.plain and is_null(value.text):
        raise fault("there are no keys below this one; write some, or remove it")
    raise fault("expected keys with values (a mapping), found {shown}")


def _output(value: Any) -> Any:
    """Return an output's mapping; a text alone is its path."""
    return {"path": value} if isinstance(value, Leaf | str | PurePath) else _group(value)


NULL = BeforeValidator(_null)
LIST = BeforeValidator(_list)
OUTPUTS = BeforeValidator(_outputs)
GROUP = BeforeValidator(_group)
OUTPUT = BeforeValidator(_output)
