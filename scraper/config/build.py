"""From a parser's events to a tree of leaves, mappings and lists, with every problem of form on the way.

Aliases share the node they name, and are counted as what they stand for, so a file that expands to millions of values
is refused before one of them is copied. A problem of form (a key twice, a tag, an unset variable) is noted and building
goes on; only what makes the rest meaningless ends it, with a ConfigError. No YAML library and no known key enter here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from scraper.config.tree import Leaf, Listing, Node, Step, Table, dotted, in_quotes, show
from scraper.config.variables import expand, unmask
from scraper.config.yaml11 import reading
from scraper.errors import ConfigError, ConfigProblem

__all__ = ["MAX_DEPTH", "MAX_NODES", "MAX_SUBSTITUTED", "Builder", "Place"]

MAX_DEPTH = 20  # mappings and lists inside each other; the keys that exist need 4
MAX_NODES = 50_000  # values after aliases; a file of the largest size that holds nothing but URLs has fewer
MAX_SUBSTITUTED = 1_000_000  # characters that variables may add up to: as large as a file may be
_CORE = "tag:yaml.org,2002:"
_MERGE = "<<"
Place: TypeAlias = tuple[int, int]  # line and column, 1-based


class _Frame(msgspec.Struct):
    """A mapping or list whose end has not come yet."""

    node: Table | Listing
    anchor: str | None
    begun_at: int  # values counted before it
    is_key: bool
    has_key: bool = False
    key: str | None = None  # None: the value belongs to no usable key

    @property
    def step(self) -> Step:
        return len(self.node) if isinstance(self.node, Listing) else self.key or "?"

    @property
    def wants_key(self) -> bool:
        return isinstance(self.node, Table) and not self.has_key


class Builder:
    """Takes events one by one; `root` is the tree and `problems` what was wrong with its form."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self.root: Node | None = None
        self.problems: list[ConfigProblem] = []
        self._file = file
        self._environ = environ
        self._room = MAX_SUBSTITUTED
        self._count = 0
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}  # None: still open

    def scalar(self, text: str, place: Place, *, quoted: bool, tag: str | None, anchor: str | None) -> None:
        """Take one scalar."""
        self._grow(1, place)
        source = unmask(text)
        if self._stack and self._stack[-1].wants_key:
            leaf = Leaf(source, line=place[0], column=place[1], quoted=quoted, broken=tag is not None)
            self._take_key(leaf)
            self._refuse_tag(tag, place)
        else:
            tagged = self._refuse_tag(tag, place)
            leaf = self._leaf(source, place, quoted=quoted, broken=tagged)
            self._place(leaf)
        if anchor is not None:
            self._anchors[anchor] = leaf, 1

    def begin(self, place: Place, *, table: bool, tag: str | None, anchor: str | None) -> None:
        """Take the beginning of a mapping or a list."""
        self._grow(1, place)
        if len(self._stack) >= MAX_DEPTH:
            self._stop(f"mappings and lists are nested deeper than {MAX_DEPTH} levels; check the indentation", place)
        self._refuse_tag(tag, place)
        is_key = bool(self._stack) and self._stack[-1].wants_key
        node = Table(*place) if table else Listing(*place)
        self._stack.append(_Frame(node, anchor=anchor, begun_at=self._count - 1, is_key=is_key))
        if anchor is not None:
            self._anchors[anchor] = None

    def end(self) -> None:
        """Take the end of the mapping or list that is open."""
        frame = self._stack.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = frame.node, self._count - frame.begun_at
        if frame.is_key:
            self._refuse_key("a mapping or a list cannot be a key; write a text", (frame.node.line, frame.node.column))
        else:
            self._place(frame.node)

    def alias(self, anchor: str, place: Place) -> None:
        """Take an alias: the node of `anchor` stands here too."""
        if self._stack and self._stack[-1].wants_key:
            self._refuse_key("an alias cannot be a key; write the key out", place)
            return
        if anchor not in self._anchors:
            self.note(f"*{anchor} names nothing; write &{anchor} in front of a value above", place)
            self._place(Leaf("", line=place[0], column=place[1], broken=True))
            return
        named = self._anchors[anchor]
        if named is None:
            self._stop(f"*{anchor} stands inside of what it names, so it would never end; remove it", place)
        else:
            self._grow(named[1], place)
            self._place(named[0])

    def _leaf(self, source: str, place: Place, *, quoted: bool, broken: bool) -> Leaf:
        expansion = expand(source, self._environ, room=self._room)
        for message in expansion.problems:
            self.note(message, place)
        if expansion.changed:
            self._room -= len(expansion.text)
        return Leaf(
            expansion.text,
            line=place[0],
            column=place[1],
            quoted=quoted,
            variables=expansion.used,
            whole=expansion.whole,
            mixed=expansion.changed and not expansion.whole,
            broken=broken or bool(expansion.problems),
        )

    def _place(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if isinstance(frame.node, Listing):
            frame.node.append(node)
            return
        if frame.key is not None:
            frame.node[frame.key] = node
        frame.has_key, frame.key = False, None

    def _take_key(self, leaf: Leaf) -> None:
        frame, place = self._stack[-1], (leaf.line, leaf.column)
        assert isinstance(frame.node, Table)
        misread = None if leaf.quoted else reading(leaf.text)
        first = frame.node.keys_at.get(leaf.text)
        if leaf.text == _MERGE and not leaf.quoted:
            self._refuse_key("merge keys (<<) are not supported; write the keys out", place)
        elif misread and not leaf.text:
            self._refuse_key("there is no key in front of this colon; write one", place)
        elif misread:
            cure = f"a key is a text, so put it in quotes{in_quotes(leaf.text)}"
            self._refuse_key(f"{misread.version} reads the key {show(leaf)} as {misread.value}; {cure}", place)
        elif first:
            self._refuse_key(f"the key {show(leaf)} is here twice, the first is in line {first[0]}; remove one", place)
        else:
            frame.node.keys_at[leaf.text] = place
            frame.has_key, frame.key = True, leaf.text

    def _refuse_key(self, message: str, place: Place) -> None:
        """Note what is wrong with a key; its value will be left out."""
        frame = self._stack[-1]
        self.note(message, place, at_key=True)
        frame.has_key, frame.key = True, None

    def _refuse_tag(self, tag: str | None, place: Place) -> bool:
        if tag is None:
            return False
        written = f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag
        self.note(f"tags such as {show(written)[1:-1]} are not supported; remove it", place)
        return True

    def _grow(self, nodes: int, place: Place) -> None:
        self._count += nodes
        if self._count > MAX_NODES:
            self._stop(f"the file holds more than {MAX_NODES} values, aliases counted; shorten it", place)

    def note(self, message: str, place: Place, *, at_key: bool = False) -> None:
        """Note a problem at `place`, below the mappings and lists that are open."""
        frames = self._stack[:-1] if at_key else self._stack
        path = dotted(tuple(frame.step for frame in frames))
        self.problems.append(ConfigProblem(message, path, self._file, *place))

    def _stop(self, message: str, place: Place) -> None:
        raise ConfigError(ConfigProblem(message, "", self._file, *place))
