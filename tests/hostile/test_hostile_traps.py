"""Spaces of URLs that have no end: each is bounded by one of few rules, and no honest site meets any of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table
from hypothesis import given
from hypothesis import strategies as st
from logged import Reply, crawl, links, logged

from scraper.clock import SystemClock
from scraper.frontier.books import SPENT_EVERY
from scraper.frontier.sqlite import SqliteFrontier
from scraper.frontier.store import MEMORY
from scraper.outcome import Fetched, Reason
from scraper.page import Page
from scraper.policy import budget as bounds
from scraper.policy.budget import BARREN_LINKS, CHAIN_LINKS, Budget, Place, place_of
from scraper.policy.politeness import host_of
from scraper.policy.scope import Scope
from scraper.policy.traps import trap
from scraper.request import Request
from scraper.spider import Spider
from scraper.urls import Url, canonical
from scraper.visit import Lease, Visit
from tests.helpers import read_rows

YEAR = 2026
SITE = "http://shop.test"
OWN_RULE = "the project's own rule: policy.traps"
OWN_BUDGET = "the project's own rule: policy.budget"


def url(path: str) -> Url:
    return canonical(SITE + path)


@table(
    "traps",
    "path, reason",
    [
        row("path-pair-thrice", "/a/b/a/b/a/b", "repetition"),
        row("path-pair-thrice-with-file", "/x/a/b/a/b/a/b/page.html", "repetition"),
        row("path-one-four-times", "/a/a/a/a/", "repetition"),
        row("path-one-four-times-inside", "/shop/news/news/news/news/1.html", "repetition"),
        row("path-three-thrice", "/a/b/c/a/b/c/a/b/c/", "repetition"),
        row("path-pair-with-number", "/page/1/page/1/page/1/", "repetition"),
        row("path-file-as-folder", "/index.php/index.php/index.php/index.php", "repetition"),
        row("path-empty-between", "/a//a//a//a//", "repetition"),
        row("path-two-words-mixed", "/x/y/y/x/y/x/x/y/", "repetition"),
        row("path-forty-deep", "/" + "/".join(f"s{n}" for n in range(45)), "repetition"),
        row("path-numbered-folders", "/x" + "/1" * 41, "repetition"),
        row("path-many-slashes", "/" + "/" * 60 + "x", "repetition"),
        row("query-pair-thrice", "/list?x=1&x=1&x=1", "repetition"),
        row("query-pair-thrice-apart", "/list?x=1&y=2&x=1&z=3&x=1", "repetition"),
        row("calendar-far", "/calendar/2099/12", "calendar"),
        row("calendar-far-month-without-zero", "/cal/3001/1/", "calendar"),
        row("calendar-date", "/events/2050-07/", "calendar"),
        row("calendar-day", "/agenda/2035-07-14", "calendar"),
        row("calendar-parameter", "/events?date=2050-07-01", "calendar"),
        row("calendar-parameter-tribe", "/x/?tribe-bar-date=2050-07-01", "calendar"),
        row("calendar-year-and-month", "/cal.php?year=2040&month=5", "calendar"),
        row("calendar-month-and-year", "/cal.php?month=5&view=list&year=2040", "calendar"),
        row("calendar-five-digits", "/calendar/10000/01", "calendar"),
    ],
    behaviour="A page links to an address of an endless space.",
    expectation="It is refused by its text, with the reason trap_….",
    source=OWN_RULE + "; cf. Heritrix's PathologicalPath rule",
)
def test_an_address_that_goes_round_is_a_trap(path: str, reason: str) -> None:
    """Such addresses are never asked for."""
    assert trap(url(path), YEAR) == f"trap_{reason}"


@table(
    "traps",
    "path",
    [
        row("honest-date-of-one-number", "/archive/11/11/11/story.html"),
        row("honest-package-thrice", "/foo/foo/foo/__init__.py"),
        row("honest-tile", "/tiles/0/0/0.png"),
        row("honest-shards", "/media/0/0/0/0/0/1.jpg"),
        row("honest-python-manual", "/3/library/asyncio-task.html"),
        row("honest-deep-tree", "/" + "/".join(f"s{n}" for n in range(20))),
        row("honest-pair-twice", "/en/shop/en/shop/x"),
        row("honest-mirror", "/web/example.com/a/b/c/example.com/a/b/c/d"),
        row("honest-checkboxes", "/s?c[]=1&c[]=2&c[]=3"),
        row("honest-pair-twice-in-query", "/s?a=1&a=1"),
        row("honest-gallery", "/gallery/4711/12"),
        row("honest-product", "/events/product-4711-12"),
        row("honest-product-number", "/p/4711-12"),
        row("honest-this-year", "/calendar/2026/12"),
        row("honest-next-years", "/calendar/2031/05"),
        row("honest-old-newspaper", "/archive/1895/03/02/"),
        row("honest-projection", "/climate?year=2100"),
        row("honest-calculator", "/calculator/4711-12"),
        row("honest-medical", "/medical/2100/11/"),
        row("honest-date-in-article", "/2026/11/22/article"),
        row("honest-phone", "/contact?tel=030-12345-12"),
    ],
    behaviour="An honest site has an address that looks a little like a trap.",
    expectation="It is taken.",
    source=OWN_RULE,
)
def test_an_honest_address_is_no_trap(path: str) -> None:
    """The rules begin where honest addresses end."""
    assert trap(url(path), YEAR) is None


@case(
    "traps",
    "seed-is-never-a-trap",
    behaviour="A seed looks like a trap.",
    expectation="It is taken: it is the user's own word.",
    source=OWN_RULE,
)
def test_a_seed_is_the_users_word() -> None:
    """Only what a page says can be a trap."""
    assert fill(default_budget(), [("/a/a/a/a/a", 0)], None) is None
    assert fill(default_budget(), [("/a/a/a/a/a", 1)]) is Reason.TRAP_REPETITION


@case(
    "traps",
    "long-urls-are-judged-fast",
    behaviour="An address of 2,000 characters is made to cost a pattern matcher time.",
    expectation="It is judged in a millisecond or so.",
    source="CWE-1333",
)
@given(st.lists(st.sampled_from(["a", "/", "year=", "&", "?", "2050-", "month", "/cal/", "12"]), max_size=500))
def test_judging_is_cheap(pieces: list[str]) -> None:
    """No address makes the rules slow, or raises."""
    long = canonical(f"{SITE}/{''.join(pieces)}"[:2000])
    assert trap(long, YEAR) in (None, Reason.TRAP_REPETITION, Reason.TRAP_CALENDAR)
    place_of(long)


@table(
    "traps",
    "path, place, names",
    [
        row("place-folder", "/wiki/Bee", "/wiki/", ""),
        row("place-root", "/", "/", ""),
        row("place-number", "/thread-17.html", "/thread-#.html", ""),
        row("place-below-number", "/2031/05/17/x", "/#", ""),
        row("place-token", "/t/9f3a2b", "/t/#", ""),
        row("place-word-with-number", "/page3.html", "/page#.html", ""),
        row("place-query", "/list?page=2&q=x", "/list", "page q"),
        row("place-query-and-number", "/f12/list?page=2", "/f#", "page"),
    ],
    behaviour="Addresses of one kind differ in numbers and values.",
    expectation="They are one place, the unit of the budgets.",
    source=OWN_BUDGET,
)
def test_addresses_of_one_kind_are_one_place(path: str, place: str, names: str) -> None:
    """A place is a path down to its first number, and the names in the query."""
    found = place_of(url(path))
    assert (found.path, found.names) == (SITE + place, frozenset(names.split()))


ELSEWHERE = place_of(url("/elsewhere/"))


def fill(budget: Budget, paths: Iterable[tuple[str, int]], source: Place | None = ELSEWHERE) -> Reason | None:
    """Take these (path, depth) one after another, all found on a page of `source`; return the first refusal."""
    for path, depth in paths:
        if reason := budget.spend(url(path), depth, source):
            return reason
    return None


def walk(budget: Budget, paths: Iterable[tuple[str, int]]) -> Reason | None:
    """Do the same for pages that were each found on the one before."""
    source = ELSEWHERE
    for path, depth in paths:
        if reason := budget.spend(url(path), depth, source):
            return reason
        source = place_of(url(path))
    return None


def default_budget() -> Budget:
    return Budget(per_host=1_000_000, per_filter=10_000, year=YEAR)


@table(
    "traps",
    "paths",
    [
        row(
            "honest-shop",
            lambda: ((f"/products/p{n}.html", 3) for n in range(30_000)),
            behaviour="30,000 products in one folder.",
        ),
        row(
            "honest-slugs",
            lambda: ((f"/wiki/{'abcdefghij'[n % 10]}{n:x}z", 4) for n in range(12_000)),
            behaviour="A wiki.",
        ),
        row(
            "honest-shop-by-id",
            lambda: ((f"/product.php?id={n}", 3) for n in range(30_000)),
            behaviour="30,000 products in one script.",
        ),
        row(
            "honest-topics",
            lambda: ((f"/viewtopic.php?f={n % 9}&t={n}", 5) for n in range(12_000)),
            behaviour="A forum's topics.",
        ),
        row(
            "honest-route",
            lambda: ((f"/?route=p&path=1_2&product_id={n}", 5) for n in range(12_000)),
            behaviour="Three parameters name a thing.",
        ),
    ],
    behaviour="An honest site is large:",
    expectation="No default budget refuses any of it.",
    source=OWN_BUDGET,
)
def test_no_default_budget_harms_a_large_site(paths: Callable[[], Iterator[tuple[str, int]]]) -> None:
    """Breadth alone is no trap."""
    assert fill(default_budget(), paths()) is None


@case(
    "traps",
    "honest-forum-of-5000-pages",
    behaviour="A forum has 5,000 pages, each known only by the next link of the one before; each leads to topics.",
    expectation="All are taken.",
    source=OWN_BUDGET,
)
def test_a_long_forum_is_read_to_its_end() -> None:
    """A chain that leads elsewhere goes on."""
    budget = default_budget()
    forum = place_of(url("/forum?page=1"))
    for page in range(1, 5001):
        assert fill(budget, [(f"/forum?page={page}", page)], forum) is None
        assert fill(budget, [(f"/topic/{page}", page + 1)], forum) is None
        assert fill(budget, [(f"/topic/{page}?start=20", page + 2)], place_of(url("/topic/1"))) is None


@table(
    "traps",
    "chain",
    [
        row("chain-of-months", lambda n: f"/kal/{2000 + n // 12}/{n % 12 + 1}", behaviour="next month"),
        row("chain-of-numbers", lambda n: f"/page/{n}", behaviour="next page"),
        row("chain-of-a-parameter", lambda n: f"/list?offset={n}", behaviour="next offset"),
        row("chain-of-tokens", lambda n: f"/t/9{n:x}a{n * 7919:x}", behaviour="a new token"),
        row("chain-of-slugs", lambda n: f"/maze/{chr(97 + n % 26) * (n // 26 + 1)}", behaviour="a new word"),
        row(
            "chain-of-growing-query",
            lambda n: "/s?" + "&".join(f"f={i}" for i in range(n % 60)) + f"&p={n}",
            behaviour="one more value",
        ),
    ],
    behaviour="Each page of an endless space has one link, to",
    expectation=f"After {BARREN_LINKS} such links without an item or a new page elsewhere it is refused: trap_chain.",
    source=OWN_BUDGET,
)
def test_a_barren_chain_ends(chain: Callable[[int], str]) -> None:
    """What only ever leads to more of itself is left."""
    paths = [(chain(n), n) for n in range(1, 3 * BARREN_LINKS)]
    budget = default_budget()
    assert walk(budget, paths) is Reason.TRAP_CHAIN
    assert sum(account.pages for account in budget._paths.values()) <= BARREN_LINKS + 70


@case(
    "traps",
    "chain-that-looks-fruitful",
    behaviour="Each page of an endless chain brings an item.",
    expectation=f"It is refused after {CHAIN_LINKS:,} links, twice the longest honest chain.",
    source=OWN_BUDGET,
)
def test_any_chain_ends() -> None:
    """Even a trap with items has an end."""
    budget = default_budget()
    place = place_of(url("/page/1"))
    for depth in range(1, CHAIN_LINKS + 2):
        assert fill(budget, [(f"/page/{depth}", depth)], place) is None
        budget.bears(place, depth)
    assert fill(budget, [("/pages/1", CHAIN_LINKS + 2)], place) is None
    assert fill(budget, [("/page/0", CHAIN_LINKS + 2)], place) is Reason.TRAP_CHAIN


@case(
    "traps",
    "filters-multiply",
    behaviour="A shop's filters make a million combinations of four parameters.",
    expectation="10,000 of one path and one set of names are taken, the others refused: budget_filter.",
    source=OWN_BUDGET,
)
def test_combinations_of_filters_are_bounded() -> None:
    """Four parameters are a filter, whatever their order."""
    budget = default_budget()
    paths = [(f"/list?color={n % 10}&size={n // 10 % 10}&brand={n // 100}&sort=a", 4) for n in range(10_000)]
    assert fill(budget, paths) is None
    assert fill(budget, [("/list?sort=b&brand=1&size=1&color=77", 4)]) is Reason.BUDGET_FILTER
    assert fill(budget, [("/other?sort=b&brand=1&size=1&color=77", 4), ("/list?page=1", 4)]) is None


@case(
    "traps",
    "host-budget",
    behaviour="A host has more pages than pages_per_host.",
    expectation="The rest of that host, on every scheme and port, is refused: budget_host; other hosts go on.",
    source=OWN_BUDGET,
)
def test_a_host_has_a_budget() -> None:
    """A random maze without any pattern is bounded by its host."""
    budget = Budget(per_host=3, per_filter=None, year=YEAR)
    assert fill(budget, [(f"/{n}", 1) for n in range(3)]) is None
    for foreign, reason in (("https://shop.test/x", Reason.BUDGET_HOST), ("http://other.test/", None)):
        assert budget.spend(canonical(foreign), 1, ELSEWHERE) is reason
    assert fill(budget, [("/seed", 0)], None) is None


@case(
    "traps",
    "budgets-are-bounded-in-memory",
    behaviour="A site has a hundred thousand places.",
    expectation="Only the largest are remembered.",
    source=OWN_BUDGET,
)
def test_memory_is_bounded() -> None:
    """Counting places cannot fill the memory, and forgetting begins with the small ones."""
    budget = default_budget()
    fill(budget, ((f"/big?id={n}", 1) for n in range(100)))
    fill(budget, ((f"/{n:x}-{chr(97 + n % 26)}/x-{n}/".translate(LETTERS), 1) for n in range(21_000)))
    assert len(budget._paths) <= bounds.PLACES_KNOWN
    assert budget._paths[SITE + "/big"].pages == 100


LETTERS = str.maketrans("0123456789", "ghijklmnop")


class Nothing(Spider):
    """Follow every link and bring no item."""

    def parse(self, page: Page) -> Iterator[Any]:
        """Yield all links."""
        yield page.follow_links()


@asynccontextmanager
async def frontier(path: Path | str, budget: Budget) -> AsyncIterator[SqliteFrontier]:
    it = SqliteFrontier(
        path, clock=SystemClock(), per_host=9, gap=lambda asked: 0.0, host_of=host_of, ask_robots=False, budget=budget
    )
    if (await it.open()).status == "new":
        await it.begin(1, {})
    try:
        yield it
    finally:
        await it.close()


async def visit_all(it: SqliteFrontier, site: Callable[[Lease], list[str]], most: int) -> list[str]:
    """Visit until the crawl is over, or `most` pages; `site` gives the links of a page."""
    visited: list[str] = []
    while len(visited) < most and (leases := await it.lease(1)):
        (lease,) = leases
        it.release(lease, None)
        visited.append(lease.request.url)
        found = [Request(url(path), depth=lease.request.depth + 1) for path in site(lease)]
        await it.commit([Visit(lease, Fetched(200), (), tuple(found))], {})
    return visited


def calendar(lease: Lease) -> list[str]:
    """A calendar whose months have days, an export each, and neighbours for ever."""
    path = lease.request.url.removeprefix(SITE)
    if month := re.fullmatch(r"/kal/(\d+)/(\d+)", path):
        number = int(month[1]) * 12 + int(month[2])
        return [
            *(f"/kal/{n // 12}/{n % 12}" for n in (number - 1, number + 1) if n > 0),
            *(f"{path}/{day}" for day in range(1, 4)),
            f"{path}?ical=1",
            "/about",
        ]
    return ["/kal/2026/11", "/about"]


@case(
    "traps",
    "calendar-with-days-and-exports",
    behaviour="Every month of a calendar links to its neighbours, its days and an export.",
    expectation="The crawl of it ends by itself; days and exports do not count as another place.",
    source=OWN_BUDGET,
)
async def test_a_calendar_ends() -> None:
    """A calendar with all that hangs on it is one place."""
    async with frontier(MEMORY, Budget(per_host=None, per_filter=None, year=YEAR)) as it:
        await it.offer([Request(url("/"))])
        visited = await visit_all(it, calendar, 12_000)
        assert BARREN_LINKS < len(visited) < 12_000
        assert url("/about") in visited
        assert it.counts().conserved
        assert it.counts().queued == 0


@case(
    "traps",
    "budgets-survive-a-resume",
    behaviour="A crawl in a trap is killed and goes on.",
    expectation="What was taken before counts: the host's budget holds over both processes.",
    source=OWN_BUDGET,
)
async def test_budgets_are_rebuilt(tmp_path: Path) -> None:
    """Killing a crawl is no way round a budget."""
    visited: list[str] = []
    for most in (20, 20, 1000):
        async with frontier(tmp_path / "run.db", Budget(per_host=50, per_filter=None, year=YEAR)) as it:
            await it.offer([Request(url("/"))])
            visited += await visit_all(it, lambda lease: [f"/x/{lease.id}-{n}" for n in range(3)], most)
    assert len(visited) == len(set(visited)) == 50
    assert dict(read_rows(tmp_path / "run.db", "select reason, count(*) from refused group by reason")).keys() == {
        "budget_host"
    }


@case(
    "traps",
    "budgets-written-down-survive",
    behaviour="A crawl whose budget was written down, after ten thousand links, is killed and goes on.",
    expectation="What was written down counts, and so do the links that came after it.",
    source=OWN_BUDGET,
)
async def test_budgets_that_were_written_down_are_rebuilt(tmp_path: Path) -> None:
    """What is written down is not counted again, and not forgotten."""
    path, most = tmp_path / "run.db", SPENT_EVERY + 60
    for number in (SPENT_EVERY, 40, 100):
        async with frontier(path, Budget(per_host=most, per_filter=None, year=YEAR)) as it:
            await it.offer([Request(url("/"))])
            await visit_all(it, lambda lease, count=number: [f"/x/{lease.id}-{n}" for n in range(count)], 1)
    assert len(list(read_rows(path, "select * from spent"))) == 1
    assert list(read_rows(path, "select count(*) from url")) == [(most,)]


@case(
    "traps",
    "items-prolong-a-chain",
    behaviour="A chain of pages brings an item on its 500th page, or does not.",
    expectation="With the item it goes on, without it ends.",
    source=OWN_BUDGET,
)
async def test_an_item_prolongs_a_chain() -> None:
    """What the spider takes is what a place is worth."""
    for records, accepted in (((), 0), (({"a": 1},), 1)):
        async with frontier(MEMORY, Budget(per_host=None, per_filter=None, year=YEAR)) as it:
            await it.offer([Request(url("/page/1"))])
            (first,) = await it.lease(1)
            it.release(first, None)
            await it.commit([Visit(first, Fetched(200), (), (Request(url("/page/2"), depth=BARREN_LINKS),))], {})
            (second,) = await it.lease(1)
            it.release(second, None)
            further = Request(url("/page/3"), depth=BARREN_LINKS + 1)
            assert (await it.commit([Visit(second, Fetched(200), records, (further,))], {})).accepted == accepted


@case(
    "traps",
    "over-budget-is-not-seen",
    behaviour="A page is refused at the end of a chain and later linked from near the seed.",
    expectation="It is taken then.",
    source=OWN_BUDGET,
)
async def test_a_refused_page_may_come_in_another_way() -> None:
    """A budget judges the way to a page, not the page."""
    async with frontier(MEMORY, Budget(per_host=None, per_filter=None, year=YEAR)) as it:
        await it.offer([Request(url("/page/1")), Request(url("/"))])
        first, second = await it.lease(2)
        far, near = (Request(url("/page/9"), depth=depth) for depth in (BARREN_LINKS + 2, 2))
        late = await it.commit([Visit(first, Fetched(200), (), (far,))], {})
        assert (late.accepted, late.refused) == (0, {"trap_chain": 1})
        assert (await it.commit([Visit(second, Fetched(200), (), (near,))], {})).accepted == 1


@case(
    "traps",
    "relative-link-trap-on-a-server",
    behaviour="A server answers every path with a page that links to x/ and y/ below itself.",
    expectation="The crawl ends after some dozens of pages; the rest is refused as trap_repetition.",
    source=OWN_RULE,
)
async def test_a_relative_link_trap_is_left() -> None:
    """The oldest trap of the web."""
    async with logged(lambda path: links("x/", "y/") if path != "/robots.txt" else Reply(b"", 404)) as server:
        report = await crawl(server.url(), spider=Nothing(), timeout=5.0)
    assert len(server.pages) < 500
    assert report.progress.tally.refused["trap_repetition"] > 0
    assert len(server.pages) == len(set(server.pages))


@case(
    "traps",
    "session-ids-on-a-server",
    behaviour="A server puts a new session id into every link of every page.",
    expectation="Each page is asked for once.",
    source="the project's own rule: scope.ignore",
)
async def test_session_ids_do_not_multiply_pages() -> None:
    """Ten pages stay ten pages."""
    counter = iter(range(10**6))

    def answer(path: str) -> Reply:
        fresh = [f"/p{n}.do;jsessionid={next(counter):08X}?PHPSESSID={next(counter):x}&n={n}" for n in range(10)]
        return links(*fresh) if path != "/robots.txt" else Reply(b"", 404)

    async with logged(answer) as server:
        await crawl(server.url(), spider=Nothing())
    assert sorted(server.pages) == ["/", *(f"/p{n}.do?n={n}" for n in range(10))]


@case(
    "traps",
    "session-id-by-redirect",
    behaviour="A server redirects every page to itself with a session id.",
    expectation="The redirect is followed to the letter: the server insists.",
    source="the project's own rule: scope.ignore",
)
async def test_a_redirect_is_followed_to_the_letter() -> None:
    """Cutting a redirect's target would go round in circles."""

    def answer(path: str) -> Reply:
        if "PHPSESSID" in path:
            return Reply(b"<p>here")
        return Reply(b"", 302, {"Location": f"{path}?PHPSESSID=1"}) if path != "/robots.txt" else Reply(b"", 404)

    async with logged(answer) as server:
        report = await crawl(server.url("/x"))
    assert server.pages == ["/x", "/x?PHPSESSID=1"]
    assert report.progress.tally.pages == 1


@case(
    "traps",
    "maze-on-a-server",
    behaviour="A server makes up pages with ten random links each (a tar pit for crawlers).",
    expectation="The crawl ends at pages_per_host, having said so.",
    source=OWN_BUDGET,
)
async def test_a_maze_is_left() -> None:
    """Nothing tells such pages from honest ones but their number."""
    counter = iter(range(10**6))

    def answer(path: str) -> Reply:
        fresh = [f"/{'/'.join(f'{next(counter):x}'.translate(LETTERS))}" for _ in range(10)]
        return links(*fresh) if path != "/robots.txt" else Reply(b"", 404)

    async with logged(answer) as server:
        report = await crawl(server.url(), spider=Nothing(), pages_per_host=40)
    assert len(server.pages) == 40
    assert report.progress.tally.refused["budget_host"] > 100


@pytest.mark.parametrize("length", [2083, 2084])
def test_length_is_measured_on_the_canonical_form(length: int) -> None:
    """What goes on the wire is what is measured."""
    scope = Scope(hosts=["shop.test"], subdomains=False, allow=(), deny=(), depth=None, url_length=2083, ignore=())
    long = Request(url("/" + "é" * 343 + "a" * (length - 343 * 6 - len(SITE) - 1)))
    assert len(long.url) == length
    assert scope.refuses(long) is (None if length == 2083 else Reason.TOO_LONG)
