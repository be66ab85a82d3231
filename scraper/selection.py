"""What a selector finds in a page, and the text that a reader would see there.

None of selectolax's nodes is handed out. A chain never raises because something is absent: what is not there is an
empty Selection, and its text is None. Only a selector that cannot be understood raises, since that is the spider's
mistake and not the page's. Nothing is looked for before somebody asks, and for the first match alone no further than
to that one.

The tree is never changed, so selections stay valid; no fetching and no crawl may enter here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import chain
from re import Pattern
from typing import Protocol, overload

from selectolax.lexbor import LexborNode

from scraper.errors import SpiderError
from scraper.parsing.nodes import attribute, check_query, find, first, reading, references, text_nodes
from scraper.transforms import collapse, integer, number
from scraper.urls import Url

__all__ = ["Place", "Selection"]


class Place(Protocol):
    """Where nodes are from: what a selection asks its page for."""

    @property
    def url(self) -> str:
        """The page's URL, for messages."""
        ...

    def targets(self, references: Iterable[str]) -> Mapping[str, Url]:
        """Return the URLs that `references` mean on the page, of those that can be requested."""
        ...


class Selection:
    """What a selector matched, in document order and each node once; possibly nothing.

    A selector may end in Scrapy's `::text` (the matched elements' own text nodes; with a space in front, ` ::text`, all
    text nodes below too) or `::attr(name)` (the values of an attribute, for the elements that have it). Iterating
    gives a Selection of one at a time. An index beyond the end gives an empty Selection, not an IndexError, so that
    `page.css("td")[3].text` is None on a short row.
    """

    __slots__ = ("_above", "_found", "_node", "_place", "_query", "_start", "_values")

    _node: LexborNode | None  # the first match; None: there is none, or nobody has asked for it yet
    _found: list[LexborNode] | None  # None: nobody has asked for all matches yet, and these say how they are found:
    _above: Selection  # the elements that the query is asked of
    _start: LexborNode  # the first of those
    _query: str

    def __init__(self, place: Place, nodes: list[LexborNode], values: list[str] | None = None) -> None:
        self._place = place
        self._found = nodes
        self._node = nodes[0] if nodes else None
        self._values = values  # of text nodes or attributes, one for each node; None: the nodes are elements

    def css(self, selector: str) -> Selection:
        """Return what `selector` matches among these elements and below them; raise SpiderError for a bad selector."""
        if self._values is not None:
            raise self._bad(selector, "there are no elements below a text or an attribute")
        try:
            query, ending, deep = _split(selector)
        except ValueError as error:
            raise self._bad(selector, str(error)) from None
        if not query:
            found = self
        elif (start := self._node or self._one()) is None:
            found = Selection(self._place, [])
        else:
            found = _new(Selection)
            found._place = self._place
            found._node = found._found = found._values = None
            found._above = self
            found._start = start
            found._query = query
        if ending is None:
            return found
        return found._attributes_of(ending, deep) if ending else found._texts_of(deep)

    def _one(self) -> LexborNode | None:
        """Return the first match, if there is one, without looking for the others."""
        node = self._node
        if node is None and self._found is None:
            node = self._node = first(self._start, self._query)
            if node is None and len(self._above._all()) == 1:
                self._found = []
        if node is None and (found := self._all()):  # what the first element above has not, another one may have
            node = self._node = found[0]
        return node

    def _all(self) -> list[LexborNode]:
        pending: list[Selection] = []
        one = self
        while one._found is None:  # no recursion: a chain may be longer than Python's stack
            pending.append(one)
            one = one._above
        found = one._found
        for one in reversed(pending):
            found = one._found = find(found, one._query)
        return found

    def _texts_of(self, deep: bool) -> Selection:
        nodes = text_nodes(self._all(), deep)
        return Selection(self._place, nodes, [node.text_content or "" for node in nodes])

    def _attributes_of(self, name: str, deep: bool) -> Selection:
        found = find(self._all(), "*") if deep else self._all()
        pairs = [(node, value) for node in found if (value := attribute(node, name)) is not None]
        return Selection(self._place, [node for node, _ in pairs], [value for _, value in pairs])

    def _bad(self, selector: str, fault: str) -> SpiderError:
        return SpiderError(f"selector {selector!r}, used on {self._place.url}: {fault}")

    @property
    def text(self) -> str | None:
        """The first match's text as a reader sees it, white space collapsed; None when nothing matched.

        Content of script, style, template and noscript is left out unless the match is such an element itself. Blocks
        and line breaks separate words. Of `::text` matches those of white space alone are passed over.
        """
        if self._values is not None:
            return next(iter(self.texts), None)
        node = self._node or self._one()
        return None if node is None else reading(node)

    @property
    def texts(self) -> list[str]:
        """The text of each match, read like `text`."""
        if self._values is None:
            return [reading(node) for node in self._all()]
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
        node = self._one()
        return None if node is None else node.html

    def attr(self, name: str) -> str | None:
        """Return the first match's attribute `name`; None when it, or the match, is absent."""
        node = self._node or self._one()
        return None if node is None else attribute(node, name)

    def attrs(self, name: str) -> list[str]:
        """Return the attribute `name` of each match that has it."""
        return [value for node in self._all() if (value := attribute(node, name)) is not None]

    @overload
    def get(self, default: None = None) -> str | None: ...
    @overload
    def get(self, default: str) -> str: ...
    def get(self, default: str | None = None) -> str | None:
        """Return the first match as it stands: text of `::text`, value of `::attr`, else its HTML."""
        if self._values is not None:
            return self._values[0] if self._values else default
        node = self._one()
        return default if node is None else node.html or ""

    def getall(self) -> list[str]:
        """Return each match as it stands; see `get`."""
        return [node.html or "" for node in self._all()] if self._values is None else list(self._values)

    def re(self, pattern: str | Pattern[str]) -> list[str]:
        """Return what `pattern` finds: whole matches, or its groups one after the other.

        It is searched in the values of `::text` and `::attr` as they stand, otherwise in the `texts`.
        """
        matches = chain.from_iterable(re.finditer(pattern, text) for text in self._readings())
        return [part or "" for match in matches for part in match.groups() or (match[0],)]

    def re_first(self, pattern: str | Pattern[str]) -> str | None:
        """Return the first of what `re` finds; None when it finds nothing."""
        search = pattern.search if isinstance(pattern, Pattern) else partial(re.search, pattern)
        found = next(filter(None, map(search, self._readings())), None)
        return None if found is None else found[min(1, found.re.groups)] or ""

    def _readings(self) -> Iterator[str]:
        """Yield the text of each match, read where that has not been done; looks for no more than are asked for."""
        if self._values is not None:
            yield from self._values
            return
        node = self._one()
        if node is not None:
            yield reading(node)
            yield from map(reading, self._all()[1:])

    def references(self) -> list[str]:
        """Return the links as the page writes them: values of `::text` or `::attr`, else each element's href or src."""
        return references(self._all()) if self._values is None else list(self._values)

    @property
    def url(self) -> str | None:
        """The first of `urls`; None when there is none."""
        if self._values is None and (node := self._one()) is not None:
            for target in self._place.targets(references((node,))).values():
                return target
        return next(iter(self.urls), None)

    @property
    def urls(self) -> list[str]:
        """The `references` as absolute canonical URLs, without those that cannot be requested."""
        links = self.references()
        targets = self._place.targets(links)
        return [targets[link] for link in links if link in targets]

    def __iter__(self) -> Iterator[Selection]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int | slice) -> Selection:
        if index == 0 and self._values is None:
            node = self._one()
            return Selection(self._place, [] if node is None else [node])
        if not isinstance(index, slice):
            index = slice(index, index + 1 or None)
        values = None if self._values is None else self._values[index]
        return Selection(self._place, self._all()[index], values)

    def __bool__(self) -> bool:
        return self._one() is not None

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        beginning = (self.get() or "")[:60]
        return f"<Selection {len(self)}{f' | {beginning!r}' if beginning else ''}>"


_new = object.__new__
_SUFFIX = re.compile(r"(?P<query>.*?)(?P<space>\s*)::(?:text|attr\(\s*(?P<name>[^\s()]+)\s*\))\s*", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


@lru_cache(maxsize=512)  # selectors: a spider has dozens
def _split(selector: str) -> tuple[str, str | None, bool]:
    """Split a selector: CSS, ending (None: there is none, "": text, else an attribute), whether that goes deep."""
    if "::" not in selector:
        check_query(selector)
        return selector, None, False
    match = _SUFFIX.fullmatch(selector)
    query = match["query"].strip() if match else selector
    bare, replaced = _BRACKETED.subn("", _QUOTED.sub("", query))
    while replaced:
        bare, replaced = _BRACKETED.subn("", bare)
    if "::" in bare:
        raise ValueError("after :: only text and attr(name) are known, once and at the end")
    if query:
        check_query(query)
    if match is None:
        return selector, None, False
    if "," in bare:
        raise ValueError("a list cannot end in ::text or ::attr(name); ask twice, or put the list into :is(…)")
    return query, match["name"] or "", bool(match["space"]) or not query
