"""Sample a real crawl of the generated site, served on loopback by another process.

python -m benchmarks profile                  2,000 realistic pages, state on disk
python -m benchmarks profile --tiny           2 KB pages: what a request costs
python -m benchmarks profile --memory         state in memory
python -m benchmarks profile --stacks FILE    also folded stacks, for a flame graph
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from benchmarks import machine
from benchmarks.places import CONFIG, site_for
from benchmarks.profiling.report import Profile, tables, write_stacks
from benchmarks.profiling.sampler import Sampler
from benchmarks.servers.running import file_server
from benchmarks.website.write import Site
from scraper.cli.prepare import prepare
from scraper.cli.run import run_plan

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Crawl, sample, print."""
    options = argparse.ArgumentParser(
        prog="benchmarks profile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--pages", type=int, default=2000)
    options.add_argument("--tiny", action="store_true")
    options.add_argument("--memory", action="store_true")
    options.add_argument("--repeat", type=int, default=2, help="crawls that are summed")
    options.add_argument("--concurrency", type=int, default=32)
    options.add_argument("--top", type=int, default=30)
    options.add_argument("--json", type=Path)
    options.add_argument("--stacks", type=Path)
    chosen = options.parse_args(arguments)
    site = site_for(pages=chosen.pages, tiny=chosen.tiny)
    for_server, for_crawler = machine.processors()
    sampler = Sampler()
    with file_server(site, processor=for_server):
        os.sched_setaffinity(0, {for_crawler})
        _crawl(site, chosen, Sampler())  # everything is imported and compiled once
        began, began_all = time.thread_time(), time.process_time()
        for _ in range(chosen.repeat):
            _crawl(site, chosen, sampler)
        main_seconds, seconds = time.thread_time() - began, time.process_time() - began_all
    profile = Profile(
        sampler, site.pages * chosen.repeat, main_seconds - sampler.own_seconds, max(0.0, seconds - main_seconds)
    )
    print(machine.describe())
    print("\n".join(tables(profile, top=chosen.top)))
    if chosen.json:
        chosen.json.write_text(json.dumps({"pages": profile.pages, "rooms": dict(profile.rooms().most_common())}))
    if chosen.stacks:
        write_stacks(sampler, chosen.stacks)
    return 0


def _crawl(site: Site, chosen: argparse.Namespace, sampler: Sampler) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-profile-") as folder:
        out = Path(folder) / "out.jsonl"
        environ = {
            **os.environ,
            "BENCH_STARTS": ",".join(site.starts),
            "BENCH_HOSTS": ",".join(site.addresses),
            "BENCH_OUT": str(out),
            "BENCH_CONCURRENCY": str(chosen.concurrency),
        }
        plan = prepare(CONFIG, environ, memory=chosen.memory)
        with sampler.running():
            code = run_plan(plan, fresh=True, quiet=True, verbose=False, json_log=False)
        items = sum(1 for _ in out.open("rb"))
        if code or items != site.items:
            raise SystemExit(f"the crawl ended with {code} and {items} items of {site.items}")
