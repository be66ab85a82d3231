"""How YAML reads a plain scalar that its author may have meant as text.

Two versions of YAML are in use and they disagree: 1.1 (PyYAML) takes `no` for false and `12:30` for 750, 1.2 takes
`0o17` for 15. A plain scalar that either of them reads as something else than text is only accepted as that very thing
in its simplest form; the message that this room writes says what would have happened and how to write it.
Sources: https://yaml.org/type/ (1.1) and the core schema of YAML 1.2.2, section 10.3.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["FALSE", "TRUE", "Reading", "is_null", "is_whole_number", "reading"]

TRUE, FALSE = "true", "false"
MAX_CHARACTERS = 40  # of a number that a message spells out; more are never meant
_BASE60 = 60  # sexagesimal digits

_TRUE = frozenset(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_FALSE = frozenset(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
_NULL = frozenset(("~", "null", "Null", "NULL", ""))
# Compiled when first used, as those below: most files hold little that is like a number, and a start should be short.
_WHOLE = r"[-+]?(0|[1-9][0-9]*)"


class Reading(NamedTuple):
    """What YAML makes of a plain scalar."""

    value: str  # "false", "the number 750", "a date"
    version: str = "YAML 1.1"
    number: str = ""  # the same number in decimal digits, where it is a whole one


def is_null(text: str) -> bool:
    """Tell whether plain `text` is null."""
    return text in _NULL


def is_whole_number(text: str) -> bool:
    """Tell whether plain `text` is a decimal whole number in every version of YAML."""
    return re.fullmatch(_WHOLE, text) is not None


def reading(text: str) -> Reading | None:
    """Return what YAML makes of plain `text`, or None when every version reads it as text."""
    if text in _NULL:
        return Reading("null", "YAML")
    if text in _TRUE or text in _FALSE:
        return Reading(TRUE if text in _TRUE else FALSE, "YAML" if text in (TRUE, FALSE) else "YAML 1.1")
    if text[0] not in "+-.0123456789":
        return None
    for form, explain in _FORMS:
        if re.fullmatch(form, text):
            return explain(text) if len(text) <= MAX_CHARACTERS else Reading("a number", "YAML")
    return None


def _whole(base: int, version: str = "YAML 1.1") -> Callable[[str], Reading]:
    def explain(text: str) -> Reading:
        digits = re.sub(r"^([-+]?)0[box]", r"\1", text.replace("_", ""))
        number = str(int(digits, base)) if digits.strip("+-") else "0"
        return Reading(f"the number {number}", version, number)

    return explain


def _octal(text: str) -> Reading:
    read = _whole(8)(text)
    return read._replace(number=f"{read.number} or {int(text.replace('_', ''))}")  # nobody knows which was meant


def _fraction(version: str = "YAML 1.1") -> Callable[[str], Reading]:
    return lambda text: Reading(f"the number {float(text.replace('_', '')):.15g}", version)


def _sexagesimal(text: str) -> Reading:
    sign = -1 if text[0] == "-" else 1
    total = 0.0
    for part in text.lstrip("+-").replace("_", "").split(":"):
        total = total * _BASE60 + float(part)
    number = f"{sign * total:.15g}"
    return Reading(f"the number {number}", number=number if "." not in text else "")


def _named(value: str, version: str = "YAML") -> Callable[[str], Reading]:
    return lambda text: Reading(value, version)


_FORMS: tuple[tuple[str, Callable[[str], Reading]], ...] = (
    (_WHOLE, _whole(10, "YAML")),
    (r"[-+]?0[0-7_]+", _octal),
    (r"[-+]?0[0-9]+", _whole(10, "YAML 1.2")),
    (r"[-+]?0o[0-7]+", _whole(8, "YAML 1.2")),
    (r"[-+]?0x[0-9a-fA-F_]+", _whole(16)),
    (r"[-+]?0b[01_]+", _whole(2)),
    (r"[-+]?[1-9][0-9_]*", _whole(10)),
    (r"[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+", _sexagesimal),
    (r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9]*", _sexagesimal),
    (r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+][0-9]+)?", _fraction("YAML")),
    (r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+", _fraction("YAML 1.2")),
    (r"[-+]?\.(inf|Inf|INF)", _named("infinity")),
    (r"\.(nan|NaN|NAN)", _named("not-a-number")),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", _named("a date", "YAML 1.1")),
    (
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]| +)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*",
        _named("a time", "YAML 1.1"),
    ),
)
