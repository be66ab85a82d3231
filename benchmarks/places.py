"""Where things are: the crawl's config, the sites that were generated, the peers' environments, the results."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.website.write import PORT, Site, write_site

__all__ = ["BASELINE", "CONFIG", "PEERS", "RESULTS", "environments", "site_for"]

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "harness" / "config.yaml"  # the job, as a user of the package writes it
PEERS = HERE / "peers"
RESULTS = HERE / "results"
BASELINE = HERE / "baseline.json"


def environments() -> Path:
    """Return the folder of the peers' virtual environments: BENCH_ENVS, else one beside this file."""
    return Path(os.environ.get("BENCH_ENVS") or HERE / ".envs")


def site_for(*, pages: int, tiny: bool = False, hosts: int = 1) -> Site:
    """Return the site of that recipe, written when it is not there yet; BENCH_PORT is what it is served on."""
    kind = "tiny" if tiny else "realistic"
    folder = Path(os.environ.get("BENCH_SITES") or HERE / ".sites") / f"{kind}-{pages}-{hosts}"
    return write_site(folder, pages=pages, tiny=tiny, hosts=hosts, port=int(os.environ.get("BENCH_PORT", PORT)))
