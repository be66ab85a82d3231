"""Redirects: where they may lead, and what must not go with them."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import page, redirect, status
from benchmarks.hostile.stage import Stage

HOPS = 21  # requests: twenty redirects, as the Fetch standard has it


async def bounded(stage: Stage, where: Callable[[str], str], what: str) -> Verdict:
    """Judge whether redirects without end were given up, and the other page was read."""

    def route(target: str) -> bytes | None:
        if target.startswith("/go"):
            return redirect(where(target))
        return {"/": page("home", "/go0", "/ok"), "/ok": page("ok")}.get(target)

    site = await stage.site(route)
    run = await stage.crawl(site.url(), delay=0.1)
    hops = sum(target.startswith("/go") for target in site.pages)
    return verdict(run.ended and 0 < hops <= HOPS and "ok" in run.titles, f"{hops} requests {what}; {run.end}")


@case(
    "redirects", "loop", meets="A page redirects to itself.",
    expects="At most 20 redirects; the crawl goes on.", source="Fetch 4.4 (HTTP-redirect fetch)",
)  # fmt: skip
async def loop(stage: Stage) -> Verdict:
    return await bounded(stage, lambda target: target, "in the loop")


@case(
    "redirects", "endless", meets="Every page redirects to the next one.",
    expects="At most 20 redirects; the crawl goes on.", source="Fetch 4.4 (HTTP-redirect fetch)",
)  # fmt: skip
async def endless(stage: Stage) -> Verdict:
    return await bounded(stage, lambda target: f"/go{int(target[3:]) + 1}", "in the chain")


async def carried(stage: Stage, header: str, *, spider: str, code: int = 302, tls: bool = False) -> Verdict:
    """Judge whether a header of the first request stayed with its origin when that redirected to another one."""
    other = await stage.site({"/to": page("there")})
    site = await stage.site({"/": redirect(other.url("/to"), code)}, tls="good" if tls else "")
    await stage.crawl(site.url(), spider=spider)
    at_home, away = site.sent(header, "/"), other.sent(header, "/to")
    right = bool(at_home) and bool(other.asked("/to")) and not away
    told = f"sent {away[0]}" if away else "not sent" if other.asked("/to") else "the redirect was not followed"
    return verdict(right, f"to the other origin: {told}")


@case(
    "redirects", "authorization", meets="A request with `Authorization` is redirected to another port.",
    expects="The header stays with its origin.", source="Fetch 4.4; CVE-2024-1968, CVE-2024-3574",
)  # fmt: skip
async def authorization(stage: Stage) -> Verdict:
    return await carried(stage, "authorization", spider="Secrets")


@case(
    "redirects", "downgrade", meets="A request with `Authorization` is redirected from https to http.",
    expects="The header stays with its origin.", source="Fetch 4.4; CVE-2024-1968",
)  # fmt: skip
async def downgrade(stage: Stage) -> Verdict:
    return await carried(stage, "authorization", spider="Secrets", tls=True)


@case(
    "redirects", "api-key", meets="A request with `X-Api-Key` is redirected to another port.",
    expects="Headers that may hold a secret stay with their origin.",
    source="CWE-200; not in Fetch, which knows only Authorization",
)  # fmt: skip
async def api_key(stage: Stage) -> Verdict:
    return await carried(stage, "x-api-key", spider="Secrets")


@case(
    "redirects", "cookie", meets="A site sets a cookie and redirects to another host.",
    expects="The cookie stays with its host.", source="RFC 6265bis 5.8.3; CVE-2022-0577",
)  # fmt: skip
async def cookie(stage: Stage) -> Verdict:
    other = await stage.site({"/to": page("there")})
    target = other.url("/to", "other.test")
    site = await stage.site({"/": status(302, "Set-Cookie: sid=k9", f"Location: {target}")})
    names = {"shop.test": f"127.0.0.1:{site.port}", "other.test": f"127.0.0.1:{other.port}"}
    await stage.crawl(site.url("/", "shop.test"), hosts=("shop.test", "other.test"), names=names)
    right = bool(other.asked("/to")) and not other.sent("cookie")
    return verdict(
        right, f"to the other host: {' '.join(other.sent('cookie')) or 'no cookie'}, {len(other.pages)} pages"
    )


@case(
    "redirects", "body-307", meets="A POST is redirected to another port with 307.",
    expects="Its body does not go to the other origin unasked.", source="CWE-200; Fetch would send it",
)  # fmt: skip
async def body(stage: Stage) -> Verdict:
    other = await stage.site({"/to": page("there")})
    site = await stage.site({"/": redirect(other.url("/to"), 307)})
    await stage.crawl(site.url(), spider="Post")
    right = bool(site.bodies) and not other.bodies
    return verdict(right, f"to the other origin: {ascii(other.bodies[0]) if other.bodies else 'no body'}")


@case(
    "redirects", "post-302", meets="A POST is answered with 302.",
    expects="The target is asked for with GET.", source="Fetch 4.4; RFC 9110 15.4.3",
)  # fmt: skip
async def method(stage: Stage) -> Verdict:
    site = await stage.site({"/": redirect("/done"), "/done": page("done")})
    run = await stage.crawl(site.url(), spider="Post")
    methods = [seen.method for seen in site.asked("/done")]
    return verdict(methods == ["GET"] and run.titles == ["done"], f"asked with {' '.join(methods) or 'nothing'}")


@case(
    "redirects", "userinfo", meets="A Location has a user and a password in it.",
    expects="They do not become credentials.", source="RFC 3986 7.5, CVE-2021-41125 (credentials to a wrong host)",
)  # fmt: skip
async def userinfo(stage: Stage) -> Verdict:
    site = await stage.site({})
    site.routes = {"/": redirect(site.url("/to", "eve:k9@127.0.0.1")), "/to": page("there")}
    await stage.crawl(site.url())
    sent = site.sent("authorization")
    followed = "followed" if site.asked("/to") else "not followed"
    return verdict(bool(site.pages) and not sent, f"{followed}, {sent[0] if sent else 'no credentials'}")


@case(
    "redirects", "file", meets="A Location says `file:///etc/hostname`.",
    expects="It is not read.", source="Fetch 4.4: only http(s); GHSA-23j4-mw76-5v7h",
)  # fmt: skip
async def to_file(stage: Stage) -> Verdict:
    site = await stage.site({"/": page("home", "/go"), "/go": redirect("file:///etc/hostname")})
    run = await stage.crawl(site.url())
    read = [item["url"] for item in run.items if item["url"].startswith("file:")]
    return verdict(not read and "/go" in site.pages and run.titles == ["home"], f"items: {' '.join(run.titles)}")


@case(
    "redirects", "no-location", meets="A 302 without a Location.",
    expects="It is no page; the crawl goes on.", source="RFC 9110 15.4",
)  # fmt: skip
async def no_location(stage: Stage) -> Verdict:
    site = await stage.site({"/": page("home", "/go", "/ok"), "/go": status(302), "/ok": page("ok")})
    run = await stage.crawl(site.url())
    return verdict(run.titles == ["home", "ok"] and run.ended, f"items: {' '.join(run.titles)}; {run.end}")


@case(
    "redirects", "non-ascii", meets="A Location has the bytes of `/café` in UTF-8, not escaped.",
    expects="They are escaped and followed.", source="WHATWG URL 4.4; Fetch 4.4 (location URL)",
)  # fmt: skip
async def non_ascii(stage: Stage) -> Verdict:
    site = await stage.site({"/": redirect("/café"), "/caf%C3%A9": page("there")})
    run = await stage.crawl(site.url())
    return verdict(run.titles == ["there"], f"asked for {' '.join(site.pages)}")


@case(
    "redirects", "off-scope", meets="A page redirects to a host that the spider did not state.",
    expects="It is not asked for.", source="the hosts that the user stated",
)  # fmt: skip
async def off_scope(stage: Stage) -> Verdict:
    other = await stage.site({"/to": page("there")})
    site = await stage.site({"/": page("home", "/go"), "/go": redirect(other.url("/to", "localhost"))})
    run = await stage.crawl(site.url())
    return verdict(
        not other.log and run.titles == ["home"] and "/go" in site.pages, f"the other host: {len(other.log)} requests"
    )


@case(
    "redirects", "meta-refresh", meets="A page says `<meta http-equiv=refresh content='0; url=/new'>`.",
    expects="The new page is read, as in a browser.",
    source="HTML 4.2.5.3. scrape: `page.follow_refresh`, not by itself",
)  # fmt: skip
async def meta_refresh(stage: Stage) -> Verdict:
    old = page("old", extra="<meta http-equiv=refresh content='0; url=/new'>")
    site = await stage.site({"/": page("home", "/old"), "/old": old, "/new": page("new")})
    run = await stage.crawl(site.url())
    return verdict("new" in run.titles, f"items: {' '.join(run.titles)}")
