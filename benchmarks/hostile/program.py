"""Play the cases, keep the results, write the page.

    make scoreboard                                         all cases, both contestants: about ten minutes
    python -m benchmarks.hostile --only robots --jobs 2     some of them: the others' results are kept
    python -m benchmarks.hostile --page                     only write the page again

Every story is played in a process of its own, several at a time; most of their time they wait. Results stand in
scoreboard.json beside this file, the page is docs/scoreboard.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.hostile.board import CASES, verdict
from benchmarks.hostile.cases import TOPICS
from benchmarks.hostile.contestants import Contestant, contestants
from benchmarks.hostile.page import page
from benchmarks.hostile.stage import Stage

__all__ = ["PAGE", "RESULTS", "Played", "main", "play"]

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "scoreboard.json"
PAGE = HERE.parent.parent / "docs" / "scoreboard.md"
JOBS = 4  # stories at a time


@dataclass(frozen=True, slots=True)
class Played:
    """One story, played for one contestant."""

    case: str
    words: str  # a digest of what the case said
    contestant: str
    day: str
    right: bool
    evidence: str
    settings: str  # those that were not as shipped
    exit: int  # of the last crawl
    wall: float  # seconds, CPU seconds and MiB of the last crawl
    cpu: float
    rss: float


def play(key: str, contestant: Contestant, keep: Path | None = None) -> Played:
    """Play a story for a contestant. A story that fails itself is not right, and says so."""
    folder = Path(tempfile.mkdtemp(prefix="scoreboard-"))
    try:
        return asyncio.run(_play(key, contestant, folder))
    finally:
        if keep is not None:
            shutil.copytree(folder, keep / f"{key.replace('/', '-')}-{contestant.name}", dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


async def _play(key: str, contestant: Contestant, folder: Path) -> Played:
    async with Stage(contestant, folder) as stage:
        try:
            judged = await CASES[key].story(stage)
        except Exception as error:
            judged = verdict(False, f"the story failed: {error!r}")
            traceback.print_exc()
        last = stage.runs[-1] if stage.runs else None
        settings = "; ".join(sorted(filter(None, stage.told)))
    numbers = (last.exit, round(last.wall, 1), round(last.cpu, 2), round(last.rss)) if last else (0, 0, 0, 0)
    return Played(
        key,
        CASES[key].words,
        contestant.name,
        time.strftime("%Y-%m-%d"),
        judged.right,
        judged.evidence,
        settings,
        *numbers,
    )


def main(arguments: Iterable[str] | None = None) -> int:
    """Play what was chosen and write results and page; return 0 if every story could be played."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="topics or cases, with commas between: robots,http/drip")
    options.add_argument("--jobs", type=int, default=JOBS, help="stories at a time")
    options.add_argument("--ours", action="store_true", help="without Scrapy; nothing is written")
    options.add_argument("--keep", type=Path, help="a folder for the crawls' own folders")
    options.add_argument("--page", action="store_true", help="only write the page again")
    chosen = options.parse_args(None if arguments is None else list(arguments))
    failed = 0
    if not chosen.page:
        played, versions = _play_all(_chosen(chosen.only), chosen)
        failed = sum("the story failed" in one.evidence for one in played)
        if chosen.ours:
            return 1 if failed else 0
        _keep(played, versions)
    PAGE.write_text(page(json.loads(RESULTS.read_text(encoding="utf-8")), CASES, TOPICS), encoding="utf-8")
    return 1 if failed else 0


def _chosen(only: str) -> list[str]:
    wanted = [word for word in only.split(",") if word]
    found = [key for key in CASES if not wanted or any(key == word or key.startswith(f"{word}/") for word in wanted)]
    if not found:
        sys.exit(f"no such case: {only}. Topics: {', '.join(TOPICS)}")
    return found


def _play_all(keys: list[str], chosen: argparse.Namespace) -> tuple[list[Played], dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="scoreboard-") as folder:
        rivals = contestants(Path(folder), scrapy=not chosen.ours)
        versions = {rival.name: rival.version for rival in rivals}
        # A process for each story: its sites, their log and its loop are nobody else's.
        pool = ProcessPoolExecutor(chosen.jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1)
        played = []
        with pool:
            waiting = [pool.submit(play, key, rival, chosen.keep) for key in keys for rival in rivals]
            for done in as_completed(waiting):
                one = done.result()
                played.append(one)
                print(f"{'right' if one.right else 'WRONG'} {one.contestant:7} {one.case}: {one.evidence}", flush=True)
    return played, versions


def _keep(played: list[Played], versions: dict[str, str]) -> None:
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"played": []}
    rows = {(row["case"], row["contestant"]): row for row in known["played"]}
    rows |= {(one.case, one.contestant): asdict(one) for one in played}
    order = {key: place for place, key in enumerate(CASES)}
    kept = sorted(
        (row for key, row in rows.items() if key[0] in order), key=lambda row: (order[row["case"]], row["contestant"])
    )
    machine = f"Linux, {os.cpu_count()} processors, Python {platform.python_version()}"
    result = {"machine": machine, "versions": versions, "played": kept}
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
