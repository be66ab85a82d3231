"""What tests of runs and of the command line share: a loopback web site in a thread, a project folder, the command.

The site is a function from a path to an answer, served by a plain socket server, so that a test can also hang, break
off or send bytes that no well-behaved server would. The command is always the real one, as a child process.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from scraper.practice.site import Reply, Shop

SCRAPE = str(Path(sys.executable).with_name("scrape"))
PATIENCE = 60.0  # seconds that anything may take on a busy machine before a test gives up
HANG = None
LISTING = "/catalogue/page-1.html"  # from there on every book can be reached
BOOKS = 60  # in the small shop, on 3 listing pages

Answer: TypeAlias = "str | bytes | tuple[int, str] | Reply | None"
"""HTML; raw bytes for the wire; (status, HTML); a shop's reply; HANG: never answer."""

Here: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]
"""The command inside of this process."""

SPIDER = """
from scraper import Spider


class Books(Spider):
    async def parse(self, page):
        yield page.follow("article.product_pod h3 a", self.book)
        yield page.follow("li.next a")

    async def book(self, page):
        product = page.css("article.product_page")
        yield {"url": page.url, "title": product.css("h1").text, "stock": product.css(".instock").integer}
"""

LARGE_ITEMS = SPIDER.replace('"stock": product.css(".instock").integer', '"text": "x" * 100_000')


class Site:
    """A web site on loopback, served by a thread of this process; a context manager."""

    def __init__(self, answer: Callable[[str], Answer], *, delay: float = 0.0) -> None:
        self._answer = answer
        self._delay = delay  # seconds before each answer
        self._loop = asyncio.new_event_loop()
        self._changed = threading.Condition()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.paths: list[str] = []  # as they were asked for
        self.port = 0

    @property
    def origin(self) -> str:
        """scheme://host:port, without a slash."""
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, requests: int) -> bool:
        """Wait until so many requests have come in all; False when they do not come."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.paths) >= requests, PATIENCE)

    def __enter__(self) -> Site:
        self._thread.start()
        with self._changed:
            assert self._changed.wait_for(lambda: self.port, PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)

    def _serve(self) -> None:
        async def main() -> None:
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
            with self._changed:
                self.port = server.sockets[0].getsockname()[1]
                self._changed.notify_all()
            await self._stop.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(main())

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode()
                with self._changed:
                    self.paths.append(path)
                    self._changed.notify_all()
                if self._delay:
                    await asyncio.sleep(self._delay)
                answer = self._answer(path)
                if answer is HANG:
                    await asyncio.Event().wait()
                writer.write(on_the_wire(answer))
                await writer.drain()
                if isinstance(answer, bytes):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def on_the_wire(answer: Answer) -> bytes:
    """Return the bytes of an answer."""
    match answer:
        case bytes():
            return answer
        case str():
            reply = Reply(200, headers=(("Content-Type", "text/html; charset=utf-8"),), body=answer.encode())
        case (int() as status, str() as text):
            reply = Reply(status, headers=(("Content-Type", "text/html; charset=utf-8"),), body=text.encode())
        case Reply():
            reply = answer
        case _:
            raise TypeError(answer)
    lines = [f"HTTP/1.1 {reply.status} OK", *(f"{name}: {value}" for name, value in reply.headers)]
    lines.append(f"Content-Length: {len(reply.body)}")
    return "\r\n".join([*lines, "", ""]).encode() + reply.body


@contextmanager
def shop(books: int, *, delay: float = 0.0) -> Iterator[Site]:
    """Serve a practice shop of so many books."""
    shelf = Shop(books)
    with Site(lambda path: shelf.reply(path, site.origin), delay=delay) as site:
        yield site


def truth(books: int, origin: str) -> list[dict[str, Any]]:
    """Return the items that `SPIDER` brings home from such a shop, in order of their URL."""
    items = [{key: book[key] for key in ("url", "title", "stock")} for book in Shop(books).truth(origin)]
    return by_url(items)


def by_url(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort items, so that two crawls compare."""
    return sorted(items, key=lambda item: str(item["url"]))


def site_of(pages: Mapping[str, Answer]) -> Callable[[str], Answer]:
    """Return the site that has these pages, no robots.txt, and 404 for everything else."""
    return lambda path: pages.get(path, (404, "no such page"))


@dataclass
class Project:
    """A folder with a spider and a config, as a user has one."""

    folder: Path
    config: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / "crawl.yaml"

    def write(self, seed: str, *, spider: str = SPIDER, **settings: Any) -> Project:
        """Write spider.py and crawl.yaml (YAML is a superset of JSON); fast and impatient unless told otherwise."""
        (self.folder / "spider.py").write_text(spider)
        wanted: dict[str, Any] = {
            "spider": "spider.py",
            "seeds": [seed],
            "politeness": {"delay": 0, "concurrency": 16},
            "retry": {"times": 0},
            "shutdown": {"drain": "500ms"},
            "output": "out/items.jsonl",
        }
        wanted |= settings
        self.config.write_text(json.dumps({key: value for key, value in wanted.items() if value is not None}))
        return self

    def path(self, name: str) -> Path:
        """Return a path in the folder."""
        return self.folder / name

    def yesterday(self, name: str = "out/items.jsonl") -> bytes:
        """Put yesterday's output there and return what it holds."""
        content = b'{"url":"yesterday"}\n'
        content = gzip.compress(content) if name.endswith(".gz") else content
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_bytes(content)
        return content

    def items(self, name: str = "out/items.jsonl") -> list[dict[str, Any]]:
        """Return the items of an output, sorted by URL."""
        return by_url(read_items(self.path(name)))

    def files(self) -> dict[str, bytes]:
        """Return every file below the folder but Python's own caches, with its content."""
        found = [path for path in self.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}

    def scrape(self, *options: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run `scrape crawl.yaml` with these options, to its end."""
        return scrape(str(self.config), *options, **more)

    def start(self, *options: str, **more: Any) -> subprocess.Popen[str]:
        """Start `scrape crawl.yaml` and do not wait for it."""
        return start(str(self.config), *options, **more)


def read_items(path: Path) -> list[dict[str, Any]]:
    """Return the items of a JSON Lines file, in the file's order."""
    data = path.read_bytes()
    data = gzip.decompress(data) if path.name.endswith(".gz") else data
    return [json.loads(line) for line in data.splitlines()]


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(extra or {})}


def scrape(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `scrape` with these arguments, to its end, without a terminal."""
    return subprocess.run(
        [SCRAPE, *arguments],
        cwd=cwd,
        env=_environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def start(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, **more: Any
) -> subprocess.Popen[str]:
    """Start `scrape` in a session of its own, without a terminal."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more}
    return subprocess.Popen(
        [SCRAPE, *arguments], cwd=cwd, env=_environment(env), text=True, start_new_session=True, **streams
    )


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Make sure that a started process does not outlive its test."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end of a started process; return its exit code, stdout and stderr."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out or "", err or ""


def soon(condition: Callable[[], object]) -> bool:
    """Wait until `condition` holds; False when it does not come to hold."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
