"""HTTP as it is spoken: bodies that end too soon or never, answers that are none."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import HTML, Route, page
from benchmarks.hostile.stage import Run, Stage
from tests.hostile.servers import (
    CHUNKED,
    OK,
    Exchange,
    answer,
    chunk,
    dies_when_reused,
    drips,
    floods,
    holds,
    sends,
)  # fmt: skip

MIB = 1024 * 1024
RSS = 300  # MiB; an idle crawler has 40 to 100
TYPED = OK + HTML.encode() + b"\r\n"
BODY = b"<!doctype html><title>strange</title><h1>strange</h1>" + b"<p>and so on</p>" * 200


async def strange(stage: Stage, route: Route, **settings: Any) -> Run:
    """Crawl a site of which one page, `/strange`, has this route; the others are usual."""
    site = await stage.site({"/": page("home", "/strange", "/ok"), "/strange": route, "/ok": page("ok")})
    return await stage.crawl(site.url(), **settings)


async def no_page(stage: Stage, route: Route, **settings: Any) -> Verdict:
    """Judge whether the strange answer became no item, the others did, and the run ended within bounds."""
    run = await strange(stage, route, **settings)
    return judged(run, "strange" not in "".join(run.titles))


async def is_page(stage: Stage, route: Route, **settings: Any) -> Verdict:
    """Judge whether the strange answer became an item, with the others."""
    run = await strange(stage, route, **settings)
    return judged(run, "strange" in run.titles)


def judged(run: Run, right: bool) -> Verdict:
    """Return the verdict on a run whose other pages must have come, in little memory."""
    right = right and run.ended and {"home", "ok"} <= set(run.titles) and run.rss < RSS
    return verdict(right, f"items: {' '.join(run.titles) or 'none'}; {run.end}, {run.cost}")


@case(
    "http", "short-body", meets="A body ends before its Content-Length.",
    expects="It is no page: half of one is not an item.", source="RFC 9112 8",
)  # fmt: skip
async def short(stage: Stage) -> Verdict:
    return await no_page(stage, sends(TYPED + b"Content-Length: 9000\r\n\r\n" + BODY))


@case(
    "http", "short-chunked", meets="A chunked body ends without its last chunk.",
    expects="It is no page.", source="RFC 9112 8",
)  # fmt: skip
async def short_chunked(stage: Stage) -> Verdict:
    return await no_page(stage, sends(CHUNKED[:-2] + HTML.encode() + b"\r\n\r\n" + chunk(BODY)))


@case(
    "http", "half-gzip", meets="A gzip body is cut in half; its Content-Length is that of the half.",
    expects="It is no page.", source="RFC 1952 2.3 (trailer)",
)  # fmt: skip
async def half_gzip(stage: Stage) -> Verdict:
    whole = gzip.compress(BODY + bytes(range(256)) * 40)
    return await no_page(stage, answer(whole[: len(whole) // 2], HTML, "Content-Encoding: gzip"))


@case(
    "http", "gzip-bomb", meets="500 KiB of gzip become 500 MiB.",
    expects=f"Less than {RSS} MiB are used; the crawl goes on.", source="CVE-2024-3572, CWE-409",
)  # fmt: skip
async def bomb(stage: Stage) -> Verdict:
    packer = zlib.compressobj(wbits=31)
    data = b"".join(packer.compress(b" " * MIB) for _ in range(500)) + packer.flush()
    return await no_page(stage, answer(data, HTML, "Content-Encoding: gzip"))


@case(
    "http", "bomb-in-bomb", meets="The same with `Content-Encoding: gzip, gzip`: 2 KiB become 500 MiB.",
    expects=f"Less than {RSS} MiB are used; the crawl goes on.", source="CVE-2024-3572, CWE-409",
)  # fmt: skip
async def double_bomb(stage: Stage) -> Verdict:
    packer = zlib.compressobj(wbits=31)
    data = gzip.compress(b"".join(packer.compress(b" " * MIB) for _ in range(500)) + packer.flush())
    return await no_page(stage, answer(data, HTML, "Content-Encoding: gzip, gzip"))


@case(
    "http", "tiny-members", meets="A gzip body of 100,000 members, a byte in each.",
    expects="It is a page, for less than 10 CPU seconds.", source="RFC 1952 2.2; aiohttp pull request 13362",
)  # fmt: skip
async def members(stage: Stage) -> Verdict:
    body = BODY + b" " * 100_000
    run = await strange(stage, answer(_members(body), HTML, "Content-Encoding: gzip"))
    told = judged(run, "strange" in run.titles)
    return verdict(told.right and run.cpu < 10, told.evidence)


def _members(body: bytes) -> bytes:
    packed = {byte: gzip.compress(bytes([byte])) for byte in set(body)}
    return b"".join(packed[byte] for byte in body)


@case(
    "http", "drip", meets="A body comes a byte every 0.2 s and never ends; a request may take 3 s.",
    expects="It is given up; the crawl goes on.", source="slow-read attacks (CWE-400)",
)  # fmt: skip
async def drip(stage: Stage) -> Verdict:
    return await no_page(stage, drips(TYPED + b"\r\n" + BODY, every=0.2), timeout=3)


@case(
    "http", "silence", meets="A server takes the request and never answers; a request may take 3 s.",
    expects="It is given up; the crawl goes on.", source="CWE-400",
)  # fmt: skip
async def silence(stage: Stage) -> Verdict:
    return await no_page(stage, holds(), timeout=3)


@case(
    "http", "endless", meets="A body without length comes as fast as it is taken and never ends.",
    expects=f"It is given up; less than {RSS} MiB are used.", source="CWE-770",
)  # fmt: skip
async def endless(stage: Stage) -> Verdict:
    return await no_page(stage, floods(TYPED + b"\r\n" + BODY, b"<p>and so on</p>" * 4096))


@case(
    "http", "header-flood", meets="Header after header, as fast as they are taken, without end.",
    expects=f"It is given up; less than {RSS} MiB are used.", source="RFC 9110 5.4, CWE-770",
)  # fmt: skip
async def headers(stage: Stage) -> Verdict:
    return await no_page(stage, floods(OK, b"X-More: and so on\r\n" * 1000))


@case(
    "http", "giant-header", meets="One header that never ends.",
    expects=f"It is given up; less than {RSS} MiB are used.", source="RFC 9110 5.4, CWE-770",
)  # fmt: skip
async def giant(stage: Stage) -> Verdict:
    return await no_page(stage, floods(OK + b"X-Giant: ", b"x" * 65_536))


@case(
    "http", "1xx-flood", meets="`103 Early Hints` without end, and never an answer.",
    expects=f"It is given up; less than {RSS} MiB are used.", source="RFC 9110 15.2, CWE-770",
)  # fmt: skip
async def interim(stage: Stage) -> Verdict:
    return await no_page(stage, floods(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 100))


@case(
    "http", "http-0.9", meets="The answer is a page without a status line.",
    expects="It is no page: the web left HTTP/0.9 behind.", source="RFC 9112 4; curl refuses it since 7.66",
)  # fmt: skip
async def ancient(stage: Stage) -> Verdict:
    return await no_page(stage, sends(BODY))


@case(
    "http", "garbage", meets="The answer is the greeting of an SSH server.",
    expects="It is a failure; the crawl goes on.", source="RFC 9112 4",
)  # fmt: skip
async def garbage(stage: Stage) -> Verdict:
    return await no_page(stage, sends(b"SSH-2.0-OpenSSH_9.6\r\n\x00\x01\x02\r\n\r\n"))


@case(
    "http", "two-lengths", meets="Two Content-Length headers that differ.",
    expects="It is no page: nobody knows where it ends.", source="RFC 9112 6.3",
)  # fmt: skip
async def two_lengths(stage: Stage) -> Verdict:
    lengths = f"Content-Length: {len(BODY)}\r\nContent-Length: 60\r\n\r\n".encode()
    return await no_page(stage, sends(TYPED + lengths + BODY))


@case(
    "http", "length-and-chunked", meets="Both Content-Length and chunks.",
    expects="The chunks count, or it is no page; nothing else is mistaken for one.", source="RFC 9112 6.3",
)  # fmt: skip
async def both_framings(stage: Stage) -> Verdict:
    head = TYPED + b"Content-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n"
    run = await strange(stage, sends(head + chunk(BODY) + chunk(b""), "keep"))
    return judged(run, set(run.titles) <= {"home", "ok", "strange"})


@case(
    "http", "raw-deflate", meets="`Content-Encoding: deflate` without the zlib header.",
    expects="It is a page: servers mean both.", source="RFC 9110 8.4.1.2 (note)",
)  # fmt: skip
async def deflate(stage: Stage) -> Verdict:
    packer = zlib.compressobj(wbits=-15)
    data = packer.compress(BODY) + packer.flush()
    return await is_page(stage, answer(data, HTML, "Content-Encoding: deflate"))


async def not_forged(stage: Stage, start: bytes) -> Verdict:
    """Judge whether bytes after an answer were taken for the answer to the next request of the connection."""
    forged = page("forged")
    run = await strange(stage, sends(start + forged, "keep"))
    return judged(run, "forged" not in run.titles)


@case(
    "http", "two-answers", meets="An answer is followed at once by a second one that nobody asked for.",
    expects="The second one is no answer to the next request.", source="RFC 9112 9.2; response splitting (CWE-113)",
)  # fmt: skip
async def two_answers(stage: Stage) -> Verdict:
    return await not_forged(stage, answer(BODY, HTML))


@case(
    "http", "204-with-body", meets="A 204 is followed by bytes that look like an answer.",
    expects="They are no answer to the next request.", source="RFC 9112 6.3",
)  # fmt: skip
async def no_content(stage: Stage) -> Verdict:
    return await not_forged(stage, b"HTTP/1.1 204 No Content\r\n\r\n")


@case(
    "http", "dead-keep-alive", meets="A server promises to keep connections, and closes each at its second request.",
    expects="All pages come.", source="RFC 9112 9.3.1",
)  # fmt: skip
async def keep_alive(stage: Stage) -> Verdict:
    return await is_page(stage, dies_when_reused(answer(BODY, HTML)))


@case(
    "http", "referer", meets="A page whose URL has a secret links to another host.",
    expects="The Referer tells at most the origin.", source="W3C Referrer Policy: strict-origin-when-cross-origin",
)  # fmt: skip
async def referer(stage: Stage) -> Verdict:
    other = await stage.site({"/to": page("there")})
    site = await stage.site({"/": page("home", other.url("/to", "other.test"))})
    names = {"shop.test": f"127.0.0.1:{site.port}", "other.test": f"127.0.0.1:{other.port}"}
    await stage.crawl(site.url("/?token=k9", "shop.test"), hosts=("shop.test", "other.test"), names=names)
    told = other.sent("referer", "/to")
    right = bool(other.asked("/to")) and not any("k9" in value for value in told)
    return verdict(right, f"to the other host: {told[0].replace(str(site.port), 'PORT') if told else 'no Referer'}")


@case(
    "http", "few-descriptors", meets="120 hosts that keep connections open; the process may have 80 files.",
    expects="All 120 pages come.", source="getrlimit(2), RLIMIT_NOFILE",
)  # fmt: skip
async def descriptors(stage: Stage) -> Verdict:
    async def serve(exchange: Exchange) -> bool:
        await exchange.send(page(exchange.seen.headers["host"].partition(":")[0]))
        return True

    site = await stage.site(lambda target: None if target == "/robots.txt" else serve)
    names = {f"h{number}.test": f"127.0.0.1:{site.port}" for number in range(120)}
    run = await stage.crawl(*(site.url("/", name) for name in names), names=names, files=80)
    found = len(set(run.titles))
    return verdict(found == len(names) and run.ended, f"{found} of {len(names)} pages; {run.end}")
