"""The file that a run appends to, and that a resume cuts back.

Invariant: after `open` the file is exactly as long as the offset returned, and every later offset was reached by whole
batches without a buffer of Python's in between, so what was counted survives a SIGKILL. A write or sync that broke
leaves the file torn: it takes no more until a new `open`.

What the bytes mean may not enter this room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

import aiofiles
from aiofiles.threadpool.binary import AsyncFileIO

from scraper.errors import SinkError
from scraper.sinks import disk

__all__ = ["WorkFile"]

Result = TypeVar("Result")


class WorkFile:
    """One append-only file; all of its blocking calls run in `executor`, which must have one thread."""

    def __init__(self, path: str, executor: Executor, *, like: str = "", private: bool = False) -> None:
        self.path = path
        self.offset = 0  # bytes
        self._like = like or path  # the file whose permissions it takes over
        self._private = private  # without such a file, it is for its owner alone
        self._executor = executor
        self._file: AsyncFileIO | None = None
        self._torn = False
        self._entered = False  # its entry in the folder is durable

    def __repr__(self) -> str:
        state = "torn" if self._torn else "open" if self._file else "closed"
        return f"<WorkFile {self.path} | {self.offset} bytes | {state}>"

    @property
    def is_open(self) -> bool:
        """Tell whether the file is held."""
        return self._file is not None

    async def run(self, step: Callable[[], Result], *, path: str = "", doing: str = "write") -> Result:
        """Run a blocking step in the writer thread; its OSError becomes a SinkError about `path`."""
        with disk.translated(path or self.path, doing):
            return await asyncio.get_running_loop().run_in_executor(self._executor, step)

    async def open(self, committed: int | None, *, keep: bool = False) -> int:
        """Lock the file and cut it to `committed`; None: to nothing, or with `keep` to its present length."""

        def opener(path: str, flags: int) -> int:
            return disk.open_work(path, flags, committed, keep=keep, like=self._like, private=self._private)

        if not committed:
            await self.run(lambda: disk.ensure_folder(self.path), doing="create the folder of")
        with disk.translated(self.path, "open"):
            self._file = await aiofiles.open(
                self.path, "a+b", buffering=0, opener=opener, executor=self._executor, loop=asyncio.get_running_loop()
            )
            self.offset = await self._file.seek(0, 2)
        self._torn = False
        return self.offset

    async def write(self, data: bytes) -> int:
        """Append all of `data`; return the new offset."""
        file = self._held()
        self._torn = True
        rest = memoryview(data)
        with disk.translated(self.path):
            while rest:  # a disk that fills up and a signal both make writes short
                rest = rest[await file.write(rest) :]
        self._torn = False
        self.offset += len(data)
        return self.offset

    async def sync(self) -> None:
        """Make the content, and the file's entry in its folder, survive a power cut."""
        descriptor = self._held().fileno()
        self._torn = True  # fsync(2): after an error nobody knows which pages are on the disk
        await self.run(lambda: disk.sync_data(descriptor), doing="sync")
        if not self._entered:
            await self.run(lambda: disk.sync_folder(self.path), doing="sync")
            self._entered = True
        self._torn = False

    async def close(self) -> None:
        """Release the file. May be called twice."""
        file, self._file = self._file, None
        if file is not None:
            with disk.translated(self.path, "close"):
                await file.close()

    def _held(self) -> AsyncFileIO:
        if self._file is None:
            raise SinkError(f"cannot write {self.path}: it is not open")
        if self._torn:
            raise SinkError(f"cannot write {self.path}: an earlier write to it failed. Put that right {disk.GO_ON}")
        return self._file
