"""Whatever a callback does, the crawl goes on and knows what happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from scraper.engine.harvest import Harvest, gather
from scraper.engine.steps import Steps
from scraper.outcome import Reason
from scraper.page import Page
from scraper.request import Request
from scraper.response import Response
from scraper.spider import Spider
from scraper.visit import Lease

ITEM = {"n": 1}
HTML = b'<a href="/1">1</a><a href="/2">2</a><a href="mailto:x@y.test">3</a>'


@dataclass
class Price:
    """An item of a class of its own."""

    amount: float


def harvest(parse: Callable[[Spider, Page], Any], *, callback: str = "parse", depth: int = 3) -> Harvest:
    """Let a spider with this `parse` read a page."""
    spider = type("Given", (Spider,), {"parse": parse})()
    request = Request("http://h.test/", callback, depth=depth)
    page = Page(Response(request, status=200, url="http://h.test/", body=HTML))
    lease = Lease(1, request=request, origin="http://h.test")
    return asyncio.run(gather(spider, lease, page, Steps()))


def generator(self: Spider, page: Page) -> Iterator[Any]:
    """Yield, as most callbacks do."""
    yield ITEM
    yield page.follow("a")


async def async_generator(self: Spider, page: Page) -> AsyncIterator[Any]:
    """Wait in between."""
    yield ITEM
    await asyncio.sleep(0)
    yield page.follow("a")


async def coroutine(self: Spider, page: Page) -> list[Any]:
    """Return a list after a while."""
    await asyncio.sleep(0)
    return [ITEM, page.follow("a")]


async def coroutine_of_generator(self: Spider, page: Page) -> Iterator[Any]:
    """Return a generator after a while."""
    return generator(self, page)


async def coroutine_of_async_generator(self: Spider, page: Page) -> AsyncIterator[Any]:
    """Return an asynchronous generator after a while."""
    return async_generator(self, page)


def plain_list(self: Spider, page: Page) -> list[Any]:
    """Return lists in lists."""
    return [[ITEM], (), [[page.follow("a")]], None]


def returns_generator(self: Spider, page: Page) -> Iterator[Any]:
    """Hand over to another callback."""
    return generator(self, page)


WAYS = [
    generator,
    async_generator,
    coroutine,
    coroutine_of_generator,
    coroutine_of_async_generator,
    plain_list,
    returns_generator,
]


class TestWays:
    """How a callback may be written."""

    @pytest.mark.parametrize("parse", WAYS, ids=lambda way: way.__name__)
    def test_every_way_of_yielding_is_the_same(self, parse: Callable[[Spider, Page], Any]) -> None:
        """Items, requests one level deeper, and the links that cannot be requested."""
        found = harvest(parse)
        assert found.records == [ITEM]
        assert [(str(r.url), r.depth) for r in found.requests] == [("http://h.test/1", 4), ("http://h.test/2", 4)]
        assert found.refusals == [("mailto:x@y.test", Reason.SCHEME)]
        assert (found.faults, found.crash) == ([], "")

    def test_one_item_or_none_may_be_returned(self) -> None:
        """A callback that only looks returns nothing."""
        assert harvest(lambda self, page: Price(2.5)).records == [{"amount": 2.5}]
        found = harvest(lambda self, page: None)
        assert [found.records, found.requests, found.refusals, found.faults, found.crash] == [[], [], [], [], ""]

    def test_a_request_made_by_hand_is_one_level_deeper(self) -> None:
        """Whatever depth it names itself: a spider cannot step out of the limit."""
        for depth in (0, 1, 4, 99):
            found = harvest(lambda self, page, depth=depth: Request("http://h.test/x", depth=depth))
            assert [r.depth for r in found.requests] == [4]


class TestFaults:
    """What goes wrong on a page without ending it."""

    @pytest.mark.parametrize(
        "wrong", ["text", b"bytes", 5, 1.5, True, Price, object(), Spider()], ids=lambda v: type(v).__name__
    )
    def test_a_wrong_yield_is_a_fault_and_the_rest_stands(self, wrong: Any) -> None:
        """It names what was yielded and what may be."""

        def parse(self: Spider, page: Page) -> Iterator[Any]:
            yield ITEM
            yield wrong
            yield ITEM

        found = harvest(parse)
        assert found.records == [ITEM, ITEM]
        assert [fault.reason for fault in found.faults] == ["callback"]
        assert type(wrong).__name__ in found.faults[0].detail
        assert not found.crash

    @pytest.mark.parametrize(
        "value", [float("nan"), object(), {1, object()}, 10**5000, 1j], ids=["nan", "object", "set", "int", "complex"]
    )
    def test_an_item_that_cannot_be_written_is_a_fault_that_names_its_field(self, value: Any) -> None:
        """The page's other items are written."""
        found = harvest(lambda self, page: [ITEM, {"fine": 1, "broken": value}, ITEM])
        assert found.records == [ITEM, ITEM]
        assert [fault.reason for fault in found.faults] == ["item"]
        assert "'broken'" in found.faults[0].detail

    @pytest.mark.parametrize("meta", [{"x": object()}, {"x": "\ud800"}, {"x": lambda: 1}])
    def test_a_request_that_could_not_survive_a_kill_is_a_fault(self, meta: dict[str, Any]) -> None:
        """Meta is plain JSON data; the page's other links are followed."""
        found = harvest(lambda self, page: [page.follow("a", meta=meta), page.follow_url("/ok")])
        assert [str(r.url) for r in found.requests] == ["http://h.test/ok"]
        assert {fault.reason for fault in found.faults} == {"callback"}

    def test_meta_is_what_it_will_be_after_a_kill(self) -> None:
        """The next callback gets JSON data, whether its request stayed in memory or not."""
        found = harvest(lambda self, page: page.follow_url("/ok", meta={"t": (1, 2), "s": {3}, "n": {1: "x"}}))
        assert found.requests[0].meta == {"t": [1, 2], "s": [3], "n": {"1": "x"}}

    @pytest.mark.parametrize(
        "made",
        [
            pytest.param({"headers": {"X-Count": 1}}, id="header-number"),
            pytest.param({"headers": {"X-Name": None}}, id="header-none"),
            pytest.param({"headers": {"X-Name": "\ud800"}}, id="header-surrogate"),
            pytest.param({"body": {"q": "x"}}, id="body-dict"),
            pytest.param({"priority": 2**70}, id="priority-huge"),
            pytest.param({"priority": "high"}, id="priority-text"),
            pytest.param({"priority": float("nan")}, id="priority-nan"),
            pytest.param({"meta": ["a", "list"]}, id="meta-list"),
        ],
    )
    def test_a_request_that_cannot_be_kept_never_leaves_the_callback(self, made: dict[str, Any]) -> None:
        """It is a fault, or an error in the callback that made it; the crawl's memory must not choke on it later."""
        found = harvest(lambda self, page: Request("http://h.test/x", method="POST", **made))
        assert found.faults or found.crash
        assert found.requests == []


class TestCrashes:
    """A callback that raises."""

    @pytest.mark.parametrize("kind", ["generator", "async generator", "coroutine", "function"])
    def test_what_was_yielded_before_an_exception_stands(self, kind: str) -> None:
        """The page is failed, with the traceback of the spider's own code."""

        def sync(self: Spider, page: Page) -> Iterator[Any]:
            yield ITEM
            yield page.follow("a")
            raise ZeroDivisionError("half-way")

        async def asynchronous(self: Spider, page: Page) -> AsyncIterator[Any]:
            yield ITEM
            yield page.follow("a")
            raise ZeroDivisionError("half-way")

        async def waiting(self: Spider, page: Page) -> None:
            raise ZeroDivisionError("half-way")

        def function(self: Spider, page: Page) -> None:
            raise ZeroDivisionError("half-way")

        ways = {"generator": sync, "async generator": asynchronous, "coroutine": waiting, "function": function}
        found = harvest(ways[kind])
        if kind.endswith("generator"):
            assert found.records == [ITEM]
            assert len(found.requests) == 2
        assert "half-way" in found.crash
        assert "test_engine_harvest.py" in found.crash

    def test_a_callback_that_is_not_there_is_a_failure_that_says_so(self) -> None:
        """After a rename, a resumed run meets the old name; every such page says which."""
        crash = harvest(generator, callback="old_name").crash
        assert "old_name" in crash
        assert "Given" in crash

    @pytest.mark.parametrize(
        "parse",
        [
            lambda self, page: page.css("["),
            lambda self: None,
            lambda self, page: RecursionError,
            lambda self, page: (_ for _ in ()).throw(StopIteration),
        ],
    )
    def test_odd_exceptions_stay_on_their_page(self, parse: Callable[..., Any]) -> None:
        """A bad selector, a wrong signature, an exception class that is yielded, the exception of generators."""
        found = harvest(parse)
        assert found.crash or found.faults

    def test_what_is_nested_may_be_so_by_hundreds(self) -> None:
        """A level costs one of Python's frames, of which there are a thousand."""

        def tree(depth: int) -> Iterator[Any]:
            yield {"depth": depth}
            if depth:
                yield tree(depth - 1)

        brought = harvest(lambda spider, page: tree(700))
        assert (brought.crash, len(brought.records)) == ("", 701)

    def test_a_list_that_holds_itself_fails_its_page(self) -> None:
        """It ends."""
        endless: list[Any] = []
        endless.append(endless)
        assert "RecursionError" in harvest(lambda self, page: endless).crash

    def test_a_cancelled_wait_inside_a_callback_fails_its_page(self) -> None:
        """Somebody else's cancelled task, awaited by a callback, is that callback's error and nobody else's."""

        async def parse(self: Spider, page: Page) -> None:
            task = asyncio.ensure_future(asyncio.sleep(10))
            task.cancel()
            await task

        assert "CancelledError" in harvest(parse).crash

    def test_a_real_cancellation_passes(self) -> None:
        """The crawl can always be ended."""
        began = asyncio.Event()

        class Waits(Spider):
            async def parse(self, page: Page) -> None:
                """Wait for ever."""
                began.set()
                await asyncio.Event().wait()

        async def main() -> None:
            page = Page(Response(Request("http://h.test/"), status=200, url="http://h.test/"))
            lease = Lease(1, request=page.request, origin="http://h.test")
            task = asyncio.ensure_future(gather(Waits(), lease, page, Steps()))
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
