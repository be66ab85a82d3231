"""URLs as the web defines them: parsing, joining, one canonical form, and the fingerprint that dedupes.

The rules are those of the WHATWG URL standard, as browsers follow them (the ada library does the parsing); the
canonical form is the standard's serialisation without fragment and without user name and password. It goes on the wire
byte for byte, so two spellings of one URL are one request.

Pure functions only: nothing here knows a crawl, a host's mood or the network.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from ada_url import URL, join_url

from scraper.errors import InvalidSchema, InvalidURL, MissingSchema

__all__ = ["Url", "canonical", "fingerprint", "hostname", "join", "origin", "signed"]

FINGERPRINT_BYTES = 8  # 64 bits: 2.7e-4 expected collisions in a crawl of 1e8 URLs
_WEB = ("http://", "https://")


class Url(str):
    """An absolute http(s) URL in canonical form; only this module makes them from foreign text."""

    __slots__ = ()


def canonical(text: str) -> Url:
    """Parse absolute `text` and return its canonical form.

    Raises MissingSchema, InvalidSchema or InvalidURL with a message that quotes the text and names the cure.
    """
    if isinstance(text, Url):
        return text
    stripped = text.strip()
    if not stripped.lower().startswith(_WEB):
        _refuse_scheme(stripped)
    return _finish(stripped, None)


def join(base: str, reference: str) -> Url:
    """Resolve `reference`, as found in a page whose base URL is `base`; raise InvalidURL or InvalidSchema."""
    return _finish(reference, base)


def _finish(text: str, base: str | None) -> Url:
    try:
        href: str = join_url(base, text) if base else join_url(text, "")
    except (ValueError, UnicodeError):
        raise InvalidURL(f"{_quote(text)} is not a valid URL") from None
    if not href.startswith(_WEB):
        scheme = href.partition(":")[0]
        raise InvalidSchema(f"{_quote(text)}: {scheme}: URLs are not requested, only http and https")
    cut = href.find("#")
    if cut >= 0:
        href = href[:cut]
    authority_end = href.find("/", 8)
    if "@" in href[:authority_end]:
        href = _without_userinfo(href)
    return Url(href)


def _without_userinfo(href: str) -> str:
    parsed: Any = URL(href)
    parsed.username = parsed.password = ""
    return str(parsed.href)


def _refuse_scheme(text: str) -> None:
    scheme, colon, rest = text.partition(":")
    if not colon or "." in scheme or rest[:1].isdigit() or not scheme.isascii() or not scheme.strip():
        raise MissingSchema(f"{_quote(text)} has no scheme; write https://{_quote(text, bare=True)}")
    raise InvalidSchema(f"{_quote(text)}: {scheme}: URLs are not requested, only http and https")


def _quote(text: str, *, bare: bool = False) -> str:
    """Shorten and escape foreign text, so that a page cannot write to anybody's terminal."""
    shown = repr(text[:200])[1:-1]
    return shown if bare else f"'{shown}'"


def origin(url: Url) -> str:
    """Return scheme://host[:port], the unit of robots.txt and of the host queues."""
    return url[: url.find("/", 8)]


def hostname(url_or_origin: str) -> str:
    """Return the host name (or bracketed IPv6 literal) without its port."""
    start = url_or_origin.find("//") + 2
    end = url_or_origin.find("/", start)
    authority = url_or_origin[start:end] if end >= 0 else url_or_origin[start:]
    if authority.startswith("["):
        return authority[: authority.find("]") + 1]
    return authority.partition(":")[0]


def fingerprint(url: Url, method: str = "GET", body: bytes = b"") -> int:
    """Return the 64-bit identity of a request, never 0: same number, same request, in every run."""
    digest = blake2b(url.encode(), digest_size=FINGERPRINT_BYTES)
    if method != "GET" or body:
        digest.update(b"\0" + method.encode() + b"\0" + body)
    return int.from_bytes(digest.digest(), "little") or 1


def signed(number: int) -> int:
    """Return the unsigned 64-bit `number` as SQLite and Redis store it, and the other way round."""
    if number >= 1 << 63:
        return number - (1 << 64)
    return number + (1 << 64) if number < 0 else number
