"""A small random web, the same for the same seed: what a crawler meets, as a site for `FakeFetcher`.

Hosts with several origins, pages that link to each other in every spelling, redirects and loops of them, missing and
broken pages, pages that answer 503 or 429 with Retry-After a few times, robots.txt with forbidden parts and a
Crawl-delay, hosts that are down, links that lead nowhere. What each link means is known by construction
(`Link.target`), so a test can say what a crawl must find without parsing anything.

No crawler may enter here: the web does not know who reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from random import Random
from typing import NamedTuple

from scraper.errors import ConnectionError, ConnectTimeout, DNSError  # noqa: A004 - requests' own name
from scraper.request import Request
from scraper.testing.fake_fetcher import Answer, Plain

__all__ = ["Link", "Web"]

KINDS = {"page": 12, "redirect": 4, "missing": 1, "broken": 1, "flaky": 2, "forbidden": 2}  # how many of each
STATUSES = (301, 302, 303, 307, 308)
MAX_REFUSALS = 2  # times that a flaky page says "not now"; fewer than any crawler's tries
CRAWL_DELAYS = (None, None, None, 0.5, 3.0)  # seconds
FORBIDDEN = "/private/"
NOWHERE = (  # what pages have in href and nobody can request
    "mailto:a@b.test", "javascript:void(0)", "tel:+1", "http://[broken", "https://", "data:text/html,x", "ftp://h0.test/x",
)  # fmt: skip


class Link(NamedTuple):
    """One href of a page."""

    href: str  # as written
    target: str  # the URL that it means, in canonical form; "" when it cannot be requested


class Web:
    """Some hosts, three origins each, with pages that link to each other.

    `hosts`, `pages` (an origin) and `links` (a page) say how large it is. `dead`: the share of hosts that are down,
    never the first. `retry_after`: seconds that flaky pages ask for. `site` has the answers; what it is made of stands
    in `kinds`, `pages`, `redirects`, `refusals` and `crawl_delays`.
    """

    def __init__(
        self, seed: int, *, hosts: int = 3, pages: int = 8, links: int = 4, dead: float = 0.2, retry_after: int = 7
    ) -> None:
        self._random = random = Random(seed)  # noqa: S311 - it shall be foreseen
        self.retry_after = retry_after
        names = [f"h{n}.test" for n in range(hosts)]
        self.hosts = tuple(names)
        self.dead = frozenset(name for name in names[1:] if random.random() < dead)
        self.origins = tuple(
            origin for name in names for origin in (f"http://{name}", f"https://{name}", f"http://{name}:8080")
        )
        self.seeds = (f"{self.origins[0]}/",)
        self.crawl_delays = {origin: random.choice(CRAWL_DELAYS) for origin in self.origins}
        self.kinds: dict[str, str] = {}  # URL -> one of KINDS
        for origin in self.origins:
            self.kinds[f"{origin}/"] = "page"
            for number in range(1, pages):
                (kind,) = random.choices(list(KINDS), list(KINDS.values()))
                folder = FORBIDDEN if kind == "forbidden" else "/"
                self.kinds[f"{origin}{folder}p{number}"] = kind
        urls = list(self.kinds)
        self.redirects = {url: self._target(urls) for url, kind in self.kinds.items() if kind == "redirect"}
        self.pages = {
            url: tuple(self._link(url, urls) for _ in range(random.randint(0, 2 * links)))
            for url, kind in self.kinds.items()
            if kind in ("page", "flaky", "forbidden")
        }
        self.refusals = {url: random.randint(1, MAX_REFUSALS) for url, kind in self.kinds.items() if kind == "flaky"}
        self.pages[self.seeds[0]] += tuple(Link(f"{origin}/", f"{origin}/") for origin in self.origins)

    def _target(self, urls: list[str]) -> Link:
        """Return where a redirect leads: mostly somewhere, sometimes in a circle, sometimes away."""
        lot = self._random.random()
        if lot < 0.05:
            return Link("mailto:a@b.test", "")
        if lot < 0.1:
            return Link("http://elsewhere.test/", "http://elsewhere.test/")
        redirects = [url for url, kind in self.kinds.items() if kind == "redirect"]
        url = self._random.choice(redirects if lot < 0.4 else urls)
        return Link(url, url)

    def _link(self, page: str, urls: list[str]) -> Link:
        random = self._random
        lot = random.random()
        if lot < 0.08:
            return Link(random.choice(NOWHERE), "")
        if lot < 0.14:
            away = f"http://elsewhere.test/{random.randint(0, 3)}"
            return Link(away, away)
        url = random.choice(urls)
        return Link(self._spell(page, url), url)

    def _spell(self, page: str, url: str) -> str:
        """Write `url` as a page might: in full, below its host, with a fragment, in capitals, with dots or spaces."""
        random = self._random
        origin, path = url[: url.find("/", 8)], url[url.find("/", 8) :]
        ways = [
            url,
            f"{url}#part-{random.randint(0, 9)}",
            f" {url}\n",
            f"{origin}/x/..{path}",
            f"{origin.upper()}{path}",
            f"{origin.replace('://', '://user:secret@')}{path}",
        ]
        if origin == page[: page.find("/", 8)]:
            ways += [path, f"{path}#", f"/./{path[1:]}"]
        if origin.startswith("https:"):
            ways.append(f"{origin}:443{path}")
        return random.choice(ways)

    # -- as answers --------------------------------------------------------------------------------------------------

    def site(self) -> dict[str, Answer]:
        """Return the answers of a web that nobody has asked yet: flaky pages begin anew."""
        site: dict[str, Answer] = {}
        for origin in self.origins:
            site[f"{origin}/robots.txt"] = self._robots(origin)
        for url, kind in self.kinds.items():
            site[url] = self._answer(url, kind)
        for url in site:
            if (name := url.split("/")[2].partition(":")[0]) in self.dead:
                site[url] = (ConnectionError, ConnectTimeout, DNSError)[int(name[1]) % 3](f"{name} is down")
        return site

    def _robots(self, origin: str) -> Answer:
        delay = self.crawl_delays[origin]
        asks = "" if delay is None else f"Crawl-delay: {delay:g}\n"
        return 200, {"Content-Type": "text/plain"}, f"User-agent: *\nDisallow: {FORBIDDEN}\n{asks}"

    def _answer(self, url: str, kind: str) -> Answer:
        if kind == "redirect":
            status = STATUSES[len(url) % len(STATUSES)]
            return status, {"Location": self.redirects[url].href}, ""
        if kind == "missing":
            return 404, "<h1>Not here</h1>"
        if kind == "broken":
            return 500, "<h1>Sorry</h1>"
        hrefs = "\n".join(f'<a href="{link.href}">{n}</a>' for n, link in enumerate(self.pages[url]))
        body = f"<!doctype html><title>{url}</title>\n{hrefs}"
        return self._flaky(body, self.refusals[url]) if kind == "flaky" else body

    def _flaky(self, body: str, refusals: int) -> Callable[[Request], Plain]:
        tries = count()

        def answer(request: Request) -> Plain:
            if (number := next(tries)) >= refusals:
                return body
            return (503, 429)[number % 2], {"Retry-After": str(self.retry_after)}, "not now"

        return answer

    def __repr__(self) -> str:
        return f"<Web {len(self.hosts)} hosts | {len(self.kinds)} URLs | {len(self.dead)} dead>"
