"""Output: files that cannot be written, files of yesterday, and what a table does to a field."""

from __future__ import annotations

import csv
import io

from benchmarks.hostile.board import Verdict, case, verdict
from benchmarks.hostile.site import html, page
from benchmarks.hostile.stage import Run, Stage

YESTERDAY = b'{"url": "http://127.0.0.1/", "title": "yesterday"}\n'
NOWHERE = "/proc/nothing/items.jsonl"  # nobody may write there, not even root


def rows(run: Run) -> list[dict[str, str]]:
    """Return the rows of a CSV output."""
    return list(csv.DictReader(io.StringIO(run.raw.decode("utf-8"), newline="")))


@case(
    "output", "nowhere", meets="The output is in a place where nobody may write.",
    expects="Exit code not 0.", source="what cron can see",
)  # fmt: skip
async def nowhere(stage: Stage) -> Verdict:
    site = await stage.site({"/": page("home", "/1"), "/1": page("1")})
    run = await stage.crawl(site.url(), output=NOWHERE)
    return verdict(run.ended and run.exit != 0, f"{run.end}, after {len(site.pages)} pages")


@case(
    "output", "full", meets="The disk takes 256 KiB a file; the items are more than that.",
    expects="Exit code not 0.", source="write(2): EFBIG, ENOSPC",
)  # fmt: skip
async def full(stage: Stage) -> Verdict:
    paths = [f"/{number}" for number in range(12)]
    large = html(f"<title>{'large ' * 10_000}</title><h1>x</h1>")
    site = await stage.site({"/": page("home", *paths), **dict.fromkeys(paths, large)})
    run = await stage.crawl(site.url(), file_bytes=256 * 1024, delay=0.1)
    return verdict(run.ended and run.exit != 0, f"{run.end}; {len(run.items)} of 13 items in the output")


@case(
    "output", "yesterday", meets="The site is down today; yesterday's output is there.",
    expects="Yesterday's output stays, and the exit code tells.", source="what the reader of the file expects",
)  # fmt: skip
async def yesterday(stage: Stage) -> Verdict:
    site = await stage.site({})
    address = site.url()
    await site.__aexit__()
    (stage.folder / "items.jsonl").write_bytes(YESTERDAY)
    run = await stage.crawl(address)
    kept = run.raw == YESTERDAY
    return verdict(kept and run.exit != 0, f"yesterday's file is {'there' if kept else 'gone'}; {run.end}")


@case(
    "output", "csv-formula", meets="A heading is `=HYPERLINK(\"http://evil.test\")`; the output is CSV.",
    expects="The cell does not begin with a sign that spreadsheets run.",
    source="CWE-1236; OWASP CSV injection. scrape does it with `formulas: escape`, not by itself",
)  # fmt: skip
async def formula(stage: Stage) -> Verdict:
    site = await stage.site({"/": html('<title>t</title><h1>=HYPERLINK("http://evil.test")</h1>')})
    run = await stage.crawl(site.url(), output="items.csv")
    cells = [row["text"] for row in rows(run)]
    return verdict(
        bool(cells) and cells[0][0] not in "=+-@\t\r", f"the cell begins with {cells[0][:11] if cells else '?'}"
    )


@case(
    "output", "csv-text", meets="A heading has quotes, commas, line ends and semicolons; the output is CSV.",
    expects="Whoever reads the file gets the same text.", source="RFC 4180 2",
)  # fmt: skip
async def table(stage: Stage) -> Verdict:
    text = "say \"a\", b;\nand 'c'"
    site = await stage.site({"/": html(f"<title>t</title><h1>{text}</h1>")})
    run = await stage.crawl(site.url(), output="items.csv")
    cells = [row["text"] for row in rows(run)]
    same = [" ".join(cell.split()) for cell in cells] == [" ".join(text.split())]
    return verdict(same, f"read back as {ascii(cells[0]) if cells else 'nothing'}")


@case(
    "output", "csv-late-column", meets="A later item has a field that the first one had not; the output is CSV.",
    expects="The value is in the file, or the exit code tells.", source="measured: a column that is silently gone",
)  # fmt: skip
async def late_column(stage: Stage) -> Verdict:
    site = await stage.site({"/": page("home", "/late"), "/late": page("late")})
    run = await stage.crawl(site.url(), spider="Columns", output="items.csv")
    kept = b"half" in run.raw
    return verdict(
        (kept or run.exit != 0) and b"late" in run.raw, f"the value is {'' if kept else 'not '}in the file; {run.end}"
    )


@case(
    "output", "password", meets="The seed's URL has a password in it.",
    expects="It is in nothing that the crawler says, nor in its output; the crawl may refuse to begin.",
    source="CWE-532; RFC 3986 7.5",
)  # fmt: skip
async def password(stage: Stage) -> Verdict:
    site = await stage.site({"/": page("home", "/1"), "/1": page("1")})
    run = await stage.crawl(site.url("/", "eve:hunter2@127.0.0.1"))
    said, written = run.said.count(b"hunter2"), run.raw.count(b"hunter2")
    worked = "1" in run.titles or run.exit != 0  # or such a seed is a mistake, and named
    return verdict(not said and not written and worked, f"said {said} ×, written {written} ×; {run.end}")
