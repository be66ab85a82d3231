"""The spiders of the scoreboard's cases, for Scrapy, as `scrapy genspider -t crawl` writes them."""

import json
import time
from pathlib import Path

from scrapy import Request
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, Rule

JOB = json.loads(Path("job.json").read_text())


def item(response):
    title, text = response.css("title::text").get(), response.css("h1::text").get()
    return {"url": response.url, "title": title, "text": text}


class Follow(CrawlSpider):
    """An item a page, and every link."""

    name = "Follow"
    start_urls = JOB["seeds"]
    rules = (Rule(LinkExtractor(), callback="parse_item", follow=True),)
    if JOB["hosts"]:
        allowed_domains = JOB["hosts"]

    def parse_start_url(self, response):
        return self.parse_item(response)

    def parse_item(self, response):
        yield item(response)


class Secrets(Follow):
    """The same, with secrets in the headers of the first request."""

    name = "Secrets"

    async def start(self):
        for url in self.start_urls:
            yield Request(url, headers={"Authorization": "Bearer k9", "X-Api-Key": "k9"})


class Post(Follow):
    """The same, beginning with a POST."""

    name = "Post"

    async def start(self):
        for url in self.start_urls:
            yield Request(url, method="POST", body="secret=k9")


class Data(Follow):
    """Pages that are JSON; what they say is the item."""

    name = "Data"

    def parse_item(self, response):
        if not response.url.endswith("/"):
            yield {"url": response.url, "value": json.loads(response.text)}


class Raises(Follow):
    """A callback that does not know every page, and says what it read."""

    name = "Raises"

    def parse_item(self, response):
        if "/bad" in response.url:
            raise ValueError(f"no price in {response.css('title::text').get()}")
        yield item(response)


class WrongType(Follow):
    """A callback that yields a number where an item belongs."""

    name = "WrongType"

    def parse_item(self, response):
        yield 42 if "/bad" in response.url else item(response)


class Unwritable(Follow):
    """An item with a value that no format knows."""

    name = "Unwritable"

    def parse_item(self, response):
        yield {"url": response.url, "value": object()} if "/bad" in response.url else item(response)


class Endless(Follow):
    """A callback with a loop that has no end."""

    name = "Endless"

    def parse_item(self, response):
        yield item(response)
        while "/bad" in response.url:
            yield {"url": response.url, "title": "again"}


class Blocks(Follow):
    """A callback that holds everything for seven seconds."""

    name = "Blocks"

    def parse_item(self, response):
        if "/bad" in response.url:
            time.sleep(7)
        yield item(response)


class Columns(Follow):
    """Items of which a later one has a field more."""

    name = "Columns"

    def parse_item(self, response):
        found = item(response)
        if "/late" in response.url:
            found["discount"] = "half"
        yield found
