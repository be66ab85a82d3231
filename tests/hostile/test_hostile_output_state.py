"""The crawl's memory on disk: damaged, foreign, a link, open to others, and never anything that could run."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from case import case, row, table
from outputs import Items, files, run_in
from recording import page as answer
from recording import recording

from scraper.errors import ScraperError, SinkError, StateDamaged, StateError
from scraper.frontier.store import LAYOUT
from scraper.page import Page

OWN = "the project's own rule: what is not understood is named and left alone"
LINKS = "CWE-59, link following"
SECRET = "hunter2secret"
CLI = [sys.executable, "-m", "scraper"]


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose crawl came as far as its first commit: the next run goes on from there."""
    folder = tmp_path_factory.mktemp("unfinished")

    def at(boundary: str) -> None:
        if boundary == "committed":
            raise SinkError("the disk is gone")

    with pytest.raises(SinkError):
        asyncio.run(run_in(folder, output="items.jsonl", at=at))
    return folder


def copy(unfinished: Path, folder: Path) -> Path:
    """Copy that crawl into `folder`; return its state file, which can be spoilt."""
    shutil.copytree(unfinished, folder, dirs_exist_ok=True)
    return folder / ".scrape" / "crawl" / "run.db"


def sql(path: Path, *statements: str) -> None:
    """Change a state file as any person could: with SQL."""
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def overwrite(path: Path, place: int, data: bytes) -> None:
    """Write over some bytes of a file."""
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def foreign(path: Path) -> None:
    """Put a database of another program in the place of a file."""
    path.unlink()
    sql(path, "create table diary (entry text)", "insert into diary values ('dear diary')", "pragma user_version = 1")


Spoil = Callable[[Path], Any]


@table(
    "output",
    "spoil, said",
    [
        row("state-of-garbage", lambda path: path.write_bytes(random.Random(1).randbytes(9000)), "not a database"),
        row("state-of-text", lambda path: path.write_text("dear diary\n" * 50), "not a database"),
        row("state-of-zeros", lambda path: path.write_bytes(bytes(8192)), "not a database"),
        row("state-head-only", lambda path: os.truncate(path, 100), ""),
        row("state-cut-in-a-page", lambda path: os.truncate(path, path.stat().st_size - 1000), "its end is missing"),
        row("state-cut-between-pages", lambda path: os.truncate(path, path.stat().st_size - 4096), "malformed"),
        row("state-first-page-only", lambda path: os.truncate(path, 4096), "malformed"),
        row("state-magic-flipped", lambda path: overwrite(path, 3, b"X"), "not a database"),
        row("state-page-size-flipped", lambda path: overwrite(path, 16, b"\x03\x07"), ""),
        row("state-schema-scribbled", lambda path: overwrite(path, 100, b"\xff" * 300), ""),
        row("state-page-scribbled", lambda path: overwrite(path, 4096, b"\xff" * 4096), ""),
        row("state-newer", lambda path: sql(path, f"pragma user_version = {LAYOUT + 1}"), f"is in layout {LAYOUT + 1}"),
        row("state-older", lambda path: sql(path, "pragma user_version = 1"), "is in layout 1"),
        row("state-of-another-program", foreign, "not a crawl's state file"),
        row("state-table-missing", lambda path: sql(path, "drop table done"), "no such table: done"),
        row("state-column-missing", lambda path: sql(path, "alter table url drop column depth"), "no such column"),
        row("state-host-unknown", lambda path: sql(path, "update url set host = 99"), "contradict each other"),
        row(
            "state-done-unknown",
            lambda path: sql(path, "insert into done select 9999,0,1,'',1,0,0,0,0,''"),
            "contradict",
        ),
        row("state-text-broken", lambda path: sql(path, "update url set url = cast(x'ff' as text)"), "UTF-8"),
        row("state-number-is-text", lambda path: sql(path, "update url set fp = 'many'"), "contradict each other"),
        row("state-extra-broken", lambda path: sql(path, "update url set extra = x'7b'"), "contradict each other"),
        row("state-extra-of-wrong-type", lambda path: sql(path, "update url set extra = '[1]'"), "contradict"),
        row("state-place-broken", lambda path: sql(path, "update out set place = x'7b'"), "contradict each other"),
        row("state-place-is-no-place", lambda path: sql(path, "update out set place = '{}'"), ""),
        row("state-place-is-a-list", lambda path: sql(path, "update out set place = '[1]'"), "contradict each other"),
        row("state-offset-is-text", lambda path: sql(path, "update out set offset = 'far'"), ""),
        row("state-status-unknown", lambda path: sql(path, "update run set status = 'odd'"), ""),
        row("state-two-runs", lambda path: sql(path, "insert into run select 9, started, ended, status from run"), ""),
    ],
    behaviour="The state file of an unfinished run is damaged, of another version or of another program.",
    expectation="It is named with the cure and left alone byte for byte; `--fresh` moves it aside and begins anew.",
    source=f"{OWN}; https://sqlite.org/howtocorrupt.html",
)
async def test_a_spoilt_state_is_named_and_left_alone(
    spoil: Spoil, said: str, unfinished: Path, tmp_path: Path
) -> None:
    """Never another error, never a crawl that goes on with half of its memory; nothing is fetched, the items stay."""
    path = copy(unfinished, tmp_path)
    spoil(path)
    before = files(tmp_path)
    with pytest.raises(StateDamaged) as caught:
        await run_in(tmp_path, output="items.jsonl")
    assert str(path) in str(caught.value)
    assert "--fresh" in str(caught.value)
    assert said in str(caught.value)
    assert {name: content for name, content in files(tmp_path).items() if name in before} == {
        **before,
        ".scrape/crawl/lock": (path.parent / "lock").read_bytes(),
    }
    report = await run_in(tmp_path, output="items.jsonl", fresh=True)
    assert report.ok
    assert (tmp_path / "items.jsonl").read_text().count("\n") == 3
    assert (path.parent / "damaged.db").exists() or (path.parent / "previous.db").exists()


@case(
    "output",
    "state-bits-flipped",
    behaviour="Single bits of an unfinished run's state file have flipped, anywhere.",
    expectation="The run ends well, or the error is one of ours; a file that is refused is left as it was.",
    source=OWN,
)
@pytest.mark.parametrize("seed", range(4))
async def test_flipped_bits_are_refused_or_do_no_harm(seed: int, unfinished: Path, tmp_path: Path) -> None:
    """SQLite has no checksums: a flipped letter of a URL is another URL."""
    chance = random.Random(seed)
    for number in range(10):
        path = copy(unfinished, tmp_path / str(number))
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        try:
            await run_in(tmp_path / str(number), output="items.jsonl")
        except StateDamaged:
            assert path.read_bytes() == content
        except ScraperError:
            pass


@table(
    "output",
    "name, spoil",
    [
        row("empty-state", "run.db", lambda path: path.write_bytes(b"")),
        row("suspects-of-garbage", "suspects.json", lambda path: path.write_bytes(b"\xff{")),
        row("crumb-of-garbage", "crumb", lambda path: path.write_bytes(b"\xff" * 99)),
        row("crumb-empty", "crumb", lambda path: path.write_bytes(b"")),
        row("lock-of-garbage", "lock", lambda path: path.write_bytes(b"\x1b[2J" * 99)),
        row("previous-of-garbage", "previous.db", lambda path: path.write_bytes(b"garbage")),
    ],
    behaviour="A file of the state that says nothing on which a run depends is empty or garbage.",
    expectation="The run goes on, or begins anew where nothing was remembered; it ends well.",
    source=OWN,
)
async def test_what_can_be_done_without_is_done_without(
    name: str, spoil: Spoil, unfinished: Path, tmp_path: Path
) -> None:
    """A torn file of a crash must not have to be cleared away by hand."""
    path = copy(unfinished, tmp_path)
    spoil(path.with_name(name))
    report = await run_in(tmp_path, output="items.jsonl")
    assert report.ok
    assert (tmp_path / "items.jsonl").read_text().count("\n") == 3


@table(
    "output",
    "name, kind",
    [
        row(f"state-{name.replace('.', '-')}-is-a-{kind}", name, kind)
        for name in ("run.db", "lock", "crumb")
        for kind in ("link", "pipe", "folder")
    ],
    behaviour="A symbolic link to somebody's file, a pipe or a folder stands where a file of the state belongs.",
    expectation="It is named at once; what a link leads to is neither written to nor emptied.",
    source=LINKS,
)
async def test_no_state_is_written_through_a_link(name: str, kind: str, tmp_path: Path) -> None:
    """A folder that came out of an archive may hold any link."""
    folder, victim = tmp_path / ".scrape" / "crawl", tmp_path / "victim"
    folder.mkdir(parents=True)
    victim.write_bytes(b"")
    place = folder / name
    make: dict[str, Callable[[], Any]] = {
        "link": lambda: place.symlink_to(victim),
        "pipe": lambda: os.mkfifo(place),
        "folder": place.mkdir,
    }
    make[kind]()
    async with asyncio.timeout(5):
        with pytest.raises(StateError, match=name.replace(".", r"\.")):
            await run_in(tmp_path)
    assert victim.read_bytes() == b""


@case(
    "output",
    "state-open-to-others",
    behaviour="A state file that was copied, or made under an older version, lets others read it.",
    expectation="It is 0600 once it is opened; one that is refused keeps its permissions.",
    source="CWE-732",
)
async def test_a_state_that_others_may_read_is_closed_to_them(unfinished: Path, tmp_path: Path) -> None:
    """URLs, request headers and callbacks' data stand in it."""
    path = copy(unfinished, tmp_path)
    path.chmod(0o644)
    seen: list[int] = []

    class Looks(Items):
        def parse(self, page: Page) -> Any:
            seen.extend(stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir() if "run.db" in each.name)
            return super().parse(page)

    assert (await run_in(tmp_path, Looks, output="items.jsonl")).ok
    assert set(seen) == {0o600}
    other = copy(unfinished, tmp_path / "other")
    foreign(other)
    other.chmod(0o644)
    with pytest.raises(StateDamaged):
        await run_in(tmp_path / "other", output="items.jsonl")
    assert stat.S_IMODE(other.stat().st_mode) == 0o644


PICKLES = """
import sys
used = []
sys.addaudithook(lambda event, args: used.append(event) if event in {events} else None)
from scraper.cli.main import main
code = main(["{config}", "-q"])
print(code, used)
"""


@case(
    "output",
    "no-pickle",
    behaviour="A crawl with cookies is stopped and gone on with; its state and outputs are read again.",
    expectation="Nothing is unpickled or compiled from data, by no library either; no shell and no program is started.",
    source="CWE-502; Python's audit events pickle.find_class, marshal.loads, os.system",
)
@pytest.mark.slow
def test_nothing_is_unpickled(unfinished: Path, tmp_path: Path) -> None:
    """Asked of the interpreter itself, in a process of its own."""
    path = copy(unfinished, tmp_path)
    events = ("pickle.find_class", "os.system", "subprocess.Popen", "ctypes.dlopen.x", "shelve.open")
    (tmp_path / "s.py").write_text(
        "from scraper import Spider\nclass S(Spider):\n  def parse(self, page):\n    yield {'a': page.url}\n"
    )
    config = tmp_path / "crawl.yaml"
    config.write_text(
        "spider: s.py\nseeds: practice-shop\noutput: [items.jsonl]\npoliteness: {delay: 0}\nretry: {times: 0}\n"
    )
    script = PICKLES.format(events=events, config=config)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith(" []\n"), done.stdout + done.stderr
    content = path.with_name("previous.db") if path.with_name("previous.db").exists() else path
    assert b"\x80\x04\x95" not in content.read_bytes()  # how a pickle begins


# -- secrets in every place --------------------------------------------------------------------------------------------

LEAKY = """
import logging
from scraper import Request, Spider

class Leaky(Spider):
    def start(self, seeds):
        for seed in seeds:
            yield Request(seed.replace("http://", "http://user:{secret}@"), "parse")

    def parse(self, page):
        yield {{"title": page.css("h1").text}}
        yield page.follow("a")
        if page.url.endswith("/breaks"):
            raise ValueError("the server said: " + page.css("p").text)
"""


@case(
    "output",
    "secrets-in-every-place",
    behaviour="Secrets stand in a header, a ${VAR} of a seed's path and of its query, links and cookies; the "
    "server repeats them.",
    expectation="None is in the log (-v, --json-log), the summary, `scrape check`, an error, or any file of the folder "
    "but the config.",
    source="OWASP, Logging Cheat Sheet; CWE-532",
)
@pytest.mark.slow
@pytest.mark.parametrize("option", ["-v", "--json-log"])
async def test_no_secret_is_anywhere(option: str, tmp_path: Path) -> None:
    """The whole folder, and all that was said, is searched."""

    def site(asked: Any) -> bytes:
        links = (
            f"<a href='http://u:{SECRET}@127.0.0.1:1/x'>1</a><a href='/breaks'>2</a><a href='ftp://u:{SECRET}@x/'>3</a>"
        )
        if asked.path.endswith("/breaks"):
            return answer(f"<p>Bearer {SECRET} is bad")
        return answer(f"<h1>x</h1>{links}", f"Set-Cookie: sid={SECRET}", f"X-Echo: {SECRET}")

    (tmp_path / "s.py").write_text(LEAKY.format(secret=SECRET))
    async with recording(site) as server:
        config = {
            "spider": "s.py",
            "seeds": [server.url("/${KEY}/list"), server.url("/?key=${KEY}")],
            "fetch": {"headers": {"Authorization": "Bearer ${KEY}", "X-Key": SECRET}},
            "politeness": {"delay": 0, "robots": "ignore"},
            "retry": {"times": 0},
            "output": ["items.jsonl", "items.csv"],
        }
        (tmp_path / "crawl.yaml").write_text(json.dumps(config))
        said = ""
        for words in (["run", "crawl.yaml", option], ["check", "crawl.yaml"], ["run", "crawl.yaml", "--fresh", option]):
            child = await asyncio.create_subprocess_exec(
                *CLI, *words, cwd=tmp_path, env={**os.environ, "KEY": SECRET}, stdout=-1, stderr=-1
            )
            out, err = await child.communicate()
            said += (out + err).decode()
    assert any(SECRET in asked.headers.get("authorization", "") for asked in server.asked)
    assert SECRET not in said
    assert "***" in said
    kept = files(tmp_path)
    holds = {name for name, content in kept.items() if SECRET.encode() in content}
    # The seeds hold the key in their URL, so the crawl's memory must; it is for its owner alone. Nothing else may.
    assert {name for name in holds if "__pycache__" not in name} <= {
        *("crawl.yaml", "s.py", ".scrape/crawl/run.db", ".scrape/crawl/previous.db"),
    }
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 for name in holds if name.startswith(".scrape"))
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 for name in kept if name.startswith("items"))


@table(
    "output",
    "proxy",
    [
        row("proxy-password", f"http://user:{SECRET}@127.0.0.1:1"),
        row("proxy-user-only", f"http://{SECRET}@127.0.0.1:1"),
        row("proxy-encoded", f"http://user:{SECRET}%40%2F@127.0.0.1:1"),
        row("proxy-wrong", f"gopher://user:{SECRET}@127.0.0.1:1"),
        row("proxy-bad-port", f"http://user:{SECRET}@127.0.0.1:99999"),
        row("proxy-of-the-environment", "environment"),
    ],
    behaviour="A proxy has a user name and a password, and refuses, or its URL is wrong.",
    expectation="Neither is in anything that is said or written.",
    source="CWE-532; Scrapy and requests quote the proxy's URL in their errors",
)
@pytest.mark.slow
def test_a_proxys_login_is_said_nowhere(proxy: str, tmp_path: Path) -> None:
    """With the command itself, in the one run that fails and in the check."""
    (tmp_path / "s.py").write_text(
        "from scraper import Spider\nclass S(Spider):\n  def parse(self, page): raise ValueError(page.url)\n"
    )
    config = {
        "spider": "s.py",
        "seeds": ["http://127.0.0.1:9/"],
        "fetch": {"proxy": proxy},
        "retry": {"times": 0},
        "output": "items.jsonl",
    }
    (tmp_path / "crawl.yaml").write_text(json.dumps(config))
    env = {**os.environ, "HTTP_PROXY": f"http://user:{SECRET}@127.0.0.1:1", "http_proxy": ""}
    said = ""
    for words in (["crawl.yaml", "-v"], ["check", "crawl.yaml"]):
        done = subprocess.run([*CLI, *words], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        said += done.stdout + done.stderr
    assert said
    assert SECRET not in said
    assert not [name for name, content in files(tmp_path).items() if SECRET.encode() in content and "yaml" not in name]
