"""Whose name is it? Public suffixes, under which strangers live side by side, and the domains registered below them.

The list is Mozilla's (publicsuffix.org), its private part included: two shops below `github.io` have two owners. An IP
address is nobody's domain; the list would take its last number for a suffix.

What follows from a name (who gets a cookie, which hosts rest together) is decided elsewhere.
"""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

__all__ = ["is_address", "is_public_suffix", "registered_domain"]


def is_address(host: str) -> bool:
    """Tell whether a canonical host is an IP address."""
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


def is_public_suffix(domain: str) -> bool:
    """Tell whether strangers may register names directly below `domain`."""
    return bool(_suffixes().is_public(domain))


def registered_domain(host: str) -> str:
    """Return the domain that somebody registered and `host` belongs to; the host itself where there is none."""
    return host if is_address(host) else _suffixes().privatesuffix(host) or host


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
