"""The whole error tree, in one place.

    ScraperError
    ├── ConfigError            what the user wrote cannot be run; nothing was fetched, nothing was touched
    ├── SpiderError            the user's Python: not found, wrong signature, a callback that raised
    │   └── ItemError          one item cannot be written; the page's other items can
    ├── StateError             the crawl's memory on disk
    │   ├── StateLocked        another run of this crawl is going on
    │   └── StateDamaged       the file is damaged, foreign or from another version; it is left alone
    ├── SinkError              the output cannot be written
    │   └── OutputShort        an output is shorter than what was committed to it
    └── RequestException       one request brought no usable response (names and meanings of `requests`)
        ├── InvalidURL ─ MissingSchema, InvalidSchema
        ├── ConnectionError ─ DNSError, ConnectTimeout, SSLError, ProxyError, UnsafeAddress, OutOfResources
        ├── Timeout ─ ConnectTimeout, ReadTimeout
        ├── TooManyRedirects
        ├── UnsafeRedirect     a redirect that would carry a body to another origin
        ├── MalformedResponse ─ ChunkedEncodingError, ContentDecodingError
        ├── BodyTooLarge
        ├── HTTPError          only from `raise_for_status`
        └── JSONDecodeError    only from `json`

Every message says what happened, where, and what to do. `reason` is the short, stable code that outcomes, logs and
summaries use. One request's failure is an Outcome, never the end of a crawl; the first four families end the run.

Nothing but exceptions may enter this file.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

__all__ = [
    "BodyTooLarge",
    "ChunkedEncodingError",
    "ConfigError",
    "ConfigProblem",
    "ConnectTimeout",
    "ConnectionError",
    "ContentDecodingError",
    "DNSError",
    "HTTPError",
    "InvalidSchema",
    "InvalidURL",
    "ItemError",
    "JSONDecodeError",
    "MalformedResponse",
    "MissingSchema",
    "OutOfResources",
    "OutputShort",
    "ProxyError",
    "ReadTimeout",
    "RequestException",
    "SSLError",
    "ScraperError",
    "SinkError",
    "SpiderError",
    "StateDamaged",
    "StateError",
    "StateLocked",
    "Timeout",
    "TooManyRedirects",
    "UnsafeAddress",
    "UnsafeRedirect",
]


class ScraperError(Exception):
    """The root of everything that this package raises on purpose."""


class ConfigProblem(msgspec.Struct, frozen=True):
    """One thing that is wrong in a config: where, at which key, what, and the cure."""

    message: str
    path: str = ""  # dotted path of the key, "" for the file itself
    file: str = ""
    line: int = 0  # 1-based; 0 when there is no place (a missing file, a Python keyword argument)
    column: int = 0  # 1-based

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"


class ConfigError(ScraperError):
    """What the user wrote cannot be run. Carries every problem that was found, in the order of the file."""

    def __init__(self, *problems: ConfigProblem | str) -> None:
        self.problems = tuple(p if isinstance(p, ConfigProblem) else ConfigProblem(p) for p in problems)
        super().__init__("\n".join(map(str, self.problems)))


class SpiderError(ScraperError):
    """The user's spider cannot be found, or one of its callbacks did what it may not do."""


class ItemError(SpiderError):
    """One item cannot be written as data; the message names the field."""


class StateError(ScraperError):
    """The crawl's memory on disk cannot be used."""


class StateLocked(StateError):
    """Another run of this crawl is going on."""


class StateDamaged(StateError):
    """A state file is damaged, foreign or of another version; it was left as it is."""


class SinkError(ScraperError):
    """An output cannot be opened or written; the run stops, and the same command goes on later."""


class OutputShort(SinkError):
    """An output is shorter than what was committed to it, so something else has cut it."""


class RequestException(ScraperError, OSError):
    """One request brought no usable response."""

    reason: ClassVar[str] = "request"

    def __init__(self, message: str = "", *, request: Any = None, response: Any = None) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n")[0])
        self.request = request
        self.response = response


class InvalidURL(RequestException, ValueError):
    """The text is not a URL that can be requested."""

    reason = "invalid_url"


class MissingSchema(InvalidURL):
    """The URL has no scheme; write https:// in front of it."""


class InvalidSchema(InvalidURL):
    """The URL's scheme is neither http nor https."""

    reason = "scheme"


class ConnectionError(RequestException):  # noqa: A001 - requests' own name
    """No connection, or one that broke before the response was complete."""

    reason = "connection"


class DNSError(ConnectionError):
    """The host name has no address."""

    reason = "dns"


class SSLError(ConnectionError):
    """TLS could not be set up; the message names the certificate's fault."""

    reason = "tls"


class ProxyError(ConnectionError):
    """The proxy refused or failed."""

    reason = "proxy"


class UnsafeAddress(ConnectionError):
    """The address may not be connected to from this crawl."""

    reason = "unsafe_address"


class OutOfResources(ConnectionError):
    """This process has no file descriptor, process or memory left to ask with; nothing was sent."""

    reason = "resources"


class Timeout(RequestException):
    """The server did not answer in time."""

    reason = "timeout"


class ConnectTimeout(ConnectionError, Timeout):
    """No connection within the time allowed for it."""

    reason = "connect_timeout"


class ReadTimeout(Timeout):
    """Connected, but the response was not complete in time."""

    reason = "timeout"


class TooManyRedirects(RequestException):
    """The chain of redirects is longer than allowed, or turns in a circle."""

    reason = "redirects"


class UnsafeRedirect(RequestException):
    """The redirect would carry the request's body to another origin."""

    reason = "cross_origin"


class MalformedResponse(RequestException):
    """What came back is not HTTP that can be read."""

    reason = "malformed"


class ChunkedEncodingError(MalformedResponse):
    """The body ended before it was complete."""

    reason = "truncated"


class ContentDecodingError(MalformedResponse):
    """The body's content encoding is broken."""

    reason = "content_encoding"


class BodyTooLarge(RequestException):
    """The body, decoded, is larger than allowed."""

    reason = "too_large"


class HTTPError(RequestException):
    """The response has an error status (4xx or 5xx)."""

    reason = "http_status"


class JSONDecodeError(RequestException, ValueError):
    """The body is not JSON."""

    reason = "json"
