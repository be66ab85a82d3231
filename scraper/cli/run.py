"""`scrape config.yaml`: load, run, show, and turn the end into an exit code.

Everything that knows the HTTP client is imported through this room, so that the other commands start without it. It
shows what a run does and never changes it; who listens, or has gone away, makes no difference to the crawl.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout, suppress
from functools import partial
from typing import TextIO

from scraper.cli.signals import INTERRUPTED, stop_on_signals
from scraper.cli.streams import Spoken, settle
from scraper.clock import SystemClock
from scraper.policy.secrets import hider
from scraper.runs import report as ends
from scraper.runs.plan import Plan
from scraper.runs.report import Report
from scraper.runs.runner import Observer, Run
from scraper.ui.log import VisitLog, set_up
from scraper.ui.progress import Display
from scraper.ui.report import as_data, summary

__all__ = ["STOPPED", "run_plan"]

STOPPED = 3  # exit code: it stopped by itself, and the same command goes on

CLEAN_UP = 1.0  # seconds that tasks which a spider has left behind get, once they are cancelled
EXIT_CODES = {ends.DONE: 0, ends.FAILED: 1, ends.INTERRUPTED: INTERRUPTED, ends.STOPPED: STOPPED}


def run_plan(
    plan: Plan,
    *,
    fresh: bool = False,
    quiet: bool = False,
    verbose: bool = False,
    json_log: bool = False,
    at: Callable[[str], None] = lambda boundary: None,
) -> int:
    """Run a plan on this terminal (or without one) and return the exit code; `at` as for `Run`."""
    observers: Sequence[Observer] = [VisitLog()] if verbose or json_log else []
    run = Run(plan, fresh=fresh, observers=observers, at=at)
    live = sys.stderr.isatty() and not json_log
    display = Display(plan.name, run.progress, stream=sys.stderr, live=live, max_pages=plan.max_pages)
    level = logging.WARNING if quiet else logging.INFO
    hide = hider(plan.secrets)
    handler = set_up(sys.stderr, level=level, as_json=json_log, before=display.clear, hide=hide)
    gc.freeze()  # what is there now is there until the end
    gc.enable()
    others = _hear_others(handler)
    try:
        # Signals are heard until the summary is written: a run that has ended is not interrupted any more.
        with _runner() as runner, stop_on_signals(partial(runner.get_loop().call_soon_threadsafe, run.stop)):
            with redirect_stdout(Spoken(sys.stdout)):
                report = runner.run(_run(run, display if not quiet and not json_log else None))
            _tell(report, hide, quiet=quiet, json_log=json_log)
    finally:
        others()
        logging.getLogger("scraper").removeHandler(handler)
        settle()
    return EXIT_CODES[report.status]


def _hear_others(handler: logging.Handler) -> Callable[[], None]:
    """Let what other libraries, and Python's warnings, have to say pass the same gate; return what ends that.

    Otherwise Python writes them to stderr as they are: what they quote of a page could command the terminal. A spider
    that has set up logging by itself knows what it wants.
    """
    root = logging.getLogger()
    if root.handlers:
        return lambda: None
    root.addHandler(handler)
    logging.captureWarnings(True)

    def end() -> None:
        logging.captureWarnings(False)
        root.removeHandler(handler)

    return end


@contextmanager
def _runner() -> Iterator[asyncio.Runner]:
    """Give a runner whose end waits for nobody: for no thread that hangs, and for no task that will not end."""
    runner = asyncio.Runner()
    loop, threads = runner.get_loop(), ThreadPoolExecutor(thread_name_prefix="asyncio")
    loop.set_default_executor(threads)
    try:
        yield runner
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            _, left = runner.run(asyncio.wait(left, timeout=CLEAN_UP))
        threads.shutdown(wait=False, cancel_futures=True)
        loop.set_default_executor(ThreadPoolExecutor(1))
        if left:
            words = ", ".join(getattr(task.get_coro(), "__qualname__", task.get_name()) for task in left)
            logging.getLogger("scraper").warning("ended without tasks that swallow their cancellation: %s", words)
        else:
            runner.close()


async def _run(run: Run, display: Display | None) -> Report:
    done = asyncio.Event()
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
    with suppress(OSError, ValueError):  # nobody is there to read it; the run is what it is
        stream.write(text + "\n")
        stream.flush()
