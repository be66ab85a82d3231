"""The practice shop's books: the same everywhere, varied, and fit for the pages that show them."""

from __future__ import annotations

import hashlib

import pytest

from scraper.practice.catalogue import Book, catalogue
from scraper.practice.encodings import UTF8, wire_of


def test_a_number_always_names_the_same_book() -> None:
    """Book n is the same in a small catalogue and in a large one."""
    assert catalogue(40) == catalogue(2000)[:40]


def test_the_books_are_the_same_on_every_machine() -> None:
    """The digest of all books is written down here: a change of words or dice is a change of everybody's results."""
    text = "\n".join(repr([getattr(book, name) for name in Book.__slots__]) for book in catalogue())
    assert hashlib.blake2b(text.encode(), digest_size=8).hexdigest() == "847b488a41839834"


def test_titles_slugs_and_skus_are_unique() -> None:
    """No two books share a title, a path or a stock-keeping unit, in a large shop either."""
    books = catalogue(5000)
    for values in ({book.title for book in books}, {book.path for book in books}, {book.sku for book in books}):
        assert len(values) == len(books)


def test_numbers_stay_in_their_ranges() -> None:
    """Prices are whole pence, books are in stock, ratings are stars, and each book has 2 to 4 pictures of its own."""
    books = catalogue()
    for book in books:
        assert round(book.price * 100) / 100 == book.price > 0
        assert 1 <= book.stock <= 30
        assert 1 <= book.rating <= 5
        assert 2 <= len(book.images) <= 4
    pictures = [image for book in books for image in book.images]
    assert len(set(pictures)) == len(pictures)
    assert {book.rating for book in books} == {1, 2, 3, 4, 5}


def test_text_is_collapsed_already() -> None:
    """Titles, descriptions and categories have no white space that a reader would not see."""
    for book in catalogue():
        for text in (book.title, book.description, book.category):
            assert text == " ".join(text.split()) != ""


def test_titles_have_the_typography_of_real_ones() -> None:
    """Quotes, ampersands, dashes, angle brackets, accents and other scripts all occur among 1,000 titles."""
    titles = "".join(book.title for book in catalogue())
    assert set('“”’"&—–<½éïøŚřТ雪Ηمн的') <= set(titles)


def test_a_tenth_of_the_pages_is_not_plain_utf8() -> None:
    """One book in ten has a page in another encoding or with nothing but a byte order mark, in a small shop too."""
    books = catalogue()
    assert sum(wire_of(book) != UTF8 for book in books) == 100
    assert sum(wire_of(book) != UTF8 for book in books[:20]) == 2
    wanted = {"cp1252", "iso8859-2", "cp932", "cp1251", "utf-16-le", "utf-16-be", "utf-8"}
    assert {wire_of(book).codec for book in books} == wanted


def test_a_book_is_representable_in_its_page_s_encoding() -> None:
    """A book's own title and description are bytes of its page's encoding and come back unchanged."""
    for book in catalogue(3000):
        codec = wire_of(book).codec
        for text in (book.title, book.description):
            assert text.encode(codec).decode(codec) == text


def test_windows_1252_pages_need_the_web_s_reading_of_iso_8859_1() -> None:
    """Pages declared as iso-8859-1 hold curly quotes, which only windows-1252 has."""
    books = [book for book in catalogue() if wire_of(book).codec == "cp1252" and "8859-1" in repr(wire_of(book))]
    assert len(books) > 20
    assert sum(any(mark in book.title + book.description for mark in "’“”–…œ") for book in books) > len(books) / 2


@pytest.mark.parametrize("count", [0, -1])
def test_a_shop_needs_a_book(count: int) -> None:
    """A catalogue without books is refused with the reason."""
    with pytest.raises(ValueError, match="at least one book"):
        catalogue(count)
