"""`scrape config.yaml`: load, run, show, and turn the end into an exit code.

Everything that knows the HTTP client is imported through this room, so that the other commands start without it. It
shows what a run does and never changes it; who listens, or has gone away, makes no difference to the crawl.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from scraper.cli.signals import INTERRUPTED, stop_on_signals
from scraper.clock import SystemClock
from scraper.policy.secrets import hider
from scraper.runs import report as ends
from scraper.runs.plan import Plan
from scraper.runs.report import Report
from scraper.runs.runner import Observer, Run
from scraper.ui.log import VisitLog, set_up
from scraper.ui.progress import Display
from scraper.ui.report import as_data, summary

__all__ = ["run_plan"]

EXIT_CODES = {ends.DONE: 0, ends.FAILED: 1, ends.INTERRUPTED: INTERRUPTED}


def run_plan(plan: Plan, *, fresh: bool, quiet: bool, verbose: bool, json_log: bool) -> int:
    """Run a plan on this terminal (or without one) and return the exit code."""
    observers: Sequence[Observer] = [VisitLog()] if verbose or json_log else []
    run = Run(plan, fresh=fresh, observers=observers)
    live = sys.stderr.isatty() and not json_log
    display = Display(plan.name, run.progress, stream=sys.stderr, live=live, max_pages=plan.max_pages)
    level = logging.WARNING if quiet else logging.INFO
    hide = hider(plan.secrets)
    handler = set_up(sys.stderr, level=level, as_json=json_log, before=display.clear, hide=hide)
    gc.freeze()  # what is there now is there until the end
    gc.enable()
    try:
        report = asyncio.run(_run(run, display if not quiet and not json_log else None))
        _tell(report, hide, quiet=quiet, json_log=json_log)
    finally:
        logging.getLogger("scraper").removeHandler(handler)
    return EXIT_CODES[report.status]


async def _run(run: Run, display: Display | None) -> Report:
    done = asyncio.Event()
    with stop_on_signals(asyncio.get_running_loop(), run.stop):
        try:
            async with asyncio.TaskGroup() as group:
                if display is not None:
                    group.create_task(display.show(SystemClock(), done))
                try:
                    return await run.execute()
                finally:
                    done.set()
                    if display is not None:
                        display.clear()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None


def _tell(report: Report, hide: Callable[[str], str], *, quiet: bool, json_log: bool) -> None:
    """Write the summary: to stdout for people, into the log for machines, on a failure to stderr even when quiet."""
    if json_log:
        level = logging.INFO if report.ok else logging.ERROR
        logging.getLogger("scraper").log(level, "run %s", report.status, extra={"report": as_data(report)})
    elif not quiet:
        _write(sys.stdout, hide(summary(report)))
    elif not report.ok:
        _write(sys.stderr, hide(summary(report)))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except (OSError, ValueError):
        pass  # nobody is there to read it; the run is what it is
