"""Steps from a body to what a page yields: encoding, gate, tree, links, fields."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.harness.products import Products
from benchmarks.steps.material import Material
from benchmarks.steps.step import Step, Work
from scraper.item import weighed
from scraper.links import Links
from scraper.page import Page
from scraper.parsing.gate import is_suspicious
from scraper.urls import canonical

__all__ = ["STEPS"]


def _encoding(material: Material) -> Work:
    responses = material.responses

    def work() -> int:
        for response in responses:
            replace(response).encoding  # noqa: B018 - worked out once and kept, so asked of a new one
        return len(responses)

    return work


def _gate(material: Material) -> Work:
    bodies = list(material.bodies.values())

    def work() -> int:
        for body in bodies:
            is_suspicious(body)
        return len(bodies)

    return work


def _parse(material: Material) -> Work:
    def work() -> int:
        pages = material.fresh()
        for page in pages:
            page.parse()
        return len(pages)

    return work


def _links(material: Material) -> Work:
    pages = material.parsed()

    def work() -> int:
        for page in pages:
            page.links().references()
        return len(pages)

    return work


def _resolve(material: Material) -> Work:
    links = [(canonical(url), references) for url, references in material.references]

    def work() -> int:
        for base, references in links:
            Links(base, "utf-8").meanings(references)
        return len(links)

    return work


def _canonical(material: Material) -> Work:
    texts = [str(url) for url in material.urls[:1000]]

    def work() -> int:
        for text in texts:
            canonical(text)
        return len(texts)

    return work


def _follow(material: Material) -> Work:
    def work() -> int:
        pages = material.parsed()  # a page keeps what it resolved, so each time it is a new one
        for page in pages:
            page.follow("a[href]")
        return len(pages)

    return work


def _fields(material: Material) -> Work:
    pages, spider = material.parsed(), Products()

    def work() -> int:
        for page in pages:
            _, *items = spider.parse(_Deaf(page))
            assert len(items) <= 1
        return len(pages)

    return work


class _Deaf:
    """A page that follows nothing, so that only the fields are left."""

    def __init__(self, page: Page) -> None:
        self._page, self.css, self.url = page, page.css, page.url

    def follow(self, target: str) -> None:
        """Do nothing."""


def _items(material: Material) -> Work:
    items = [material.shop.detail(number)[1].as_record() for number in range(material.shop.books)]

    def work() -> int:
        for item in items:
            weighed(item)
        return len(items)

    return work


STEPS = (
    Step("encoding of a body", _encoding, "page"),
    Step("gate against hostile markup", _gate, "page"),
    Step("parse, with decoding", _parse, "page"),
    Step("links of a page", _links, "page"),
    Step("resolve the links of a page", _resolve, "page"),
    Step("canonical form of a text", _canonical, "URL"),
    Step("follow all links (parse included)", _follow, "page"),
    Step("eight fields", _fields, "page"),
    Step("item to record", _items, "item"),
)
