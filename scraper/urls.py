"""URLs as the web defines them: parsing, joining, one canonical form, and the fingerprint that dedupes.

The rules are those of the WHATWG URL standard, as browsers follow them (the ada library does the parsing); the
canonical form is the standard's serialisation without fragment and without user name and password. It goes on the wire
byte for byte, so two spellings of one URL are one request. What else of a URL may not matter (`policy.canon`) is a
choice, and no matter of parsing.

Pure functions only: nothing here knows a crawl, a host's mood or the network.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

from ada_url import URL, join_url, normalize_url

from scraper.errors import InvalidSchema, InvalidURL, MissingSchema
from scraper.hrefs import STRIPPED, Base

__all__ = [
    "Url", "base_of", "canonical", "fingerprint", "hostname", "join", "origin", "without_secrets",
]  # fmt: skip

FINGERPRINT_BYTES = 8  # 64 bits: 2.7e-4 expected collisions in a crawl of 1e8 URLs
MAX_QUOTED = 200  # characters of foreign text in a message
_WEB = ("http://", "https://")
_PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")  # localhost:8080/x names a host, geo:1,2 does not
_START = re.compile(r"\s*(?:https?|ftps?|wss?|file|mailto|sftp|ssh)?:?[/\\]*", re.IGNORECASE)


class Url(str):
    """An absolute http(s) URL in canonical form; only this module makes them from foreign text."""

    __slots__ = ()


def canonical(text: str) -> Url:
    """Parse absolute `text` and return its canonical form.

    Raises MissingSchema, InvalidSchema or InvalidURL with a message that quotes the text and names the cure.
    """
    if isinstance(text, Url):
        return text
    try:
        return _finish(text, None)
    except InvalidURL:
        _refuse_scheme(text.strip(STRIPPED))
        raise


def join(base: str, reference: str) -> Url:
    """Resolve `reference`, as found in a page whose base URL is `base`; raise InvalidURL or InvalidSchema.

    The result has no fragment: it names what is requested.
    """
    text = Base(base).resolve(reference) if type(base) is Url else None
    return _finish(reference, base) if text is None else Url(text)


def base_of(url: str, href: str) -> str:
    """Return the base URL of the page `url` that has `<base href>`: by the HTML standard of any scheme, even file:.

    One that cannot be parsed counts for nothing, nor does one without folders (data:, javascript:, mailto:).
    """
    try:
        return join(url, href)
    except InvalidSchema:
        found: str = join_url(url, _scalar(href))
        return found if found.partition(":")[2].startswith("/") else url
    except InvalidURL:
        return url


def _finish(text: str, base: str | None) -> Url:
    try:
        href: str = join_url(base, _scalar(text)) if base else normalize_url(_scalar(text))
    except ValueError:
        raise InvalidURL(f"{_quote(text)} is not a valid URL") from None
    if not href.startswith(_WEB):
        scheme = href.partition(":")[0][:MAX_QUOTED]
        raise InvalidSchema(f"{_quote(text)}: {scheme}: URLs are not requested, only http and https")
    cut = href.find("#")
    if cut >= 0:
        href = href[:cut]
    authority_end = href.find("/", 8)
    if "@" in href[:authority_end]:
        href = _without_userinfo(href)
    return Url(href)


def _scalar(text: str) -> str:
    """Return `text` without surrogates: a pair is its character, a lone one U+FFFD (Web IDL, USVString)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _without_userinfo(href: str) -> str:
    parsed: Any = URL(href)
    parsed.username = parsed.password = ""
    return str(parsed.href)


def _refuse_scheme(text: str) -> None:
    """Raise MissingSchema for a text that was meant to be a URL and does not say of which kind."""
    scheme, colon, rest = text.partition(":")
    if not colon or "." in scheme or _PORT.match(rest) or not scheme.isascii() or not scheme.strip():
        raise MissingSchema(f"{_quote(text)} has no scheme; write https://{_quote(text, bare=True)}")


def without_secrets(text: str) -> str:
    """Return foreign `text` that may be a URL with the user name and password that it may hold taken out.

    It need not be a URL that can be parsed, and a password may hold any character, so all before the last @ goes.
    """
    before, at, after = text.rpartition("@")
    if not at or before[:7].lower() == "mailto:":
        return text
    start = _START.match(before)
    return f"{start[0] if start else ''}***@{after}"


def _quote(text: str, *, bare: bool = False) -> str:
    """Shorten and escape foreign text, so that a page cannot write to anybody's terminal, and without its password."""
    shown = repr(without_secrets(text)[:MAX_QUOTED])[1:-1]
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
    """Return the identity of a request: a signed 64-bit number, never 0, the same for it in every run.

    Signed, as SQLite and Redis store such numbers.
    """
    digest = blake2b(url.encode(), digest_size=FINGERPRINT_BYTES)
    if method != "GET" or body:
        digest.update(b"\0" + method.encode() + b"\0" + body)
    return int.from_bytes(digest.digest(), "little", signed=True) or 1
