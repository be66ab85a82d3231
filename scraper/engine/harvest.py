"""Run one callback on one page and gather what it yields.

A callback may be an async generator, a generator, a coroutine or a plain function; it may yield items, Requests,
Follows and lists of those. Whatever it does, the crawl goes on: a wrong yield or an item that cannot be written is a
fault with the page's URL, an exception ends the page as failed, and what was yielded before it stands. A callback that
yields without end is stopped at a budget that no honest page meets.

No network and no frontier here.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from types import GeneratorType
from typing import Any

import msgspec

from scraper.engine.driving import drive
from scraper.engine.patience import Patience
from scraper.engine.steps import Steps
from scraper.errors import ItemError, SpiderError
from scraper.item import Record, is_item, weighed
from scraper.outcome import Reason
from scraper.page import Follow, Page
from scraper.request import Request
from scraper.spider import Spider
from scraper.urls import without_secrets
from scraper.visit import Fault, Lease

__all__ = ["Harvest", "gather"]

TRACEBACK_FRAMES = 8  # innermost ones; the engine's own are left out
DETAIL_CHARS = 8000  # of a traceback: an error's message may quote the page
MAX_YIELDS = 250_000  # values and links of one page; a page of 16 MiB has room for as many items of 64 bytes
MAX_FAULTS = 10_000  # wrong yields of one page, each of which is written down
MAX_YIELDED = 256 * 1024 * 1024  # bytes of one page's items, encoded
FOR_EVER = Patience()  # for callbacks that are called by hand
_ENGINE = frozenset((__file__, drive.__code__.co_filename, traceback.__file__))


class Harvest(msgspec.Struct):
    """What a page brought."""

    records: list[Record] = []
    wanted: list[Follow | Request] = []  # what the page leads to
    refusals: list[tuple[str, Reason]] = []
    faults: list[Fault] = []
    crash: str = ""  # the callback's traceback
    yields: int = 0
    bytes: int = 0  # of the records, encoded

    @property
    def requests(self) -> list[Request]:
        """All that is wanted, each link as a request."""
        return [
            request
            for wanted in self.wanted
            for request in (wanted.requests if isinstance(wanted, Follow) else (wanted,))
        ]

    def spend(self, values: int) -> None:
        """Count what was yielded; raise SpiderError beyond the budget."""
        self.yields += values
        if self.yields > MAX_YIELDS:
            raise SpiderError(
                f"one page yielded more than {MAX_YIELDS:,} values and links; is there a loop without end?"
            )
        if len(self.faults) > MAX_FAULTS:
            raise SpiderError(
                f"one page yielded more than {MAX_FAULTS:,} values that are wrong; the first: {self.faults[0].detail}"
            )
        if self.bytes > MAX_YIELDED:
            raise SpiderError(
                f"one page yielded more than {MAX_YIELDED:,} bytes of items; is there a loop without end?"
            )


async def gather(spider: Spider, lease: Lease, page: Page, steps: Steps, patience: Patience = FOR_EVER) -> Harvest:
    """Call the lease's callback with `page` and gather what it yields; raises only the crawl's cancellation."""
    harvest = Harvest()
    worker = asyncio.current_task()
    assert worker is not None
    try:
        work = _call(spider, lease.request.callback, page, harvest)
        await drive(work, worker, steps=steps, lease=lease, patience=patience)
    except asyncio.CancelledError as error:
        if worker.cancelling():
            raise
        harvest.crash = _traceback(error)  # its own, or of something that it waited for
    except GeneratorExit:  # the worker is being closed
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt are no callback's to raise
        harvest.crash = _traceback(error)
    return harvest


def _traceback(error: BaseException) -> str:
    """Return the traceback of the spider's own code, as a person who wrote the spider wants it."""
    told = traceback.TracebackException.from_exception(error)
    frames = [frame for frame in told.stack if frame.filename not in _ENGINE]
    told.stack = traceback.StackSummary.from_list(frames[-TRACEBACK_FRAMES:])
    text = "".join(told.format())
    half = DETAIL_CHARS // 2
    return text if len(text) <= DETAIL_CHARS else f"{text[:half]}\n…\n{text[-half:]}"


async def _call(spider: Spider, callback: str, page: Page, harvest: Harvest) -> None:
    method = getattr(spider, callback, None)
    if method is None:
        raise AttributeError(f"{type(spider).__name__} has no method {callback!r}; the request names it as callback")
    result = method(page)
    if type(result) is GeneratorType:
        _take_each(result, page, harvest)
        return
    if inspect.isawaitable(result):
        result = await result
    if not isinstance(result, AsyncIterable):
        _take(result, page, harvest)
        return
    async with AsyncExitStack() as stack:
        if isinstance(result, AsyncGenerator):
            await stack.enter_async_context(aclosing(result))
        async for value in result:
            _take(value, page, harvest)


def _take(value: Any, page: Page, harvest: Harvest) -> None:
    if isinstance(value, Follow):
        harvest.spend(len(value.links))
        harvest.refusals.extend([(without_secrets(link), reason) for link, reason in value.refusals])
        if value.like is not None:
            _take_wanted(value, value.like, page, harvest)
    elif isinstance(value, Request):
        harvest.spend(1)
        _take_wanted(value, value, page, harvest)
    elif type(value) is not GeneratorType and is_item(value):
        _take_item(value, harvest)
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for entry in value:  # a frame a level: what is nested may be so by some hundred levels
            _take(entry, page, harvest)
    elif value is not None:
        harvest.faults.append(Fault("callback", _wrong(value)))
    harvest.spend(1)


def _take_each(values: Iterable[Any], page: Page, harvest: Harvest) -> None:
    for value in values:
        _take(value, page, harvest)
    harvest.spend(1)  # empty ones without end are too many as well


def _wrong(value: Any) -> str:
    """Return what is wrong with a value that may not be yielded, and what was probably meant."""
    if inspect.iscoroutine(value):
        value.close()  # nobody will await it
        return f"yielded the coroutine {value.__name__}; await it"
    if isinstance(value, AsyncIterable):
        return f"yielded {type(value).__name__}; hand its values on: async for value in …: yield value"
    what = f"the type {value.__name__}" if isinstance(value, type) else type(value).__name__
    return f"yielded {what}; yield items (dict, dataclass, model), requests or page.follow(…)"


def _take_item(value: Any, harvest: Harvest) -> None:
    try:
        record, size = weighed(value)
    except ItemError as error:
        harvest.faults.append(Fault("item", str(error)))
    else:
        harvest.records.append(record)
        harvest.bytes += size


def _take_wanted(wanted: Follow | Request, like: Request, page: Page, harvest: Harvest) -> None:
    """Take links or a request; `like` is that request, or what those of the links are like."""
    depth = page.request.depth + 1
    try:
        plain = like.plain()
    except SpiderError as error:
        harvest.faults.append(Fault("callback", str(error)))
        return
    if plain.depth != depth:
        plain = replace(plain, depth=depth)
    if isinstance(wanted, Follow):
        harvest.wanted.append(wanted if plain is like else replace(wanted, like=plain))
    else:
        harvest.wanted.append(plain)
