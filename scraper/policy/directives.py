"""What a page tells robots about itself: the words of `<meta name=robots>` and of the X-Robots-Tag header.

Neither is in RFC 9309; both are the convention of the large search engines (Google: "Robots meta tag, data-nosnippet,
and X-Robots-Tag specifications"). Words are kept as they are said, in lower case; what follows from one is decided
elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

__all__ = ["directives"]

# In an X-Robots-Tag the name of a crawler says whom the words behind it are for, up to the next name; some words with
# a colon are directives themselves.
_NAME = re.compile(r"\s*([0-9]*[a-z*][\w.*-]*)\s*:")
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_MEANS = {"none": ("noindex", "nofollow"), "all": ()}
_EVERYBODY = ("robots", "*")
_NONE: frozenset[str] = frozenset()
LONGEST = 1000  # characters of one line; there are some twenty words


def directives(meta: Sequence[str], headers: Sequence[str], robot: str = "") -> frozenset[str]:
    """Return the directives for every crawler, and for the one with the name `robot` (in lower case).

    `meta` are the contents of the tags, `headers` the header's values.
    """
    if not meta and not headers:
        return _NONE
    found: set[str] = set()
    for line in meta:
        found.update(_words(line))
    for line in headers:
        ours = True
        for word in _words(line):
            name = _NAME.match(word)
            if name is not None and name[1] not in _WITH_VALUE:
                ours = name[1] in _EVERYBODY or name[1] == robot
                word = word[name.end() :].strip()
            if ours and word:
                found.add(word)
    return frozenset(meant for word in found for meant in _MEANS.get(word, (word,)))


def _words(line: str) -> Iterator[str]:
    """Yield what stands between the commas, in lower case."""
    for part in re.split(r"[,;]", line[:LONGEST].lower()):
        if word := part.strip():
            yield word
