"""A response as a value: the bytes as received (decoded from their content encoding) and what came with them.

Nothing is parsed here and nothing is fetched; `text` and `json` are views of the body. Names and meanings are those
of `requests`, because the session hands the same object to people who know that library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, TypeVar, overload

import msgspec

from scraper.charset import declared_encoding, decode
from scraper.errors import HTTPError, JSONDecodeError
from scraper.request import Request

__all__ = ["Headers", "Response"]

T = TypeVar("T")


class Headers(Mapping[str, str]):
    """Response headers: case-insensitive, in order, repeated ones joined by a comma (except `get_all`)."""

    __slots__ = ("_first", "raw")

    def __init__(self, raw: tuple[tuple[str, str], ...] = ()) -> None:
        self.raw = raw
        self._first = {name.lower(): value for name, value in raw}
        if len(self._first) < len(raw):
            self._join_repeated()

    def _join_repeated(self) -> None:
        joined: dict[str, str] = {}
        for name, value in self.raw:
            key = name.lower()
            joined[key] = f"{joined[key]}, {value}" if key in joined else value
        self._first = joined

    def __getitem__(self, name: str) -> str:
        return self._first[name.lower()]

    def __iter__(self) -> Any:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._first

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: T) -> str | T: ...
    def get(self, name: str, default: object = None) -> object:
        """Return the value of a header, or `default`."""
        return self._first.get(name.lower(), default)

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return each value of a header that came more than once, such as Set-Cookie."""
        wanted = name.lower()
        if wanted not in self._first:
            return ()
        return tuple(value for key, value in self.raw if key.lower() == wanted)

    def __repr__(self) -> str:
        return f"<Headers {len(self.raw)}>"


_NO_HEADERS = Headers()


@dataclass(frozen=True, init=False)
class Response:
    """What a server answered to `request`."""

    request: Request
    status: int = field(kw_only=True)
    url: str = field(kw_only=True)  # of this response, after any redirects
    headers: Headers = field(kw_only=True, default_factory=Headers)
    body: bytes = field(kw_only=True, default=b"")
    http_reason: str = field(kw_only=True, default="")  # the reason phrase of the status line
    history: tuple[Response, ...] = field(kw_only=True, default=())  # the redirects that led here, oldest first
    sent_at: float = field(kw_only=True, default=0.0)  # clock seconds when the request's bytes were written
    truncated: bool = field(kw_only=True, default=False)  # the body ended early
    elapsed: float = field(kw_only=True, default=0.0)  # seconds from then to the last byte of the body

    def __init__(
        self,
        request: Request,
        *,
        status: int,
        url: str,
        headers: Headers = _NO_HEADERS,
        body: bytes = b"",
        http_reason: str = "",
        history: tuple[Response, ...] = (),
        sent_at: float = 0.0,
        truncated: bool = False,
        elapsed: float = 0.0,
    ) -> None:
        vars(self).update(  # a frozen value's own way is a call for each field
            request=request,
            status=status,
            url=url,
            headers=headers,
            body=body,
            http_reason=http_reason,
            history=history,
            sent_at=sent_at,
            truncated=truncated,
            elapsed=elapsed,
        )

    @property
    def status_code(self) -> int:
        """The status, by the name `requests` gives it."""
        return self.status

    @property
    def reason(self) -> str:
        """The reason phrase of the status line, or the standard's own."""
        try:
            return self.http_reason or HTTPStatus(self.status).phrase
        except ValueError:
            return ""

    @property
    def ok(self) -> bool:
        """Tell whether the status is below 400."""
        return self.status < 400

    @property
    def is_redirect(self) -> bool:
        """Tell whether this is a redirect that says where to; an empty Location says nothing."""
        return self.status in (301, 302, 303, 307, 308) and bool(self.headers.get("location"))

    @property
    def content(self) -> bytes:
        """The body, by the name `requests` gives it."""
        return self.body

    @property
    def encoding(self) -> str:
        """The character encoding of the body, decided as browsers do (WHATWG): BOM, header, meta, content."""
        kept = vars(self)  # a cached_property takes a lock, for longer than it takes to decide
        known: str | None = kept.get("_encoding")
        if known is None:
            known = kept["_encoding"] = declared_encoding(self.body, self.headers.get("content-type", ""))
        return known

    @cached_property
    def text(self) -> str:
        """The body as text; bytes that are wrong in its encoding become U+FFFD, nothing is raised."""
        return decode(self.body, self.encoding)

    def json(self) -> Any:
        """Return the body parsed as JSON; raise JSONDecodeError, naming URL and place.

        It is UTF-8 (RFC 8259, 8.1) unless a byte order mark or the header's charset says otherwise.
        """
        kind = self.headers.get("content-type", "")
        told = "charset" in kind.lower() or not self.body[:1].isascii()
        try:
            name = declared_encoding(self.body[:3], kind) if told else "utf-8"
            return msgspec.json.decode(decode(self.body, name).encode() if told else self.body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise JSONDecodeError(f"{self.url}: the body is not JSON: {error}", response=self) from None

    def raise_for_status(self) -> None:
        """Raise HTTPError when the status is 400 or above."""
        if self.status >= 400:
            side = "Client" if self.status < 500 else "Server"
            raise HTTPError(
                f"{self.status} {side} Error: {self.reason} for url: {self.url}", request=self.request, response=self
            )

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"<Response [{self.status}]>"
