"""The same job by several crawlers, in turn, the order changing each round; one table a condition.

    python -m benchmarks crawl                                 everything: about a quarter of an hour
    python -m benchmarks crawl --conditions realistic,tiny     only these
    python -m benchmarks crawl --quick                         200 pages, one round: does it run?

Quote ratios inside one table. CPU seconds are steadier than pages a second, and differences of 4 % mean nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, places
from benchmarks.contest.conditions import CONDITIONS, Condition
from benchmarks.contest.contestants import CONTESTANTS, command_of, prepare
from benchmarks.contest.measuring import Result, measure, truth_of
from benchmarks.contest.picture import picture
from benchmarks.contest.tables import Row, as_data, markdown, rows_of
from benchmarks.servers.running import file_server
from benchmarks.website.write import Site

__all__ = ["main"]

QUICK_PAGES = 200


def main(arguments: list[str]) -> int:
    """Run the rounds; 1 when an item of the package itself was not right."""
    chosen = _options().parse_args(arguments)
    described = machine.describe()
    tables, groups, data = [described + "\n"], [], {"machine": described}
    ours_right = True
    for condition in _conditions(chosen):
        site, results = _rounds(condition, chosen.python)
        rows = rows_of(site, results)
        ours_right &= all(row.valid for row in rows if row.name.startswith("scraper"))
        tables.append(markdown(condition, site, rows, condition.rounds))
        data[condition.name] = as_data(condition, site, rows, results)
        groups.append((condition, rows))
        print("\n" + tables[-1], flush=True)
    _keep(chosen.out, tables, data, groups)
    return 0 if ours_right else 1


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="benchmarks crawl", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--conditions", default=",".join(CONDITIONS), help=f"of {', '.join(CONDITIONS)}")
    options.add_argument("--contestants", default="", help=f"only these, of {', '.join(CONTESTANTS)}")
    options.add_argument("--rounds", type=int, help="instead of each condition's own number")
    options.add_argument("--pages", type=int, help="instead of each condition's own number")
    options.add_argument("--quick", action="store_true", help=f"{QUICK_PAGES} pages, one round")
    options.add_argument("--python", default=sys.executable, help="the Python that has the package")
    options.add_argument("--out", type=Path, default=places.RESULTS, help="folder for tables, data and picture")
    return options


def _conditions(chosen: argparse.Namespace) -> list[Condition]:
    only = {name for name in chosen.contestants.split(",") if name}
    found = []
    for name in chosen.conditions.split(","):
        condition = CONDITIONS[name]
        rounds = 1 if chosen.quick else chosen.rounds or condition.rounds
        pages = QUICK_PAGES if chosen.quick else chosen.pages or condition.pages
        who = [who for who in condition.contestants if not only or who in only]
        ready = tuple(who for who in who if prepare(CONTESTANTS[who]))
        found.append(replace(condition, rounds=rounds, pages=pages, contestants=ready))
    return found


def _rounds(condition: Condition, python: str) -> tuple[Site, list[Result]]:
    site = places.site_for(pages=condition.pages, tiny=condition.tiny, hosts=condition.hosts)
    truth, results = truth_of(site), []
    order = list(condition.contestants)
    for_server, for_crawler = machine.processors()
    with file_server(site, processor=for_server, delay=condition.delay) as server:
        for number in range(condition.rounds):
            for name in order:
                command = command_of(CONTESTANTS[name], python)
                result = measure(
                    name, command, site, truth, server, connections=condition.connections, processor=for_crawler
                )
                results.append(result)
                _say(condition, number, result, site)
            order.append(order.pop(0))
    return site, results


def _say(condition: Condition, number: int, result: Result, site: Site) -> None:
    fault = f" WRONG: {result.wrong}, {result.first_wrong}" if result.first_wrong else ""
    print(
        f"{condition.name} {number + 1}/{condition.rounds} {result.contestant}: {result.cpu:.2f} CPU s, "
        f"{result.wall:.2f} s, {result.memory / 1e6:.0f} MB, {result.right}/{site.items} items{fault}",
        flush=True,
    )


def _keep(folder: Path, tables: list[str], data: dict, groups: list[tuple[Condition, list[Row]]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "crawl.md").write_text("\n".join(tables))
    (folder / "crawl.json").write_text(json.dumps(data, indent=1))
    shown = [(condition.title, rows) for condition, rows in groups if condition.name in ("realistic", "tiny")]
    (folder / "crawl.svg").write_text(picture(shown or [(c.title, rows) for c, rows in groups]))
    print(f"kept in {folder}: crawl.md, crawl.json, crawl.svg")
