"""How pages write their links: the same place in the spellings that real pages use.

Every spelling means the same URL once it is resolved and its fragment and utm_* parameters are dropped.
"""

from __future__ import annotations

from random import Random

__all__ = ["spell"]

# Shares of the spellings, as found on shops and newspapers: mostly relative, a tenth with campaign parameters.
_SPELLINGS = {
    "relative": 40,
    "rooted": 20,
    "absolute": 15,
    "dotted": 5,
    "detour": 5,
    "campaign": 10,
    "fragment": 5,
}


def spell(random: Random, origin: str, page: str, target: str) -> str:
    """Return an href for the path `target` on the page with the path `page`, both on `origin`."""
    (way,) = random.choices(list(_SPELLINGS), list(_SPELLINGS.values()))
    relative = _relative(page, target)
    match way:
        case "rooted":
            return target
        case "absolute":
            return origin + target
        case "dotted":
            return "./" + relative
        case "detour":
            return "../" * (page.count("/") - 1) + "books/../" + target[1:]
        case "campaign":
            written = random.choice((relative, origin + target))
            return f"{written}?utm_source=shop&amp;utm_medium=page&amp;utm_campaign=c{random.randint(1, 99)}"
        case "fragment":
            return relative + random.choice(("#reviews", "#top", "#details"))
    return relative


def _relative(page: str, target: str) -> str:
    """Return `target` relative to the folder of `page`."""
    here, there = page.split("/")[1:-1], target.split("/")[1:]
    common = 0
    while common < min(len(here), len(there) - 1) and here[common] == there[common]:
        common += 1
    return "../" * (len(here) - common) + "/".join(there[common:])
