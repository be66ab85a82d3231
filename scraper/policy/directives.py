"""What a page tells robots about itself: the words of `<meta name=robots>` and of the X-Robots-Tag header.

Neither is in RFC 9309; both are the convention of the large search engines (Google: "Robots meta tag, data-nosnippet,
and X-Robots-Tag specifications"). Words are kept as they are said, in lower case; what follows from one is decided
elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["directives"]

# An X-Robots-Tag may begin with the name of the crawler it is for; these words with a colon are directives themselves.
_FOR_ONE = re.compile(r"\s*(?P<name>[A-Za-z][\w-]*)\s*:(?P<rest>.*)", re.DOTALL)
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_MEANS = {"none": ("noindex", "nofollow"), "all": ()}
_NONE: frozenset[str] = frozenset()
LONGEST = 1000  # characters of one line; there are some twenty words


def directives(meta: Sequence[str], headers: Sequence[str]) -> frozenset[str]:
    """Return the directives for every robot: `meta` are the contents of the tags, `headers` the header's values."""
    if not meta and not headers:
        return _NONE
    found: set[str] = set()
    for line in (*meta, *map(_for_all, headers)):
        for part in re.split(r"[,;]", line[:LONGEST].lower()):
            word = part.strip()
            if word:
                found.update(_MEANS.get(word, (word,)))
    return frozenset(found)


def _for_all(value: str) -> str:
    """Return what a header says to all robots: nothing when it is for one with a name."""
    match = _FOR_ONE.match(value)
    if match is None or match["name"].lower() in _WITH_VALUE:
        return value
    return match["rest"] if match["name"].lower() in ("robots", "*") else ""
