"""The practice shop as a function: a path goes in, a reply comes out, the same one every time.

What a perfect crawl would bring home is in `Shop.truth`, made from the catalogue and never from a page. Pages are
rendered at first sight and kept, without the client's origin, so memory is bounded by the number of pages.
Sockets, clocks and chance must not enter here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from scraper.practice import pages
from scraper.practice.catalogue import Book, catalogue
from scraper.practice.encodings import Wire
from scraper.practice.frame import GONE, NO_PICTURE, Frame, Sheet, slug_of
from scraper.practice.markup import ORIGIN, escape
from scraper.practice.picture import jpeg

__all__ = ["DEFAULT_ORIGIN", "Reply", "Shop"]

DEFAULT_ORIGIN = "http://practice-shop.test"
PAGE_SIZE = 20  # books on a listing page
FEATURED = 12  # books on the front page

_NUMBER = "([1-9][0-9]{0,8})"
_DETAIL = re.compile(rf"/catalogue/([^/]+)_{_NUMBER}/index\.html")
_LISTING = re.compile(rf"(/catalogue/|/category/([a-z-]+)/)page-{_NUMBER}\.html")
_OLD = re.compile(rf"/old/{_NUMBER}")
_MEDIA = re.compile(rf"/media/[0-9][0-9]/{_NUMBER}-[1-9]\.jpg")

_ROBOTS = """# The Practice Shop. Be welcome, and leave the basket and the staff alone.
User-agent: *
Disallow: /basket/   # one for each customer
Disallow: /admin/
Allow: /

User-agent: GreedyBot  # it knows why
Disallow: /

Sitemap: {origin}/sitemap.xml
"""
_CSS = b"body { font-family: serif } .row { list-style: none }\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the shop answers."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(kw_only=True, default=())
    body: bytes = field(kw_only=True, default=b"")


@dataclass(frozen=True, slots=True)
class _Printed:
    """A rendered page, cut where the client's origin belongs."""

    status: int
    wire: Wire = field(kw_only=True)
    parts: tuple[bytes, ...] = field(kw_only=True)

    def reply(self, origin: str) -> Reply:
        body = self.wire.mark + self.wire.encode(escape(origin)).join(self.parts)
        return Reply(self.status, headers=(("Content-Type", self.wire.content_type),), body=body)


class Shop:
    """A fictitious bookshop with `books` books; the same number is the same shop."""

    def __init__(self, books: int = 1000) -> None:
        self.books: tuple[Book, ...] = catalogue(books)
        self._shelves: dict[str, tuple[Book, ...]] = _shelved(self.books)
        self._names = {slug: shelf[0].category for slug, shelf in self._shelves.items()}
        self._frame = Frame(self._names)
        self._printed: dict[str, _Printed] = {}

    def reply(self, path_and_query: str, origin: str = DEFAULT_ORIGIN) -> Reply:
        """Answer a GET for a path (and query) that the client asked of `origin`, as scheme://host[:port]."""
        path = path_and_query.partition("?")[0]
        printed = self._printed.get(path)
        if printed is None:
            sheet = self._sheet(path)
            if sheet is None:
                return self._other(path, origin)
            printed = self._printed[path] = _print(sheet)
        return printed.reply(origin)

    def truth(self, origin: str = DEFAULT_ORIGIN) -> list[dict[str, Any]]:
        """Return the items that a perfect crawl of `origin` brings, in the order of the catalogue."""
        return [
            {
                "url": origin + book.path,
                "title": book.title,
                "price": book.price,
                "stock": book.stock,
                "rating": book.rating,
                "description": book.description,
                "breadcrumbs": ["Home", "Books", book.category],
                "images": [origin + image for image in book.images],
            }
            for book in self.books
        ]

    def _sheet(self, path: str) -> Sheet | None:
        """Return the page of books at `path`, one of a known number; None when there is none."""
        if path in ("/", "/index.html"):
            step = max(1, len(self.books) // FEATURED)
            return pages.home(self._frame, self._names.items(), self.books[::step][:FEATURED])
        if found := _DETAIL.fullmatch(path):
            book = self._book(found[2])
            known = book is not None and path == book.path
            return pages.detail(self._frame, book, self._also(book)) if book is not None and known else None
        if found := _LISTING.fullmatch(path):
            return self._listing(folder=found[1], slug=found[2], page=int(found[3]))
        return None

    def _listing(self, *, folder: str, slug: str | None, page: int) -> Sheet | None:
        books = self.books if slug is None else self._shelves.get(slug, ())
        last = -(-len(books) // PAGE_SIZE)
        if page > last:
            return None
        shown = books[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        heading = "Books" if slug is None else self._names[slug]
        return pages.listing(self._frame, heading=heading, folder=folder, page=page, last=last, books=shown)

    def _other(self, path: str, origin: str) -> Reply:
        """Answer what is not a page of books: files, moves, the forbidden areas, and what is not there."""
        if path == "/robots.txt":
            return _file("text/plain; charset=utf-8", _ROBOTS.format(origin=origin).encode())
        if path == "/sitemap.xml":
            return _file("application/xml", _sitemap(self.books, origin))
        if path == "/static/shop.css":
            return _file("text/css", _CSS)
        if picture := self._picture(path):
            return _file("image/jpeg", picture)
        if target := self._moved(path):
            return Reply(301, headers=(("Location", target), ("Content-Type", "text/html")), body=b"<h1>Moved</h1>\n")
        if path.startswith(("/basket/", "/admin/")):
            return self._forbidden(path).reply(origin)
        return self._missing(gone=path == GONE).reply(origin)

    def _picture(self, path: str) -> bytes | None:
        if path == NO_PICTURE:
            return jpeg(0)
        found = _MEDIA.fullmatch(path)
        book = self._book(found[1]) if found else None
        return jpeg(book.number) if book is not None and path in book.images else None

    def _moved(self, path: str) -> str | None:
        if path == "/catalogue/":
            return "page-1.html"
        if found := _OLD.fullmatch(path):
            book = self._book(found[1])
            return None if book is None else book.path
        return None

    def _forbidden(self, path: str) -> _Printed:
        """Answer as if nothing were wrong, so whoever ignores robots.txt can be caught by what was asked for."""
        title = "Staff" if path.startswith("/admin/") else "Basket"
        text = 'Nothing here yet. <a href="basket/checkout/">Continue</a>.'
        return _print(pages.notice(self._frame, title=title, text=text))

    def _missing(self, *, gone: bool) -> _Printed:
        title = "This book was withdrawn" if gone else "Page not found"
        text = "Try the catalogue."
        return _print(pages.notice(self._frame, title=title, text=text), status=410 if gone else 404)

    def _book(self, number: str) -> Book | None:
        at = int(number) - 1
        return self.books[at] if at < len(self.books) else None

    def _also(self, book: Book) -> list[Book]:
        """Return 4 to 6 other books, fewer when the shop has no more."""
        count = len(self.books)
        wanted = min(4 + book.number % 3, count - 1)
        first, step = book.number * 7, 131 if count % 131 else 1
        found: dict[int, Book] = {}
        k = 0
        while len(found) < wanted:
            at = (first + k * step) % count
            if at != book.number - 1:
                found[at] = self.books[at]
            k += 1
        return list(found.values())

    def __repr__(self) -> str:
        return f"<Shop {len(self.books)} books | {len(self._printed)} pages rendered>"


def _shelved(books: Iterable[Book]) -> dict[str, tuple[Book, ...]]:
    shelves: dict[str, list[Book]] = {}
    for book in books:
        shelves.setdefault(slug_of(book.category), []).append(book)
    return {slug: tuple(shelves[slug]) for slug in sorted(shelves)}


def _print(sheet: Sheet, *, status: int = 200) -> _Printed:
    parts = tuple(sheet.wire.encode(part) for part in sheet.text.split(ORIGIN))
    return _Printed(status, wire=sheet.wire, parts=parts)


def _file(content_type: str, body: bytes) -> Reply:
    return Reply(200, headers=(("Content-Type", content_type),), body=body)


def _sitemap(books: Iterable[Book], origin: str) -> bytes:
    entries = "\n".join(f"  <url><loc>{escape(origin + book.path)}</loc></url>" for book in books)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}\n</urlset>\n'
    ).encode()
