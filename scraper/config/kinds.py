"""The kinds of single values a key can hold, and how each is read from a file's leaf and from a Python value.

Strict on purpose: a truth value is `true` or `false`, a whole number is decimal digits, a quoted scalar is text, and a
plain scalar that any version of YAML reads as something else is not text. Every refusal is a `fault`. No key, default
or file may enter this room.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Generic, TypeVar, cast

from scraper.config.faults import fault
from scraper.config.tree import Leaf, in_quotes
from scraper.config.units import Unit
from scraper.config.yaml11 import FALSE, TRUE, is_whole_number, reading

__all__ = ["ANY_COUNT", "Choice", "Flag", "Kind", "Quantity", "Text", "Whole", "stop_at_broken"]

ANY_COUNT = 10**12  # of pages, items, characters: more than one machine ever sees, and exact in every store
_MAX_DIGITS = 18  # of a whole number; longer ones are never meant
_CONTROL = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)))  # line breaks and terminal commands

T = TypeVar("T")
N = TypeVar("N", bound=float)


class Kind(Generic[T]):
    """One way to read a value, and how a JSON Schema tells it."""

    __slots__ = ()

    def read(self, value: Any) -> T:
        """Return the value that a file's node or a Python value stands for; raise a Refusal."""
        raise NotImplementedError

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        raise NotImplementedError


class Text(Kind[str]):
    """Text, which `check` may refuse with a fault or return in its canonical form."""

    __slots__ = ("check", "pattern")

    def __init__(self, check: Callable[[str], str] = str, *, pattern: str = "") -> None:
        self.check = check
        self.pattern = pattern  # for the JSON Schema; `check` decides

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
        return {"pattern": self.pattern, "type": "string"} if self.pattern else {"type": "string"}


_ANY_TEXT = Text()


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _text(leaf: Leaf) -> str:
    stop_at_broken(leaf)
    misread = reading(leaf.text) if leaf.plain and not leaf.whole else None
    if misread is None:
        return leaf.text
    if misread.value == "null":
        raise fault("there is no value here (null); write a text, or remove the key")
    cure = f"if it is text, put it in quotes{in_quotes(leaf.text)}"
    raise fault(f"{misread.version} reads {{shown}} as {misread.value}; {cure}")


def stop_at_broken(leaf: Leaf) -> None:
    """Refuse a leaf whose problem is reported already."""
    if leaf.broken:
        raise fault("")


class Choice(Kind[T]):
    """One of a few words."""

    __slots__ = ("words",)

    def __init__(self, *words: T) -> None:
        self.words = words

    def read(self, value: Any) -> T:
        """Return the word."""
        text = _ANY_TEXT.read(value)
        if text not in self.words:
            raise fault(f"{{shown}} is not possible here; write {' or '.join(map(str, self.words))}")
        return cast("T", text)

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"enum": list(self.words), "type": "string"}


class Flag(Kind[bool]):
    """A truth value: true or false, and nothing that only looks like it."""

    __slots__ = ()

    def read(self, value: Any) -> bool:
        """Return the truth value."""
        if isinstance(value, bool):
            return value
        if not isinstance(value, Leaf):
            raise fault("expected true or false, found {shown}")
        stop_at_broken(value)
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


class Whole(Kind[int]):
    """A whole number within bounds."""

    __slots__ = ("least", "most")

    def __init__(self, *, least: int = 0, most: int = ANY_COUNT) -> None:
        self.least = least
        self.most = most

    def read(self, value: Any) -> int:
        """Return the number."""
        number = _whole(value) if isinstance(value, Leaf) else value
        if isinstance(number, bool) or not isinstance(number, int):
            raise fault("expected a whole number, found {shown}")
        _within(number, self.least, self.most, str)
        return number

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"maximum": self.most, "minimum": self.least, "type": "integer"}


def _whole(leaf: Leaf) -> int:
    stop_at_broken(leaf)
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


class Quantity(Kind[N]):
    """A number with a unit; in Python also a plain number of the base unit."""

    __slots__ = ("least", "made", "most", "unit")

    def __init__(self, unit: Unit, made: type[N], *, least: float = 0, most: float) -> None:
        self.unit = unit
        self.made: type[N] = made  # int for sizes: there are no parts of a byte
        self.least = least
        self.most = most

    def read(self, value: Any) -> N:
        """Return the number in the base unit."""
        if isinstance(value, Leaf | str):
            number = self._parsed(_quantity(value) if isinstance(value, Leaf) else value)
        else:
            number = self._plain(value)
        _within(number, self.least, self.most, self.unit.spell)
        return self.made(round(number) if self.made is int else number)

    def _parsed(self, text: str) -> float:
        try:
            return self.unit.parse(text)
        except ValueError as error:
            private = f"{{shown}} is not a {self.unit.noun} with a unit; write e.g. {self.unit.example}"
            raise fault(str(error), private=private) from None

    def _plain(self, value: Any) -> float:
        numeric = isinstance(value, (int, self.made)) and not isinstance(value, bool)
        if not numeric or (isinstance(value, float) and not math.isfinite(value)):
            raise fault(f"expected a {self.unit.noun} such as {self.unit.example}, found {{shown}}")
        number: float = value
        return number

    def json(self) -> dict[str, Any]:
        """Return the JSON Schema; the only number without a unit is 0."""
        base = min(self.unit.factors, key=lambda unit: abs(self.unit.factors[unit] - 1))
        pattern = self.unit.pattern()
        return {"maximum": 0, "minimum": 0, "pattern": pattern, "type": ["string", "number"], "x-base-unit": base}


def _quantity(leaf: Leaf) -> str:
    stop_at_broken(leaf)
    misread = reading(leaf.text) if leaf.plain and not leaf.whole else None
    if misread and misread.value == "null":
        raise fault("there is no value here (null); write one, or remove the key")
    if misread and (misread.version != "YAML" or misread.value in ("infinity", "not-a-number", TRUE, FALSE)):
        raise fault(f"{misread.version} reads {{shown}} as {misread.value}; write plain digits and a unit")
    return leaf.text
