"""Keep what the user gave as a secret out of everything that people read: logs, summaries, descriptions of a plan.

The last gate, not the first: secrets are not put into texts to begin with. But a server may repeat a key in a Location,
and a key in a seed's query is part of the URL, so what leaves through the terminal passes here.

Pure text; which values are secrets is told by the config.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

__all__ = ["hider"]

SHORTEST = 6  # characters; a shorter value is no secret, and to take it out would take words apart
_MASK = "***"


def hider(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that takes `secrets` out of a text, as they are and as URLs and JSON spell them."""
    spellings: set[str] = set()
    for secret in secrets:
        if len(secret) >= SHORTEST:
            escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
            spellings |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), escaped}
    if not spellings:
        return str
    pattern = re.compile("|".join(re.escape(spelling) for spelling in sorted(spellings, key=len, reverse=True)))
    return lambda text: pattern.sub(_MASK, text)
