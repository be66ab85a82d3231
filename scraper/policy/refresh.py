"""Where a page sends browsers by itself: the value of `<meta http-equiv=refresh>` or of a Refresh header.

Read as the HTML standard has it (the shared declarative refresh steps, 4.2.5.3), sloppy spellings included. Nothing is
followed here: a crawl takes such a hop only when its spider asks for it.
"""

from __future__ import annotations

import re

__all__ = ["refresh_target"]

_BLANK = "[\t\n\f\r ]*"
_TIMED = re.compile(
    rf"{_BLANK}(?:[0-9]++|(?=\.))[0-9.]*+(?=[;,\t\n\f\r ]|\Z){_BLANK}[;,]?{_BLANK}(?P<place>.*)", re.DOTALL
)
_NAMED = re.compile(rf"url{_BLANK}={_BLANK}", re.IGNORECASE)


def refresh_target(content: str) -> str:
    """Return the place that `content` names, as it is written; "" when it names none or cannot be read."""
    timed = _TIMED.match(content)
    if timed is None:
        return ""
    place = timed["place"]
    if named := _NAMED.match(place):
        place = place[named.end() :]
    if place[:1] in ("'", '"'):
        place = place[1:].partition(place[0])[0]
    return place.strip()
