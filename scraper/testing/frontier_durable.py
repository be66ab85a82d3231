"""The rules that a frontier keeps whose memory outlives a process, as tests: `FrontierContract`, and these.

    class TestMyFrontier(DurableFrontierContract):
        def make(self, folder, clock, **politeness): return MyFrontier(folder / "run", clock=clock, **politeness)

Invariants checked: what was committed is there for the next process, what was not is leased again, in the old order;
the next process is as polite as the one before it would have been.
"""

from __future__ import annotations

from pathlib import Path

from scraper.frontier.base import HostPolicy, OutputState
from scraper.outcome import Fetched, Moved, Reason, Retry
from scraper.request import Request
from scraper.testing.frontier_contract import FrontierContract, rule
from scraper.testing.frontier_steps import EPOCH, WaitingClock
from scraper.urls import canonical
from scraper.visit import Visit

__all__ = ["DurableFrontierContract"]

A, B = "http://a.test", "http://b.test"
DAY = 86_400.0  # seconds


class DurableFrontierContract(FrontierContract):
    """Subclass it as `Test…` in a test module; `make` is called again for each process on the same folder."""

    @rule
    async def test_what_was_not_committed_is_leased_again(self, tmp_path: Path) -> None:
        """Pending is what was accepted and has not ended, in the old order; a kill forgets leases and nothing else."""
        async with self.opened(tmp_path) as it:
            await it.offer(*(f"{A}/{n}" for n in range(4)), Request(f"{A}/high", priority=1))
            await it.end(await it.one())
            await it.end(await it.one(), Fetched(200), f"{A}/link")
            await it.frontier.offer([], [("mailto:x", Reason.SCHEME)])
            it.release(await it.one())
            await it.one()
        async with self.opened(tmp_path, clock=WaitingClock(-1e6, wall=EPOCH + 1)) as it:
            assert (it.resumed.status, it.resumed.counts.accepted, it.resumed.counts.finished) == ("running", 6, 2)
            again = await it.frontier.offer([Request(f"{A}/high"), Request(f"{A}/link")], [("mailto:x", Reason.SCHEME)])
            assert (again.accepted, again.duplicates, dict(again.refused)) == (0, 2, {})
            assert await it.drain() == [f"{A}/{n}" for n in ("1", "2", "3", "link")]

    @rule
    async def test_a_request_comes_back_as_it_was(self, tmp_path: Path) -> None:
        """Everything that it carries survives, and what a redirect made of it."""
        full = Request(
            f"{A}/form?é=1",
            "answer",
            method="POST",
            headers={"Accept-Language": "ü", "X-É": "ü", "Cookie": "secret"},
            body=bytes(range(256)),
            meta={"n": [1, 2.5, None, True, {"ß": "日本 😀"}]},
            priority=-3,
            depth=7,
        )
        async with self.opened(tmp_path) as it:
            await it.offer(full)
            lease = await it.one()
            assert lease.request == full
            it.release(lease)
        async with self.opened(tmp_path) as it:
            again = await it.one()
            assert again.request == full
            await it.end(again, Moved(canonical(f"{B}/done"), 307))
            hop = await it.one()
        async with self.opened(tmp_path) as it:
            assert await it.one() == hop
            assert hop.request.headers == (("Accept-Language", "ü"),)

    @rule
    async def test_retry_waits_and_tries_survive(self, tmp_path: Path) -> None:
        """By the wall, since a new process has another monotonic clock; one that is set back costs a day at most."""
        for later, least, most in ((20.0, 80.0, 80.0), (200.0, 0.0, 0.0), (-1e9, 80.0, DAY)):
            folder = tmp_path / str(later)
            folder.mkdir()
            async with self.opened(folder) as it:
                await it.offer(f"{A}/1")
                await it.end(await it.one(), Retry("timeout", 100.0))
            clock = WaitingClock(-5000.0, wall=EPOCH + later)
            async with self.opened(folder, clock=clock) as it:
                assert (await it.one()).attempt == 1
                assert least <= clock.now() + 5000.0 <= most

    @rule
    async def test_offsets_status_and_history_are_what_was_committed(self, tmp_path: Path) -> None:
        """A new process knows its run, its outputs and what earlier ones came to."""
        async with self.opened(tmp_path, outputs={"x": OutputState({"path": "ü"}, 5), "y": OutputState({}, 0)}) as it:
            await it.offer(f"{A}/1", f"{A}/2", f"{A}/3")
            lease = await it.one()
            visit = Visit(lease, Fetched(200, bytes=10), ({"a": 1}, {"a": 2}), refusals=(("x:y", Reason.SCHEME),))
            it.release(lease)
            await it.frontier.commit([visit], {"x": 77})
            await it.end(await it.one(), Retry("timeout", 0.0))
            await it.frontier.mark("sealing")
        async with self.opened(tmp_path) as it:
            assert it.resumed.status == "sealing"
            assert dict(it.resumed.outputs) == {"x": OutputState({"path": "ü"}, 77), "y": OutputState({}, 0)}
            history = it.resumed.history
            assert [tuple(row) for row in history.visits] == [(1, "", 1, 2, 10)]
            assert [tuple(row) for row in history.refused] == [("scheme", 1)]
            assert (history.retries, history.redirects) == (1, 0)

    @rule
    async def test_the_chain_of_a_redirect_survives(self, tmp_path: Path) -> None:
        """A request that moved comes back at its last hop, and still owns every page of its chain."""
        async with self.opened(tmp_path) as it:
            await it.offer(f"{A}/1")
            await it.end(await it.one(), Moved(canonical(f"{B}/wall"), 302))
            await it.end(await it.one(), Moved(canonical(f"{B}/last"), 302))
            await it.offer(f"{B}/1")
        async with self.opened(tmp_path) as it:
            moved = await it.one()
            assert (moved.request.url, moved.origin, moved.chain) == (f"{B}/last", B, (f"{A}/1", f"{B}/wall"))
            assert (await it.frontier.offer([Request(f"{B}/wall"), Request(f"{B}/last")])).accepted == 0

    @rule
    async def test_the_next_process_lets_hosts_rest_too(self, tmp_path: Path) -> None:
        """A rest that a site asked for ends when it said, whoever restarted the crawl in between."""
        async with self.opened(tmp_path, delay=1.0) as it:
            await it.offer(f"{A}/1", f"{A}/2")
            await it.end(await it.one(), Retry("http_429", 100.0, 429))
            it.frontier.host_policy(A, HostPolicy(rest_until=100.0))
            await it.frontier.commit([], {})
        clock = WaitingClock(wall=EPOCH + 10.0)
        async with self.opened(tmp_path, delay=1.0, clock=clock) as it:
            await it.one()
            assert clock.now() >= 90.0

    @rule
    async def test_the_next_process_owes_hosts_their_delay_too(self, tmp_path: Path) -> None:
        """Stopping and going on is no way to make two requests at once."""
        async with self.opened(tmp_path, delay=60.0) as it:
            await it.offer(f"{A}/1", f"{A}/2")
            await it.end(await it.one())
        clock = WaitingClock(wall=EPOCH + 10.0)
        async with self.opened(tmp_path, delay=60.0, clock=clock) as it:
            await it.one()
            assert clock.now() >= 50.0

    @rule
    async def test_an_origin_that_was_only_spoken_of_changes_nothing(self, tmp_path: Path) -> None:
        """What is known of an origin without requests must not shift the hosts of those that have some."""
        async with self.opened(tmp_path) as it:
            it.frontier.host_policy("http://early.test", HostPolicy(crawl_delay=1.0))
            await it.offer(f"{A}/1", f"{B}/1")
        async with self.opened(tmp_path) as it:
            assert {(lease.origin, str(lease.request.url)) for lease in await it.lease()} == {
                (A, f"{A}/1"),
                (B, f"{B}/1"),
            }
