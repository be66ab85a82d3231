"""The documentation's examples, executed: what a reader copies works."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest

from scraper.config.load import parse
from scraper.errors import ConfigError
from scraper.practice.site import Shop
from tests.docs.reading import PAGES, ROOT, Block, blocks, commands, execute, masked, named, save

KINDS = {"python", "yaml", "console", "sql", "sh", "cron", "ini", "text"}
EXCEPTIONS = {("yaml", "error")}
EXAMPLE_SHOP = "127.0.0.1:8000"  # where `scrape shop` serves
# Pages whose files and commands are one story.
WALKED = [ROOT / "README.md", *(ROOT / "docs" / name for name in ("tutorial.md", "extending.md"))]


def test_every_block_says_what_it_is() -> None:
    """A block of an unknown kind would be executed by nobody."""
    strange = [
        str(block)
        for page in PAGES
        for block in blocks(page)
        if block.kind not in KINDS or (block.exception and (block.kind, block.exception) not in EXCEPTIONS)
    ]
    assert strange == []


@pytest.mark.parametrize("block", named("yaml"), ids=str)
def test_every_config_is_whole_and_valid(block: Block) -> None:
    """A reader may save any YAML block as a file and run it; those that show mistakes make them."""
    if block.exception:
        with pytest.raises(ConfigError):
            parse(block.text, block.file or "config.yaml", {})
    else:
        assert parse(block.text, block.file or "config.yaml", {}).spider


@pytest.mark.parametrize("block", [block for block in named("python") if not block.file], ids=str)
def test_every_program_runs(block: Block, shop: str, tmp_path: Path) -> None:
    """Python blocks run to their end as they stand, against the shop where they name its address."""
    source = block.text.replace(EXAMPLE_SHOP, shop)
    said = io.StringIO()
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(said):
        exec(compile(source, str(block), "exec"), {"__name__": "docs_example"})
    assert "Traceback" not in said.getvalue()


@pytest.mark.parametrize("block", [block for block in named("python") if block.file], ids=str)
def test_every_spider_file_compiles(block: Block) -> None:
    """Files are run by the commands of their page; one that no command runs must compile at least."""
    compile(block.text, block.file, "exec")


@pytest.mark.slow
@pytest.mark.parametrize("page", WALKED, ids=lambda page: page.name)
def test_a_page_can_be_followed_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    """Save each file, type each command: what the page shows is what comes, but for times and rates."""
    for block in blocks(page):
        if block.file:
            save(block, tmp_path)
        if block.kind == "console":
            for command, shown in commands(block):
                said = execute(command, tmp_path)
                assert masked(said, tmp_path) == masked(shown), f"{block}: {command}"


@pytest.mark.slow
def test_the_readmes_crawl_brings_home_the_whole_shop(tmp_path: Path) -> None:
    """Its spider and its config, exactly as they stand there, give all 1,000 books and no other."""
    for block in blocks(ROOT / "README.md"):
        if block.file:
            save(block, tmp_path)
    execute("scrape shop.yaml", tmp_path)
    lines = (tmp_path / "shop.jsonl").read_text(encoding="utf-8").splitlines()
    found = sorted(map(json.loads, lines), key=lambda item: item["url"])
    truth = [{key: row[key] for key in ("title", "price", "url")} for row in Shop().truth()]
    assert found == sorted(truth, key=lambda item: item["url"])
