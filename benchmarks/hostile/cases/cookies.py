"""Cookies: which are taken, and who gets them back."""

from __future__ import annotations

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import page
from benchmarks.hostile.stage import Stage


async def given_back(
    stage: Stage, setting: str, *, wanted: bool, path: str = "/next", then: str = "shop.test"
) -> Verdict:
    """Judge whether a cookie that the first page set came back with the request for another page."""
    site = await stage.site({})
    second = site.url(path, then)
    site.routes = {"/": page("home", second, headers=[f"Set-Cookie: {setting}"]), path: page("next")}
    hosts = ("shop.test", then)
    names = dict.fromkeys(hosts, f"127.0.0.1:{site.port}")
    await stage.crawl(site.url("/", "shop.test"), hosts=hosts, names=names)
    got = site.sent("cookie", path)
    return verdict(
        bool(site.asked(path)) and bool(got) == wanted, f"`{then}{path}` got {got[0] if got else 'no cookie'}"
    )


@case(
    "cookies", "usual", meets="A site sets a cookie.",
    expects="It is sent with the next request.", source="RFC 6265bis 5.8.3",
)  # fmt: skip
async def usual(stage: Stage) -> Verdict:
    return await given_back(stage, "sid=k9", wanted=True)


@case(
    "cookies", "public-suffix", meets="`a.co.uk` sets a cookie with `Domain=co.uk`.",
    expects="`b.co.uk` does not get it.", source="RFC 6265bis 5.7; GHSA-mfjm-vh54-3f96",
)  # fmt: skip
async def public_suffix(stage: Stage) -> Verdict:
    return await _suffix(stage, "co.uk")


@case(
    "cookies", "private-suffix", meets="`a.github.io` sets a cookie with `Domain=github.io`.",
    expects="`b.github.io`, somebody else's, does not get it.",
    source="RFC 6265bis 5.7; Public Suffix List, private part",
)  # fmt: skip
async def private_suffix(stage: Stage) -> Verdict:
    return await _suffix(stage, "github.io")


async def _suffix(stage: Stage, suffix: str) -> Verdict:
    site = await stage.site({})
    hosts = (f"a.{suffix}", f"b.{suffix}")
    setting = [f"Set-Cookie: super=k9; Domain={suffix}"]
    site.routes = {"/": page("home", site.url("/next", hosts[1]), headers=setting), "/next": page("next")}
    names = dict.fromkeys(hosts, f"127.0.0.1:{site.port}")
    await stage.crawl(site.url("/", hosts[0]), hosts=hosts, names=names)
    got = site.sent("cookie", "/next")
    return verdict(bool(site.asked("/next")) and not got, f"`{hosts[1]}` got {got[0] if got else 'no cookie'}")


@case(
    "cookies", "host-only", meets="A cookie without `Domain`; a link to a host below.",
    expects="The host below does not get it.", source="RFC 6265bis 5.7, 5.8.3",
)  # fmt: skip
async def host_only(stage: Stage) -> Verdict:
    return await given_back(stage, "sid=k9", wanted=False, then="sub.shop.test")


@case(
    "cookies", "path", meets="A cookie for `/account`; a link to `/accounts`.",
    expects="`/accounts` does not get it.", source="RFC 6265bis 5.1.4",
)  # fmt: skip
async def path_match(stage: Stage) -> Verdict:
    return await given_back(stage, "sid=k9; Path=/account", wanted=False, path="/accounts")


@case(
    "cookies", "secure", meets="A cookie that is `Secure` is set over http.",
    expects="It is not taken.", source="RFC 6265bis 5.7",
)  # fmt: skip
async def secure(stage: Stage) -> Verdict:
    return await given_back(stage, "sid=k9; Secure", wanted=False)


@case(
    "cookies", "host-prefix", meets="`__Host-sid` is set without `Secure`, with a `Domain`.",
    expects="It is not taken.", source="RFC 6265bis 4.1.3.2",
)  # fmt: skip
async def host_prefix(stage: Stage) -> Verdict:
    return await given_back(stage, "__Host-sid=k9; Path=/; Domain=shop.test", wanted=False)


@case(
    "cookies", "expired", meets="A cookie is set, and taken back by the next page with `Max-Age=0`.",
    expects="It is not sent after that.", source="RFC 6265bis 5.6.2",
)  # fmt: skip
async def expired(stage: Stage) -> Verdict:
    leaving = page("leaving", "/next", headers=["Set-Cookie: sid=; Max-Age=0"])
    entering = page("home", "/leave", headers=["Set-Cookie: sid=k9"])
    site = await stage.site({"/": entering, "/leave": leaving, "/next": page("next")})
    await stage.crawl(site.url())
    had, has = site.sent("cookie", "/leave"), site.sent("cookie", "/next")
    right = bool(had) and bool(site.asked("/next")) and not has
    return verdict(right, f"before: {' '.join(had) or 'no cookie'}; after: {' '.join(has) or 'no cookie'}")


@case(
    "cookies", "flood", meets="One page sets 240 cookies, then links on.",
    expects="At most 180 of them are sent back.", source="RFC 6265bis 6.1 (limits); Chrome keeps 180 a domain",
)  # fmt: skip
async def flood(stage: Stage) -> Verdict:
    many = [f"Set-Cookie: c{number}={'x' * 100}" for number in range(240)]
    site = await stage.site({"/": page("home", "/next", headers=many), "/next": page("next")})
    run = await stage.crawl(site.url())
    count = sum(value.count("=") for value in site.sent("cookie", "/next"))
    right = run.titles == ["home", "next"] and 0 < count <= 180
    return verdict(right, f"{count} cookies sent; items: {' '.join(run.titles)}")
