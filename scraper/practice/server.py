"""The practice shop on a real socket; the only module of the shop that knows aiohttp.

One handler asks the shop and sends what it says, with links to the host that the client named. Nothing may wait here:
closing does not wait for connections that clients keep open.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from scraper.practice.site import Shop

__all__ = ["serve"]

SHUTDOWN_TIMEOUT = 0.1  # seconds that a request in hand has to finish
_HOST = re.compile(r"[\w.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?", re.ASCII)


@asynccontextmanager
async def serve(shop: Shop, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Serve `shop` while the context lasts and give the port, a free one when `port` is 0; raises OSError."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _handler(shop))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _handler(shop: Shop) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        host = request.headers.get("Host", "")
        if not _HOST.fullmatch(host):
            return web.Response(status=400, text="Host is missing or not a host\n")
        reply = shop.reply(request.path_qs, f"http://{host}")
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    return answer
