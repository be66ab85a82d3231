"""The summary of a run, for a person and as data."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from scraper.engine.tally import Tally
from scraper.frontier.base import Committed, Counts
from scraper.outcome import Failed, Fetched, Reason, Refused, Retry
from scraper.request import Request
from scraper.runs.report import DONE, FAILED, INTERRUPTED, Progress, Report
from scraper.ui.report import as_data, summary
from scraper.visit import Fault, Lease, Visit

EVIL = "\x1b[2J\r\x07\u202e"


def report(tally: Tally | None = None, *, queued: int = 0, elapsed: float = 2.0, **more: Any) -> Report:
    """Return the report of a run that went well, unless told otherwise."""
    tally = tally or Tally(pages=1114, items=1000, bytes=5_000_000)
    given: dict[str, Any] = {"status": DONE, "resumed": False, "bound_by": "latency", "outputs": ("/data/books.jsonl",)}
    progress = Progress(elapsed, tally, Counts(2000, queued, 0, 2000 - queued), 0)
    return Report("books", 7, progress=progress, cpu=1.5, **{**given, **more})


def visit(number: int, outcome: Any, *faults: Fault) -> Visit:
    """Return a visit to a page with this outcome."""
    request = Request(f"http://shop.test/{number}", depth=1)
    return Visit(Lease(number, request=request, origin="http://shop.test"), outcome, faults=faults)


def heard(*visits: Visit) -> Tally:
    """Return a tally that has heard of these visits."""
    tally = Tally()
    tally.hear(visits, Committed())
    return tally


def test_a_good_run_is_three_lines() -> None:
    """What it was, how much, where it is: nothing else needs to be read."""
    assert summary(report()).splitlines() == [
        "books: done in 2.00 s (run 7)",
        "  pages        1,114   557/s, limited by latency: waiting for answers "
        "(fetch.concurrency, politeness.concurrency)",
        "  items        1,000   /data/books.jsonl",
    ]


def test_a_row_stands_only_for_what_happened() -> None:
    """Refusals, failures, faults, retries and the queue have a row when there are any."""
    tally = Tally(pages=1, items=1, retries=2, redirects=1)
    tally.refused = Counter(robots=3, off_scope=1)
    tally.failed = Counter(http_404=5)
    tally.faults = Counter(item=1)
    lines = summary(report(tally, queued=12, status=FAILED)).splitlines()
    rows = [
        line.split()[:2] for line in lines if line.startswith("  ") and line.split()[1:2] and line.split()[1].isdigit()
    ]
    assert rows == [
        ["pages", "1"], ["items", "1"], ["refused", "4"], ["failed", "5"], ["faults", "1"], ["retries", "2"],
        ["queued", "12"],
    ]  # fmt: skip
    assert "3 robots, 1 off_scope" in summary(report(tally))


def test_numbers_stand_below_each_other() -> None:
    """Every number of the rows ends in the same column."""
    tally = Tally(pages=1_234_567, items=9, retries=10, failed=Counter(http_404=500))
    rows = summary(report(tally, queued=3)).splitlines()[1:]
    ends = {len(row) - len(row[2:].lstrip("abcdefghijklmnopqrstuvwxyz").lstrip().lstrip("0123456789,")) for row in rows}
    assert len(ends) == 1


def test_the_headline_says_how_the_run_ended() -> None:
    """Resumed, stopped by a limit, interrupted, failed."""
    assert summary(report(resumed=True)).splitlines()[0].endswith("(run 7, resumed)")
    assert "stopped by limits.pages" in summary(report(stopped_by="limits.pages"))
    said = summary(report(status=INTERRUPTED, stopped_by="interrupted"))
    assert said.startswith("books: interrupted in ")
    assert "stopped by" not in said
    assert "run the same command again to go on" in said


def test_a_resumed_run_tells_what_it_found() -> None:
    """The pages of earlier lives are counted and said apart."""
    tally = Tally(pages=100, items=5, resumed_pages=80)
    assert "100   10/s" in summary(report(tally, resumed=True))
    assert "80 of them before" in summary(report(tally, resumed=True))


def test_a_failure_says_why_and_that_yesterdays_output_stands() -> None:
    """The reasons are the last thing that is read."""
    said = summary(report(status=FAILED, reasons=("no page was fetched", "1 seed brought no page: http://a.test/")))
    assert said.splitlines()[-3:] == [
        "  FAILED: no page was fetched",
        "  FAILED: 1 seed brought no page: http://a.test/",
        "  the finished outputs of earlier runs are as they were",
    ]


def test_a_failure_without_outputs_ends_without_an_empty_line() -> None:
    """A crawl that writes nothing has no outputs to speak of."""
    said = summary(report(status=FAILED, outputs=(), reasons=("no page was fetched",)))
    assert "no output configured" in said
    assert not said.endswith("\n")


def test_what_failed_is_shown_by_kind_with_its_traceback() -> None:
    """A thousand times the same crash is one entry with the number and the first URL."""
    crash = "Traceback (most recent call last):\n  File \"spider.py\", line 7, in book\nKeyError: 'price'"
    tally = heard(*(visit(n, Failed("callback", 200, crash)) for n in range(1, 1001)), visit(1001, Failed("timeout")))
    said = summary(report(tally, status=FAILED, reasons=("a callback failed on 1,000 pages",)))
    assert said.count("KeyError: 'price'") == 1
    assert "1,000 x callback: KeyError: 'price'" in said
    assert "first on http://shop.test/1\n" in said
    assert 'File "spider.py", line 7' in said
    assert "1 x timeout" in said


def test_a_success_does_not_list_missing_pages() -> None:
    """A run that is fine is not made to look bad by some 404s, but their number is there."""
    said = summary(report(heard(visit(1, Fetched(200)), visit(2, Failed("http_404", 404, "Not Found")))))
    assert "what went wrong" not in said
    assert "1 http_404" in said


def test_foreign_text_is_escaped_everywhere() -> None:
    """Details, tracebacks, URLs and reasons come from sites."""
    tally = heard(
        visit(1, Failed("callback", 200, f"Traceback {EVIL}\n  {EVIL}\nValueError: {EVIL}")),
        visit(2, Failed("http_404", 404, EVIL)),
        visit(3, Fetched(200), Fault("item", EVIL)),
        visit(4, Refused(Reason.ROBOTS, EVIL)),
        visit(5, Retry("timeout", 1.0)),
    )
    said = summary(report(tally, status=FAILED, reasons=(f"1 seed brought no page: {EVIL}",)))
    assert all(character.isprintable() or character == "\n" for character in said)


def test_the_data_is_json_and_complete() -> None:
    """Everything in the summary is in the data, by names."""
    tally = heard(visit(1, Fetched(200, 10)), visit(2, Failed("http_404", 404)))
    data = json.loads(json.dumps(as_data(report(tally, queued=3, status=FAILED, reasons=("x",)))))
    assert (data["crawl"], data["run"], data["status"], data["reasons"]) == ("books", 7, "failed", ["x"])
    assert (data["pages"], data["failed"], data["queued"], data["bytes"]) == (1, {"http_404": 1}, 3, 10)
    assert data["outputs"] == ["/data/books.jsonl"]
