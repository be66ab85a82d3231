"""Addresses: no public page steers the crawler into a network that is not public."""

from __future__ import annotations

from contextlib import AsyncExitStack
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from case import case, row, table
from hypothesis import given
from hypothesis import strategies as st
from recording import crawl, page, recording, redirect

from scraper.clock import SystemClock
from scraper.errors import InvalidURL, UnsafeAddress
from scraper.fetch.client import AiohttpFetcher
from scraper.fetch.guard import AddressGuard
from scraper.outcome import Reason, Refused
from scraper.policy.addresses import embedded, is_public_name, special_use
from scraper.request import Request
from scraper.session import AsyncSession
from scraper.urls import canonical, hostname

IANA = "IANA special-purpose address registries (RFC 6890); OWASP SSRF prevention"


def fetcher(**changes):
    settings = {
        "connections": 4,
        "connections_per_host": 4,
        "timeout": 2.0,
        "connect_timeout": 1.0,
        "max_body": 1 << 20,
    }
    settings |= {"clock": SystemClock(), "user_agent": "t", "verify_tls": True, "guard": AddressGuard()}
    return AiohttpFetcher(**{**settings, **changes})


def refused(host):
    """Tell whether a link to `host`, in any notation, leads to an address that is refused."""
    name = hostname(canonical(f"http://{host}/"))
    return bool(AddressGuard().refuses(name, name.strip("[]")))


# -- which addresses -------------------------------------------------------------------------------------------------


@table(
    "addresses",
    "address",
    [
        row("this-network", "0.0.0.0"),
        row("this-network-end", "0.255.255.255"),
        row("private-10", "10.0.0.1"),
        row("private-10-end", "10.255.255.255"),
        row("private-172-16", "172.16.0.1"),
        row("private-172-31", "172.31.255.255"),
        row("private-192-168", "192.168.1.1"),
        row("carrier-nat", "100.64.0.1"),
        row("carrier-nat-end", "100.127.255.255"),
        row("loopback", "127.0.0.1"),
        row("loopback-end", "127.255.255.254"),
        row("link-local", "169.254.0.1"),
        row("metadata-aws-azure-gcp", "169.254.169.254"),
        row("metadata-ecs-tasks", "169.254.170.2"),
        row("metadata-alibaba", "100.100.100.200"),
        row("metadata-oracle-classic", "192.0.0.192"),
        row("metadata-azure-wireserver", "168.63.129.16"),
        row("protocol-assignments", "192.0.0.1"),
        row("documentation-1", "192.0.2.1"),
        row("documentation-2", "198.51.100.1"),
        row("documentation-3", "203.0.113.1"),
        row("as112", "192.175.48.1"),
        row("6to4-relay", "192.88.99.1"),
        row("benchmarking", "198.19.255.255"),
        row("multicast", "224.0.0.1"),
        row("multicast-end", "239.255.255.255"),
        row("reserved", "240.0.0.1"),
        row("broadcast", "255.255.255.255"),
        row("ipv6-unspecified", "::"),
        row("ipv6-loopback", "::1"),
        row("ipv6-mapped-loopback", "::ffff:127.0.0.1"),
        row("ipv6-mapped-metadata", "::ffff:a9fe:a9fe"),
        row("ipv6-compatible-loopback", "::127.0.0.1"),
        row("ipv6-translated-rfc2765", "::ffff:0:127.0.0.1"),
        row("nat64-loopback", "64:ff9b::7f00:1"),
        row("nat64-metadata", "64:ff9b::169.254.169.254"),
        row("nat64-local-prefix", "64:ff9b:1::7f00:1"),
        row("discard-only", "100::1"),
        row("teredo", "2001:0:7f00:1::1"),
        row("ipv6-benchmarking", "2001:2::1"),
        row("orchid", "2001:10::1"),
        row("orchid-2", "2001:20::1"),
        row("ipv6-documentation", "2001:db8::1"),
        row("ipv6-documentation-2", "3fff::1"),
        row("6to4-loopback", "2002:7f00:1::1"),
        row("6to4-private", "2002:a00:1::1"),
        row("segment-routing", "5f00::1"),
        row("unique-local", "fc00::1"),
        row("unique-local-fd", "fd12:3456::1"),
        row("metadata-aws-ipv6", "fd00:ec2::254"),
        row("metadata-gcp-ipv6", "fd20:ce::254"),
        row("ipv6-link-local", "fe80::1"),
        row("ipv6-link-local-with-zone", "fe80::1%eth0"),
        row("ipv6-loopback-with-zone", "::1%lo"),
        row("site-local-deprecated", "fec0::1"),
        row("ipv6-multicast", "ff02::1"),
        row("unassigned-ipv6", "4000::1"),
    ],
    behaviour="A name or a link leads to an address that is no public web site's.",
    expectation="It is refused, and the reason says what the address is for.",
    source=IANA,
)
def test_special_addresses_are_refused(address):
    assert AddressGuard().refuses("any.example.com", address).startswith(str(embedded(address)))


@table(
    "addresses",
    "address",
    [
        row("public-1", "8.8.8.8"),
        row("public-2", "1.1.1.1"),
        row("beside-private-172", "172.32.0.1"),
        row("beside-private-172-low", "172.15.255.255"),
        row("beside-carrier-nat", "100.128.0.1"),
        row("beside-link-local", "169.253.255.255"),
        row("beside-multicast", "223.255.255.255"),
        row("public-ipv6", "2606:4700:4700::1111"),
        row("public-ipv6-2001", "2001:4860:4860::8888"),
        row("public-mapped", "::ffff:8.8.8.8"),
        row("public-nat64", "64:ff9b::808:808", expectation="IPv6-only networks reach the web through it (RFC 6146)."),
    ],
    behaviour="The address is a public one, or lies right beside a special range.",
    expectation="It may be connected to.",
    source=IANA,
)
def test_public_addresses_are_not_refused(address):
    assert AddressGuard().refuses("any.example.com", address) == ""


@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.sampled_from(
    [ip_network(n) for n in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
     "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4")]
).flatmap(lambda n: st.integers(int(n[0]), int(n[-1])).map(IPv4Address)))  # fmt: skip
def test_whatever_python_calls_special_is_refused(address):
    """The standard library's own tables, from the same registries, are an independent judge."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert special_use(address)


@given(st.integers(0, 2**128 - 1).map(IPv6Address) | st.sampled_from(
    [ip_network(n) for n in ("::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
     "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")]
).flatmap(lambda n: st.integers(int(n[0]), int(n[-1])).map(IPv6Address)))  # fmt: skip
def test_whatever_python_calls_special_is_refused_in_ipv6_too(address):
    """As above, but for IPv4 inside of IPv6, which is judged as IPv4."""
    inner = embedded(str(address))
    if inner == address and (not address.is_global or address.is_multicast or address.is_reserved or address.sixtofour):
        assert special_use(address)


# -- in which notation -----------------------------------------------------------------------------------------------

FULL_WIDTH = str.maketrans("0123456789abcdefx.", "０１２３４５６７８９ａｂｃｄｅｆｘ．")


def notations(number):
    """Yield the ways in which URLs may spell an IPv4 address (WHATWG URL, 3.5)."""
    a, b, c, d = number.to_bytes(4, "big")
    parts = [f"{a}.{b}.{c}.{d}", f"{a}.{b}.{c << 8 | d}", f"{a}.{b << 16 | c << 8 | d}", f"{number}"]
    parts += [f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0x{number:x}", f"0X{number:08X}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"]
    parts += [f"0{number:o}", f"{a}.0x{b:x}.0{c:o}.{d}", f"00{a:o}.{b}.{c}.{d}"]
    parts += [part.translate(FULL_WIDTH) for part in parts] + [f"{a}.{b}.{c}.{d}.", f"{a}。{b}。{c}。{d}"]
    yield from parts
    yield "".join(f"%{ord(character):02x}" for character in parts[0])
    for wrapped in (f"::ffff:{a}.{b}.{c}.{d}", f"::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}", f"::{a}.{b}.{c}.{d}"):
        yield f"[{wrapped}]"
    yield f"[0:0:0:0:0:FFFF:{a:02X}{b:02X}:{c:02X}{d:02X}]"
    yield f"[64:ff9b::{a}.{b}.{c}.{d}]"
    yield f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]"


@table(
    "addresses",
    "host",
    [
        row(f"notation-{at}", host, behaviour=f"`{host}`")
        for at, host in enumerate(notations(int(IPv4Address("127.0.0.1"))))
    ],
    behaviour="A link spells a loopback address in another way:",
    expectation="It is the same address, and refused.",
    source="WHATWG URL 3.5 (IPv4 parser), RFC 4291 2.5.5.2, RFC 6052, RFC 3056; CVE-2021-29921, CVE-2021-28918",
)
def test_every_notation_is_the_same_address(host):
    assert refused(host)


@given(st.sampled_from(["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "100.64.0.0/10"]), st.data())
def test_no_notation_of_any_special_address_passes(where, data):
    """Any address, any spelling."""
    net = ip_network(where)
    number = data.draw(st.integers(int(net[0]), int(net[-1])))
    assert all(refused(host) for host in notations(number))


@table(
    "addresses",
    "host",
    [
        row("zone-id", "[fe80::1%25eth0]"),
        row("too-large", "4294967296"),
        row("five-parts", "127.0.0.0.1"),
        row("part-too-large", "256.1.1.1"),
        row("bad-octal", "09.1.1.1"),
    ],
    behaviour="A link's host looks like an address and is none.",
    expectation="It is no URL; nothing is asked, and no resolver gets to make an address of it.",
    source="WHATWG URL 3.5; RFC 9844",
)
def test_what_only_looks_like_an_address_is_no_url(host):
    with pytest.raises(InvalidURL):
        canonical(f"http://{host}/")


# -- at the socket ---------------------------------------------------------------------------------------------------


@table(
    "addresses",
    "answers",
    [
        row("dns-private", ["127.0.0.1"], behaviour="One private address."),
        row("dns-several-private", ["10.255.255.1", "127.0.0.1"], behaviour="Several private ones."),
        row("dns-mapped", ["::ffff:127.0.0.1"], behaviour="A mapped address in an AAAA answer."),
        row("dns-nat64", ["64:ff9b::7f00:1"], behaviour="A translated address in an AAAA answer."),
        row("dns-ipv6-loopback", ["::1"], behaviour="The loopback address of IPv6."),
    ],
    behaviour="The name of a page's link has special addresses in DNS.",
    expectation="No connection is made, the error says why and how to allow it.",
    source="OWASP SSRF prevention: validate the address that is connected to",
)
async def test_the_answer_of_dns_is_checked(answers):
    async with recording({"/": page()}) as server:
        look_up = lambda host, port, family: [(address, port) for address in answers]  # noqa: E731
        async with fetcher(look_up=look_up) as it:
            with pytest.raises(UnsafeAddress, match=r"fetch\.allow_addresses"):
                await it.fetch(Request(server.url(host="inside.example.com")))
        assert server.asked == []


@case(
    "addresses",
    "dns-mixed-answers",
    behaviour="A name has a refused address and one that may be connected to.",
    expectation="Only the second is ever connected to.",
    source="happy eyeballs (RFC 8305) tries every answer: each is checked",
)
async def test_of_several_answers_only_allowed_ones_are_tried():
    async with recording({"/": page()}) as server:
        guard = AddressGuard(networks=["127.0.0.1/32"])
        look_up = lambda host, port, family: [("127.0.0.2", port), ("127.0.0.1", port)]  # noqa: E731
        async with fetcher(guard=guard, look_up=look_up) as it:
            assert (await it.fetch(Request(server.url(host="two.example.com")))).status == 200
        assert len(server.asked) == 1


@case(
    "addresses",
    "dns-rebinding",
    behaviour="A name shows a good address first and a private one later.",
    expectation="The check is made on the address of the socket, so the second is refused.",
    source="DNS rebinding (Jackson et al. 2007); CVE-2023-24622 class",
)
async def test_a_name_cannot_change_between_check_and_connection():
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    async with recording({"/": page()}) as server:
        guard = AddressGuard(networks=["127.0.0.1/32"])
        look_up = lambda host, port, family: [(address, port) for address in next(answers)]  # noqa: E731
        for allowed in (True, False):
            async with fetcher(guard=guard, look_up=look_up) as it:
                request = Request(server.url(host="turning.example.com"))
                if allowed:
                    assert (await it.fetch(request)).status == 200
                else:
                    with pytest.raises(UnsafeAddress):
                        await it.fetch(request)


@case(
    "addresses",
    "seed-rebinding",
    behaviour="The name server of a seed that was public turns its name inwards in the middle of the crawl.",
    expectation="A named host that was once public stays public: the private address is refused.",
    source="DNS rebinding; the permission is for what the user meant when the crawl began",
)
def test_a_public_seed_cannot_turn_inwards():
    guard = AddressGuard(hosts=["evil.example.com"])
    assert guard.refuses("evil.example.com", "8.8.8.8") == ""
    assert guard.refuses("evil.example.com", "10.0.0.1")
    assert guard.refuses("evil.example.com", "127.0.0.1")


@table(
    "addresses",
    "address",
    [
        row("seed-name-metadata", "169.254.169.254"),
        row("seed-name-metadata-ipv6", "fd00:ec2::254"),
        row("seed-name-metadata-alibaba", "100.100.100.200"),
        row("seed-name-link-local", "fe80::1"),
        row("seed-name-unspecified", "0.0.0.0"),
        row("seed-name-multicast", "224.0.0.1"),
    ],
    behaviour="A seed's name leads to an address where no machine of the user's own can be.",
    expectation="Refused also for a seed: nobody means a metadata service when naming a web site.",
    source="the project's own decision",
)
def test_a_seeds_name_may_lead_home_and_nowhere_else(address):
    guard = AddressGuard(hosts=["intranet"])
    assert guard.refuses("intranet", "10.0.0.5") == guard.refuses("intranet", "fd12::5") == ""
    assert guard.refuses("intranet", address)


# -- in a crawl ------------------------------------------------------------------------------------------------------


@table(
    "addresses",
    "host",
    [
        row("link-localhost", "localhost"),
        row("link-loopback", "127.0.0.1"),
        row("link-decimal", "2130706433"),
        row("link-short", "127.1"),
        row("link-other-loopback", "127.0.0.5"),
        row("link-ipv6-mapped", "[::ffff:127.0.0.1]"),
        row("link-unspecified", "0.0.0.0"),
    ],
    behaviour="A page of a public site, on a crawl that may go anywhere it names, links to the crawler's own machine.",
    expectation="The server there is never asked, neither for robots.txt; the refusal is counted and explained.",
    source=IANA,
)
@pytest.mark.parametrize("obey", [True, False])
async def test_a_link_does_not_lead_inside(host, obey):
    async with recording({"/secret": page()}) as inside:
        link = f"http://{host}:{inside.port}/secret"
        async with recording({"/": page(f"<a href='{link}'>x</a>")}) as public:
            hosts = ("public.example.com", hostname(canonical(link)))
            connect_to = {"public.example.com": f"127.0.0.1:{public.port}"}
            crawled = await crawl("http://public.example.com/", hosts=hosts, connect_to=connect_to, obey_robots=obey)
    assert inside.asked == []
    assert crawled.tally.refused == {Reason.UNSAFE_ADDRESS: 1}
    (refusal,) = [outcome for outcome in crawled.outcomes() if isinstance(outcome, Refused)]
    assert "fetch.allow_addresses" in refusal.detail
    assert crawled.tally.retries == 0


@table(
    "addresses",
    "status",
    [row(f"redirect-{status}", status) for status in (301, 302, 303, 307, 308)],
    behaviour="A page of a public site redirects to the crawler's own machine.",
    expectation="The redirect's target is refused at the socket, as a link's is.",
    source="CVE-2026-33752 class: SSRF by redirect",
)
async def test_a_redirect_does_not_lead_inside(status):
    async with recording({"/secret": page()}) as inside:
        target = inside.url("/secret", host="localhost")
        async with recording({"/": redirect(target, status)}) as public:
            connect_to = {"public.example.com": f"127.0.0.1:{public.port}"}
            hosts = ("public.example.com", "localhost")
            crawled = await crawl("http://public.example.com/", hosts=hosts, connect_to=connect_to)
    assert inside.asked == []
    assert crawled.outcomes()[-1].reason == Reason.UNSAFE_ADDRESS


@case(
    "addresses",
    "robots-redirect-inside",
    behaviour="A site's robots.txt redirects to the crawler's own machine.",
    expectation="It is not asked there; the site's pages are refused for that reason.",
    source="RFC 9309 2.3.1.2 lets robots.txt redirect across hosts",
)
async def test_robots_does_not_lead_inside():
    async with recording({"/robots.txt": page("User-agent: *\nAllow: /")}) as inside:
        site = {"/robots.txt": redirect(inside.url("/robots.txt", host="localhost")), "/": page()}
        async with recording(site) as public:
            connect_to = {"public.example.com": f"127.0.0.1:{public.port}"}
            crawled = await crawl("http://public.example.com/", connect_to=connect_to, obey_robots=True)
    assert inside.asked == []
    assert crawled.tally.refused == {Reason.UNSAFE_ADDRESS: 1}


@table(
    "addresses",
    "host",
    [row("seed-localhost", "localhost"), row("seed-loopback", "127.0.0.1"), row("seed-other-loopback", "127.0.0.9")],
    behaviour="The user names a machine of their own as a seed.",
    expectation="It is crawled: who types a host means it.",
    source="the project's own decision",
)
async def test_a_seed_may_be_anywhere(host):
    async with recording({"/": page("<a href='/b'>x</a>"), "/b": page()}) as own:
        if host == "127.0.0.9":
            connect_to = {"own.example.com": f"127.0.0.1:{own.port}"}
            crawled = await crawl("http://own.example.com/", connect_to=connect_to)
        else:
            crawled = await crawl(own.url(host=host))
    assert own.paths == ["/", "/b"]
    assert crawled.tally.refused.total() == 0


def linking(other):
    """Return a site whose page links to another server on this machine, by name."""
    return {"/": page(f"<a href='{other.url(host='localhost')}'>x</a>")}


@case(
    "addresses",
    "seed-links-to-other-private-host",
    behaviour="A private seed links to another private host.",
    expectation="Refused: the permission is for the seed's host alone.",
    source="the project's own decision",
)
async def test_a_private_seed_opens_no_door_to_its_neighbours():
    async with recording({"/": page()}) as neighbour, recording(linking(neighbour)) as own:
        crawled = await crawl(own.url(), hosts=("127.0.0.1", "localhost"))
    assert neighbour.asked == []
    assert crawled.tally.refused == {Reason.UNSAFE_ADDRESS: 1}


@case(
    "addresses",
    "allowed-network",
    behaviour="The config allows a network (fetch.allow_addresses).",
    expectation="Links into it are followed.",
    source="the project's own decision",
)
async def test_the_config_may_allow_networks():
    async with recording({"/": page()}) as neighbour, recording(linking(neighbour)) as own:
        await crawl(own.url(), hosts=("127.0.0.1", "localhost"), allow_addresses=("127.0.0.0/8", "::1/128"))
    assert neighbour.paths == ["/"]


@case(
    "addresses",
    "practice-shop",
    behaviour="The practice shop is served on loopback.",
    expectation="It just works, with no setting touched.",
    source="the project's own decision",
)
async def test_the_practice_shop_just_works():
    crawled = await crawl(practice_shop=True, max_pages=3)
    assert crawled.tally.pages == 3


# -- in a session, and through a proxy ---------------------------------------------------------------------------------


@case(
    "addresses",
    "session-redirect-inside",
    behaviour="A session is redirected from the host it asked for to another, private one.",
    expectation="UnsafeAddress; the URL that was asked for itself may be anywhere.",
    source="CVE-2026-33752 class: SSRF by redirect",
)
async def test_a_session_is_not_led_inside():
    async with AsyncExitStack() as stack:
        inside = await stack.enter_async_context(recording({"/secret": page()}))
        secret = inside.url("/secret", host="localhost")
        asked = await stack.enter_async_context(recording({"/": redirect(secret), "/home": page()}))
        async with AsyncSession() as session:
            assert (await session.get(asked.url("/home"))).status == 200
            with pytest.raises(UnsafeAddress):
                await session.get(asked.url())
            assert inside.asked == []
            assert (await session.get(secret)).status == 200
        async with AsyncSession(allow_addresses=["127.0.0.0/8", "::1"]) as session:
            assert (await session.get(asked.url())).status == 200


@table(
    "addresses",
    "host",
    [
        row("proxy-literal", "127.0.0.1"),
        row("proxy-metadata", "169.254.169.254"),
        row("proxy-ipv6", "[::1]"),
        row("proxy-mapped", "[::ffff:7f00:1]"),
        row("proxy-localhost", "localhost"),
        row("proxy-below-localhost", "a.localhost"),
        row("proxy-single-label", "intranet"),
        row("proxy-internal", "metadata.google.internal"),
        row("proxy-mdns", "printer.local"),
        row("proxy-home", "router.home.arpa"),
        row("proxy-trailing-dot", "localhost."),
    ],
    behaviour="A link leads to a special address or name, and a proxy does the look-up.",
    expectation="It is refused before it is handed to the proxy.",
    source="RFC 6761, 6762, 8375, 9476; IANA special-use domain names",
)
def test_a_proxy_is_not_sent_inside(host):
    assert AddressGuard().refuses_unseen(host)
    assert AddressGuard(hosts=[host]).refuses_unseen(host) == "" or host == "169.254.169.254" or host.startswith("[")


def test_ordinary_names_go_to_the_proxy():
    """A public name's addresses are the proxy's to find."""
    assert all(is_public_name(host) for host in ("example.com", "a.b.co.uk", "xn--bcher-kva.example.net"))
    assert AddressGuard().refuses_unseen("example.com") == ""


def test_a_literal_that_was_named_is_meant():
    """A seed that is an address may be reached at that address, and nowhere else."""
    guard = AddressGuard(hosts=["169.254.169.254", "[fe80::1]"])
    assert guard.refuses("169.254.169.254", "169.254.169.254") == guard.refuses("[fe80::1]", "fe80::1") == ""
    assert guard.refuses("169.254.169.254", "169.254.0.1")
