"""Who takes part, and the environments that they need: the package itself, a hand-written loop, other frameworks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from benchmarks import places

__all__ = ["CONTESTANTS", "Contestant", "available", "command_of", "prepare"]

# What pip installs for the peers, in an environment each; always the newest.
PACKAGES = {
    "raw": ("aiohttp", "selectolax", "msgspec", "uvloop"),
    "scrapy": ("scrapy",),
    "crawlee": ("crawlee[parsel]",),
}


@dataclass(frozen=True, slots=True)
class Contestant:
    """One crawler that can do the job."""

    name: str
    arguments: tuple[str, ...]
    environment: str = ""  # of PACKAGES; "": the Python that runs this, with the package that is measured


_OURS = ("-m", "scraper", "run", str(places.CONFIG), "--quiet")
CONTESTANTS = {
    each.name: each
    for each in (
        Contestant("scraper", _OURS),
        Contestant("scraper --memory", (*_OURS, "--memory")),
        Contestant("raw", (str(places.PEERS / "raw_peer.py"),), "raw"),
        Contestant("raw session", (str(places.PEERS / "raw_peer.py"), "session"), "raw"),
        Contestant("scrapy", (str(places.PEERS / "scrapy_peer.py"),), "scrapy"),
        Contestant("crawlee", (str(places.PEERS / "crawlee_peer.py"),), "crawlee"),
    )
}


def command_of(contestant: Contestant, ours: str = sys.executable) -> list[str]:
    """Return the command that runs a contestant; `ours` is the Python that has the package."""
    python = str(_python(contestant.environment)) if contestant.environment else ours
    return [python, *contestant.arguments]


def available(contestant: Contestant) -> bool:
    """Tell whether a contestant's environment is there."""
    return not contestant.environment or _python(contestant.environment).exists()


def prepare(contestant: Contestant) -> bool:
    """Make a contestant's environment when it is missing; tell whether it can run."""
    if available(contestant):
        return True
    folder = places.environments() / contestant.environment
    print(f"making {folder} for {contestant.name} …", flush=True)
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin" / "pip"), "install", "-q", *PACKAGES[contestant.environment]],
    )
    if all(subprocess.run(step).returncode == 0 for step in steps):
        return True
    print(f"{contestant.name} is left out: its packages cannot be installed here", flush=True)
    return False


def _python(environment: str):
    return places.environments() / environment / "bin" / "python"
