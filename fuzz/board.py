"""The input in hand, where it outlives its process: a small mapped file with a time and the bytes.

The child writes it before each input, the parent reads it when the child has died or hangs. A write to mapped memory
costs a copy and no system call.
"""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path
from typing import Self

__all__ = ["Board"]

_HEAD = struct.Struct("<dQ")  # monotonic second at which it began, 0 for none; length


class Board:
    """A mapped file of one input of at most `largest` bytes; made anew when it is not there."""

    def __init__(self, path: Path, largest: int) -> None:
        size = _HEAD.size + largest
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), size)
        self._largest = largest

    def begin(self, data: bytes) -> None:
        """Note that `data` is looked at from now on."""
        data = data[: self._largest]
        self._memory[_HEAD.size : _HEAD.size + len(data)] = data
        _HEAD.pack_into(self._memory, 0, time.monotonic(), len(data))

    def end(self) -> None:
        """Note that nothing is looked at."""
        _HEAD.pack_into(self._memory, 0, 0.0, 0)

    def read(self) -> tuple[bytes, float] | None:
        """Return the input in hand and for how many seconds it has been; None when there is none."""
        began, length = _HEAD.unpack_from(self._memory)
        if not began:
            return None
        return bytes(self._memory[_HEAD.size : _HEAD.size + length]), time.monotonic() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.close()
