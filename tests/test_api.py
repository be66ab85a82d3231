"""Crawling from Python: `crawl` and `stream` in anybody's running loop, and the names that the package offers."""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, chdir
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent / "runs"))

from crawling import BOOKS, LISTING, Site, by_url, read_items, shop, site_of, truth

import scraper
from scraper import Page, Results, Spider, crawl, stream
from scraper.errors import ConfigError, ScraperError, SinkError, SpiderError, StateLocked
from scraper.frontier.base import Committed
from scraper.visit import Visit

FAST = {"politeness": {"delay": 0, "concurrency": 16}, "retry": {"times": 0}}
SLOWLY = {"politeness": {"delay": "20ms", "concurrency": 1}, "commit": {"pages": 1}}
PACKAGE = Path(scraper.__file__).parent


class Books(Spider):
    """Every book of the shop."""

    async def parse(self, page: Page) -> Results:
        """Follow the books and the next page."""
        yield page.follow("article.product_pod h3 a", self.book)
        yield page.follow("li.next a")

    async def book(self, page: Page) -> Results:
        """Take one book."""
        product = page.css("article.product_page")
        yield {"url": page.url, "title": product.css("h1").text, "stock": product.css(".instock").integer}


class Titles(Books):
    """Only the titles."""

    async def book(self, page: Page) -> Results:
        """Take the title."""
        yield {"title": page.css("h1").text}


class Crashing(Books):
    """A spider with a fault."""

    async def book(self, page: Page) -> Results:
        """Break."""
        yield {"url": page.url}
        raise KeyError(page.url)


class Counting(Books):
    """A spider that keeps something of its own."""

    def __init__(self) -> None:
        self.seen = 0

    async def book(self, page: Page) -> Results:
        """Count."""
        self.seen += 1
        yield {"url": page.url, "seen": self.seen}


@pytest.fixture(scope="module")
def small_shop() -> Iterator[Site]:
    """A shop of 60 books on 3 listing pages."""
    with shop(BOOKS) as site:
        yield site


@pytest.fixture
def seed(small_shop: Site) -> str:
    """The first page of the small shop's catalogue."""
    return small_shop.origin + LISTING


async def calm(site: Site) -> int:
    """Wait until a site is asked for nothing any more; return how often it was asked."""
    before = -1
    while before != len(site.paths):
        before = len(site.paths)
        await asyncio.sleep(0.2)
    return before


def other_tasks() -> set[asyncio.Task[Any]]:
    """Return all tasks of this loop but the present one."""
    return asyncio.all_tasks() - {t for t in [asyncio.current_task()] if t is not None}


# -- the names ---------------------------------------------------------------------------------------------------


def stub() -> dict[str, str]:
    """Return where `__init__.pyi` says that each name comes from."""
    nodes = ast.parse((PACKAGE / "__init__.pyi").read_text()).body
    return {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_star_gives_the_public_names() -> None:
    """`from scraper import *` gives all of them, loaded, and nothing else."""
    names: dict[str, Any] = {}
    exec("from scraper import *", names)
    del names["__builtins__"]
    assert sorted(names) == sorted(scraper.__all__)


def test_the_stub_and_the_package_agree() -> None:
    """A type checker sees the same names, from the same places, as the interpreter."""
    assert sorted(stub()) == sorted(scraper.__all__)
    for name, origin in stub().items():
        module, _, original = origin.partition(":")
        assert getattr(scraper, name) is getattr(import_module(module), original), name
    nodes = ast.parse((PACKAGE / "__init__.pyi").read_text()).body
    (listed,) = [node for node in nodes if isinstance(node, ast.Assign)]
    assert ast.literal_eval(listed.value) == scraper.__all__


@pytest.mark.parametrize("name", [name for name in scraper.__all__ if name not in ("__version__", "Results")])
def test_every_public_name_explains_itself(name: str) -> None:
    """help() has a sentence, and it is not inherited."""
    thing = getattr(scraper, name)
    assert thing.__doc__
    assert thing.__doc__.strip()
    for method, function in inspect.getmembers(thing, inspect.isfunction):
        assert method.startswith("_") or inspect.getdoc(function), f"{name}.{method} says nothing"


def test_what_is_not_there_is_an_attribute_error() -> None:
    """A mistyped name is answered as in every module."""
    with pytest.raises(AttributeError, match="'scraper' has no attribute 'crawll'"):
        _ = scraper.crawll  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_rooms_of_public_names_are_reached_by_the_package() -> None:
    """`scraper.errors.Timeout` needs no import of its own."""
    code = "import scraper; print(scraper.errors.Timeout.reason, scraper.page.Page is scraper.Page)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "timeout True\n"


@pytest.mark.slow
def test_a_shell_can_complete_the_public_names() -> None:
    """dir() knows `crawl` before it was used for the first time."""
    code = "import scraper; print(set(scraper.__all__) - set(dir(scraper)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# -- crawl -------------------------------------------------------------------------------------------------------


async def test_a_crawl_runs_in_a_loop_that_runs(seed: str, small_shop: Site, tmp_path: Path) -> None:
    """In a notebook: await, and the report and the file are there."""
    report = await crawl(Books, seeds=[seed], output=tmp_path / "books.jsonl", **FAST)
    assert (report.ok, report.items, report.name, report.resumed) == (True, BOOKS, "Books", False)
    assert report.outputs == (str(tmp_path / "books.jsonl"),)
    assert by_url(read_items(tmp_path / "books.jsonl")) == truth(BOOKS, small_shop.origin)


async def test_one_seed_may_be_a_text(seed: str) -> None:
    """A single URL needs no list."""
    assert (await crawl(Books, seeds=seed, **FAST)).items == BOOKS


async def test_without_output_and_state_nothing_is_written(seed: str, tmp_path: Path) -> None:
    """A crawl that is only counted leaves nothing in the working directory."""
    with chdir(tmp_path):
        assert (await crawl(Books, seeds=[seed], **FAST)).items == BOOKS
    assert not list(tmp_path.iterdir())


async def test_paths_are_relative_to_the_working_directory(seed: str, tmp_path: Path) -> None:
    """There is no config file to be relative to."""
    with chdir(tmp_path):
        await crawl(Books, seeds=[seed], output="out/books.jsonl", state="state", **FAST)
    assert len(read_items(tmp_path / "out/books.jsonl")) == BOOKS
    assert (tmp_path / "state/Books/run.db").exists()


async def test_two_crawls_at_once_do_not_mix(seed: str, small_shop: Site, tmp_path: Path) -> None:
    """Other spiders, outputs, limits and observers in one loop: each crawl has its own."""
    books, titles, few = await asyncio.gather(
        crawl(Books, seeds=[seed], output=tmp_path / "books.jsonl", **FAST),
        crawl(Titles, seeds=[seed], output=tmp_path / "titles.jsonl", **FAST),
        crawl(Books, seeds=[seed], output=tmp_path / "few.jsonl", limits={"items": 5}, **FAST),
    )
    assert (books.items, titles.items, few.items) == (BOOKS, BOOKS, 5)
    assert by_url(read_items(tmp_path / "books.jsonl")) == truth(BOOKS, small_shop.origin)
    assert {tuple(item) for item in read_items(tmp_path / "titles.jsonl")} == {("title",)}
    assert len(read_items(tmp_path / "few.jsonl")) == 5


async def test_each_crawl_has_a_spider_of_its_own(seed: str, tmp_path: Path) -> None:
    """What a spider keeps in itself is not shared with another crawl of the same class."""
    paths = [tmp_path / f"{number}.jsonl" for number in range(2)]
    await asyncio.gather(*(crawl(Counting, seeds=[seed], output=path, **FAST) for path in paths))
    for path in paths:
        assert sorted(item["seen"] for item in read_items(path)) == list(range(1, BOOKS + 1))


async def test_crawls_of_two_loops_do_not_mix(seed: str) -> None:
    """A web application may crawl in several threads, each with its loop."""
    reports = await asyncio.gather(
        *(asyncio.to_thread(lambda: asyncio.run(crawl(Books, seeds=[seed], **FAST))) for _ in range(3))
    )
    assert [report.items for report in reports] == [BOOKS] * 3


async def test_a_crawl_takes_nothing_of_its_host(seed: str) -> None:
    """No signal handler, no logging handler, no task and no thread is left, or was ever set."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    loggers = [logging.getLogger(), logging.getLogger("scraper")]
    handlers = [list(logger.handlers) for logger in loggers]
    threads = set(threading.enumerate())
    seen: list[object] = []

    class Look:
        def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
            seen.append([signal.getsignal(number) for number in numbers])

    await crawl(Books, seeds=[seed], observers=[Look()], **FAST)
    assert seen
    assert all(during == before for during in seen)
    assert [list(logger.handlers) for logger in loggers] == handlers
    assert not other_tasks()
    for _ in range(100):
        if not set(threading.enumerate()) - threads:
            break
        await asyncio.sleep(0.01)
    assert not set(threading.enumerate()) - threads


async def test_an_observer_hears_every_visit_once(seed: str) -> None:
    """All pages and robots.txt, each after it was committed."""
    heard: list[str] = []

    class Ears:
        def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
            heard.extend(str(visit.lease.request.url) for visit in visits)

    await crawl(Books, seeds=[seed], observers=[Ears()], **FAST)
    assert len(heard) == len(set(heard)) == BOOKS + 3 + 1


async def test_an_observer_cannot_change_the_crawl(seed: str, tmp_path: Path) -> None:
    """`it cannot change the crawl`: one that breaks is not listened to any more, or noted; the items come."""

    class Broken:
        def hear(self, visits: Sequence[Visit], committed: Committed) -> None:
            raise KeyError("observer")

    report = await crawl(Books, seeds=[seed], output=tmp_path / "books.jsonl", observers=[Broken()], **FAST)
    assert report.items == BOOKS


async def test_a_run_that_ends_badly_is_a_report(seed: str, tmp_path: Path) -> None:
    """A spider's fault and a dead site are no exceptions; the reasons are sentences."""
    report = await crawl(Crashing, seeds=[seed], output=tmp_path / "x.jsonl", **FAST)
    assert (report.ok, report.status) == (False, "failed")
    assert report.reasons == (f"a callback failed on {BOOKS} pages",)
    assert not (tmp_path / "x.jsonl").exists()
    with Site(site_of({})) as empty:
        report = await crawl(Books, seeds=[empty.origin + "/"], **FAST)
    assert report.reasons[0] == "no page was fetched"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"politness": {"delay": 1}}, r"politness: unknown key; did you mean politeness\?"),
        ({"politeness": {"delay": "soon"}}, r"politeness\.delay: "),
        ({"limits": {"pages": 0}}, r"limits\.pages: "),
        ({"output": "items.xyz"}, "output"),
        ({"seeds": ["shop.test"]}, r"seeds\.0: "),
        ({"seeds": []}, "nothing to begin with"),
    ],
)
async def test_wrong_settings_are_refused_before_anything_happens(settings: dict[str, Any], words: str) -> None:
    """The same checks and messages as for a file, without a place."""
    with pytest.raises(ConfigError, match=words):
        await crawl(Books, **{"seeds": ["http://127.0.0.1:1/"], **settings})


class NoParse(Spider):
    """A spider that was not finished."""


class Needy(Books):
    """A spider that cannot be made without help."""

    def __init__(self, key: str) -> None:
        self.key = key


@pytest.mark.parametrize("spider", [Books(), "Books", dict, Spider, NoParse, Needy])
async def test_what_is_no_spider_is_refused(spider: Any) -> None:
    """An instance, a name, another class, one without parse, one that needs arguments: SpiderError says which."""
    with pytest.raises(SpiderError):
        await crawl(spider, seeds=["http://127.0.0.1:1/"])


async def test_a_state_folder_makes_a_crawl_go_on(seed: str, small_shop: Site, tmp_path: Path) -> None:
    """Cancelled in the middle, the same call fetches only the rest; `fresh` would start over."""
    given: dict[str, Any] = {"seeds": [seed], "state": tmp_path / "s", "output": tmp_path / "out.jsonl"}
    heard = asyncio.Event()
    visits: list[Visit] = []

    class Some:
        def hear(self, group: Sequence[Visit], committed: Committed) -> None:
            visits.extend(group)
            if len(visits) > 10:
                heard.set()

    first = asyncio.create_task(crawl(Books, observers=[Some()], **SLOWLY, **given))
    await heard.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    asked = len(small_shop.paths)
    second = await crawl(Books, **FAST, **given)
    assert (second.resumed, second.items) == (True, BOOKS)
    assert len(small_shop.paths) - asked < BOOKS
    assert by_url(read_items(tmp_path / "out.jsonl")) == truth(BOOKS, small_shop.origin)
    third = await crawl(Books, fresh=True, **FAST, **given)
    assert (third.resumed, third.run, third.items) == (False, 2, BOOKS)


async def test_one_state_is_for_one_crawl_at_a_time(seed: str, tmp_path: Path) -> None:
    """Two calls with the same state in one loop: the second is refused, the first comes to its end."""
    results = await asyncio.gather(
        *(crawl(Books, seeds=[seed], state=tmp_path, **FAST) for _ in range(2)), return_exceptions=True
    )
    locked = [result for result in results if isinstance(result, StateLocked)]
    assert len(locked) == 1
    (report,) = [result for result in results if not isinstance(result, BaseException)]
    assert report.items == BOOKS


async def test_an_output_that_cannot_be_written_is_raised(seed: str, tmp_path: Path) -> None:
    """A folder where the file should be is a SinkError, not an OSError."""
    (tmp_path / "books.jsonl").mkdir()
    with pytest.raises(SinkError, match="it is a folder"):
        await crawl(Books, seeds=[seed], output=tmp_path / "books.jsonl", **FAST)
    assert not other_tasks()


async def test_two_crawls_cannot_tear_one_output(seed: str, tmp_path: Path) -> None:
    """The same file for two crawls at once: one is told so."""
    results = await asyncio.gather(
        *(crawl(Books, seeds=[seed], output=tmp_path / "books.jsonl", **FAST) for _ in range(2)),
        return_exceptions=True,
    )
    assert sorted(isinstance(result, SinkError) for result in results) == [False, True]
    assert len(read_items(tmp_path / "books.jsonl")) == BOOKS


# -- stream ------------------------------------------------------------------------------------------------------


async def test_a_stream_yields_every_item(seed: str, small_shop: Site) -> None:
    """Plain dicts, all of them, each once, and no task is left."""
    found = [item async for item in stream(Books, seeds=[seed], **FAST)]
    assert by_url(found) == truth(BOOKS, small_shop.origin)
    assert not other_tasks()


async def test_a_stream_writes_its_outputs_too(seed: str, tmp_path: Path) -> None:
    """What is streamed may also be kept."""
    found = [item async for item in stream(Books, seeds=[seed], output=tmp_path / "books.jsonl", **FAST)]
    assert by_url(read_items(tmp_path / "books.jsonl")) == by_url(found)


async def test_streams_do_not_mix(seed: str) -> None:
    """Two streams in one loop, read in turns, each have their own items."""
    async with (
        aclosing(stream(Books, seeds=[seed], **FAST)) as books,
        aclosing(stream(Titles, seeds=[seed], **FAST)) as titles,
    ):
        for _ in range(BOOKS):
            assert set(await anext(books)) == {"url", "title", "stock"}
            assert set(await anext(titles)) == {"title"}


async def leave_by_break(seed: str) -> None:
    """Leave the loop; the generator is closed by nobody but the loop itself."""
    async for _ in stream(Books, seeds=[seed], **SLOWLY):
        break


async def leave_by_closing(seed: str) -> None:
    """Leave as one should."""
    async with aclosing(stream(Books, seeds=[seed], **SLOWLY)) as items:
        await anext(items)


async def leave_by_error(seed: str) -> None:
    """Let the reader's own code fail."""

    async def read() -> None:
        async with aclosing(stream(Books, seeds=[seed], **SLOWLY)) as items:
            raise KeyError(await anext(items))

    with pytest.raises(KeyError):
        await read()


async def leave_by_cancelling(seed: str) -> None:
    """Cancel the reader while it waits."""

    async def read() -> None:
        async for _ in stream(Books, seeds=[seed], **SLOWLY):
            pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(0.2)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_closing, leave_by_error, leave_by_cancelling])
async def test_leaving_a_stream_stops_the_crawl(leave: Callable[[str], Any], seed: str, small_shop: Site) -> None:
    """However the reader leaves, the crawl stops, and no task is left."""
    asked = len(small_shop.paths)
    await leave(seed)
    await asyncio.sleep(0.1)
    assert not other_tasks()
    assert await calm(small_shop) - asked < BOOKS // 2


async def test_a_stream_that_nobody_reads_never_begins(seed: str, small_shop: Site) -> None:
    """Calling it is not starting it."""
    asked = len(small_shop.paths)
    items = stream(Books, seeds=[seed], **FAST)
    await asyncio.sleep(0.1)
    assert len(small_shop.paths) == asked
    await items.aclose()  # type: ignore[attr-defined]


async def test_a_slow_reader_slows_the_crawl() -> None:
    """A reader that stops after one item bounds what is fetched; when it goes on, it gets everything."""
    with shop(900) as site:
        group = 16
        given: dict[str, Any] = {"seeds": [site.origin + LISTING], "commit": {"pages": group}, **FAST}
        async with aclosing(stream(Books, **given)) as items:
            found = [await anext(items)]
            asked = await calm(site)
            in_hand = 3 * group + 2 * 16  # being read, waiting for commits, with workers
            assert asked <= in_hand + 900 // 20 + 5
            found += [item async for item in items]
        assert by_url(found) == truth(900, site.origin)


async def test_what_crawl_would_raise_a_stream_raises_too(seed: str, tmp_path: Path) -> None:
    """Wrong settings, wrong spiders and outputs that cannot be written come to the reader."""
    (tmp_path / "books.jsonl").mkdir()
    cases: list[tuple[type[ScraperError], dict[str, Any]]] = [
        (ConfigError, {"politness": 1}),
        (SinkError, {"output": tmp_path / "books.jsonl"}),
    ]
    for error, settings in cases:
        with pytest.raises(error):
            async for _ in stream(Books, seeds=[seed], **settings):
                pass
        assert not other_tasks()
    with pytest.raises(SpiderError):
        await anext(stream(dict, seeds=[seed]))  # type: ignore[arg-type]


async def test_a_stream_of_a_failed_run_only_ends(seed: str) -> None:
    """The items that came before a callback broke are there."""
    assert len([item async for item in stream(Crashing, seeds=[seed], **FAST)]) == BOOKS


async def test_a_stream_goes_on_with_its_state(seed: str, tmp_path: Path) -> None:
    """With a state folder a stream that was left fetches only the rest."""
    async with aclosing(stream(Books, seeds=[seed], state=tmp_path, **SLOWLY)) as items:
        first = [await anext(items) for _ in range(10)]
    rest = [item async for item in stream(Books, seeds=[seed], state=tmp_path, **FAST)]
    assert len(rest) <= BOOKS - 9
    assert {item["url"] for item in [*first, *rest]}


async def test_a_stream_tells_every_item_at_least_once(tmp_path: Path) -> None:
    """An item that no reader has seen comes again when the crawl goes on."""
    with shop(300) as site:
        given: dict[str, Any] = {"seeds": [site.origin + LISTING], "state": tmp_path, "commit": {"pages": 4}, **FAST}
        async with aclosing(stream(Books, **given)) as items:
            seen = {(await anext(items))["url"]}
            await calm(site)  # a reader that takes its time over the first item
        seen |= {item["url"] async for item in stream(Books, **given)}
        assert seen == {item["url"] for item in truth(300, site.origin)}


@pytest.mark.parametrize("more", [{"fresh": True}, {"observers": []}])
async def test_a_stream_takes_what_crawl_takes(seed: str, more: dict[str, Any]) -> None:
    """Every argument of `crawl` but none of its own is one of `stream`."""
    assert len([item async for item in stream(Books, seeds=[seed], **more, **FAST)]) == BOOKS
