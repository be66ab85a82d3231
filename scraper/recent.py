"""What was met lately, in bounded room: when that is full, the older half of it is forgotten, or all.

Nothing is moved when it is asked for, so what stands on a page is asked for all at once, at the price of a plain dict;
what comes up on every page is put anew after it was forgotten, once in some thousand pages. Forgetting is always
allowed: whoever asks must have another way to know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import filterfalse, islice
from typing import Generic, TypeVar

__all__ = ["Recent", "RecentGroups"]

G = TypeVar("G")
K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dict of at most twice `size` entries, in which those stay that were put last.

    `has` tells whether a key is known, `get` what was put for it, or None.

    >>> recent = Recent[str, int](2)
    >>> recent.put("a", 1)
    >>> recent.get("a"), recent.has("b")
    (1, False)
    """

    __slots__ = ("_met", "_size", "get", "has")

    def __init__(self, size: int) -> None:
        self._size = size
        self._met: dict[K, V] = {}
        # Asked for each link, so there is no frame of ours between.
        self.has: Callable[[K], bool] = self._met.__contains__
        self.get: Callable[[K], V | None] = self._met.get

    def others(self, keys: Iterable[K]) -> list[K]:
        """Return those of `keys`, in their order, that are forgotten or were never put."""
        return list(filterfalse(self.has, keys))

    def put(self, key: K, value: V) -> None:
        """Remember `value` for `key`."""
        met = self._met
        if len(met) >= 2 * self._size:
            newer = dict(islice(met.items(), self._size, None))
            met.clear()
            met.update(newer)
        met[key] = value

    def __len__(self) -> int:
        return len(self._met)

    def __repr__(self) -> str:
        return f"<Recent {len(self)} of {2 * self._size}>"


class RecentGroups(Generic[G, K, V]):
    """A dict for each group, with at most `size` entries in all of them.

    >>> recent = RecentGroups[str, str, int](2)
    >>> recent.room(1)["x"]["a"] = 1
    >>> recent.group("x"), recent.group("y")
    ({'a': 1}, {})
    """

    __slots__ = ("_free", "_groups", "_size")

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._groups = defaultdict[G, dict[K, V]](dict)

    def group(self, group: G) -> Mapping[K, V]:
        """Return what is known in `group`, to be looked up all at once."""
        return self._groups.get(group) or {}

    def room(self, more: int) -> Mapping[G, dict[K, V]]:
        """Return all groups, so that up to `more` entries can be put into them; more than have room are not kept."""
        if more > self._size:
            return defaultdict(dict)
        if more > self._free:
            self._groups, self._free = defaultdict(dict), self._size
        self._free -= more
        return self._groups

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def __repr__(self) -> str:
        return f"<RecentGroups {len(self)} of {self._size}>"
