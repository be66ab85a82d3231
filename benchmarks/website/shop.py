"""One host of the bookshop: which pages there are, what is true of each book, and the pages' markup.

The books stand on listing pages, twenty each; every page but those below /private/ can be reached from the first
listing. Same arguments, same bytes.
"""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from math import log
from random import Random

from benchmarks.website.filler import Filler
from benchmarks.website.links import spell
from benchmarks.website.words import ALPHABETS, CATEGORIES, sentence, slug, title

__all__ = ["ROBOTS", "Book", "Shop"]

PER_LISTING = 20  # books
RELATED = 10  # books
STARS = ("One", "Two", "Three", "Four", "Five")
MEDIAN_SIZE, SPREAD, LARGEST = 30_500, 0.8, 300_000  # bytes; of a log-normal distribution, as pages of the web have
LEGACY_SHARE = 0.1  # of the books' pages
ROBOTS = "User-agent: *\nDisallow: /private/\nDisallow: /search\nAllow: /\n"

# codec that writes, label in <meta> (what browsers take it to mean), alphabet
_LEGACY = (
    ("cp1252", "iso-8859-1", "latin"),
    ("cp1252", "windows-1252", "latin"),
    ("cp1251", "windows-1251", "cyrillic"),
    ("shift_jis", "Shift_JIS", "japanese"),
    ("iso8859-2", "iso-8859-2", "central"),
)


@dataclass(frozen=True, slots=True)
class Book:
    """What a crawler must find out about one book."""

    url: str
    title: str
    price: float
    sku: str
    stock: int
    rating: int
    description: str
    breadcrumbs: list[str]
    images: list[str]

    def as_record(self) -> dict[str, object]:
        """Return the right item."""
        return asdict(self)


class Shop:
    """The pages of one host; `first` is the number of its first book among all hosts."""

    def __init__(self, origin: str, pages: int, *, seed: int, tiny: bool, filler: Filler, first: int = 0) -> None:
        self.origin, self.tiny, self._filler, self._first = origin, tiny, filler, first
        self._seed = f"{seed}/{origin}"
        self.listings = max(1, round(pages / (PER_LISTING + 1)))
        self.books = pages - self.listings
        random = Random(f"{self._seed}/paths")
        self.paths = [f"/catalogue/{slug(random)}_{first + number}/index.html" for number in range(self.books)]

    @staticmethod
    def listing_path(number: int) -> str:
        """Return the path of a listing, from 1."""
        return f"/catalogue/page-{number}.html"

    # -- pages -------------------------------------------------------------------------------------------------------

    def listing(self, number: int) -> bytes:
        """Return a listing page."""
        random = Random(f"{self._seed}/listing/{number}")
        here = self.listing_path(number)
        parts = [self._top(random, here, f"Books, page {number}", "utf-8"), '<section><ol class="row">\n']
        books = range((number - 1) * PER_LISTING, min(number * PER_LISTING, self.books))
        parts += [self._teaser(random, here, book) for book in books]
        parts.append('</ol>\n<ul class="pager">\n')
        near = {1, number - 2, number - 1, number + 1, number + 2, self.listings} - {number}
        parts += [
            f'<li><a href="{self._to(random, here, self.listing_path(other))}">{other}</a></li>\n'
            for other in sorted(near & set(range(1, self.listings + 1)))
        ]
        parts.append("</ul></section>\n")
        if not self.tiny:
            parts += [self._filler.piece(random, with_faults=False) for _ in range(random.randint(4, 20))]
        return "".join([*parts, self._bottom(random, here)]).encode()

    def detail(self, number: int) -> tuple[bytes, Book]:
        """Return the page of a book, and the truth about it."""
        random = Random(f"{self._seed}/book/{number}")
        codec, label, alphabet = "utf-8", "utf-8", random.choice(("", "", "latin", "cyrillic", "japanese"))
        if random.random() < LEGACY_SHARE:
            codec, label, alphabet = random.choice(_LEGACY)
        book = self._book(random, number, ALPHABETS.get(alphabet, []))
        here = self.paths[number]
        size = min(LARGEST, random.lognormvariate(log(MEDIAN_SIZE), SPREAD))
        parts = [
            self._top(random, here, book.title, label, "" if self.tiny else _linked_data(book)),
            self._crumbs(random, here, book),
            self._article(random, number, book),
            self._related(random, here),
        ]
        if not self.tiny:
            self._fill(random, parts, int(size))
        parts.append(self._bottom(random, here))
        return "".join(parts).encode(codec, "xmlcharrefreplace"), book

    def _book(self, random: Random, number: int, foreign: list[str]) -> Book:
        count = 1 if self.tiny else random.randint(1, 5)
        return Book(
            url=self.origin + self.paths[number],
            title=title(random, foreign),
            price=random.randint(300, 9999) / 100,
            sku=f"SKU-{self._first + number:07d}",
            stock=random.randint(0, 50),
            rating=random.randint(1, 5),
            description=" ".join(sentence(random, foreign) for _ in range(random.randint(3, 7))),
            breadcrumbs=["Home", "Books", random.choice(CATEGORIES)],
            images=[f"{self.origin}/media/{random.randrange(16**8):08x}/{number}-{n}.jpg" for n in range(count)],
        )

    # -- parts of pages ----------------------------------------------------------------------------------------------

    def _to(self, random: Random, here: str, target: str) -> str:
        return spell(random, self.origin, here, target)

    def _section(self, category: int) -> str:
        return self.listing_path(1 + category * self.listings // len(CATEGORIES))

    def _top(self, random: Random, here: str, name: str, label: str, extra: str = "") -> str:
        charset = f'<meta charset="{label}">'
        if random.random() < 0.3:
            charset = f'<meta http-equiv="Content-Type" content="text/html; charset={label}">'
        head = f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{charset}\n<title>{html.escape(name)} | Books</title>\n'
        home = f'<a class="logo" href="{self._to(random, here, self.listing_path(1))}">Home</a>'
        if self.tiny:
            return f"{head}</head>\n<body>\n<nav>{home}</nav>\n"
        entries = "".join(
            f'<li class="nav-item"><a class="nav-link" href="{self._to(random, here, self._section(number))}">\n  '
            f"{html.escape(category)}\n</a></li>\n"
            for number, category in enumerate(CATEGORIES)
        )
        return (
            f'{head}<meta name="viewport" content="width=device-width">\n<link rel="stylesheet" href="/site.css">\n'
            f'{self._filler.style}{extra}</head>\n<body>\n<header>{self._filler.icon}{home}\n<nav><ul class="nav">\n'
            f"{entries}</ul></nav></header>\n"
        )

    def _crumbs(self, random: Random, here: str, book: Book) -> str:
        places = (self.listing_path(1), self.listing_path(1), self._section(CATEGORIES.index(book.breadcrumbs[2])))
        entries = "".join(
            f'<li><a href="{self._to(random, here, place)}">{html.escape(text)}</a></li>\n'
            for place, text in zip(places, book.breadcrumbs, strict=True)
        )
        return f'<div class="page"><ul class="breadcrumb">\n{entries}</ul>\n'

    def _article(self, random: Random, number: int, book: Book) -> str:
        name = html.escape(book.title)
        paths = [image.removeprefix(self.origin) for image in book.images]
        sources = [random.choice((path, self.origin + path, "../.." + path)) for path in paths]
        images = "".join(f'<img src="{source}" alt="{name}" width="300">\n' for source in sources)
        return (
            f'<article class="product_page" data-id="{number}">\n<div class="gallery">{images}</div>\n'
            f'<div class="product_main"><h1 class="title">{name}</h1>\n'
            f'<p class="price_color">&pound;{book.price:.2f}</p>\n'
            f'<p class="sku">SKU: <span itemprop="sku">{book.sku}</span></p>\n'
            f'<p class="instock availability"><i class="icon-ok"></i>\n  In stock ({book.stock} available)\n</p>\n'
            f'<p class="star-rating {STARS[book.rating - 1]}"><i class="icon-star"></i></p>\n</div>\n'
            f'<div id="product_description"><h2>Description</h2><p>{html.escape(book.description)}</p></div>\n'
            "</article>\n"
        )

    def _related(self, random: Random, here: str) -> str:
        books = random.choices(range(self.books), k=4 if self.tiny else RELATED)
        if self.tiny:
            return "".join(f'<a href="{self._to(random, here, self.paths[n])}">see {n}</a>\n' for n in books)
        rows = "".join(random.choices(self._filler.rows, k=10))
        return f"<table>{rows}</table>\n<ul>\n{''.join(self._teaser(random, here, n) for n in books)}</ul>\n"

    def _teaser(self, random: Random, here: str, book: int) -> str:
        target = self.paths[book]
        if self.tiny:
            return f'<li><a href="{self._to(random, here, target)}">book {book}</a>\n'
        return (
            f'<li><div class="teaser"><a href="{self._to(random, here, target)}"><img src="/media/{book}.jpg" alt=x>'
            f'</a><h3><a href="{self._to(random, here, target)}">{title_of(target)}</a></h3></div></li>\n'
        )

    def _fill(self, random: Random, parts: list[str], size: int) -> None:
        """Add to the page until it has about `size` characters."""
        with_faults = random.random() < 0.25
        length = sum(map(len, parts))
        while length < size:
            parts.append(self._filler.piece(random, with_faults=with_faults))
            length += len(parts[-1])

    def _bottom(self, random: Random, here: str) -> str:
        private = self._to(random, here, "/private/account.html")
        if self.tiny:
            return f'<footer><a href="{private}">Account</a></footer>\n</body></html>\n'
        listings = "".join(
            f'<a href="{self._to(random, here, self.listing_path(random.randint(1, self.listings)))}">More</a>\n'
            for _ in range(4)
        )
        return (
            f'<footer>\n{listings}<a href="{private}" rel="nofollow">Account</a>\n<a href="mailto:shop@books.example">'
            'Mail</a> <a href="javascript:void(0)">Print</a> <a href="#">Up</a> <a href="tel:+1555010">Call</a>\n'
            '<a href="https://social.example/books">Social</a> <a href="//cdn.example/help">Help</a>\n'
            "<p>&copy; Books</p></footer>\n</body>\n</html>\n"
        )


def title_of(path: str) -> str:
    """Return the readable form of a book's path."""
    return path.split("/")[2].rpartition("_")[0].replace("-", " ").title()


def _linked_data(book: Book) -> str:
    data = {"@type": "Product", "name": book.title, "sku": book.sku, "image": book.images, "offers": book.price}
    text = json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
    return f'<script type="application/ld+json">{text}</script>\n'
