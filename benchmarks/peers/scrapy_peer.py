"""The job for Scrapy, as its documentation teaches, with its default settings."""

import job
from scrapy import Request, Spider
from scrapy.crawler import CrawlerProcess


class Products(Spider):
    name = "products"
    start_urls = job.STARTS

    def parse(self, response):
        item = job.product(response, response.url)
        if item:
            yield item
        for url in job.links(response.url, response.css("a::attr(href)").getall()):
            yield Request(url)


process = CrawlerProcess(
    {
        "ROBOTSTXT_OBEY": True,
        "CONCURRENT_REQUESTS": job.CONCURRENCY,
        "CONCURRENT_REQUESTS_PER_DOMAIN": job.CONCURRENCY,
        "DOWNLOAD_DELAY": 0,
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "FEEDS": {job.OUT: {"format": "jsonlines", "encoding": "utf-8", "overwrite": True}},
    }
)
process.crawl(Products)
process.start()
