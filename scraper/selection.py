"""What a selector finds in a page, and the text that a reader would see there.

Only this room and `page`, which makes selections, know selectolax: none of its nodes is handed out. A chain never
raises because something is absent: what is not there is an empty Selection, and its text is None. Only a selector that
cannot be understood raises, since that is the spider's mistake and not the page's.

The tree is never changed, so selections stay valid; no fetching and no crawl may enter here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from re import Pattern
from typing import Protocol, overload

from selectolax.lexbor import LexborNode, SelectolaxError

from scraper.errors import SpiderError
from scraper.outcome import Reason
from scraper.transforms import collapse, integer, number
from scraper.urls import Url

__all__ = ["Place", "Selection"]

# Elements that a browser starts on a new line or in a new cell (HTML standard, 15.3, and br); unknown ones run on.
_BLOCK_NAMES = (
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main menu nav ol optgroup option p"
    " plaintext pre search section summary table tbody td tfoot th thead title tr ul xmp"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
# Elements whose content a reader does not see; a template's content is not in the tree at all.
_UNSEEN = frozenset(("head", "iframe", "noembed", "noframes", "noscript", "script", "style", "template"))


class Place(Protocol):
    """Where nodes are from: what a selection asks its page for."""

    @property
    def url(self) -> str:
        """The page's URL, for messages."""
        ...

    def resolve(self, reference: str) -> Url | Reason:
        """Return the URL that `reference` means on the page, or why it cannot be requested."""
        ...


class Selection:
    """What a selector matched, in document order and each node once; possibly nothing.

    A selector may end in Scrapy's `::text` (the matched elements' own text nodes; with a space in front, ` ::text`, all
    text nodes below too) or `::attr(name)` (the values of an attribute, for the elements that have it). Iterating
    gives a Selection of one at a time. An index beyond the end gives an empty Selection, not an IndexError, so that
    `page.css("td")[3].text` is None on a short row.
    """

    __slots__ = ("_nodes", "_place", "_values")

    def __init__(self, place: Place, nodes: list[LexborNode], values: list[str] | None = None) -> None:
        self._place = place
        self._nodes = nodes
        self._values = values  # of text nodes or attributes, one for each node; None: the nodes are elements

    def css(self, selector: str) -> Selection:
        """Return what `selector` matches among these elements and below them; raise SpiderError for a bad selector."""
        if self._values is not None:
            raise self._bad(selector, "there are no elements below a text or an attribute")
        try:
            query, ending, deep = _split(selector)
        except ValueError as error:
            raise self._bad(selector, str(error)) from None
        found = Selection(self._place, self._find(query) if query or ending is None else self._nodes)
        if ending is None:
            return found
        return found._texts_of(deep) if not ending else found._attributes_of(ending, deep)

    def _texts_of(self, deep: bool) -> Selection:
        nodes = _text_nodes(self._nodes, deep)
        return Selection(self._place, nodes, [node.text_content or "" for node in nodes])

    def _attributes_of(self, name: str, deep: bool) -> Selection:
        nodes = [node for node in (self._find("*") if deep else self._nodes) if name in node.attributes]
        return Selection(self._place, nodes, [node.attributes[name] or "" for node in nodes])

    def _find(self, query: str) -> list[LexborNode]:
        try:
            found = [node for start in self._nodes for node in start.css(query)]
        except (SelectolaxError, UnicodeError):
            raise self._bad(query, "it is not a CSS selector") from None
        if len(self._nodes) > 1 or "," in query:  # nested starts and lists find a node more than once
            return list({node.mem_id: node for node in found}.values())
        return found

    def _bad(self, selector: str, fault: str) -> SpiderError:
        return SpiderError(f"selector {selector!r}, used on {self._place.url}: {fault}")

    @property
    def text(self) -> str | None:
        """The first match's text as a reader sees it, white space collapsed; None when nothing matched.

        Content of script, style, template and noscript is left out unless the match is such an element itself. Blocks
        and line breaks separate words. Of `::text` matches those of white space alone are passed over.
        """
        if self._values is None:
            return _reading(self._nodes[0]) if self._nodes else None
        return next(iter(self.texts), None)

    @property
    def texts(self) -> list[str]:
        """The text of each match, read like `text`."""
        if self._values is None:
            return [_reading(node) for node in self._nodes]
        return [text for value in self._values if (text := collapse(value))]

    @property
    def number(self) -> float | None:
        """The first number in the first match's text, by the rules of `transforms.number`."""
        return number(self.text or "")

    @property
    def integer(self) -> int | None:
        """The first number in the first match's text if it is whole, by the rules of `transforms.integer`."""
        return integer(self.text or "")

    @property
    def html(self) -> str | None:
        """The first match as HTML, its own tags included; None when nothing matched."""
        return self._nodes[0].html if self._nodes else None

    def attr(self, name: str) -> str | None:
        """Return the first match's attribute `name`; None when it, or the match, is absent."""
        return _attribute(self._nodes[0], name) if self._nodes else None

    def attrs(self, name: str) -> list[str]:
        """Return the attribute `name` of each match that has it."""
        return [value for node in self._nodes if (value := _attribute(node, name)) is not None]

    @overload
    def get(self, default: None = None) -> str | None: ...
    @overload
    def get(self, default: str) -> str: ...
    def get(self, default: str | None = None) -> str | None:
        """Return the first match as it stands: text of `::text`, value of `::attr`, else its HTML."""
        if not self._nodes:
            return default
        return (self._nodes[0].html or "") if self._values is None else self._values[0]

    def getall(self) -> list[str]:
        """Return each match as it stands; see `get`."""
        return [node.html or "" for node in self._nodes] if self._values is None else list(self._values)

    def re(self, pattern: str | Pattern[str]) -> list[str]:
        """Return what `pattern` finds: whole matches, or its groups one after the other.

        It is searched in the values of `::text` and `::attr` as they stand, otherwise in the `texts`.
        """
        sources = self.texts if self._values is None else self._values
        found = (match for text in sources for match in re.finditer(pattern, text))
        return [part or "" for match in found for part in (match.groups() or (match[0],))]

    def re_first(self, pattern: str | Pattern[str]) -> str | None:
        """Return the first of what `re` finds; None when it finds nothing."""
        return next(iter(self.re(pattern)), None)

    def references(self) -> list[str]:
        """Return the links as the page writes them: values of `::text` or `::attr`, else each element's href or src."""
        if self._values is not None:
            return list(self._values)
        return [link for node in self._nodes if (link := _reference(node)) is not None]

    @property
    def url(self) -> str | None:
        """The first of `urls`; None when there is none."""
        return next(self._targets(), None)

    @property
    def urls(self) -> list[str]:
        """The `references` as absolute canonical URLs, without those that cannot be requested."""
        return list(self._targets())

    def _targets(self) -> Iterator[str]:
        for reference in self.references():
            target = self._place.resolve(reference)
            if isinstance(target, Url):
                yield target

    def __iter__(self) -> Iterator[Selection]:
        return map(self.__getitem__, range(len(self._nodes)))

    def __getitem__(self, index: int | slice) -> Selection:
        if not isinstance(index, slice):
            index = slice(index, index + 1 or None)
        values = None if self._values is None else self._values[index]
        return Selection(self._place, self._nodes[index], values)

    def __len__(self) -> int:
        return len(self._nodes)

    def __repr__(self) -> str:
        first = (self.get("") if self._nodes else "")[:60]
        return f"<Selection {len(self._nodes)}{f' | {first!r}' if first else ''}>"


_SUFFIX = re.compile(r"(?P<query>.*?)(?P<space>\s*)::(?:text|attr\(\s*(?P<name>[^\s()]+)\s*\))\s*", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


@lru_cache(maxsize=512)  # selectors: a spider has dozens
def _split(selector: str) -> tuple[str, str | None, bool]:
    """Split a selector: CSS, ending (None: there is none, "": text, else an attribute), whether that goes deep."""
    if "::" not in selector:
        return selector, None, False
    match = _SUFFIX.fullmatch(selector)
    query = match["query"].strip() if match else selector
    bare, replaced = _BRACKETED.subn("", _QUOTED.sub("", query))
    while replaced:
        bare, replaced = _BRACKETED.subn("", bare)
    if "::" in bare:
        raise ValueError("after :: only text and attr(name) are known, once and at the end")
    if match is None:
        return selector, None, False
    if "," in bare:
        raise ValueError("a list cannot end in ::text or ::attr(name); ask twice, or put the list into :is(…)")
    return query, match["name"] or "", bool(match["space"]) or not query


def _attribute(node: LexborNode, name: str) -> str | None:
    """Return an attribute's value, "" for one that is written without; None when it is absent."""
    attributes = node.attributes
    return (attributes[name] or "") if name in attributes else None


def _reference(node: LexborNode) -> str | None:
    attributes = node.attributes
    for name in ("href", "src"):
        if name in attributes:
            return attributes[name] or ""
    return None


def _text_nodes(nodes: Iterable[LexborNode], deep: bool) -> list[LexborNode]:
    """Return the text nodes that are children of `nodes`, or with `deep` all below them, each once."""
    walk = LexborNode.traverse if deep else LexborNode.iter
    found = (node for start in nodes for node in walk(start, include_text=True) if node.is_text_node)
    return list({node.mem_id: node for node in found}.values()) if deep else list(found)


def _reading(node: LexborNode) -> str:
    """Return the text of `node` as a reader sees it, white space collapsed."""
    first = node.first_child
    if first is None:
        return ""
    if first.is_text_node and first.next is None:  # most nodes that are asked for their text are leaves
        return collapse(first.text_content or "")
    return collapse("".join(_pieces(first)))


def _pieces(first: LexborNode) -> Iterator[str]:
    """Yield the texts of `first`, of what follows it and of all below, with a space at each edge of a block.

    Walks without recursion: pages nest deeper than Python's stack.
    """
    node: LexborNode | None = first
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
