"""The job by hand: a loop on aiohttp and selectolax that does this job and nothing else. What it costs is the floor.

    raw_peer.py            aiohttp's connections and parser without its ClientSession
    raw_peer.py session    the same loop with ClientSession, as most people would write it

No retries, no redirects, no cookies, no state, no politeness, no limits: a server that misbehaves ends it.
"""

import asyncio
import gc
import re
import sys
from collections import deque

import aiohttp
import job
import msgspec
from selectolax.lexbor import LexborHTMLParser
from yarl import URL

try:
    from uvloop import run
except ImportError:
    run = asyncio.run

HEADERS = {"User-Agent": "raw", "Accept": "*/*", "Accept-Encoding": "identity"}
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
DECLARED = re.compile(rb"<meta[^>]*charset=[\"']?([\w-]+)", re.IGNORECASE)
BROWSERS_SAY = {"iso-8859-1": "cp1252", "windows-1252": "cp1252", "shift_jis": "cp932"}
GROUP = 200  # items a write
BUFFER = 256 * 1024  # bytes of a response that are read ahead


class Session:
    """Bodies by aiohttp's public interface."""

    def __init__(self):
        self.connector = aiohttp.TCPConnector(limit=job.CONCURRENCY)
        self.session = aiohttp.ClientSession(
            connector=self.connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=TIMEOUT, headers=HEADERS,
            read_bufsize=BUFFER,
        )  # fmt: skip

    async def body(self, url):
        async with self.session.get(URL(url, encoded=True)) as response:
            return await response.read()


class Connections(Session):
    """Bodies by the pieces below it: the connection pool and the parser, with a request that is two joined texts."""

    def __init__(self):
        super().__init__()
        self.origins = {}

    def _origin(self, origin):
        url = URL(origin + "/")
        request = aiohttp.ClientRequest("GET", url, loop=asyncio.get_running_loop(), session=self.session)
        lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": url.raw_authority, **HEADERS}.items())
        made = self.origins[origin] = (request, f" HTTP/1.1\r\n{lines}\r\n")
        return made

    async def body(self, url):
        cut = url.index("/", 8)
        request, rest = self.origins.get(url[:cut]) or self._origin(url[:cut])
        connection = await self.connector.connect(request, [], TIMEOUT)
        protocol = connection.protocol
        protocol.set_response_params(read_until_eof=True, read_timeout=TIMEOUT.sock_read, read_bufsize=BUFFER)
        connection.transport.write(f"GET {url[cut:]}{rest}".encode())
        protocol.start_timeout()
        message, payload = await protocol.read()
        body = await payload.read()
        connection.release()
        assert message.code == 200, (url, message.code)
        return body


class Resolver:
    """The links of one page, by cutting texts; right for the shapes that this job has."""

    def __init__(self, url):
        self.url, self.origin = url, url[: url.index("/", 8)]
        self.folders = [url[: url.rindex("/") + 1]]  # [n]: the folder that n times ../ leads to

    def urls(self, references):
        found = set()
        for reference in references:
            url = self.one(reference)
            if url.startswith(job.INSIDE):
                found.add(job.without_campaign(url))
        return found

    def one(self, reference):
        if reference.startswith("#"):
            return self.url
        if reference.startswith("http"):
            url = reference
        elif reference.startswith("/"):
            url = ("http:" if reference.startswith("//") else self.origin) + reference
        elif ":" in reference:
            return ""
        else:
            url = self._below(reference)
        return without_detours(url) if "/../" in url else url

    def _below(self, reference):
        ups = 0
        while reference[:1] == ".":
            if reference.startswith("../"):
                ups, reference = ups + 1, reference[3:]
            elif reference.startswith("./"):
                reference = reference[2:]
            else:
                break
        while len(self.folders) <= ups:
            folder = self.folders[-1]
            self.folders.append(folder[: max(folder.rindex("/", 0, -1), len(self.origin)) + 1])
        return self.folders[ups] + reference


def without_detours(url):
    kept = []
    for part in url.split("/"):
        if part == "..":
            kept.pop()
        else:
            kept.append(part)
    return "/".join(kept)


def tree_of(body):
    declared = DECLARED.search(body, 0, 1024)
    label = declared[1].decode().lower() if declared else "utf-8"
    return LexborHTMLParser(body if label == "utf-8" else body.decode(BROWSERS_SAY.get(label, label), "replace"))


def product(tree, url):
    article = tree.css_first("article.product_page")
    if article is None:
        return None
    first = article.css_first
    return {
        "url": url,
        "title": first("h1.title").text(),
        "price": float(first("p.price_color").text()[1:]),
        "sku": first("p.sku span").text(),
        "stock": int(first("p.instock").text().partition("(")[2].partition(" ")[0]),
        "rating": job.STARS[first("p.star-rating").attrs["class"].split()[1]],
        "description": first("#product_description p").text(),
        "breadcrumbs": [node.text() for node in tree.css_first("ul.breadcrumb").css("a")],
        "images": [Resolver(url).one(node.attrs["src"]) for node in article.css("div.gallery img")],
    }


class Crawl:
    def __init__(self, client, out):
        self.client, self.out = client, out
        self.encode = msgspec.json.Encoder().encode_lines
        self.seen, self.todo, self.items = set(job.STARTS), deque(job.STARTS), []
        self.busy, self.over, self.failed = 0, asyncio.Event(), None

    async def run(self):
        forbidden = []
        for origin in job.INSIDE:
            rules = (await self.client.body(origin + "robots.txt")).decode()
            forbidden += [origin + path[1:] for path in re.findall(r"(?m)^Disallow: *(/\S+)", rules)]
        self.forbidden = tuple(forbidden)
        gc.collect()
        gc.freeze()
        self.start()
        await self.over.wait()
        if self.failed:
            raise self.failed
        self.write()

    def start(self):
        while self.todo and self.busy < job.CONCURRENCY:
            self.busy += 1
            asyncio.get_running_loop().create_task(self.visit(self.todo.popleft()))
        if not self.busy:
            self.over.set()

    async def visit(self, url):
        try:
            await self.take(url)
        except Exception as error:
            self.failed = error
            self.over.set()
        self.busy -= 1
        self.start()

    async def take(self, url):
        tree = tree_of(await self.client.body(url))
        references = {href for node in tree.tags("a") if (href := node.attrs.get("href"))}
        new = Resolver(url).urls(references) - self.seen
        self.seen |= new
        self.todo.extend(target for target in new if not target.startswith(self.forbidden))
        if item := product(tree, url):
            self.items.append(item)
            if len(self.items) >= GROUP:
                self.write()

    def write(self):
        self.out.write(self.encode(self.items))
        self.items.clear()


async def main():
    client = Session() if "session" in sys.argv else Connections()
    with open(job.OUT, "wb") as out:
        await Crawl(client, out).run()
    await client.session.close()


run(main())
