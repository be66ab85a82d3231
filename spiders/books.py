"""The practice shop's books: one item a detail page."""

from dataclasses import dataclass

from scraper import Page, Results, Spider

STARS = {"One": 1, "Two": 2, "Three": 3, "Four": 4, "Five": 5}


@dataclass
class Book:
    url: str
    title: str | None
    price: float | None  # pounds
    stock: int | None
    rating: int | None  # stars, 1 to 5
    description: str | None
    breadcrumbs: list[str]
    images: list[str]


class Books(Spider):
    async def parse(self, page: Page) -> Results:
        yield page.follow("article.product_pod h3 a", self.book)
        yield page.follow("li.next a, nav a")

    async def book(self, page: Page) -> Results:
        product = page.css("article.product_page")
        stars = product.css("p.star-rating").attr("class") or ""
        yield Book(
            url=page.url, title=product.css("h1").text, price=product.css(".price_color").number,
            stock=product.css(".instock").integer, rating=STARS.get(stars.removeprefix("star-rating ")),
            description=product.css("#product_description p").text,
            breadcrumbs=page.css("ul.breadcrumb a").texts, images=product.css(".gallery img").urls)  # fmt: skip
