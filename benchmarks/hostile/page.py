"""docs/scoreboard.md from the results; nothing of a result is written down here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.hostile.board import Case

__all__ = ["page"]

OURS, THEIRS = "scrape", "Scrapy"
SHOWN = {True: "right", False: "**wrong**"}

INTRODUCTION = """\
# Scoreboard: the hostile web

{count} behaviours of sites, of networks and of users, each played once against `scrape` {ours} and once against Scrapy
{theirs}, the newest release, by the same program, with the same servers. Only loopback is used.
Played {days} on {machine}.

    make scoreboard

plays all of them again and writes this page; `python -m benchmarks.hostile --only robots/503` plays one. The results
are of then, and what they were measured with may have changed since. Cases that are newer than their results are
named below the table, if there are any.

| | scrape is right | Scrapy is right |
| --- | --- | --- |
{totals}

## How it is played

* **Both as a user runs them.** `scrape` gets a config file with spider, seeds, hosts and output. Scrapy gets a project
  of `scrapy startproject`, with the settings that it writes there (robots.txt obeyed, one request at a time to a
  domain, a second between two), a spider as `scrapy genspider -t crawl` makes it (with `allowed_domains`; *no hosts
  stated* means without), and `scrapy crawl NAME -O items.jsonl`.
* **Nothing else is set**, but for what stands under *set*: rests and time-outs that are shorter so that a case takes
  seconds, always the same for both. *resumable* means for Scrapy `-s JOBDIR=state` and `-o`, as its documentation has
  it; `scrape` needs nothing. *misspelt* is a key that does not exist. Host names stand for loopback addresses:
  `fetch.connect_to`, and entries in Scrapy's cache of DNS answers.
* **One verdict for both.** A case is a function that is given a stage and does not learn who stands on it. It judges by
  the server's log, the output file, what was said, the exit code, CPU seconds and memory. In nearly every case usual
  pages must have been read too, so that who does nothing is not right by accident.
* **The expectation has a source**: a standard, a published weakness, or, where there is none, what the user asked for.
  Where neither has one, it is a choice, and you may choose otherwise. Both have settings that would turn some of these
  rows; this is what comes out of the box.
* **Who chose the cases**: the authors of `scrape`, who know them. That one is right in nearly all of them says that it
  was made for them; what the other does in them is what was measured. Which rows matter to you, you know best.
* Every crawl is a child process of at most {memory} of memory, {cpu} s of processor and a time limit of its own.

The code: [benchmarks/hostile](../benchmarks/hostile/program.py); numbers of each run:
[scoreboard.json](../benchmarks/hostile/scoreboard.json). What `scrape` does in some thousand further cases:
[hostile-web.md](hostile-web.md).
"""

COLUMNS = ("case", "what happens", "what is expected", "source", "scrape", "Scrapy")


def page(results: Mapping[str, Any], cases: Mapping[str, Case], topics: Mapping[str, str]) -> str:
    """Return the text of the page."""
    played = {(row["case"], row["contestant"]): row for row in results["played"]}
    shown = [case for case in cases.values() if _is_new(case, played)]
    by_topic = {topic: [case for case in shown if case.topic == topic] for topic in topics}
    versions = results["versions"]
    parts = [
        INTRODUCTION.format(
            count=len(shown), ours=versions[OURS], theirs=versions.get(THEIRS, "?"), days=_days(played),
            machine=results["machine"], totals=_totals(by_topic, played), memory="4 GiB", cpu=60,
        )
    ]  # fmt: skip
    missing = [f"`{case.key}`" for case in cases.values() if case not in shown]
    if missing:
        parts.append(f"\nNot played since they were written: {', '.join(missing)}.\n")
    for topic, group in by_topic.items():
        parts.append(f"\n## {topic}\n\n{topics[topic]}\n\n| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n")
        parts += [_row(case, played) for case in group]
    return "".join(parts)


def _is_new(case: Case, played: Mapping[Any, Any]) -> bool:
    """Tell whether both contestants have played the case as it stands."""
    return all(played.get((case.key, name), {}).get("words") == case.words for name in (OURS, THEIRS))


def _days(played: Mapping[Any, Any]) -> str:
    days = sorted({row["day"] for row in played.values()})
    return f"{days[0]} to {days[-1]}" if days[1:] else "".join(days)


def _totals(by_topic: Mapping[str, list[Case]], played: Mapping[Any, Any]) -> str:
    def count(group: list[Case], name: str) -> str:
        return f"{sum(played[case.key, name]['right'] for case in group)} of {len(group)}"

    lines = [
        f"| [{topic}](#{topic}) | {count(group, OURS)} | {count(group, THEIRS)} |" for topic, group in by_topic.items()
    ]
    everything = [case for group in by_topic.values() for case in group]
    return "\n".join([*lines, f"| **all** | **{count(everything, OURS)}** | **{count(everything, THEIRS)}** |"])


def _row(case: Case, played: Mapping[Any, Any]) -> str:
    ours, theirs = played[case.key, OURS], played[case.key, THEIRS]
    settings = f" (*set*: {ours['settings']})" if ours["settings"] else ""
    cells = [
        case.name, _cell(case.meets) + settings, _cell(case.expects), _cell(case.source),
        *(f"{SHOWN[one['right']]}: {_cell(one['evidence'])}" for one in (ours, theirs)),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    """Return `text` for a cell of a table: no bars, no markup but backticks."""
    pieces = "".join(letter if letter.isprintable() else "�" for letter in text).replace("|", "\\|").split("`")
    if len(pieces) % 2 == 0:
        pieces = ["'".join(pieces)]
    plain = [piece if code % 2 else _plain(piece) for code, piece in enumerate(pieces)]
    return "`".join(plain)


def _plain(piece: str) -> str:
    for sign in "\\*_[]":
        piece = piece.replace(sign, f"\\{sign}") if sign != "\\" else piece
    return piece.replace("&", "&amp;").replace("<", "&lt;")
