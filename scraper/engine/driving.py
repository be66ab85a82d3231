"""Run a coroutine of somebody else's, step by step, so that it cannot take the crawl along.

Each step, the time between two awaits, is one of `steps`: it leaves a crumb and is watched. What a callback does to the
event loop or to the worker that runs it (stops the one, cancels the other) is undone and becomes the callback's error.
A cancellation that it swallows is respected once, for a clean-up that takes a moment; the second one ends it.

Nothing here knows pages or items.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, TypeVar

from scraper.engine.steps import Steps
from scraper.errors import SpiderError
from scraper.visit import Lease

__all__ = ["drive"]

T = TypeVar("T")


@types.coroutine
def drive(work: Coroutine[Any, Any, T], *, steps: Steps, lease: Lease) -> Generator[Any, Any, T]:
    """Run `work` and return what it returns; raises what it raises, and SpiderError when it reaches for the crawl."""
    worker = asyncio.current_task()
    assert worker is not None
    resume: Callable[[Any], Any] = work.send
    value: Any = None
    told = False
    while True:
        done, awaited = _step(resume, value, worker, steps, lease)
        if isinstance(awaited, SpiderError):
            yield from _absorb()
            _close(work)
            raise awaited
        if done:
            return awaited  # type: ignore[no-any-return]
        try:
            value, resume = (yield awaited), work.send
        except BaseException as error:
            if told:
                _close(work)
                raise
            told = isinstance(error, asyncio.CancelledError)
            value, resume = error, work.throw


def _step(
    resume: Callable[[Any], Any], value: Any, worker: asyncio.Task[Any], steps: Steps, lease: Lease
) -> tuple[bool, Any]:
    """Do one step; return whether it was the last, and the result, what is awaited, or a SpiderError."""
    loop = worker.get_loop()
    cancelled, stopping = worker.cancelling(), _is_stopping(loop)
    steps.enter(lease)
    try:
        done, got = False, resume(value)
    except StopIteration as end:
        done, got = True, end.value
    finally:
        steps.leave()
        wrong = None
        if worker.cancelling() > cancelled:
            wrong = SpiderError("the callback cancelled the crawl's own task")
            while worker.cancelling() > cancelled:
                worker.uncancel()
        if not stopping and _is_stopping(loop):
            wrong = SpiderError("the callback stopped the crawl's event loop")
            loop._stopping = False  # type: ignore[attr-defined]
    return done, got if wrong is None else wrong


def _is_stopping(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether `loop.stop()` was called; loops that do not say so cannot be kept from it."""
    return bool(getattr(loop, "_stopping", False))


def _absorb() -> Generator[Any, Any, None]:
    """Let a cancellation that is under way arrive, and end here."""
    with suppress(asyncio.CancelledError):
        yield


def _close(work: Coroutine[Any, Any, Any]) -> None:
    with suppress(Exception):  # it may swallow this as well; nobody resumes it again
        work.close()
