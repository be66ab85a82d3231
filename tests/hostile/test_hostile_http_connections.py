"""Connections: kept ones that die, idle ones that cost descriptors, and how many a host ever sees."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from case import case, row, table
from http_fetching import client, fail_at
from logged import crawl
from servers import OK, Server, answer, dies_when_reused, full_port, sends

from scraper.errors import ConnectionError  # noqa: A004
from scraper.fetch.sockets import share_descriptors
from scraper.request import Request
from scraper.session import AsyncSession

ROOT = Path(__file__).parents[2]
HI = answer(b"hi")


@table(
    "http", ("method",),
    [row("keep-alive-death-get", "GET", behaviour="GET"), row("keep-alive-death-post", "POST", behaviour="POST")],
    behaviour="A kept connection is closed without an answer when it is used again, for a",
    expectation="connection: one request was sent, none silently again; the retry table decides and politeness counts.",
    source="RFC 9112 9.3.1, RFC 9110 9.2.2; aiohttp sends again by itself",
)  # fmt: skip
async def test_a_dead_kept_connection_is_a_failure_not_a_second_request(method):
    async with Server(dies_when_reused(HI)) as server, client() as it:
        await it.fetch(Request(f"{server.base}/1"))
        with pytest.raises(ConnectionError):
            await it.fetch(Request(f"{server.base}/2", method=method))
    assert server.targets == ["/1", "/2"]


@case(
    "http", "keep-alive-death-every-time",
    behaviour="The server promises keep-alive and breaks it at each second request.",
    expectation="One failure; from then on no connection to that host is kept, and every request is answered.",
    source="RFC 9112 9.3; own measurement",
)  # fmt: skip
async def test_a_host_that_breaks_kept_connections_is_not_kept():
    async with Server(dies_when_reused(HI)) as server, client() as it:
        failures = 0
        for number in range(8):
            try:
                await it.fetch(Request(f"{server.base}/{number}"))
            except ConnectionError:
                failures += 1
    assert failures == 1
    assert len(server.log) == 8


@case(
    "politeness", "keep-alive-death-in-a-crawl",
    behaviour="A site breaks each kept connection at its second request, in a crawl with a delay.",
    expectation="Every page is fetched; every request, the repeated one too, keeps the delay and comes alone.",
    source="RFC 9112 9.3.1; own law: never more requests to a host than configured",
)  # fmt: skip
async def test_a_crawl_keeps_its_delay_when_connections_die():
    page = answer(b"<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a>", "Content-Type: text/html")
    async with Server(dies_when_reused(page)) as server:
        report = await crawl(f"{server.base}/", delay=0.04, jitter=0.0)
    assert server.tries == {"/robots.txt": 1, "/": 2, "/1": 1, "/2": 1, "/3": 1}
    assert min(server.gaps) > 0.035
    assert server.busiest == 1
    assert report.pages == 4


@case(
    "http", "keep-alive-closed-while-idle",
    behaviour="The server closes a kept connection while it idles.",
    expectation="It is noticed before the next request, which goes over a new connection and succeeds.",
    source="RFC 9112 9.5",
)  # fmt: skip
async def test_a_connection_closed_while_idle_costs_nothing():
    async def once(exchange):
        await exchange.send(HI)
        return False  # although nothing in the answer says so

    async with Server(once) as server, client() as it:
        for number in range(3):
            assert (await it.fetch(Request(f"{server.base}/{number}"))).body == b"hi"
            await asyncio.sleep(0.01)
    assert server.targets == ["/0", "/1", "/2"]


@case(
    "http", "session-sends-again",
    behaviour="A kept connection dies under a GET of the requests-style session.",
    expectation="The session sends it again once, as browsers do, and a POST never.",
    source="RFC 9112 9.3.1",
)  # fmt: skip
async def test_a_session_may_send_again():
    async def dies_once(exchange):
        if exchange.seen.target == "/b" and exchange.turn > 1:
            return False
        await exchange.send(HI)
        return True

    async with Server(dies_once) as server, AsyncSession() as session:
        await session.get(f"{server.base}/a")
        assert (await session.get(f"{server.base}/b")).text == "hi"
        await session.get(f"{server.base}/a")
        await session.get(f"{server.base}/a")
    assert server.targets == ["/a", "/b", "/b", "/a", "/a"]


@table(
    "http", ("head",),
    [
        row("connection-close", OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi",
            behaviour="Connection: close"),
        row("http-10-not-kept", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", behaviour="HTTP/1.0"),
    ],
    behaviour="The answer says", expectation="The connection is not used again.", source="RFC 9112 9.3, 9.6",
)  # fmt: skip
async def test_a_connection_that_is_to_be_closed_is_not_used_again(head):
    async with Server(sends(head, then="keep")) as server, client() as it:
        for _ in range(2):
            await it.fetch(Request(server.base))
    assert server.connections == 2


@case(
    "http", "connections-per-host",
    behaviour="30 requests to one host are made at once under a limit of 3.",
    expectation="The host never sees more than 3 at a time, and all are answered.",
    source="own design",
)  # fmt: skip
async def test_a_host_never_sees_more_at_once_than_configured():
    async def slowly(exchange):
        await asyncio.sleep(0.01)
        await exchange.send(HI)
        return True

    async with Server(slowly) as server, client(connections_per_host=3) as it:
        await asyncio.gather(*[it.fetch(Request(f"{server.base}/{number}")) for number in range(30)])
    assert (server.busiest, server.peak, len(server.log)) == (3, 3, 30)


@case(
    "http", "cancelled-exchange",
    behaviour="An exchange is cancelled in the middle of its body.",
    expectation="Its connection is closed and not used again.",
    source="own design",
)  # fmt: skip
async def test_a_cancelled_exchange_closes_its_connection():
    async with Server(sends(OK + b"Content-Length: 10\r\n\r\nhalf", then="hold")) as server, client() as it:
        task = asyncio.create_task(it.fetch(Request(server.base)))
        while not server.log:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.behaviour = sends(HI)
        assert (await it.fetch(Request(server.base))).body == b"hi"
    assert server.connections == 2


@table(
    "http", ("wanted", "free", "busy", "idle"),
    [
        row("share-of-plenty", 16, 100_000, 16, 1000, behaviour="100,000 are free"),
        row("share-of-1024", 16, 1000, 16, 484, behaviour="1,000 are free"),
        row("share-of-64", 16, 40, 13, 7, behaviour="40 are free (ulimit -n 64)"),
        row("share-of-few", 16, 10, 3, 2, behaviour="10 are free"),
        row("share-of-none", 16, 0, 1, 1, behaviour="none is free"),
        row("share-of-many-wanted", 500, 1000, 333, 167, behaviour="1,000 are free and 500 wanted"),
    ],
    behaviour="Descriptors are few:",
    expectation="Busy and idle connections share half of them; the rest is for files.",
    source="getrlimit(2); own design",
)  # fmt: skip
async def test_descriptors_are_shared_out(wanted, free, busy, idle):
    share = share_descriptors(wanted, free)
    assert (share.busy, share.idle) == (busy, idle)


SCRIPT = """
import asyncio, resource, sys
sys.path.insert(0, "tests/hostile")
from http_fetching import client
from scraper.request import Request
resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))
first, hosts = int(sys.argv[1]), 120
async def main():
    places = {f"h{n}.test": f"127.0.0.1:{first}" for n in range(hosts)}
    async with client(connections=120, connect_to=places, timeout=10.0) as it:
        for _ in range(2):
            pages = await asyncio.gather(*[it.fetch(Request(f"http://h{n}.test/")) for n in range(hosts)])
            assert [page.body for page in pages] == [b"hi"] * hosts
print(asyncio.run(main()))
"""


@pytest.mark.slow
@case(
    "resources", "many-hosts-few-descriptors",
    behaviour="120 hosts that keep their connections, in a process that may have 80 descriptors.",
    expectation="All are fetched, twice over: the connection that idled longest makes room.",
    source="getrlimit(2); own measurement: aiohttp counts no idle connections",
)  # fmt: skip
async def test_many_hosts_fit_into_few_descriptors():
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 200
    async with Server(sends(HI, then="keep")) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SCRIPT, str(server.port), cwd=ROOT, env={"PYTHONPATH": ":".join(sys.path)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert len(server.log) == 240
    assert server.peak < 60


@case(
    "resources", "idle-connections-oldest-goes",
    behaviour="More hosts were visited than idle connections may be kept.",
    expectation="The connections that idled longest are closed; the newest are used again.",
    source="own design",
)  # fmt: skip
async def test_the_connection_that_idled_longest_goes():
    async with AsyncExitStack() as stack:
        it = await stack.enter_async_context(client())
        it._kept._limit = 3
        servers = [await stack.enter_async_context(Server(sends(HI, then="keep"))) for _ in range(6)]
        for server in servers:
            await it.fetch(Request(server.base))
        await asyncio.sleep(0.01)
        assert [server.open for server in servers] == [0, 0, 0, 1, 1, 1]
        for server in servers:
            await it.fetch(Request(server.base))
        assert [server.connections for server in servers] == [2, 2, 2, 2, 2, 2]
        await it.fetch(Request(servers[-1].base))
        assert servers[-1].connections == 2


@case(
    "http", "happy-eyeballs-refused",
    behaviour="The name has ::1 and 127.0.0.1, and nobody listens on ::1.",
    expectation="The page comes over IPv4 at once.",
    source="RFC 8305",
)  # fmt: skip
async def test_a_dead_ipv6_address_is_passed_over():
    both = lambda host, port, family: [("::1", port), ("127.0.0.1", port)]  # noqa: E731
    async with Server(sends(HI)) as server, client(look_up=both) as it:
        assert (await it.fetch(Request(f"http://two.test:{server.port}/"), timeout=0.5)).body == b"hi"


@case(
    "http", "happy-eyeballs-silent",
    behaviour="The name has ::1 and 127.0.0.1, and connections to ::1 vanish.",
    expectation="The page comes over IPv4 after a quarter of a second.",
    source="RFC 8305 5",
)  # fmt: skip
async def test_a_silent_ipv6_address_is_passed_over():
    both = lambda host, port, family: [("::1", port), ("127.0.0.1", port)]  # noqa: E731
    async with Server(sends(HI)) as server, client(look_up=both) as it:
        with full_port("::1", server.port):
            assert (await it.fetch(Request(f"http://two.test:{server.port}/"), timeout=0.9)).body == b"hi"


@case(
    "http", "ipv6-only",
    behaviour="The site is reached over IPv6 alone, by literal and by name.",
    expectation="Both are fetched; the Host header has the literal in brackets.",
    source="RFC 3986 3.2.2, RFC 9110 7.2",
)  # fmt: skip
async def test_ipv6_sites_are_fetched():
    six = lambda host, port, family: [("::1", port)]  # noqa: E731
    async with Server(sends(HI), host="::1") as server, client(look_up=six) as it:
        assert (await it.fetch(Request(server.base))).body == b"hi"
        assert (await it.fetch(Request(f"http://six.test:{server.port}/"))).body == b"hi"
    assert [seen.headers["host"] for seen in server.log] == [f"[::1]:{server.port}", f"six.test:{server.port}"]


@case(
    "http", "connection-refused",
    behaviour="Nobody listens on the port.",
    expectation="connection, with the system's words, a failure that may pass.",
    source="RFC 9293 3.10.7.1",
)  # fmt: skip
async def test_a_refused_connection_is_named():
    async with Server(sends(HI)) as gone:
        pass
    error = await fail_at(gone.base)
    assert type(error) is ConnectionError
    assert str(error).endswith("no connection: Connection refused")
