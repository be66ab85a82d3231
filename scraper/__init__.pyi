from scraper.about import __version__ as __version__
from scraper.api import crawl as crawl
from scraper.api import stream as stream
from scraper.errors import ScraperError as ScraperError
from scraper.page import Follow as Follow
from scraper.page import Page as Page
from scraper.request import Request as Request
from scraper.response import Response as Response
from scraper.runs.report import Report as Report
from scraper.selection import Selection as Selection
from scraper.session import AsyncSession as AsyncSession
from scraper.spider import Results as Results
from scraper.spider import Spider as Spider

__all__ = [
    "AsyncSession",
    "Follow",
    "Page",
    "Report",
    "Request",
    "Response",
    "Results",
    "ScraperError",
    "Selection",
    "Spider",
    "__version__",
    "crawl",
    "stream",
]
