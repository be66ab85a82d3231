"""On a terminal: one live line, not too often, never in the way, and gone at the end. A pseudo-terminal stands in."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import resource
import select
import struct
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from crawling import LARGE_ITEMS, LISTING, Project, Site, ended

pytestmark = pytest.mark.slow

CLEAR = "\r\x1b[K"
SLOWLY = {"politeness": {"delay": "40ms", "concurrency": 1}}


@dataclass
class Session:
    """What a terminal has shown: the text, and when each piece came."""

    code: int
    pieces: list[tuple[float, str]]

    @property
    def text(self) -> str:
        """All that was written to the terminal."""
        return "".join(piece for _, piece in self.pieces)

    @property
    def screen(self) -> list[str]:
        """The lines as they stand there at the end, live lines overwritten."""
        lines = self.text.replace("\r\n", "\n").split("\n")
        return [line.rpartition(CLEAR)[2] for line in lines]


def on_terminal(
    project: Project,
    *options: str,
    columns: int = 100,
    while_running: Callable[[int, int], None] = lambda terminal, pieces: None,
    prepare: Callable[[], None] = lambda: None,
) -> Session:
    """Run the command with stdout and stderr on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    pieces: list[tuple[float, str]] = []
    streams: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs}

    def in_child() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it
        prepare()

    with ended(project.start(*options, env={"TERM": "xterm"}, preexec_fn=in_child, **streams)) as process:
        os.close(theirs)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 1.0)[0]:
                try:
                    data = os.read(ours, 65536)
                except OSError:  # EIO: the last writer has closed the terminal
                    break
                if not data:
                    break
                pieces.append((time.monotonic(), data.decode()))
                while_running(ours, len(pieces))
        code = process.wait(10)
    os.close(ours)
    return Session(code, pieces)


def test_the_live_line_is_shown_four_times_a_second_at_most(project: Project, small_shop: Site) -> None:
    """One line that is written over itself, at 4 Hz, and taken away before the summary."""
    project.write(small_shop.origin + LISTING, **SLOWLY, limits={"pages": 40})
    session = on_terminal(project)
    assert session.code == 0
    drawn = [at for at, piece in session.pieces for _ in re.findall(re.escape(CLEAR) + "crawl: ", piece)]
    assert len(drawn) >= 4, session.text
    assert len(drawn) <= (drawn[-1] - drawn[0]) * 4 + 3  # pieces that were read late came together
    shown = [line for line in session.screen if line.strip()]
    assert shown[0].startswith("crawl: done in ")
    assert not any("in flight" in line for line in shown)


def test_the_live_line_tells_how_far_it_is(project: Project, small_shop: Site) -> None:
    """Pages, items, queue, rate, errors and time, and what is left when a limit says so."""
    project.write(small_shop.origin + LISTING, **SLOWLY, limits={"pages": 40})
    text = on_terminal(project).text
    parts = ["pages", "items", "queued", "in flight"]
    line = (
        "crawl: "
        + " · ".join(rf"\d+ {part}" for part in parts)
        + r" · [\d.]+/s · 0 errors · [\d.]+ s · about [\d.]+ s left"
    )
    assert re.search(line, text), text


@pytest.mark.parametrize("columns", [20, 60])
def test_the_live_line_never_wraps(project: Project, small_shop: Site, columns: int) -> None:
    """A line that wraps cannot be written over: it is cut to the terminal's width."""
    project.write(small_shop.origin + LISTING, **SLOWLY, limits={"pages": 20})
    text = on_terminal(project, columns=columns).text
    drawn = re.findall(re.escape(CLEAR) + r"(crawl: [^\r\n]*)", text.partition("crawl: done")[0])
    assert drawn
    assert max(map(len, drawn)) < columns


def test_quiet_is_quiet_on_a_terminal(project: Project, small_shop: Site) -> None:
    """-q writes not even an escape code."""
    assert on_terminal(project.write(small_shop.origin + LISTING), "-q").text == ""


def test_log_lines_and_the_live_line_do_not_mix(project: Project, small_shop: Site) -> None:
    """With -v each log line stands alone: the live line is taken away before it."""
    project.write(small_shop.origin + LISTING, **SLOWLY, limits={"pages": 30})
    session = on_terminal(project, "-v")
    logged = [line for line in session.screen if " INFO " in line]
    assert len(logged) == 31
    assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in logged)


def test_the_json_log_has_no_escape_codes_on_a_terminal(project: Project, small_shop: Site) -> None:
    """JSON lines are for machines, wherever they are written."""
    session = on_terminal(project.write(small_shop.origin + LISTING), "--json-log")
    assert "\x1b" not in session.text
    assert all(line.startswith("{") for line in session.screen if line)


def test_ctrl_c_on_a_terminal_ends_in_order(project: Project, small_shop: Site) -> None:
    """The key itself: the terminal sends the signal, the live line goes, and the summary says how to go on."""
    project.write(small_shop.origin + LISTING, **SLOWLY)
    pressed: list[int] = []

    def press(terminal: int, pieces: int) -> None:
        if pieces >= 3 and not pressed:
            pressed.append(os.write(terminal, b"\x03"))

    session = on_terminal(project, while_running=press)
    assert (session.code, pressed) == (130, [1])
    shown = [line.removeprefix("^C") for line in session.screen if line.strip()]
    assert any(line.startswith("crawl: interrupted in ") for line in shown)
    assert not any("in flight" in line for line in shown)


def test_an_error_on_the_way_is_not_written_behind_the_live_line(project: Project, small_shop: Site) -> None:
    """When an output cannot be written any more, the message stands on a line of its own."""
    project.write(small_shop.origin + LISTING, **SLOWLY, spider=LARGE_ITEMS, commit={"pages": 1})
    session = on_terminal(
        project, prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
    )
    assert session.code == 1
    assert "in flight" in session.text, "no live line was shown before the error: this test tests nothing"
    (line,) = [line for line in session.screen if "scrape: " in line]
    assert line.startswith("scrape: cannot write")
