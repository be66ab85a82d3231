"""Inputs made of inputs: cut, copied, repeated, spliced, with words of the target put in.

Repeating is what builds bombs, so it goes up to the largest input at once. There is no feedback but time: the slowest
inputs stay in the pool, so what is slow gets slower until it is too slow, or is not. Reproducible: all chance comes
from one `Random`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

__all__ = ["Mutator", "Pool"]

MOST_CHANGES = 6  # to one input
POOL = 400  # inputs
SLOWEST = 20  # that stay
_NUMBERS = (b"0", b"-1", b"1", b"255", b"65536", b"2147483648", b"18446744073709551616", b"1e309", b"9" * 400, b"0x7f")
_BYTES = bytes((0, 9, 10, 13, 0x1B, 0x20, 0x22, 0x25, 0x27, 0x2F, 0x3C, 0x3E, 0x5C, 0x7F, 0x80, 0xC0, 0xED, 0xFE, 0xFF))
_TEXTS = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in ("\ufeff", "\u2028", "\u202e", "\x85", "\ud800", "\U0001f600", "é", "İ", "ß", "\u0338", "﷐", "\uffff")
)


class Pool:
    """The inputs that mutation starts from."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._inputs: list[bytes] = []
        self._slow: list[tuple[float, bytes]] = []

    def add(self, data: bytes) -> None:
        """Keep `data`, in the place of any other when there are many."""
        if len(self._inputs) < POOL:
            self._inputs.append(data)
        else:
            self._inputs[self._random.randrange(POOL)] = data

    def note(self, data: bytes, seconds: float) -> None:
        """Keep `data` when it is among the slowest."""
        if len(self._slow) == SLOWEST and seconds <= self._slow[-1][0]:
            return
        self._slow.append((seconds, data))
        self._slow.sort(key=lambda pair: -pair[0])
        del self._slow[SLOWEST:]

    def pick(self) -> bytes:
        """Return one of them, now and then a slow one."""
        if self._slow and self._random.random() < 0.1:
            return self._random.choice(self._slow)[1]
        return self._random.choice(self._inputs) if self._inputs else b""


class Mutator:
    """Makes an input of others; `largest` bytes at most."""

    def __init__(self, random: Random, tokens: Sequence[bytes], largest: int) -> None:
        self._random = random
        self._tokens = (*tokens, *_TEXTS, *_NUMBERS)
        self._largest = largest
        self._ways: tuple[Callable[[bytes, bytes], bytes], ...] = (
            self._insert_token, self._insert_token, self._insert_token, self._cut, self._copy, self._repeat, self._byte,
            self._flip, self._splice, self._swap, self._overwrite, self._number, self._end,
        )  # fmt: skip

    def mutate(self, data: bytes, other: bytes) -> bytes:
        """Return `data` changed in a few places, with pieces of `other`."""
        for _ in range(self._random.randint(1, MOST_CHANGES)):
            data = self._random.choice(self._ways)(data, other)[: self._largest]
        return data

    def _place(self, data: bytes) -> int:
        return self._random.randint(0, len(data))

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self._place(data)
        return start, min(len(data), start + int(2 ** (self._random.random() * 10)))

    def _insert_token(self, data: bytes, other: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + self._random.choice(self._tokens) + data[at:]

    def _cut(self, data: bytes, other: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _copy(self, data: bytes, other: bytes) -> bytes:
        start, end = self._span(data)
        at = self._place(data)
        return data[:at] + data[start:end] + data[at:]

    def _repeat(self, data: bytes, other: bytes) -> bytes:
        start, end = self._span(data)
        piece = data[start:end] or self._random.choice(self._tokens)
        room = max(0, self._largest - len(data)) // len(piece)
        times = int(2 ** (self._random.random() * max(1, room.bit_length()))) if room else 1
        return data[:end] + piece * min(times, room + 1) + data[end:]

    def _byte(self, data: bytes, other: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + bytes((self._random.choice(_BYTES),)) + data[at:]

    def _flip(self, data: bytes, other: bytes) -> bytes:
        if not data:
            return data
        at = self._random.randrange(len(data))
        return data[:at] + bytes((data[at] ^ (1 << self._random.randrange(8)),)) + data[at + 1 :]

    def _splice(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)] + other[self._place(other) :]

    def _swap(self, data: bytes, other: bytes) -> bytes:
        one, two, three = sorted(self._place(data) for _ in range(3))
        return data[:one] + data[two:three] + data[one:two] + data[three:]

    def _overwrite(self, data: bytes, other: bytes) -> bytes:
        start, end = self._span(data)
        token = self._random.choice(self._tokens)
        return data[:start] + token + data[max(end, start + len(token)) :]

    def _number(self, data: bytes, other: bytes) -> bytes:
        places = [at for at, byte in enumerate(data[:4096]) if 0x30 <= byte <= 0x39]
        if not places:
            return data
        start = end = self._random.choice(places)
        while end < len(data) and 0x30 <= data[end] <= 0x39:
            end += 1
        return data[:start] + self._random.choice(_NUMBERS) + data[end:]

    def _end(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)]
