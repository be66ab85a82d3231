"""The spiders of the scoreboard's cases, for scrape. Their twins for Scrapy have the same names."""

import json
import time

from scraper import Request, Spider


def item(page):
    return {"url": page.url, "title": page.title, "text": page.css("h1").text}


class Follow(Spider):
    """An item a page, and every link."""

    async def parse(self, page):
        yield item(page)
        yield page.follow_links()


class Secrets(Follow):
    """The same, with secrets in the headers of the first request."""

    def start(self, seeds):
        return [Request(url, self.parse, headers={"Authorization": "Bearer k9", "X-Api-Key": "k9"}) for url in seeds]


class Post(Follow):
    """The same, beginning with a POST."""

    def start(self, seeds):
        return [Request(url, self.parse, method="POST", body="secret=k9") for url in seeds]


class Data(Spider):
    """Pages that are JSON; what they say is the item."""

    async def parse(self, page):
        if page.url.endswith("/"):
            yield page.follow_links()
        else:
            yield {"url": page.url, "value": json.loads(page.text)}


class Raises(Spider):
    """A callback that does not know every page, and says what it read."""

    async def parse(self, page):
        yield page.follow_links()
        if "/bad" in page.url:
            raise ValueError(f"no price in {page.title}")
        yield item(page)


class WrongType(Spider):
    """A callback that yields a number where an item belongs."""

    async def parse(self, page):
        yield page.follow_links()
        yield 42 if "/bad" in page.url else item(page)


class Unwritable(Spider):
    """An item with a value that no format knows."""

    async def parse(self, page):
        yield page.follow_links()
        yield {"url": page.url, "value": object()} if "/bad" in page.url else item(page)


class Endless(Spider):
    """A callback with a loop that has no end."""

    async def parse(self, page):
        yield page.follow_links()
        yield item(page)
        while "/bad" in page.url:
            yield {"url": page.url, "title": "again"}


class Blocks(Spider):
    """A callback that holds everything for seven seconds."""

    async def parse(self, page):
        yield page.follow_links()
        if "/bad" in page.url:
            time.sleep(7)
        yield item(page)


class Columns(Spider):
    """Items of which a later one has a field more."""

    async def parse(self, page):
        yield page.follow_links()
        found = item(page)
        if "/late" in page.url:
            found["discount"] = "half"
        yield found
