"""A process that runs crawls in forks of itself and lets them kill themselves at a boundary.

Started once, it reads one JSON command a line: `{"config": …, "boundary": …, "count": …, "careless": …}`. A fork builds
the run from the config exactly as the command does, and at the count-th time that the run passes the boundary it sends
itself SIGKILL. The answer is one line: how the fork ended. Forking saves the imports, so that hundreds of kills are
cheap; the fork shares nothing else with later ones.

`careless` is the negative control: JSON Lines outputs that are not cut back when a run goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scraper.cli.prepare import prepare
from scraper.runs.runner import Run
from scraper.sinks.factory import FORMATS
from scraper.sinks.jsonlines import JsonLinesSink

ENDED_BADLY = 70  # exit code of a fork in which the run raised


class CarelessSink(JsonLinesSink):
    """Goes on at the end of what is there, as a sink would that trusted its file."""

    async def open(self, committed: int | None, *, sealing: bool = False) -> int:
        """Open, believing that everything in the work file was committed."""
        work = Path(self.place.work)
        if committed is not None and work.exists():
            committed = work.stat().st_size
        return await super().open(committed, sealing=sealing)


def killer(boundary: str, count: int) -> Callable[[str], None]:
    """Return a hook that kills this process at the count-th time it hears `boundary`."""
    left = count

    def at(passed: str) -> None:
        nonlocal left
        if passed == boundary:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    return at


def crawl(command: dict[str, Any]) -> int:
    """Run the crawl of a command in this process; return the exit code of the fork."""
    try:
        if command["careless"]:
            FORMATS["jsonl"] = CarelessSink
        plan = prepare(Path(command["config"]), {}, memory=False)
        run = Run(plan, at=killer(command["boundary"], command["count"]))
        report = asyncio.run(run.execute())
    except BaseException:
        traceback.print_exc()
        return ENDED_BADLY
    print(report.reasons, file=sys.stderr)
    return 0 if report.ok else 1


def main() -> None:
    """Obey commands until there are no more."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(crawl(json.loads(line)))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)


if __name__ == "__main__":
    main()
