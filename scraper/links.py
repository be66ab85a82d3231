"""What the links of a page mean: each is resolved once for all the pages on which it means the same.

Most links of a page stood on earlier ones. What such a reference means depends on a part of its page's base alone
(`Base.ground`), and beside that part it is kept, in bounded room, so that the links of a page are looked up all at
once. That a reference is no link is known and kept in the same way.

Invariant: what is kept is what resolving anew would give. Whether a link is followed must not enter here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scraper.errors import InvalidSchema, InvalidURL
from scraper.hrefs import Base, is_opaque, with_encoded_query
from scraper.outcome import Reason
from scraper.recent import RecentGroups
from scraper.urls import Url, join

__all__ = ["Links"]

LINKS_MET = 8192  # twice at most, 6 MB; a site has some hundred links that are on every page
LONGEST_MET = 512  # characters of a reference with what it depends on, and of its URL; hardly any are more
_MET = RecentGroups[str, str, Url | Reason](LINKS_MET)


class Links:
    """What references mean on the pages that have one base URL and one encoding."""

    __slots__ = ("_base", "_encoding", "_url")

    def __init__(self, base_url: str, encoding: str) -> None:
        """`base_url`: any URL that has folders; `encoding`: of the page, in which its queries are meant."""
        self._url = str(base_url)  # no Url: what could not be cut is for the parser
        self._encoding = encoding
        self._base = Base(base_url) if type(base_url) is Url else None

    def meaning(self, reference: str) -> Url | Reason:
        """Return the URL that `reference` means, or why it cannot be requested: SCHEME or INVALID_URL."""
        ground = None if self._base is None else self._base.ground(reference)
        if ground is None:
            return self._resolve(reference)
        met = _MET.get(ground, reference)
        if met is None:
            met = self._resolve(reference)
            in_any_encoding = reference.isascii() or "?" not in reference
            if in_any_encoding and len(ground) + len(reference) <= LONGEST_MET and len(met) <= LONGEST_MET:
                _MET.put(ground, reference, met)
        return met

    def meanings(self, references: Iterable[str]) -> tuple[dict[str, Url], dict[str, Reason]]:
        """Return the URLs of those references that mean one, and of the others why not; each once and in order."""
        grounds = ("", "", "") if self._base is None else self._base.grounds
        origin, above, folder = (_MET.group(ground).get for ground in grounds)
        met: dict[str, Any] = {one: origin(one) or above(one) or folder(one) for one in references}
        refused: dict[str, Reason] = {}
        for reference in [reference for reference, target in met.items() if type(target) is not Url]:
            target = met[reference] or self.meaning(reference)
            if isinstance(target, Url):
                met[reference] = target
            else:
                refused[reference] = target
                del met[reference]
        return met, refused

    def _resolve(self, reference: str) -> Url | Reason:
        text = None if self._base is None else self._base.resolve(reference)
        if text is not None:
            return Url(text)
        if is_opaque(reference):
            return Reason.SCHEME
        try:
            return join(self._url, with_encoded_query(reference, self._encoding))
        except InvalidSchema:
            return Reason.SCHEME
        except InvalidURL:
            return Reason.INVALID_URL

    def __repr__(self) -> str:
        return f"<Links of {self._url}>"
