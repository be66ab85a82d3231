"""A request as a value: what to fetch and which callback of the spider gets the page.

A request must survive a kill, so it is made of text and numbers only: the callback is kept by name, `meta` is plain
JSON data. Live objects (functions, sessions, pages) never enter it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import msgspec

from scraper.errors import SpiderError
from scraper.urls import Url, canonical, fingerprint

__all__ = ["Callback", "Request", "callback_name"]

Callback = str | Callable[..., Any]

MAX_PRIORITY = 2**31 - 1
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_Put = Callable[[Any, Any], None]


def callback_name(callback: Callback) -> str:
    """Return the name under which a spider's method is kept; raise SpiderError for what has no such name."""
    if isinstance(callback, str):
        return callback
    name = getattr(callback, "__name__", "")
    if getattr(callback, "__self__", None) is None or not name.isidentifier():
        raise SpiderError(
            f"{callback!r} cannot be a callback: a killed run finds its callbacks again by name, "
            "so pass a method of the spider (self.book) or its name ('book')"
        )
    return str(name)


@dataclass(frozen=True, slots=True, init=False)
class Request:
    """Ask for `url` and hand the page to `callback`.

    `url` may be any absolute http(s) URL; it is kept in canonical form. Raises InvalidURL (or MissingSchema,
    InvalidSchema) for what cannot be requested, SpiderError for a callback that has no name. `retry`: whether it may be
    made again when it failed for a reason that may pass; None: if its method changes nothing (GET, HEAD, OPTIONS).
    """

    url: Url
    callback: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    meta: Mapping[str, Any]  # plain JSON data for the callback: page.meta
    priority: int  # higher goes first
    retry: bool | None  # may be made twice; None: if its method changes nothing
    depth: int  # links followed from a seed; the crawler fills it in
    parent: int  # frontier id of the page it was found on; 0: a seed

    def __init__(
        self,
        url: str,
        callback: Callback = "parse",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | tuple[tuple[str, str], ...] = (),
        body: bytes | str = b"",
        meta: Mapping[str, Any] = _NOTHING,
        priority: int = 0,
        retry: bool | None = None,
        depth: int = 0,
        parent: int = 0,
    ) -> None:
        _put_url(self, canonical(url))
        _put_callback(self, callback if type(callback) is str else callback_name(callback))
        _put_method(self, method if method == "GET" else method.upper())
        pairs = headers if type(headers) is tuple or not isinstance(headers, Mapping) else tuple(headers.items())
        _put_headers(self, pairs)
        _put_body(self, body.encode() if isinstance(body, str) else body)
        _put_meta(self, meta)
        _put_priority(self, priority)
        _put_retry(self, retry)
        _put_depth(self, depth)
        _put_parent(self, parent)

    def at(self, url: Url) -> Request:
        """Return this request for another canonical `url`; nothing is looked at again."""
        made = _new(Request)
        _put_url(made, url)
        _put_callback(made, self.callback)
        _put_method(made, self.method)
        _put_headers(made, self.headers)
        _put_body(made, self.body)
        _put_meta(made, self.meta)
        _put_priority(made, self.priority)
        _put_retry(made, self.retry)
        _put_depth(made, self.depth)
        _put_parent(made, self.parent)
        return made

    @property
    def fingerprint(self) -> int:
        """The 64-bit identity by which the frontier knows it: URL, method and body."""
        return fingerprint(self.url, self.method, self.body)

    def plain(self) -> Request:
        """Return this request as it will be after a kill: text, numbers, JSON data. Raise SpiderError for all else."""
        try:
            self._check()
            if not self.meta:
                return self
            return replace(self, meta=msgspec.json.decode(msgspec.json.encode(self.meta), type=dict[str, Any]))
        except (TypeError, ValueError, RecursionError) as error:
            raise SpiderError(f"the request for {self.url} cannot be kept: {error}") from None

    def _check(self) -> None:
        """Raise TypeError or ValueError for what is not what the annotations say; a usual request costs little."""
        if type(self.priority) is not int or not -MAX_PRIORITY <= self.priority <= MAX_PRIORITY:
            raise TypeError(f"priority is {self.priority!r}; it is a whole number of at most {MAX_PRIORITY:,}")
        if not isinstance(self.callback, str) or not self.callback.isidentifier():
            raise TypeError(f"callback is {self.callback!r}; it is the name of a method")
        self.callback.encode()
        if self.body and not isinstance(self.body, bytes):
            raise TypeError(f"body is {type(self.body).__name__}; it is bytes or text")
        if type(self.meta) is not dict and not isinstance(self.meta, Mapping):
            raise TypeError(f"meta is {type(self.meta).__name__}; it is a dict of plain JSON data")
        if not isinstance(self.headers, tuple):
            raise TypeError(f"headers are {type(self.headers).__name__}; they are a dict of texts")
        for pair in self.headers:
            name, value = pair
            if not (isinstance(name, str) and isinstance(value, str)):
                raise TypeError(f"header {name!r} is {value!r}; names and values are texts")
            (name + value).encode()

    def __repr__(self) -> str:
        method = "" if self.method == "GET" else f"{self.method} "
        return f"<Request {method}{self.url} -> {self.callback}>"


# How a frozen value with slots gets its fields: three times as fast as object.__setattr__, and made for every link.
_new = object.__new__
_put_url: _Put = Request.__dict__["url"].__set__
_put_callback: _Put = Request.__dict__["callback"].__set__
_put_method: _Put = Request.__dict__["method"].__set__
_put_headers: _Put = Request.__dict__["headers"].__set__
_put_body: _Put = Request.__dict__["body"].__set__
_put_meta: _Put = Request.__dict__["meta"].__set__
_put_priority: _Put = Request.__dict__["priority"].__set__
_put_retry: _Put = Request.__dict__["retry"].__set__
_put_depth: _Put = Request.__dict__["depth"].__set__
_put_parent: _Put = Request.__dict__["parent"].__set__
