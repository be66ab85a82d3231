"""The bookshop as files: FOLDER/<address>/…, the truth, and what the site is like.

FOLDER/<address>/…     what a server serves for that address
FOLDER/truth.jsonl     the right items, one a line
FOLDER/site.json       where to begin, how many pages and items, how large they are
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.website.filler import Filler
from benchmarks.website.shop import ROBOTS, Shop

__all__ = ["Site", "read_site", "write_site"]

PORT = 8741  # pages name it in their absolute links, so it is part of the site
PRIVATE_PAGE = (
    b'<html><body><article class="product_page"><h1 class="title">not for robots</h1></article></body></html>'
)


@dataclass(frozen=True, slots=True)
class Site:
    """What a written site is like."""

    folder: str
    starts: list[str]
    pages: int
    items: int
    median_bytes: int
    mean_bytes: int
    tiny: bool

    @property
    def addresses(self) -> list[str]:
        """The address:port of each host."""
        return [start.split("/")[2] for start in self.starts]


def write_site(
    folder: Path, *, pages: int, tiny: bool = False, hosts: int = 1, seed: int = 1, port: int = PORT
) -> Site:
    """Write a site of `pages` pages in all, unless `folder` has the very same one; return what it is like."""
    recipe = {"pages": pages, "tiny": tiny, "hosts": hosts, "seed": seed, "port": port}
    made = folder / "recipe.json"
    if made.exists() and json.loads(made.read_text()) == recipe:
        return read_site(folder)
    folder.mkdir(parents=True, exist_ok=True)
    addresses = ["127.0.0.1"] if hosts == 1 else [f"127.0.0.{number + 2}" for number in range(hosts)]
    filler, sizes, items = Filler(seed), list[int](), 0
    starts = []
    with (folder / "truth.jsonl").open("w", encoding="utf-8") as truth:
        for address in addresses:
            origin = f"http://{address}:{port}"
            shop = Shop(origin, pages // hosts, seed=seed, tiny=tiny, filler=filler, first=items)
            items += shop.books
            starts.append(origin + shop.listing_path(1))
            for path, body, record in _pages(shop):
                sizes.append(len(body))
                _put(folder / address, path, body)
                if record is not None:
                    truth.write(json.dumps(record, ensure_ascii=False) + "\n")
            _put(folder / address, "/robots.txt", ROBOTS.encode())
            _put(folder / address, "/private/account.html", PRIVATE_PAGE)
    site = Site(str(folder), starts, len(sizes), items, int(statistics.median(sizes)), sum(sizes) // len(sizes), tiny)
    (folder / "site.json").write_text(json.dumps(asdict(site), indent=1))
    made.write_text(json.dumps(recipe))
    return site


def read_site(folder: Path) -> Site:
    """Return what a site that was written is like."""
    return Site(**{**json.loads((folder / "site.json").read_text()), "folder": str(folder)})


def _pages(shop: Shop):
    """Yield path, body and right item (None: a listing) of each page."""
    for number in range(1, shop.listings + 1):
        yield shop.listing_path(number), shop.listing(number), None
    for number in range(shop.books):
        body, book = shop.detail(number)
        yield shop.paths[number], body, book.as_record()


def _put(root: Path, path: str, body: bytes) -> None:
    file = root / path[1:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
