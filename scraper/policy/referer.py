"""What a Referer may tell: `strict-origin-when-cross-origin`, the default of browsers (W3C Referrer Policy, 8.4).

The whole URL within an origin, the origin alone to another one, nothing on the way from https to http; never a
fragment, a user name or a password. A crawl sends no Referer of its own: no page needs it, and where a link was found
is nobody's business. This is for those that a spider or a caller sets.

Pure functions over URLs.
"""

from __future__ import annotations

from scraper.errors import InvalidURL
from scraper.urls import Url, canonical, origin

__all__ = ["referer"]


def referer(source: str, target: Url) -> str:
    """Return the Referer for a request for `target` that comes from `source`; "" when none may be sent."""
    try:
        told = canonical(source)  # without fragment and userinfo
    except InvalidURL:
        return ""
    if origin(told) == origin(target):
        return told
    if told.startswith("https:") and not target.startswith("https:"):
        return ""
    return f"{origin(told)}/"
