"""Which cookies a host may set, and who gets them back: RFC 6265bis, section 5.7 and 5.8, with browsers' newer bounds.

A cookie is for its host, or for a domain that the host belongs to and that is no public suffix (co.uk, github.io:
strangers live there). Beyond the RFC, as browsers have begun to: a cookie that was set over https is never sent without
it, and one without a Domain is for the port that set it, as origins are.

A jar belongs to one crawl or session. Plain values in and out, time as an argument; no file and no client here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import inf
from typing import Any

import msgspec
from msgspec.structs import replace

from scraper.policy.domains import is_address, is_public_suffix
from scraper.policy.setcookie import MAX_LIFE, SetCookie, parse_date, parse_set_cookie
from scraper.urls import Url, hostname, origin

__all__ = ["Cookie", "CookieJar"]

PER_DOMAIN = 50  # cookies; the least that RFC 6265bis, 6.1, asks for
ALTOGETHER = 3000  # cookies, likewise
PLACES_KEPT = 1024  # origins and domains; a look at the list of suffixes costs as much as sending a request

_Key = tuple[str, str, str, bool]  # name, path, port, host only


class Cookie(msgspec.Struct, frozen=True, kw_only=True):
    """A cookie that is kept."""

    name: str
    value: str
    domain: str  # the host itself when host_only, else a domain above or equal
    host_only: bool
    path: str
    port: str  # of the URL that set a host-only cookie; "" for a scheme's own, and for cookies of a domain
    secure: bool  # it said Secure
    tls: bool  # it came over https
    http_only: bool
    expires: float  # epoch seconds; inf: with the session
    created: int  # a number that grows: older cookies go first

    @property
    def key(self) -> _Key:
        """What makes it the same cookie within its domain."""
        return self.name, self.path, self.port, self.host_only

    def __repr__(self) -> str:
        return f"<Cookie {self.name} of {self.domain}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return what may be shown, which is not the value; some tools ask for this instead of the repr."""
        return [("name", self.name), ("domain", self.domain)]


class CookieJar:
    """The cookies of one crawl or session."""

    def __init__(self) -> None:
        self._domains: dict[str, dict[_Key, Cookie]] = {}  # the domain used last stands last
        self._count = self._created = 0

    def receive(self, url: Url, headers: Iterable[str], now: float, *, date: str = "") -> None:
        """Keep the cookies of the Set-Cookie `headers` that `url` answered with at epoch second `now`.

        `date`: the answer's Date header. An Expires is a moment of the server's clock, so where it says what that
        shows, the difference to ours is taken out: a clock that is a day off ends no login.
        """
        there = parse_date(date) if date else None
        for header in headers:
            parsed = parse_set_cookie(header, now, behind=0.0 if there is None else now - there)
            if parsed is not None and (cookie := self._accept(url, parsed)) is not None:
                self.add(cookie, now)

    def _accept(self, url: Url, told: SetCookie) -> Cookie | None:
        """Return what may be kept of a cookie; None: nothing."""
        place, domain = _place(origin(url)), told.domain
        host, tls = place.host, place.tls
        if domain and (is_address(host) or _is_shared(domain)):
            if domain != host.strip("[]"):
                return None
            domain = ""
        if domain and not (domain == host or host.endswith("." + domain)):
            return None
        if (told.secure and not tls) or not _keeps_its_prefix(told, domain):
            return None
        cookie = Cookie(
            name=told.name,
            value=told.value,
            domain=domain or host,
            host_only=not domain,
            path=told.path or _default_path(url),
            port="" if domain else place.port,
            secure=told.secure,
            tls=tls,
            http_only=told.http_only,
            expires=told.expires,
            created=0,
        )
        return None if not tls and self._hides_secure(cookie) else cookie

    def _hides_secure(self, new: Cookie) -> bool:
        """Tell whether a cookie that came without TLS would stand before a Secure one (RFC 6265bis, 5.7, step 16)."""
        related = [old for name in _domains(new.domain) for old in self._domains.get(name, {}).values()]
        if not new.host_only:
            below = "." + new.domain
            related += [
                old for name, bucket in self._domains.items() if name.endswith(below) for old in bucket.values()
            ]
        return any(old.secure and old.name == new.name and _path_matches(new.path, old.path) for old in related)

    def add(self, cookie: Cookie, now: float) -> None:
        """Keep `cookie`, in the place of the one that it renews; one that has ended ends that one too."""
        bucket = self._domains.setdefault(cookie.domain, {})
        old = bucket.pop(cookie.key, None)
        self._count -= old is not None
        if cookie.expires > now:
            self._created += 1
            bucket[cookie.key] = replace(cookie, created=old.created if old else self._created)
            self._count += 1
        if len(bucket) > PER_DOMAIN:
            self._thin_out(bucket, now)
        if not bucket:
            del self._domains[cookie.domain]
        while self._count > ALTOGETHER:
            self._count -= len(self._domains.pop(next(iter(self._domains))))

    def _thin_out(self, bucket: dict[_Key, Cookie], now: float) -> None:
        """Let go of what has ended, then of the oldest cookie, those first that came without TLS."""
        gone = [cookie for cookie in bucket.values() if cookie.expires <= now]
        gone = gone or [min(bucket.values(), key=lambda cookie: (cookie.secure, cookie.created))]
        for cookie in gone:
            del bucket[cookie.key]
        self._count -= len(gone)

    def header(self, url: Url, now: float, sent: str = "") -> str:
        """Return the Cookie header for a request to `url`: what is in `sent` by hand, then the jar's, "" for none."""
        if not self._domains:
            return sent
        place, path = _place(origin(url)), _path(url)
        host, tls = place.host, place.tls
        by_hand = {pair.partition("=")[0].strip() for pair in sent.split(";")} if sent else set()
        fitting = [
            cookie
            for domain in place.domains
            if domain in self._domains
            for cookie in self._domains[domain].values()
            if cookie.expires > now
            and (tls or not (cookie.secure or cookie.tls))
            and (not cookie.host_only or (cookie.domain == host and cookie.port == place.port))
            and _path_matches(path, cookie.path)
            and cookie.name not in by_hand
        ]
        if not fitting:
            return sent
        if host in self._domains:
            self._domains[host] = self._domains.pop(host)
        fitting.sort(key=lambda cookie: (-len(cookie.path), cookie.created))
        pairs = [f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in fitting]
        return "; ".join([sent, *pairs] if sent else pairs)

    def clear(self) -> None:
        """Forget every cookie."""
        self._domains.clear()
        self._count = 0

    def __iter__(self) -> Iterator[Cookie]:
        for bucket in self._domains.values():
            yield from bucket.values()

    def __len__(self) -> int:
        return self._count

    def restore(self, cookies: Iterable[Cookie], now: float) -> None:
        """Put back cookies that were kept elsewhere, those that a host could have set; the rest is left out."""
        for cookie in cookies:
            life = cookie.expires if cookie.expires == inf else min(cookie.expires, now + MAX_LIFE)
            if cookie.host_only or not (is_address(cookie.domain) or is_public_suffix(cookie.domain)):
                self.add(replace(cookie, expires=life), now)

    def __repr__(self) -> str:
        return f"<CookieJar {self._count} cookies of {len(self._domains)} domains>"


def _keeps_its_prefix(told: SetCookie, domain: str) -> bool:
    """Tell whether a cookie is what its name promises (RFC 6265bis, 4.1.3); a nameless one may not seem to promise."""
    name = (told.name or told.value).lower()
    if not name.startswith(("__secure-", "__host-")):
        return True
    if not told.name or not told.secure:
        return False
    return name.startswith("__secure-") or (not domain and told.path == "/")


class _Place(msgspec.Struct, frozen=True):
    """What an origin is to cookies."""

    host: str
    port: str  # that it writes out; a canonical URL leaves out its scheme's own
    tls: bool
    domains: tuple[str, ...]  # the host and all above it


@lru_cache(maxsize=PLACES_KEPT)
def _place(where: str) -> _Place:
    host = hostname(where)
    port = where[len(host) + where.find("//") + 2 :].removeprefix(":")
    return _Place(host, port, where.startswith("https:"), tuple(_domains(host)))


def _domains(host: str) -> Iterator[str]:
    """Yield a host and every domain above it."""
    while host:
        yield host
        host = "" if is_address(host) else host.partition(".")[2]


_is_shared = lru_cache(maxsize=PLACES_KEPT)(is_public_suffix)


def _path(url: Url) -> str:
    return url[len(origin(url)) :].partition("?")[0]


def _default_path(url: Url) -> str:
    """Return the folder of `url` (RFC 6265bis, 5.1.4)."""
    return _path(url).rpartition("/")[0] or "/"


def _path_matches(path: str, wanted: str) -> bool:
    """Tell whether `path` is `wanted` or below it (RFC 6265bis, 5.1.4)."""
    return path == wanted or (path.startswith(wanted) and (wanted.endswith("/") or path[len(wanted)] == "/"))
