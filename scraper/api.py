"""Crawling from Python: `crawl` and `stream`, inside anybody's running loop, any number at once.

The same settings, checks and engine as a config file; only the state is in memory unless a folder is given. Nothing
global: no signals are touched, no logging is set up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scraper.about import __version__
from scraper.config.compile import compile_plan
from scraper.config.find import make_spider
from scraper.config.schema import from_kwargs
from scraper.item import Record
from scraper.runs.report import Report
from scraper.runs.runner import Observer, Run
from scraper.sinks.base import Place, Sink
from scraper.spider import Spider

__all__ = ["crawl", "stream"]


async def crawl(
    spider: type[Spider],
    *,
    seeds: Iterable[str] = (),
    output: str | Path | Sequence[Any] | Mapping[str, Any] | None = None,
    state: str | Path | None = None,
    fresh: bool = False,
    observers: Sequence[Observer] = (),
    **settings: Any,
) -> Report:
    """Run a spider to its end and return what it came to.

        report = await crawl(Books, seeds=["https://books.example/"], output="out/books.jsonl")
        assert report.ok, report.reasons

    `output` and `settings` are the config's keys (`politeness={"delay": "2s"}`, `limits={"pages": 100}`); paths are
    relative to the working directory. With a `state` folder the crawl survives being killed: the same call goes on,
    unless `fresh`. A run that ended badly is a report with `ok` false and its `reasons`. Raises ConfigError or
    SpiderError for what cannot be run, StateError or SinkError for a disk that fails; cancelling is safe at any time.
    """
    run = _make_run(spider, seeds, output, state, settings, fresh=fresh, observers=observers)
    return await run.execute()


async def stream(
    spider: type[Spider],
    *,
    seeds: Iterable[str] = (),
    output: str | Path | Sequence[Any] | Mapping[str, Any] | None = None,
    state: str | Path | None = None,
    fresh: bool = False,
    observers: Sequence[Observer] = (),
    **settings: Any,
) -> AsyncIterator[Record]:
    """Run a spider and yield its items as plain records (dicts) while it goes on.

        async for book in stream(Books, seeds=["https://books.example/"]):
            print(book["title"])

    A slow reader slows the crawl; leaving the loop stops it. Takes the same settings as `crawl`. The stream only ends:
    how the run came out is for `crawl` to say, but what `crawl` would raise is raised here too.
    """
    sink = _StreamSink()
    sinks = {"stream": sink}
    run = _make_run(spider, seeds, output, state, settings, fresh=fresh, observers=observers, sinks=sinks)
    # A bare task on purpose: a task group would cancel the reader's own code when the crawl fails between two reads.
    crawling = asyncio.create_task(_run_into(run, sink))
    try:
        while (record := await sink.next()) is not None:
            yield record
        await crawling
    finally:
        crawling.cancel()
        await asyncio.wait([crawling])


async def _run_into(run: Run, sink: _StreamSink) -> None:
    try:
        await run.execute()
    finally:
        sink.end()


class _StreamSink:
    """Hands records to a reader in the same loop; a batch is written when the reader has come back for more.

    So what is committed was read, and a crawl with a state folder tells every record at least once.
    """

    place = Place(final="", work="", base=0, format="stream", mode="append")

    def __init__(self) -> None:
        self._records: asyncio.Queue[Record | None] = asyncio.Queue()
        self._reading = False
        self._written = 0

    async def next(self) -> Record | None:
        """Return the next record, None at the end; whoever asks has done with the one before."""
        if self._reading:
            self._records.task_done()
        self._reading = False
        record = await self._records.get()
        self._reading = True
        return record

    def end(self) -> None:
        """Let the reader come to its end."""
        self._records.put_nowait(None)

    async def open(self, committed: int | None, *, sealing: bool = False) -> int:
        """Begin; there is nothing to go on from."""
        return 0

    async def write(self, records: Sequence[Record]) -> int:
        """Hand over a batch and wait until it was read."""
        for record in records:
            self._records.put_nowait(record)
        await self._records.join()
        self._written += len(records)
        return self._written

    async def sync(self) -> None:
        """Do nothing: a stream is not durable."""

    async def seal(self) -> None:
        """Do nothing: what was read was read."""

    async def discard(self) -> None:
        """Do nothing: what was read was read."""

    async def set_aside(self) -> None:
        """Do nothing: what was read was read."""

    async def close(self) -> None:
        """Do nothing: the reader ends by itself."""


def _make_run(
    spider: type[Spider],
    seeds: Iterable[str],
    output: Any,
    state: str | Path | None,
    settings: Mapping[str, Any],
    *,
    fresh: bool = False,
    observers: Sequence[Observer] = (),
    sinks: Mapping[str, Sink] | None = None,
) -> Run:
    made = make_spider(spider)
    given: dict[str, Any] = {"name": spider.__name__, **settings}
    given["state"] = None if state is None else str(state)
    given["seeds"] = [seeds] if isinstance(seeds, str) else list(seeds)
    if output is not None:
        given["output"] = str(output) if isinstance(output, Path) else output
    plan = compile_plan(from_kwargs(given), made, Path.cwd(), version=__version__)
    return Run(plan, fresh=fresh, observers=observers, sinks=sinks)
