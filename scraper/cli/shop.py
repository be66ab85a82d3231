"""`scrape shop`: the practice shop as a server of its own, to point any crawler at.

It listens on loopback only and serves made-up books until a signal comes. The crawl's own practice shop does not pass
here: a run starts one inside itself.
"""

from __future__ import annotations

import asyncio
from functools import partial

import click

from scraper.cli.signals import stop_on_signals
from scraper.errors import StateError
from scraper.practice.server import serve
from scraper.practice.site import Shop

__all__ = ["serve_shop"]


def serve_shop(port: int, books: int) -> int:
    """Serve until a signal; return the exit code. Raises StateError when the port is taken."""
    asyncio.run(_serve(port, books))
    return 0


async def _serve(port: int, books: int) -> None:
    stop = asyncio.Event()
    try:
        async with serve(Shop(books), port=port) as bound:
            with stop_on_signals(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set)):
                click.echo(f"http://127.0.0.1:{bound}/  {books:,} books; Ctrl-C ends it")
                await stop.wait()
    except OSError as error:
        raise StateError(
            f"port {port} on 127.0.0.1 cannot be served: {error.strerror}; choose another --port"
        ) from None
