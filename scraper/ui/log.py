"""Log lines: one a visit when asked for, as text or as JSON. Nobody else in the package builds log lines.

It observes committed visits, so what it says has happened for good. Foreign text is escaped: a page cannot write to
anybody's terminal or forge a second line.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

from scraper.frontier.base import Committed
from scraper.outcome import Failed, Fetched, Moved, Outcome, Reason, Refused, Retry
from scraper.policy.redirect import is_downgrade
from scraper.ui.words import json_line, safe
from scraper.visit import Visit

__all__ = ["JsonFormatter", "VisitLog", "set_up"]

_LOG = logging.getLogger("scraper")


class VisitLog:
    """An observer that logs every visit."""

    def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
        """Log the visits of one commit."""
        for visit in visits:
            overruled = committed.overruled.get(visit.lease.id)
            self._log(visit, Refused(overruled) if overruled else visit.outcome)

    def _log(self, visit: Visit, outcome: Outcome) -> None:
        url = str(visit.lease.request.url)
        what = _describe(outcome, len(visit.records))
        if isinstance(outcome, Moved) and is_downgrade(visit.lease.request.url, outcome.target):
            what += " (leaves https)"
        level = logging.WARNING if isinstance(outcome, Failed) or visit.faults else logging.INFO
        _LOG.log(level, "%s %s", url, what, extra={"url": url, "outcome": what, "items": len(visit.records)})
        for fault in visit.faults:
            detail = " ".join(fault.detail.split())
            _LOG.warning("%s %s: %s", url, fault.reason, detail, extra={"url": url, "outcome": fault.reason})


def _describe(outcome: Outcome, items: int) -> str:
    match outcome:
        case Fetched(status=status, bytes=size, elapsed=elapsed, partial=partial):
            cut = ", cut short" if partial else ""
            return f"{status} {size:,} B{cut} {elapsed * 1000:.0f} ms, {items} items"
        case Refused(reason=reason, detail=detail):
            return f"refused: {_with(reason, detail)}"
        case Failed(reason=reason, detail=detail):
            return f"failed: {_with(reason, detail)}"
        case Retry(reason=reason, delay=delay):
            return f"again in {delay:.1f} s: {reason}"
        case Moved(target=target, status=status):
            return f"{status} -> {target}"
        case unreachable:
            assert_never(unreachable)


def _with(reason: Reason | str, detail: str) -> str:
    return f"{reason}: {detail.strip().splitlines()[-1]}" if detail.strip() else str(reason)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message, and what else the record knows."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        for key in ("url", "outcome", "items", "report"):
            if hasattr(record, key):
                entry[key] = getattr(record, key)
        return json_line(entry)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        first, *rest = safe(super().format(record)).split("\n")
        return "\n    ".join((first, *rest))  # nobody can begin a line of the log but the log


class _Handler(logging.StreamHandler[Any]):
    """Writes to a stream that may also hold a live progress line."""

    def __init__(self, stream: Any, before: Callable[[], None], hide: Callable[[str], str]) -> None:
        super().__init__(stream)
        self._before = before
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        return self._hide(super().format(record))

    def emit(self, record: logging.LogRecord) -> None:
        self._before()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Say nothing: a stream that is gone must not end a crawl."""


def set_up(
    stream: Any, *, level: int, as_json: bool, before: Callable[[], None], hide: Callable[[str], str] = str
) -> logging.Handler:
    """Send the package's log to `stream`; `before` is called ahead of each line. Return the handler, to be removed.

    Each line passes `hide`, which takes secrets out of it.
    """
    handler = _Handler(stream, before, hide)
    handler.setFormatter(JsonFormatter() if as_json else _TextFormatter("%(asctime)s %(levelname)s %(message)s"))
    _LOG.addHandler(handler)
    _LOG.setLevel(level)
    _LOG.propagate = False
    return handler
