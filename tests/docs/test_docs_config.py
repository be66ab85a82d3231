"""docs/config.md is made from the keys and is never older than they are."""

from __future__ import annotations

import runpy

from scraper.config.load import parse
from scraper.config.schema import Config, known_keys
from tests.docs.reading import ROOT, blocks

PAGE = ROOT / "docs" / "config.md"


def test_the_page_is_up_to_date() -> None:
    """When this fails, run `python docs/generate.py`."""
    made = runpy.run_path(str(ROOT / "docs" / "generate.py"))["page"]()
    assert PAGE.read_text(encoding="utf-8") == made


def test_the_file_with_all_defaults_means_what_its_first_keys_mean() -> None:
    """Every default is shown as it may be written, and as it is."""
    (shown,) = (block for block in blocks(PAGE) if block.kind == "yaml")
    bare = "spider: spiders/books.py:Books\nseeds: https://example.org/\noutput: items.jsonl\n"
    written: Config = parse(shown.text, "crawl.yaml", {})
    assert written == parse(bare, "crawl.yaml", {})


def test_every_key_is_on_the_page() -> None:
    """A key without a row would be a secret."""
    text = PAGE.read_text(encoding="utf-8")
    keys = [key for group in known_keys().values() for key in group]
    assert [key for key in keys if f"| `{key}` |" not in text] == []
    assert len(keys) > len(Config.known)
