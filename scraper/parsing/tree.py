"""Markup to a tree, by the only parser there is; and small pieces of it first, where the names of tags may lie.

What nests without end does so in every piece, and the parser is not deceived by end tags in comments, in attributes or
out of place. Parsing is asked for without mutation events. They would keep a list's `<selectedcontent>` a copy of the
chosen option, text that is in the page anyway, and to know the choice they look at all options for each: 30,000 of them
took ten seconds.

What markup is worth parsing is decided elsewhere.
"""

from __future__ import annotations

import random

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

__all__ = ["markup_tree", "nests"]

_OPTIONS = int(LexborDocumentOptions.WO_EVENTS)
PROBE, PROBE_EVERY = 2048, 131_072  # bytes; parsing so few takes a hundredth of the time of the page
PROBED_FROM = PROBE_EVERY  # bytes; what lies in fewer, with other text around it, is parsed in a quarter of a second
PROBE_DEPTH = 24  # elements that are left open in a probe; an honest page leaves half as many


def markup_tree(source: bytes) -> LexborHTMLParser:
    """Parse `source`, which is UTF-8 without a byte order mark."""
    return LexborHTMLParser(source, options=_OPTIONS)


def nests(source: bytes, *, everywhere: bool = False) -> bool:
    """Tell whether pieces of a page, taken here and there or `everywhere`, nest as no honest page does."""
    if len(source) < PROBED_FROM and not everywhere:
        return False
    step = PROBE if everywhere else PROBE_EVERY
    for start in range(0, len(source), step):
        spread = 0 if everywhere else min(step, len(source) - start)
        place = start + int(random.random() * spread)  # noqa: S311 - unforeseen, not secret
        begin = source.find(b"<", place, place + PROBE)
        if begin >= 0 and _left_open(source[begin : begin + PROBE]) > PROBE_DEPTH:
            return True
    return False


def _left_open(piece: bytes) -> int:
    """Return how many elements are open at the end of `piece`: what comes last is in the innermost."""
    depth, node = 0, LexborHTMLParser(piece, options=_OPTIONS).body
    while node is not None and depth <= PROBE_DEPTH:
        depth, node = depth + 1, node.last_child
    return depth
