"""The summary at the end: what a person at a terminal, or reading cron's mail at 3 a.m., needs to know.

Text and JSON data are made from the same report. Every foreign text in it is escaped, so a page cannot write to a
terminal. Nothing is judged here: whether the run succeeded was decided before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from scraper.engine.tally import Trouble
from scraper.runs.report import DONE, INTERRUPTED, STOPPED, Report
from scraper.ui.words import amount, duration, plural, reasons, safe

__all__ = ["as_data", "summary"]

TROUBLES_SHOWN = 5  # kinds
_BOUND = {
    "politeness": "limited by politeness: hosts were due a rest (politeness.delay, politeness.concurrency)",
    "latency": "limited by latency: waiting for answers (fetch.concurrency, politeness.concurrency)",
    "CPU": "limited by this processor",
}


def summary(report: Report) -> str:
    """Return the summary of a run, several lines, without a line break at the end."""
    return "\n".join([_headline(report), *_rows(report), *_ending(report)])


def _headline(report: Report) -> str:
    went_on = ", resumed" if report.resumed else ""
    stopped = f", stopped by {report.stopped_by}" if report.stopped_by.startswith("limits.") else ""
    return f"{report.name}: {report.status} in {duration(report.progress.elapsed)} (run {report.run}{went_on}{stopped})"


def _rows(report: Report) -> Iterator[str]:
    progress, tally = report.progress, report.progress.tally
    before = f", {tally.resumed_pages:,} of them before" if report.resumed else ""
    yield _row("pages", tally.pages, f"{amount(progress.rate)}/s, {_BOUND[report.bound_by]}{before}")
    if tally.partial:
        yield _row("partial", tally.partial, "of the pages: their bodies were cut short (fetch.partial: keep)")
    yield _row("items", tally.items, "  ".join(_short(path) for path in report.outputs) or "(no output configured)")
    if tally.refused.total():
        yield _row("refused", tally.refused.total(), reasons(tally.refused))
    if tally.failed.total():
        yield _row("failed", tally.failed.total(), reasons(tally.failed))
    if tally.faults.total():
        yield _row("faults", tally.faults.total(), reasons(tally.faults))
    if tally.retries or tally.redirects:
        leaving = f", {tally.downgrades:,} of them from https to http" if tally.downgrades else ""
        yield _row("retries", tally.retries, f"and {plural(tally.redirects, 'redirect')}{leaving}")
    if progress.counts.queued:
        yield _row("queued", progress.counts.queued, "seen and not fetched")


def _row(noun: str, number: int, rest: str) -> str:
    return f"  {noun:<9}{number:>9,}   {rest}".rstrip()


def _ending(report: Report) -> Iterator[str]:
    tally = report.progress.tally
    if tally.troubles and (report.status != DONE or tally.faults.total()):
        yield "  what went wrong:"
        for key, times in tally.trouble_counts.most_common(TROUBLES_SHOWN):
            yield _trouble(tally.troubles[key], times)
        if len(tally.troubles) > TROUBLES_SHOWN:
            yield f"    … and {len(tally.troubles) - TROUBLES_SHOWN:,} more kinds"
    if report.status == INTERRUPTED:
        yield "  interrupted: run the same command again to go on from here, or with --fresh to start over"
    if report.status == STOPPED:
        yield f"  stopped: the budget of {report.stopped_by} is used up; run the same command again to go on from here,"
        yield "  with a larger one if this happens often, or with --fresh to start over"
    for reason in report.reasons:
        yield f"  FAILED: {safe(reason)}"
    if report.reasons and report.outputs:
        yield "  the finished outputs of earlier runs are as they were"


def _trouble(trouble: Trouble, times: int) -> str:
    """Return one kind of trouble: how often, what, where first, and the traceback if there is one."""
    what = f"{trouble.reason}: {trouble.line}" if trouble.line else trouble.reason
    lines = [f"    {times:,} x {what}", f"      first on {trouble.url}"]
    told = trouble.detail.strip().splitlines()
    if len(told) > 1:
        lines += [f"      {line}" for line in told[:-1]]
    return "\n".join(map(safe, lines))


def _short(path: str) -> str:
    """Return a path as it is seen from the working directory, when that is shorter."""
    try:
        relative = os.path.relpath(path)
    except (ValueError, OSError):
        return path
    return min(relative, path, key=len)


def as_data(report: Report) -> dict[str, Any]:
    """Return the summary as plain JSON data."""
    progress, tally = report.progress, report.progress.tally
    return {
        "crawl": report.name,
        "run": report.run,
        "status": report.status,
        "resumed": report.resumed,
        "stopped_by": report.stopped_by,
        "reasons": list(report.reasons),
        "seconds": round(progress.elapsed, 3),
        "cpu_seconds": round(report.cpu, 3),
        "bound_by": report.bound_by,
        "pages": tally.pages,
        "partial": tally.partial,
        "items": tally.items,
        "bytes": tally.bytes,
        "refused": dict(tally.refused),
        "failed": dict(tally.failed),
        "faults": dict(tally.faults),
        "retries": tally.retries,
        "redirects": tally.redirects,
        "downgrades": tally.downgrades,
        "duplicates": tally.duplicates,
        "queued": progress.counts.queued,
        "outputs": list(report.outputs),
    }
