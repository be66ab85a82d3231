"""What a spider may yield as data, and its plain record form.

An item is a dict, dataclass, TypedDict, msgspec Struct, attrs class or pydantic model. It becomes a record: a dict of
JSON data with text keys, valid UTF-8, no NaN or Infinity (JSON has no such numbers). Sinks see records only.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from scraper.errors import ItemError
from scraper.urls import Url

__all__ = ["Record", "is_item", "size_of", "to_record", "weighed"]

Record: TypeAlias = dict[str, Any]

_TEXT = frozenset((str,))
_TEXTS = frozenset((str, Url))
_NESTS = frozenset((list, tuple, dict, set, frozenset))
_PLAIN: tuple[Any, ...] = (str, int, float, bytes, dict, list, tuple)  # msgspec takes them, but no subclasses
MAX_INT_BITS = 14_000  # about the 4,300 digits that Python itself is willing to write out
MAX_BYTES = 16 * 1024 * 1024  # of an item, encoded; as much as a page may have
USUAL_DEPTH = 8  # levels of nesting of an item that is copied without being weighed first
USUAL_SIZE = 262_144  # characters and entries of such an item, those that are there twice counted twice
_SMALL = "yield many small items"
MAX_DEPTH = 64  # levels of nesting in an item; deeper ones are a loop or a mistake
_encode = msgspec.json.Encoder().encode


def is_item(value: object) -> bool:
    """Tell whether a callback may yield `value` as data."""
    return (
        type(value) is dict
        or isinstance(value, (dict, msgspec.Struct))
        or (dataclasses.is_dataclass(value) and not isinstance(value, type))
        or hasattr(type(value), "__attrs_attrs__")
        or hasattr(type(value), "model_dump")
    )


def to_record(item: object) -> Record:
    """Return `item` as plain JSON data; raise ItemError that names the field which cannot be written."""
    usual = _usual(item)
    return _converted(item) if usual is None else usual[0]


def weighed(item: object) -> tuple[Record, int]:
    """Return the record of `item`, and the bytes of that as JSON; raise ItemError as `to_record` and `size_of` do."""
    usual = _usual(item)
    if usual is None:
        record = _converted(item)
        usual = record, size_of(record)
    return usual


def _usual(item: object) -> tuple[Record, int] | None:
    """Return record and size of a dict of what most items are made of; None for anything else, whether good or bad."""
    if type(item) is not dict or not _TEXT.issuperset(map(type, item)):
        return None
    record = item.copy()
    room = [USUAL_SIZE]
    try:
        for name, value in item.items():
            if type(value) is not str:
                record[name] = _copied(value, 1, room)
        size = len(_encode(record))  # which also finds texts with lone surrogates
    except (_UnusualError, UnicodeEncodeError):
        return None
    return (record, size) if size <= MAX_BYTES else None


class _UnusualError(Exception):
    """Something that takes a closer look."""


def _copied(value: Any, depth: int, room: list[int]) -> Any:
    """Return a copy of a value `depth` levels deep, or raise _UnusualError; `room`: what is left of the item's size."""
    kind = type(value)
    if kind is list or kind is dict:
        room[0] -= len(value)
        if room[0] >= 0 and depth < USUAL_DEPTH:
            return _copied_list(value, depth + 1, room) if kind is list else _copied_dict(value, depth + 1, room)
    elif kind is Url or kind is str:
        room[0] -= len(value)
        if room[0] >= 0:
            return str(value)
    elif kind is float:
        if value - value == 0.0:  # infinity less infinity is none, and so is what is no number
            return value
    elif (kind is int and value.bit_length() <= MAX_INT_BITS) or kind is bool or value is None:
        return value
    raise _UnusualError


def _copied_list(values: list[Any], depth: int, room: list[int]) -> list[Any]:
    if _TEXTS.issuperset(map(type, values)):
        room[0] -= sum(map(len, values))
        if room[0] < 0:
            raise _UnusualError
        return list(map(str, values))
    return [_copied(value, depth, room) for value in values]


def _copied_dict(fields: dict[Any, Any], depth: int, room: list[int]) -> Record:
    if not _TEXT.issuperset(map(type, fields)):
        raise _UnusualError
    room[0] -= sum(map(len, fields))
    return {key: _copied(value, depth, room) for key, value in fields.items()}


def _converted(item: object) -> Record:
    """Return the record of any item, looking at all of it."""
    if type(item) is dict and any(type(value) in _NESTS for value in item.values()):
        _weigh(item)
    try:
        plain = msgspec.to_builtins(item, enc_hook=_foreign)
    except Exception as error:  # a model may raise anything
        raise ItemError(_blame(item, error)) from None
    if not isinstance(plain, dict):
        raise ItemError(f"{type(item).__name__} is not an item: yield a dict, a dataclass or a model")
    return _keyed(plain, "", 1)


def _keyed(plain: dict[Any, Any], path: str, depth: int) -> Record:
    """Return a dict with text keys, as JSON has them; raise ItemError when two of them become one."""
    made: Record = {}
    for key, value in plain.items():
        name = _text(key) if type(key) is str else _key(key, path)
        made[name] = _checked(value, f"{path}.{name}" if path else name, depth)
    if len(made) != len(plain):
        raise ItemError(f"field {path!r} has two keys that are one in JSON")
    return made


def _key(key: Any, path: str) -> str:
    """Return a key that is no text as JSON writes such a value."""
    if isinstance(key, str):
        return str(key)
    if key is not None and not isinstance(key, (int, float)):
        raise ItemError(f"field {path!r} has a key that is {type(key).__name__}; make it text")
    return msgspec.json.encode(_checked(key, f"{path} (a key)".strip(), 1)).decode()


def _weigh(item: dict[Any, Any]) -> None:
    """Raise ItemError for an item whose JSON would be too large, before any of it is made.

    A list may hold one value ten thousand times and weigh nothing; written out, each of them counts.
    """
    room = MAX_BYTES
    for name, value in item.items():
        level: list[Any] = [value]
        for _ in range(MAX_DEPTH):
            below: list[Any] = []
            for inner in level:
                kind: type = type(inner)
                if kind is str or kind in _NESTS:
                    room -= len(inner)
                if room < 0:
                    raise ItemError(f"field {name!r} makes the item larger than {MAX_BYTES:,} bytes; {_SMALL}")
                if kind in _NESTS:
                    below.extend(inner.values() if kind is dict else inner)
            if not below:
                break
            level = below


def size_of(record: Record) -> int:
    """Return the bytes of a record as JSON; raise ItemError that names the largest field of one that is too large."""
    size = len(_encode(record))
    if size > MAX_BYTES:
        name, value = max(record.items(), key=lambda field: len(_encode(field[1])))
        largest = len(_encode(value))
        raise ItemError(f"field {name!r} has {largest:,} bytes, and an item may have {MAX_BYTES:,} in all; {_SMALL}")
    return size


def _foreign(value: Any) -> Any:
    """Turn what msgspec does not know into what it does: subclasses of text and numbers, pydantic models."""
    for plain in _PLAIN:
        if isinstance(value, plain):
            return plain(value)
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="python")
    raise NotImplementedError(f"{type(value).__name__} objects cannot be written as JSON; make it text or a number")


def _checked(value: Any, path: str, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if kind is float:
        if not math.isfinite(value):
            raise ItemError(f"field {path!r} is {value}, and JSON has no such number; use None")
        return value
    if kind is int:
        if value.bit_length() > MAX_INT_BITS:
            raise ItemError(f"field {path!r} is an integer of {value.bit_length():,} bits; make it text")
        return value
    if depth > MAX_DEPTH:
        raise ItemError(f"field {path!r} is nested more than {MAX_DEPTH} levels deep")
    if kind is list or kind is tuple:
        return [_checked(entry, f"{path}[{n}]", depth + 1) for n, entry in enumerate(value)]
    if kind is dict:
        return _keyed(value, path, depth + 1)
    return value


def _text(value: str) -> str:
    """Return `value` as valid Unicode: lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _blame(item: object, error: Exception) -> str:
    """Find the field that made `error`, trying them one by one; only ever called for an item that failed."""
    for name, value in _fields(item):
        try:
            msgspec.to_builtins(value, enc_hook=_foreign, str_keys=True)
        except Exception as cause:
            return f"field {name!r} of {type(item).__name__}: {_said(cause)}"
    return f"{type(item).__name__}: {_said(error)}"


def _said(error: Exception) -> str:
    """Return what an error says; those that mean no value have to be named."""
    plain = isinstance(error, (TypeError, ValueError, RecursionError, NotImplementedError)) and str(error)
    return str(error) if plain else f"{type(error).__name__} {error}".strip()


def _fields(item: object) -> list[tuple[str, Any]]:
    if isinstance(item, Mapping):
        return [(_shown(key), value) for key, value in item.items()]
    kind = type(item)
    names = getattr(kind, "model_fields", None) or getattr(kind, "__struct_fields__", None)
    names = names or getattr(kind, "__slots__", None) or [name for name in vars(item) if not name.startswith("_")]
    return [(name, getattr(item, name)) for name in names if hasattr(item, name)]


def _shown(key: Any) -> str:
    """Return a key as text for a message; Python itself refuses to write out a very long number."""
    too_long = isinstance(key, int) and key.bit_length() > MAX_INT_BITS
    return "a long number" if too_long else str(key)
