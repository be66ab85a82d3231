"""From a response to a parsed page, whatever the page was built to do to its reader.

Nearly every page is parsed here and now. Markup that does not look harmless is looked at tag by tag, and what is
hostile, or too big to be looked at while the crawl waits, goes to a child process with bounds on memory and time, which
gives back markup that is harmless or a reason to refuse it. A page that was being read when earlier processes died is
treated as hostile, and refused after one more death.

Callbacks are not run here, and nothing is fetched.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final

from scraper.engine.steps import Steps
from scraper.errors import OutOfResources
from scraper.outcome import Failed
from scraper.page import Nofollow, Page
from scraper.parsing.flatten import flatten
from scraper.parsing.gate import is_harmless, is_suspicious
from scraper.parsing.tree import nests
from scraper.response import Response
from scraper.visit import Lease

__all__ = ["HOSTILE_PAGE", "Reading"]

HOSTILE_PAGE: Final = "hostile_page"
LOOKED_AT_HERE = 1024 * 1024  # bytes; going by names takes 50 ms for so many
FLATTENED_HERE = 64 * 1024  # bytes; reading every tag takes 50 ms for so many
CHILDREN = 2  # at once
DEADLINE = 20.0  # seconds that a child has
DEATHS_TO_DISTRUST = 2  # of a process, while it read the page: from then on a child reads it first
DEATHS_TO_REFUSE = 3


class Reading:
    """Makes pages of responses."""

    def __init__(
        self,
        *,
        steps: Steps,
        nofollow: Nofollow = "ignore",
        robot: str = "",
        deadline: float = DEADLINE,
        child_memory: int | None = None,
    ) -> None:
        """`robot`: the crawler's name; `deadline`: seconds of a child; `child_memory`: its bytes, None for its own."""
        self._deadline = deadline
        self._child = [sys.executable, "-P", "-m", "scraper.parsing.child"]
        if child_memory is not None:
            self._child.append(str(child_memory))
        self.steps = steps
        self._nofollow: Nofollow = nofollow
        self._robot = robot
        self._turns = asyncio.Semaphore(CHILDREN)

    async def read(self, lease: Lease, response: Response) -> Page | Failed:
        """Return the page, parsed; Failed with the reason "hostile_page" for one that nobody should parse."""
        deaths = self.steps.deaths(lease.id)
        if deaths >= DEATHS_TO_REFUSE:
            return _refusal(response, f"{deaths} processes died while they read it; it is left alone")
        page = Page(response, nofollow=self._nofollow, robot=self._robot)
        if page.is_markup and (deaths >= DEATHS_TO_DISTRUST or _is_suspicious(response.body)):
            cleaned = await self._look(response, distrusted=deaths >= DEATHS_TO_DISTRUST)
            if isinstance(cleaned, Failed):
                return cleaned
            page = Page(response, cleaned=cleaned, nofollow=self._nofollow, robot=self._robot)
        self.steps.enter(lease)
        try:
            page.parse()
        finally:
            self.steps.leave()
        return page

    async def _look(self, response: Response, *, distrusted: bool) -> str | Failed | None:
        """Return markup to read instead, None when the response's own is harmless, or why nothing is read."""
        body = response.body if response.encoding == "utf-8" else response.text.encode()
        if not distrusted and len(body) <= LOOKED_AT_HERE:
            if is_harmless(body) and not nests(body, everywhere=True):
                return None
            if len(body) <= FLATTENED_HERE and not flatten(response.text).faults:
                return None
        async with self._turns:
            try:
                async with asyncio.timeout(self._deadline):
                    code, answer = await _ask(self._child, body)
            except TimeoutError:
                return _refusal(response, f"making it harmless took longer than {self._deadline:g} s")
            except OSError as error:  # no descriptor, process or memory left for a child; the page is not to blame
                why = f"no process could be started to read the page in: {error.strerror}; raise `ulimit -n` or `-u`"
                return Failed(OutOfResources.reason, response.status, why)
        verdict, _, rest = answer.partition(b"\n")
        if code or verdict not in (b"same", b"cleaned"):
            why = rest.decode("utf-8", "replace") or f"parsing it ended a child process ({_ending(code)})"
            return _refusal(response, why)
        return rest.decode("utf-8", "replace") if verdict == b"cleaned" else None


def _is_suspicious(body: bytes) -> bool:
    return is_suspicious(body) or nests(body)


async def _ask(command: Sequence[str], body: bytes) -> tuple[int, bytes]:
    """Return a child's exit code and its answer; the child never outlives this call."""
    paths = os.pathsep.join(filter(None, sys.path))  # the child finds what this process found
    child = await asyncio.create_subprocess_exec(
        *command, stdin=-1, stdout=-1, stderr=-3, start_new_session=True, env={**os.environ, "PYTHONPATH": paths}
    )
    try:
        answer, _ = await child.communicate(body)
        return child.returncode or 0, answer
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def _ending(code: int) -> str:
    return f"signal {-code}: memory or time ran out" if code < 0 else f"exit code {code}"


def _refusal(response: Response, why: str) -> Failed:
    return Failed(HOSTILE_PAGE, response.status, f"the page was built to hurt its reader: {why}")
