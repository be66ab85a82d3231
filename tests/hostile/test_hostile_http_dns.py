"""Names: each kind of failed look-up is named, and a dead name is looked up once, not once a URL."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest
from case import case, row, table
from http_fetching import client, fail_at, get_at
from servers import Server, answer, sends

from scraper.errors import ConnectionError, DNSError  # noqa: A004
from scraper.fetch.resolver import ADDRESS_LIFE, FAILURE_LIFE, Resolver
from scraper.request import Request

HI = sends(answer(b"hi", "Connection: close"))


class Hands:
    """A clock that the test turns."""

    at = 1000.0

    def now(self):
        return self.at


class Names:
    """A look-up that answers from memory and counts."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, host, port, family):
        self.asked.append(host)
        found = self.answers.get(host, [])
        if isinstance(found, Exception):
            raise found
        return [(address, port) for address in found]


@table(
    "http", ("failure", "words"),
    [
        row("dns-no-such-name", socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "there is no such name", behaviour="There is no such name"),
        row("dns-temporary", socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "this may pass",
            behaviour="The name servers do not answer"),
        row("dns-servfail", socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure"), "the name servers failed",
            behaviour="The name servers fail for good"),
        row("dns-no-address", socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"),
            "the name has no address", behaviour="The name is there and has no address"),
        row("dns-wrong-family", socket.gaierror(socket.EAI_ADDRFAMILY, "Address family not supported"),
            "the name has no address", behaviour="The name has no address of this family"),
        row("dns-empty-answer", [], "the name has no address", behaviour="The look-up succeeds with no address at all"),
    ],
    behaviour="A look-up fails:", expectation="dns: the failure names the kind.",
    source="RFC 3493 6.1, POSIX getaddrinfo",
)  # fmt: skip
async def test_each_kind_of_failed_look_up_is_named(failure, words):
    error = await fail_at("http://gone.test/", look_up=Names({"gone.test": failure}))
    assert (type(error), error.reason) == (DNSError, "dns")
    assert words in str(error)


@case(
    "http", "dns-slow", behaviour="The name servers take longer than the connect timeout.",
    expectation="dns: no answer in time, named as temporary.", source="resolv.conf(5): 5 s a try and server",
)  # fmt: skip
async def test_a_look_up_that_takes_too_long_is_temporary():
    def slow(host, port, family):
        time.sleep(0.8)
        return []

    error = await fail_at("http://slow.test/", look_up=slow, connect_timeout=0.05)
    assert type(error) is DNSError
    assert "this may pass (no answer within 0.05 s)" in str(error)


@case(
    "http", "dns-label-too-long", behaviour="A label of the name has 64 characters.",
    expectation="dns or invalid_url, never a crash.", source="RFC 1035 2.3.4",
)  # fmt: skip
async def test_a_label_that_is_too_long_is_no_name():
    assert "label" in str(await fail_at(f"http://{'a' * 64}.test/"))


@case(
    "http", "dns-thousand-urls-of-a-dead-name", behaviour="1,000 URLs lead to a name that does not exist.",
    expectation="One look-up; the failure is remembered for half a minute.", source="RFC 2308",
)  # fmt: skip
async def test_a_dead_name_is_looked_up_once():
    names = Names({})
    async with client(look_up=names) as it:
        for number in range(1000):
            with pytest.raises(DNSError):
                await it.fetch(Request(f"http://gone.test/{number}"))
    assert names.asked == ["gone.test"]


@case(
    "http", "dns-dead-name-all-at-once", behaviour="16 requests for a dead name are made at the same time.",
    expectation="They share one look-up.", source="own design",
)  # fmt: skip
async def test_concurrent_look_ups_are_shared():
    names = Names({})
    async with client(look_up=names) as it:
        await asyncio.gather(*[it.fetch(Request("http://gone.test/")) for _ in range(16)], return_exceptions=True)
    assert names.asked == ["gone.test"]


@table(
    "http", ("code", "life"),
    [
        row("dns-negative-expires", socket.EAI_NONAME, FAILURE_LIFE, behaviour="There was no such name"),
        row("dns-temporary-expires", socket.EAI_AGAIN, 5.0, behaviour="The name servers had not answered"),
    ],
    behaviour="A name that failed comes to life.", expectation="It is looked up again after a while, not before.",
    source="RFC 2308 5",
)  # fmt: skip
async def test_a_failed_name_is_asked_again_later(code, life):
    names, clock = Names({"a.test": socket.gaierror(code, "no")}), Hands()
    resolver = Resolver(timeout=1.0, connect_to={}, clock=clock, look_up=names)
    for _ in range(3):
        with pytest.raises(socket.gaierror):
            await resolver.resolve("a.test")
    names.answers["a.test"] = ["192.0.2.1"]
    clock.at += life - 0.1
    with pytest.raises(socket.gaierror):
        await resolver.resolve("a.test")
    clock.at += 0.2
    assert [found["host"] for found in await resolver.resolve("a.test")] == ["192.0.2.1"]
    assert len(names.asked) == 2
    await resolver.close()


@case(
    "http", "dns-good-name-cached", behaviour="A host's pages are fetched over new connections each time.",
    expectation="Its name is looked up once.", source="RFC 1035 3.2.1; own limit of five minutes",
)  # fmt: skip
async def test_a_good_name_is_looked_up_once():
    names = Names({"shop.test": ["127.0.0.1"]})
    async with Server(HI) as server, client(look_up=names) as it:
        for number in range(5):
            await it.fetch(Request(f"http://shop.test:{server.port}/{number}"))
    assert (names.asked, server.connections) == (["shop.test"], 5)


@case(
    "http", "dns-good-name-all-at-once", behaviour="16 requests for a new host are made at the same time.",
    expectation="They share one look-up.", source="own design",
)  # fmt: skip
async def test_concurrent_look_ups_that_succeed_are_shared():
    names = Names({"shop.test": ["127.0.0.1"]})
    async with Server(HI) as server, client(look_up=names) as it:
        await asyncio.gather(*[it.fetch(Request(f"http://shop.test:{server.port}/{n}")) for n in range(16)])
    assert names.asked == ["shop.test"]


@case(
    "http", "dns-no-thread", behaviour="No thread can be started for a look-up (a container's limit of processes).",
    expectation="That request fails; the name can be looked up by the next one.", source="pthread_create(3), EAGAIN",
)  # fmt: skip
async def test_a_look_up_that_could_not_begin_leaves_nobody_waiting():
    names = Names({"shop.test": ["127.0.0.1"]})
    async with Server(HI) as server, client(look_up=names, timeout=5.0) as it:
        usual = threading.stack_size(1 << 46)  # bytes; so many nobody has
        try:
            with pytest.raises(ConnectionError):
                await it.fetch(Request(f"http://shop.test:{server.port}/"))
        finally:
            threading.stack_size(usual)
        assert (await it.fetch(Request(f"http://shop.test:{server.port}/"))).body == b"hi"


@case(
    "http", "dns-asker-leaves", behaviour="The first who asks for a name is cancelled during the look-up.",
    expectation="The look-up goes on for the others, and what it finds is known.", source="own design",
)  # fmt: skip
async def test_a_look_up_outlives_the_one_who_asked_first():
    asked = []

    def slow(host, port, family):
        asked.append(host)
        time.sleep(0.1)
        return [("192.0.2.1", port)]

    resolver = Resolver(timeout=1.0, connect_to={}, clock=Hands(), look_up=slow)
    first, second = (asyncio.create_task(resolver.resolve("a.test")) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert [found["host"] for found in await second] == ["192.0.2.1"]
    assert first.cancelled()
    await resolver.resolve("a.test")
    assert asked == ["a.test"]
    await resolver.close()


@case(
    "http", "dns-addresses-expire", behaviour="A name moves to another address.",
    expectation="It is looked up again after five minutes, not before.", source="own limit of five minutes",
)  # fmt: skip
async def test_addresses_are_known_for_a_while():
    names, clock = Names({"a.test": ["192.0.2.1"]}), Hands()
    resolver = Resolver(timeout=1.0, connect_to={}, clock=clock, look_up=names)
    hosts = []
    for later in (0, ADDRESS_LIFE - 0.1, 0.2):
        clock.at += later
        hosts += [found["host"] for found in await resolver.resolve("a.test")]
        names.answers["a.test"] = ["192.0.2.2"]
    assert hosts == ["192.0.2.1", "192.0.2.1", "192.0.2.2"]
    assert len(names.asked) == 2
    await resolver.close()


@case(
    "http", "dns-takes-turns", behaviour="A name has two addresses.",
    expectation="Each connection begins with another one.", source="own design: a share for each",
)  # fmt: skip
async def test_addresses_take_turns_at_being_first():
    resolver = Resolver(
        timeout=1.0, connect_to={}, clock=Hands(), look_up=Names({"a.test": ["192.0.2.1", "192.0.2.2"]})
    )
    answers = [[found["host"] for found in await resolver.resolve("a.test")] for _ in range(3)]
    assert answers == [["192.0.2.1", "192.0.2.2"], ["192.0.2.2", "192.0.2.1"], ["192.0.2.1", "192.0.2.2"]]
    await resolver.close()


@case(
    "http", "dns-closed-meanwhile", behaviour="The client is closed during a look-up.",
    expectation="Whoever waits for it is cancelled; nothing is left behind.", source="own design",
)  # fmt: skip
async def test_a_resolver_that_is_closed_lets_its_waiters_go():
    def slow(host, port, family):
        time.sleep(0.05)
        raise socket.gaierror(socket.EAI_NONAME, "no")

    resolver = Resolver(timeout=1.0, connect_to={}, clock=Hands(), look_up=slow)
    waiting = asyncio.create_task(resolver.resolve("a.test"))
    await asyncio.sleep(0.01)
    await resolver.close()
    await asyncio.wait([waiting], timeout=0.2)
    assert waiting.cancelled()
    await asyncio.sleep(0.1)


@case(
    "http", "dns-several-addresses", behaviour="A name has three addresses, and the first two refuse.",
    expectation="The third is tried within the same request.", source="RFC 8305",
)  # fmt: skip
async def test_further_addresses_are_tried():
    names = Names({"many.test": ["127.0.0.2", "127.0.0.3", "127.0.0.1"]})
    async with Server(HI) as server:
        assert (await get_at(f"http://many.test:{server.port}/", look_up=names)).body == b"hi"


@case(
    "http", "dns-one-dead-name-stops-no-other", behaviour="Look-ups of one name hang.",
    expectation="Other names are looked up meanwhile.", source="own design: 16 threads of their own",
)  # fmt: skip
async def test_a_hanging_look_up_stops_no_other():
    def some_hang(host, port, family):
        if host == "hangs.test":
            time.sleep(0.8)
        return [("127.0.0.1", port)]

    async with Server(HI) as server, client(look_up=some_hang) as it:
        hanging = asyncio.create_task(it.fetch(Request(f"http://hangs.test:{server.port}/")))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        await it.fetch(Request(f"http://quick.test:{server.port}/"))
        assert time.monotonic() - began < 0.6
        await hanging
