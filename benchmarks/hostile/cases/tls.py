"""TLS: certificates that are wrong. Their authority is trusted by way of SSL_CERT_FILE."""

from __future__ import annotations

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import page
from benchmarks.hostile.stage import Stage


async def refused(stage: Stage, certificate: str) -> Verdict:
    """Judge whether nothing was asked for over a connection with a wrong certificate, and the exit code tells."""
    site = await stage.site({"/": page("home")}, tls=certificate)
    run = await stage.crawl(site.url())
    right = not site.log and run.ended and run.exit != 0
    return verdict(right, f"{len(site.log)} requests over it; {run.end}")


@case(
    "tls", "good", meets="A certificate that is right.",
    expects="The page is fetched.", source="RFC 5280 6",
)  # fmt: skip
async def good(stage: Stage) -> Verdict:
    site = await stage.site({"/": page("home")}, tls="good")
    run = await stage.crawl(site.url())
    return verdict(run.titles == ["home"], f"items: {' '.join(run.titles) or 'none'}; {run.end}")


@case(
    "tls", "expired", meets="A certificate that has expired.",
    expects="Nothing is asked for; exit code not 0.", source="RFC 5280 6.1.3",
)  # fmt: skip
async def expired(stage: Stage) -> Verdict:
    return await refused(stage, "expired")


@case(
    "tls", "self-signed", meets="A certificate that nobody signed.",
    expects="Nothing is asked for; exit code not 0.", source="RFC 5280 6.1",
)  # fmt: skip
async def self_signed(stage: Stage) -> Verdict:
    return await refused(stage, "self")


@case(
    "tls", "wrong-host", meets="A certificate for another host.",
    expects="Nothing is asked for; exit code not 0.", source="RFC 9525 6",
)  # fmt: skip
async def wrong_host(stage: Stage) -> Verdict:
    return await refused(stage, "other")
