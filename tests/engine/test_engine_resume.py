"""Stop or kill a crawl at any moment and run the same command again: the same pages, every item exactly once.

The state is a real file and so are the outputs; a kill is an exception at one of the boundaries of a commit, and, in
the slow tests, SIGKILL in a process of its own. Afterwards the state file is read with plain SQL.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scraper.clock import SystemClock
from scraper.page import Page
from scraper.runs.plan import Plan
from scraper.runs.report import DONE, INTERRUPTED, Report
from scraper.runs.runner import Run
from scraper.spider import Spider
from scraper.testing.fake_fetcher import Answer
from scraper.testing.web import Web
from tests.helpers import WatchedFetcher, jsonl, make_plan, plain_loop, read_rows

bounded = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
webs = st.builds(Web, st.integers(0, 10_000), dead=st.just(0.0), retry_after=st.just(0))


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own for each example of a property."""
    with tempfile.TemporaryDirectory(prefix="crawl-") as name:
        yield Path(name)


def plan_for(web: Web, where: Path, **changes: Any) -> Plan:
    """Return a plan that crawls all of a web as fast as it can into one file of JSON lines."""
    values = {
        "seeds": web.seeds,
        "hosts": web.hosts,
        "state": where / "state",
        "outputs": (jsonl(where / "items.jsonl"),),
        "obey_robots": True,
        "max_redirects": 30,
        "max_crawl_delay": 0.0,
        "backoff": 0.0,
        "max_backoff": 0.0,
        "workers": 4,
        "group": 3,
    }
    return make_plan(**{**values, **changes})


async def crawl(
    plan: Plan, site: dict[str, Answer], *, stop_at: int = 0, kill_at: int = 0, die_at: int = 0, cancel_at: int = 0
) -> tuple[Report | None, WatchedFetcher]:
    """Run a plan once; stop, cancel or kill it at a request, or kill it at a boundary, by their number from 1."""
    boundaries = iter(range(1, 10**9))

    def at(boundary: str) -> None:
        if next(boundaries) == kill_at:
            raise Killed

    def before(number: int) -> None:
        if number == stop_at:
            run.stop()
        if number == cancel_at:
            running.cancel()
        if number == die_at:
            raise Killed

    async with WatchedFetcher(site, SystemClock(), before=before) as fetcher:
        run = Run(plan, fetcher=fetcher, at=at)
        running = asyncio.ensure_future(run.execute())
        try:
            return await asyncio.wait_for(running, 20), fetcher
        except (Killed, asyncio.CancelledError):
            return None, fetcher


def items(report: Report) -> list[str]:
    """Return the URLs of the items that a run has written, in order."""
    return [json.loads(line)["url"] for line in Path(report.outputs[0]).read_text().splitlines()]


class TestStop:
    """`stop`, as Ctrl-C does it."""

    @bounded
    @given(webs, st.lists(st.integers(1, 60), min_size=1, max_size=4))
    def test_stopped_anywhere_it_goes_on_to_the_same_end(self, web: Web, stops: list[int]) -> None:
        """Nothing is lost, nothing is fetched twice, every item is there once."""
        with folder() as where:
            plan, site, fetched = plan_for(web, where), web.site(), []
            for stop_at in [*stops, 0]:
                report, fetcher = asyncio.run(crawl(plan, site, stop_at=stop_at))
                assert report is not None
                fetched += fetcher.pages
                if report.status != INTERRUPTED:
                    break
            assert report.status != INTERRUPTED
            assert sorted(items(report)) == sorted(fetched) == sorted(plain_loop(web))
            assert report.items == report.pages == len(fetched)

    @bounded
    @given(webs, st.integers(1, 30), st.integers(1, 30))
    def test_a_limit_of_items_counts_all_processes_of_a_run(self, web: Web, stop_at: int, limit: int) -> None:
        """N items in all, not N more."""
        with folder() as where:
            plan, site = plan_for(web, where, max_items=limit), web.site()
            asyncio.run(crawl(plan, site, stop_at=stop_at))
            report, _ = asyncio.run(crawl(plan, site))
            assert report is not None
            if report.run == 1:
                assert len(items(report)) == min(limit, len(plain_loop(web)))

    def test_a_stop_before_the_first_request_loses_nothing(self, tmp_path: Path) -> None:
        """The run is begun, its seeds are queued, and the next process does the rest."""
        web = Web(1, dead=0.0, retry_after=0)
        plan = plan_for(web, tmp_path)

        async def stopped() -> Report:
            async with WatchedFetcher(web.site(), SystemClock()) as fetcher:
                run = Run(plan, fetcher=fetcher)
                run.stop()
                report = await run.execute()
                assert fetcher.exchanges == []
                return report

        assert asyncio.run(stopped()).status == INTERRUPTED
        report, _ = asyncio.run(crawl(plan, web.site()))
        assert report is not None
        assert sorted(items(report)) == sorted(plain_loop(web))

    def test_whatever_a_stop_is_called_the_run_can_go_on(self, tmp_path: Path) -> None:
        """A reason in other words must not turn a stopped run into a finished one."""
        site: dict[str, Answer] = {f"http://h.test/{n}": f'<a href="/{n + 1}">' for n in range(9)}
        plan = make_plan(seeds=("http://h.test/0",), state=tmp_path / "s", outputs=(jsonl(tmp_path / "o"),))

        async def stopped() -> Report:
            async with WatchedFetcher(site, SystemClock(), before=lambda n: run.stop("the user's wish")) as fetcher:
                run = Run(plan, fetcher=fetcher)
                return await run.execute()

        assert asyncio.run(stopped()).status == INTERRUPTED
        report, _ = asyncio.run(crawl(plan, site))
        assert report is not None
        assert len(items(report)) == 9


class TestKill:
    """The process ends at the worst moment."""

    @bounded
    @given(webs, st.lists(st.integers(1, 25), min_size=1, max_size=6), st.integers(1, 8))
    def test_killed_at_any_boundary_every_item_is_there_once(self, web: Web, kills: list[int], group: int) -> None:
        """Written, committed, sealing, sealed, ended: wherever it was, the next process makes it whole."""
        with folder() as where:
            plan, site = plan_for(web, where, group=group), web.site()
            for kill_at in [*kills, 0]:
                report, _ = asyncio.run(crawl(plan, site, kill_at=kill_at))
                if report is not None:
                    break
            assert report is not None
            if report.run == 1:  # else the kill came when the first run was over
                assert sorted(items(report)) == sorted(plain_loop(web))
                assert report.items == len(items(report))

    @bounded
    @given(webs, st.lists(st.integers(1, 40), min_size=1, max_size=4), st.booleans())
    def test_killed_or_cancelled_at_any_request_every_item_is_there_once(
        self, web: Web, moments: list[int], cancelled: bool
    ) -> None:
        """Also in the middle of everything, before anything was committed."""
        with folder() as where:
            plan, site = plan_for(web, where), web.site()
            for moment in [*moments, 0]:
                way = {"cancel_at": moment} if cancelled else {"die_at": moment}
                report, _ = asyncio.run(crawl(plan, site, **way))
                if report is not None:
                    break
            assert report is not None
            assert sorted(items(report)) == sorted(plain_loop(web))
            assert report.items == len(items(report))

    @pytest.mark.parametrize("limit", [{"max_pages": 4}, {"max_items": 4}])
    def test_a_limit_that_was_reached_ends_the_next_process_at_once(self, tmp_path: Path, limit: dict) -> None:
        """Killed behind the last commit: nothing more is fetched, and the run ends as it would have."""
        site: dict[str, Answer] = {f"http://h.test/{n}": f'<a href="/{n + 1}">' for n in range(9)}
        plan = make_plan(
            seeds=("http://h.test/0",), state=tmp_path / "s", outputs=(jsonl(tmp_path / "o"),), group=1, **limit
        )
        boundaries: list[str] = []

        async def killed() -> None:
            def at(boundary: str) -> None:
                boundaries.append(boundary)
                if boundaries.count("committed") == 4:
                    raise Killed

            async with WatchedFetcher(site, SystemClock()) as fetcher:
                with pytest.raises(Killed):
                    await Run(plan, fetcher=fetcher, at=at).execute()

        asyncio.run(killed())
        report, fetcher = asyncio.run(crawl(plan, site))
        assert report is not None
        assert (report.status, len(items(report)), len(fetcher.exchanges)) == (DONE, 4, 0)

    @pytest.mark.slow
    @pytest.mark.parametrize("boundary", [1, 2, 3, 7, 20, 33])
    def test_sigkill_leaves_nothing_that_the_same_command_does_not_mend(self, tmp_path: Path, boundary: int) -> None:
        """A real kill: no file is closed, no transaction is ended, no lock is let go."""
        web = Web(7, dead=0.0, retry_after=0)
        arguments = [sys.executable, __file__, str(tmp_path), str(boundary)]
        assert subprocess.run(arguments, timeout=60, check=False).returncode == -signal.SIGKILL
        report, _ = asyncio.run(crawl(plan_for(web, tmp_path), web.site()))
        assert report is not None
        assert report.resumed
        assert sorted(items(report)) == sorted(plain_loop(web))


class TestExplained:
    """Law 4: every URL that the crawl saw can be explained afterwards."""

    @bounded
    @given(webs, st.sampled_from((None, 0, 1, 2)), st.sampled_from((3, 10_000)), st.integers(0, 40))
    def test_each_link_of_each_page_is_on_record(
        self, web: Web, depth: int | None, links_per_page: int, stop_at: int
    ) -> None:
        """A link is a request that has ended, a hop of one, or a refusal with its reason; nothing just vanishes."""
        with folder() as where:
            plan = plan_for(web, where, depth=depth, links_per_page=links_per_page)
            site = web.site()
            visited: list[str] = []
            for stop in (stop_at, 0):
                report, fetcher = asyncio.run(crawl(plan, site, stop_at=stop))
                visited += fetcher.pages
                if report is not None and report.status != INTERRUPTED:
                    break
            state = where / "state" / "run.db"
            ended = {url for (url,) in read_rows(state, "select url from url join done using (id)")}
            hops = {url for (url,) in read_rows(state, "select url from hop")}
            refused = {url for (url,) in read_rows(state, "select url from refused where reason <> ''")}
            assert set(visited) <= ended | hops
            for page in visited:
                for link in web.pages[page]:
                    assert (link.target or link.href) in ended | hops | refused, (page, link)

    @bounded
    @given(webs, st.integers(0, 40))
    def test_each_accepted_request_has_ended_once_and_with_a_reason(self, web: Web, stop_at: int) -> None:
        """`done` has one row for each row of `url`, and whatever brought no page says why."""
        with folder() as where:
            plan, site = plan_for(web, where), web.site()
            for stop in (stop_at, 0):
                report, _ = asyncio.run(crawl(plan, site, stop_at=stop))
                if report is not None and report.status != INTERRUPTED:
                    break
            state = where / "state" / "run.db"
            accepted = [number for (number,) in read_rows(state, "select id from url")]
            done = read_rows(state, "select id, kind, reason from done")
            assert sorted(number for number, _, _ in done) == sorted(accepted)
            assert not [row for row in done if row[1] != 1 and not row[2]]
            assert Counter(url for (url,) in read_rows(state, "select url from url")).most_common(1)[0][1] == 1
            assert read_rows(state, "select count(*) from url where parent >= id") == [(0,)]


class TestCounts:
    """What the report says is what is on record."""

    @bounded
    @given(webs, st.lists(st.integers(1, 60), max_size=2), st.lists(st.integers(1, 20), max_size=2))
    def test_the_report_of_a_run_is_the_sum_of_its_processes(
        self, web: Web, stops: list[int], kills: list[int]
    ) -> None:
        """Pages, items, failures, refusals, retries and redirects, however often it was stopped and killed."""
        with folder() as where:
            plan, site = plan_for(web, where), web.site()
            for stop_at, kill_at in [*((n, 0) for n in stops), *((0, n) for n in kills), (0, 0)]:
                report, _ = asyncio.run(crawl(plan, site, stop_at=stop_at, kill_at=kill_at))
                if report is not None and report.status != INTERRUPTED:
                    break
            assert report is not None
            tally, state = report.progress.tally, where / "state" / "run.db"
            by_kind = {1: Counter[str](), 2: Counter[str](), 3: Counter[str]()}
            for kind, reason, number in read_rows(state, "select kind, reason, count(*) from done group by 1, 2"):
                by_kind[kind][reason] += number
            by_kind[2].update(dict(read_rows(state, "select reason, count(*) from refused group by 1")))
            assert (tally.pages, tally.refused, tally.failed) == (by_kind[1][""], by_kind[2], by_kind[3])
            assert (tally.items,) == read_rows(state, "select sum(items) from done")[0]
            assert (tally.retries,) == read_rows(state, "select count(*) from tried")[0]
            assert (tally.redirects,) == read_rows(state, "select count(*) from hop")[0]


class TestItems:
    """What a page brings and its outcome are one fact."""

    def test_what_was_yielded_before_a_crash_is_written_once(self, tmp_path: Path) -> None:
        """A callback that breaks half-way: its items and links stand, its page is on record as failed."""

        class Breaks(Spider):
            def parse(self, page: Page) -> Iterator[Any]:
                """Yield one item and one link, then break."""
                yield {"url": str(page.url)}
                yield page.follow_links()
                raise ZeroDivisionError("half-way")

        site: dict[str, Answer] = {"http://h.test/": '<a href="/2">', "http://h.test/2": "x"}
        plan = make_plan(
            seeds=("http://h.test/",), spider=Breaks(), state=tmp_path / "s", outputs=(jsonl(tmp_path / "o"),)
        )
        report, _ = asyncio.run(crawl(plan, site))
        assert report is not None
        assert items(report) == ["http://h.test/", "http://h.test/2"]
        rows = read_rows(tmp_path / "s" / "run.db", "select kind, reason, items, detail from done")
        assert [row[:3] for row in rows] == [(3, "callback", 1), (3, "callback", 1)]
        assert all("half-way" in row[3] for row in rows)


def _child(where: str, boundary: int) -> None:
    """Crawl in a process of its own and die at a boundary, as the slow test asks."""
    web = Web(7, dead=0.0, retry_after=0)
    boundaries = iter(range(1, 10**9))

    def at(_: str) -> None:
        if next(boundaries) == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    async def main() -> None:
        async with WatchedFetcher(web.site(), SystemClock()) as fetcher:
            await Run(plan_for(web, Path(where)), fetcher=fetcher, at=at).execute()

    asyncio.run(main())


if __name__ == "__main__":
    _child(sys.argv[1], int(sys.argv[2]))
