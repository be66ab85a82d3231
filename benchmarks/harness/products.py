"""The products of a synthetic shop: follow every link, read eight fields of each product page."""

import re

from scraper import Page, Results, Spider

RATINGS = {"One": 1, "Two": 2, "Three": 3, "Four": 4, "Five": 5}
IN_STOCK = re.compile(r"\((\d+) available")


class Products(Spider):
    """Listing and product pages alike."""

    def parse(self, page: Page) -> Results:
        """Yield every link and, from a product page, its product."""
        yield page.follow("a[href]")
        product = page.css("article.product_page")[0]  # the first: what comes after it is not looked for
        if product:
            yield {
                "title": product.css("h1.title").text,
                "price": product.css("p.price_color").number,
                "sku": product.css("p.sku span").text,
                "stock": int(product.css("p.instock").re_first(IN_STOCK) or 0),
                "rating": RATINGS[(product.css("p.star-rating").attr("class") or "").split()[1]],
                "description": product.css("#product_description p").text,
                "breadcrumbs": page.css("ul.breadcrumb")[0].css("a").texts,
                "images": product.css("div.gallery img").urls,
                "url": page.url,
            }
