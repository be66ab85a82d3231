"""What of a URL does not matter: parts that name the visitor, not the page.

The same page under `?utm_source=a` and `?utm_source=b`, or with a new session id on every visit, is fetched for ever
by a crawl that takes URLs at their word. A link is therefore cut before it is deduplicated, and goes out as it was
cut, so that what is asked for, what is stored and what is compared between runs are one text.

Only names that no site uses for content are in the lists. Where a server sends a visitor by a redirect is never cut:
it asked for exactly that, and would ask again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from scraper.request import Request
from scraper.urls import Url, canonical

__all__ = ["ORDER", "SESSIONS", "TRACKING", "Canon"]

TRACKING, SESSIONS, ORDER = "tracking", "sessions", "order"

# Set by advertisers, newsletters and social networks on the way to a page, and read by scripts in it.
_TRACKING = (
    "utm_[a-z_]+|[gd]clid|[gw]braid|gclsrc|fbclid|msclkid|yclid|ysclid|twclid|ttclid|igshid|li_fat_id|epik"
    "|mc_[ce]id|mkt_tok|_hs(?:enc|mi)|_openstat|oly_(?:anon|enc)_id|vero_(?:id|conv)|wickedid|_g[al]|s_kwcid"
)
# What PHP, Java, ASP, ColdFusion, phpBB and osCommerce write into links for visitors without cookies; ours has them.
_SESSIONS = (
    "phpsessid|jsessionid|aspsessionid[a-z]*|cfid|cftoken|oscsid|zenid|s?sid=[0-9a-f]{32}|session_?id=[0-9a-f]{16,}"
)
# Compiled when first used: few sites have a ; or a ( in their paths.
_SESSION_IN_PATH = r"(?i);(?:jsessionid|phpsessid)=[^/?;]*|/\([SAF]\([0-9a-z]+\)\)(?=/)"


class Canon:
    """The parts of a URL that a crawl ignores.

    They are "tracking", "sessions", "order" (of the parameters) and "?name" (a parameter; `*` stands for any letters).
    A word that is none of these is no error here: the config has checked them.
    """

    __slots__ = ("_ordered", "_parameter", "_sessions")

    def __init__(self, ignore: Iterable[str]) -> None:
        words = tuple(ignore)
        names = [_pattern_of(word[1:]) for word in words if word.startswith("?")]
        lists = [_TRACKING] * (TRACKING in words) + [_SESSIONS] * (SESSIONS in words) + names
        self._parameter = re.compile(f"(?:{'|'.join(lists)})(?:=.*)?", re.IGNORECASE) if lists else None
        self._sessions = SESSIONS in words
        self._ordered = ORDER in words

    def cut(self, request: Request) -> Request:
        """Return `request` for the URL without what does not matter; one that sends data stays as it is."""
        url = request.url
        if ("?" not in url and ";" not in url and "(" not in url) or request.method != "GET":
            return request
        short = self.canonical(url)
        return request if short == url else replace(request, url=short)

    def canonical(self, url: Url) -> Url:
        """Return `url` without what does not matter; the same text when all of it does."""
        page, mark, query = url.partition("?")
        path = page
        if self._sessions and (";" in page or "(" in page):
            start = page.find("/", 8)
            path = page[:start] + re.sub(_SESSION_IN_PATH, "", page[start:])
        kept = self._kept(query) if query else query
        if path == page and kept == query:
            return url
        short = path + (mark if kept or not query else "") + kept
        return Url(short) if path == page else canonical(short)  # what was cut may have hidden a dot segment

    def _kept(self, query: str) -> str:
        pairs = query.split("&")
        if self._parameter is not None:
            drop = self._parameter.fullmatch
            pairs = [pair for pair in pairs if not drop(pair)]
        if self._ordered:
            pairs.sort(key=_name_of)  # stable: of one name the values stay in order, which may have a meaning
        return "&".join(pairs)

    def __repr__(self) -> str:
        return f"<Canon {self._parameter.pattern.count('|') + 1 if self._parameter else 0} names>"


def _pattern_of(word: str) -> str:
    """Return the pattern of a name; without going back over what one `*` took, or long names would take for ever."""
    first, *others = map(re.escape, word.split("*"))
    inner = "".join(f"(?>[^=]*?{other})" for other in others[:-1])
    return first + inner + (f"[^=]*{others[-1]}" if others else "")


def _name_of(pair: str) -> str:
    return pair.partition("=")[0]
