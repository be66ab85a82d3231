"""Content: encodings, types, characters that control something, and pages that were built to hurt a parser."""

from __future__ import annotations

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import html, page
from benchmarks.hostile.stage import Stage
from tests.hostile.servers import answer

ESCAPE = "\x1b]0;owned\x07\x1b[31mred"
CPU, RSS = 10, 600  # seconds and MiB for one page of 100 kB to 2 MB
LEXBOR = "lexbor issue 340, html issues 3732 and 10772; measured"


async def read_as(stage: Stage, data: bytes, wanted: str | None) -> Verdict:
    """Judge whether the heading of the page was read as it is meant."""
    site = await stage.site({"/": data})
    run = await stage.crawl(site.url())
    texts = [item["text"] for item in run.items]
    return verdict(texts == [wanted], f"read as {texts[0]!a}" if texts else f"no item; {run.end}")


def labelled(charset: str, body: bytes) -> bytes:
    """Return a page whose header says an encoding."""
    return answer(b"<title>t</title><h1>" + body + b"</h1>", f"Content-Type: text/html; charset={charset}")


@case(
    "content", "latin-1", meets="A page in windows-1252 says that it is iso-8859-1.",
    expects="It is read as windows-1252, as in browsers.", source="WHATWG Encoding 4.2",
)  # fmt: skip
async def latin(stage: Stage) -> Verdict:
    return await read_as(stage, labelled("iso-8859-1", b"\x93quoted\x94 \x80"), "“quoted” €")


@case(
    "content", "gb2312", meets="A page in gbk says that it is gb2312.",
    expects="It is read as gbk, as in browsers.", source="WHATWG Encoding 4.2",
)  # fmt: skip
async def chinese(stage: Stage) -> Verdict:
    return await read_as(stage, labelled("gb2312", "朱镕基".encode("gbk")), "朱镕基")


@case(
    "content", "utf-7", meets="A header says `charset=utf-7`; the body hides markup in it.",
    expects="UTF-7 is not known: the text stays as it is.", source="WHATWG Encoding 4.2; CWE-79",
)  # fmt: skip
async def utf7(stage: Stage) -> Verdict:
    return await read_as(stage, labelled("utf-7", b"a+ADw-b+AD4-c"), "a+ADw-b+AD4-c")


@case(
    "content", "unicode-escape", meets="A header says `charset=unicode_escape`, which only Python knows.",
    expects="It is not known: the text stays as it is.", source="WHATWG Encoding 4.2",
)  # fmt: skip
async def python_codec(stage: Stage) -> Verdict:
    return await read_as(stage, labelled("unicode_escape", rb"a\x3cb\x3ec"), r"a\x3cb\x3ec")


@case(
    "content", "bom-wins", meets="A byte order mark of UTF-8 under a header that says iso-8859-1.",
    expects="The mark wins.", source="WHATWG Encoding 6 (decode)",
)  # fmt: skip
async def mark(stage: Stage) -> Verdict:
    data = b"\xef\xbb\xbf<title>t</title><h1>" + "café".encode() + b"</h1>"
    return await read_as(stage, answer(data, "Content-Type: text/html; charset=iso-8859-1"), "café")


@case(
    "content", "invalid-utf-8", meets="A heading with bytes that are no UTF-8.",
    expects="They become U+FFFD, one for each maximal part.", source="WHATWG Encoding 8.1.1; Unicode 3.9",
)  # fmt: skip
async def invalid(stage: Stage) -> Verdict:
    return await read_as(stage, labelled("utf-8", b"a\xff\xe2\x82b"), "a\ufffd\ufffdb")


@case(
    "content", "surrogate", meets="A heading with `&#xD800;` and `&#0;`.",
    expects="They become U+FFFD.", source="HTML 13.2.5.80",
)  # fmt: skip
async def references(stage: Stage) -> Verdict:
    return await read_as(stage, html("<title>t</title><h1>a&#xD800;b&#0;c</h1>"), "a\ufffdb\ufffdc")


async def data(stage: Stage, body: str, *, told: bool) -> Verdict:
    """Judge whether every line of the output is JSON, and whether what could not be written is told of."""
    document = answer(body.encode(), "Content-Type: application/json")
    good = answer(b'"good"', "Content-Type: application/json")
    site = await stage.site({"/": page("home", "/bad", "/good"), "/bad": document, "/good": good})
    run = await stage.crawl(site.url(), spider="Data")
    values = [item["value"] for item in run.items]
    missing = len(values) < 2
    right = not run.faults and ("good" in values or run.exit != 0) and (not missing or run.exit != 0 or not told)
    fault = f"not JSON: {run.faults[0]}" if run.faults else f"{len(values)} items in the output"
    return verdict(right, f"{fault}; {run.end}")


@case(
    "content", "lone-surrogate", meets='A JSON page says `"\\ud800"`, and the spider yields it.',
    expects="The output stays UTF-8; if the item is lost, the exit code tells.", source="RFC 8259 8.1, 8.2",
)  # fmt: skip
async def lone(stage: Stage) -> Verdict:
    return await data(stage, '"a\\ud800b"', told=True)


@case(
    "content", "nan", meets="A JSON page says `NaN`, and the spider yields it.",
    expects="The output stays JSON; if the item is lost, the exit code tells.", source="RFC 8259 6",
)  # fmt: skip
async def nan(stage: Stage) -> Verdict:
    return await data(stage, '{"price": NaN}', told=True)


@case(
    "content", "terminal",
    meets="A title with the terminal's escape sequences; the spider raises an error that quotes it.",
    expects="What the crawler says to the terminal has none of them.", source="CWE-150; terminal escape injection",
)  # fmt: skip
async def terminal(stage: Stage) -> Verdict:
    bad = html(f"<title>{ESCAPE}</title><h1>{ESCAPE}</h1>")
    site = await stage.site({"/": page("home", "/bad", "/ok"), "/bad": bad, "/ok": page("ok")})
    run = await stage.crawl(site.url(), spider="Raises")
    raw = run.said.count(b"\x1b]0;owned") + run.said.count(b"\x1b[31mred")
    return verdict(not raw and "ok" in run.titles, f"{raw} escape sequences of the page in what was said")


@case(
    "content", "pdf-as-html", meets="A PDF is labelled `text/html`; among its bytes there are a title and a link.",
    expects="It is not read as HTML.", source="measured: servers with one type for all; browsers do read it",
)  # fmt: skip
async def labelled_pdf(stage: Stage) -> Verdict:
    return await _pdf(stage, "Content-Type: text/html")


@case(
    "content", "pdf-no-type", meets="A PDF has no Content-Type; among its bytes there are a title and a link.",
    expects="It is not read as HTML.", source="WHATWG MIME Sniffing 7.1",
)  # fmt: skip
async def unlabelled_pdf(stage: Stage) -> Verdict:
    return await _pdf(stage)


async def _pdf(stage: Stage, *headers: str) -> Verdict:
    body = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <html><title>fake</title><a href=/trap>x</a></html> endobj\n" * 20
    site = await stage.site({"/": page("home", "/report", "/ok"), "/report": answer(body, *headers), "/ok": page("ok")})
    run = await stage.crawl(site.url())
    fake = any("fake" in title for title in run.titles)
    right = not fake and not site.asked("/trap") and "ok" in run.titles and run.ended
    return verdict(
        right, f"{'a title was read' if fake else 'no title'}, {len(site.asked('/trap'))} links followed; {run.end}"
    )


async def survived(stage: Stage, body: str | bytes, kind: str = "text/html") -> Verdict:
    """Judge what a page that was built to hurt cost, and whether the crawl went on."""
    raw = body.encode() if isinstance(body, str) else body
    site = await stage.site(
        {"/": page("home", "/bomb", "/ok"), "/bomb": answer(raw, f"Content-Type: {kind}"), "/ok": page("ok")}
    )
    run = await stage.crawl(site.url(), wall=90)
    right = run.ended and run.cpu < CPU and run.rss < RSS and {"home", "ok"} <= set(run.titles)
    return verdict(
        right, f"{len(raw) / 1000:.0f} kB of page: {run.cost}; {run.end}; items: {' '.join(run.titles)[:40]}"
    )


@case(
    "content", "formatting-bomb", meets="110 kB of formatting elements that are never closed.",
    expects=f"Less than {CPU} CPU seconds and {RSS} MiB; the crawl goes on.", source=LEXBOR,
)  # fmt: skip
async def formatting(stage: Stage) -> Verdict:
    tags = "".join(f"<{tag} class=c{number}>" for number in range(2000) for tag in ("b", "i", "u", "font"))
    return await survived(stage, f"<title>bomb</title>{tags}" + "<p>x" * 6000)


@case(
    "content", "options", meets="An honest page with 30,000 `<option>`s.",
    expects=f"Less than {CPU} CPU seconds and {RSS} MiB; it is a page.", source=LEXBOR,
)  # fmt: skip
async def options(stage: Stage) -> Verdict:
    return await survived(stage, "<title>bomb</title><select>" + "".join(f"<option>{n}" for n in range(30_000)))


@case(
    "content", "deep", meets="200,000 elements, each inside the other.",
    expects=f"Less than {CPU} CPU seconds and {RSS} MiB; the crawl goes on.",
    source="CWE-674 (uncontrolled recursion)",
)  # fmt: skip
async def deep(stage: Stage) -> Verdict:
    return await survived(stage, "<title>bomb</title>" + "<div>" * 200_000)


@case(
    "content", "attributes", meets="One element with 100,000 attributes.",
    expects=f"Less than {CPU} CPU seconds and {RSS} MiB; the crawl goes on.",
    source="CWE-407 (algorithmic complexity); measured",
)  # fmt: skip
async def attributes(stage: Stage) -> Verdict:
    return await survived(stage, "<title>bomb</title><p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">")


@case(
    "content", "entities", meets="XML whose entities multiply: a billion laughs.",
    expects=f"Less than {CPU} CPU seconds and {RSS} MiB; the crawl goes on.", source="CVE-2003-1564, CWE-776",
)  # fmt: skip
async def entities(stage: Stage) -> Verdict:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "laugh">{levels}]><a><title>&l9;</title></a>'
    return await survived(stage, text, "application/xml")
