"""The stage on which a case is played: sites are put on it, one contestant crawls them, and what came of it is kept.

Every crawl is a child process in a folder of its own and a process group of its own, with limits for memory, processor
and time; whoever does not end is killed. No network but loopback is needed.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

from benchmarks.hostile.contestants import Contestant
from benchmarks.hostile.job import Job
from benchmarks.hostile.site import Routes, Site
from tests.hostile.servers import TLS

__all__ = ["Child", "Run", "Stage"]

MEMORY = 4 * 1024**3  # bytes of address space of a child
CPU_SECONDS = 60
WALL_SECONDS = 45.0  # after that the child is killed, unless the case says otherwise
FILE_BYTES = 512 * 1024**2  # largest file
MIB = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """What one crawl came to."""

    exit: int  # negative: the signal
    ended: bool  # by itself, not by our kill
    wall: float  # seconds
    cpu: float
    rss: float  # MiB, the largest process
    said: bytes  # stdout and stderr
    output: Path

    @property
    def raw(self) -> bytes:
        """The output as it stands on disk, or else the file beside it that the crawl says its items are in."""
        beside = [path for path in self.output.parent.glob(f"{self.output.name}.*") if path.name.encode() in self.said]
        found = [path for path in (self.output, *beside) if path.is_file()]
        return found[0].read_bytes() if found else b""

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items of a JSON Lines output; what is no JSON is left out."""
        return [json.loads(line) for line in self.raw.splitlines() if not _fault(line)]

    @property
    def faults(self) -> list[str]:
        """Return what of the output is not JSON in UTF-8."""
        return [fault for line in self.raw.splitlines() if (fault := _fault(line))]

    @property
    def titles(self) -> list[str]:
        """The titles of the items, in alphabetical order."""
        return sorted(str(item.get("title")) for item in self.items)

    @property
    def end(self) -> str:
        """How it ended, in words."""
        if not self.ended:
            return f"still running after {self.wall:.0f} s"
        return f"exit {self.exit}" if self.exit >= 0 else f"killed by {signal.Signals(-self.exit).name}"

    @property
    def cost(self) -> str:
        """What it cost, in words."""
        return f"{self.cpu:.1f} CPU s, {self.rss:.0f} MiB"


def _fault(line: bytes) -> str:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        json.loads(line.decode("utf-8"), parse_constant=refuse).get("url").encode()
    except (ValueError, AttributeError) as error:
        return str(error)
    return ""


@dataclass
class Child:
    """A crawl that is going on."""

    process: subprocess.Popen[bytes]
    began: float
    alive: bool = True
    killed: bool = False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the crawl's process, as a terminal or a service manager does."""
        if self.alive:
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End the whole process group; it is not a group of ours."""
        if self.alive:
            os.killpg(self.process.pid, signal.SIGKILL)


During = Callable[[Child], Coroutine[Any, Any, None]]


@dataclass
class Stage:
    """Sites, one contestant, and a folder for its crawls."""

    contestant: Contestant
    folder: Path
    runs: list[Run] = field(default_factory=list)
    told: set[str] = field(default_factory=set)  # settings that were not as shipped
    _sites: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sites.aclose()

    async def site(self, routes: Routes, *, host: str = "127.0.0.1", tls: str = "") -> Site:
        """Open a site; it stands until the case is over."""
        return await self._sites.enter_async_context(Site(routes, host=host, tls=tls))

    async def crawl(
        self,
        *seeds: str,
        during: During | None = None,
        wall: float = WALL_SECONDS,
        files: int | None = None,
        file_bytes: int = FILE_BYTES,
        deaf: bool = False,
        **job: Any,
    ) -> Run:
        """Let the contestant do a job; `deaf`: nobody reads what it says."""
        asked = Job(seeds, **job)
        self.told.add(asked.told)
        command = self.contestant.prepare(self.folder, asked)
        number = len(self.runs)
        said = self.folder / f"said-{number}.txt"
        with said.open("wb") as heard, _closed_pipe() as unheard:
            child = self._start(command, (unheard if deaf else heard).fileno(), files, file_bytes)
            helper = asyncio.create_task(during(child)) if during else None
            run = await self._wait(child, said, self.folder / asked.output, wall)
            if helper is not None:
                helper.cancel()
                await asyncio.gather(helper, return_exceptions=True)
        self.runs.append(run)
        return run

    def _start(self, command: list[str], out: int, files: int | None, file_bytes: int) -> Child:
        def limit() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job hands on that it is ignored
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
            if files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        environ = {**os.environ, "SSL_CERT_FILE": str(TLS / "ca.pem"), "PYTHONUNBUFFERED": "1"}
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=self.folder, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, preexec_fn=limit,
        )  # fmt: skip
        return Child(process, began)

    async def _wait(self, child: Child, said: Path, output: Path, wall: float) -> Run:
        waiting = asyncio.create_task(asyncio.to_thread(os.wait4, child.process.pid, 0))
        done, _ = await asyncio.wait({waiting}, timeout=wall)
        if not done:
            child.kill()
        _, status, usage = await waiting
        child.alive = False
        child.process.returncode = os.waitstatus_to_exitcode(status)
        return Run(
            exit=child.process.returncode, ended=bool(done), wall=time.monotonic() - child.began,
            cpu=usage.ru_utime + usage.ru_stime, rss=usage.ru_maxrss / 1024, said=said.read_bytes(), output=output,
        )  # fmt: skip


def _closed_pipe() -> BinaryIO:
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "wb", buffering=0)
