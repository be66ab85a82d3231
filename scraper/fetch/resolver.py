"""Host names to addresses, for the HTTP client's connector.

Look-ups block in libc, so they run in threads of their own: in the loop's default executor a few slow names would hold
up every file write. `connect_to` sends a name to a fixed place instead, as `curl --connect-to` does: the URL, the Host
header and the TLS name stay those of the site.

IP literals never come to the resolver. No cache lives here either; the connector keeps one.
"""

from __future__ import annotations

import asyncio
import errno
import math
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["RefusedAddressError", "Resolver", "guarded_sockets", "parse_target"]

DNS_THREADS = 16  # look-ups at a time; a slow one holds its thread for libc's own 5 to 30 s


class RefusedAddressError(PermissionError):
    """An address that may not be connected to."""


def guarded_sockets(allowed: Callable[[str], bool]) -> Callable[[AddrInfoType], socket.socket]:
    """Return what makes the connector's sockets: only for addresses (as text) that are `allowed`.

    It is asked for each address that is tried, IP literals too, after the look-up and before the first packet; so a
    name cannot show one address to the check and another to the connection.
    """

    def make(target: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = target
        if not allowed(str(address[0])):
            # The same words for every address, or the connector would merge several refusals into one plain OSError.
            raise RefusedAddressError(errno.EACCES, "the address is not allowed")
        return socket.socket(family, kind, protocol)

    return make


def parse_target(target: str) -> tuple[str, int]:
    """Split `address:port` (IPv6 in brackets); raise ValueError, naming the cure, for anything else."""
    host, _, port = target.rpartition(":")
    try:
        address = str(ip_address(host.removeprefix("[").removesuffix("]")))
        number = int(port)
    except ValueError:
        number, address = 0, ""
    if not 0 < number < 1 << 16:
        raise ValueError(f"connect_to: {target!r} is not address:port; write 127.0.0.1:8080 or [::1]:8080")
    return address, number


class Resolver(AbstractResolver):
    """Ask the system's resolver in own threads, at most `timeout` seconds a name; serve `connect_to` from memory."""

    def __init__(self, *, timeout: float, connect_to: Mapping[str, str]) -> None:
        self._timeout = timeout
        self._fixed = {name.lower(): parse_target(target) for name, target in connect_to.items()}
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`; raise OSError when it has none, TimeoutError when nobody answers."""
        fixed = self._fixed.get(host.lower())
        if fixed is not None:
            return [_result(host, *fixed)]
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None if math.isinf(self._timeout) else self._timeout):
            return await loop.run_in_executor(self._threads, _look_up, host, port, family)

    async def close(self) -> None:
        """Let go of the threads; a look-up that libc is still waiting for ends on its own."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
    except UnicodeError as error:  # a label that is empty or longer than the 63 bytes of RFC 1035
        raise socket.gaierror(socket.EAI_NONAME, "a label of the name is empty or too long") from error
    return [_result(host, str(address[0]), int(address[1])) for _, _, _, _, address in found]


def _result(name: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=name, host=address, port=port, family=family, proto=0, flags=flags)
