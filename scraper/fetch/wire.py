"""What the HTTP client is told, in the words of aiohttp: sizes, times, standing headers, trust.

Plain values and a few small functions that turn ours into aiohttp's. What has no bound there has one here.

Nothing is sent and nothing is decided about a single request; connections must not enter.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Mapping

import msgspec
from aiohttp import ClientTimeout

from scraper.errors import SSLError
from scraper.fetch.decoding import ACCEPT_ENCODING

__all__ = ["WIRE", "Wire", "connect_limit", "seconds", "standing_headers", "trust"]

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
READ_BUFFER = 64 * 1024  # bytes; aiohttp's own 256 KiB cost 576 kB for each response in flight
MAX_HEADER_LINE = 64 * 1024  # bytes; long Content-Security-Policy lines pass aiohttp's 8,190
MAX_HEADERS = 256
SHORTEST_TIMEOUT = 0.001  # seconds


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """How answers are read from a connection; bytes and counts as aiohttp has them."""

    read_bufsize: int
    max_line_size: int
    max_field_size: int
    max_headers: int


WIRE = Wire(
    read_bufsize=READ_BUFFER, max_line_size=MAX_HEADER_LINE, max_field_size=MAX_HEADER_LINE, max_headers=MAX_HEADERS
)


def connect_limit(timeout: float) -> ClientTimeout:
    """Return aiohttp's time limit for one connection; the exchange as a whole has one of our own."""
    return ClientTimeout(total=None, sock_connect=seconds(timeout))


def standing_headers(user_agent: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that every request has; `headers` replace ours, whatever their case."""
    standing = {"User-Agent": user_agent, "Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
    known = {name.lower(): name for name in standing}
    return {**standing, **{known.get(name.lower(), name): value for name, value in headers.items()}}


def seconds(timeout: float) -> float | None:
    """Return `timeout` as aiohttp has it: None for ever; 0 would mean that too, so time that is used up is a moment."""
    return None if math.isinf(timeout) else max(timeout, SHORTEST_TIMEOUT)


def trust(verify: bool | str) -> bool | ssl.SSLContext:
    """Return which certificates are trusted; `verify`: a truth, or the path of a PEM file. Raises SSLError."""
    if isinstance(verify, bool):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise SSLError(f"{verify}: not a readable PEM file of trusted certificates ({error.strerror})") from error
