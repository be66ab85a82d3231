"""`scrape config.yaml` without a terminal, as cron runs it: what it says, what it leaves, how it ends."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from crawling import (
    BOOKS,
    LARGE_ITEMS,
    LISTING,
    SCRAPE,
    Answer,
    Here,
    Project,
    Site,
    ended,
    finish,
    scrape,
    site_of,
    truth,
)

pytestmark = pytest.mark.slow

ESCAPE = "\x1b"
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202eevil"  # sets a title, clears the screen, colours, turns the text round

CRASHING = """
from scraper import Spider


class Crashing(Spider):
    async def parse(self, page):
        yield page.follow("a", self.book)

    async def book(self, page):
        raise ValueError(page.css("h1").text)
"""


@pytest.fixture
def crawl(project: Project, small_shop: Site) -> Project:
    """A crawl of the small shop."""
    return project.write(small_shop.origin + LISTING)


def shell(command: str, project: Project, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which $SCRAPE is the command and $CONFIG the config."""
    env = {**os.environ, "SCRAPE": SCRAPE, "CONFIG": str(project.config)}
    return subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, timeout=60, **more)


def report_of(stderr: str) -> dict[str, Any]:
    """Return the report in a JSON log; every line must be JSON."""
    lines = [json.loads(line) for line in stderr.splitlines()]
    report: dict[str, Any] = lines[-1]["report"]
    return report


# -- what it says ------------------------------------------------------------------------------------------------


def test_a_run_ends_with_a_summary_on_stdout(crawl: Project, small_shop: Site) -> None:
    """Exit code 0, the numbers and the output's path on stdout, the items in the file."""
    done = crawl.scrape()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("crawl: done in ")
    assert f"{BOOKS + 3}" in done.stdout
    assert "items.jsonl" in done.stdout
    assert crawl.items() == truth(BOOKS, small_shop.origin)


def test_run_is_the_same_as_no_command(here: Here, crawl: Project) -> None:
    """`scrape run config.yaml` and `scrape config.yaml` are one."""
    assert here("run", str(crawl.config)).returncode == 0
    assert "(run 2)" in here(str(crawl.config)).stdout


def test_paths_are_those_of_the_config(crawl: Project, tmp_path: Path, small_shop: Site) -> None:
    """From another working directory, with a relative config path, everything still lies beside the config."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = scrape(os.path.relpath(crawl.config, elsewhere), cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert not list(elsewhere.iterdir())
    assert crawl.items() == truth(BOOKS, small_shop.origin)
    assert crawl.path(".scrape/crawl/run.db").exists()


def test_without_a_terminal_there_is_no_escape_code(crawl: Project) -> None:
    """What goes into a file or a mail is plain text, in every mode."""
    for options in ([], ["-v"]):
        done = crawl.scrape(*options, env={"TERM": "xterm-256color", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"})
        assert ESCAPE not in done.stdout + done.stderr
        assert "\r" not in done.stdout + done.stderr


def test_quiet_says_nothing_of_a_success(here: Here, crawl: Project) -> None:
    """cron sends a mail for every line; a good run has none."""
    done = here(crawl.config, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_quiet_speaks_of_a_failure(here: Here, project: Project) -> None:
    """A run that fails says what and where, on stderr, also under -q."""
    with Site(site_of({"/": '<a href="/1">x</a>', "/1": "<h1>wrong</h1>"})) as site:
        done = here(project.write(site.origin + "/", spider=CRASHING).config, "-q")
    assert (done.returncode, done.stdout) == (1, "")
    for words in ("FAILED: a callback failed on 1 page", f"{site.origin}/1", "ValueError: wrong", "as they were"):
        assert words in done.stderr


def test_verbose_logs_every_visit(here: Here, crawl: Project, small_shop: Site) -> None:
    """-v writes a line for each visit to stderr, robots.txt included, with status and size."""
    done = here(crawl.config, "-v")
    lines = [line for line in done.stderr.splitlines() if small_shop.origin in line]
    assert len(lines) == BOOKS + 3 + 1
    assert all(" 200 " in line for line in lines)
    assert sum("1 items" in line for line in lines) == BOOKS


def test_the_json_log_is_json_and_ends_with_the_report(here: Here, crawl: Project) -> None:
    """Nothing but JSON lines on stderr, nothing on stdout; the last line has the whole report."""
    done = here(crawl.config, "--json-log")
    assert (done.returncode, done.stdout) == (0, "")
    report = report_of(done.stderr)
    assert (report["status"], report["items"], report["run"]) == ("done", BOOKS, 1)
    assert report["outputs"] == [str(crawl.path("out/items.jsonl"))]


def test_the_json_log_has_every_visit(here: Here, crawl: Project, small_shop: Site) -> None:
    """--json-log: "Log every visit": 64 visits are 64 lines with URL and outcome."""
    lines = [json.loads(line) for line in here(crawl.config, "--json-log").stderr.splitlines()]
    visits = [line for line in lines if "url" in line]
    assert len(visits) == BOOKS + 3 + 1
    assert {visit["url"] for visit in visits} >= {small_shop.origin + LISTING}


@pytest.mark.parametrize("case", ["locked", "damaged", "config"])
def test_the_json_log_is_json_when_a_run_cannot_begin(crawl: Project, case: str) -> None:
    """Who reads the log by machine gets the error in the same form."""
    if case == "config":
        crawl.config.write_text("spider: nothing.py\n")
    if case == "damaged":
        crawl.path(".scrape/crawl").mkdir(parents=True)
        crawl.path(".scrape/crawl/run.db").write_text("no database at all" * 100)
    if case == "locked":
        crawl.path(".scrape/crawl").mkdir(parents=True)
        command = 'flock "$LOCK" "$SCRAPE" "$CONFIG" --json-log'
        env = {
            **os.environ,
            "LOCK": str(crawl.path(".scrape/crawl/lock")),
            "SCRAPE": SCRAPE,
            "CONFIG": str(crawl.config),
        }
        done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True)
    else:
        done = crawl.scrape("--json-log")
    assert done.returncode in (1, 2, 4)
    assert [json.loads(line) for line in done.stderr.splitlines()]


# -- foreign text ------------------------------------------------------------------------------------------------


def evil_site() -> dict[str, Answer]:
    """Return a site that tries to write to terminals by every way it has."""
    head = f"HTTP/1.1 404 {EVIL}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    links = [
        "/title",
        "/reason",
        f"/path-{EVIL}",
        f"http://{EVIL}/",
        f"java\tscript:{EVIL}",
        "/location",
    ]
    return {
        "/": "".join(f'<a href="{link}">x</a>' for link in links),
        "/title": f"<title>{EVIL}</title><h1>{EVIL}\nFAILED: forged\n2026-01-01 00:00:00,000 INFO forged</h1>",
        "/reason": head,
        "/location": f"HTTP/1.1 302 Found\r\nLocation: /{EVIL}\r\nContent-Length: 0\r\n\r\n".encode(),
    }


@pytest.mark.parametrize("options", [[], ["-v"], ["-q"], ["--json-log"]])
def test_a_page_cannot_command_the_terminal(here: Here, project: Project, options: list[str]) -> None:
    """Control and direction characters of titles, URLs, headers and status lines are shown escaped."""
    with Site(site_of(evil_site())) as site:
        done = here(project.write(site.origin + "/", spider=CRASHING, scope={"hosts": ["127.0.0.1"]}).config, *options)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    for character in "\x1b\x07\x9b\r\u202e":
        assert character not in said, f"{character!r} came through: {said!r}"


@pytest.mark.parametrize("options", [["-v"], ["-q"]])
def test_a_page_cannot_forge_a_line(here: Here, project: Project, options: list[str]) -> None:
    """No line begins with what a page says."""
    with Site(site_of(evil_site())) as site:
        done = here(project.write(site.origin + "/", spider=CRASHING).config, *options)
    forged = [line for line in (done.stdout + done.stderr).splitlines() if line.lstrip().startswith("FAILED: forged")]
    assert not [line for line in forged if not line.startswith("      ")], "a page wrote a line of the summary"
    assert not [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("2026-01-01")]


# -- streams that are not there ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "redirect",
    [
        "</dev/null",
        "<&-",
        ">/dev/full",
        "2>/dev/full",
        "-v 2>/dev/full",
        "--json-log 2>/dev/full",
        ">&-",
        "2>&-",
        "<&- >&- 2>&-",
        "-q 2>&-",
        "-v 2>&-",
        "-q >&-",
    ],
)
def test_a_stream_that_is_closed_or_full_does_not_fail_the_run(crawl: Project, small_shop: Site, redirect: str) -> None:
    """A run is what it is, whether somebody listens or not: exit code 0 and the whole output."""
    done = shell(f'"$SCRAPE" "$CONFIG" {redirect}', crawl)
    assert "Traceback" not in done.stdout + done.stderr
    assert crawl.path("out/items.jsonl").exists(), done.stderr
    assert crawl.items() == truth(BOOKS, small_shop.origin)
    assert done.returncode == 0


def test_a_reader_that_leaves_does_not_end_the_run(crawl: Project, small_shop: Site) -> None:
    """`scrape -v config.yaml 2>&1 | head -1` closes the pipe on the way: the crawl goes on to its end."""
    done = shell('{ "$SCRAPE" "$CONFIG" -v 2>&1; echo "ended with $?" >&2; } | head -1', crawl)
    assert "ended with 0" in done.stderr
    assert crawl.items() == truth(BOOKS, small_shop.origin)


@pytest.mark.parametrize("command", ['check "$CONFIG"', "schema", "--help", "--version"])
def test_an_answer_that_cannot_be_written_is_no_traceback(crawl: Project, command: str) -> None:
    """A full disk behind stdout is said in a line, and the exit code is not 0."""
    done = shell(f'"$SCRAPE" {command} >/dev/full', crawl)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
def test_a_terminal_with_few_letters_gets_the_summary_too(project: Project, encoding: str) -> None:
    """Letters that the stream cannot hold are replaced; the summary of a failed run is not dropped for one of them."""
    with Site(site_of({"/": '<a href="/1">x</a>', "/1": "<h1>漢字 é …</h1>"})) as site:
        project.write(site.origin + "/", spider=CRASHING)
        done = subprocess.run(
            [SCRAPE, str(project.config)],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert "FAILED: a callback failed on 1 page" in done.stdout.decode(encoding)


# -- how it ends -------------------------------------------------------------------------------------------------


def test_a_failed_run_exits_1_and_leaves_yesterdays_output(here: Here, project: Project) -> None:
    """A dead site is a failure: the exit code says so and the output of yesterday stands."""
    with Site(lambda path: (503, "down")) as site:
        project.write(site.origin + "/", output=["out/items.jsonl", "out/items.csv.gz"])
        before = project.yesterday()
        done = here(project.config)
    assert done.returncode == 1
    assert "FAILED: no page was fetched" in done.stdout
    assert project.path("out/items.jsonl").read_bytes() == before
    assert not project.path("out/items.csv.gz").exists()


def test_only_one_run_at_a_time(project: Project, small_shop: Site) -> None:
    """A second run exits with 4, whatever its options, while the first goes on; after SIGKILL the crawl is free."""
    project.write(small_shop.origin + LISTING, politeness={"delay": "100ms", "concurrency": 1}, commit={"pages": 1})
    asked = len(small_shop.paths)
    with ended(project.start()) as first:
        assert small_shop.wait_for(asked + 3)
        for options in ([], ["--fresh"], ["-q"]):
            second = project.scrape(*options)
            assert (second.returncode, second.stdout) == (4, "")
            assert f"process {first.pid} since" in second.stderr
        seen = len(small_shop.paths)
        assert small_shop.wait_for(seen + 2), "the first run was stopped by the second"
        assert first.poll() is None
        first.kill()
        first.wait()
    project.write(small_shop.origin + LISTING)
    third = project.scrape()
    assert (third.returncode, "resumed" in third.stdout) == (0, True)
    assert project.items() == truth(BOOKS, small_shop.origin)


def test_a_damaged_state_is_named_and_left_alone(here: Here, crawl: Project) -> None:
    """Exit code 1, the path and the cure, no traceback; file and output as they were."""
    here(crawl.config)
    state = crawl.path(".scrape/crawl/run.db")
    state.write_bytes(b"\x00not a database" * 1000)
    before = crawl.files()
    done = here(crawl.config)
    assert done.returncode == 1
    assert str(state) in done.stderr
    assert "Traceback" not in done.stderr
    after = crawl.files()
    del before[".scrape/crawl/lock"], after[".scrape/crawl/lock"]
    assert after == before


def test_changed_outputs_are_refused(crawl: Project, small_shop: Site) -> None:
    """Between a kill and the next start the outputs must stay what they were: exit code 2, and it says which."""
    crawl.write(small_shop.origin + LISTING, politeness={"delay": "100ms", "concurrency": 1}, commit={"pages": 1})
    asked = len(small_shop.paths)
    with ended(crawl.start()) as first:
        assert small_shop.wait_for(asked + 4)
        first.kill()
    crawl.write(small_shop.origin + LISTING, output="out/other.jsonl")
    done = crawl.scrape()
    assert (done.returncode, done.stdout) == (2, "")
    assert "out/items.jsonl" in done.stderr
    assert "--fresh" in done.stderr
    assert not crawl.path("out/other.jsonl").exists()
    done = crawl.scrape("--fresh")
    assert done.returncode == 0, done.stderr
    assert crawl.items("out/other.jsonl") == truth(BOOKS, small_shop.origin)


@pytest.mark.parametrize(("limit", "full"), [(3_000, "run.db"), (1_000_000, "items.jsonl.part")])
def test_a_disk_that_fills_up_costs_nothing(crawl: Project, small_shop: Site, limit: int, full: str) -> None:
    """When state or output cannot grow, the run ends with 1 and says what to do; then the same command goes on."""
    crawl.write(small_shop.origin + LISTING, spider=LARGE_ITEMS)
    before = crawl.yesterday()
    done = subprocess.run(
        [SCRAPE, str(crawl.config)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert full in done.stderr
    assert "run the same command again" in done.stderr
    assert crawl.path("out/items.jsonl").read_bytes() == before
    again = crawl.scrape()
    assert again.returncode == 0, again.stderr
    assert [item["url"] for item in crawl.items()] == [item["url"] for item in truth(BOOKS, small_shop.origin)]


def test_a_table_is_what_spreadsheets_read(here: Here, project: Project, small_shop: Site) -> None:
    """CSV and JSONL of one run hold the same items."""
    project.write(small_shop.origin + LISTING, output=["out/items.jsonl", "out/items.csv"])
    assert here(project.config).returncode == 0
    with project.path("out/items.csv").open(newline="") as file:
        rows = [{**row, "stock": int(row["stock"])} for row in csv.DictReader(file)]
    assert sorted(rows, key=lambda row: str(row["url"])) == project.items()


def test_a_run_in_memory_leaves_only_its_output(here: Here, crawl: Project, small_shop: Site) -> None:
    """--memory writes no state."""
    done = here(crawl.config, "--memory")
    assert done.returncode == 0, done.stderr
    assert not crawl.path(".scrape").exists()
    assert crawl.items() == truth(BOOKS, small_shop.origin)


START = """
from scraper import Request, Spider


class Starting(Spider):
    def start(self, seeds):
        {}

    async def parse(self, page):
        yield {{"url": page.url}}
"""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise KeyError('no list today')", "no list today"),
        ("return list(seeds)", "Request"),
        ("return None", "start"),
        ("return [Request('not a url')]", "not a url"),
    ],
)
def test_a_start_that_is_wrong_is_explained(
    here: Here, project: Project, small_shop: Site, body: str, words: str
) -> None:
    """What a spider's start() does wrong is said like everything else that is wrong with a spider."""
    done = here(project.write(small_shop.origin + LISTING, spider=START.format(body)).config)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "scraper/engine" not in done.stderr
    assert "scraper/runs" not in done.stderr


def test_a_killed_run_that_logs_is_no_problem(crawl: Project, small_shop: Site) -> None:
    """-v and --json-log may change between the lives of a run."""
    crawl.write(small_shop.origin + LISTING, politeness={"delay": "20ms", "concurrency": 1}, commit={"pages": 2})
    for options in (["-v"], ["--json-log"], ["-q"]):
        asked = len(small_shop.paths)
        with ended(crawl.start(*options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)) as process:
            assert small_shop.wait_for(asked + 6)
            process.send_signal(signal.SIGKILL)
            assert finish(process)[0] == -signal.SIGKILL
    assert crawl.scrape().returncode == 0
    assert crawl.items() == truth(BOOKS, small_shop.origin)
