"""Durations, sizes and percentages as people write them: 250ms, 16MiB, 25%.

A number without a unit is refused, 0 excepted: nobody can tell later whether 10 meant seconds or milliseconds. Text in,
number out, and back for messages; no YAML and no key may enter this room.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

__all__ = ["DURATION", "PERCENT", "SIZE", "Unit"]

# 15 digits stay exact in a float, and no sum of them overflows.
_AMOUNT = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_QUANTITY = rf"(?P<sign>-?)(?P<amount>{_AMOUNT})(?P<space>\s*)(?P<unit>[A-Za-z%]*)"


class Unit:
    """One family of units, e.g. durations."""

    __slots__ = ("example", "factors", "noun")

    def __init__(self, noun: str, factors: Mapping[str, float], example: str) -> None:
        self.noun = noun
        self.factors = factors  # unit -> how many of the base unit (seconds, bytes, parts of one)
        self.example = example

    def parse(self, text: str) -> float:
        """Return `text` in the base unit; raise ValueError with a message that may hold {shown} for the text."""
        match = re.fullmatch(_QUANTITY, text)
        if not match:
            raise ValueError(f"{{shown}} is not a {self.noun}; write e.g. {self.example}")
        number = Decimal(match["sign"] + match["amount"])
        unit = match["unit"]
        if not unit and number != 0:
            raise ValueError(f"{{shown}} has no unit; write e.g. {self.example} (units: {', '.join(self.factors)})")
        if unit and unit not in self.factors:
            raise ValueError(f"{{shown}}: {self._unknown(unit)}")
        if match["space"]:
            raise ValueError(f"{{shown}} has a space in it; write e.g. {self.example}")
        return float(number * Decimal(str(self.factors.get(unit, 0))))  # 7% is 0.07, which 7 * 0.01 is not

    def _unknown(self, unit: str) -> str:
        twins = [known for known in self.factors if known.lower() == unit.lower()]
        known = ", ".join(self.factors)
        return f"write the unit as {twins[0]}" if twins else f"{unit} is no unit of a {self.noun}; there are {known}"

    def spell(self, number: float) -> str:
        """Return `number` of the base unit in the largest unit that leaves it whole."""
        for unit in sorted(self.factors, key=self.factors.__getitem__, reverse=True):
            amount = Decimal(str(number)) / Decimal(str(self.factors[unit]))
            if number and amount == amount.to_integral_value():
                return f"{amount:.0f}{unit}"
        smallest = min(self.factors, key=self.factors.__getitem__)
        return f"{number / self.factors[smallest]:.15g}{smallest}" if number else "0"

    def pattern(self) -> str:
        """Return the regular expression of all texts with a unit, for a JSON Schema."""
        return f"^(0|{_AMOUNT}({'|'.join(self.factors)}))$"


DURATION = Unit("duration", {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}, "10s")
PERCENT = Unit("percentage", {"%": 1e-2}, "25%")
SIZE = Unit(
    "size",
    {
        "B": 1,
        "kB": 1e3,
        "KB": 1e3,
        "KiB": 2**10,
        "MB": 1e6,
        "MiB": 2**20,
        "GB": 1e9,
        "GiB": 2**30,
        "TB": 1e12,
        "TiB": 2**40,
    },
    "16MiB",
)
