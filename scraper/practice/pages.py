"""The practice shop's pages that show books: home, listings and the detail page.

A detail page keeps one structure that spiders depend on, however it is spelled: `ul.breadcrumb`, and in
`article.product_page` an `h1`, `p.price_color`, `p.instock.availability`, `p.star-rating`, `#product_description p`,
`td.sku`, `.gallery img` and `a.also`. A listing has `article.product_pod` and `li.next a`. Routing must not enter here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from scraper.practice.catalogue import Book
from scraper.practice.encodings import UTF8, wire_of
from scraper.practice.frame import GONE, MISSING, Frame, Sheet, slug_of
from scraper.practice.markup import ORIGIN, Hand, escape

__all__ = ["detail", "home", "listing", "notice"]

STARS = ("Zero", "One", "Two", "Three", "Four", "Five")
SHORT_TITLE = 24  # characters that a listing shows
BASED_DETAIL, BASED_EVERY = 41, 100  # books whose number has this remainder have a <base>
BASED_LISTING = 4  # the number of a listing page with a <base>
MOVED_EVERY = 50  # of so many books, one recommends another by its old address


class _Flaw(Enum):
    """What is wrong with a page, though the HTML standard says how to read it all the same."""

    NONE = 0
    BARE = 5  # no doctype, html, head or body, and no end tag that may be missing
    MISNESTED = 15  # formatting that overlaps ("adoption agency algorithm")
    LOOSE = 25  # character references without a semicolon
    FOSTERED = 35  # content in a table where none may be ("foster parenting")


FLAWS_EVERY = 40  # books
_FLAWS = {flaw.value: flaw for flaw in _Flaw}


def home(frame: Frame, categories: Iterable[tuple[str, str]], featured: Sequence[Book]) -> Sheet:
    """Return the front page; `categories` are slugs and names."""
    hand = Hand(1, folder="/")
    shelves = "\n".join(
        f"<li>{hand.link(f'/category/{slug}/page-1.html', hand.text(name))}" for slug, name in categories
    )
    content = f"""<div class="content">
<h1>All books</h1>
<p>Welcome! Start with {hand.link("/catalogue/page-1.html", "the whole catalogue")}, or with a shelf:
<ul class="shelves">
{shelves}
</ul>
<ol class="row">
{_pods(hand, featured)}
</ol>
<p>No longer here: {hand.link(GONE, "The Withdrawn Atlas")}. <a href="#shelves">Shelves</a>, <a href="">this page</a>,
{hand.link(MISSING, "gift wrapping")} and <a href="https://example.org/about?shop=1&amp;page=2">about us</a>.
"""
    return frame.around(content, hand=hand, title="Books that nobody has written yet")


def listing(frame: Frame, *, heading: str, folder: str, page: int, last: int, books: Sequence[Book]) -> Sheet:
    """Return page `page` of `last` in `folder`, a path that ends with a slash."""
    based = folder == "/catalogue/" and page == BASED_LISTING
    hand = Hand(page, folder="/" if based else folder)
    content = f"""<div class="content">
<div class="page-header"><h1>{hand.text(heading)}</h1></DIV>
<form method=get><b>{len(books)}</b>&nbsp;results on this page.</form>
<section>
<ol class="row">
{_pods(hand, books)}
</ol>
<ul class="pager">
{_pager(hand, folder, page, last)}
</ul>
</section>
"""
    return frame.around(content, hand=hand, title=heading, base=f'"{ORIGIN}/"' if based else "")


def detail(frame: Frame, book: Book, also: Sequence[Book]) -> Sheet:
    """Return the page of one book, which recommends the books `also`."""
    wire, flaw = wire_of(book), _FLAWS.get(book.number % FLAWS_EVERY, _Flaw.NONE)
    based = book.number % BASED_EVERY == BASED_DETAIL
    hand = Hand(
        book.number, folder="/catalogue/" if based else book.path.removesuffix("index.html"), entities=wire is UTF8
    )
    bare = flaw is _Flaw.BARE
    content = f"""<div class="content">
{_breadcrumb(hand, book, "" if bare else "</li>")}
<article class="product_page" id=product>
{_summary(hand, book, flaw)}
<div class="sub-header"><h2>Product description</h2></div>
{_description(hand, book, flaw)}
{_table(book, flaw)}
<div class="sub-header" id="also-bought"><h2>Customers also bought</h2></div>
<ul class="cross-sell">
{_also(hand, book, also, "" if bare else "</li>")}
</ul>
<!-- <ul><li><a class="also" href="../out-of-print_0/index.html">Out of print</a></li></ul> -->
</article>
"""
    base = "/catalogue/" if based else ""
    return frame.around(content, hand=hand, title=book.title, wire=wire, language=book.language, base=base, bare=bare)


def notice(frame: Frame, *, title: str, text: str) -> Sheet:
    """Return a page that only says something, at whatever path; `text` is markup."""
    hand = Hand(1, folder="/")
    content = f'<div class="content">\n<h1>{escape(title)}</h1>\n<p>{text}\n<p>{hand.link("/", "Home")}\n'
    # Without a base, each made-up path would lead to more made-up paths.
    return frame.around(content, hand=hand, title=title, base="/")


def _pods(hand: Hand, books: Iterable[Book]) -> str:
    return "\n".join(_pod(hand, book) for book in books)


def _pod(hand: Hand, book: Book) -> str:
    short = book.title if len(book.title) <= SHORT_TITLE else f"{book.title[:SHORT_TITLE].rstrip()}..."
    return f"""<li class="col-3">
  <article class="product_pod">
    <div class="image">{hand.link(book.path, f'<img src="{hand.relative(book.images[0])}" alt="">')}</div>
    <p class="star-rating {STARS[book.rating]}"><i class="icon-star"></i></p>
    <h3>{hand.link(book.path, hand.text(short), title=book.title)}</h3>
    <p class="price_color">{hand.text(f"£{book.price:.2f}")}</p>
    <p><a rel=nofollow href="{hand.up or "./"}basket/add?sku={book.sku}&amp;quantity=1">Add to basket</a>
  </article>"""


def _pager(hand: Hand, folder: str, page: int, last: int) -> str:
    lines = [f'<li class="current">\n    Page {page} of {last}\n']
    if page > 1:
        lines.insert(0, f'<li class="previous">{hand.link(f"{folder}page-{page - 1}.html", "previous")}</li>')
    if page < last:
        lines.append(f'<li class="next">{hand.link(f"{folder}page-{page + 1}.html", "next")}')
    return "\n".join(lines)


def _breadcrumb(hand: Hand, book: Book, end: str) -> str:
    shelf = f"/category/{slug_of(book.category)}/page-1.html"
    return f"""<ul{hand.attribute("class", "breadcrumb")}>
  <li>{hand.link("/index.html", "Home")}{end}
  <li>{hand.link("/catalogue/page-1.html", "Books")}{end}
  <li>
      {hand.link(shelf, f"{chr(10)}        {hand.text(book.category)} ")}
  {end}
  <li class="active">{hand.text(book.title)}{end}
</ul>"""


def _summary(hand: Hand, book: Book, flaw: _Flaw) -> str:
    pound = "&pound" if flaw is _Flaw.LOOSE else hand.text("£")
    pictures = "\n".join(
        f"  <img{hand.attribute('src', hand.relative(image))} alt='{escape(book.sku)}, picture {k}'>"
        for k, image in enumerate(book.images, 1)
    )
    return f"""<div class="gallery">
{pictures}
</div>
<div class="product_main">
<h1>
    {hand.text(book.title)}
</h1>
<p{hand.attribute("class", "price_color")}>{pound}{book.price:.2f}</p>
<p class="instock availability">
    <i class="icon-ok"></i>
    In stock
    ({book.stock} available)
</p>
<p{hand.attribute("class", f"star-rating {STARS[book.rating]}")}><i class=icon-star></i><i class=icon-star></i></p>
<p><a href="{hand.relative(book.path)}#also-bought">What others bought</a>&nbsp;&#124;
<a rel=nofollow href="{hand.up}basket/add?sku={book.sku}&amp;quantity=1">Add to basket</a>
</div>"""


def _description(hand: Hand, book: Book, flaw: _Flaw) -> str:
    text = hand.text(book.description)
    if flaw is _Flaw.LOOSE:
        text = text.replace("&amp; ", "& ").replace("&lt; ", "&lt ")
    elif flaw is _Flaw.MISNESTED:
        first, space, rest = text.partition(" ")
        second, space2, rest = rest.partition(" ")
        text = f"<b>{first}{space}<i>{second}</b>{space2}{rest}</i>"
    elif book.number % 4 == 2:
        text = text.replace(" ", "\n      ", 3).replace(". ", ".<!-- new paragraph? -->\n  ", 1)
    end = "" if book.number % 3 == 0 else "</p>"
    return f'<div id="product_description">\n<p>{text}{end}\n</div>'


def _table(book: Book, flaw: _Flaw) -> str:
    end, row_end = ("", "") if flaw is _Flaw.BARE else ("</td>", "</tr>")
    stray = "<div class=note>All prices in pounds</div>" if flaw is _Flaw.FOSTERED else ""
    rows = (
        ("SKU", f'<td class="sku">{book.sku}'),
        ("Product&nbsp;type", "<td>Books"),
        ("Price (excl. tax)", f"<td>&pound;{book.price:.2f}"),
        ("Tax", "<td>&#xA3;0.00"),
        ("Number&nbsp;of reviews", "<td>0"),
    )
    lines = "\n".join(f"  <tr><th>{name}</th>{cell}{end}{row_end}" for name, cell in rows)
    return f'<table class="table table-striped" BORDER=0 cellpadding=2>{stray}\n{lines}\n</table>'


def _also(hand: Hand, book: Book, also: Sequence[Book], end: str) -> str:
    lines = [f"  <li>{hand.link(other.path, hand.text(other.title), kind='also')}{end}" for other in also]
    if also and book.number % MOVED_EVERY == 1:
        lines[0] = f'  <li><a class="also" href="{hand.up}old/{also[0].number}">{hand.text(also[0].title)}</a>{end}'
    return "\n".join(lines)
