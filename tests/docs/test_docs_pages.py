"""The pages as pages: links lead somewhere, the README begins with what matters, words are plain."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.reading import PAGES, ROOT, blocks
from tests.test_architecture import LAYERS

FIRST_SCREEN = 45  # lines
CODE_BY = 8  # line
SPIDER_LINES = 12
HALF_A_PAGE = 45  # lines
BADGES = 2

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_BADGE = re.compile(r"!\[[^\]]*\]\(")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]")
# Pages say what a thing does; how good that is, the reader decides.
_ADVERTISING = re.compile(
    r"\b(awesome|batteries.included|blazing\w*|cutting.edge|easily|effortless\w*|elegant\w*|excited|game.chang\w+"
    r"|lightning|modern|next.gen\w*|powerful|seamless\w*|simply|state.of.the.art|super.?fast|world.class)\b",
    re.IGNORECASE,
)
_REGISTRY = re.compile("py" r"pi\.|python" r"hosted\.|npm" r"js\.|crates" r"\.io", re.IGNORECASE)
_ROOM = re.compile(r"^\| `([\w.]+)` \|", re.MULTILINE)


def _prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def _anchor(heading: str) -> str:
    """Return a heading's anchor as GitHub makes it."""
    bare = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return bare.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files exist and headings do; other sites are not asked."""
    lost = []
    for target in _LINK.findall(_prose(page)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        headings = _HEADING.findall(path.read_text(encoding="utf-8")) if path.suffix == ".md" and path.is_file() else []
        if not path.exists() or (anchor and anchor not in map(_anchor, headings)):
            lost.append(target)
    assert lost == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nothing leads to is read by nobody; a decision is reached by its folder's neighbours."""
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page not in reached:
            reached.add(page)
            targets = (
                page.parent / link.partition("#")[0] for link in _LINK.findall(_prose(page)) if "://" not in link
            )
            todo += [path.resolve() for path in targets if path.suffix == ".md" and path.is_file()]
    decisions = set((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page for page in PAGES if page not in reached | decisions and page.name != "CHANGELOG.md"] == []
    assert reached & decisions


def test_the_readme_shows_code_and_a_whole_spider_on_its_first_screen() -> None:
    """Code by line 8, a spider of at most 12 lines, a config and a command with its output, all above the fold."""
    first = [block for block in blocks(ROOT / "README.md") if block.line <= FIRST_SCREEN]
    assert [block.kind for block in first] == ["python", "yaml", "console"]
    assert first[0].line <= CODE_BY
    assert len(first[0].text.splitlines()) <= SPIDER_LINES
    screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:FIRST_SCREEN])
    assert [word for word in ("make crawl", "make test", "does not do", "tutorial") if word not in screen] == []


def test_the_readme_has_hardly_a_badge() -> None:
    """They say what a link says better."""
    assert len(_BADGE.findall((ROOT / "README.md").read_text(encoding="utf-8"))) <= BADGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_words_are_plain(page: Path) -> None:
    """No advertising, no emoji."""
    text = page.read_text(encoding="utf-8")
    assert [found[0] for found in _ADVERTISING.finditer(text)] == []
    assert _EMOJI.findall(text) == []


def test_no_registry_is_named() -> None:
    """Where packages come from is for whoever installs them to say."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    files = [ROOT / name for name in listed.splitlines()] or PAGES
    named = [path for path in files if path.is_file() and _REGISTRY.search(path.read_text("utf-8", errors="replace"))]
    assert [str(path.relative_to(ROOT)) for path in named] == []


def test_the_architecture_names_every_room_and_no_other() -> None:
    """The map is the territory, in both directions and in order; practice and testing stand beside the line."""
    rooms = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## The rooms")[2].partition("\n## ")[0]
    package = ROOT / "scraper"
    modules = [".".join(path.relative_to(package).with_suffix("").parts) for path in package.rglob("*.py")]
    beside = ("practice.", "testing.")
    wanted = [name for name in modules if "__" not in name and not name.startswith(beside)]
    named = _ROOM.findall(rooms)
    assert sorted(named) == sorted(wanted)
    layers = {top: number for number, (tops, _) in enumerate(LAYERS.values()) for top in tops}
    order = [layers[name.partition(".")[0]] for name in named]
    assert order == sorted(order)


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.name)
def test_a_decision_is_half_a_page_with_four_parts(page: Path) -> None:
    """Context, decision, consequences, and what would change it."""
    text = page.read_text(encoding="utf-8")
    parts = ["**Context.**", "**Decision.**", "**Consequences.**", "**What would change our mind.**"]
    assert [part for part in parts if text.count(part) != 1] == []
    assert text.startswith(f"# {page.name[:3]}: ")
    assert len(text.splitlines()) <= HALF_A_PAGE
