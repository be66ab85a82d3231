"""Markup to a tree, by the only parser there is. A long list of choices is read in time with its length.

Lexbor asks of every `<option>` in a list of one choice which option is chosen, by looking at all of them: 30,000 took
ten seconds. A list of several choices has no such question, so long ones are parsed as those, and the attribute that
says so is taken away again before anybody sees it. Nothing else about the tree is ever changed.

What markup is worth parsing is decided elsewhere.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

from scraper.parsing.gate import many_options

__all__ = ["EMPTY", "markup_tree"]

EMPTY = b""
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
