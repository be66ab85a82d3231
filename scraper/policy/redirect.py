"""Where a redirect leads: the next hop as a Request, by the rules of the Fetch and HTTP standards.

A 303 and, after POST, a 301 or 302 turn into GET without the body (so does any 302 but HEAD's, as `requests` has it);
307 and 308 keep both, and so does a 301 of the other methods. An origin is scheme, host and port, and what was meant
for one is not for another: of the request's headers only those that cannot hold a secret go along, since nobody can
know which of the others do; a body never does.

Pure functions: whether a hop may be made at all is the caller's to decide.
"""

from __future__ import annotations

from collections.abc import Iterator

from scraper.errors import InvalidSchema, InvalidURL
from scraper.outcome import Moved, Reason, Refused
from scraper.policy.referer import referer
from scraper.request import Request
from scraper.response import Response
from scraper.urls import Url, join, origin

__all__ = [
    "carries_body_away",
    "follow",
    "is_downgrade",
    "is_harmless",
    "location_of",
    "next_hop",
    "redirected_method",
]

# What the client can take and send, who it is, and what it wants of caches. Not Host, which names the old origin, and
# not Cookie, Authorization, X-Api-Key and whatever else a site may call its keys.
_HARMLESS = frozenset(
    {
        "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-encoding",
        "content-language", "content-type", "dnt", "pragma", "priority", "range", "save-data", "sec-gpc",
        "upgrade-insecure-requests", "user-agent", "x-requested-with",
    }
)  # fmt: skip
_OF_THE_BODY = frozenset(
    {"content-length", "content-type", "content-encoding", "content-language", "content-location", "transfer-encoding"}
)


def is_harmless(name: str) -> bool:
    """Tell whether a request header of this name may go to any origin."""
    return name.lower() in _HARMLESS


def location_of(response: Response) -> str:
    """Return the Location of a redirect as the server wrote it, "" when `response` is none.

    An empty Location leads nowhere, as in browsers. Raises InvalidURL when there are several that differ: one of them
    may be smuggled in, and browsers follow none (Chromium's ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION).
    """
    if not response.is_redirect:
        return ""
    first, *others = response.headers.get_all("location")
    if any(other != first for other in others):
        raise InvalidURL(f"{1 + len(others)} Location headers that differ")
    return first


def redirected_method(status: int, method: str) -> str:
    """Return the method of the hop after a redirect with `status`."""
    to_get = (status in (302, 303) and method != "HEAD") or (status == 301 and method == "POST")
    return "GET" if to_get else method


def follow(request: Request, response: Response, *, hops: int, limit: int) -> Moved | Refused:
    """Return where `response` sends `request`, or why nobody goes there; `hops` were made before, of `limit` at most.

    Whether the target may be in a crawl is not asked here.
    """
    if hops >= limit:
        return Refused(Reason.REDIRECT_LIMIT, f"more than {limit} redirects")
    try:
        target = join(request.url, location_of(response))
    except InvalidURL as error:
        reason = Reason.SCHEME if isinstance(error, InvalidSchema) else Reason.INVALID_URL
        return Refused(reason, f"redirects to {error}")
    if carries_body_away(request, response.status, target):
        return Refused(Reason.CROSS_ORIGIN, f"redirects to {target}, which is not to get the body")
    return Moved(target, response.status)


def carries_body_away(request: Request, status: int, target: Url) -> bool:
    """Tell whether following to `target` would send the body of `request` to another origin."""
    keeps = request.body and redirected_method(status, request.method) == request.method
    return bool(keeps) and origin(target) != origin(request.url)


def is_downgrade(source: str, target: str) -> bool:
    """Tell whether a hop leaves TLS."""
    return source.startswith("https:") and target.startswith("http:")


def next_hop(request: Request, status: int, target: Url) -> Request:
    """Return the request for `target`, to which `request` was redirected with `status`."""
    method = redirected_method(status, request.method)
    abroad = origin(target) != origin(request.url)
    bodiless = abroad or method != request.method
    headers = list(_going_along(request, target, abroad=abroad, bodiless=bodiless)) if request.headers else ()
    return Request(
        target,
        request.callback,
        method=method,
        headers=tuple(headers),
        body=b"" if bodiless else request.body,
        meta=request.meta,
        priority=request.priority,
        retry=request.retry,
        depth=request.depth,
        parent=request.parent,
    )


def _going_along(request: Request, target: Url, *, abroad: bool, bodiless: bool) -> Iterator[tuple[str, str]]:
    """Yield the headers of `request` that the next hop has too."""
    for name, value in request.headers:
        if name.lower() == "referer":
            if told := referer(value, target):
                yield name, told
        elif (is_harmless(name) or not abroad) and not (bodiless and name.lower() in _OF_THE_BODY):
            yield name, value
