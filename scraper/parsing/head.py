"""What a page says of itself in elements without content, `<base>` and `<meta>`, wherever it says it.

Such an element may stand anywhere, and to walk through a whole page for the few that there are takes a third of the
time of parsing it. So their tags are counted in the source, where a tag's name is always written out: when as many
elements are children of the head, there are no others. When not, for whatever reason, the walk is made.

What these elements say is understood elsewhere.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

__all__ = ["bases_and_metas"]

_TAG = re.compile(rb"<[bBmM][aAeE][sStT][eEaA][\t\n\f\r />]")  # twice as fast as the two names; too many do no harm


def bases_and_metas(tree: LexborHTMLParser, source: bytes) -> tuple[list[LexborNode], list[LexborNode]]:
    """Return every `<base>` and every `<meta>` of `tree`, which was parsed from `source`, in document order."""
    written = len(_TAG.findall(source))
    if not written:
        return [], []
    bases: list[LexborNode] = []
    metas: list[LexborNode] = []
    node = None if tree.head is None else tree.head.first_child
    while node is not None:
        tag = node.tag
        if tag == "meta":
            metas.append(node)
        elif tag == "base":
            bases.append(node)
        node = node.next
    if len(bases) + len(metas) == written:
        return bases, metas
    return tree.tags("base"), tree.tags("meta")
