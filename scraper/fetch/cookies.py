"""The cookie jar of a session: aiohttp's, behind the checks that browsers make and it leaves out.

A site may set cookies for itself and the domain it belongs to, never for a public suffix (co.uk, github.io: cookies
there would go to strangers), and the names `__Host-` and `__Secure-` mean what RFC 6265bis says they mean.

Cookies live in memory only; nothing here reads or writes a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from http.cookies import Morsel

from aiohttp import CookieJar
from aiohttp.abc import AbstractCookieJar
from aiohttp.typedefs import LooseCookies
from publicsuffixlist import PublicSuffixList
from yarl import URL

__all__ = ["GuardedCookieJar"]


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


class GuardedCookieJar(CookieJar):
    """Keep cookies as browsers do; hosts that are IP addresses have theirs too."""

    def __init__(self) -> None:
        super().__init__(unsafe=True)

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Keep the cookies of these Set-Cookie `headers` that `response_url` may set."""
        # The base class parses and comes back through update_cookies; CookieJar's own short cut would go past it.
        AbstractCookieJar.update_cookies_from_headers(self, headers, response_url)

    def update_cookies(self, cookies: LooseCookies, response_url: URL = URL()) -> None:  # noqa: B008 - the base's own
        """Keep those `cookies` that `response_url` may set."""
        pairs = cookies.items() if isinstance(cookies, Mapping) else cookies
        kept = [(name, cookie) for name, cookie in pairs if _allowed(name, cookie, response_url)]
        super().update_cookies(kept, response_url)


def _allowed(name: str, cookie: object, url: URL) -> bool:
    if not isinstance(cookie, Morsel):
        return True  # a plain value: host-only by nature
    return _prefix_kept(name.lower(), cookie, url.scheme == "https") and _domain_kept(cookie, url.raw_host or "")


def _domain_kept(cookie: Morsel[str], host: str) -> bool:
    domain = cookie["domain"].lower().removeprefix(".")
    if not domain or _is_address(host) or not _suffixes().is_public(domain):
        return True
    if domain != host:
        return False
    cookie["domain"] = ""  # a suffix that is itself the host: the cookie is for that host alone (RFC 6265, 5.3)
    return True


def _is_address(host: str) -> bool:
    """Tell whether a canonical host is an IP address; the suffix list would take its last number for a suffix."""
    return ":" in host or host.rpartition(".")[2].isdigit()


def _prefix_kept(name: str, cookie: Morsel[str], secure: bool) -> bool:
    if name.startswith("__secure-"):
        return secure and bool(cookie["secure"])
    if name.startswith("__host-"):
        return secure and bool(cookie["secure"]) and not cookie["domain"] and cookie["path"] == "/"
    return True
