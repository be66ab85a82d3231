"""Where a redirect leads: the next hop as a Request, by the rules of the Fetch and HTTP standards.

A 303 and, after POST, a 301 or 302 turn into GET without the body (so does any 302 but HEAD's, as `requests` has it);
307 and 308 keep both, and so does a 301 of the other methods. What identifies the user never leaves its origin.

Pure functions: whether a hop may be made at all is the caller's to decide.
"""

from __future__ import annotations

from scraper.request import Request
from scraper.response import Response
from scraper.urls import Url, origin

__all__ = ["location_of", "next_hop", "redirected_method"]

# Host is no secret, but it names the old origin.
_BOUND_TO_ORIGIN = frozenset({"authorization", "cookie", "proxy-authorization", "host"})
_OF_THE_BODY = frozenset(
    {"content-length", "content-type", "content-encoding", "content-language", "transfer-encoding"}
)


def location_of(response: Response) -> str:
    """Return the Location of a redirect as the server wrote it, "" when `response` is none."""
    return response.headers.get_all("location")[0] if response.is_redirect else ""


def redirected_method(status: int, method: str) -> str:
    """Return the method of the hop after a redirect with `status`."""
    to_get = (status in (302, 303) and method != "HEAD") or (status == 301 and method == "POST")
    return "GET" if to_get else method


def next_hop(request: Request, status: int, target: Url) -> Request:
    """Return the request for `target`, to which `request` was redirected with `status`."""
    method = redirected_method(status, request.method)
    dropped: frozenset[str] = frozenset()
    body = request.body
    if method != request.method:
        dropped, body = dropped | _OF_THE_BODY, b""
    if origin(target) != origin(request.url):
        dropped |= _BOUND_TO_ORIGIN
    return Request(
        target,
        request.callback,
        method=method,
        headers=tuple((name, value) for name, value in request.headers if name.lower() not in dropped),
        body=body,
        meta=request.meta,
        priority=request.priority,
        depth=request.depth,
        parent=request.parent,
    )
