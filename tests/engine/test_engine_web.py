"""A whole crawl on a random web: it is polite at every moment, and it finds what a plain loop finds.

The servers' side decides: what is checked is when requests arrived and what was answered, nothing that the crawler
says of itself. Time is a clock that jumps, so a crawl of hours takes milliseconds.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scraper.runs.plan import Plan
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.testing.clock import run
from scraper.testing.fake_fetcher import Answer
from scraper.testing.web import FORBIDDEN, Web
from scraper.urls import hostname
from tests.helpers import Exchange, SteadyClock, WatchedFetcher, make_plan, plain_loop

SLACK = 1e-6  # seconds: sums of floats
bounded = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

webs = st.builds(
    Web,
    st.integers(0, 10_000),
    hosts=st.integers(1, 4),
    pages=st.integers(1, 9),
    links=st.integers(1, 5),
    retry_after=st.sampled_from((0, 1, 7, 300)),
)
plans = st.fixed_dictionaries(
    {
        "delay": st.sampled_from((0.0, 0.25, 1.0, 20.0)),
        "jitter": st.sampled_from((0.0, 0.5)),
        "per_host": st.integers(1, 4),
        "workers": st.integers(1, 12),
        "retries": st.integers(3, 6),
        "group": st.sampled_from((1, 3, 64)),
        "max_redirects": st.just(40),
        "obey_robots": st.just(True),
    }
)
paces = st.sampled_from((0.0, 0.1, 3.0))  # seconds that an answer takes at most


def own_time(most: float) -> Callable[[str], float]:
    """Return how long each URL takes to answer: its own time, up to `most` seconds."""
    return lambda url: most * (zlib.crc32(url.encode()) % 100) / 100


def crawl(site: dict[str, Answer], plan: Plan, pace: float) -> tuple[Report, WatchedFetcher]:
    """Crawl a site on a clock that jumps; return the report and what the servers saw."""

    async def main() -> tuple[Report, WatchedFetcher]:
        clock = SteadyClock()
        watched = WatchedFetcher(site, clock, answering=own_time(pace), pause=asyncio.sleep)
        async with watched:
            return await Run(plan, clock=clock, fetcher=watched).execute(), watched

    return run(main())


def crawl_web(web: Web, changes: dict[str, object], pace: float) -> tuple[Report, WatchedFetcher]:
    """Crawl a web from its seeds, all of its hosts."""
    return crawl(web.site(), make_plan(seeds=web.seeds, hosts=web.hosts, **changes), pace)


def at_once(exchanges: list[Exchange]) -> int:
    """Return how many requests were under way at one moment, at most."""
    moments = sorted([(e.start, 1) for e in exchanges] + [(e.end, -1) for e in exchanges])
    level = most = 0
    for _, step in moments:
        level += step
        most = max(most, level)
    return most


class TestPoliteness:
    """Law 3, as each host sees it."""

    @bounded
    @given(webs, plans, paces)
    def test_a_host_is_never_asked_sooner_than_its_delay(self, web: Web, changes: dict, pace: float) -> None:
        """Between the starts of two requests to a name lies the delay, whatever their ports and schemes."""
        _, watched = crawl_web(web, changes, pace)
        for exchanges in watched.by_host().values():
            gaps = [later.start - sooner.start for sooner, later in pairwise(exchanges)]
            assert min(gaps, default=1e9) >= changes["delay"] - SLACK

    @bounded
    @given(webs, plans, paces)
    def test_a_host_has_never_more_requests_than_allowed(self, web: Web, changes: dict, pace: float) -> None:
        """The slots are the name's, robots.txt takes one, and a slow answer keeps its own."""
        _, watched = crawl_web(web, changes, pace)
        for exchanges in watched.by_host().values():
            assert at_once(exchanges) <= changes["per_host"]
        assert at_once(watched.exchanges) <= changes["workers"]

    @bounded
    @given(webs, plans, paces)
    def test_a_crawl_delay_is_kept_from_the_moment_it_is_known(self, web: Web, changes: dict, pace: float) -> None:
        """It is the name's too: the strictest of its origins counts, up to the plan's own bound."""
        _, watched = crawl_web(web, {**changes, "per_host": 1, "max_crawl_delay": 2.0}, pace)
        for exchanges in watched.by_host().values():
            owed = changes["delay"]
            for sooner, later in pairwise(exchanges):
                if sooner.url.endswith("/robots.txt") and sooner.status == 200:
                    wish = web.crawl_delays[sooner.url.removesuffix("/robots.txt")]
                    owed = max(owed, min(wish or 0.0, 2.0))
                assert later.start - sooner.start >= owed - SLACK

    @bounded
    @given(webs, plans, paces)
    def test_robots_txt_comes_before_any_page_of_its_origin(self, web: Web, changes: dict, pace: float) -> None:
        """It is asked for once, its answer is awaited, and what it forbids is not asked for."""
        _, watched = crawl_web(web, changes, pace)
        for where, exchanges in watched.by_origin().items():
            asked = [e for e in exchanges if e.url == f"{where}/robots.txt"]
            assert exchanges[0] is asked[0]
            if hostname(where) in web.dead:
                assert exchanges == asked
                continue
            assert len(asked) == 1
            assert all(e.start >= asked[0].end - SLACK for e in exchanges[1:])
            assert not any(FORBIDDEN in e.url for e in exchanges)

    @bounded
    @given(webs, plans, paces)
    def test_retry_after_rests_the_whole_host(self, web: Web, changes: dict, pace: float) -> None:
        """Whoever of its origins asked for the rest: nothing starts until it is over, or as long as the plan allows."""
        _, watched = crawl_web(web, {**changes, "max_retry_after": 60.0}, pace)
        for exchanges in watched.by_host().values():
            for asked in (e for e in exchanges if e.status in (429, 503)):
                rest_ends = asked.end + min(web.retry_after, 60.0)
                assert not [e for e in exchanges if asked.end + SLACK < e.start < rest_ends - SLACK]

    def test_the_delay_counts_from_the_moment_a_request_goes_out(self) -> None:
        """With two slots: a request that was slow to connect must not go out right beside the next one."""
        site = {f"http://h.test/{n}": "x" for n in range(2)}
        number = iter(range(9))

        async def main() -> list[float]:
            clock = SteadyClock()
            watched = WatchedFetcher(
                site,
                clock,
                connecting=lambda url: 0.0 if next(number) else 0.9,
                answering=lambda url: 30.0,
                pause=asyncio.sleep,
            )
            async with watched:
                plan = make_plan(seeds=tuple(site), per_host=2, delay=1.0)
                await Run(plan, clock=clock, fetcher=watched).execute()
            return sorted(e.start for e in watched.exchanges)

        first, second = run(main())
        assert second - first >= 1.0 - SLACK

    def test_a_crawl_delay_counts_from_requests_that_are_under_way(self) -> None:
        """With two slots: what one origin asks for while another one's page is loading is owed behind that page."""
        site = {
            "http://h.test/": "x",
            "http://h.test/robots.txt": "",
            "http://h.test:81/robots.txt": "User-agent: *\nCrawl-delay: 20",
            "http://h.test:81/": "x",
        }
        times = {"http://h.test/": 3.0, "http://h.test:81/robots.txt": 2.5}

        async def main() -> list[Exchange]:
            clock = SteadyClock()
            watched = WatchedFetcher(site, clock, answering=lambda url: times.get(url, 0.1), pause=asyncio.sleep)
            async with watched:
                plan = make_plan(seeds=("http://h.test/", "http://h.test:81/"), per_host=2, delay=1.0, obey_robots=True)
                await Run(plan, clock=clock, fetcher=watched).execute()
            return watched.by_host()["h.test"]

        exchanges = run(main())
        assert exchanges[-1].start - exchanges[-2].start >= 20.0 - SLACK

    def test_a_redirect_of_robots_txt_is_a_request_like_any_other(self) -> None:
        """The hop rests the host and takes its turn: http to https of the same name is the usual case."""
        site: dict[str, Answer] = {
            "http://h.test/robots.txt": (301, {"Location": "https://h.test/robots.txt"}, ""),
            "https://h.test/robots.txt": "",
            "http://h.test/": "x",
        }
        plan = make_plan(seeds=("http://h.test/",), per_host=1, delay=5.0, obey_robots=True)
        _, watched = crawl(site, plan, 0.1)
        starts = [e.start for e in watched.by_host()["h.test"]]
        assert min(later - sooner for sooner, later in pairwise(starts)) >= 5.0 - SLACK

    def test_a_redirect_of_robots_txt_takes_a_slot_of_the_host_that_it_leads_to(self) -> None:
        """A file that many origins share must not be fetched by all of them at once."""
        names = [f"h{n}.test" for n in range(8)]
        site: dict[str, Answer] = {f"http://{name}/": "x" for name in names}
        shared = "http://shared.test/robots.txt"
        site |= {f"http://{name}/robots.txt": (301, {"Location": shared}, "") for name in names} | {shared: ""}
        plan = make_plan(seeds=tuple(f"http://{name}/" for name in names), per_host=1, obey_robots=True)
        _, watched = crawl(site, plan, 1.0)
        assert at_once(watched.by_host()["shared.test"]) == 1


class TestReach:
    """The crawl comes to exactly what is there, and to its end."""

    @bounded
    @given(webs, plans, paces)
    def test_it_finds_exactly_what_a_plain_loop_finds(self, web: Web, changes: dict, pace: float) -> None:
        """Each page once, none forbidden, none elsewhere; then nothing is queued and nothing in flight."""
        report, watched = crawl_web(web, changes, pace)
        assert sorted(watched.pages) == sorted(plain_loop(web))
        counts = report.progress.counts
        assert (counts.queued, counts.in_flight, counts.accepted) == (0, 0, counts.finished)
        assert report.pages == report.items == len(watched.pages)

    def test_crawls_in_one_loop_know_nothing_of_each_other(self) -> None:
        """Law 8: many at once, of the same hosts even, each with its own memory and its own politeness."""
        several = [Web(seed) for seed in range(6)]

        async def one(web: Web) -> list[str]:
            clock = SteadyClock()
            watched = WatchedFetcher(web.site(), clock, answering=own_time(0.1), pause=asyncio.sleep)
            async with watched:
                plan = make_plan(seeds=web.seeds, hosts=web.hosts, obey_robots=True, max_redirects=40, delay=0.5)
                await Run(plan, clock=clock, fetcher=watched).execute()
            return watched.pages

        async def main() -> list[list[str]]:
            return await asyncio.gather(*map(one, several))

        for web, pages in zip(several, run(main()), strict=True):
            assert sorted(pages) == sorted(plain_loop(web))

    @pytest.mark.parametrize("seed", ["http://elsewhere.test/", "http://h0.test/private/x", "http://h0.test/none"])
    def test_a_crawl_that_may_fetch_nothing_ends(self, seed: str) -> None:
        """Out of scope, forbidden, missing: no page, an end, and no success."""
        report, watched = crawl(Web(1).site(), make_plan(seeds=(seed,), hosts=("h0.test",), obey_robots=True), 0.1)
        assert watched.pages == []
        assert not report.ok

    @bounded
    @given(webs, plans, paces, st.integers(1, 20))
    def test_a_limit_of_pages_is_kept_exactly(self, web: Web, changes: dict, pace: float, limit: int) -> None:
        """N pages, or all of them when there are fewer; redirects, failures and robots.txt are no pages."""
        report, watched = crawl_web(web, {**changes, "max_pages": limit}, pace)
        assert report.pages == min(limit, len(plain_loop(web)))
        assert len(watched.pages) == report.pages

    @bounded
    @given(webs, plans, paces, st.integers(1, 20))
    def test_a_limit_of_items_is_kept_exactly(self, web: Web, changes: dict, pace: float, limit: int) -> None:
        """N items, or all of them when there are fewer."""
        report, _ = crawl_web(web, {**changes, "max_items": limit}, pace)
        assert report.items == min(limit, len(plain_loop(web)))

    @bounded
    @given(webs, plans, paces, st.sampled_from((0.5, 5.0, 100.0)), st.sampled_from((0.0, 1.0, 10.0)))
    def test_a_limit_of_time_is_kept(self, web: Web, changes: dict, pace: float, seconds: float, drain: float) -> None:
        """Nothing starts after it; what is under way gets its time and no more."""
        report, watched = crawl_web(web, {**changes, "max_seconds": seconds, "drain": drain}, pace)
        assert all(e.start <= seconds + SLACK for e in watched.exchanges)
        assert report.progress.elapsed <= seconds + drain + SLACK
        assert report.progress.counts.conserved

    @bounded
    @given(st.integers(0, 10_000), st.integers(0, 4))
    def test_a_limit_of_depth_is_kept(self, seed: int, depth: int) -> None:
        """On one origin, where nothing overtakes anything: exactly the pages within so many links of a seed."""
        web = Web(seed, hosts=1, pages=20, links=1)
        kinds = {
            u: k for u, k in web.kinds.items() if u.startswith(web.origins[0] + "/") and k in ("page", "forbidden")
        }
        site = {url: answer for url, answer in web.site().items() if url in kinds}
        plan = make_plan(seeds=web.seeds, depth=depth, per_host=1, workers=1, group=1)
        _, watched = crawl(site, plan, 0.1)
        level, found = set(web.seeds), set(web.seeds)
        for _ in range(depth):
            level = {link.target for url in level for link in web.pages[url] if link.target in kinds} - found
            found |= level
        assert sorted(watched.pages) == sorted(found)

    def test_depth_is_that_of_the_way_by_which_a_page_was_reached_first(self) -> None:
        """A page is visited once, and its links are judged then; a shorter way that is found later changes nothing."""
        site: dict[str, Answer] = {
            "http://slow.test/robots.txt": "User-agent: *\nCrawl-delay: 30",
            "http://slow.test/": '<a href="/a">1</a><a href="http://fast.test/1">1</a>',
            "http://slow.test/a": '<a href="http://fast.test/parent">2</a>',
            "http://fast.test/1": '<a href="/2">2</a>',
            "http://fast.test/2": '<a href="/parent">3</a>',
            "http://fast.test/parent": '<a href="/child">3 or 4</a>',
            "http://fast.test/child": "x",
        }
        plan = make_plan(seeds=("http://slow.test/",), hosts=("slow.test", "fast.test"), depth=3, obey_robots=True)
        report, watched = crawl(site, plan, 0.1)
        assert watched.pages.index("http://fast.test/parent") < watched.pages.index("http://slow.test/a")
        assert "http://fast.test/child" not in watched.pages
        assert report.progress.tally.refused["too_deep"] == 1

    def test_a_chain_that_is_too_long_takes_no_page_from_others(self) -> None:
        """A request that ends at the hop limit owned its targets; those that are linked as well must still be seen."""
        site: dict[str, Answer] = {
            "http://h.test/": '<a href="/1">1</a><a href="/a">1</a>',
            "http://h.test/1": (302, {"Location": "/2"}, ""),
            "http://h.test/2": (302, {"Location": "/3"}, ""),
            "http://h.test/3": (302, {"Location": "/page"}, ""),
            "http://h.test/a": '<a href="/b">2</a>',
            "http://h.test/b": '<a href="/c">3</a>',
            "http://h.test/c": '<a href="/3">4</a>',
            "http://h.test/page": "x",
        }
        plan = make_plan(seeds=("http://h.test/",), max_redirects=2, per_host=1, group=1)
        _, watched = crawl(site, plan, 0.1)
        assert "http://h.test/page" in watched.pages
