"""Run a coroutine of somebody else's, step by step, so that it cannot take the crawl along.

Each step, the time between two awaits, is one of `steps`: it leaves a crumb and is watched. What a callback does to the
event loop or to the worker that runs it (stops the one, cancels the other) is undone and becomes the callback's error.
A cancellation that it swallows is respected once, for a clean-up that takes a moment; the second one ends it. So does
the end of `patience`, and that is the callback's error too.

Nothing here knows pages or items.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, TypeVar

from scraper.engine.patience import Patience, Wait
from scraper.engine.steps import Steps
from scraper.errors import SpiderError
from scraper.visit import Lease

__all__ = ["drive"]

T = TypeVar("T")


@types.coroutine
def drive(
    work: Coroutine[Any, Any, T], worker: asyncio.Task[Any], *, steps: Steps, lease: Lease, patience: Patience
) -> Generator[Any, Any, T]:
    """Run `work` and return what it returns; raises what it raises, and SpiderError when it reaches for the crawl.

    SpiderError, too, when it waits for longer than `patience`. `worker`: the task that this runs in.
    """
    done, awaited = _do(work.send, None, worker, steps, lease)
    if isinstance(awaited, SpiderError):
        yield from _break_off(work, awaited)
    if done:
        return awaited  # type: ignore[no-any-return]
    wait = Wait(worker, work, lease, patience)
    try:
        result: T = yield from _go_on(work, awaited, wait, worker, steps, lease)
    except (Exception, asyncio.CancelledError) as error:
        if wait.over and not worker.cancelling():
            raise SpiderError(wait.reason) from error
        raise
    finally:
        wait.end()
    if wait.over:
        raise SpiderError(wait.reason)
    return result


def _go_on(
    work: Coroutine[Any, Any, T], awaited: Any, wait: Wait, worker: asyncio.Task[Any], steps: Steps, lease: Lease
) -> Generator[Any, Any, T]:
    """Run what is left of `work` after its first wait."""
    told = done = False
    while not done:
        # A time-out of its own also cancels the worker, and takes that back: only what stands has been told.
        told = told and (wait.over or worker.cancelling() > 0)
        resume: Callable[[Any], Any] = work.send
        value: Any = None
        try:
            value = yield awaited
        except BaseException as error:
            wait.take_back()
            if told:
                _close(work)
                raise
            told = isinstance(error, asyncio.CancelledError)
            value, resume = error, work.throw
        done, awaited = _do(resume, value, worker, steps, lease)
        if isinstance(awaited, SpiderError):
            yield from _break_off(work, awaited)
    return awaited  # type: ignore[no-any-return]


def _break_off(work: Coroutine[Any, Any, Any], error: SpiderError) -> Generator[Any, Any, None]:
    """End `work`, which has reached for the crawl, with `error`; a cancellation that is under way arrives first."""
    with suppress(asyncio.CancelledError):
        yield
    _close(work)
    raise error


def _do(
    resume: Callable[[Any], Any], value: Any, worker: asyncio.Task[Any], steps: Steps, lease: Lease
) -> tuple[bool, Any]:
    """Do one step; return whether it was the last, and the result, what is awaited, or a SpiderError."""
    loop = worker.get_loop()
    cancelled = worker.cancelling()
    stopping = getattr(loop, "_stopping", None)  # a loop that does not say so cannot be kept from it
    steps.enter(lease)
    try:
        done, got = False, resume(value)
    except StopIteration as end:
        done, got = True, end.value
    except GeneratorExit as error:
        if isinstance(value, GeneratorExit):
            raise
        raise SpiderError("the callback raised GeneratorExit, which is Python's own word for its end") from error
    finally:
        steps.leave()
        wrong = None
        if worker.cancelling() > cancelled:
            wrong = SpiderError("the callback cancelled the crawl's own task")
            while worker.cancelling() > cancelled:
                worker.uncancel()
        if not stopping and getattr(loop, "_stopping", None):
            wrong = SpiderError("the callback stopped the crawl's event loop")
            loop._stopping = False  # type: ignore[attr-defined]
    return done, got if wrong is None else wrong


def _close(work: Coroutine[Any, Any, Any]) -> None:
    with suppress(Exception):  # it may swallow this as well; nobody resumes it again
        work.close()
