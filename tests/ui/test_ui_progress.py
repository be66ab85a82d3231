"""The display of a run that goes on: what a line says, how often it is written, and what a broken stream does."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Callable
from typing import TextIO

import pytest

from scraper.engine.tally import Tally
from scraper.frontier.base import Counts
from scraper.runs.report import Progress
from scraper.testing.clock import FakeClock, run
from scraper.ui.progress import Display, line

CLEAR = "\r\x1b[K"


def progress(
    pages: int = 10, *, elapsed: float = 2.0, queued: int = 5, accepted: int = 20, resumed: int = 0
) -> Progress:
    """Return a run at some moment."""
    tally = Tally(pages=pages, items=1, resumed_pages=resumed, failed=Counter(http_404=2), faults=Counter(item=1))
    return Progress(elapsed, tally, Counts(accepted, queued, 3, accepted - queued - 3), 3)


class Recorder(io.StringIO):
    """A stream that remembers when it was written to."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.times: list[float] = []

    def write(self, text: str) -> int:
        """Write, and note the time."""
        self.times.append(self._clock.now())
        return super().write(text)


def show(seconds: float, *, live: bool, ask: Callable[[], Progress] = progress, limit: int | None = None) -> Recorder:
    """Show a run for so many seconds on a clock that jumps; return what was written."""
    clock = FakeClock()
    stream = Recorder(clock)

    async def main() -> None:
        done = asyncio.Event()
        display = Display("books", ask, stream=stream, live=live, max_pages=limit)
        async with asyncio.TaskGroup() as group:
            group.create_task(display.show(clock, done))
            await clock.wait(asyncio.Event(), seconds)
            done.set()

    run(main())
    return stream


def test_a_line_says_it_all() -> None:
    """Pages, items, queue, in flight, rate, errors of both kinds, time and what is left."""
    assert line("books", progress(), 65) == (
        "books: 10 pages · 1 item · 5 queued · 3 in flight · 5/s · 3 errors · 2.00 s · about 1m 05s left"
    )
    assert "left" not in line("books", progress(), None)


def test_the_rate_is_that_of_this_process() -> None:
    """Pages of an earlier life of the run do not make this one look fast."""
    assert progress(100, elapsed=10, resumed=80).rate == 2
    assert progress(0, elapsed=0).rate == 0


def test_a_terminal_is_written_four_times_a_second() -> None:
    """In ten seconds a live line is drawn 40 times at most, and taken away at the end."""
    stream = show(10.1, live=True)
    assert 38 <= stream.getvalue().count("books: ") <= 41
    assert stream.getvalue().endswith(CLEAR)
    assert "\n" not in stream.getvalue()


def test_a_file_gets_a_plain_line_every_few_seconds() -> None:
    """Without a terminal there is one whole line every five seconds and no escape code."""
    stream = show(21, live=False)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert all(shown.startswith("books: ") for shown in lines)
    assert "\x1b" not in stream.getvalue()
    assert stream.times == pytest.approx([5, 10, 15, 20])


def test_a_short_run_shows_nothing_in_a_file() -> None:
    """A run of four seconds leaves only its summary."""
    assert show(4, live=False).getvalue() == ""


def test_what_is_left_is_told_under_a_limit() -> None:
    """With a limit of pages the time left is a division."""
    assert "about 8.00 s left" in show(6, live=False, limit=50).getvalue()


def test_what_is_left_is_told_when_the_queue_has_stopped_growing() -> None:
    """While new URLs are found nobody can know; afterwards it is what is queued and in flight."""
    accepted = iter(range(20, 1000))
    growing = show(11, live=False, ask=lambda: progress(accepted=next(accepted)))
    assert "left" not in growing.getvalue()
    assert "about 1.60 s left" in show(11, live=False).getvalue()


def test_nothing_is_left_after_the_limit() -> None:
    """In the last moments the line does not count below zero."""
    assert "about 0.00 s left" in show(6, live=False, limit=5).getvalue()


class BrokenPipe(io.StringIO):
    """A stream whose reader has left."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error
        self.tries = 0

    def write(self, text: str) -> int:
        """Fail, as the stream does."""
        self.tries += 1
        raise self._error


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space"), ValueError("closed file")])
def test_a_stream_that_is_gone_ends_the_display_and_not_the_run(error: Exception) -> None:
    """It is tried once; after that nothing is written and nothing is raised."""
    clock, stream = FakeClock(), BrokenPipe(error)

    async def main() -> bool:
        done = asyncio.Event()
        display = Display("books", progress, stream=stream, live=True, max_pages=None)
        async with asyncio.TaskGroup() as group:
            group.create_task(display.show(clock, done))
            await clock.wait(asyncio.Event(), 3)
            done.set()
        return True

    assert run(main())
    assert stream.tries == 1


def test_a_line_that_the_stream_has_no_letters_for_does_not_end_the_run() -> None:
    """The dot between the parts is not in every encoding."""
    raw = io.BytesIO()
    stream: TextIO = io.TextIOWrapper(raw, encoding="ascii")
    clock = FakeClock()

    async def main() -> None:
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(Display("books", progress, stream=stream, live=False, max_pages=None).show(clock, done))
            await clock.wait(asyncio.Event(), 12)
            done.set()

    run(main())
