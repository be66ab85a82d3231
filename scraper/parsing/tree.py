"""Markup to a tree, by the only parser there is.

Parsing is asked for without mutation events. They would keep a list's `<selectedcontent>` a copy of the chosen option,
text that is in the page anyway, and to know the choice they look at all options for each: 30,000 of them took ten
seconds.

What markup is worth parsing is decided elsewhere.
"""

from __future__ import annotations

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

__all__ = ["EMPTY", "markup_tree"]

EMPTY = b""
_OPTIONS = int(LexborDocumentOptions.WO_EVENTS)


def markup_tree(source: bytes) -> LexborHTMLParser:
    """Parse `source`, which is UTF-8 without a byte order mark."""
    return LexborHTMLParser(source, options=_OPTIONS)
