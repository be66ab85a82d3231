"""The generated shop: the same every time, true to its truth, and as real sites are."""

from __future__ import annotations

from pathlib import Path
from random import Random
from statistics import median

import pytest

from benchmarks.harness.products import Products
from benchmarks.website.filler import Filler
from benchmarks.website.links import spell
from benchmarks.website.shop import Shop
from benchmarks.website.write import read_site, write_site
from scraper.page import Page
from scraper.policy.canon import Canon
from scraper.request import Request
from scraper.response import Headers, Response
from scraper.urls import Url

HTML = Headers((("Content-Type", "text/html"),))
ORIGIN = "http://127.0.0.1:8741"


def _page(shop: Shop, path: str, body: bytes) -> Page:
    request = Request(shop.origin + path)
    return Page(Response(request, status=200, url=request.url, headers=HTML, body=body))


@pytest.mark.parametrize("tiny", [False, True])
def test_a_spider_finds_the_truth_about_every_book(tiny: bool) -> None:
    """What the site says of a book and what the truth file says of it are the same, whatever the encoding."""
    shop = Shop(ORIGIN, 120, seed=2, tiny=tiny, filler=Filler(2))
    spider = Products()
    for number in range(shop.books):
        body, book = shop.detail(number)
        _, item = spider.parse(_page(shop, shop.paths[number], body))
        assert item == book.as_record()


def test_the_same_arguments_make_the_same_bytes() -> None:
    """Two shops of one seed do not differ, and another seed's does."""
    first, again, other = (Shop(ORIGIN, 60, seed=seed, tiny=False, filler=Filler(seed)) for seed in (1, 1, 2))
    assert first.detail(3) == again.detail(3)
    assert first.listing(1) == again.listing(1)
    assert first.detail(3) != other.detail(3)


def test_realistic_pages_have_the_size_and_the_links_of_real_ones() -> None:
    """The median page has about 30 KB and 59 links, and about a tenth of the books are not UTF-8."""
    shop = Shop(ORIGIN, 400, seed=1, tiny=False, filler=Filler(1))
    pages = [_page(shop, shop.paths[number], shop.detail(number)[0]) for number in range(shop.books)]
    assert 25_000 < median(len(page.response.body) for page in pages) < 36_000
    assert 55 <= median(len(page.links()) for page in pages) <= 62
    assert 0.05 < sum(page.response.encoding != "utf-8" for page in pages) / len(pages) < 0.15


def test_every_spelling_of_a_link_means_its_target() -> None:
    """Relative, absolute, with detours, fragments or campaign parameters: a link leads where it was made to lead."""
    random, canon = Random(1), Canon(["tracking", "?utm_*"])
    here, there = "/catalogue/some-book_1/index.html", "/catalogue/page-3.html"
    for page, target in ((here, there), (there, here), (here, "/private/account.html"), (here, here)):
        for _ in range(200):
            href = spell(random, ORIGIN, page, target).replace("&amp;", "&")
            response = Response(Request(ORIGIN + page), status=200, url=ORIGIN + page, headers=HTML)
            url = Page(response).resolve(href)
            assert isinstance(url, Url)
            assert canon.cut(Request(url)).url == ORIGIN + target


def test_a_site_on_disk_is_written_once(tmp_path: Path) -> None:
    """The second call with the same recipe reads what the first one wrote; another recipe writes anew."""
    site = write_site(tmp_path, pages=42, tiny=True)
    assert (site.pages, site.items) == (42, 40)
    truth = tmp_path / "truth.jsonl"
    truth.write_text("kept")
    assert write_site(tmp_path, pages=42, tiny=True) == site == read_site(tmp_path)
    assert truth.read_text() == "kept"
    write_site(tmp_path, pages=21, tiny=True)
    assert len(truth.read_text(encoding="utf-8").splitlines()) == 20
