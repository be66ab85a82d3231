"""A small HTTP server of our own, for what a file server cannot do: latency, a web without end, huge bodies.

    files    FOLDER/<address>/<path>
    web      /n/17 links to the pages 171 to 180 and some that are known: a tree of a million pages from 2 KB of text
    bulk     64 pages of so many megabytes each

Each answer may wait, by a time that its path decides. Keep-alive, GET only; GET /__count tells the requests so far.
Run as a process: python -m benchmarks.servers.loopback --listen 127.0.0.1:8741 --kind files --folder site
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

__all__ = ["COUNT", "WEB_NAMES", "Connection", "main"]

WEB_FANOUT = 10  # new pages that each page of the web names
WEB_NAMES = "many.test"  # RFC 6761: nobody's
WEB_TEXT = f"<p>{'words and more words ' * 70}</p>"
ROBOTS = b"User-agent: *\nDisallow: /private/\n"
COUNT = "/__count"
BULK_PIECE = b"<p>" + b"lorem ipsum dolor sit amet " * 38 + b"</p>\n"  # about 1 KB
Answer = Callable[[str, str], bytes | None]  # address, path -> body; None: there is no such page


def files(folder: Path) -> Answer:
    """Return what answers from files, each read once."""
    kept: dict[tuple[str, str], bytes | None] = {}

    def answer(address: str, path: str) -> bytes | None:
        if (address, path) not in kept:
            file = (folder / address / path.lstrip("/")).resolve()
            inside = file.is_relative_to(folder.resolve())
            kept[address, path] = file.read_bytes() if inside and file.is_file() else None
        return kept[address, path]

    return answer


def web(pages: int, hosts: int, port: str) -> Answer:
    """Return what answers with the pages 0 to `pages` - 1 of a made-up web.

    With several `hosts`, page 17 stands on host 17 modulo `hosts`, and links name the hosts.
    """
    return partial(_web_page, pages, [f"http://h{number}.{WEB_NAMES}:{port}" for number in range(hosts)])


def _web_page(pages: int, origins: list[str], address: str, path: str) -> bytes | None:
    if path == "/robots.txt":
        return ROBOTS
    number = path.rpartition("/")[2]
    if not number.isdecimal() or not path.startswith("/n/"):
        return None
    first = int(number) * WEB_FANOUT + 1
    new = range(first, min(first + WEB_FANOUT, pages))
    known = (0, int(number) // WEB_FANOUT, int(number) // 2)
    if len(origins) == 1:
        links = "".join([f'<li><a href="/n/{target}">page {target}</a>\n' for target in (*new, *known)])
    else:
        count = len(origins)
        links = "".join([f'<li><a href="{origins[n % count]}/n/{n}">page {n}</a>\n' for n in (*new, *known)])
    return f"<!doctype html><title>{number}</title><h1>{number}</h1><ul>\n{links}</ul>{WEB_TEXT}".encode()


def bulk(megabytes: int) -> Answer:
    """Return what answers with pages of so many megabytes; / has the links to 64 of them."""
    links = b"".join(b'<a href="/bulk/%d">%d</a>\n' % (number, number) for number in range(64))
    body = BULK_PIECE * (megabytes * 1_000_000 // len(BULK_PIECE))
    return lambda address, path: {"/": links, "/robots.txt": ROBOTS}.get(path, body)


class Connection(asyncio.Protocol):
    """One client's connection; requests are answered in turn."""

    served = 0  # requests, of all connections

    def __init__(self, answer: Answer, delay: tuple[int, int]) -> None:
        self._answer, self._delay, self._received = answer, delay, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; nobody but this machine is served."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._address = transport.get_extra_info("sockname")[0]

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            line = self._received[: self._received.find(b"\r\n")].split(b" ")
            self._received = self._received[end + 4 :]
            path = line[1].split(b"?")[0].decode("ascii", "replace") if len(line) > 1 else "/"
            if path == COUNT:
                self._send(path, b"%d" % Connection.served)
                continue
            Connection.served += 1
            self._later(path)

    def _later(self, path: str) -> None:
        body = self._answer(self._address, path)
        low, high = self._delay
        if not high:
            self._send(path, body)
            return
        wait = low + zlib.crc32(path.encode()) % (high - low + 1)
        asyncio.get_running_loop().call_later(wait / 1000, self._send, path, body)

    def _send(self, path: str, body: bytes | None) -> None:
        if self._transport.is_closing():
            return
        status = b"404 Not Found" if body is None else b"200 OK"
        kind = b"text/plain" if path.endswith(".txt") else b"text/html"
        head = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (status, kind, len(body or b""))
        self._transport.write(head + (body or b""))


async def _serve(addresses: list[str], answer: Answer, delay: tuple[int, int]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host.startswith("127."):
            raise SystemExit(f"{host} is not a loopback address")
        await loop.create_server(partial(Connection, answer, delay), host, int(port), backlog=4096)
    print("ready", flush=True)
    await stop.wait()


def main() -> None:
    """Serve until SIGTERM."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--listen", required=True, help="address:port, several with commas")
    options.add_argument("--kind", choices=("files", "web", "bulk"), default="files")
    options.add_argument("--folder", type=Path, help="of the files")
    options.add_argument("--pages", type=int, default=1_000_000, help="of the web")
    options.add_argument("--hosts", type=int, default=1, help="of the web")
    options.add_argument("--megabytes", type=int, default=30, help="of each bulk page")
    options.add_argument("--delay", default="0-0", help="milliseconds of each answer, e.g. 50-200")
    chosen = options.parse_args()
    port = chosen.listen.rpartition(":")[2]
    answer = {
        "files": lambda: files(chosen.folder),
        "web": lambda: web(chosen.pages, chosen.hosts, port),
        "bulk": lambda: bulk(chosen.megabytes),
    }
    low, _, high = chosen.delay.partition("-")
    asyncio.run(_serve(chosen.listen.split(","), answer[chosen.kind](), (int(low), int(high))))


if __name__ == "__main__":
    main()
