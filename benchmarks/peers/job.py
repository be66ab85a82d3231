"""The job, as far as every Python peer does it alike: where to begin, which links count, what a product page says.

    BENCH_STARTS       URLs to begin with, commas between them
    BENCH_OUT          the file for the items, JSON lines
    BENCH_CONCURRENCY  requests at once

Follow every link whose host:port is that of a start, without its fragment and its utm_* parameters, each once; obey
robots.txt; write the eight fields of every product page. This folder is imported by the peers' own environments, where
the package that is measured is not installed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

STARTS = os.environ["BENCH_STARTS"].split(",")
OUT = os.environ["BENCH_OUT"]
CONCURRENCY = int(os.environ.get("BENCH_CONCURRENCY", "32"))
HOSTS = {urlsplit(start).netloc for start in STARTS}
INSIDE = tuple(f"http://{host}/" for host in HOSTS)
STARS = {"One": 1, "Two": 2, "Three": 3, "Four": 4, "Five": 5}
CAMPAIGN = re.compile(r"(?:(?<=\?)|&)utm_\w*=[^&]*")


def without_campaign(url: str) -> str:
    """Drop fragment and utm_* parameters."""
    if "#" in url:
        url = url[: url.index("#")]
    if "utm_" in url:
        url = CAMPAIGN.sub("", url).replace("?&", "?").removesuffix("?")
    return url


def links(base: str, references: Iterable[str]) -> set[str]:
    """Return the URLs that the page `base` leads to and that belong to the job."""
    found = {without_campaign(urljoin(base, reference)) for reference in set(references)}
    return {url for url in found if url.startswith(INSIDE)}


def product(page, url: str):
    """Return the item of a parsel selector, None when it is no product page."""
    for article in page.css("article.product_page"):
        return {
            "url": url,
            "title": article.css("h1.title::text").get(),
            "price": float(article.css("p.price_color::text").get().lstrip("£")),
            "sku": article.css("p.sku span::text").get(),
            "stock": int(article.css("p.instock").re_first(r"\((\d+) available")),
            "rating": STARS[article.css("p.star-rating::attr(class)").get().split()[-1]],
            "description": article.css("#product_description p::text").get(),
            "breadcrumbs": page.css("ul.breadcrumb a::text").getall(),
            "images": [urljoin(url, source) for source in article.css(".gallery img::attr(src)").getall()],
        }
    return None
