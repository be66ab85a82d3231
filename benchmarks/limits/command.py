"""The walls of a crawl: parsing and TLS as this machine does them, the line and politeness as arithmetic has them.

python -m benchmarks limits
"""

from __future__ import annotations

import argparse
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine
from benchmarks.steps.material import Material
from scraper.parsing.tree import markup_tree

__all__ = ["main"]

DAY = 86_400  # seconds
DELAYS = (0.1, 0.5, 1.0, 5.0)  # seconds between two requests to a host
LINES = (100, 1000, 10_000)  # Mbit/s
HANDSHAKES = 200
ROUNDS = 5


def main(arguments: list[str]) -> int:
    """Measure, reckon and print."""
    argparse.ArgumentParser(prog="benchmarks limits", description=__doc__).parse_args(arguments)
    print(machine.describe())
    with tempfile.TemporaryDirectory(prefix="bench-limits-") as folder:
        bodies = list(Material(Path(folder), size=200).bodies.values())
        size = sum(map(len, bodies)) / len(bodies)
        pages = _rate(lambda: _parse(bodies))
        print("\n| what | at most |\n|---|---|")
        told = f"{pages:,.0f} pages of {size / 1000:.0f} KB a second: {pages * size / 1e6:.0f} MB/s"
        print(f"| parsing, one core | {told} |")
        handshakes = _handshakes(Path(folder))
        told = (
            f"{handshakes:,.0f} a second" if handshakes else "not measured: there is no openssl to make a certificate"
        )
        print(f"| TLS 1.3 handshakes, the client's part, one core | {told} |")
    for line in LINES:
        print(f"| a line of {line:,} Mbit/s | {line * 1e6 / 8 / size:,.0f} pages of {size / 1000:.0f} KB a second |")
    for delay in DELAYS:
        print(f"| one host, a request every {delay:g} s | {1 / delay:g} pages a second, {DAY / delay:,.0f} a day |")
    return 0


def _parse(bodies: list[bytes]) -> int:
    for body in bodies:
        markup_tree(body)
    return len(bodies)


def _rate(work: Callable[[], int]) -> float:
    """Return units a CPU second, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        units = work()
        best = max(best, units / (time.process_time() - began))
    return best


def _handshakes(folder: Path) -> float:
    """Return how many full handshakes, certificate verified, a client can make in a CPU second; 0: not known."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost",
    ]  # fmt: skip
    try:
        subprocess.run(make, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return 0.0
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=str(certificate))
    return HANDSHAKES / sum(_handshake(client, server) for _ in range(HANDSHAKES))


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> float:
    """Shake hands in memory; return the CPU seconds of the client."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    far = server.wrap_bio(to_server, to_client, server_side=True)
    spent, open_ends = 0.0, {near, far}
    while open_ends:
        for end in (near, far):
            began = time.thread_time()
            try:
                end.do_handshake()
                open_ends.discard(end)
            except ssl.SSLWantReadError:
                pass
            if end is near:
                spent += time.thread_time() - began
    return spent
