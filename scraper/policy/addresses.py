"""Which IP addresses are nobody's public web site, whatever notation or tunnel they are wrapped in.

The source is IANA's special-purpose registries (RFC 6890 and its successors) and what lies outside of global unicast:
loopback, private, link-local, shared, multicast, documentation, reserved. IPv4 inside of IPv6 (mapped, NAT64) is judged
as the IPv4 address that it reaches; tunnels that hide one (6to4, Teredo) are refused whole.

Pure functions over text. Names are never looked up here, and whom to trust all the same is the guard's to decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

__all__ = ["Address", "Network", "embedded", "inside", "is_public_name", "network", "of_a_home", "special_use"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# https://www.iana.org/assignments/iana-ipv4-special-registry and ipv4-address-space; also those that it calls globally
# reachable: they are anycast services of routers, and no entry is a web site.
_IPV4 = {
    "0.0.0.0/8": "this network (RFC 791)",
    "10.0.0.0/8": "private (RFC 1918)",
    "100.64.0.0/10": "shared by carriers (RFC 6598)",
    "127.0.0.0/8": "loopback (RFC 1122)",
    "168.63.129.16/32": "a cloud's metadata service",
    "169.254.0.0/16": "link-local (RFC 3927)",
    "172.16.0.0/12": "private (RFC 1918)",
    "192.0.0.0/24": "protocol assignments (RFC 6890)",
    "192.0.2.0/24": "documentation (RFC 5737)",
    "192.31.196.0/24": "AS112 (RFC 7535)",
    "192.52.193.0/24": "multicast relays (RFC 7450)",
    "192.88.99.0/24": "6to4 relays (RFC 7526)",
    "192.168.0.0/16": "private (RFC 1918)",
    "192.175.48.0/24": "AS112 (RFC 7534)",
    "198.18.0.0/15": "benchmarking (RFC 2544)",
    "198.51.100.0/24": "documentation (RFC 5737)",
    "203.0.113.0/24": "documentation (RFC 5737)",
    "224.0.0.0/4": "multicast (RFC 5771)",
    "240.0.0.0/4": "reserved or broadcast (RFC 1112, 919)",
}
# https://www.iana.org/assignments/iana-ipv6-special-registry: the entries inside of global unicast, then the well-known
# ones outside of it, which are refused anyway and stand here for their names.
_IPV6 = {
    "2001::/32": "Teredo (RFC 4380)",
    "2001::/23": "protocol assignments (RFC 2928)",
    "2001:db8::/32": "documentation (RFC 3849)",
    "2002::/16": "6to4 (RFC 3056)",
    "2620:4f:8000::/48": "AS112 (RFC 7534)",
    "3fff::/20": "documentation (RFC 9637)",
    "::1/128": "loopback (RFC 4291)",
    "::/128": "unspecified (RFC 4291)",
    "64:ff9b:1::/48": "local translation (RFC 8215)",
    "fc00::/7": "private (RFC 4193)",
    "fe80::/10": "link-local (RFC 4291)",
    "ff00::/8": "multicast (RFC 4291)",
}
_SPECIAL_4 = tuple((IPv4Network(text), why) for text, why in _IPV4.items())
_SPECIAL_6 = tuple((IPv6Network(text), why) for text, why in _IPV6.items())
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # https://www.iana.org/assignments/ipv6-address-space
_WRAPS_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))  # RFC 4291 2.5.5.2, RFC 6052 2.1
_IPV4_BITS = 0xFFFF_FFFF

# Where machines of one's own live. Link-local is none of them: nobody's site, and every cloud's metadata service.
_HOME = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
# Metadata services that stand in such networks: Amazon, Google, Alibaba.
_METADATA = tuple(ip_network(text) for text in ("fd00:ec2::/32", "fd20:ce::254/128", "100.100.100.200/32"))

# RFC 6761 and 6762, RFC 8375, RFC 9476, ICANN's .internal, and what routers and offices use without asking anybody.
_LOCAL_SUFFIXES = frozenset(
    {
        "alt", "arpa", "corp", "example", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain",
        "localhost", "onion", "private", "test",
    }
)  # fmt: skip


def network(text: str) -> Network:
    """Return the network, or the single address, that `text` names; raise ValueError for anything else."""
    return ip_network(text.strip().removeprefix("[").removesuffix("]"))


def embedded(text: str) -> Address:
    """Return the address that a connection to `text` reaches: without a zone, and IPv4 out of its IPv6 wrapping."""
    address = ip_address(text.partition("%")[0].removeprefix("[").removesuffix("]"))
    if isinstance(address, IPv6Address) and any(address in wrap for wrap in _WRAPS_IPV4):
        return IPv4Address(int(address) & _IPV4_BITS)
    return address


def special_use(address: Address) -> str:
    """Return what `address` is for instead of the public web; "" when it is a public one."""
    if isinstance(address, IPv4Address):
        return next((why for where, why in _SPECIAL_4 if address in where), "")
    found = next((why for where, why in _SPECIAL_6 if address in where), "")
    return found or ("" if address in _GLOBAL_UNICAST else "not global unicast (RFC 4291)")


def of_a_home(address: Address) -> bool:
    """Tell whether a machine of the user's own may have `address`: private or loopback, and no metadata service."""
    return inside(address, _HOME) and not inside(address, _METADATA)


def inside(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether one of `networks` holds `address`."""
    return any(address in where for where in networks)


def is_public_name(host: str) -> bool:
    """Tell whether a canonical host name could be a public site's; addresses are judged by `special_use`."""
    name = host.removesuffix(".")
    return "." in name and name.rpartition(".")[2] not in _LOCAL_SUFFIXES
