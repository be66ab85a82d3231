"""The hint by which no request is made of a link that was met: it may be silent, and is never wrong."""

from __future__ import annotations

from pathlib import Path

from scraper.outcome import Fetched
from scraper.request import Request
from scraper.urls import Url
from scraper.visit import Visit
from tests.frontier.test_frontier_contract import TestSqliteInMemory as Contract

A = "http://a.test"


class TestKnows:
    """What `knows` says."""

    async def test_what_was_offered_is_known_and_nothing_else(self, tmp_path: Path) -> None:
        """A POST is another request than the GET of its URL."""
        async with Contract().opened(tmp_path) as it:
            await it.frontier.offer([Request(f"{A}/1"), Request(f"{A}/form", method="POST")])
            assert it.frontier.knows(Url(f"{A}/1"))
            assert not it.frontier.knows(Url(f"{A}/2"))
            assert not it.frontier.knows(Url(f"{A}/form"))

    async def test_links_that_nobody_looked_at_are_counted(self, tmp_path: Path) -> None:
        """They are duplicates like others."""
        async with Contract().opened(tmp_path) as it:
            await it.frontier.offer([Request(f"{A}/1")])
            (lease,) = await it.frontier.lease(1)
            it.frontier.release(lease, None)
            links = (Request(f"{A}/1"), Request(f"{A}/2"))
            committed = await it.frontier.commit([Visit(lease, Fetched(200), requests=links, known=7)], {})
            assert (committed.accepted, committed.duplicates) == (1, 8)
