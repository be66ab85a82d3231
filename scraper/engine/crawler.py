"""The straight line: a bounded pool of workers over a bounded queue, and the life of a URL in one function.

`admit` is the one door in: seeds, links and redirect targets all pass it, and the frontier behind it. `visit` is the
one way through: every lease ends in exactly one outcome, handed to the committer. No worker ever sleeps: waiting for a
host, for a retry or for robots.txt happens in the frontier. Nothing here decides what a policy, the gate or the
frontier decides.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scraper.clock import Clock
from scraper.engine.committer import Committer
from scraper.engine.harvest import gather
from scraper.errors import RequestException
from scraper.fetch.base import Fetcher
from scraper.fetch.gate import Gate
from scraper.frontier.base import Frontier, HostPolicy
from scraper.outcome import Failed, Fetched, Moved, Outcome, Reason, Refused, Retry
from scraper.page import Page
from scraper.policy.redirect import location_of
from scraper.policy.retry import RetryPolicy, retry_after
from scraper.policy.scope import Scope
from scraper.request import Request
from scraper.response import Response
from scraper.spider import Spider
from scraper.urls import join
from scraper.visit import Lease, Visit

__all__ = ["Crawler", "Limits"]

ROBOTS_HOPS = 5  # RFC 9309, 2.3.1.2: follow at least five redirects of robots.txt


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a run ends by choice; None: nowhere."""

    pages: int | None
    items: int | None
    seconds: float | None
    redirects: int
    links_per_page: int
    retry_after: float  # seconds; what a server may ask for at most


class Crawler:
    """One crawl, from its seeds until nothing is queued and nothing is in flight."""

    def __init__(
        self,
        spider: Spider,
        *,
        frontier: Frontier,
        fetcher: Fetcher,
        gate: Gate,
        scope: Scope,
        retry: RetryPolicy,
        committer: Committer,
        clock: Clock,
        workers: int,
        limits: Limits,
        drain: float,
        pages: int = 0,
        items: int = 0,
    ) -> None:
        """`drain`: seconds that visits under way get after a stop; `pages`, `items`: committed before a resume."""
        self._spider = spider
        self._frontier = frontier
        self._fetcher = fetcher
        self._gate = gate
        self._scope = scope
        self._retry = retry
        self._committer = committer
        self._clock = clock
        self._size = workers
        self._limits = limits
        self._drain = drain
        self._pages = pages
        self._items = items
        self._ready: asyncio.Queue[Lease | None] = asyncio.Queue(workers)
        self._busy = 0  # leases that were handed out and have not come to their visit's end
        self._idle = asyncio.Event()
        self._ended = asyncio.Event()
        self.stopped_by = ""  # "" while it goes on or when it came to its natural end

    @property
    def busy(self) -> int:
        """The number of requests under way."""
        return self._busy

    # -- the way in --------------------------------------------------------------------------------------------------

    async def submit(self, requests: Iterable[Request]) -> tuple[tuple[str, Reason], ...]:
        """Let seeds in; return those that may not be in the crawl. Raises SpiderError for a seed that is not plain."""
        accepted, refused = self.admit([request.plain() for request in requests], ())
        await self._frontier.offer(accepted, refused)
        return refused

    def admit(
        self, requests: Sequence[Request], refusals: Sequence[tuple[str, Reason]]
    ) -> tuple[tuple[Request, ...], tuple[tuple[str, Reason], ...]]:
        """Split what wants to enter into what may and what may not, with the reason. The frontier then dedupes."""
        accepted: list[Request] = []
        refused = list(refusals)
        for request in requests:
            reason = self._scope.refuses(request)
            if reason is None and len(accepted) >= self._limits.links_per_page:
                reason = Reason.TOO_MANY_LINKS
            if reason is None:
                accepted.append(request)
            else:
                refused.append((request.url, reason))
        return tuple(accepted), tuple(refused)

    # -- the way through ---------------------------------------------------------------------------------------------

    async def visit(self, lease: Lease) -> Visit:
        """The life of a URL, from its lease to its outcome."""
        if lease.is_robots:
            return await self._visit_robots(lease)
        if refusal := self._gate.refuses(lease.request):
            self._frontier.release(lease, None)
            return Visit(lease, refusal)
        answer = await self._fetch(lease)
        if isinstance(answer, RequestException):
            return Visit(lease, self._trouble(lease, answer.reason, 0, None, str(answer)))
        if answer.is_redirect:
            return Visit(lease, self._redirect(lease, answer))
        if not 200 <= answer.status < 300:
            wait = self._asked_to_wait(answer)
            return Visit(lease, self._trouble(lease, "", answer.status, wait, answer.reason))
        return await self._read(lease, answer)

    async def _fetch(self, lease: Lease) -> Response | RequestException:
        """Make the request and give the host's slot back; a failure of this one request is a value."""
        sent_at: float | None = self._clock.now()
        try:
            response = await self._fetcher.fetch(lease.request)
            sent_at = response.sent_at or sent_at
            return response
        except RequestException as error:
            sent_at = self._clock.now()
            return error
        finally:
            self._frontier.release(lease, sent_at)

    async def _read(self, lease: Lease, response: Response) -> Visit:
        """Give the page to the spider's callback and take what it yields."""
        page = Page(response)
        harvest = await gather(self._spider, lease.request.callback, page)
        requests, refusals = self.admit(harvest.requests, harvest.refusals)
        records = harvest.records
        if self._limits.items is not None:
            records = records[: max(0, self._limits.items - self._items)]
        self._items += len(records)
        self._pages += 1
        self._mind_limits()
        outcome: Outcome = Fetched(response.status, len(response.body), response.elapsed)
        faults = harvest.faults
        if harvest.crash:
            outcome = Failed("callback", response.status, harvest.crash)
        return Visit(lease, outcome, tuple(records), requests, refusals, tuple(faults))

    def _redirect(self, lease: Lease, response: Response) -> Outcome:
        """Return where a redirect leads, if that may be in the crawl."""
        if len(lease.chain) >= self._limits.redirects:
            return Refused(Reason.REDIRECT_LIMIT, f"more than {self._limits.redirects} redirects")
        try:
            target = join(lease.request.url, location_of(response))
        except RequestException as error:
            reason = Reason.SCHEME if error.reason == Reason.SCHEME else Reason.INVALID_URL
            return Refused(reason, f"redirects to {error}")
        _, refused = self.admit([replace(lease.request, url=target)], ())
        if refused:
            cure = "; to let it in, add its host to scope.hosts" if refused[0][1] is Reason.OFF_SCOPE else ""
            return Refused(refused[0][1], f"redirects to {target}{cure}")
        return Moved(target, response.status)

    def _trouble(self, lease: Lease, reason: str, status: int, wait: float | None, detail: str) -> Retry | Failed:
        """Return what becomes of a request that brought no page; a site that asks for a rest gets it as a whole."""
        outcome = self._retry.judge(
            attempt=lease.attempt + 1,
            method=lease.request.method,
            reason=reason,
            status=status,
            retry_after=wait,
            detail=detail,
        )
        if wait is not None:
            policy = HostPolicy(rest_until=self._clock.now() + min(wait, self._limits.retry_after))
            self._frontier.host_policy(lease.origin, policy)
        return outcome

    def _asked_to_wait(self, response: Response) -> float | None:
        """Return the seconds of a Retry-After that comes with 429 or 503 (RFC 6585 4, RFC 9110 10.2.3)."""
        if response.status not in (429, 503) or "retry-after" not in response.headers:
            return None
        return retry_after(response.headers["retry-after"], self._clock.wall(), self._limits.retry_after)

    async def _visit_robots(self, lease: Lease) -> Visit:
        """Ask an origin for its robots.txt and tell gate and frontier what it said."""
        answer = await self._fetch(lease)
        hops = 0
        while isinstance(answer, Response) and answer.is_redirect and hops < ROBOTS_HOPS:
            hops += 1
            try:
                answer = await self._fetcher.fetch(Request(join(answer.url, location_of(answer))))
            except RequestException as error:
                answer = error
        wait = self._asked_to_wait(answer) if isinstance(answer, Response) else None
        outcome, policy = self._gate.learn(lease.origin, answer, wait)
        self._frontier.host_policy(lease.origin, policy)
        return Visit(lease, outcome)

    # -- the pool ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Crawl until the end, a limit or `stop`; everything that was visited is committed when this returns.

        Raises StateError or SinkError when the crawl's memory or an output cannot be written, and SpiderError for a
        seed that cannot be requested. Cancelling it loses nothing that was committed.
        """
        self._mind_limits()  # an earlier process may have come to one
        async with asyncio.TaskGroup() as group:
            committing = group.create_task(self._committer.run())
            workers = [group.create_task(self._work()) for _ in range(self._size)]
            timing = group.create_task(self._keep_time())
            await self._dispatch()
            for _ in workers:
                await self._ready.put(None)
            _, late = await asyncio.wait(workers, timeout=self._drain if self.stopped_by else None)
            for worker in late:
                worker.cancel()
            await asyncio.wait(workers)
            self._ended.set()
            await self._committer.close()
            await asyncio.wait([committing, timing])

    def stop(self, why: str) -> None:
        """Take no more work; what is under way may end."""
        self.stopped_by = self.stopped_by or why
        self._frontier.stop()
        self._idle.set()

    async def _dispatch(self) -> None:
        """Lease as many requests as there are idle workers, until the frontier or a limit says that it is over."""
        while not self.stopped_by:
            free = self._allowance()
            if not free:
                self._idle.clear()
                await self._idle.wait()
                continue
            leases = await self._frontier.lease(free)
            if not leases:
                break
            self._busy += len(leases)
            for lease in leases:
                self._ready.put_nowait(lease)

    def _allowance(self) -> int:
        """Return how many more requests may be started now."""
        free = self._size - self._busy
        if self._limits.pages is not None:
            free = min(free, self._limits.pages - self._pages - self._busy)
        return max(0, free)

    def _mind_limits(self) -> None:
        """Stop at a limit that is reached."""
        limits = self._limits
        if limits.pages is not None and self._pages >= limits.pages:
            self.stop("limits.pages")
        if limits.items is not None and self._items >= limits.items:
            self.stop("limits.items")

    async def _work(self) -> None:
        """Visit what is ready, one request at a time, for as long as there is any."""
        while (lease := await self._ready.get()) is not None:
            try:
                await self._committer.put(await self._visit_safely(lease))
            finally:
                self._busy -= 1
                self._idle.set()

    async def _visit_safely(self, lease: Lease) -> Visit:
        """Visit; a fault of our own costs this page, loudly, not the crawl: it would meet the page again for ever."""
        try:
            return await self.visit(lease)
        except Exception:
            return Visit(lease, Failed("internal", detail=traceback.format_exc()))

    async def _keep_time(self) -> None:
        if not await self._clock.wait(self._ended, self._limits.seconds):
            self.stop("limits.time")

    def __repr__(self) -> str:
        return f"<Crawler {self._busy} of {self._size} workers busy | {self._frontier!r}>"
