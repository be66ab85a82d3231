"""Ctrl-C, SIGTERM and what shells send: the first signal ends a run in order, the second at once, and both are safe."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from crawling import BOOKS, HANG, LISTING, Answer, Project, Site, ended, finish, shop, site_of, truth

pytestmark = pytest.mark.slow

SLOWLY = {"politeness": {"delay": "50ms", "concurrency": 1}, "commit": {"pages": 1}}
AT_ONCE = 5.0  # seconds; on a machine that has much else to do


@pytest.fixture(scope="module")
def slow_shop() -> Iterator[Site]:
    """A shop that takes its time, so that a crawl of it can be interrupted anywhere."""
    with shop(BOOKS, delay=0.02) as site:
        yield site


def hanging(pages: int = 3) -> dict[str, Answer]:
    """Return a site with some good pages and one that never answers."""
    names = [f"/{n}" for n in range(pages)]
    links = "".join(f'<article class="product_pod"><h3><a href="{name}">x</a></h3></article>' for name in names)
    book = '<article class="product_page"><h1>x</h1></article>'
    return {"/": links + links.replace("/0", "/hang"), **dict.fromkeys(names, book), "/hang": HANG}


def send(process: subprocess.Popen[str], number: int) -> float:
    """Send a signal; return the time."""
    process.send_signal(number)
    return time.monotonic()


# -- the first signal --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_goes_on(project: Project, small_shop: Site, number: signal.Signals) -> None:
    """Exit code 130, a message that says how to go on, yesterday's output; then the same command ends the run."""
    project.write(small_shop.origin + LISTING, **SLOWLY)
    before, asked = project.yesterday(), len(small_shop.paths)
    with ended(project.start()) as process:
        assert small_shop.wait_for(asked + 6)
        sent = send(process, number)
        code, out, err = finish(process)
        assert time.monotonic() - sent < AT_ONCE
    assert code == 130
    assert out.startswith("crawl: interrupted in ")
    assert "run the same command again to go on" in out
    assert "--fresh" in out
    assert "Traceback" not in err
    assert project.path("out/items.jsonl").read_bytes() == before
    project.write(small_shop.origin + LISTING)
    done = project.scrape()
    assert done.returncode == 0, done.stderr
    assert "(run 1, resumed)" in done.stdout
    assert project.items() == truth(BOOKS, small_shop.origin)
    pages = [path for path in small_shop.paths[asked:] if path != "/robots.txt"]
    assert len(pages) == len(set(pages)), "an orderly end loses no page that was fetched"


def test_an_interruption_is_said_in_the_log(project: Project, small_shop: Site) -> None:
    """Under -q an interrupted run speaks: it has not succeeded."""
    project.write(small_shop.origin + LISTING, **SLOWLY)
    asked = len(small_shop.paths)
    with ended(project.start("-q")) as process:
        assert small_shop.wait_for(asked + 3)
        send(process, signal.SIGTERM)
        code, out, err = finish(process)
    assert (code, out) == (130, "")
    assert "interrupted" in err


def test_a_long_rest_is_not_waited_for(project: Project, small_shop: Site) -> None:
    """A crawl that rests for an hour between two requests ends at once."""
    project.write(small_shop.origin + LISTING, politeness={"delay": "1h", "concurrency": 1})
    asked = len(small_shop.paths)
    with ended(project.start()) as process:
        assert small_shop.wait_for(asked + 1)
        time.sleep(0.1)
        sent = send(process, signal.SIGINT)
        assert finish(process)[0] == 130
        assert time.monotonic() - sent < AT_ONCE


def test_a_page_that_hangs_gets_the_drain_and_no_more(project: Project) -> None:
    """What is under way may end within shutdown.drain; then it is given up, and fetched again by the next start."""
    with Site(site_of(hanging())) as site:
        project.write(site.origin + "/", shutdown={"drain": "400ms"}, commit={"interval": "50ms"})
        with ended(project.start()) as process:
            assert site.wait_for(6)
            sent = send(process, signal.SIGTERM)
            code, out, _ = finish(process)
            took = time.monotonic() - sent
        assert code == 130
        assert 0.35 < took < 0.4 + AT_ONCE
        assert "1   seen and not fetched" not in out or "queued" in out
        assert site.paths.count("/hang") == 1
        with ended(project.start()) as process:
            assert site.wait_for(8)
            assert site.paths.count("/hang") == 2
            send(process, signal.SIGTERM)
            assert finish(process)[0] == 130
        assert site.paths.count("/0") == 1


def test_a_page_that_is_nearly_there_is_waited_for(project: Project) -> None:
    """A request in flight that ends within the drain is committed, not thrown away."""
    with shop(BOOKS, delay=0.3) as site:
        project.write(site.origin + LISTING, shutdown={"drain": "5s"})
        with ended(project.start()) as process:
            assert site.wait_for(3)
            send(process, signal.SIGTERM)
            code, out, _ = finish(process)
        assert code == 130
        asked = len([path for path in site.paths if path != "/robots.txt"])
        assert f"  pages    {asked:>9,} " in out


def test_nohup_is_respected(project: Project, small_shop: Site) -> None:
    """Who started the crawl with SIGHUP ignored wants it to outlive the terminal."""
    project.write(small_shop.origin + LISTING, politeness={"delay": "10ms", "concurrency": 4})
    asked = len(small_shop.paths)
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    with ended(project.start(**ignore)) as process:
        assert small_shop.wait_for(asked + 3)
        send(process, signal.SIGHUP)
        assert finish(process)[0] == 0
    assert project.items() == truth(BOOKS, small_shop.origin)


def test_a_hang_up_is_not_an_order_to_hurry(project: Project) -> None:
    """A terminal that closes sends SIGHUP more than once: the run still ends in order."""
    with Site(site_of(hanging())) as site:
        project.write(site.origin + "/", shutdown={"drain": "500ms"})
        with ended(project.start()) as process:
            assert site.wait_for(6)
            send(process, signal.SIGHUP)
            time.sleep(0.2)
            send(process, signal.SIGHUP)
            code, out, _ = finish(process)
    assert code == 130
    assert "interrupted" in out


# -- the second signal -------------------------------------------------------------------------------------------

BLOCKING = """
import pathlib
import time

from scraper import Spider


class Blocking(Spider):
    async def parse(self, page):
        pathlib.Path(__file__).with_name("blocked").touch()
        time.sleep(60)
"""


@pytest.mark.parametrize("pair", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)])
def test_the_second_signal_ends_the_process_at_once(project: Project, pair: tuple[signal.Signals, ...]) -> None:
    """However long the drain is; and what was committed is there for the next start."""
    with Site(site_of(hanging())) as site:
        project.write(site.origin + "/", shutdown={"drain": "60s"}, commit={"interval": "20ms"})
        with ended(project.start()) as process:
            assert site.wait_for(6)
            send(process, pair[0])
            time.sleep(0.3)
            assert process.poll() is None
            sent = send(process, pair[1])
            assert finish(process)[0] == 130
            assert time.monotonic() - sent < AT_ONCE
        begun = len(site.paths)
        with ended(project.start()) as process:
            assert site.wait_for(begun + 2)
            process.kill()
        assert {"/hang", "/robots.txt"} >= set(site.paths[begun:])


def test_a_callback_that_blocks_can_be_left(project: Project, small_shop: Site) -> None:
    """The second Ctrl-C works even while a callback holds the event loop."""
    project.write(small_shop.origin + LISTING, spider=BLOCKING)
    with ended(project.start()) as process:
        while not project.path("blocked").exists():
            time.sleep(0.02)
        send(process, signal.SIGINT)
        time.sleep(0.2)
        assert process.poll() is None
        sent = send(process, signal.SIGINT)
        assert finish(process)[0] == 130
        assert time.monotonic() - sent < AT_ONCE


# -- before there is a run ---------------------------------------------------------------------------------------

INTERRUPTED_CLASS = """
import os
import signal

from scraper import Spider


class Field:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):  # the signal comes between two of these
            pass


class Books(Spider):
    field = Field()
"""


def test_a_signal_while_a_class_is_made_is_no_error(project: Project, small_shop: Site) -> None:
    """Python makes a RuntimeError of what interrupts the making of a class, where imports spend much of their time."""
    project.write(small_shop.origin + LISTING, spider=INTERRUPTED_CLASS)
    ran = project.scrape()
    assert (ran.returncode, ran.stderr) == (130, "")


DEAF = """
import os
import signal

try:
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(1000):
        pass
except BaseException:
    pass

undefined_name
"""


def test_an_error_after_a_signal_that_was_swallowed_is_told(project: Project, small_shop: Site) -> None:
    """What somebody else's code does with an interruption hides no mistake."""
    project.write(small_shop.origin + LISTING, spider=DEAF)
    ran = project.scrape()
    assert ran.returncode == 2
    assert "undefined_name" in ran.stderr


# -- any time ----------------------------------------------------------------------------------------------------


def test_interrupted_anywhere_every_item_is_there_once(project: Project, slow_shop: Site) -> None:
    """Signals at seeded random times of a crawl, some during start-up: each life ends as it should."""
    dice = random.Random(5)
    project.write(slow_shop.origin + LISTING, politeness={"delay": 0, "concurrency": 4}, commit={"pages": 3})
    codes = []
    for life in range(8):
        asked = len(slow_shop.paths)
        with ended(project.start("-q")) as process:
            while life > 2 and len(slow_shop.paths) < asked + 2 and process.poll() is None:
                time.sleep(0.01)
            time.sleep(dice.random() * 0.3)
            send(process, dice.choice([signal.SIGINT, signal.SIGTERM]))
            code, _, err = finish(process)
            codes.append(-signal.SIGINT if err.rstrip().endswith("KeyboardInterrupt") else code)
        if codes[-1] == 0:
            break
    # -2 and -15: the signal came before the command had begun to listen; Python then says where that was, or nothing.
    assert set(codes) <= {0, 130, -signal.SIGINT, -signal.SIGTERM}, codes
    assert 130 in codes
    if codes[-1] != 0:
        assert project.scrape().returncode == 0
    assert project.items() == truth(BOOKS, slow_shop.origin)


def test_the_crawl_is_free_after_sigkill(project: Project, small_shop: Site) -> None:
    """Nothing has to be deleted after a crash."""
    project.write(small_shop.origin + LISTING, **SLOWLY)
    asked = len(small_shop.paths)
    with ended(project.start()) as process:
        assert small_shop.wait_for(asked + 3)
        process.kill()
        process.wait()
    project.write(small_shop.origin + LISTING)
    assert project.scrape().returncode == 0
