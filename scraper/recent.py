"""What was met lately, in bounded room: two generations, of which the older one is forgotten as a whole.

What is asked for again moves to the younger generation, so what comes up on every page stays. Putting and getting cost
about as much as in a plain dict, which an order of use for each entry would not; and what stands on a page can be asked
for all at once, which costs a fraction of that. Forgetting is always allowed: whoever asks must have another way to
know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import filterfalse
from typing import Generic, TypeVar

__all__ = ["Recent", "RecentGroups"]

G = TypeVar("G")
K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dict of at most twice `size` entries; None is no value.

    >>> recent = Recent[str, int](2)
    >>> recent.put("a", 1)
    >>> recent.get("a")
    1
    """

    __slots__ = ("_old", "_size", "_young")

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return what was put for `key`, None when that is forgotten or never was."""
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def has(self, key: K) -> bool:
        """Tell whether something was put for `key` and is not forgotten."""
        if key in self._young:
            return True
        return self.get(key) is not None

    def others(self, keys: Iterable[K]) -> list[K]:
        """Return those of `keys`, in their order, that are forgotten or were never put."""
        strange = list(filterfalse(self._young.__contains__, keys))
        return [key for key in strange if not self.has(key)] if self._old else strange

    def put(self, key: K, value: V) -> None:
        """Remember `value` for `key`."""
        if len(self._young) >= self._size and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __repr__(self) -> str:
        return f"<Recent {len(self)} of {2 * self._size}>"


class RecentGroups(Generic[G, K, V]):
    """The same in groups: a dict for each, with at most twice `size` entries in all of them; None is no value.

    >>> recent = RecentGroups[str, str, int](2)
    >>> recent.put("x", "a", 1)
    >>> recent.get("x", "a"), recent.group("x"), recent.group("y")
    (1, {'a': 1}, {})
    """

    __slots__ = ("_free", "_old", "_size", "_young")

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._young: dict[G, dict[K, V]] = {}
        self._old: dict[G, dict[K, V]] = {}

    def group(self, group: G) -> Mapping[K, V]:
        """Return what is young in `group`, to be looked up all at once; what is not there, `get` may still have."""
        return self._young.get(group) or {}

    def get(self, group: G, key: K) -> V | None:
        """Return what was put for `key` in `group`, None when that is forgotten or never was."""
        young = self._young.get(group)
        found = None if young is None else young.get(key)
        if found is None and (old := self._old.get(group)) and (found := old.get(key)) is not None:
            self.put(group, key, found)
        return found

    def put(self, group: G, key: K, value: V) -> None:
        """Remember `value` for `key` in `group`."""
        if self._free <= 0:  # a second thread may have taken the last
            self._old, self._young, self._free = self._young, {}, self._size
        members = self._young.setdefault(group, {})
        self._free -= key not in members
        members[key] = value

    def __len__(self) -> int:
        return sum(map(len, self._young.values())) + sum(map(len, self._old.values()))

    def __repr__(self) -> str:
        return f"<RecentGroups {len(self)} of {2 * self._size}>"
