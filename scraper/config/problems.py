"""From the faults of values to problems that an author can repair: place, key, message, nearest known key.

Every message that quotes a value gets it from `tree.show` at the value's own place, so nothing from the environment is
ever quoted. No file is read and no key is known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from scraper.config.faults import KEY, UNKNOWN, Fault
from scraper.config.tree import Leaf, Step, Table, dotted, locate, show, touches_environment
from scraper.errors import ConfigProblem

__all__ = ["explain", "unknown_key"]

MAX_KEY = 40  # characters of an unknown key that may be a slip of the pen
MAX_HINTS = 200  # unknown keys that are compared with the known ones; a file with more of them is something else


def explain(
    faults: Iterable[Fault], settings: Mapping[str, Any], *, file: str, known: Mapping[str, tuple[str, ...]]
) -> list[ConfigProblem]:
    """Return the problems that `faults` in `settings` are, where `known` has the keys of each group."""
    problems, unknown = [], 0
    for fault in faults:
        spot = locate(settings, fault.loc)
        if isinstance(spot.node, Leaf) and spot.node.broken:
            continue
        if fault.about == UNKNOWN:
            unknown += 1
            message = unknown_key(fault.loc, known, hint=unknown <= MAX_HINTS)
            problems.append(_at_key(message, fault.loc, settings, file))
        elif fault.about == KEY:
            message = fault.message.replace("{shown}", show(fault.loc[-1]))
            problems.append(_at_key(message, fault.loc, settings, file))
        else:
            problems.append(_at_value(fault, settings, file))
    return problems


def unknown_key(loc: tuple[Step, ...], known: Mapping[str, tuple[str, ...]], *, hint: bool) -> str:
    """Say that the last step of `loc` is no key, and which one its author may have meant."""
    group, key = dotted(tuple(step for step in loc[:-1] if isinstance(step, str))), str(loc[-1])
    if not hint or len(key) > MAX_KEY:
        return "unknown key; remove it"
    here = known.get(group, ())
    close = get_close_matches(key.lower().replace("-", "_"), here, n=1)
    if close:
        return f"unknown key; did you mean {close[0]}?"
    elsewhere = [f"{name}.{key}" if name else key for name, keys in known.items() if key in keys]
    if elsewhere:
        return f"unknown key here; did you mean {' or '.join(elsewhere)}?"
    return f"unknown key; known here are {', '.join(here)}"


def _at_key(message: str, loc: tuple[Step, ...], settings: Any, file: str) -> ConfigProblem:
    """Return a problem that stands at a key itself, not at its value."""
    table = locate(settings, loc[:-1])
    place = table.node.keys_at.get(str(loc[-1])) if isinstance(table.node, Table) else None
    line, column = place or (table.line, table.column)
    return ConfigProblem(message, dotted((*table.steps, loc[-1])), file, line, column)


def _at_value(fault: Fault, settings: Any, file: str) -> ConfigProblem:
    spot = locate(settings, (*fault.loc, *fault.inside))
    beside = locate(settings, (*fault.loc[:-1], fault.instead)) if fault.instead else spot
    private = touches_environment(spot.node) or touches_environment(beside.node)
    message = (private and fault.private) or fault.message
    if spot.missing and not beside.missing:
        spot = beside
    path = dotted((*spot.steps, *spot.missing)) if not isinstance(spot.node, Leaf) else dotted(spot.steps)
    return ConfigProblem(message.replace("{shown}", show(spot.node)), path, file, spot.line, spot.column)
