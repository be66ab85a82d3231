"""A page as a callback gets it: the response, parsed when it is first asked for something, and the links to follow.

Everything here is synchronous and works on a saved file as well as on a live answer. Every link that `follow` sees is
accounted for: it becomes a Request, or a refusal with a reason. What an absent element gives is None or empty, never an
exception (`selection` keeps that promise).

No fetching, no frontier and no scope may enter here: whether a link is followed is decided at the front door.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from selectolax.lexbor import LexborHTMLParser

from scraper.errors import InvalidSchema, InvalidURL
from scraper.outcome import Reason
from scraper.request import Callback, Request, callback_name
from scraper.response import Headers, Response
from scraper.selection import Selection
from scraper.urls import Url, join

__all__ = ["Follow", "Page", "Selection", "Target"]

Target: TypeAlias = str | Selection | Iterable["Target"]

_URL_STARTS = ("http://", "https://", "/", "./", "../", "?")
_UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """The links that a callback wants followed; yield it."""

    requests: tuple[Request, ...] = ()  # each URL once, in the page's order
    refusals: tuple[tuple[str, Reason], ...] = ()  # links that cannot be requested, as written: SCHEME or INVALID_URL

    def __repr__(self) -> str:
        return f"<Follow {len(self.requests)} | {len(self.refusals)} refused>"


class Page:
    """One fetched page.

    Look into it with `css`; go on with `follow`. It is parsed when that is first needed, once.
    """

    def __init__(self, response: Response) -> None:
        self.response = response
        self._links: dict[str, Url | Reason] = {}

    @property
    def request(self) -> Request:
        """The request that brought this page."""
        return self.response.request

    @property
    def url(self) -> str:
        """The URL of this page, after any redirects."""
        return self.response.url

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def headers(self) -> Headers:
        """The response's headers."""
        return self.response.headers

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the callback that asked for this page handed on: `follow(..., meta=...)`."""
        return self.response.request.meta

    @property
    def text(self) -> str:
        """The source as text, in the encoding that a browser would use."""
        return self.response.text

    def json(self) -> Any:
        """Return the body parsed as JSON; raise JSONDecodeError when it is not."""
        return self.response.json()

    @cached_property
    def _tree(self) -> LexborHTMLParser:
        body = self.response.body
        # Lexbor takes bytes for UTF-8 and a byte order mark for text; other encodings are decoded by our own rules.
        as_it_is = self.response.encoding == "utf-8" and not body.startswith(_UTF8_BOM)
        return LexborHTMLParser(body if as_it_is else self.response.text)

    @cached_property
    def base_url(self) -> str:
        """What relative links are resolved against: the first `<base href>`, else the page's own URL."""
        bases = Selection(self, self._tree.tags("base"))  # half the price of a selector, and asked of every page
        href = next(iter(bases.attrs("href")), None)
        target = None if href is None else _resolve(self.url, href)
        return target if isinstance(target, Url) else self.url

    def resolve(self, reference: str) -> Url | Reason:
        """Return the URL that `reference` means on this page, or why it cannot be requested: SCHEME or INVALID_URL."""
        target = self._links.get(reference)
        if target is None:
            target = self._links[reference] = _resolve(self.base_url, reference)
        return target

    @property
    def title(self) -> str | None:
        """The text of the `<title>`; None when there is none."""
        return self.css("title").text

    def css(self, selector: str) -> Selection:
        """Return what the CSS `selector` matches; see Selection. Raises SpiderError for a selector that is none."""
        root = self._tree.root
        # Not kept: a page that holds a selection of itself would hold its tree until the garbage collector comes.
        return Selection(self, [] if root is None else [root]).css(selector)

    def links(self) -> Selection:
        """Return every link of the page, `a[href]` and `area[href]`, in document order."""
        return self.css("a[href], area[href]")

    def follow(
        self, target: Target, callback: Callback = "parse", *, meta: Mapping[str, Any] | None = None, priority: int = 0
    ) -> Follow:
        """Return requests for the links that `target` names, each for `callback` and one level deeper.

        A text is a URL when it starts with http://, https://, /, ./, ../ or ?, otherwise a CSS selector, of which all
        matches are meant: "h3 a", or ".next a::attr(href)". For other relative URLs, such as "page-2.html", there is
        `follow_url`. A Selection stands for the href (or src) of the matched elements themselves, not for links inside
        them. An iterable may hold any of these. Nothing matched: an empty Follow.
        """
        return self._follow(self._references(target), callback, meta, priority)

    def follow_url(
        self,
        url: str | Iterable[str],
        callback: Callback = "parse",
        *,
        meta: Mapping[str, Any] | None = None,
        priority: int = 0,
    ) -> Follow:
        """Do as `follow`, for a URL or several, absolute or relative to this page, however they begin."""
        return self._follow([url] if isinstance(url, str) else url, callback, meta, priority)

    def follow_links(
        self, callback: Callback = "parse", *, meta: Mapping[str, Any] | None = None, priority: int = 0
    ) -> Follow:
        """Do as `follow`, for all `links`."""
        return self._follow(self.links().references(), callback, meta, priority)

    def _references(self, target: Target) -> Iterator[str]:
        if isinstance(target, Selection):
            yield from target.references()
        elif not isinstance(target, str):
            for one in target:
                yield from self._references(one)
        elif target.lower().startswith(_URL_STARTS):
            yield target
        else:
            yield from self.css(target).references()

    def _follow(
        self, references: Iterable[str], callback: Callback, meta: Mapping[str, Any] | None, priority: int
    ) -> Follow:
        name = callback_name(callback)
        depth = self.request.depth + 1
        handed_on = {} if meta is None else dict(meta)  # the spider may go on changing its own
        requests: dict[Url, Request] = {}
        refusals: dict[str, Reason] = {}
        for reference in references:
            target = self.resolve(reference)
            if isinstance(target, Reason):
                refusals[reference] = target
            elif target not in requests:
                requests[target] = Request(target, name, meta=handed_on, priority=priority, depth=depth)
        return Follow(requests=tuple(requests.values()), refusals=tuple(refusals.items()))

    def __repr__(self) -> str:
        return f"<Page {self.status} {self.url}>"


def _resolve(base: str, reference: str) -> Url | Reason:
    try:
        return join(base, reference)
    except InvalidSchema:
        return Reason.SCHEME
    except InvalidURL:
        return Reason.INVALID_URL
