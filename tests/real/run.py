"""Crawl a real site whole and compare: `make real`.

Serves Debian's python3.11-doc (530 HTML pages and their downloads) with nginx on loopback, crawls it with `scrape`, and
checks two things against independent sources: the pages reached, against a plain urllib + lxml loop in an environment
of its own; the functions and classes found, against the manual's own index, objects.inv. Exit code 0 when both agree.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE.parents[1] / ".real"
MANUAL = Path("/usr/share/doc/python3.11/html")
WAIT_SECONDS = 10.0

NGINX = """
daemon off; worker_processes 1; error_log stderr warn; pid {work}/nginx.pid;
events {{ worker_connections 256; }}
http {{
  types {{ text/html html; text/css css; application/javascript js; text/plain txt; image/png png; image/svg+xml svg; }}
  default_type application/octet-stream; access_log off; keepalive_requests 100000;
  client_body_temp_path {work}/b; proxy_temp_path {work}/p; fastcgi_temp_path {work}/f;
  uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  server {{ listen 127.0.0.1:{port}; root {manual}; index index.html; }}
}}
"""


def main() -> int:
    """Install, serve, crawl twice, compare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", default=sys.executable, help="the Python that scraper is installed in")
    python = options.parse_args().python
    _install()
    shutil.rmtree(WORK / "run", ignore_errors=True)
    (WORK / "run").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = f"http://127.0.0.1:{port}/index.html"
    (WORK / "nginx.conf").write_text(NGINX.format(work=WORK, port=port, manual=MANUAL.resolve()))
    nginx = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(WORK / "nginx.conf")])
    try:
        _await_port(port)
        _crawl(python, start)
        reached = _plain(start)
    finally:
        nginx.terminate()
        nginx.wait()
    return 0 if _compare_pages(reached) & _compare_items() else 1


def _install() -> None:
    missing = [name for name, there in (("python3.11-doc", MANUAL.exists()), ("nginx", _nginx())) if not there]
    if missing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True)
    if not (WORK / "venv").exists():
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
        subprocess.run([WORK / "venv/bin/python", "-m", "pip", "install", "-q", "lxml"], check=True)


def _nginx() -> bool:
    return bool(shutil.which("nginx")) or Path("/usr/sbin/nginx").exists()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("nginx did not start")


def _crawl(python: str, start: str) -> None:
    environ = {**os.environ, "REAL_START": start, "REAL_FOLDER": str(WORK / "run")}
    subprocess.run([python, "-m", "scraper", "run", str(HERE / "config.yaml")], env=environ, check=True)


def _plain(start: str) -> set[str]:
    command = [str(WORK / "venv/bin/python"), str(HERE / "plain.py"), start]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def _compare_pages(reached: set[str]) -> bool:
    with sqlite3.connect(WORK / "run/state/pydoc/run.db") as state:
        ours = {url for (url,) in state.execute("select url from url join done using (id) where kind = 1")}
    print(f"pages: {len(ours)} by scrape, {len(reached)} by the plain loop, {len(ours & reached)} by both")
    for url in sorted(ours ^ reached)[:10]:
        print(f"  only {'scrape' if url in ours else 'the plain loop'}: {url}")
    return ours == reached


def _compare_items() -> bool:
    with (WORK / "run/pydoc.jsonl").open(encoding="utf-8") as lines:
        items = [json.loads(line) for line in lines]
    found = {(item["kind"], item["name"]) for item in items}
    indexed = _inventory()
    bare = [item["name"] for item in items if not item["signature"]]
    print(f"items: {len(items)}, {len(found)} different; {len(indexed)} in objects.inv, {len(found & indexed)} in both")
    for kind, name in sorted(found ^ indexed)[:10]:
        print(f"  only {'scrape' if (kind, name) in found else 'objects.inv'}: {kind} {name}")
    print(f"items without a signature: {len(bare)}")
    return found == indexed and not bare


def _inventory() -> set[tuple[str, str]]:
    """Return (kind, name) of the functions and classes in the manual's own index (Sphinx inventory, version 2)."""
    raw = (MANUAL / "objects.inv").read_bytes()
    body = raw.split(b"\n", 4)[4]
    found = set()
    for line in zlib.decompress(body).decode().splitlines():
        name, kind, *_ = line.rsplit(" ", 4)
        if kind in ("py:function", "py:class"):
            found.add((kind.removeprefix("py:"), name))
    return found


if __name__ == "__main__":
    sys.exit(main())
