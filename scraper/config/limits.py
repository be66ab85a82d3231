"""The keys of `limits`: where a run ends by choice, and what it may use.

Defaults, units and reasons, as in `schema`. Who counts, and what reaching a limit means, is the crawl's own; nothing is
decided here.
"""

from __future__ import annotations

from scraper.config import values as v
from scraper.config.group import Group, Key

__all__ = ["Limits"]


class Limits(Group):
    """Where a run ends: by choice, so it has succeeded, the next one starts anew; at that of memory it only stops."""

    pages = Key(v.LIMIT, None, "Pages to fetch in one run. null: no limit.", "pages")
    items = Key(v.LIMIT, None, "Items to write in one run. null: no limit.", "items")
    time = Key(v.LIMIT_TIME, None, "Duration of one run, e.g. 2h. null: no limit.", "duration")
    callback = Key(
        v.LIMIT_TIME,
        "10m",
        "Time that a callback may take once it waits for something. After a minute it is named in the log, at the "
        "limit it is ended and its page has failed: one that waits for what never comes would keep the run from its "
        "end. null: no limit.",
        "duration",
    )
    memory = Key(
        v.LIMIT_SIZE,
        None,
        "Memory that the process may hold. From 80 % of it on there are fewer requests at once; at the limit the run "
        "stops with exit code 3, and the same command goes on. null: no limit; what else is in the process counts too, "
        "so only its owner can tell.",
        "size",
    )
