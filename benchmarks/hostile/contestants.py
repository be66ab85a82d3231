"""How each contestant is told its job, as its own documentation has users do it, and the command that runs it.

scrape gets a config file. Scrapy gets a project of `scrapy startproject`, with that project's settings (robots.txt
obeyed, one request at a time to a domain, a second between two), a spider as `scrapy genspider -t crawl` makes it, and
`scrapy crawl NAME -O items.jsonl`. Nothing else is set but what the case sets for both.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.hostile.job import Job

__all__ = ["Contestant", "Scrape", "Scrapy", "contestants", "scrapy_python"]

HERE = Path(__file__).resolve().parent
PEERS_VENV = Path(os.environ.get("BENCH_ENVS", HERE.parent / ".envs")) / "scrapy"
PROJECT = "project"


class Contestant(Protocol):
    """A crawler that can be given a job."""

    @property
    def name(self) -> str:
        """The name in the table."""
        ...

    def prepare(self, folder: Path, job: Job) -> list[str]:
        """Write what the job needs into `folder` and return the command to be run there."""
        ...

    @property
    def version(self) -> str:
        """Which release this is."""
        ...


@dataclass(frozen=True)
class Scrape:
    """The crawler of this repository."""

    python: str = sys.executable
    name: str = "scrape"

    @property
    def version(self) -> str:
        """What `scrape --version` says."""
        return _last_word([self.python, "-m", "scraper", "--version"])

    def prepare(self, folder: Path, job: Job) -> list[str]:
        """Write a config file; JSON is YAML."""
        shutil.copy(HERE / "spiders" / "ours.py", folder / "ours.py")
        config: dict[str, Any] = {"spider": f"ours.py:{job.spider}", "seeds": list(job.seeds), "output": job.output}
        if job.scope:
            config["scope"] = {"hosts": job.scope}
        polite = {"delay": _duration(job.delay), "concurrency": job.concurrency}
        if job.misspelt:
            polite["concurency"] = 1
        config["politeness"] = _given(polite)
        connect = None if job.timeout is None else min(job.timeout, 10)
        fetch = {"timeout": _duration(job.timeout), "connect_timeout": _duration(connect)}
        config["fetch"] = _given({**fetch, "connect_to": job.names or None})
        (folder / "job.yaml").write_text(json.dumps(_given(config)), encoding="utf-8")
        return [self.python, "-m", "scraper", "run", "job.yaml"]


@dataclass(frozen=True)
class Scrapy:
    """Scrapy, newest release, as shipped."""

    python: str
    project: Path  # made by `scrapy startproject`
    name: str = "Scrapy"

    @property
    def version(self) -> str:
        """What `scrapy version` says."""
        return _last_word([self.python, "-m", "scrapy", "version"])

    def prepare(self, folder: Path, job: Job) -> list[str]:
        """Copy the project, and the spider into it. Names are put where Scrapy keeps the answers of DNS."""
        if not (folder / "scrapy.cfg").exists():
            shutil.copytree(self.project, folder, dirs_exist_ok=True)
            shutil.copy(HERE / "spiders" / "theirs.py", folder / PROJECT / "spiders" / "theirs.py")
            addresses = {name: place.rpartition(":")[0] for name, place in job.names.items()}
            with (folder / PROJECT / "settings.py").open("a") as settings:
                if addresses:
                    settings.write(f"\nfrom scrapy.resolver import dnscache\n\ndnscache.update({addresses!r})\n")
        told = {"seeds": job.seeds, "hosts": job.scope}
        (folder / "job.json").write_text(json.dumps(told), encoding="utf-8")
        command = [self.python, "-m", "scrapy", "crawl", job.spider, "-o" if job.resumable else "-O", job.output]
        values = {
            "DOWNLOAD_DELAY": job.delay,
            "CONCURRENT_REQUESTS_PER_DOMAIN": job.concurrency,
            "DOWNLOAD_TIMEOUT": job.timeout,
            "JOBDIR": "state" if job.resumable else None,
            "CONCURENT_REQUESTS_PER_DOMAIN": 1 if job.misspelt else None,
        }
        for name, value in _given(values).items():
            command += ["-s", f"{name}={value}"]
        return command


def contestants(folder: Path, *, scrapy: bool = True) -> list[Contestant]:
    """Return the contestants; Scrapy's project is made in `folder`."""
    found: list[Contestant] = [Scrape()]
    if scrapy:
        python = str(scrapy_python())
        project = folder / "fresh"
        command = [python, "-m", "scrapy", "startproject", PROJECT, str(project)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found.append(Scrapy(python, project))
    return found


def scrapy_python() -> Path:
    """Return the Python of a virtual environment with Scrapy; make it if it is not there."""
    python = PEERS_VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", PEERS_VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "scrapy"], check=True)
    return python


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != {}}


def _duration(seconds: float | None) -> str | int | None:
    return None if seconds is None else f"{seconds * 1000:.0f}ms" if seconds else 0


def _last_word(command: list[str]) -> str:
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.findall(r"\d+(?:\.\d+)+\S*", said)
    return str(found[-1]) if found else "?"
