"""Markup to a tree, by the only parser there is; and small pieces of it first, where the names of tags may lie.

What nests without end does so in every piece, and the parser is not deceived by end tags in comments, in attributes or
out of place. A long list of choices is read in time with its length: Lexbor asks of every `<option>` in a list of one
choice which option is chosen, by looking at all of them: 30,000 took ten seconds. A list of several choices has no such
question, so long ones are parsed as those, and the attribute that says so is taken away again before anybody sees it.
Nothing else about the tree is ever changed.

What markup is worth parsing is decided elsewhere.
"""

from __future__ import annotations

import random
import re

from selectolax.lexbor import LexborHTMLParser

from scraper.parsing.gate import many_options

__all__ = ["EMPTY", "markup_tree", "nests"]

EMPTY = b""
PROBE, PROBE_EVERY = 2048, 131_072  # bytes; parsing so few takes a hundredth of the time of the page
PROBED_FROM = PROBE_EVERY  # bytes; what lies in fewer, with other text around it, is parsed in a quarter of a second
PROBE_DEPTH = 24  # elements that are left open in a probe; an honest page leaves half as many
_MARK = "list-of-one-choice"
_SELECT = re.compile(rb"<select(?=[\s/>])(?![^>]*\bmultiple\b)", re.IGNORECASE)


def markup_tree(source: bytes) -> LexborHTMLParser:
    """Parse `source`, which is UTF-8 without a byte order mark."""
    if not many_options(source):
        return LexborHTMLParser(source)
    tree = LexborHTMLParser(_SELECT.sub(rb"\g<0> multiple=" + _MARK.encode(), source))
    for node in tree.css(f"select[multiple='{_MARK}']"):
        del node.attrs["multiple"]
    return tree


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
    depth, node = 0, LexborHTMLParser(piece).body
    while node is not None and depth <= PROBE_DEPTH:
        depth, node = depth + 1, node.last_child
    return depth
