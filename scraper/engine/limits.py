"""Where a run ends by choice, and what a server may ask for at most.

Plain numbers from the plan and one question about them. Who counts, and what ending means, is the crawler's; no clock
and no queue may enter here.
"""

from __future__ import annotations

import msgspec

from scraper.engine.patience import Patience
from scraper.fetch.base import Wanted

__all__ = ["Limits"]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run ends by choice; None: nowhere."""

    pages: int | None
    items: int | None
    seconds: float | None
    redirects: int
    links_per_page: int
    retry_after: float  # seconds; what a server may ask for at most
    patience: Patience
    body: Wanted = "page"  # "part": a body that was cut short is a page, too

    def reached(self, pages: int, items: int) -> str:
        """Return the name of a limit that so many pages and items have come to; "" when there is none."""
        if self.pages is not None and pages >= self.pages:
            return "limits.pages"
        if self.items is not None and items >= self.items:
            return "limits.items"
        return ""
