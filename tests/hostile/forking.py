"""A process that runs the command in forks of itself, each in circumstances of its own: few descriptors, no streams, …

    with Driver() as driver:
        life = driver.start(project, "-q", descriptors=64)
        assert driver.wait(life) == 0

Started once, it has all imports behind it, so a life of the real command costs little more than its crawl. Standard
streams go to the files `out` and `err` of the project's folder unless told otherwise. A fork shares nothing with later
ones; it is in a session of its own, like a command that a service manager starts.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["Driver", "Life"]

CRASHED = 70  # exit code of a fork out of which an exception came; the file `crash.txt` has its traceback


@dataclass
class Circumstances:
    """What one life is to meet."""

    config: str
    options: tuple[str, ...]
    folder: str
    descriptors: int = 0  # RLIMIT_NOFILE; 0: as many as the driver has
    file_size: int = 0  # RLIMIT_FSIZE, bytes
    closed: tuple[int, ...] = ()  # of the standard streams
    broken: tuple[int, ...] = ()  # pipes whose reader has gone
    full: tuple[int, ...] = ()  # the disk behind them is full
    terminal: str = ""  # the path of a pty, to be the controlling terminal
    ignored: tuple[str, ...] = ()  # names of signals
    at: str = ""  # a boundary of the run; at the `count`th time it is passed, `send` goes to the process itself
    count: int = 1
    send: str = "SIGTERM"


@dataclass
class Life:
    """A fork that was started."""

    pid: int
    folder: Path

    @property
    def out(self) -> str:
        """What it has written to stdout."""
        return (self.folder / "out.txt").read_text()

    @property
    def err(self) -> str:
        """What it has written to stderr."""
        return (self.folder / "err.txt").read_text()

    def send(self, number: int) -> None:
        """Send a signal to it."""
        os.kill(self.pid, number)


class Driver:
    """The driving process; a context manager. One life at a time."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("")

    def start(self, config: Path, *options: str, **more: Any) -> Life:
        """Start `scrape CONFIG OPTIONS` under the given circumstances."""
        folder = config.parent
        command = Circumstances(str(config), options, str(folder), **more)
        assert self._process.stdin is not None
        print(json.dumps(asdict(command)), file=self._process.stdin, flush=True)
        return Life(self._read(), folder)

    def wait(self, life: Life) -> int:
        """Wait for its end; return the exit code, negative for a signal."""
        return self._read()

    def run(self, config: Path, *options: str, **more: Any) -> tuple[int, Life]:
        """Start a life and wait for its end."""
        life = self.start(config, *options, **more)
        return self.wait(life), life

    def _read(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


# -- in the driving process ----------------------------------------------------------------------------------------


def _streams(now: Circumstances) -> None:
    os.setsid()
    if now.terminal:
        fds = [os.open(now.terminal, os.O_RDWR)] * 3  # a session's first terminal is its controlling one
    else:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        texts = [os.open(Path(now.folder) / name, flags, 0o600) for name in ("out.txt", "err.txt")]
        fds = [os.open(os.devnull, os.O_RDONLY), *texts]
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    for fd in set(fds):
        os.close(fd)
    for number in now.broken:
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, number)
        os.close(writer)
    for number in now.full:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, number)
        os.close(full)
    for number in now.closed:
        os.close(number)
    # None is what Python itself makes of a closed one.
    sys.stdin, sys.stdout, sys.stderr = (None if n in now.closed else _stream(n) for n in range(3))


def _stream(number: int) -> Any:
    return os.fdopen(number, "w" if number else "r", buffering=1 if number else -1, closefd=False)


def _signaller(now: Circumstances) -> Callable[[str], None]:
    left = now.count

    def at(passed: str) -> None:
        nonlocal left
        if passed == now.at:
            left -= 1
            if not left:
                os.kill(os.getpid(), getattr(signal, now.send))

    return at


def _live(now: Circumstances) -> int:
    for name in now.ignored:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    _streams(now)
    if now.descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (now.descriptors, now.descriptors))
    if now.file_size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (now.file_size, resource.RLIM_INFINITY))
    if now.at:
        return run_plan(prepare(Path(now.config), os.environ, memory=False), at=_signaller(now))
    return main([now.config, *now.options])


def _drive() -> None:
    for line in sys.stdin:
        given = json.loads(line)
        now = Circumstances(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})
        child = os.fork()
        if child == 0:
            code = CRASHED
            try:
                code = _live(now)
            except BaseException:
                Path(now.folder, "crash.txt").write_text(traceback.format_exc())
            finally:
                os._exit(code)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    from scraper.cli.main import main
    from scraper.cli.prepare import prepare
    from scraper.cli.run import run_plan

    _drive()
