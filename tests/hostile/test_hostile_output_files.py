"""Where outputs are written: never where a page says, never through a link, and for whom they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table
from outputs import SITE, Items, files, run_in

from scraper.config.load import parse
from scraper.config.schema import from_kwargs
from scraper.errors import ConfigError, ScraperError, SinkError
from scraper.page import Page
from scraper.spider import Spider

PATHS = "CWE-22, path traversal"
LINKS = "CWE-59, link following"
OTHERS = "CWE-732, permissions of a critical resource"
SECRET = {"headers": {"Authorization": "Bearer hunter2secret"}}


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Let everybody read and write new files, as far as the umask is asked."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- paths -------------------------------------------------------------------------------------------------------------


@case(
    "output",
    "fields-that-are-paths",
    behaviour="Fields and their names are paths out of the folder, placeholders and names of devices.",
    expectation="They are data: nothing but the outputs of the config is written.",
    source=PATHS,
)
async def test_no_field_becomes_a_path(tmp_path: Path) -> None:
    """Only the config names files."""
    names = [
        "../up",
        "/tmp/x",
        "..\\up",
        "{run}",
        "{name}",
        "items.csv",
        "CON",
        "a/b",
        "\0",
        "~/x",
        "file:///etc/passwd",
    ]

    class Paths(Spider):
        def parse(self, page: Page) -> Any:
            yield {"path": "../up", "file": "/etc/passwd", "run": "../../x", "name": "../y", "date": "..", "time": ".."}
            for name in names:
                yield {name: name}

    home = tmp_path / "home"
    outputs = ["out/{name}-{date}.jsonl", "out/{name}.csv"]
    report = await run_in(home, Paths, output=outputs, state=None)
    assert report.ok
    assert report.items == 1 + len(names)
    assert {Path(name).parent.name for name in files(home)} == {"out"}
    assert len(files(tmp_path)) == 2


@table(
    "output",
    "path",
    [
        row("placeholder-field", "{title}.jsonl"),
        row("placeholder-attribute", "{name.__class__}.jsonl"),
        row("placeholder-index", "{name[0]}.jsonl"),
        row("placeholder-conversion", "{name!r}.jsonl"),
        row("placeholder-width", "{name:>99999999999}.jsonl"),
        row("placeholder-number", "{0}.jsonl"),
        row("placeholder-empty", "{}.jsonl"),
        row("placeholder-nested", "{{name}}.jsonl"),
        row("placeholder-open", "{name.jsonl"),
        row("path-of-a-folder", "out/"),
        row("path-up", "out/.."),
        row("path-empty", " "),
    ],
    behaviour="An output's path has a placeholder that is none, or names no file.",
    expectation="The config is refused: only {run} {date} {time} {name} are filled in, and none comes from a page.",
    source=f"{PATHS}; CWE-134, format strings",
)
def test_a_path_has_four_placeholders(path: str) -> None:
    """No attribute of any object can be reached through a path."""
    with pytest.raises(ConfigError):
        from_kwargs({"output": {"path": path, "format": "jsonl"}})


@table(
    "output",
    "name",
    [
        row("name-up", "../../etc/cron.d/x"),
        row("name-dots", ".."),
        row("name-hidden", ".ssh"),
        row("name-slash", "a/b"),
        row("name-backslash", "a\\b"),
        row("name-nul", "a\0b"),
        row("name-line", "a\nb"),
        row("name-placeholder", "{date}"),
        row("name-letters", "bücher"),
        row("name-too-long", "x" * 65),
    ],
    behaviour="A crawl's name, which becomes part of file names, is a path.",
    expectation="The config is refused.",
    source=PATHS,
)
def test_the_name_of_a_crawl_is_no_path(name: str) -> None:
    """Letters, digits, dot, underscore and hyphen, a letter or digit first."""
    with pytest.raises(ConfigError):
        from_kwargs({"name": name})


def test_the_name_of_a_file_is_made_fit_for_a_name() -> None:
    """A config without a name is called as its file is, and no folder of it."""
    assert parse("spider: a.py\n", "/x/../..evil name\n.yaml", {}).name == "evil-name-"


# -- what stands there already -----------------------------------------------------------------------------------------


@table(
    "output",
    "kind, said",
    [
        row("output-is-a-folder", "folder", "it is a folder", expectation="It is refused, with the cure."),
        row(
            "output-is-a-pipe", "pipe", "not a regular file", expectation="It is refused at once: no wait for a reader."
        ),
        row("output-is-a-device", "device", "not a regular file", expectation="It is refused."),
        row("output-is-a-socket", "socket", "not a regular file", expectation="It is refused."),
        row("work-is-a-link", "work-link", "not a regular file", expectation="What it leads to is not touched."),
        row("work-is-a-pipe", "work-pipe", "not a regular file", expectation="It is refused at once."),
        row("folder-is-a-file", "parent", "A file stands where a folder is needed", expectation="It is refused."),
        row("links-in-a-circle", "circle", "not a regular file", expectation="It is refused."),
    ],
    behaviour="Something that is no file stands where an output is to be written.",
    expectation="",
    source=LINKS,
)
@pytest.mark.parametrize("name", ["items.jsonl", "items.csv"])
async def test_what_is_no_file_is_refused(kind: str, said: str, name: str, tmp_path: Path) -> None:
    """Before anything is fetched, and nothing is changed."""
    out = tmp_path / "out"
    out.mkdir()
    final, victim = out / name, tmp_path / "victim"
    work = out / (f"{name}.part" if name.endswith("jsonl") else f"{name}.part.jsonl")
    victim.write_text("precious")
    make = {
        "folder": final.mkdir,
        "pipe": lambda: os.mkfifo(final),
        "device": lambda: final.symlink_to("/dev/null"),
        "socket": lambda: os.mknod(final, stat.S_IFSOCK | 0o600),
        "work-link": lambda: work.symlink_to(victim),
        "work-pipe": lambda: os.mkfifo(work),
        "parent": lambda: (out.rmdir(), out.write_text("a file")),
        "circle": lambda: final.symlink_to(final),
    }
    make[kind]()
    before = files(tmp_path)
    with pytest.raises(SinkError, match=said):
        await run_in(tmp_path, output=f"out/{name}")
    assert {name: content for name, content in files(tmp_path).items() if not name.startswith(".scrape/")} == before


@case(
    "output",
    "link-to-the-output",
    behaviour="The output is a symbolic link of the user's own; later in the run it is changed to lead elsewhere.",
    expectation="The file that it led to at the start is replaced; what it leads to later is not touched.",
    source=LINKS,
)
async def test_a_link_is_followed_once(tmp_path: Path) -> None:
    """Where a run writes is decided when it begins."""
    real, victim, link = tmp_path / "real.jsonl", tmp_path / "victim", tmp_path / "items.jsonl"
    victim.write_text("precious")
    link.symlink_to(real)

    class Turns(Items):
        def parse(self, page: Page) -> Any:
            link.unlink(missing_ok=True)
            link.symlink_to(victim)
            return super().parse(page)

    assert (await run_in(tmp_path, Turns, output="items.jsonl", state=None)).ok
    assert real.read_text().count("\n") == 3
    assert victim.read_text() == "precious"
    assert link.is_symlink()


@case(
    "output",
    "hard-link-to-the-output",
    behaviour="The finished output has a second name, a hard link.",
    expectation="A new run replaces the output; the second name keeps yesterday's content.",
    source=LINKS,
)
async def test_a_hard_link_keeps_what_it_has(tmp_path: Path) -> None:
    """A run never writes into yesterday's file, so it cannot write into anybody else's through it."""
    (tmp_path / "items.jsonl").write_text("yesterday\n")
    os.link(tmp_path / "items.jsonl", tmp_path / "other")
    assert (await run_in(tmp_path, output="items.jsonl", state=None)).ok
    assert (tmp_path / "other").read_text() == "yesterday\n"
    assert (tmp_path / "items.jsonl").read_text().count("\n") == 3


@table(
    "output",
    "outputs",
    [
        row("same-path", ["a.jsonl", "a.jsonl"]),
        row("same-path-with-dots", ["a.jsonl", "./b/../a.jsonl"]),
        row("same-path-absolute", ["a.jsonl", "{home}/a.jsonl"]),
        row("same-path-through-a-link", ["a.jsonl", "link.jsonl"]),
        row("same-path-through-a-folder", ["a.jsonl", "folder/a.jsonl"]),
        row("same-path-by-name", ["crawl.jsonl", "{name}.jsonl"], behaviour="By its placeholder."),
        row("work-of-another", ["a.csv", "a.csv.part.jsonl"], behaviour="One is the other's work file."),
        row("state-itself", [{"path": ".scrape/crawl/run.db", "format": "jsonl"}], behaviour="It is the state."),
        row("in-the-state", [".scrape/crawl/items.jsonl"], behaviour="It is in the state's folder."),
        row("lock-of-the-state", [{"path": ".scrape/crawl/lock", "format": "csv"}], behaviour="It is the lock."),
    ],
    behaviour="Two outputs are one file, or one is the crawl's own.",
    expectation="The run is refused before anything is fetched, both names are said.",
    source="the project's own rule: each file has one owner",
)
async def test_each_file_has_one_owner(outputs: list[Any], tmp_path: Path) -> None:
    """However it is spelled."""
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "a.jsonl")
    (tmp_path / "folder").symlink_to(tmp_path)
    paths = [each.replace("{home}", str(tmp_path)) if isinstance(each, str) else each for each in outputs]
    with pytest.raises(ConfigError, match=r"one file|same path|own folder") as caught:
        await run_in(tmp_path, output=paths)
    assert isinstance(caught.value, ScraperError)
    assert not (tmp_path / "a.jsonl").exists()
    assert {name for name in files(tmp_path) if not name.startswith(".scrape/")} <= {"link.jsonl"}


# -- for whom ----------------------------------------------------------------------------------------------------------


@table(
    "output",
    "name",
    [row("private-jsonl", "a.jsonl"), row("private-csv", "a.csv"), row("private-gzip", "a.csv.gz")],
    behaviour="A crawl has a secret (a header, a proxy's login, a ${VAR}), and the umask lets everybody read.",
    expectation="Its outputs, unfinished and finished, are 0600.",
    source=OTHERS,
)
async def test_what_a_login_has_fetched_is_private(name: str, tmp_path: Path, no_umask: None) -> None:
    """From the first moment: a file that was open to others is open for those who hold it."""
    modes: dict[str, int] = {}

    class Looks(Items):
        def parse(self, page: Page) -> Any:
            modes.update({path.name: mode(path) for path in (tmp_path / "out").iterdir()})
            return super().parse(page)

    assert (await run_in(tmp_path, Looks, output=f"out/{name}", fetch=SECRET)).ok
    modes |= {path.name: mode(path) for path in (tmp_path / "out").iterdir()}
    assert len(modes) == 2
    assert set(modes.values()) == {0o600}


@table(
    "output",
    "before, after",
    [
        row("existing-open", 0o644, 0o644, expectation="It keeps them: its owner has decided who reads it."),
        row("existing-private", 0o600, 0o600, expectation="It stays private."),
        row("existing-group", 0o660, 0o660, expectation="It keeps them."),
    ],
    behaviour="An output stands there with permissions of its own.",
    expectation="",
    source=OTHERS,
)
@pytest.mark.parametrize("secret", [False, True])
@pytest.mark.parametrize("how", ["replace", "append"])
async def test_permissions_of_an_output_are_its_owners(
    before: int, after: int, secret: bool, how: str, tmp_path: Path, no_umask: None
) -> None:
    """With a secret or without one, replaced or appended to."""
    file = tmp_path / "a.jsonl"
    file.write_text("")
    file.chmod(before)
    settings = {"fetch": SECRET} if secret else {}
    assert (await run_in(tmp_path, output={"path": "a.jsonl", "mode": how}, **settings)).ok
    assert mode(file) == after


@case(
    "output",
    "private-output-of-a-failed-run",
    behaviour="A run that appends to a private output fails; its items are put aside.",
    expectation="The file that they are put into is as private.",
    source=OTHERS,
)
async def test_what_is_put_aside_is_as_private(tmp_path: Path, no_umask: None) -> None:
    """It holds what the output would have held."""

    class Fails(Items):
        def parse(self, page: Page) -> Any:
            yield from super().parse(page)
            if page.url.endswith("/2"):
                raise ValueError

    (tmp_path / "a.jsonl").write_text('{"n":1}\n')
    (tmp_path / "a.jsonl").chmod(0o600)
    report = await run_in(tmp_path, Fails, output={"path": "a.jsonl", "mode": "append"})
    assert not report.ok
    assert (tmp_path / "a.jsonl").read_text() == '{"n":1}\n'
    assert (tmp_path / "a.jsonl.part").read_text().count("\n") == 3
    assert mode(tmp_path / "a.jsonl.part") == 0o600


def test_the_site_of_these_tests_has_three_pages() -> None:
    """What is counted above."""
    assert len(SITE) == 3
