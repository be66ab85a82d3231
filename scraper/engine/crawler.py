"""The straight line: a bounded pool of workers over a bounded queue, and the life of a URL in one function.

`Door` is the one way in: seeds, links and redirect targets all pass it, and the frontier behind it. `visit` is the
one way through: every lease ends in exactly one outcome, handed to the committer. No worker ever sleeps: waiting for a
host, for a retry or for robots.txt happens in the frontier. Nothing here decides what a policy, the gate or the
frontier decides.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterable

from scraper.clock import Clock
from scraper.engine.committer import Committer
from scraper.engine.door import Door
from scraper.engine.harvest import gather
from scraper.engine.limits import Limits
from scraper.engine.reading import Reading
from scraper.errors import OutOfResources, RequestException, UnsafeAddress
from scraper.fetch.base import Fetcher, Terms, Wanted, terms
from scraper.fetch.gate import Gate
from scraper.frontier.base import Frontier, HostPolicy
from scraper.outcome import Failed, Fetched, Moved, Outcome, Reason, Refused, Retry
from scraper.policy.pace import Heard, sign_of
from scraper.policy.redirect import follow
from scraper.policy.retry import RetryPolicy, retry_after
from scraper.policy.robots import ENOUGH, HOPS
from scraper.policy.scope import Scope
from scraper.request import Request
from scraper.response import Response
from scraper.spider import Spider
from scraper.visit import Lease, Visit

__all__ = ["Crawler"]

CLEAN_UP = 1.0  # seconds that a cancelled callback has for its own clean-up


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
        reading: Reading,
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
        self._door = Door(scope, frontier.knows)
        self._retry = retry
        self._committer = committer
        self._clock = clock
        self._reading = reading
        self._size = self._open = workers
        self._limits = limits
        self._drain = drain
        self._pages = pages
        self._items = items
        self._ready: asyncio.Queue[Lease | None] = asyncio.Queue(workers)
        self._busy = 0  # leases that were handed out and have not come to their visit's end
        self._idle = asyncio.Event()
        self._ended = asyncio.Event()
        self._handing_over: set[asyncio.Task[None]] = set()
        self.stopped_by = ""  # "" while it goes on or when it came to its natural end

    @property
    def busy(self) -> int:
        """The number of requests under way."""
        return self._busy

    # -- the way in --------------------------------------------------------------------------------------------------

    async def submit(self, requests: Iterable[Request]) -> tuple[tuple[str, Reason], ...]:
        """Let seeds in; return those that may not be in the crawl. Raises SpiderError for a seed that is not plain."""
        entering = self._door.admit([request.plain() for request in requests])
        await self._frontier.offer(entering.requests, entering.refusals)
        return entering.refusals

    # -- the way through ---------------------------------------------------------------------------------------------

    async def visit(self, lease: Lease) -> Visit:
        """The life of a URL, from its lease to its outcome."""
        if lease.is_robots:
            return await self._visit_robots(lease)
        if refusal := lease.refusal or self._gate.refuses(lease.request):
            self._frontier.release(lease, None)
            return Visit(lease, refusal)
        answer = await self._fetch(lease, self._limits.body)
        if isinstance(answer, UnsafeAddress):
            return Visit(lease, Refused(Reason.UNSAFE_ADDRESS, str(answer)))
        if isinstance(answer, RequestException):
            return Visit(lease, self._trouble(lease, answer.reason, 0, None, str(answer)))
        if answer.is_redirect:
            return Visit(lease, self._redirect(lease, answer))
        if not 200 <= answer.status < 300:
            wait = self._asked_to_wait(answer)
            return Visit(lease, self._trouble(lease, "", answer.status, wait, answer.reason))
        return await self._read(lease, answer)

    async def _fetch(self, lease: Lease, body: Wanted, enough: int | None = None) -> Response | RequestException:
        """Make the request and give the host's slot back; a failure of this one request is a value."""
        started = self._clock.now()
        sent_at: float | None = started
        heard: Heard | None = None
        mark = terms.set(Terms(sent=lambda at: self._frontier.sent(lease, at), enough=enough, body=body))
        try:
            response = await self._fetcher.fetch(lease.request)
            sent_at = response.sent_at or started
            heard = Heard(sign_of(response.status), started, self._clock.now() - sent_at)
            return response
        except (UnsafeAddress, OutOfResources) as error:
            sent_at = None
            return error
        except RequestException as error:
            sent_at = self._clock.now()
            heard = Heard(sign_of(0, error.reason), started, sent_at - started)
            return error
        finally:
            terms.reset(mark)
            self._frontier.release(lease, sent_at, heard)

    async def _read(self, lease: Lease, response: Response) -> Visit:
        """Give the page to the spider's callback and take what it yields."""
        page = await self._reading.read(lease, response)
        if isinstance(page, Failed):
            return Visit(lease, self._trouble(lease, page.reason, page.status, None, page.detail))
        harvest = await gather(self._spider, lease, page, self._reading.steps, self._limits.patience)
        links = self._door.admit(harvest.wanted, harvest.refusals, links=self._limits.links_per_page)
        records = harvest.records
        if self._limits.items is not None:
            records = records[: max(0, self._limits.items - self._items)]
        self._items += len(records)
        self._pages += 1
        self._mind_limits()
        outcome: Outcome = Fetched(response.status, len(response.body), response.elapsed, response.truncated)
        if harvest.crash:
            outcome = Failed("callback", response.status, harvest.crash)
        return Visit(lease, outcome, tuple(records), *links, faults=tuple(harvest.faults))

    def _redirect(self, lease: Lease, response: Response) -> Outcome:
        """Return where a redirect leads, if that may be in the crawl."""
        hop = follow(lease.request, response, hops=len(lease.chain), limit=self._limits.redirects)
        if isinstance(hop, Moved):
            refusal = self._door.refuses(lease.request.at(hop.target))
            if refusal:
                cure = "; to let it in, add its host to scope.hosts" if refusal is Reason.OFF_SCOPE else ""
                return Refused(refusal, f"redirects to {hop.target}{cure}")
        return hop

    def _trouble(self, lease: Lease, reason: str, status: int, wait: float | None, detail: str) -> Retry | Failed:
        """Return what becomes of a request that brought no page; a site that asks for a rest gets it as a whole."""
        outcome = self._retry.judge(
            attempt=lease.attempt + 1,
            method=lease.request.method,
            repeat=lease.request.retry,
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
        """Return the seconds of a Retry-After, whatever is wrong: RFC 9110 10.2.3 names 503, sites use others too."""
        if response.status < 400 or "retry-after" not in response.headers:
            return None
        wait, date = response.headers["retry-after"], response.headers.get("date", "")
        return retry_after(wait, self._clock.wall(), self._limits.retry_after, date=date)

    async def _visit_robots(self, lease: Lease) -> Visit:
        """Ask an origin for its robots.txt and tell gate and frontier what it said, or where it is."""
        answer = await self._fetch(lease, "page", ENOUGH)  # half of one is none
        if isinstance(answer, Response) and answer.is_redirect:
            hop = follow(lease.request, answer, hops=len(lease.chain), limit=HOPS)
            if isinstance(hop, Moved):
                self._frontier.host_policy(lease.origin, HostPolicy(robots_at=hop.target))
                return Visit(lease, hop)
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
            for patience in (CLEAN_UP, None):  # a callback may swallow its first cancellation, not the second
                for worker in late - self._handing_over:
                    worker.cancel()
                _, late = await asyncio.wait(workers, timeout=patience)
            self._ended.set()
            await self._committer.close()
            await asyncio.wait([committing, timing])

    def stop(self, why: str) -> None:
        """Take no more work; what is under way may end."""
        self.stopped_by = self.stopped_by or why
        self._frontier.stop()
        self._idle.set()

    def narrow(self, workers: int) -> None:
        """Let at most so many requests be under way from now on."""
        self._open = workers
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
        free = self._open - self._busy
        if self._limits.pages is not None:
            free = min(free, self._limits.pages - self._pages - self._busy)
        return max(0, free)

    def _mind_limits(self) -> None:
        """Stop at a limit that is reached."""
        if reached := self._limits.reached(self._pages, self._items):
            self.stop(reached)

    async def _work(self) -> None:
        """Visit what is ready, one request at a time, for as long as there is any."""
        worker = asyncio.current_task()
        assert worker is not None
        while (lease := await self._ready.get()) is not None:
            try:
                visit = await self._visit_safely(lease)
                self._handing_over.add(worker)  # it is done but for a disk that is behind: no reason to lose it
                await self._committer.put(visit)
            finally:
                self._handing_over.discard(worker)
                self._busy -= 1
                self._idle.set()

    async def _visit_safely(self, lease: Lease) -> Visit:
        """Visit; a fault of our own costs this page, loudly, not the crawl: it would meet the page again for ever."""
        try:
            return await self.visit(lease)
        except Exception as error:
            if lease.is_robots:  # its host's pages wait for an answer
                _, policy = self._gate.learn(lease.origin, RequestException(repr(error)), None)
                self._frontier.host_policy(lease.origin, policy)
            return Visit(lease, Failed("internal", detail=traceback.format_exc()))

    async def _keep_time(self) -> None:
        if not await self._clock.wait(self._ended, self._limits.seconds):
            self.stop("limits.time")

    def __repr__(self) -> str:
        return f"<Crawler {self._busy} of {self._size} workers busy | {self._frontier!r}>"
