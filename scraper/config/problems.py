"""From what pydantic found wrong to problems that an author can repair: place, key, message, nearest known key.

Every message that quotes a value gets it from `tree.show` at the value's own place, so nothing from the environment is
ever quoted; pydantic's own texts, which may quote, are not passed on. No file is read and no key is known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from scraper.config.kinds import FAULT
from scraper.config.tree import Leaf, Spot, Step, Table, dotted, locate, show, touches_environment
from scraper.errors import ConfigProblem

__all__ = ["explain", "unknown_key"]

_KEY = "[key]"  # pydantic's last step for a key that is wrong itself
_FOLLOWS = "default_factory_not_called"  # only says that another key is wrong
MAX_KEY = 40  # characters of an unknown key that may be a slip of the pen
MAX_HINTS = 200  # unknown keys that are compared with the known ones; a file with more of them is something else


def explain(
    error: ValidationError, settings: Mapping[str, Any], *, file: str, known: Mapping[str, tuple[str, ...]]
) -> list[ConfigProblem]:
    """Return the problems in `error`, found in `settings`, where `known` has the keys of each group."""
    problems, unknown = [], 0
    for each in error.errors(include_url=False, include_input=False):
        spot = locate(settings, each["loc"])
        if each["type"] == _FOLLOWS or (isinstance(spot.node, Leaf) and spot.node.broken):
            continue
        if each["type"] == "extra_forbidden":
            unknown += 1
            message = unknown_key(each["loc"], known, hint=unknown <= MAX_HINTS)
            problems.append(_at_key(message, each["loc"], settings, file))
        elif each["type"] == FAULT:
            problems.append(_fault(each["ctx"], each["loc"], settings, file))
        else:
            problems.append(_structural(each["type"], each["loc"], settings, file))
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


def _fault(context: Mapping[str, Any], loc: tuple[Step, ...], settings: Any, file: str) -> ConfigProblem:
    if loc[-1] == _KEY:
        return _at_key(context["message"].replace("{shown}", show(loc[-2])), loc[:-1], settings, file)
    spot = locate(settings, (*loc, *context["inside"]))
    beside = locate(settings, (*loc[:-1], context["instead"])) if context["instead"] else spot
    private = touches_environment(spot.node) or touches_environment(beside.node)
    message = (private and context["private"]) or context["message"]
    if spot.missing and not beside.missing:
        spot = beside
    return _at_value(message, spot, file)


def _at_value(message: str, spot: Spot, file: str) -> ConfigProblem:
    path = dotted((*spot.steps, *spot.missing)) if not isinstance(spot.node, Leaf) else dotted(spot.steps)
    return ConfigProblem(message.replace("{shown}", show(spot.node)), path, file, spot.line, spot.column)


def _structural(kind: str, loc: tuple[Step, ...], settings: Any, file: str) -> ConfigProblem:
    spot = locate(settings, loc)
    if kind == "missing":
        return _at_value("this key is required; add it", spot, file)
    if kind == "invalid_key":
        return _at_value("the keys of a mapping are texts; write the key as a text", spot, file)
    return _at_value("a value of this kind cannot stand here; see the reference of the keys", spot, file)
