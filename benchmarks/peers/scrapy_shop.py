"""The same job as spiders/books.py, written for Scrapy as its documentation teaches."""

import os

import scrapy
from scrapy.crawler import CrawlerProcess

STARS = {"One": 1, "Two": 2, "Three": 3, "Four": 4, "Five": 5}


def collapsed(parts):
    return " ".join(" ".join(parts).split())


class Books(scrapy.Spider):
    name = "books"
    start_urls = [os.environ["BENCH_START"]]
    custom_settings = {
        "ROBOTSTXT_OBEY": True,
        "CONCURRENT_REQUESTS": 16,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
        "DOWNLOAD_DELAY": 0,
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "FEEDS": {os.environ["BENCH_FOLDER"] + "/scrapy.jsonl": {"format": "jsonlines", "encoding": "utf-8"}},
    }

    def parse(self, response):
        yield from response.follow_all(css="article.product_pod h3 a", callback=self.book)
        yield from response.follow_all(css="li.next a, nav a")

    def book(self, response):
        product = response.css("article.product_page")
        yield {
            "url": response.url,
            "title": collapsed(product.css("h1 ::text").getall()),
            "price": float(product.css(".price_color::text").re_first(r"[\d.]+")),
            "stock": int(product.css(".instock").re_first(r"\((\d+)")),
            "rating": STARS[product.css("p.star-rating::attr(class)").get().split()[1]],
            "description": collapsed(product.css("#product_description p ::text").getall()),
            "breadcrumbs": [collapsed([text]) for text in response.css("ul.breadcrumb a::text").getall()],
            "images": [response.urljoin(src) for src in product.css(".gallery img::attr(src)").getall()],
        }


process = CrawlerProcess()
process.crawl(Books)
process.start()
