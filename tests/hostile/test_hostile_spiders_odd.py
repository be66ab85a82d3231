"""Odd spiders: wrong from their first line, odd items, and what they leave behind in the process."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import io
import itertools
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table
from test_hostile_spiders import Misbehaving, run

from scraper.cli.leaving import leave
from scraper.cli.streams import Spoken
from scraper.config.find import find_spider, make_spider
from scraper.errors import ItemError, SpiderError
from scraper.item import MAX_BYTES, to_record
from scraper.page import Page
from scraper.request import Request
from scraper.runs.wiring import first_requests
from scraper.spider import Spider

OWN = "the project's own rule: a callback's fault costs its page, never the crawl"
CLI = [sys.executable, "-m", "scraper"]

# -- before the first page ---------------------------------------------------------------------------------------------


@table(
    "spiders",
    "source, said",
    [
        row("import-raises", "1 / 0", "s.py:1: importing the spider failed: ZeroDivisionError"),
        row("import-exits", "import sys; sys.exit(0)", "s.py:1: importing the spider failed: SystemExit: 0"),
        row("import-is-no-python", "class (:", "s.py:1: importing the spider failed: SyntaxError"),
        row("import-has-nul", "x = 1\0", "importing the spider failed"),
        row("constructor-raises", "def __init__(self): 1 / 0", "S() failed: ZeroDivisionError"),
        row("constructor-exits", "def __init__(self): raise SystemExit(0)", "S() failed: SystemExit: 0"),
        row("constructor-wants-more", "def __init__(self, more): pass", "it takes no arguments"),
        row("nothing-to-call", "parse = Spider.parse", "S has no parse(self, page) method; write one"),
    ],
    behaviour="The spider's file, or its constructor, is wrong:",
    expectation="The error is said with its place before anything is fetched, exit code 2; never a success.",
    source=OWN,
)
def test_a_spider_that_cannot_be_made_is_no_success(source: str, said: str, tmp_path: Path) -> None:
    """`sys.exit(0)` in a script without its `if __name__ == "__main__"` would end cron's run as a success."""
    inside = source.startswith(("def", "parse"))
    body = "parse = None" if inside and "__init__" in source else ""
    text = f"from scraper import Spider\nclass S(Spider):\n  {body}\n  {source}\n" if inside else source
    (tmp_path / "s.py").write_text(text)
    with pytest.raises(SpiderError) as caught:
        make_spider(find_spider("s.py", tmp_path))
    assert said in str(caught.value)


def _raises(error: BaseException) -> Any:
    raise error


@table(
    "spiders",
    "start, said",
    [
        row("start-raises", lambda self, seeds: 1 / 0, "ZeroDivisionError"),
        row("start-raises-later", lambda self, seeds: (1 / 0 for _ in "x"), "ZeroDivisionError"),
        row("start-exits", lambda self, seeds: sys.exit(0), "SystemExit: 0"),
        row("start-gives-nothing-at-all", lambda self, seeds: None, "not iterable"),
        row("start-gives-texts", lambda self, seeds: ["http://s.test/"], "gave str; it returns Requests"),
        row("start-gives-one", lambda self, seeds: Request("http://s.test/"), "not iterable"),
        row("start-is-a-coroutine", lambda self, seeds: asyncio.sleep(0), "it is asynchronous"),
        row("start-is-an-async-generator", lambda self, seeds: _async_generator(), "it is asynchronous"),
        row("start-has-no-end", lambda self, seeds: itertools.repeat(Request("http://s.test/")), "more than 1,000,000"),
        row("start-is-bad-url", lambda self, seeds: [Request("ftp://x/")], "InvalidSchema"),
    ],
    behaviour="A spider's `start` is wrong:",
    expectation="The error names it and what it did; nothing was fetched.",
    source=OWN,
)
def test_a_start_that_is_wrong_ends_before_the_first_request(start: Callable[..., Any], said: str) -> None:
    """Whatever it gives, it is a SpiderError with the spider's name."""
    spider = type("Odd", (Spider,), {"start": start})()
    with pytest.raises(SpiderError, match=r"Odd\.start") as caught:
        first_requests(spider, ["http://s.test/"])
    assert said in str(caught.value)


async def _async_generator() -> Any:
    yield Request("http://s.test/")


# -- items -------------------------------------------------------------------------------------------------------------


@dataclass
class Holds:
    value: Any


class Model:
    """What pydantic's models look like from outside."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def model_dump(self, mode: str) -> Any:
        return self._made() if callable(self._made) else self._made


LOOP: dict[str, Any] = {}
LOOP["self"] = LOOP
RING: list[Any] = []
RING.append(RING)
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@table(
    "spiders",
    "value, written",
    [
        row("item-bytes", b"\xff\0", "/wA="),
        row("item-moment", MOMENT, "2026-01-02T03:04:05Z"),
        row("item-date", MOMENT.date(), "2026-01-02"),
        row("item-duration", datetime.timedelta(minutes=1), "PT60S"),
        row("item-decimal", decimal.Decimal("1.10"), "1.10"),
        row("item-decimal-nan", decimal.Decimal("NaN"), "NaN"),
        row("item-set", {1}, [1]),
        row("item-tuple", (1, "x"), [1, "x"]),
        row("item-uuid", uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        row("item-keys-numbers", {2: 1, None: 3, False: 0, 1.5: 4}, {"2": 1, "null": 3, "false": 0, "1.5": 4}),
        row("item-nested-model", Holds(Model({"a": 1})), {"value": {"a": 1}}),
        row("item-half-a-letter", "a\ud800", "a�"),
    ],
    behaviour="A field holds what JSON has no form for.",
    expectation="It is written in the usual form (RFC 3339, base64, exact decimals as text, lists).",
    source="RFC 8259, RFC 3339, RFC 4648",
)
def test_values_that_json_has_no_form_for_are_written(value: Any, written: Any) -> None:
    """What is written can be read back as JSON."""
    record = to_record({"field": value})
    assert record == {"field": written}
    assert json.loads(json.dumps(record)) == record


@table(
    "spiders",
    "item, said",
    [
        row("item-in-itself", LOOP, "'self'"),
        row("list-in-itself", {"ring": RING}, "'ring'"),
        row("item-too-deep", {"deep": DEEP}, "'deep'"),
        row("item-keys-collide", {1: "a", "1": "b"}, "two keys that are one"),
        row("item-keys-collide-deeper", {"f": {1.5: "a", "1.5": "b"}}, "field 'f' has two keys that are one"),
        row("item-key-is-a-tuple", {"f": {(1, 2): 3}}, "field 'f' has a key that is tuple"),
        row("item-key-nan", {float("nan"): 1}, "JSON has no such number"),
        row("item-nan-deep", {"f": [{"g": float("nan")}]}, "field 'f[0].g' is nan"),
        row("item-infinity", Holds(float("inf")), "field 'value' is inf"),
        row("item-function", {"f": len}, "'f'"),
        row("item-coroutine-field", {"f": itertools.count()}, "'f'"),
        row(
            "item-of-one-value-ten-thousand-times", {"f": ["x" * 1_000_000] * 10_000}, "field 'f' makes the item larger"
        ),
        row("model-raises", Model(lambda: 1 / 0), "ZeroDivisionError"),
        row("model-is-its-own-dump", Model(None), "is not an item"),
        row("model-exits", Model(lambda: _raises(KeyError("k"))), "KeyError"),
    ],
    behaviour="An item cannot be written as JSON:",
    expectation="It is a fault that names the field; nothing is made of it in memory first.",
    source="RFC 8259 4 and 6",
)
def test_an_item_that_cannot_be_written_is_named(item: Any, said: str) -> None:
    """Each costs itself alone."""
    with pytest.raises(ItemError) as caught:
        to_record(item)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_list_of_lists_of_lists_is_weighed_before_it_is_made() -> None:
    """Ten levels of ten references each are ten thousand million values."""
    bomb: Any = "x"
    for _ in range(10):
        bomb = [bomb] * 10
    with pytest.raises(ItemError, match=f"{MAX_BYTES:,}"):
        to_record({"bomb": bomb})
    many = [["x", 1, None]] * 1000
    assert to_record({"many": many}) == {"many": many}


@case(
    "spiders",
    "item-changed-afterwards",
    behaviour="A callback changes an item, and a list in it, after it has yielded it.",
    expectation="What was yielded is written as it was then.",
    source=OWN,
)
async def test_an_item_is_what_it_was_when_it_was_yielded(tmp_path: Path) -> None:
    """One dict that is filled again and again is a common way to write a spider."""

    class Reuses(Spider):
        def parse(self, page: Page) -> Iterator[Any]:
            item: dict[str, Any] = {"list": []}
            for number in range(3):
                item["n"] = number
                item["list"].append(number)
                yield item

    await run(Reuses, output=str(tmp_path / "items.jsonl"))
    lines = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert lines == [{"list": list(range(n + 1)), "n": n} for n in range(3)]


@table(
    "spiders",
    "value, said",
    [
        row("yields-a-coroutine", lambda: asyncio.sleep(0), "yielded the coroutine sleep; await it"),
        row("yields-an-async-generator", _async_generator, "hand its values on: async for value"),
        row("yields-a-class", lambda: dict, "yielded the type dict"),
        row("yields-a-page", lambda: Page.__new__(Page), "yielded Page"),
        row("yields-bytes", lambda: b"x", "yielded bytes"),
        row("yields-ellipsis", lambda: ..., "yielded ellipsis"),
        row("yields-an-exception", lambda: ValueError("x"), "yielded ValueError"),
        row("yields-lists-in-lists", lambda: [[[[5]]]], "yielded int"),
    ],
    behaviour="A callback yields what is neither data nor a request:",
    expectation="It is a fault that says what was probably meant; the callback's other items are written.",
    source=OWN,
)
async def test_a_wrong_yield_is_explained(value: Callable[[], Any], said: str) -> None:
    """A coroutine that nobody awaits is closed, so that Python has nothing to warn of."""

    class Yields(Misbehaving):
        def misbehave(self, page: Page) -> Iterator[Any]:
            yield value()
            yield {"url": "after"}

    report = await run(Yields)
    tally = report.progress.tally
    assert (report.ok, tally.items, dict(tally.faults)) == (False, 2, {"callback": 1})
    (trouble,) = tally.troubles.values()
    assert said in trouble.detail


# -- the process -------------------------------------------------------------------------------------------------------


@table(
    "spiders",
    "daemon, seconds, ended",
    [
        row("thread-that-hangs", False, 30.0, [7], expectation="It is named and the process ends without it,"),
        row("thread-that-is-soon-done", False, 0.1, [], expectation="It is waited for,"),
        row("daemon-thread", True, 30.0, [], expectation="It ends with the process,"),
    ],
    behaviour="A spider has started a thread that is still busy when the run is over.",
    expectation="with the run's own exit code.",
    source="Python documentation, threading: the program exits when no alive non-daemon threads are left",
)
def test_a_thread_cannot_keep_the_process(daemon: bool, seconds: float, ended: list[int]) -> None:
    """Cron must not wait for ever for a run that is over."""
    before, free = threading.enumerate(), threading.Event()
    busy = threading.Thread(target=free.wait, args=(seconds,), daemon=daemon, name="left-behind")
    busy.start()
    codes: list[int] = []
    said: list[str] = []
    leave(7, before, said.append, patience=0.3, end=codes.append)
    free.set()
    busy.join()
    assert codes == ended
    assert all("'left-behind'" in line for line in said)
    assert bool(said) is bool(ended)


def test_a_pool_that_has_nothing_to_do_is_not_waited_for() -> None:
    """Its threads are no daemons, and Python ends them by itself."""
    before = threading.enumerate()
    pool = ThreadPoolExecutor(2)
    pool.submit(int).result()
    codes: list[int] = []
    leave(0, before, print, patience=0.2, end=codes.append)
    pool.shutdown()
    assert codes == []


LEAVER = """
import asyncio, os, sys, threading
from scraper import Spider

class Leaver(Spider):
    async def parse(self, page):
        print("said by the spider")
        sys.stdout.close()
        async def stays():
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    pass
        self.kept = asyncio.ensure_future(stays())
        self.thread = asyncio.ensure_future(asyncio.to_thread(threading.Event().wait, 0.8))
        await asyncio.sleep(0)
        yield {"url": page.url}
"""


@case(
    "spiders",
    "tasks-and-threads-left-behind",
    behaviour="A callback prints, closes stdout, and leaves a task that swallows its cancellation and a busy thread.",
    expectation="The run is done, its output is there, the summary stands on stdout after what was printed, the task "
    "is named, the JSON log stays JSON, the process ends.",
    source="asyncio documentation, Runner.close waits for both",
)
@pytest.mark.slow
@pytest.mark.parametrize("option", ["--memory", "--json-log"])
def test_what_a_spider_leaves_behind_does_not_hold_the_process(option: str, tmp_path: Path) -> None:
    """With the command itself: its end is the interpreter's."""
    (tmp_path / "s.py").write_text(LEAVER)
    (tmp_path / "c.yaml").write_text("spider: s.py\nseeds: practice-shop\npoliteness: {delay: 0}\noutput: o.jsonl\n")
    done = subprocess.run([*CLI, str(tmp_path / "c.yaml"), option], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.jsonl").read_text().count("\n") == 1
    assert "stays" in done.stderr
    assert done.stdout.startswith("said by the spider\n")
    if option == "--json-log":
        assert [json.loads(line) for line in done.stderr.splitlines()]
        assert done.stdout == "said by the spider\n"
    else:
        assert "c: done" in done.stdout


@case(
    "spiders",
    "print-that-nobody-reads",
    behaviour="A callback prints, and stdout is a full disk, a pipe whose reader has left, or closed.",
    expectation="What is printed is lost; the page is none the worse for it.",
    source="`scrape crawl.yaml | head`",
)
def test_a_print_that_nobody_reads_costs_no_page() -> None:
    """The spider's print goes to a stream that never fails."""
    full = io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)
    print("x" * 100_000, file=Spoken(full), flush=True)
    with suppress(OSError):
        full.close()
    closed = io.StringIO()
    closed.close()
    print("x", file=Spoken(closed), flush=True)
    kept = io.StringIO()
    spoken = Spoken(kept)
    print("kept", file=spoken)
    spoken.close()
    assert (kept.getvalue(), spoken.encoding) == ("kept\n", kept.encoding)
