"""Requests through a proxy: what aiohttp is told for HTTP proxies, and connections through SOCKS.

With a proxy it is the proxy that looks names up, over SOCKS too. Its password leaves only inside the header, or the
SOCKS greeting, that the proxy needs; the URL that aiohttp gets, and quotes in its errors, has none.

Which hosts may be asked for is decided elsewhere, before a request comes here.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from aiohttp import ClientConnectionError
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from scraper.errors import ConfigError, ConfigProblem
from scraper.fetch.connector import BoundedConnector
from scraper.policy.proxy import Proxy, ProxyChoice

socks: Any
try:
    from python_socks import ProxyConnectionError, ProxyTimeoutError, ProxyType
    from python_socks import ProxyError as SocksRefusal
    from python_socks.async_ import asyncio as socks
except ImportError:  # the extra `socks` is not installed
    socks = None

__all__ = ["FailedProxyError", "SocksConnector", "proxy_arguments", "proxy_choice"]


class FailedProxyError(ClientConnectionError):
    """The proxy failed; the message holds none of its secrets."""


def proxy_choice(text: str) -> ProxyChoice | None:
    """Return which proxies `text` (as in `fetch.proxy`) means, "" none; raise ConfigError for what cannot be used."""
    if not text:
        return None
    try:
        choice = ProxyChoice(text, os.environ)
    except ValueError as error:
        raise ConfigError(ConfigProblem(str(error), path="fetch.proxy")) from None
    if choice.socks is not None and socks is None:
        what = "a SOCKS proxy needs an extra; pip install 'scraper[socks]'"
        raise ConfigError(ConfigProblem(what, path="fetch.proxy"))
    return choice


def proxy_arguments(proxy: Proxy, secure: bool) -> dict[str, Any]:
    """Return aiohttp's arguments for a request over an HTTP proxy; `secure`: to an https: URL, which is tunnelled."""
    where = {"proxy": URL.build(scheme=proxy.scheme, host=proxy.host, port=proxy.port)}
    return {**where, "proxy_headers": proxy.authorization} if secure else where


class SocksConnector(BoundedConnector):
    """Connections through a SOCKS proxy."""

    def __init__(self, proxy: Proxy, **options: Any) -> None:
        super().__init__(**{**options, "resolver": _NamesAsTheyAre()})
        user, password = proxy.login or (b"", b"")
        kind = ProxyType.SOCKS4 if proxy.scheme == "socks4" else ProxyType.SOCKS5
        login = (user.decode("latin-1"), password.decode("latin-1")) if proxy.login else (None, None)
        self._socks = socks.Proxy(kind, proxy.host, proxy.port, *login, rdns=True)

    async def _wrap_create_connection(self, *args: Any, **options: Any) -> Any:
        host, port = options.pop("addr_infos")[0][4][:2]
        try:
            limit = options["timeout"].sock_connect
            opened = await self._socks.connect(dest_host=host, dest_port=port, timeout=limit)
        except ProxyTimeoutError:
            raise FailedProxyError("the proxy made no connection in time") from None
        except ProxyConnectionError as error:
            raise FailedProxyError(f"no connection to the proxy: {error.strerror or 'it cannot be reached'}") from None
        except SocksRefusal as error:
            raise FailedProxyError(f"the proxy refused: {error}") from None
        return await self._wrap_existing_connection(*args, sock=opened, **options)


class _NamesAsTheyAre(AbstractResolver):
    """No look-up: the proxy gets the name."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=host, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is held."""
