"""The straight line at its edges: odd spiders, odd servers, limits, robots.txt that moves, fails or grows old.

Crawls of fake sites in memory on a clock that jumps; a crawl that would hang for ever fails at once there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scraper.errors import ReadTimeout
from scraper.page import Page
from scraper.request import Request
from scraper.runs.report import DONE
from scraper.spider import Spider
from scraper.testing.fake_fetcher import Answer, FakeFetcher
from tests.helpers import LinkSpider, crawl_fast

H = "http://h.test"
DAY = 86_400.0  # seconds


def chain(count: int) -> dict[str, Answer]:
    """Return a site of pages in a row."""
    return {f"{H}/{n}": f'<a href="/{n + 1}">next</a>' for n in range(count)}


def spider_of(parse: Callable[[Spider, Page], Any]) -> Spider:
    """Return a spider with this `parse`."""
    made = type("Given", (Spider,), {"parse": parse})()
    assert isinstance(made, Spider)
    return made


def robots(fetcher: FakeFetcher) -> list[float]:
    """Return when robots.txt was asked for."""
    return [visit.at for visit in fetcher.visits if visit.request.url.endswith("/robots.txt")]


class TestSpidersMistakes:
    """What a spider does wrong costs its page, never the crawl."""

    @pytest.mark.parametrize(
        "made",
        [
            pytest.param({"meta": {"x": object()}}, id="meta-object"),
            pytest.param({"meta": {"x": "\ud800"}}, id="meta-surrogate"),
            pytest.param({"headers": {"X-Count": 1}}, id="header-number"),
            pytest.param({"headers": {"X-Name": "\ud800"}}, id="header-surrogate"),
            pytest.param({"body": {"q": "x"}}, id="body-dict"),
            pytest.param({"priority": 2**70}, id="priority-huge"),
            pytest.param({"priority": "high"}, id="priority-text"),
            pytest.param({"priority": float("nan")}, id="priority-nan"),
            pytest.param({"callback": "\ud800"}, id="callback-surrogate"),
            pytest.param({"callback": "nobody"}, id="callback-missing"),
        ],
    )
    def test_a_request_that_was_made_wrongly_does_not_end_the_crawl(self, made: dict[str, Any]) -> None:
        """Not when it is stored, and not when it is read again for another try."""

        def parse(self: Spider, page: Page) -> Iterator[Any]:
            yield {"url": str(page.url)}
            if page.url == f"{H}/0":
                yield Request(f"{H}/odd", **made)
            yield page.follow_links()

        answers = iter([(503, "later")])
        site = {**chain(3), f"{H}/odd": lambda request: next(answers, "x")}
        report, _ = crawl_fast(site, spider=spider_of(parse), seeds=(f"{H}/0",), per_host=1, retries=1)
        assert report.items >= 3

    def test_an_item_too_odd_to_write_does_not_end_the_crawl(self) -> None:
        """Its page's other items are written."""

        def parse(self: Spider, page: Page) -> Iterator[Any]:
            yield {"broken": object()}
            yield {"long": 10**5000}
            yield {"nan": float("nan")}
            yield {"fine": 1}
            yield page.follow_links()

        report, _ = crawl_fast(chain(3), spider=spider_of(parse), seeds=(f"{H}/0",))
        assert report.items == 3
        assert report.progress.tally.faults == {"item": 9}

    def test_a_cancelled_task_inside_a_callback_does_not_hang_the_crawl(self) -> None:
        """A worker that is lost would take its lease with it, and the crawl would never be over."""

        async def parse(self: Spider, page: Page) -> None:
            task = asyncio.ensure_future(asyncio.sleep(10))
            task.cancel()
            await task

        report, _ = crawl_fast(chain(1), spider=spider_of(parse), seeds=(f"{H}/0",), workers=2)
        assert report.progress.counts.finished == 1

    def test_seeds_are_not_the_links_of_a_page(self) -> None:
        """The limit of links a page says nothing of how many seeds a crawl may have."""
        site = {f"{H}/{n}": "x" for n in range(5)}
        report, _ = crawl_fast(site, seeds=tuple(site), links_per_page=3)
        assert (report.pages, report.status) == (5, DONE)

    def test_a_redirect_is_not_a_link_of_a_page(self) -> None:
        """A crawl that follows no links still follows redirects of its seeds."""
        site: dict[str, Answer] = {f"{H}/": (301, {"Location": "/new"}, ""), f"{H}/new": '<a href="/more">'}
        _, fetcher = crawl_fast(site, seeds=(f"{H}/",), links_per_page=0)
        assert fetcher.urls == [f"{H}/", f"{H}/new"]


class TestOurMistakes:
    """A fault of the crawler's own parts costs the page that met it, loudly, and not the crawl."""

    @pytest.mark.parametrize("where", ["/1", "/robots.txt"])
    def test_a_fetcher_that_breaks_its_contract_is_not_the_end(self, where: str) -> None:
        """Of a page or of robots.txt: the crawl ends by itself and says what happened."""

        def bug(request: Request) -> str:
            raise RuntimeError("a bug in the fetcher")

        report, _ = crawl_fast({**chain(3), H + where: bug}, seeds=(f"{H}/0",), obey_robots=True)
        counts = report.progress.counts
        assert (counts.queued, counts.in_flight, counts.accepted) == (0, 0, counts.finished)
        assert not report.ok


class TestLimits:
    """Where a run ends by choice."""

    @pytest.mark.parametrize("limit", [{"max_pages": 0}, {"max_items": 0}])
    def test_a_limit_of_nothing_fetches_nothing(self, limit: dict[str, int]) -> None:
        """And it ends."""
        _, fetcher = crawl_fast(chain(3), seeds=(f"{H}/0",), **limit)
        assert fetcher.urls == []

    def test_a_page_that_brings_more_items_than_are_left_is_cut(self) -> None:
        """Exactly so many, the first ones."""

        def parse(self: Spider, page: Page) -> Iterator[Any]:
            for number in range(4):
                yield {"url": str(page.url), "n": number}
            yield page.follow_links()

        report, _ = crawl_fast(chain(9), spider=spider_of(parse), seeds=(f"{H}/0",), max_items=10)
        assert (report.items, report.stopped_by) == (10, "limits.items")

    def test_a_stop_waits_for_what_is_under_way_only_so_long(self) -> None:
        """The drain is an upper bound; a page that does not come is leased again by the next process."""
        report, _ = crawl_fast({f"{H}/0": "x"}, seeds=(f"{H}/0",), max_seconds=0.05, drain=0.01)
        assert report.progress.elapsed == pytest.approx(0.06)
        assert report.progress.counts.conserved

    def test_pages_of_callbacks_that_break_count_in_every_process_alike(self) -> None:
        """A page is a page: its callback broke, but it was fetched and it counts against the limit."""

        def parse(self: Spider, page: Page) -> Iterator[Any]:
            yield page.follow_links()
            raise ZeroDivisionError

        _, fetcher = crawl_fast(chain(9), spider=spider_of(parse), seeds=(f"{H}/0",), max_pages=4)
        assert len(fetcher.visits) == 4


class TestRobots:
    """robots.txt that fails, moves or grows old."""

    def test_it_is_asked_again_after_a_day(self) -> None:
        """RFC 9309, 2.4: not used for longer; it takes a turn of the host like everything."""
        _, fetcher = crawl_fast(chain(30), seeds=(f"{H}/0",), obey_robots=True, delay=7200.0)
        asked = robots(fetcher)
        assert len(asked) == 3
        assert all(later - sooner >= DAY for sooner, later in zip(asked, asked[1:], strict=False))
        assert len(fetcher.visits) == 30 + 1 + 3

    def test_one_that_comes_late_holds_the_host_and_loses_nothing(self) -> None:
        """503 with Retry-After a few times: the host rests, then all of it is crawled."""
        answers: Iterator[Answer] = iter([(503, {"Retry-After": "100"}, ""), (429, {"Retry-After": "50"}, "")])
        site: dict[str, Answer] = {**chain(3), f"{H}/robots.txt": lambda request: next(answers, "")}  # type: ignore[dict-item, return-value]
        report, fetcher = crawl_fast(site, seeds=(f"{H}/0",), obey_robots=True)
        asked = robots(fetcher)
        assert [later - sooner >= rest for sooner, later, rest in zip(asked, asked[1:], (100, 50), strict=False)]
        assert report.pages == 3
        assert fetcher.visits[2].at >= 150.0

    @pytest.mark.parametrize("answer", [(500, ""), ReadTimeout("slow")])
    def test_one_that_never_comes_means_no(self, answer: Answer) -> None:
        """RFC 9309, 2.3.1.4: every page is refused, with that reason, and the crawl ends."""
        report, fetcher = crawl_fast(
            {**chain(3), f"{H}/robots.txt": answer}, seeds=(f"{H}/0", f"{H}/1"), obey_robots=True, retries=2
        )
        assert len(fetcher.visits) == 3
        assert report.progress.tally.refused == {"robots_unreachable": 2}

    @pytest.mark.parametrize("location", ["/robots.txt", "http://h.test/robots.txt", "mailto:x@y.test", "", "http://["])
    def test_one_that_is_redirected_nowhere_ends(self, location: str) -> None:
        """A circle or nonsense: after a few hops the crawl goes on, one way or the other."""
        site: dict[str, Answer] = {**chain(3), f"{H}/robots.txt": (301, {"Location": location}, "")}
        report, fetcher = crawl_fast(site, seeds=(f"{H}/0",), obey_robots=True)
        assert len(robots(fetcher)) <= 6
        assert report.progress.counts.queued == 0


class TestRedirects:
    """Hops of one request."""

    @pytest.mark.parametrize("limit", [0, 1, 5])
    def test_a_circle_ends_at_the_hop_limit(self, limit: int) -> None:
        """A page that redirects to itself is asked for once and once more for each hop."""
        report, fetcher = crawl_fast({f"{H}/": (302, {"Location": "/"}, "")}, seeds=(f"{H}/",), max_redirects=limit)
        assert len(fetcher.visits) == limit + 1
        assert report.progress.tally.refused == {"redirect_limit": 1}

    @pytest.mark.parametrize(
        ("location", "reason"),
        [
            ("http://elsewhere.test/", "off_scope"),
            ("mailto:x@y.test", "scheme"),
            ("http://[", "invalid_url"),
            ("/" + "x" * 3000, "too_long"),
            ("/denied", "denied"),
            ("/private", "robots"),
        ],
    )
    def test_a_hop_passes_what_a_seed_passes(self, location: str, reason: str) -> None:
        """Scope and gate judge every hop, and the reason is on record."""
        site: dict[str, Answer] = {
            f"{H}/": (302, {"Location": location}, ""),
            f"{H}/robots.txt": "User-agent: *\nDisallow: /private",
        }
        report, fetcher = crawl_fast(site, seeds=(f"{H}/",), obey_robots=True, deny=("denied",))
        assert report.progress.tally.refused == {reason: 1}
        assert len(fetcher.visits) == 2

    def test_tries_are_counted_for_each_hop(self) -> None:
        """Two bad moments of one server must not use up the patience with the next one."""
        here: Iterator[Answer] = iter([(503, ""), (503, "")])
        there: Iterator[Answer] = iter([(503, ""), (503, "")])
        moved: Answer = (302, {"Location": "http://b.test/"}, "")
        site: dict[str, Answer] = {
            f"{H}/": lambda request: next(here, moved),  # type: ignore[dict-item, return-value]
            "http://b.test/": lambda request: next(there, "x"),  # type: ignore[dict-item, return-value]
        }
        report, _ = crawl_fast(site, seeds=(f"{H}/",), hosts=("h.test", "b.test"), retries=2)
        assert report.pages == 1

    def test_a_cookie_wall_is_passed(self) -> None:
        """Away and back again to where it began: the page is read in the end, once."""
        wall: Iterator[Answer] = iter([(302, {"Location": "/wall"}, "")])
        site: dict[str, Answer] = {
            f"{H}/": lambda request: next(wall, "x"),  # type: ignore[dict-item, return-value]
            f"{H}/wall": (302, {"Location": "/"}, ""),
        }
        report, fetcher = crawl_fast(site, seeds=(f"{H}/",))
        assert fetcher.urls == [f"{H}/", f"{H}/wall", f"{H}/"]
        assert report.pages == 1


def test_the_spider_of_these_tests_yields_one_item_a_page() -> None:
    """What the oracles count on."""
    report, fetcher = crawl_fast(chain(3), seeds=(f"{H}/0",), spider=LinkSpider())
    assert report.items == 3
    assert fetcher.urls[:3] == [f"{H}/{n}" for n in range(3)]
