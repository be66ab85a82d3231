"""What was met lately, in bounded room: two generations, of which the older one is forgotten as a whole.

What is asked for again moves to the younger generation, so what comes up on every page stays. Putting and getting cost
about as much as in a plain dict, which an order of use for each entry would not. Forgetting is always allowed: whoever
asks must have another way to know.
"""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["Recent"]

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

    def put(self, key: K, value: V) -> None:
        """Remember `value` for `key`."""
        if len(self._young) >= self._size and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __repr__(self) -> str:
        return f"<Recent {len(self)} of {2 * self._size}>"
