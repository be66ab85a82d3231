"""The connections themselves: aiohttp's, with three bounds that it leaves open.

Interim answers (1xx) before an answer are few; the polite end of a TLS connection is short, since its descriptor stays
open as long; and a connection on which bytes came that nobody asked for is not used again.

Here and nowhere else the package leans on inner names of aiohttp (`_factory`, `_wrap_create_connection`), which is why
its version is bounded in pyproject.toml. What is sent, and whether again, must not enter.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import StreamReader

__all__ = ["BoundedConnector"]

MAX_INTERIM = 20  # one answer 100 or 103 is usual
TLS_FAREWELL = 1.0  # seconds
_SWITCHING = 101  # the only 1xx that is final: what follows is no HTTP


class _Handler(ResponseHandler):
    """One connection; it fails when interim answers do not end."""

    _interim = 0

    async def read(self) -> tuple[RawResponseMessage, StreamReader]:
        message, payload = await super().read()
        if not 100 <= message.code < 200 or message.code == _SWITCHING:
            self._interim = 0
        else:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise BadHttpMessage(f"more than {MAX_INTERIM} interim answers (1xx)")
        return message, payload


class BoundedConnector(TCPConnector):
    """aiohttp's connector over connections with bounds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        handler: type[ResponseHandler] = _Handler
        self._factory = partial(handler, loop=self._loop)

    async def _wrap_create_connection(self, *args: Any, **options: Any) -> Any:
        if options.get("ssl"):
            options["ssl_shutdown_timeout"] = TLS_FAREWELL
        return await super()._wrap_create_connection(*args, **options)
