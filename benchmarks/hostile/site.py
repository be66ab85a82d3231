"""Web sites for the stage: raw bytes for each path, over the servers of tests/hostile, with their log.

A route is the bytes of a whole answer, or a behaviour of `tests.hostile.servers`; a function may make it from the
target. What has no route is not there. Obedience is judged from the log afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape

from tests.hostile.servers import Behaviour, Exchange, Seen, Server, answer, sends

__all__ = ["HTML", "NOT_THERE", "Route", "Routes", "Site", "html", "links", "page", "redirect", "status", "turns"]

Route = bytes | Behaviour
Routes = Mapping[str, Route] | Callable[[str], "Route | None"]

HTML = "Content-Type: text/html; charset=utf-8"
NOT_THERE = answer(b"<h1>not here</h1>", HTML, status="404 Not Found")


class Site(Server):
    """A server with routes. `routes` may be changed while it runs."""

    def __init__(self, routes: Routes, *, host: str = "127.0.0.1", tls: str = "") -> None:
        super().__init__(self._route, host=host, tls=tls)
        self.routes = routes
        self.bodies: list[bytes] = []  # of the requests that had one

    async def _route(self, exchange: Exchange) -> bool:
        target = exchange.seen.target
        if size := int(exchange.seen.headers.get("content-length", "0")):
            self.bodies.append(await exchange.reader.readexactly(size))
        if callable(self.routes):
            route = self.routes(target)
        else:
            route = self.routes.get(target, self.routes.get(target.partition("?")[0]))
        if route is None:
            route = NOT_THERE
        return await (sends(route, "keep") if isinstance(route, bytes) else route)(exchange)

    def url(self, path: str = "/", host: str = "") -> str:
        """Return the URL of a path, by another name of this host if one is given."""
        return f"{self._scheme}://{host or self._host}:{self.port}{path}"

    @property
    def pages(self) -> list[str]:
        """What was asked for, in order, without robots.txt."""
        return [target for target in self.targets if target != "/robots.txt"]

    def asked(self, path: str) -> list[Seen]:
        """Return the requests for one path, whatever its query."""
        return [seen for seen in self.log if seen.target.partition("?")[0] == path]

    def sent(self, name: str, path: str = "") -> list[str]:
        """Return the values of a request header, of all requests or of those for one path."""
        seen = self.asked(path) if path else self.log
        return [one.headers[name] for one in seen if name in one.headers]


def html(body: str | bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer with HTML in it."""
    data = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    return answer(data, HTML, *headers, status=status)


def links(targets: Iterable[str]) -> str:
    """Return links to `targets`."""
    return "".join(f'<p><a href="{escape(target)}">more</a></p>\n' for target in targets)


def page(title: str, *targets: str, extra: str = "", headers: Iterable[str] = ()) -> bytes:
    """Return an HTML page with a title and links."""
    text = f"<!doctype html><title>{title}</title>\n<h1>{title}</h1>\n{extra}{links(targets)}"
    return html(text, *headers)


def redirect(target: str, code: int = 302) -> bytes:
    """Return a redirect."""
    location = target.encode().decode("latin-1")  # the bytes of UTF-8, as many servers send them
    return answer(b"", f"Location: {location}", status=f"{code} Moved")


def status(code: int, *headers: str, body: bytes = b"<h1>no</h1>") -> bytes:
    """Return an answer with a status and nothing of use."""
    return answer(body, HTML, *headers, status=f"{code} Answer")


def turns(*routes: Route) -> Behaviour:
    """Answer the first request with the first route, and so on; the last one stays."""
    count = 0

    async def behave(exchange: Exchange) -> bool:
        nonlocal count
        route = routes[min(count, len(routes) - 1)]
        count += 1
        return await (sends(route, "keep") if isinstance(route, bytes) else route)(exchange)

    return behave
