"""Run one callback on one page and gather what it yields.

A callback may be an async generator, a generator, a coroutine or a plain function; it may yield items, Requests,
Follows and lists of those. Whatever it does, the crawl goes on: a wrong yield or an item that cannot be written is a
fault with the page's URL, an exception ends the page as failed, and what was yielded before it stands.

No network and no frontier here.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scraper.errors import ItemError, SpiderError
from scraper.item import Record, is_item, to_record
from scraper.outcome import Reason
from scraper.page import Follow, Page
from scraper.request import Request
from scraper.spider import Spider
from scraper.visit import Fault

__all__ = ["Harvest", "gather"]

TRACEBACK_FRAMES = 8  # innermost ones; this file's own are left out


@dataclass(slots=True)
class Harvest:
    """What a page brought."""

    records: list[Record] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    refusals: list[tuple[str, Reason]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    crash: str = ""  # the callback's traceback


async def gather(spider: Spider, callback: str, page: Page) -> Harvest:
    """Call the spider's `callback` with `page` and gather what it yields; never raises but for cancellation."""
    harvest = Harvest()
    try:
        method = getattr(spider, callback, None)
        if method is None:
            raise AttributeError(
                f"{type(spider).__name__} has no method {callback!r}; the request names it as callback"
            )
        await _drain(method(page), page, harvest)
    except Exception as error:
        harvest.crash = _traceback(error)
    return harvest


def _traceback(error: Exception) -> str:
    """Return the traceback of the spider's own code, as a person who wrote the spider wants it."""
    told = traceback.TracebackException.from_exception(error)
    frames = [frame for frame in told.stack if frame.filename != __file__]
    told.stack = traceback.StackSummary.from_list(frames[-TRACEBACK_FRAMES:])
    return "".join(told.format())


async def _drain(result: Any, page: Page, harvest: Harvest) -> None:
    if inspect.isawaitable(result):
        result = await result
    if isinstance(result, AsyncIterable):
        async for value in result:
            _take(value, page, harvest)
    else:
        _take(result, page, harvest)


def _take(value: Any, page: Page, harvest: Harvest) -> None:
    if isinstance(value, Follow):
        _take_requests(value.requests, page, harvest)
        harvest.refusals.extend(value.refusals)
    elif isinstance(value, Request):
        _take_requests((value,), page, harvest)
    elif is_item(value):
        try:
            harvest.records.append(to_record(value))
        except ItemError as error:
            harvest.faults.append(Fault("item", str(error)))
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for entry in value:
            _take(entry, page, harvest)
    elif value is not None:
        wrong = f"yielded {type(value).__name__}; yield items (dict, dataclass, model), requests or page.follow(…)"
        harvest.faults.append(Fault("callback", wrong))


def _take_requests(requests: Sequence[Request], page: Page, harvest: Harvest) -> None:
    depth = page.request.depth + 1
    for request in requests:
        try:
            plain = request.plain()
        except SpiderError as error:
            harvest.faults.append(Fault("callback", str(error)))
        else:
            harvest.requests.append(plain if plain.depth == depth else replace(plain, depth=depth))
