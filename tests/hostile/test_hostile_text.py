"""Text from pages: output stays valid UTF-8 JSON, and neither the log nor a terminal is ever commanded by a page."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table

from scraper import Spider, crawl
from scraper.cli import main as cli
from scraper.engine.tally import Tally
from scraper.errors import ItemError
from scraper.frontier.base import Committed, Counts
from scraper.item import MAX_BYTES, size_of, to_record
from scraper.outcome import Failed, Fetched
from scraper.page import Page
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.runs.report import FAILED, Progress, Report
from scraper.sinks.factory import make_sink, place_for
from scraper.ui.log import VisitLog, set_up
from scraper.ui.report import as_data, summary
from scraper.ui.words import json_line, safe
from scraper.visit import Fault, Lease, Visit

TERMINAL = "ECMA-48; CVE-2022-45063, CVE-2024-27936: output that commands a terminal"
BIDI = "Unicode UAX 9; CVE-2021-42574"

NASTY = {
    "escape-colour": "\x1b[31mred",
    "escape-title": "\x1b]0;title\x07",
    "escape-clear": "\x1b[2J\x1b[H",
    "c1-csi": "\x9b31m",
    "c1-osc": "\x9d0;x\x9c",
    "nul": "a\0b",
    "backspace": "good\b\b\b\bevil",
    "carriage-return": "good\revil",
    "bell": "\x07",
    "delete": "\x7f",
    "shift-out": "\x0e\x0f",
    "next-line": "a\x85b",
    "line-separator": "a\u2028b\u2029c",
    "bidi-override": "\u202etxt.exe\u202c",
    "bidi-isolate": "\u2066x\u2069\u200f",
    "zero-width": "a\u200bb\u2060\ufeff",
    "lone-high-surrogate": "\ud800x",
    "lone-low-surrogate": "x\udfff",
    "swapped-surrogates": "\udc00\ud800",
    "not-a-character": "\ufffe\uffff\U0010ffff",
    "private-use": "\ue000\U000f0000",
    "tag-characters": "\U000e0041\U000e0042",
    "vertical-tab": "a\x0b\x0cb",
}
ROWS = [row(f"text-{name}", text, behaviour=name.replace("-", " ") + ".") for name, text in NASTY.items()]


def is_tame(text: str) -> bool:
    """Tell whether a terminal shows `text` and obeys nothing in it."""
    return all(character.isprintable() or character in "\n\t" for character in text)


def lease(text: str = "") -> Lease:
    return Lease(1, request=Request(f"http://s.test/?q={text}"), origin="http://s.test")


@table(
    "content",
    "text",
    ROWS,
    behaviour="A field, a key, a header, a URL and an error message hold",
    expectation="The output is valid UTF-8 JSON with the same text (U+FFFD for half a character); log, summary, "
    "traceback and JSON log have it escaped.",
    source=f"RFC 8259 8.1; {TERMINAL}; {BIDI}",
)
async def test_no_text_does_harm(text: str, tmp_path: Path) -> None:
    """One nasty text through every way out."""
    record = to_record({"field": text, text: [text, {text: text}], "n": 1})
    with ThreadPoolExecutor(1) as thread:
        file = str(tmp_path / "items.jsonl")
        sink = make_sink(place_for(file, mode="replace", format="jsonl"), executor=thread)
        await sink.open(None)
        await sink.write([record])
        await sink.seal()
        await sink.close()
    assert Path(file).read_bytes().count(b"\n") == 1
    whole = json.loads(Path(file).read_bytes())
    if text.isascii() or not any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        assert whole["field"] == text
    else:
        assert "\ufffd" in whole["field"]
    stream = io.StringIO()
    for as_json in (False, True):
        handler = set_up(stream, level=logging.INFO, as_json=as_json, before=lambda: None)
        try:
            failed = Visit(lease(), Failed("callback", 200, f"Traceback …\nValueError: {text}"))
            faulty = Visit(lease(), Fetched(200), faults=(Fault("item", f"field {text}: no"),))
            VisitLog().hear([failed, faulty], Committed())
        finally:
            logging.getLogger("scraper").removeHandler(handler)
    assert is_tame(stream.getvalue())
    lines = stream.getvalue().splitlines()
    assert len([line for line in lines if line.startswith("{")]) == 3
    for line in lines:
        if line.startswith("{"):
            assert json.loads(line)["message"]
    tally = Tally()
    tally.hear([failed, faulty], Committed())
    told = summary(Report("x", 1, FAILED, False, Progress(1.0, tally, Counts(1, 0, 0, 1), 0), 1.0, "CPU", (), (text,)))
    assert is_tame(told)
    assert is_tame(json_line({"text": text, text: [text]}))
    json.loads(json_line({"text": text}))
    as_data(Report("x", 1, FAILED, False, Progress(1.0, tally, Counts(1, 0, 0, 1), 0), 1.0, "CPU", ()))
    headers = Headers((("X-" + "a", text),))
    assert Page(Response(Request("http://s.test/"), status=200, url="http://s.test/", headers=headers)).headers["x-a"]


@case(
    "content",
    "forged-log-line",
    behaviour="An error message holds a line break and what looks like a line of the log.",
    expectation="No line of the log begins with it.",
    source="CWE-117, improper output neutralization for logs",
)
def test_a_page_cannot_forge_a_line_of_the_log() -> None:
    """Lines that follow the first are indented, so that each line that is not belongs to the log."""
    stream = io.StringIO()
    handler = set_up(stream, level=logging.INFO, as_json=False, before=lambda: None)
    try:
        fault = Fault("item", "x\n2026-01-01 00:00:00,000 INFO run done")
        VisitLog().hear([Visit(lease(), Fetched(200), faults=(fault,))], Committed())
    finally:
        logging.getLogger("scraper").removeHandler(handler)
    assert [line for line in stream.getvalue().splitlines() if line.startswith("2026-01-01 00:00:00")] == []


@case(
    "content",
    "traceback-of-our-own",
    behaviour="An error that nobody expected quotes a page.",
    expectation="Its traceback on the terminal is escaped, and the exit code is 1.",
    source=TERMINAL,
)
def test_an_unexpected_error_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not one of ours is told in full, and tamely."""
    assert cli._explain(ValueError("\x1b[31m\x9b2J\u202e"), []) == 1
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert is_tame(told)


@pytest.mark.parametrize("text", ["plain", "Grüße, 中文 – “x”", "a\tb\nc", "🙂"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Letters of all scripts, tabs and line breaks are not escaped."""
    assert safe(text) == text


@case(
    "content",
    "field-that-is-no-number",
    behaviour="A field is NaN or infinite.",
    expectation="The item is a fault that names the field.",
    source="RFC 8259 6",
)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_no_number_is_no_number(number: float) -> None:
    """JSON has no such numbers, at whatever depth."""
    with pytest.raises(ItemError, match=r"'a\.b\[0\]'"):
        to_record({"a": {"b": [number]}})


@case(
    "spiders",
    "item-too-large",
    behaviour="A callback yields an item of more than 16 MiB.",
    expectation="The item is a fault that names its largest field and the bound.",
    source="the project's own bound: as much as a page may have",
)
def test_an_item_has_a_bound() -> None:
    """The size is that of the item as JSON."""
    assert size_of(to_record({"a": "é" * 1000})) == 2008
    with pytest.raises(ItemError, match=r"'big' has 16,777,\d+ bytes.*16,777,216"):
        size_of(to_record({"small": "x", "big": "x" * MAX_BYTES}))


@case(
    "content",
    "state-file-is-tame",
    behaviour="A reason phrase, and a link that is refused, hold terminal escapes.",
    expectation="Who asks the state file with sqlite3 gets them escaped.",
    source=TERMINAL,
)
async def test_the_state_file_commands_no_terminal(tmp_path: Path) -> None:
    """The reason phrase is what an outcome's detail quotes."""

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = b'<a href="x:\x1b[31m\xe2\x80\xae">x</a>' if b"/page" in head else b""
        status = b"200 OK" if body else b"404 \x1b]0;owned\x07"
        writer.write(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        writer.close()

    class Links(Spider):
        async def parse(self, page: Page) -> Any:
            yield page.follow_links()

    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    base = "http://{}:{}".format(*server.sockets[0].getsockname())
    async with server:
        await crawl(
            Links, seeds=[f"{base}/page", f"{base}/gone"], state=tmp_path, name="tame",
            politeness={"delay": 0, "robots": "ignore"},
        )  # fmt: skip
    with closing(sqlite3.connect(tmp_path / "tame" / "run.db")) as state:
        told = [text for (text,) in state.execute("select detail from done union all select url from refused")]
    assert any("owned" in text for text in told)
    assert any("[31m" in text for text in told)
    assert all(text.isprintable() for text in told)
