"""The commands as a user types them, without a crawl: help, version, check, schema, shop, and every wrong turn."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import click
import pytest
from crawling import SPIDER, Here, Project, Site, ended, finish, scrape, start

from scraper.about import __version__
from scraper.cli.main import commands

pytestmark = pytest.mark.slow

COMMANDS = ["check", "run", "schema", "shop"]


def assert_refused(done: subprocess.CompletedProcess[str], *, code: int = 2) -> str:
    """The command ended with `code` and a message on stderr that is no traceback; return the message."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    return done.stderr


# -- asking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command_and_exit_code(option: str) -> None:
    """Whoever asks sees what there is and what the exit codes mean."""
    done = scrape(option)
    assert (done.returncode, done.stderr) == (0, "")
    for word in [*COMMANDS, "0 done", "1 failed", "2 wrong config", "3 stopped", "4 already running"]:
        assert word in done.stdout
    assert "130" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(here: Here, command: str) -> None:
    """`scrape run --help` and its like have a sentence, and so has every option."""
    done = here(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    known = commands.commands[command]
    assert known.help
    assert known.help.split("\n")[0] in " ".join(done.stdout.split())
    for option in known.params:
        assert not isinstance(option, click.Option) or option.help, f"{option.name} says nothing"


def test_the_version_is_that_of_the_package() -> None:
    """--version says the name and the number, and `python -m scraper` is the same program."""
    done = scrape("--version")
    assert (done.returncode, done.stdout) == (0, f"scrape, version {__version__}\n")
    module = subprocess.run([sys.executable, "-m", "scraper", "--version"], capture_output=True, text=True, check=True)
    assert module.stdout == done.stdout


def test_without_arguments_the_help_is_shown(here: Here) -> None:
    """Somebody who types only `scrape` learns what to type."""
    done = here()
    assert done.returncode == 2
    assert "check" in done.stdout + done.stderr


# -- wrong turns -------------------------------------------------------------------------------------------------


def test_an_unknown_command_is_refused(here: Here) -> None:
    """A word that is neither a command nor a file is an error of the command line."""
    assert "nonsense" in assert_refused(here("nonsense"))


def test_an_unknown_option_is_refused(here: Here, project: Project, small_shop: Site) -> None:
    """A mistyped option never starts a crawl."""
    project.write(small_shop.origin + "/")
    assert "--freshh" in assert_refused(here(project.config, "--freshh"))
    assert not project.path(".scrape").exists()


def test_a_missing_config_is_named(here: Here, project: Project) -> None:
    """`scrape nothing.yaml` says which file is not there."""
    missing = str(project.path("nothing.yaml"))
    for arguments in ([missing], ["run", missing], ["check", missing]):
        assert f"{missing}: there is no such file" in assert_refused(here(*arguments))


def test_a_folder_is_no_config(here: Here, project: Project) -> None:
    """`scrape .` is refused with a hint."""
    assert "this is a folder" in assert_refused(here(str(project.folder)))


WRONG = """\
spider: spider.py
seeds: [not-a-url]
politeness:
  delay: fast
  concurency: 2
output: out/items.xyz
"""


@pytest.mark.parametrize("command", ["run", "check"])
def test_every_problem_of_a_config_has_its_place(here: Here, project: Project, command: str) -> None:
    """Each problem is one line with file, line, column and key, in the order of the file; nothing is touched."""
    project.write("http://127.0.0.1:1/")
    project.config.write_text(WRONG)
    before = project.files()
    lines = assert_refused(here(command, str(project.config))).splitlines()
    places = [re.match(rf"{re.escape(str(project.config))}:(\d+):(\d+): ([\w.]+): ", line) for line in lines]
    assert all(places), lines
    found = [(int(place[1]), int(place[2]), place[3]) for place in places if place]
    assert [line for line, _, _ in found] == [2, 4, 5, 6]
    assert found == sorted(found)
    assert project.files() == before


def test_broken_yaml_has_its_place(here: Here, project: Project) -> None:
    """A file that is not YAML is refused with line and column."""
    project.write("http://127.0.0.1:1/")
    project.config.write_text("spider: spider.py\nseeds: [a\n")
    assert re.match(rf"{re.escape(str(project.config))}:\d+:\d+: ", assert_refused(here(project.config)))


SPIDERS = {
    "syntax error": ("class S(:\n", r"spider\.py:1"),
    "raises on import": ("import scraper\n\n1 / 0\n", r"spider\.py:3.*ZeroDivisionError"),
    "no spider": ("x = 1\n", "no class that subclasses"),
    "two spiders": (SPIDER + "\n\nclass More(Books):\n    pass\n", "several spiders.*Books, More"),
    "no parse": ("from scraper import Spider\nclass S(Spider):\n    pass\n", "no parse"),
    "missing import": ("import no_such_module_here\n", "no_such_module_here"),
}


@pytest.mark.parametrize("case", SPIDERS)
def test_a_spider_that_cannot_be_used_is_refused(here: Here, project: Project, case: str) -> None:
    """What is wrong with the spider is said before anything is fetched or written."""
    code, message = SPIDERS[case]
    project.write("http://127.0.0.1:1/", spider=code)
    before = project.files()
    assert re.search(message, assert_refused(here(project.config)))
    assert project.files() == before


def test_a_missing_spider_is_named(here: Here, project: Project) -> None:
    """The path is relative to the config file, and the message says so."""
    project.write("http://127.0.0.1:1/")
    project.path("spider.py").unlink()
    assert "relative to the config file" in assert_refused(here(project.config))


# -- check -------------------------------------------------------------------------------------------------------


def test_check_tells_what_would_run_and_does_nothing(here: Here, project: Project, small_shop: Site) -> None:
    """Every decision of the config is in the answer; nothing is fetched, nothing is written."""
    project.write(
        small_shop.origin + "/",
        name="my-books",
        limits={"pages": 7, "time": "2h"},
        politeness={"delay": "2s", "robots": "ignore"},
        output=["out/a.jsonl", "out/b.csv.gz"],
    )
    before, asked = project.files(), len(small_shop.paths)
    done = here("check", str(project.config))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("my-books: the config is valid\n")
    for words in ("Books", small_shop.origin, "IGNORED", "7 pages", "2h 00m", "out/a.jsonl (jsonl, replace)"):
        assert words in done.stdout
    assert str(project.path(".scrape/my-books")) in done.stdout
    assert "out/b.csv.gz (csv.gz, replace)" in done.stdout
    assert project.files() == before
    assert len(small_shop.paths) == asked


def test_check_works_while_the_crawl_runs(project: Project, small_shop: Site) -> None:
    """Looking at a config needs no lock."""
    project.write(small_shop.origin + "/catalogue/page-1.html", politeness={"delay": "200ms", "concurrency": 1})
    asked = len(small_shop.paths)
    with ended(project.start()) as running:
        assert small_shop.wait_for(asked + 2)
        assert scrape("check", str(project.config)).returncode == 0
        running.send_signal(signal.SIGKILL)


# -- schema ------------------------------------------------------------------------------------------------------


def test_the_schema_is_json_schema(here: Here) -> None:
    """`scrape schema` is one JSON document that describes every top-level key."""
    done = here("schema")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    assert schema["required"] == ["spider"]
    assert {"seeds", "politeness", "output", "limits", "state"} <= schema["properties"].keys()


# -- shop --------------------------------------------------------------------------------------------------------


def test_the_shop_is_served_until_it_is_interrupted() -> None:
    """It says where it is, answers there, and ends with 0 on Ctrl-C and on SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with ended(start("shop", "--port", "0", "--books", "5")) as served:
            assert served.stdout is not None
            where = re.match(r"(http://127\.0\.0\.1:\d+)/  5 books", served.stdout.readline())
            assert where
            with urllib.request.urlopen(where[1] + "/catalogue/page-1.html") as answer:
                assert answer.read().count(b"product_pod") == 5
            served.send_signal(number)
            assert finish(served)[0] == 0


def test_a_port_that_is_taken_is_explained(here: Here) -> None:
    """The message names the port and the cure."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port}" in assert_refused(here("shop", "--port", str(port)), code=1)


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_does_not_exist_is_refused(here: Here, port: str) -> None:
    """A wrong number is an error of the command line, as --books 0 is."""
    assert_refused(here("shop", "--port", port))


def test_a_shop_needs_books(here: Here) -> None:
    """--books 0 is an error of the command line."""
    assert "--books" in assert_refused(here("shop", "--books", "0"))
