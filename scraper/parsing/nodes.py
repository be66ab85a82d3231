"""What is asked of the nodes of a tree, at the price that it must have: found, read, their attributes.

Two things cost more than they look. A document makes a selector engine of its own when it is first asked, which takes
as long as parsing a small page, so all documents share one. And of many elements mostly the first is wanted, for which
the engine need not walk through the rest of the page: `first` says what `find` would have said first.

The tree is never changed. No page, no URL and no crawl may enter here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from selectolax.lexbor import LexborCSSSelector, LexborHTMLParser, LexborNode, SelectolaxError

from scraper.transforms import collapse

__all__ = ["attribute", "check_query", "find", "first", "reading", "references", "text_nodes"]

# Elements that a browser starts on a new line or in a new cell (HTML standard, 15.3, and br); unknown ones run on.
_BLOCK_NAMES = (
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main menu nav ol optgroup option p"
    " plaintext pre search section summary table tbody td tfoot th thead title tr ul xmp"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
# Elements whose content a reader does not see; a template's content is not in the tree at all.
_UNSEEN = frozenset(("head", "iframe", "noembed", "noframes", "noscript", "script", "style", "template"))

_ENGINE: Any = LexborCSSSelector()  # type: ignore[no-untyped-call]
_find_first = _ENGINE.find_first
_EMPTY = LexborHTMLParser("")


def check_query(query: str) -> None:
    """Raise ValueError for what is no CSS selector; whether it is one is no matter of the tree."""
    try:
        _ENGINE.find(query, _EMPTY.root)
    except (SelectolaxError, UnicodeError):
        raise ValueError("it is not a CSS selector") from None


def find(starts: list[LexborNode], query: str) -> list[LexborNode]:
    """Return what `query` matches among `starts` and below them, each node once."""
    if len(starts) == 1:
        found: list[LexborNode] = _ENGINE.find(query, starts[0])
        if "," not in query:
            return found
    else:
        found = [node for start in starts for node in _ENGINE.find(query, start)]
    # Nested starts and lists find a node more than once.
    return list({node.mem_id: node for node in found}.values()) if len(found) > 1 else found


def first(start: LexborNode, query: str) -> LexborNode | None:
    """Return the first of what `find` would find for one start."""
    found: list[LexborNode] = _find_first(query, start)
    return found[0] if found else None


def attribute(node: LexborNode, name: str) -> str | None:
    """Return an attribute's value, "" for one that is written without; None when it is absent."""
    try:
        value: str | None = node.attrs.sget(name, None)
    except (TypeError, UnicodeError):  # a node that is no element, a name that is no text
        return None
    return value


def references(elements: Iterable[LexborNode]) -> list[str]:
    """Return what each element refers to, as written: its href, else its src."""
    found: list[str] = []
    for element in elements:
        attributes = element.attrs
        link = attributes.sget("href", None)
        if link is None:
            link = attributes.sget("src", None)
        if link is not None:
            found.append(link)
    return found


def text_nodes(nodes: Iterable[LexborNode], deep: bool) -> list[LexborNode]:
    """Return the text nodes that are children of `nodes`, or with `deep` all below them, each once."""
    walk = LexborNode.traverse if deep else LexborNode.iter
    found = (node for start in nodes for node in walk(start, include_text=True) if node.is_text_node)
    return list({node.mem_id: node for node in found}.values()) if deep else list(found)


def reading(node: LexborNode) -> str:
    """Return the text of `node` as a reader sees it, white space collapsed."""
    child = node.first_child
    if child is None:
        return ""
    if child.next is None and (text := child.text_content) is not None:  # most nodes that are read are leaves
        return collapse(text)
    return collapse("".join(_pieces(child)))


def _pieces(start: LexborNode) -> Iterator[str]:
    """Yield the texts of `start`, of what follows it and of all below, with a space at each edge of a block.

    Walks without recursion: pages nest deeper than Python's stack.
    """
    node: LexborNode | None = start
    open_elements: list[LexborNode] = []
    while node is not None:
        if node.is_text_node:
            yield node.text_content or ""
        else:
            tag = node.tag
            if tag in _BLOCKS:
                yield " "
            if tag not in _UNSEEN and (child := node.first_child) is not None:
                open_elements.append(node)
                node = child
                continue
        following = node.next
        while following is None and open_elements:
            node = open_elements.pop()
            if node.tag in _BLOCKS:
                yield " "
            following = node.next
        node = following
