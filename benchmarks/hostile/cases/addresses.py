"""Addresses: a page must not steer the crawler into networks that are not public.

The second address of the loopback network, 127.0.0.2, stands for every inner service, such as a cloud's metadata
service at 169.254.169.254: it is really there, its requests are counted, and nothing leaves the machine. The seed's own
address, 127.0.0.1, is what the user named. The hosts of the crawl include the inner one, as they do when a name of a
site's own points inwards.
"""

from __future__ import annotations

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.job import ANY
from benchmarks.hostile.site import page, redirect
from benchmarks.hostile.stage import Stage

INNER = "127.0.0.2"
SOURCE = "CWE-918 (server-side request forgery), OWASP SSRF prevention; RFC 6890"


async def kept_out(
    stage: Stage, written: str, *, moved: bool = False, hosts: tuple[str, ...] = ("127.0.0.1", INNER)
) -> Verdict:
    """Judge whether the inner service heard nothing, and the usual page was read."""
    inner = await stage.site({"/": page("secret")}, host=INNER)
    target = inner.url("/", written)
    site = await stage.site(
        {"/": page("home", "/go" if moved else target, "/ok"), "/go": redirect(target), "/ok": page("ok")}
    )
    run = await stage.crawl(site.url(), hosts=hosts)
    right = not inner.connections and {"home", "ok"} <= set(run.titles)
    read = ", its page became an item" if "secret" in run.titles else ""
    return verdict(right, f"the inner service: {inner.connections} connections, {len(inner.log)} requests{read}")


@case("addresses", "link", meets="A page links to an inner address.", expects="It is not connected to.", source=SOURCE)
async def link(stage: Stage) -> Verdict:
    return await kept_out(stage, INNER)


@case(
    "addresses", "redirect", meets="A page redirects to an inner address.",
    expects="It is not connected to.", source=SOURCE,
)  # fmt: skip
async def moved(stage: Stage) -> Verdict:
    return await kept_out(stage, INNER, moved=True)


@case(
    "addresses", "decimal", meets="A page redirects to an inner address, written as one number; no hosts were stated.",
    expects="It is not connected to.", source=f"{SOURCE}; WHATWG URL 3.5",
)  # fmt: skip
async def decimal(stage: Stage) -> Verdict:
    return await kept_out(stage, str(127 << 24 | 2), moved=True, hosts=ANY)


@case(
    "addresses", "mapped", meets="A page redirects to `[::ffff:127.0.0.2]`; no hosts were stated.",
    expects="It is not connected to.", source=f"{SOURCE}; RFC 4291 2.5.5.2",
)  # fmt: skip
async def mapped(stage: Stage) -> Verdict:
    return await kept_out(stage, f"[::ffff:{INNER}]", moved=True, hosts=ANY)


@case(
    "addresses", "name", meets="A page links to a name that the system resolves to an inner address: `localhost`.",
    expects="It is not connected to.", source=SOURCE,
)  # fmt: skip
async def name(stage: Stage) -> Verdict:
    inner = await stage.site({"/": page("secret")})
    site = await stage.site({"/": page("home", inner.url("/", "localhost"), "/ok"), "/ok": page("ok")})
    names = {"shop.test": f"127.0.0.1:{site.port}"}
    run = await stage.crawl(site.url("/", "shop.test"), hosts=("shop.test", "localhost"), names=names)
    right = not inner.connections and {"home", "ok"} <= set(run.titles)
    return verdict(right, f"the inner service: {inner.connections} connections, {len(inner.log)} requests")
