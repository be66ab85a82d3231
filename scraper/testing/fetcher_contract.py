"""The contract of a Fetcher, as tests: subclass `FetcherContract` and let pytest (asyncio_mode=auto) collect it.

    class TestMyFetcher(FetcherContract):
        @asynccontextmanager
        async def serve(self, site):
            async with my_server(site) as base, MyFetcher(...) as fetcher:
                yield fetcher, base

Only what every fetcher promises stands here; what one of them can do besides is tested beside it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from enum import Enum

from scraper.errors import (
    ConnectionError,  # noqa: A004 - requests' own name
    RequestException,
    Timeout,
)
from scraper.fetch.base import Fetcher
from scraper.request import Request

__all__ = ["FetcherContract", "Page", "Site", "Trouble"]

Page = tuple[int, Mapping[str, str], bytes]  # status, headers, body

PATIENCE = 0.05  # seconds that a test waits for an answer which does not come
MANY = 20  # fetches at a time


class Trouble(Enum):
    """What a server does instead of answering."""

    HANG_UP = "close the connection without an answer"
    SILENCE = "keep the connection and say nothing"


Site = Mapping[str, Page | Trouble | Callable[[Request], Page]]  # path -> what is there


class FetcherContract(ABC):
    """What every Fetcher promises; `serve` is all that a subclass has to write."""

    @abstractmethod
    def serve(self, site: Site) -> AbstractAsyncContextManager[tuple[Fetcher, str]]:
        """Make `site` exist; yield an open fetcher and the site's base URL, without a slash at its end."""

    async def test_a_response_carries_status_headers_body_and_its_request(self) -> None:
        """What the server sent is what the response has."""
        every_byte = bytes(range(256))
        async with self.serve({"/a": (200, {"Content-Type": "application/x-a", "X-One": "1"}, every_byte)}) as (
            it,
            base,
        ):
            request = Request(f"{base}/a?b=c")
            response = await it.fetch(Request(f"{base}/a"))
            assert (response.status, response.body) == (200, every_byte)
            assert (response.headers["x-one"], response.headers["CONTENT-TYPE"]) == ("1", "application/x-a")
            assert (response.url, response.history) == (f"{base}/a", ())
            assert (await it.fetch(request)).request is request

    async def test_an_error_status_is_an_answer(self) -> None:
        """404 and 503 come back as responses; nothing is raised and nothing is tried again."""
        calls: list[str] = []

        def down(request: Request) -> Page:
            calls.append(request.url)
            return 503, {"Retry-After": "1"}, b"later"

        async with self.serve({"/down": down}) as (it, base):
            assert (await it.fetch(Request(f"{base}/nowhere"))).status == 404
            assert (await it.fetch(Request(f"{base}/down"))).status == 503
        assert len(calls) == 1

    async def test_a_redirect_is_not_followed(self) -> None:
        """A redirect comes back as it is; its target is not visited."""
        calls: list[str] = []

        def target(request: Request) -> Page:
            calls.append(request.url)
            return 200, {}, b""

        async with self.serve({"/old": (302, {"Location": "/new"}, b""), "/new": target}) as (it, base):
            response = await it.fetch(Request(f"{base}/old"))
        assert (response.status, response.headers["location"], calls) == (302, "/new", [])

    async def test_method_headers_and_body_reach_the_server(self) -> None:
        """The request arrives as it was made."""
        seen: list[Request] = []

        def note(request: Request) -> Page:
            seen.append(request)
            return 200, {}, b"ok"

        async with self.serve({"/form": note}) as (it, base):
            await it.fetch(Request(f"{base}/form", method="POST", headers={"X-Mine": "yes"}, body=b"a=1"))
        assert (seen[0].method, seen[0].body) == ("POST", b"a=1")
        assert "yes" in [value for name, value in seen[0].headers if name.lower() == "x-mine"]

    async def test_head_has_no_body(self) -> None:
        """HEAD brings status and headers only."""
        async with self.serve({"/a": (200, {"X-One": "1"}, b"body")}) as (it, base):
            response = await it.fetch(Request(f"{base}/a", method="HEAD"))
        assert (response.status, response.body, response.headers["x-one"]) == (200, b"", "1")

    async def test_a_server_that_hangs_up_is_a_connection_error(self) -> None:
        """No answer at all is a ConnectionError which names the request."""
        async with self.serve({"/gone": Trouble.HANG_UP}) as (it, base):
            error = await _error(it, Request(f"{base}/gone"))
        assert isinstance(error, ConnectionError)
        assert error.request is not None

    async def test_a_silent_server_is_a_timeout(self) -> None:
        """The timeout of a fetch ends it, as a Timeout, and the fetcher can go on."""
        async with self.serve({"/silent": Trouble.SILENCE, "/a": (200, {}, b"a")}) as (it, base):
            assert isinstance(await _error(it, Request(f"{base}/silent"), PATIENCE), Timeout)
            assert (await it.fetch(Request(f"{base}/a"))).body == b"a"

    async def test_many_fetches_at_once_get_their_own_answers(self) -> None:
        """Concurrent fetches do not mix."""
        site: dict[str, Page] = {f"/{number}": (200, {}, str(number).encode()) for number in range(MANY)}
        async with self.serve(site) as (it, base):
            responses = await asyncio.gather(*[it.fetch(Request(base + path)) for path in site])
        assert [response.body for response in responses] == [body for _, _, body in site.values()]

    async def test_times_say_when_and_how_long(self) -> None:
        """A later fetch was sent later, and nothing takes less than no time."""
        async with self.serve({"/a": (200, {}, b"a")}) as (it, base):
            first = await it.fetch(Request(f"{base}/a"))
            second = await it.fetch(Request(f"{base}/a"))
        assert second.sent_at >= first.sent_at + first.elapsed
        assert min(first.elapsed, second.elapsed) >= 0

    async def test_a_closed_fetcher_says_so(self) -> None:
        """Outside `async with` a fetch is a mistake of the program, not a failure of the request."""
        async with self.serve({"/a": (200, {}, b"a")}) as (it, base):
            pass
        try:
            await it.fetch(Request(f"{base}/a"))
        except RuntimeError as error:
            assert "async with" in str(error)  # noqa: PT017 - this suite does without pytest
        else:
            raise AssertionError("a closed fetcher fetched")


async def _error(fetcher: Fetcher, request: Request, timeout: float | None = None) -> RequestException:
    try:
        response = await fetcher.fetch(request, timeout=timeout)
    except RequestException as error:
        return error
    raise AssertionError(f"{response!r} came instead of an error")
