"""A page as a callback gets it: the response, parsed when it is first asked for something, and the links to follow.

Everything here is synchronous and works on a saved file as well as on a live answer. Every link that `follow` sees is
accounted for: it becomes a Request, or a refusal with a reason. What an absent element gives is None or empty, never an
exception (`selection` keeps that promise).

No fetching, no frontier and no scope may enter here: whether a link is followed is decided at the front door.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, TypeAlias

from selectolax.lexbor import LexborNode

from scraper.follow import Follow
from scraper.hrefs import with_encoded_query
from scraper.links import Links
from scraper.mime import Kind, kind_of_body
from scraper.outcome import Reason
from scraper.parsing.nodes import attribute
from scraper.parsing.tree import markup_tree
from scraper.policy.directives import directives
from scraper.policy.refresh import refresh_target
from scraper.request import Callback, Request, callback_name
from scraper.response import Headers, Response
from scraper.selection import Selection
from scraper.urls import Url, base_of

__all__ = ["Follow", "Nofollow", "Page", "Selection", "Target"]

Target: TypeAlias = str | Selection | Iterable["Target"]
Nofollow: TypeAlias = Literal["page", "link", "ignore"]
"""What keeps `follow` from a link: what the page tells robots, also what the link says of itself, nothing."""

_URL_STARTS = ("http://", "https://", "/", "./", "../", "?")
_MARKUP = (Kind.HTML, Kind.XML)  # what there is to select from
_NONE: frozenset[str] = frozenset()
_UTF8_BOM = b"\xef\xbb\xbf"


class Page:
    """One fetched page.

    Look into it with `css`; go on with `follow`. It is parsed when that is first needed, once.
    """

    def __init__(
        self, response: Response, *, cleaned: str | None = None, nofollow: Nofollow = "ignore", robot: str = ""
    ) -> None:
        """`cleaned`: markup to read instead of a body built to hurt the parser; `robot`: the crawler's name."""
        self.response = response
        self._nofollow: Nofollow = nofollow
        self._robot = robot.lower()
        self._cleaned = cleaned
        self._base_url: str | None = None
        self._links: Links | None = None
        self._told: frozenset[str] | None = None
        self._kind: Kind | None = None
        self._root: list[LexborNode] | None = None

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
    def truncated(self) -> bool:
        """Tell whether the body was cut short; only with `fetch.partial: keep` does such a page come."""
        return self.response.truncated

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

    @property
    def kind(self) -> Kind:
        """What the body is, by its label and its first bytes: html, xml, json, text, pdf, image and so on."""
        kind = self._kind
        if kind is None:
            kind = self._kind = kind_of_body(self.response.body, self.response.headers)
        return kind

    @property
    def is_html(self) -> bool:
        """Tell whether this is an HTML page. Selectors find nothing in what is neither HTML nor XML."""
        return self.kind is Kind.HTML

    @property
    def is_markup(self) -> bool:
        """Tell whether this is HTML or XML, which selectors can look into."""
        return self.kind in _MARKUP

    def parse(self) -> None:
        """Parse the page now, if there is anything to parse; otherwise that happens when it is first asked for."""
        self._roots()

    def _roots(self) -> list[LexborNode]:
        """Return the root of the tree; nothing of what is no markup."""
        roots = self._root
        if roots is None:
            root = markup_tree(self._source()).root if self.is_markup else None
            roots = self._root = [] if root is None else [root]
        return roots

    def _source(self) -> bytes:
        if self._cleaned is not None:
            return self._cleaned.encode()
        body = self.response.body
        # Lexbor takes bytes for UTF-8 and a byte order mark for text; other encodings are decoded by our own rules.
        as_it_is = self.response.encoding == "utf-8" and not body.startswith(_UTF8_BOM)
        return body if as_it_is else self.response.text.encode()

    def _said(self, tag: str) -> list[LexborNode]:
        """Return the `<base>` or the `<meta>` elements, wherever they stand."""
        return [note for root in self._roots() for note in root.parser.tags(tag)]

    @property
    def base_url(self) -> str:
        """What relative links are resolved against: the first `<base href>`, else the page's own URL."""
        url = self._base_url
        if url is None:
            href = next((href for base in self._said("base") if (href := attribute(base, "href")) is not None), None)
            url = self.url if href is None else base_of(self.url, with_encoded_query(href, self.response.encoding))
            self._base_url = url
        return url

    @property
    def robots(self) -> frozenset[str]:
        """What the page tells robots, in lower case: "nofollow", "noindex" … of `<meta name=robots>` and X-Robots-Tag.

        "none" stands for both of these. What is for a crawler of another name does not count.
        """
        robots = self._told
        if robots is None:
            names = ("robots", self._robot or "robots")
            metas = [meta.attributes for meta in self._said("meta")]  # to ask for one that is absent takes longer
            told = [meta.get("content") or "" for meta in metas if (meta.get("name") or "").strip().lower() in names]
            robots = self._told = directives(told, self.response.headers.get_all("x-robots-tag"), self._robot)
        return robots

    def resolve(self, reference: str) -> Url | Reason:
        """Return the URL that `reference` means on this page, or why it cannot be requested: SCHEME or INVALID_URL."""
        return self._meant().meaning(reference)

    def targets(self, references: Iterable[str]) -> Mapping[str, Url]:
        """Return the URLs that `references` mean on this page, of those that can be requested."""
        return self._meant().meanings(references)[0]

    def _meant(self) -> Links:
        links = self._links
        if links is None:
            links = self._links = Links(self.base_url, self.response.encoding)
        return links

    @property
    def title(self) -> str | None:
        """The text of the `<title>`; None when there is none."""
        return self.css("title").text

    def css(self, selector: str) -> Selection:
        """Return what the CSS `selector` matches; see Selection. Raises SpiderError for a selector that is none."""
        # Not kept: a page that holds a selection of itself would hold its tree until the garbage collector comes.
        return Selection(self, self._roots()).css(selector)

    def links(self) -> Selection:
        """Return every link of an HTML page, `a[href]` and `area[href]`, in document order."""
        if not self.is_html:
            return Selection(self, [])
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

    def follow_refresh(
        self, callback: Callback = "parse", *, meta: Mapping[str, Any] | None = None, priority: int = 0
    ) -> Follow:
        """Do as `follow`, for the place that a meta refresh (or a Refresh header) sends browsers to.

        A page that only reloads itself, or has none, yields an empty Follow.
        """
        told = (self.headers.get("refresh", ""), *self.css("meta[http-equiv=refresh i]").attrs("content"))
        place = next(filter(None, map(refresh_target, told)), "")
        reloads = not place or self.resolve(place) == self.url
        return self._follow([] if reloads else [place], callback, meta, priority)

    @property
    def _disowned(self) -> frozenset[str]:
        """The links with rel=nofollow and no copy without it, as written, when that is to count."""
        if self._nofollow != "link":
            return _NONE
        return frozenset(self.css("a[rel~=nofollow i], area[rel~=nofollow i]").attrs("href")) - frozenset(
            self.css("a[href]:not([rel~=nofollow i]), area[href]:not([rel~=nofollow i])").attrs("href")
        )

    def _references(self, target: Target) -> Iterable[str]:
        if isinstance(target, Selection):
            return target.references()
        if not isinstance(target, str):
            return (reference for one in target for reference in self._references(one))
        return [target] if target.lower().startswith(_URL_STARTS) else self.css(target).references()

    def _follow(
        self, references: Iterable[str], callback: Callback, meta: Mapping[str, Any] | None, priority: int
    ) -> Follow:
        name = callback_name(callback)
        handed_on = {} if meta is None else dict(meta)  # the spider may go on changing its own
        written = list(references)
        targets, refused = self._meant().meanings(written)
        links = dict.fromkeys(targets.values())
        refusals: dict[str, Reason] = {**refused}
        unwanted: Collection[str] = self._disowned
        if self._nofollow != "ignore" and "nofollow" in self.robots:
            unwanted = targets.keys()
        if unwanted:
            links = dict.fromkeys(url for one, url in targets.items() if one not in unwanted)
            refusals = {
                targets.get(one, one): refused.get(one, Reason.NOFOLLOW)
                for one in written
                if one in unwanted or one in refused
            }
        like = None
        if links:
            like = Request(next(iter(links)), name, meta=handed_on, priority=priority, depth=self.request.depth + 1)
        return Follow(links=tuple(links), refusals=tuple(refusals.items()), like=like)

    def __repr__(self) -> str:
        return f"<Page {self.status} {self.url}>"
