"""The address guard: may this host be reached at this address?

A public page must not steer the crawler into the network that it runs in. So an address that is not public is refused
when it is about to be connected to, after the look-up and at every hop; links, redirects and robots.txt all come here,
and no answer of a name server can change afterwards.

A host that the user named (a seed, a key of connect_to, the URL given to a session) is meant as it is written. A name
of an own machine may lead to a private or loopback address, and to nothing else that is special; a host that is itself
an address may be reached at that address. The permission holds for that host alone, and a named host that was once
reached at a public address is a public site from then on: its name server cannot turn it inwards later.

What is refused is told by `policy.addresses`; sockets belong to the resolver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from scraper.policy.addresses import Address, embedded, inside, is_public_name, network, of_a_home, special_use

__all__ = ["AddressGuard"]

ADDRESSES = 1024  # that were judged lately; sites share servers, and a host is connected to more than once

_named: ContextVar[str] = ContextVar("named_host", default="")


class AddressGuard:
    """Decide which addresses may be connected to.

    `networks`: as in `fetch.allow_addresses`, allowed for every host. `hosts`: canonical names of those that the user
    named; `fixed` ones of them are reached at an address that the user wrote down, whatever it is.
    """

    def __init__(self, *, networks: Iterable[str] = (), hosts: Iterable[str] = (), fixed: Iterable[str] = ()) -> None:
        self._networks = tuple(network(text) for text in networks)
        self._hosts = set(hosts)
        self._fixed = frozenset(name.lower() for name in fixed)

    def refuses(self, host: str, address: str) -> str:
        """Return why `host` may not be reached at `address`; "" when it may."""
        reached, why = _judged(address)
        if not why:
            self._hosts.discard(host)
            return ""
        if host in self._fixed or inside(reached, self._networks) or self._means(host, reached):
            return ""
        return f"{reached} is {why}"

    def _means(self, host: str, reached: Address) -> bool:
        """Tell whether the user, in naming `host`, meant such an address."""
        if host not in self._hosts:
            if host != _named.get():
                return False
            self._hosts.add(host)
        return of_a_home(reached) or _literal(host) == reached

    def refuses_unseen(self, host: str) -> str:
        """Return why `host` may not be handed to a proxy, which does the look-up itself; "" when it may."""
        literal = _literal(host)
        if literal is not None:
            return self.refuses(host, str(literal))
        if is_public_name(host) or host in self._fixed or host in self._hosts or host == _named.get():
            return ""
        return f"{host} is a name of private networks"

    @contextmanager
    def naming(self, host: str) -> Iterator[None]:
        """Let what is fetched inside the block reach `host` as a host that the user named."""
        mark = _named.set(host)
        try:
            yield
        finally:
            _named.reset(mark)

    def __repr__(self) -> str:
        return f"<AddressGuard {len(self._networks)} networks | {len(self._hosts) + len(self._fixed)} hosts>"


@lru_cache(ADDRESSES)
def _judged(address: str) -> tuple[Address, str]:
    """Return what a connection to `address` reaches, and what that is for instead of the public web."""
    reached = embedded(address)
    return reached, special_use(reached)


def _literal(host: str) -> Address | None:
    """Return the address that a canonical host is, None when it is a name."""
    if not host.startswith("[") and not host.rpartition(".")[2].isdigit():
        return None
    return embedded(host)
