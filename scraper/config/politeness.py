"""The keys of `politeness`: how the crawl behaves towards one host, each with its default, unit and reason.

Part of the schema, in a room of its own for its length; the same rules hold. What follows from a value is decided in
`policy`; nothing here is asked while a crawl runs.
"""

from __future__ import annotations

from scraper.config import values as v
from scraper.config.group import Group, Key

__all__ = ["Politeness"]


class Politeness(Group):
    """How the crawl behaves towards one host; the defaults are those of a guest whom nobody invited."""

    robots = Key(v.ROBOTS, "obey", "What to do with robots.txt (RFC 9309); ignore is for sites of your own.")
    nofollow = Key(
        v.NOFOLLOW,
        "page",
        "Whether nofollow counts: page (links of a page that says so to robots, or to this one by name, in <meta> or "
        "X-Robots-Tag, are refused), link (also single links with rel=nofollow, which says only that nobody vouches "
        "for them), ignore.",
    )
    user_agent = Key(
        v.USER_AGENT, None, "The User-Agent header. null: one that names this program and its version honestly."
    )
    per = Key(
        v.PER,
        "host",
        "What shares one delay and one concurrency: host (a name with all its ports), domain (all names of one "
        "registered domain, as shop.example.co.uk and www.example.co.uk: for sites whose names are one machine).",
    )
    concurrency = Key(
        v.PARALLEL, 1, "Requests to one host at once; 1, as a person reads one page at a time.", "requests"
    )
    delay = Key(v.SPAN, "1s", "Rest between two requests to one host; every server bears 1s.", "duration")
    jitter = Key(
        v.SHARE,
        "20%",
        "Share of the delay that is added at random, never taken away, so requests fall in no rhythm.",
        "share",
    )
    max_crawl_delay = Key(v.SPAN, "60s", "Longest Crawl-delay that is obeyed; more would stop the crawl.", "duration")
    max_retry_after = Key(v.SPAN, "10m", "Longest Retry-After that is obeyed; longer ones count as this.", "duration")
