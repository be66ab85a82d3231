"""Targets with planted faults: what the fuzzer must find, survive and keep."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.target import Target

__all__ = ["Breaks", "Crashes", "Eats", "Hangs", "Idles"]


class Idles(Target):
    """Finds nothing wrong."""

    name: ClassVar[str] = "tests.fuzz.planted:Idles"
    tokens: ClassVar[tuple[bytes, ...]] = (b"!",)

    def seeds(self) -> Iterable[bytes]:
        """Return some text."""
        return [b"an honest text of no interest to anybody"]

    def strategy(self) -> SearchStrategy[bytes]:
        """Return any bytes."""
        return st.binary(max_size=50)

    def check(self, data: bytes) -> None:
        """Do nothing."""


class Breaks(Idles):
    """Breaks a rule for each input with an exclamation mark."""

    name: ClassVar[str] = "tests.fuzz.planted:Breaks"

    def check(self, data: bytes) -> None:
        """Break it."""
        assert b"!" not in data, "nobody shouts"


class Crashes(Idles):
    """Takes its process with it."""

    name: ClassVar[str] = "tests.fuzz.planted:Crashes"

    def check(self, data: bytes) -> None:
        """Read where there is nothing."""
        if b"!" in data:
            ctypes.string_at(0)


class Hangs(Idles):
    """Does not come back."""

    name: ClassVar[str] = "tests.fuzz.planted:Hangs"

    def check(self, data: bytes) -> None:
        """Wait."""
        if b"!" in data:
            time.sleep(60)


class Eats(Idles):
    """Takes more memory than there is to take."""

    name: ClassVar[str] = "tests.fuzz.planted:Eats"

    def check(self, data: bytes) -> None:
        """Take it."""
        if b"!" in data:
            bytearray(8 << 30)
