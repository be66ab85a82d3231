"""The pace of a body: one that comes too slowly ends long before the deadline of its exchange.

Silence is the slowest pace, so one rule covers both: in each window of time some bytes must come. Only time spent
waiting for the network counts, and it is counted in ticks, so a busy event loop cannot make a server look slow.

Connections and retries must not enter; the pace fails the stream that it watches, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import StreamReader

__all__ = ["Pace", "Slowest", "TooSlowError"]

_TICKS = 10  # in a window


class TooSlowError(TimeoutError):
    """The body stopped, or comes too slowly."""


class Slowest(msgspec.Struct, frozen=True):
    """The slowest pace that is borne; less for as long as a window ends the body, and silence is less."""

    window: float = 10.0  # seconds
    speed: float = 100.0  # bytes a second; a tenth of what the slowest modem brought


class Pace:
    """Read `content` inside `with`; TooSlowError when it comes more slowly than `slowest`."""

    def __init__(self, content: StreamReader, slowest: Slowest) -> None:
        self._content = content
        self._window = slowest.window
        self._speed = slowest.speed
        self._counts: deque[int] = deque(maxlen=_TICKS)  # bytes in each of the last ticks
        self._bytes = 0  # in this tick
        self._waiting = False
        self._timer: asyncio.TimerHandle | None = None

    async def more(self) -> bytes:
        """Return the next bytes of the body; nothing at its end."""
        self._waiting = True
        data = await self._content.readany()
        self._waiting = False
        self._bytes += len(data)
        return data

    def __enter__(self) -> Self:
        if not self._content.is_eof():  # else the whole body is here: the usual page pays for no timer
            self._wind()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wind(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._window / _TICKS, self._tick)

    def _tick(self) -> None:
        if self._waiting:
            self._counts.append(self._bytes)
        else:
            self._counts.clear()  # the reader has other things to do; the server cannot show its pace
        self._bytes = 0
        came = sum(self._counts)
        if len(self._counts) == _TICKS and came < self._speed * self._window:
            silent = not any(list(self._counts)[_TICKS // 2 :])
            what = "stopped" if silent else f"came at less than {self._speed:g} bytes a second"
            self._content.set_exception(TooSlowError(f"the body {what}: {came:,} bytes in {self._window:g} s"))
        else:
            self._wind()
