"""Scope: may this request be in the crawl at all?

It looks at the request alone: its host, the text of its URL and its depth. A host is admitted by its whole name, or
with `subdomains` by whole labels in front of it, never by the mere end of a text: `example.com` admits
`www.example.com` and not `notexample.com`. Seeds, links and redirect targets are judged alike.

What the site allows (robots.txt), what was seen before and what is busy must not enter here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from scraper.errors import ConfigError, ConfigProblem, InvalidURL
from scraper.outcome import Reason
from scraper.policy.canon import Canon
from scraper.recent import Recent
from scraper.request import Request
from scraper.urls import Url, canonical, hostname, origin

__all__ = ["Scope"]

_ENTRY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\\\[\]]+)(?::(?P<port>\d{1,5}))?")
_ORIGINS_JUDGED = 512  # twice at most; nearly all links of a page lead to a few
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Scope:
    """The bounds of one crawl.

    `hosts` are names, IPv4 addresses or IPv6 addresses (`[::1]`), each with or without a port; one with a port admits
    that port alone. No hosts admit nothing. `allow` and `deny` are regular expressions that are searched in the whole
    URL; deny wins, an empty `allow` allows all. `depth` is in links from a seed, None for no bound; `url_length` is in
    characters. `ignore` is what of a link's URL does not matter (see `canon`). Raises ConfigError, naming every entry
    that is no host or no regular expression.
    """

    __slots__ = ("_admitted", "_allow", "_canon", "_deny", "_depth", "_hosts", "_ported", "_subdomains", "_url_length")

    def __init__(
        self,
        *,
        hosts: Iterable[str],
        subdomains: bool,
        allow: Iterable[str],
        deny: Iterable[str],
        depth: int | None,
        url_length: int,
        ignore: Iterable[str],
    ) -> None:
        problems: list[ConfigProblem] = []
        names = [name for entry in hosts if (name := _host(entry, problems))]
        self._hosts = frozenset(name for name, port in names if not port)
        self._ported = frozenset(f"{name}:{port}" for name, port in names if port)
        self._allow = _patterns(allow, "allow", problems)
        self._deny = _patterns(deny, "deny", problems)
        self._subdomains = subdomains
        self._depth = depth
        self._url_length = url_length
        self._canon = Canon(ignore)
        self._admitted = Recent[str, bool](_ORIGINS_JUDGED)
        if problems:
            raise ConfigError(*problems)

    def cut(self, request: Request) -> Request:
        """Return `request` for its URL without what does not matter; for links and seeds, not for redirects."""
        return self._canon.cut(request)

    def shorten(self, url: Url) -> Url:
        """Return `url`, of a GET, without what does not matter."""
        return self._canon.canonical(url) if "?" in url or ";" in url or "(" in url else url

    def refuses(self, request: Request) -> Reason | None:
        """Return why `request` may not be in the crawl; None: it may."""
        return self.refuses_link(request.url, request.depth)

    def refuses_link(self, url: Url, depth: int) -> Reason | None:
        """Return why `url`, that many links from a seed, may not be in the crawl; None: it may."""
        if len(url) > self._url_length:
            return Reason.TOO_LONG
        where = origin(url)
        admitted = self._admitted.get(where)
        if admitted is None:
            host = hostname(url)
            admitted = host in self._hosts or self._admits(host, url)
            self._admitted.put(where, admitted)
        if not admitted:
            return Reason.OFF_SCOPE
        if (self._deny or self._allow) and self._denies(url):
            return Reason.DENIED
        if self._depth is not None and depth > self._depth:
            return Reason.TOO_DEEP
        return None

    def _admits(self, host: str, url: Url) -> bool:
        """Decide about a host that is not named by itself: by its port, by a name that it is below, or both."""
        if not self._ported and not self._subdomains:
            return False
        port = f":{_port(url, host)}" if self._ported else ""
        while host:
            if host in self._hosts or (port and host + port in self._ported):
                return True
            if not self._subdomains:
                return False
            host = host.partition(".")[2]  # no address is a part of another one: canonical IPv4 has four numbers
        return False

    def _denies(self, url: Url) -> bool:
        if any(pattern.search(url) for pattern in self._deny):
            return True
        return bool(self._allow) and not any(pattern.search(url) for pattern in self._allow)

    def __repr__(self) -> str:
        below = " and below" if self._subdomains else ""
        depth = "any depth" if self._depth is None else f"depth {self._depth}"
        patterns = f"{len(self._allow)} allow, {len(self._deny)} deny"
        return f"<Scope {len(self._hosts) + len(self._ported)} hosts{below} | {depth} | {patterns}>"


def _port(url: Url, host: str) -> str:
    """Return the port that `url` goes to; a canonical URL leaves out its scheme's own."""
    scheme, _, rest = url.partition("://")
    authority = rest[: rest.find("/")]
    return authority[len(host) + 1 :] or _DEFAULT_PORTS[scheme]


def _host(entry: str, problems: list[ConfigProblem]) -> tuple[str, str] | None:
    """Return canonical name and port ("" for any) of an entry, or note what is wrong with it."""
    text = entry.strip()
    bare_ipv6 = text.count(":") > 1 and "[" not in text and "/" not in text
    match = _ENTRY.fullmatch(f"[{text}]" if bare_ipv6 else text)
    try:
        if match is None or text.startswith(".") or "*" in text:
            raise InvalidURL("it must be a bare name such as example.com or 127.0.0.1:8080")
        port = match["port"] or ""
        url = canonical(f"http://{match['name']}:{port or 80}/")
    except InvalidURL as error:
        cure = "; to admit what is below a host, name the host and set subdomains" if text[:1] in ("*", ".") else ""
        problems.append(ConfigProblem(f"{entry!r} is not a host: {error}{cure}"))
        return None
    return hostname(url), str(int(port)) if port else ""


def _patterns(texts: Iterable[str], name: str, problems: list[ConfigProblem]) -> tuple[re.Pattern[str], ...]:
    found = []
    for text in texts:
        try:
            found.append(re.compile(text))
        except re.error as error:
            problems.append(ConfigProblem(f"{name} pattern {text!r} is not a regular expression: {error}"))
    return tuple(found)
