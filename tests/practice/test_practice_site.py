"""The practice shop's pages: every book can be reached, and every page, read as browsers read, tells the truth."""

from __future__ import annotations

import re
from collections import deque
from urllib import robotparser
from xml.etree import ElementTree

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from scraper.charset import declared_encoding, decode
from scraper.errors import InvalidURL
from scraper.practice.encodings import wire_of
from scraper.practice.site import DEFAULT_ORIGIN, Reply, Shop
from scraper.urls import canonical, join, origin

STARS = {"One": 1, "Two": 2, "Three": 3, "Four": 4, "Five": 5}
MOST_PAGES = 3_000  # of the largest shop here, with its listings
FORBIDDEN = ("/basket/", "/admin/")
SEVERAL = {"cp1252", "iso8859-2", "cp932", "cp1251", "utf-8", "utf-16-le", "utf-16-be"}


@pytest.fixture(scope="module")
def shop() -> Shop:
    """One shop of the usual size for the whole module; it does not change."""
    return Shop()


def header(reply: Reply, name: str) -> str:
    return dict(reply.headers).get(name, "")


def parsed(reply: Reply) -> LexborHTMLParser:
    return LexborHTMLParser(decode(reply.body, declared_encoding(reply.body, header(reply, "Content-Type"))))


def base_of(tree: LexborHTMLParser, url: str) -> str:
    base = tree.css_first("base[href]")
    return url if base is None else join(url, base.attributes["href"] or "")


def hrefs(tree: LexborHTMLParser) -> list[str]:
    return [link.attributes["href"] or "" for link in tree.css("a[href]")]


def seen(node: LexborNode | None) -> str:
    assert node is not None
    return " ".join(node.text().split())


def links(reply: Reply, url: str) -> list[str]:
    """Return the http(s) links of a page, resolved."""
    tree = parsed(reply)
    base = base_of(tree, url)
    found = []
    for href in hrefs(tree):
        try:
            found.append(join(base, href))
        except InvalidURL:
            continue
    return found


def crawl(shop: Shop, start: str = DEFAULT_ORIGIN) -> dict[str, int]:
    """Follow every link of the site that robots.txt allows; return the status of each URL."""
    todo, statuses = deque([canonical(start)]), {}
    while todo:
        url = todo.popleft()
        if url in statuses or origin(url) != start or url[len(start) :].startswith(FORBIDDEN):
            continue
        reply = shop.reply(url[len(start) :], start)
        statuses[url] = reply.status
        assert len(statuses) <= MOST_PAGES, f"the shop has no end: {url}"
        if reply.status == 301:
            todo.append(join(url, header(reply, "Location")))
        elif header(reply, "Content-Type").lower().startswith("text/html"):
            todo.extend(links(reply, url))
    return statuses


def extracted(reply: Reply, url: str) -> dict[str, object]:
    """Read a detail page as a spider would."""
    tree = parsed(reply)
    (article,) = tree.css("article.product_page")
    (price,) = article.css("p.price_color")
    (rating,) = article.css("p.star-rating")
    stock = re.fullmatch(r"In stock \((\d+) available\)", seen(article.css_first("p.instock.availability")))
    assert stock is not None
    base = base_of(tree, url)
    return {
        "url": url,
        "title": seen(article.css_first("h1")),
        "price": float(seen(price).removeprefix("£")),
        "stock": int(stock[1]),
        "rating": STARS[(rating.attributes["class"] or "").split()[1]],
        "description": seen(article.css_first("#product_description p")),
        "breadcrumbs": [seen(link) for link in tree.css("ul.breadcrumb li a")],
        "images": [join(base, image.attributes["src"] or "") for image in article.css(".gallery img")],
    }


@pytest.mark.parametrize("count", [1, 3, 20, 1000, 2000])
def test_every_book_is_reachable_without_the_forbidden_areas(count: int) -> None:
    """A crawl from the front page that obeys robots.txt meets each book's page once, and ends."""
    shop = Shop(books=count)
    statuses = crawl(shop)
    assert {url for url in statuses if re.search(r"_[1-9]\d*/index\.html$", url)} == {
        row["url"] for row in shop.truth()
    }
    assert all(statuses[row["url"]] == 200 for row in shop.truth())


def test_what_does_not_answer_200_is_meant_not_to(shop: Shop) -> None:
    """Among all links there is one dead page, one that is gone, and moved ones; traps in comments and scripts are not
    links."""
    odd = {url.removeprefix(DEFAULT_ORIGIN): status for url, status in crawl(shop).items() if status != 200}
    assert odd.pop("/help/gift-wrapping.html") == 404
    assert odd.pop("/catalogue/the-withdrawn-atlas_0/index.html") == 410
    assert len(odd) >= 10
    assert set(odd.values()) == {301}


@pytest.mark.parametrize("codec", sorted(SEVERAL))
def test_every_page_tells_the_truth(shop: Shop, codec: str) -> None:
    """Each detail page, decoded and parsed by the web's standards, gives exactly its row of the truth."""
    rows = [(book, row) for book, row in zip(shop.books, shop.truth(), strict=True) if wire_of(book).codec == codec]
    assert len(rows) >= 4
    for book, row in rows:
        assert extracted(shop.reply(book.path), row["url"]) == row


@pytest.mark.parametrize("count", [20, 2000])
def test_shops_of_other_sizes_tell_the_truth_too(count: int) -> None:
    """Pages outside the usual thousand, and those of a small shop, read as well as the others."""
    shop = Shop(books=count)
    assert len(shop.truth()) == count
    for book, row in list(zip(shop.books, shop.truth(), strict=True))[-20:]:
        assert extracted(shop.reply(book.path), row["url"]) == row


def test_the_page_holds_its_title_as_bytes_of_its_encoding(shop: Shop) -> None:
    """Legacy pages write their own title in their encoding, not as character references."""
    for book in shop.books:
        wire = wire_of(book)
        plain = book.title.translate(str.maketrans(dict.fromkeys('&<>"')))
        if wire.content_type != "text/html; charset=utf-8" and plain == book.title:
            assert book.title.encode(wire.codec) in shop.reply(book.path).body


def test_the_parts_that_the_truth_leaves_out_are_there(shop: Shop) -> None:
    """A page has the SKU, its own title as last breadcrumb, and 4 to 6 recommendations of other books."""
    known = {row["url"] for row in shop.truth()}
    moved = 0
    for book in shop.books[:200]:
        url = DEFAULT_ORIGIN + book.path
        tree = parsed(shop.reply(book.path))
        assert seen(tree.css_first("article.product_page th + td.sku")) == book.sku
        assert seen(tree.css_first("ul.breadcrumb li.active")) == book.title
        also = {join(base_of(tree, url), link.attributes["href"] or "") for link in tree.css("article a.also")}
        old = {link for link in also if "/old/" in link}
        moved += len(old)
        assert 4 <= len(also) <= 6
        assert also - old <= known - {url}
    assert moved == 4


def test_listings_show_twenty_books_and_the_way_on(shop: Shop) -> None:
    """Fifty listing pages, linked by li.next and li.previous, show the catalogue in order."""
    url, titles = join(DEFAULT_ORIGIN, "/catalogue/page-1.html"), []
    for page in range(1, 51):
        reply = shop.reply(url.removeprefix(DEFAULT_ORIGIN))
        tree = parsed(reply)
        pods = tree.css("article.product_pod h3 a")
        titles += [pod.attributes["title"] for pod in pods]
        assert len(pods) == len(tree.css("article.product_pod p.price_color")) == 20
        back, forth = tree.css_first("li.previous a"), tree.css_first("li.next a")
        assert (back is None) == (page == 1)
        assert (forth is None) == (page == 50)
        if forth is not None:
            url = join(base_of(tree, url), forth.attributes["href"] or "")
    assert titles == [book.title for book in shop.books]
    assert shop.reply("/catalogue/page-51.html").status == 404


def test_pages_are_of_a_real_page_s_size(shop: Shop) -> None:
    """A detail page weighs 5 to 15 kB."""
    sizes = [len(shop.reply(book.path).body) for book in shop.books]
    assert min(sizes) >= 5_000
    assert max(sizes) <= 15_000


def test_two_shops_are_the_same_shop(shop: Shop) -> None:
    """Another instance gives the same bytes, in whatever order its pages are asked for."""
    other = Shop()
    for path in ["/sitemap.xml", "/", "/nothing", "/basket/", *(book.path for book in reversed(shop.books[:300]))]:
        assert other.reply(path) == shop.reply(path)


def test_the_origin_is_the_client_s_own(shop: Shop) -> None:
    """Absolute links, sitemap and robots.txt name the origin asked for; a page kept for one client serves another."""
    paths = ["/robots.txt", "/sitemap.xml", "/catalogue/page-4.html", *(book.path for book in shop.books[:60])]
    for place in ("http://127.0.0.1:8080", "http://[::1]:9", DEFAULT_ORIGIN):
        bodies = [shop.reply(path, place).body.replace(b"\0", b"") for path in paths]
        assert sum(place.encode() in body for body in bodies) > 10
        other = b"practice-shop.test/" if place != DEFAULT_ORIGIN else b"127.0.0.1"
        assert not any(b"http://" + other in body for body in bodies)


def test_truth_takes_the_origin(shop: Shop) -> None:
    """URLs and pictures of the truth belong to the origin asked for and are canonical."""
    for row in shop.truth("http://127.0.0.1:8080"):
        assert row["url"].startswith("http://127.0.0.1:8080/catalogue/")
        assert canonical(row["url"]) == row["url"]
        assert all(image.startswith("http://127.0.0.1:8080/media/") for image in row["images"])


def test_robots_txt_forbids_basket_and_staff_and_names_the_sitemap(shop: Shop) -> None:
    """A parser of another house reads the same rules; no crawl delay slows anybody."""
    reply = shop.reply("/robots.txt")
    rules = robotparser.RobotFileParser()
    rules.parse(reply.body.decode().splitlines())
    for path in ("/basket/", "/basket/add?sku=1", "/admin/"):
        assert not rules.can_fetch("anybody", DEFAULT_ORIGIN + path)
        assert shop.reply(path).status == 200
    assert rules.can_fetch("anybody", f"{DEFAULT_ORIGIN}/catalogue/page-1.html")
    assert rules.site_maps() == [f"{DEFAULT_ORIGIN}/sitemap.xml"]
    assert rules.crawl_delay("anybody") is None
    assert b"#" in reply.body
    assert header(reply, "Content-Type").startswith("text/plain")


def test_the_sitemap_has_every_book(shop: Shop) -> None:
    """The sitemap is XML of its namespace and lists the truth's URLs in order."""
    root = ElementTree.fromstring(shop.reply("/sitemap.xml").body)
    listed = [node.text for node in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert listed == [row["url"] for row in shop.truth()]


def test_every_page_links_to_the_basket(shop: Shop) -> None:
    """A crawler that ignores robots.txt meets the basket on every page, so it can be caught."""
    paths = ["/", "/catalogue/page-1.html", "/catalogue/page-4.html", *(book.path for book in shop.books[:60])]
    for path in paths:
        assert f"{DEFAULT_ORIGIN}/basket/" in links(shop.reply(path), DEFAULT_ORIGIN + path)


def test_the_forbidden_areas_end(shop: Shop) -> None:
    """What the basket links to is the shop and the basket's own few pages, so nobody is trapped for ever."""
    found = set(links(shop.reply("/basket/add?sku=1"), f"{DEFAULT_ORIGIN}/basket/add?sku=1"))
    deeper = set(links(shop.reply("/basket/checkout/"), f"{DEFAULT_ORIGIN}/basket/checkout/"))
    assert found == deeper
    assert f"{DEFAULT_ORIGIN}/basket/checkout/" in found


def test_a_page_that_is_not_there_leads_nowhere_new(shop: Shop) -> None:
    """Links on an error page do not depend on the path asked for."""
    deep, shallow = "/help/me/please/now.html", "/nothing"
    assert shop.reply(deep).status == 404
    assert links(shop.reply(deep), DEFAULT_ORIGIN + deep) == links(shop.reply(shallow), DEFAULT_ORIGIN + shallow)


@pytest.mark.parametrize("number", [1, 13, 999])
def test_old_addresses_move_to_the_book(shop: Shop, number: int) -> None:
    """An old address answers 301 and names the detail page."""
    reply = shop.reply(f"/old/{number}")
    assert (reply.status, header(reply, "Location")) == (301, shop.books[number - 1].path)


@pytest.mark.parametrize(
    "path",
    [
        "/old/1001", "/old/0", "/old/x", "/old/99999999999", "/catalogue/wrong-title_1/index.html",
        "/catalogue/page-0.html", "/catalogue/page-051.html", "/category/nothing/page-1.html",
        "/media/01/1-9.jpg", "/media/02/1-1.jpg",
        "", "/catalogue/_1/index.html", "/trap/in-a-script.html",
    ],
)  # fmt: skip
def test_what_is_not_in_the_shop_is_404(shop: Shop, path: str) -> None:
    """A path with another book's title, a number out of range or a picture that does not exist is not found."""
    assert shop.reply(path).status == 404


def test_links_that_lead_away_exist(shop: Shop) -> None:
    """Pages have mail, phone, script and data links, other hosts, fragments, empty and impossible ones."""
    found = hrefs(parsed(shop.reply("/"))) + hrefs(parsed(shop.reply(shop.books[0].path)))
    for start in ("mailto:", "tel:", "javascript:", "data:", "https://example.org/", "//example.org/", "#", "http://["):
        assert any(href.startswith(start) for href in found), start
    assert "" in found


def test_markup_is_untidy(shop: Shop) -> None:
    """Upper-case and unquoted attributes, missing end tags, odd references, comments with links, base: all occur."""
    pages = b"".join(shop.reply(book.path).body for book in shop.books[:120])
    for sign in (
        rb' HREF="', rb"<a href=\.\./", rb"href = ", rb"href='", rb'="\n +\.\./[^"]+  "', rb"<base href=/catalogue/>",
        rb"<!-- <a href=", rb"&pound\d", rb"&#14[678];", rb"&nbsp;", rb"&ldquo;", rb"&#x201C;", rb"<b>\S+ <i>\S+</b>",
        rb"<table[^>]+><div", rb"</td>\n?", rb"<li><a[^>]+>[^<]+</a>\n", rb'href="/catalogue/',
        rb'"http://practice-shop.test/catalogue/',
    ):  # fmt: skip
        assert re.search(sign, pages), sign


def test_pictures_are_jpegs(shop: Shop) -> None:
    """Each picture has the segments of a baseline JPEG, with lengths that add up, and differs by book."""
    bodies = set()
    for book in shop.books[:64]:
        reply = shop.reply(book.images[0])
        assert header(reply, "Content-Type") == "image/jpeg"
        assert segments(reply.body) == [0xE0, 0xDB, 0xC0, 0xC4, 0xC4, 0xDA]
        bodies.add(reply.body)
    assert len(bodies) == 64


def segments(body: bytes) -> list[int]:
    """Return the markers of a JPEG up to its scan (ITU-T T.81, annex B)."""
    assert body.startswith(b"\xff\xd8")
    assert body.endswith(b"\xff\xd9")
    at, markers = 2, []
    while not markers or markers[-1] != 0xDA:
        assert body[at] == 0xFF
        markers.append(body[at + 1])
        at += 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    assert at < len(body) - 2
    return markers


def test_repr_is_a_window() -> None:
    """The shop shows its size and how much of it is rendered."""
    shop = Shop(books=20)
    shop.reply("/")
    shop.reply("/nothing")
    assert repr(shop) == "<Shop 20 books | 1 pages rendered>"
