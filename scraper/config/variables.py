"""`${NAME}` and `${NAME:-default}` in the values of a config file; `$${` is a literal `${`.

As in a shell, the default also stands in for a variable that is set but empty. One pass only: what a variable holds is
text and never looked at again, so it can add no variable, no key and no structure. A value from the environment may be
a secret and gets into no message; only the variable's name does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

__all__ = ["Expansion", "expand", "mask", "unmask"]

# Compiled when first used; a file without variables needs none of them.
_EXPRESSION = r"\$\$\{|\$\{(?P<inner>[^{}]*)\}|\$\{"
_NAME = r"(?s)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?"
_MASKED = r"\$\{[^{}\n]*\}"
# Noncharacters of Unicode (section 23.7 of the standard: for internal use), one for one so that columns stay right.
_MASK = {ord("{"): "\ufdd0", ord("}"): "\ufdd1"}
_UNMASK = {0xFDD0: "{", 0xFDD1: "}"}


class Expansion(msgspec.Struct, frozen=True):
    """A scalar's text with its variables filled in."""

    text: str
    used: tuple[str, ...] = ()  # variables whose value is in the text
    whole: bool = False  # the source was exactly one ${…}
    changed: bool = False
    problems: tuple[str, ...] = ()


def mask(text: str) -> str:
    """Hide the braces of `${…}` from YAML, to which they are a mapping inside `[…]` and `{…}`."""
    return re.sub(_MASKED, lambda match: match[0].translate(_MASK), text) if "${" in text else text


def unmask(text: str) -> str:
    """Undo `mask` in one scalar."""
    return text.translate(_UNMASK) if "\ufdd0" in text else text


def expand(source: str, environ: Mapping[str, str], *, room: int) -> Expansion:
    """Fill the variables of `source` in; `room` bounds the characters of the result, and more is a problem."""
    if "${" not in source:
        return Expansion(source)
    parts, used, problems, size, end = list[str](), list[str](), list[str](), 0, 0
    for match in re.finditer(_EXPRESSION, source):
        name, value, problem = _value(match, environ)
        size += len(value) + match.start() - end
        if size > room:
            return Expansion("", changed=True, problems=("the variables make this file too long",))
        parts += source[end : match.start()], value
        end = match.end()
        used += [name] if name and name not in used else []
        problems += [problem] if problem and problem not in problems else []
    only = re.fullmatch(_EXPRESSION, source)
    whole = only is not None and only["inner"] is not None
    return Expansion(
        "".join((*parts, source[end:])), used=tuple(used), whole=whole, changed=True, problems=tuple(problems)
    )


def _value(match: re.Match[str], environ: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the variable that was used, its value or default, and what is wrong."""
    if match[0] == "$${":
        return "", "${", ""
    parsed = re.fullmatch(_NAME, match["inner"] or "")
    if not parsed:
        cure = "write ${NAME} or ${NAME:-default}, or $${ for a literal ${"
        return "", "", f"this ${{ begins no variable; {cure}"
    name, default = parsed["name"], parsed["default"]
    value = environ.get(name)
    if value is None and default is None:
        return "", "", f"the variable {name} is not set; set it, or write a default: ${{{name}:-…}}"
    if default is not None and not value:
        return "", default, ""
    return name, value or "", ""
