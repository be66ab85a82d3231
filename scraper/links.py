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

LINKS_MET = 16_384  # 6 MB; a site has some hundred links that are on every page
LONGEST_MET = 512  # characters of a reference with what it depends on, and of its URL; hardly any are more
_MET = RecentGroups[str, str, Url | Reason](LINKS_MET)


class Links:
    """What references mean on the pages that have one base URL and one encoding."""

    __slots__ = ("_base", "_encoding", "_grounds", "_url")

    def __init__(self, base_url: str, encoding: str) -> None:
        """`base_url`: any URL that has folders; `encoding`: of the page, in which its queries are meant."""
        self._url = str(base_url)  # no Url: what could not be cut is for the parser
        self._encoding = encoding
        self._base = Base(base_url) if type(base_url) is Url else None
        self._grounds = ("", "", "") if self._base is None else self._base.grounds

    def meaning(self, reference: str) -> Url | Reason:
        """Return the URL that `reference` means, or why it cannot be requested: SCHEME or INVALID_URL."""
        return self._known((reference,))[reference] or self._learn([reference])[reference]

    def meanings(self, references: Iterable[str]) -> tuple[dict[str, Url], dict[str, Reason]]:
        """Return the URLs of those references that mean one, and of the others why not; each once and in order."""
        met = self._known(references)
        others = [reference for reference, target in met.items() if type(target) is not Url]
        if news := [reference for reference in others if met[reference] is None]:
            met.update(self._learn(news))
        refused = {reference: target for reference in others if type(target := met[reference]) is not Url}
        for reference in refused:
            del met[reference]
        return met, refused

    def _known(self, references: Iterable[str]) -> dict[str, Any]:
        """Return what is known of `references`, None for those that are news."""
        on_origin, on_above, on_folder = self._grounds
        origin, above, folder = _MET.group(on_origin).get, _MET.group(on_above).get, _MET.group(on_folder).get
        return {one: origin(one) or above(one) or folder(one) for one in references}

    def _learn(self, references: list[str]) -> dict[str, Url | Reason]:
        """Return what `references` mean, and keep of it what is the same on other pages."""
        base, known = self._base, _MET.room(len(references))
        met: dict[str, Url | Reason] = {}
        for reference in references:
            text, ground = (None, None) if base is None else base.placed(reference)
            target = met[reference] = self._parsed(reference) if text is None else Url(text)
            if ground is None or len(ground) + len(reference) > LONGEST_MET or len(target) > LONGEST_MET:
                continue
            if text is not None or reference.isascii() or "?" not in reference:  # the same in any encoding
                known[ground][reference] = target
        return met

    def _parsed(self, reference: str) -> Url | Reason:
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
