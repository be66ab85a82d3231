"""The keys of `scope`: which URLs belong to a crawl, and how many of them one place may take.

Defaults, units and reasons, as in `schema`. The rules that they set stand in `policy.scope`, `policy.canon` and
`policy.budget`; nothing is decided here.
"""

from __future__ import annotations

from scraper.config import values as v
from scraper.config.group import Group, Key

__all__ = ["Scope"]


class Scope(Group):
    """Which URLs belong to the crawl."""

    hosts = Key(
        v.HOSTS,
        (),
        "Hosts that the crawl stays on, each with or without a :port, and with one on that port alone. "
        "None: the hosts of the seeds, so a link to elsewhere is not followed.",
    )
    subdomains = Key(
        v.TRUTH, False, "Whether hosts below these belong to the crawl; false, as they are often other sites."
    )
    allow = Key(
        v.PATTERNS,
        (),
        "Regular expressions (Python's re, searched in the URL); a URL must fit one of them. None: all URLs fit.",
    )
    deny = Key(v.PATTERNS, (), "Regular expressions; a URL that fits one of them is refused, whatever allow says.")
    depth = Key(
        v.LIMIT_COUNT,
        None,
        "Links to follow from a seed, which has depth 0, on the way by which a page was reached first; with several "
        "hosts that is not always the shortest. null: no limit, the scope ends the crawl.",
        "links",
    )
    url_length = Key(
        v.FROM_ONE, 2083, "Longest URL; 2083 is what browsers agreed on, longer ones come from traps.", "characters"
    )
    links_per_page = Key(v.COUNT, 10_000, "Links taken from one page; a page with more is a trap.", "links")
    ignore = Key(
        v.IGNORED,
        ("tracking", "sessions"),
        "What of a link's URL does not matter and is cut off: tracking (utm_source, gclid, …), sessions (PHPSESSID, "
        ";jsessionid=, …), order (of the parameters: they are sorted), ?name (a parameter; ?ref_* for several). "
        "Without it one page is fetched again and again.",
    )
    pages_per_host = Key(
        v.LIMIT,
        1_000_000,
        "URLs of one host; at one a second a million takes 11 days, and a trap has more. null: no limit.",
        "pages",
    )
    pages_per_filter = Key(
        v.LIMIT,
        10_000,
        "URLs of one path with the same four or more parameters; such are filters, which multiply. null: no limit.",
        "pages",
    )
