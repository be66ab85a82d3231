"""The job for Crawlee's ParselCrawler, its queue in memory."""

import asyncio
import json
import logging

import job
from crawlee import ConcurrencySettings, Glob, service_locator
from crawlee.crawlers import ParselCrawler
from crawlee.storage_clients import MemoryStorageClient


def clean(options):
    options["url"] = job.without_campaign(options["url"])
    return options


async def main():
    service_locator.set_storage_client(MemoryStorageClient())
    at_once = ConcurrencySettings(
        min_concurrency=job.CONCURRENCY, desired_concurrency=job.CONCURRENCY, max_concurrency=job.CONCURRENCY
    )
    crawler = ParselCrawler(concurrency_settings=at_once, respect_robots_txt_file=True, configure_logging=False)
    logging.disable(logging.WARNING)
    scope = {"strategy": "same-hostname"}
    if len(job.STARTS) > 1:
        scope = {"strategy": "all", "include": [Glob(f"{origin}**") for origin in job.INSIDE]}
    with open(job.OUT, "w", encoding="utf-8") as out:

        @crawler.router.default_handler
        async def visit(context):
            url = context.request.loaded_url or context.request.url
            item = job.product(context.selector, url)
            if item:
                out.write(json.dumps(item, ensure_ascii=False) + "\n")
            await context.enqueue_links(transform_request_function=clean, **scope)

        await crawler.run(job.STARTS)


asyncio.run(main())
