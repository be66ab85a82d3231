"""How the pages of the documentation are read: their fenced blocks, their tables, and their commands with outputs.

A block's first word says what it is, and that is what is done with it: every `python` block is run, every `yaml` block
is loaded as a whole config, every `console` block is executed and its output compared. A second word makes an
exception and says which. A first line such as `# spiders/shop.py` names the file that a reader would save it as.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["PAGES", "ROOT", "Block", "blocks", "codes", "commands", "execute", "masked", "named", "save"]

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
START_SECONDS = 60.0  # until a crawl that is to be killed has written something
COMMAND_SECONDS = 100.0

_FENCE = re.compile(r"```(\w*) ?(\w*)")
_FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml|ini))")
_KILLED = re.compile(r"(.+) & sleep \d+; kill -9 \$!")
_PROGRESS = re.compile(r"^[\w.-]+: .* · .*\n?", re.MULTILINE)
_MASKS = (
    (re.compile(r"[\d.,]+ s\b"), "N s"),
    (re.compile(r"passed in [\d.]+s"), "passed in Ns"),
    (re.compile(r"[\d.,]+/s\b"), "N/s"),
    (re.compile(r"limited by [^,\n]*(, politeness\.concurrency\))?"), "limited by …"),
    (re.compile(r"[\d,]+ of them before"), "N of them before"),
    (re.compile(r"scraper/[\d.]+"), "scraper/N"),
    (re.compile(r"[ \t\r]+$", re.MULTILINE), ""),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    kind: str
    text: str = field(kw_only=True)
    exception: str = field(kw_only=True)  # the second word, "" for none
    page: Path = field(kw_only=True)
    line: int = field(kw_only=True)  # 1-based, of its first line

    @property
    def file(self) -> str:
        """The name of the file that it is to be saved as, "" for none."""
        found = _FILE.match(self.text)
        return found[1] if found else ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    begun: tuple[int, re.Match[str]] | None = None
    for number, line in enumerate(lines):
        if begun is None and (fence := _FENCE.fullmatch(line)):
            begun = number, fence
        elif begun is not None and line == "```":
            first, fence = begun
            text = "\n".join(lines[first + 1 : number]) + "\n"
            yield Block(fence[1], text=text, exception=fence[2], page=page, line=first + 2)
            begun = None
    assert begun is None, f"{page}:{begun[0] + 1 if begun else 0}: this block does not end"


def named(kind: str) -> list[Block]:
    """Return the blocks of one kind in all pages."""
    return [block for page in PAGES for block in blocks(page) if block.kind == kind]


def save(block: Block, folder: Path) -> None:
    """Save a block that names its file, as a reader would."""
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that the page shows."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def execute(command: str, folder: Path) -> str:
    """Run a command of a page in `folder`; return what it wrote, without the lines that only show progress."""
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    if killed := _KILLED.fullmatch(command):
        return _execute_and_kill(killed[1].split(), folder, environ)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    return _PROGRESS.sub("", done.stdout)


def _execute_and_kill(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    """Kill a crawl as soon as it has written items: seconds would mean something else on every machine."""
    deadline = time.monotonic() + START_SECONDS
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        while not any(part.stat().st_size for part in folder.glob("*.part")):
            assert child.poll() is None, "the crawl ended before it could be killed"
            assert time.monotonic() < deadline, "the crawl writes nothing"
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        said, _ = child.communicate()
    return _PROGRESS.sub("", said)


def masked(output: str, folder: Path | None = None) -> str:
    """Return an output without what differs from run to run: times, rates, what limited it, the folder, the version."""
    if folder is not None:
        output = output.replace(str(folder), "/home/you")
    for pattern, instead in _MASKS:
        output = pattern.sub(instead, output)
    return output.strip()


def codes(page: Path, heading: str) -> list[str]:
    """Return the codes in the first column of the tables below `heading`, up to the next heading."""
    _, found, rest = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    section = rest.partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [code for cell in first_cells for code in re.findall(r"`([^`]+)`", cell)]
