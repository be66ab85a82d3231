"""A server process for the time of a `with`: nginx where it is installed and will do, else our own."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.servers.loopback import COUNT
from benchmarks.website.write import Site

__all__ = ["Running", "file_server", "own_server"]

STARTING = 10.0  # seconds that a server has
STATUS_PORT = 99  # above that of the site, where nginx tells its count

_NGINX = """
daemon off; master_process off; worker_processes 1; pid {home}/pid; error_log {home}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 75; keepalive_requests 10000000;
  open_file_cache max=200000 inactive=1h; open_file_cache_valid 1h;
  default_type text/html; types {{ text/html html; text/plain txt; }}
  client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c;
  uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
  server {{ {listen} root {folder}/$server_addr; }}
  server {{ listen {status}; location / {{ stub_status; }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is there."""

    name: str  # "nginx" or "own"
    pid: int
    count: Callable[[], int]  # requests for pages so far


@contextmanager
def file_server(site: Site, *, processor: int | None = None, delay: str = "") -> Iterator[Running]:
    """Serve a site's files; `delay` (milliseconds, "50-200") takes our own server, nginx has none."""
    _refuse_taken(site.addresses)
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if nginx is None or delay:
        more = ("--folder", site.folder, *(("--delay", delay) if delay else ()))
        with own_server("files", site.addresses, *more, processor=processor) as running:
            yield running
        return
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as home:
        status = _status_address(site.addresses[0])
        listen = " ".join(f"listen {address} backlog=4096;" for address in site.addresses)
        config = Path(home) / "nginx.conf"
        config.write_text(_NGINX.format(home=home, listen=listen, status=status, folder=Path(site.folder).resolve()))
        with _process([nginx, "-c", str(config), "-p", home], processor) as pid:
            own = [0]  # stub_status counts the requests that ask for it
            _wait_for(lambda: _nginx_count(status, own))
            yield Running("nginx", pid, lambda: _nginx_count(status, own))


@contextmanager
def own_server(kind: str, addresses: Sequence[str], *more: str, processor: int | None = None) -> Iterator[Running]:
    """Run our own server; `more` are its arguments."""
    _refuse_taken(addresses)
    command = [sys.executable, "-m", "benchmarks.servers.loopback", "--kind", kind, "--listen", ",".join(addresses)]
    with _process([*command, *more], processor) as pid:
        _wait_for(lambda: _ask(addresses[0], COUNT))
        yield Running("own", pid, lambda: int(_ask(addresses[0], COUNT)))


@contextmanager
def _process(command: Sequence[str], processor: int | None) -> Iterator[int]:
    usable = None if processor is None else machine.pinned(processor)
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=machine.environment(), preexec_fn=usable)
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait()


def _refuse_taken(addresses: Sequence[str]) -> None:
    """Make sure that nobody else answers there: what is measured then would be another site."""
    for address in addresses:
        host, _, port = address.rpartition(":")
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            raise SystemExit(f"{address} is taken: a server of an earlier run may still be there; stop it")


def _wait_for(ask: Callable[[], object]) -> None:
    ends = time.monotonic() + STARTING
    while True:
        try:
            ask()
            return
        except (OSError, http.client.HTTPException):
            if time.monotonic() > ends:
                raise SystemExit("the server did not start; is its port taken?") from None
            time.sleep(0.05)


def _ask(address: str, path: str) -> str:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def _nginx_count(status: str, own: list[int]) -> int:
    own[0] += 1
    lines = _ask(status, "/").splitlines()
    return int(lines[2].split()[2]) - own[0]


def _status_address(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + STATUS_PORT}"
