"""Log lines: one a committed visit, as text or as JSON, and no foreign text can leave its line."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scraper.frontier.base import Committed
from scraper.outcome import Failed, Fetched, Moved, Outcome, Reason, Refused, Retry
from scraper.request import Request
from scraper.ui.log import VisitLog, set_up
from scraper.urls import canonical
from scraper.visit import Fault, Lease, Visit

EVIL = "\x1b[31mred\x07\r\u202e"
OUTCOMES: list[tuple[Outcome, str]] = [
    (Fetched(200, 12_345, 0.25), "200 12,345 B 250 ms, 0 items"),
    (Refused(Reason.ROBOTS, "robots.txt forbids it"), "refused: robots: robots.txt forbids it"),
    (Failed("http_404", 404, "Not Found"), "failed: http_404: Not Found"),
    (Failed("timeout"), "failed: timeout"),
    (Failed("callback", 200, "Traceback:\n  File x\nKeyError: 'a'"), "failed: callback: KeyError: 'a'"),
    (Retry("http_503", 2.5, 503), "again in 2.5 s: http_503"),
    (Moved(canonical("http://shop.test/new"), 301), "301 -> http://shop.test/new"),
]


def visit(outcome: Outcome, **more: Any) -> Visit:
    """Return a visit with this outcome."""
    lease = Lease(1, request=Request("http://shop.test/book"), origin="http://shop.test")
    return Visit(lease, outcome, **more)


@contextmanager
def logging_to(stream: io.StringIO, *, as_json: bool, level: int = logging.INFO) -> Iterator[None]:
    """Send the package's log to a stream for a while."""
    handler = set_up(stream, level=level, as_json=as_json, before=lambda: None)
    try:
        yield
    finally:
        logging.getLogger("scraper").removeHandler(handler)


def logged(*visits: Visit, as_json: bool = False, level: int = logging.INFO, **committed: Any) -> list[str]:
    """Return the lines that visits leave in the log."""
    stream = io.StringIO()
    with logging_to(stream, as_json=as_json, level=level):
        VisitLog().hear(visits, Committed(**committed))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(("outcome", "words"), OUTCOMES)
def test_every_outcome_has_its_line(outcome: Outcome, words: str) -> None:
    """A visit is one line: time, level, URL, what became of it."""
    (line,) = logged(visit(outcome))
    assert line.endswith(f" http://shop.test/book {words}")


@pytest.mark.parametrize(("outcome", "words"), OUTCOMES)
def test_every_outcome_has_its_json_line(outcome: Outcome, words: str) -> None:
    """The same as an object with url, outcome and items."""
    (line,) = logged(visit(outcome), as_json=True)
    entry = json.loads(line)
    assert (entry["url"], entry["outcome"], entry["items"]) == ("http://shop.test/book", words, 0)
    assert entry["time"].endswith("+00:00")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_fault_has_a_line_of_its_own(as_json: bool) -> None:
    """What broke on a page that came is a warning beside the visit."""
    lines = logged(visit(Fetched(200), faults=(Fault("item", "field 'price' is nan"),)), as_json=as_json)
    assert len(lines) == 2
    assert "field 'price' is nan" in lines[1]


def test_a_redirect_that_was_not_followed_is_a_duplicate() -> None:
    """What the commit overruled is logged as it is remembered."""
    moved = visit(Moved(canonical("http://shop.test/new"), 301))
    (line,) = logged(moved, overruled={1: Reason.DUPLICATE})
    assert line.endswith("refused: duplicate")


def test_quiet_keeps_failures() -> None:
    """At the level of warnings, good visits are silent and failures are not."""
    lines = logged(visit(Fetched(200)), visit(Failed("timeout")), level=logging.WARNING)
    assert len(lines) == 1
    assert "WARNING" in lines[0]


@pytest.mark.parametrize("detail", [EVIL, f"first\n{EVIL}", f"{EVIL}\n2026-01-01 00:00:00,000 INFO forged", "\n\n"])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_failure_is_one_safe_line(detail: str, as_json: bool) -> None:
    """Whatever a site says, it is one line without control characters."""
    (line,) = logged(visit(Failed("callback", 200, detail)), as_json=as_json)
    assert line.isprintable()


@pytest.mark.parametrize(
    "detail",
    [
        "bad\u2028forged",
        "bad\x85forged",
        "bad\n2026-01-01 00:00:00,000 INFO forged",
    ],
)
def test_a_fault_is_one_safe_line(detail: str) -> None:
    """`cannot forge a second line` holds for faults too."""
    lines = logged(visit(Fetched(200), faults=(Fault("item", detail),)))
    assert len(lines) == 2


def test_a_stream_that_is_gone_is_no_error() -> None:
    """A crawl does not end because its log does."""
    stream = io.StringIO()
    with logging_to(stream, as_json=False):
        stream.close()
        VisitLog().hear([visit(Fetched(200))], Committed())


def test_the_log_is_the_packages_own() -> None:
    """Nothing is sent to the root logger, so nobody's lines come twice."""
    stream = io.StringIO()
    root = logging.StreamHandler(stream)
    logging.getLogger().addHandler(root)
    try:
        logged(visit(Fetched(200)))
    finally:
        logging.getLogger().removeHandler(root)
    assert stream.getvalue() == ""
