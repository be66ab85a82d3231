"""The stories, by topic. Importing this package puts all of them on the list."""

from benchmarks.hostile.cases import (
    addresses,
    content,
    cookies,
    http,
    output,
    politeness,
    redirects,
    resources,
    robots,
    spiders,
    tls,
    urls,
)  # fmt: skip

__all__ = ["TOPICS"]

TOPICS = {
    module.__name__.rpartition(".")[2]: " ".join((module.__doc__ or "").split())
    for module in (
        robots, politeness, urls, redirects, cookies, http, tls, addresses, content, spiders, output, resources,
    )
}  # fmt: skip
