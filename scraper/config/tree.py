"""What a config file says before anybody knows what it means: texts in mappings and lists, each with its place.

A `Leaf` is never a number or a truth value; which one it is depends on the key that it stands at, and the kinds decide
that. Values that came from the environment carry the names of their variables, and `show` names those instead of
the value, so a secret cannot get into a message. No YAML library and no meaning of any key may enter this room.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

__all__ = [
    "Leaf",
    "Listing",
    "Node",
    "Spot",
    "Step",
    "Table",
    "dotted",
    "in_quotes",
    "leaves",
    "locate",
    "show",
    "touches_environment",
]

SHOWN_CHARACTERS = 60  # of a foreign text in a message; a line of a terminal has room for the rest
Step: TypeAlias = str | int


class Leaf(msgspec.Struct, frozen=True):
    """One scalar of a file, after substitution of its variables."""

    text: str
    line: int
    column: int
    quoted: bool = False  # quoted or a block: always text
    variables: tuple[str, ...] = ()  # whose values are in the text
    whole: bool = False  # the file's text is exactly one ${…}
    mixed: bool = False  # the file's text is ${…} and something else
    broken: bool = False  # its problem is reported already

    @property
    def plain(self) -> bool:
        """Tell whether the text may be a number, a truth value or null."""
        return not self.quoted and not self.mixed


class Table(dict[str, "Node"]):
    """A mapping of a file; knows where it begins and where its keys stand."""

    __slots__ = ("column", "keys_at", "line")

    def __init__(self, line: int, column: int) -> None:
        super().__init__()
        self.line = line
        self.column = column
        self.keys_at: dict[str, tuple[int, int]] = {}


class Listing(list["Node"]):
    """A list of a file; knows where it begins."""

    __slots__ = ("column", "line")

    def __init__(self, line: int, column: int) -> None:
        super().__init__()
        self.line = line
        self.column = column


Node: TypeAlias = Leaf | Table | Listing


def leaves(node: Any) -> Iterator[Leaf]:
    """Yield every scalar at and below `node`."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, dict | list):
        for below in node.values() if isinstance(node, dict) else node:
            yield from leaves(below)


class Spot(msgspec.Struct, frozen=True):
    """Where a path of keys leads: the deepest node that exists, and the steps that led to it."""

    node: Any
    steps: tuple[Step, ...]
    missing: tuple[Step, ...]  # steps that the file does not have
    line: int  # 0 for Python values
    column: int


def locate(root: Any, path: tuple[Step, ...]) -> Spot:
    """Follow `path` down from `root`; a number is skipped where a single value stands for a list of one."""
    node = root
    taken: list[Step] = []
    for at, step in enumerate(path):
        has = step in node if isinstance(node, dict) else _reaches(node, step)
        if not has and isinstance(step, int):
            continue
        if not has:
            return _spot(node, tuple(taken), path[at:])
        node = node[step]
        taken.append(step)
    return _spot(node, tuple(taken), ())


def _reaches(node: Any, step: Step) -> bool:
    return isinstance(node, list | tuple) and isinstance(step, int) and step < len(node)


def _spot(node: Any, taken: tuple[Step, ...], missing: tuple[Step, ...]) -> Spot:
    line, column = (node.line, node.column) if isinstance(node, Leaf | Table | Listing) else (0, 0)
    return Spot(node, steps=taken, missing=missing, line=line, column=column)


def show(value: object) -> str:
    """Return `value` as a message may quote it: short, on one line, without anything from the environment."""
    if isinstance(value, Leaf):
        return _show_leaf(value)
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool | int | float | str):
        return _cut(repr(value))
    return f"a value of the type {type(value).__name__}"


def _show_leaf(leaf: Leaf) -> str:
    if leaf.variables:
        names = " and ".join(f"${{{name}}}" for name in leaf.variables)
        return f"the value of {names}" if leaf.whole else f"the value with {names}"
    if not leaf.quoted and leaf.text.isprintable() and leaf.text:
        return _cut(leaf.text)
    return _cut(repr(leaf.text))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def in_quotes(text: str) -> str:
    """Return how to write plain `text` as text, for the end of a message; nothing when it is too long to show."""
    return f": '{text}'" if len(text) <= SHOWN_CHARACTERS else ""


def touches_environment(node: object) -> bool:
    """Tell whether quoting `node` would show a value from the environment."""
    return isinstance(node, Leaf) and bool(node.variables)


def dotted(path: tuple[Step, ...]) -> str:
    """Return `path` as messages name it: output.0.path."""
    return ".".join(_part(step) for step in path)


def _part(step: Step) -> str:
    text = str(step)
    return text if text.isprintable() and len(text) <= SHOWN_CHARACTERS else _cut(repr(text)[1:-1])
