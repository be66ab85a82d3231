"""Numbers, durations and foreign text as a person reads them.

Pure functions from values to text, the same on every machine whatever its locale. Nothing here knows a terminal, a
stream or a run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["amount", "duration", "json_line", "plural", "reasons", "safe"]

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
REASONS_SHOWN = 8


def amount(number: float) -> str:
    """Return 1234567 as 1,234,567, and small fractions with one digit."""
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def plural(number: int, noun: str) -> str:
    """Return "1 page", "2 pages"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Return 0.31 s, 12.3 s, 4m 05s, 3h 07m, 2d 04h."""
    if round(seconds, 2) < 10:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    seconds = max(seconds, MINUTE)
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)}m {int(seconds % MINUTE):02}s"
    if seconds < DAY:
        return f"{int(seconds // HOUR)}h {int(seconds % HOUR // MINUTE):02}m"
    return f"{int(seconds // DAY)}d {int(seconds % DAY // HOUR):02}h"


def reasons(counts: Mapping[str, int]) -> str:
    """Return "3 robots, 1 too_deep", the most frequent first."""
    ordered = sorted(((number, reason) for reason, number in counts.items() if number), reverse=True)
    shown = ", ".join(f"{number:,} {reason}" for number, reason in ordered[:REASONS_SHOWN])
    return f"{shown}, …" if len(ordered) > REASONS_SHOWN else shown


def safe(text: str) -> str:
    """Return foreign text that cannot command a terminal: control characters are escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def json_line(entry: Mapping[str, Any]) -> str:
    """Return JSON data as one line that no terminal obeys: what is not printable is escaped as JSON escapes it."""
    try:
        text = msgspec.json.encode(entry, enc_hook=str).decode()
    except UnicodeError:  # a lone surrogate, which UTF-8 cannot hold
        text = json.dumps(entry, default=str)
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
