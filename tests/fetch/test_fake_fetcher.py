"""What the fake promises besides the contract: forms of answers, a record of visits, time from its clock."""

from __future__ import annotations

import doctest

import pytest

from scraper.errors import ConnectionError, DNSError, ReadTimeout  # noqa: A004
from scraper.request import Request
from scraper.testing import fake_fetcher
from scraper.testing.fake_fetcher import FakeFetcher


class Ticking:
    """A clock on which waiting takes no time."""

    def __init__(self):
        self.time = 100.0

    def now(self):
        return self.time

    async def wait(self, event, timeout):
        self.time += timeout
        return False


async def test_every_form_of_answer_is_a_response():
    """Bodies, pairs, triples and functions of the request."""
    site = {
        "http://a.test": "text",
        "http://a.test/bytes": b"\xff",
        "http://a.test/two": (500, "down"),
        "http://a.test/three": (200, {"content-type": "text/csv"}, "a,b"),
        "http://a.test/asked": lambda request: f"{request.method} {request.body!r}",
    }
    async with FakeFetcher(site) as fetcher:
        answers = [await fetcher.fetch(Request(url, method="POST", body=b"x")) for url in site]
    assert [answer.text for answer in answers] == ["text", "\u00ff", "down", "a,b", "POST b'x'"]
    assert [answer.status for answer in answers] == [200, 200, 500, 200, 200]
    assert answers[0].headers["content-type"] == "text/html; charset=utf-8"
    assert "content-type" not in answers[1].headers


async def test_what_is_not_there_is_404_and_robots_txt_too():
    """A site without a robots.txt has none."""
    async with FakeFetcher({}) as fetcher:
        for url in ("http://a.test/x", "https://b.test/robots.txt"):
            assert (await fetcher.fetch(Request(url))).status == 404
        assert fetcher.urls == ["http://a.test/x", "https://b.test/robots.txt"]


async def test_urls_of_the_site_may_be_written_in_any_form():
    """The site's keys are made canonical, as requests are."""
    async with FakeFetcher({"HTTP://A.test:80/caf\u00e9": "here"}) as fetcher:
        assert (await fetcher.fetch(Request("http://a.test/caf%C3%A9"))).text == "here"


async def test_an_exception_fails_each_visit_anew():
    """One entry, many failures: each has its own request."""
    entry = DNSError("no such host")
    async with FakeFetcher({"http://a.test/": entry}) as fetcher:
        errors = []
        for _ in range(2):
            with pytest.raises(DNSError, match="no such host") as caught:
                await fetcher.fetch(Request("http://a.test/"))
            errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert errors[0].request.url == "http://a.test/"
    assert entry.request is None


async def test_a_function_may_answer_with_an_exception():
    """A server that fails now and then."""
    answers = iter([ConnectionError("reset"), "back again"])
    async with FakeFetcher({"http://a.test/": lambda _: next(answers)}) as fetcher:
        with pytest.raises(ConnectionError):
            await fetcher.fetch(Request("http://a.test/"))
        assert (await fetcher.fetch(Request("http://a.test/"))).text == "back again"


async def test_latency_passes_on_the_given_clock():
    """Visits are stamped when they begin; a timeout shorter than the latency is a ReadTimeout."""
    clock = Ticking()
    async with FakeFetcher({"http://a.test/": "a"}, clock=clock, latency=2.0) as fetcher:
        response = await fetcher.fetch(Request("http://a.test/"))
        assert (response.sent_at, response.elapsed, clock.now()) == (100.0, 2.0, 102.0)
        with pytest.raises(ReadTimeout):
            await fetcher.fetch(Request("http://a.test/"), timeout=0.5)
        assert [visit.at for visit in fetcher.visits] == [100.0, 102.0]
    assert clock.now() == 102.5


async def test_what_is_no_answer_is_named():
    """A mistake in a test's site is a TypeError with the cure."""
    async with FakeFetcher({"http://a.test/": 7}) as fetcher:
        with pytest.raises(TypeError, match="7 is no answer"):
            await fetcher.fetch(Request("http://a.test/"))


def test_the_example_runs():
    """The docstring's example is true."""
    assert doctest.testmod(fake_fetcher).failed == 0
    assert doctest.testmod(fake_fetcher).attempted > 0
