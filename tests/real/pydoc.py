"""Every function and class that Python's manual documents, with its signature."""

from scraper import Page, Results, Spider


class PyDoc(Spider):
    async def parse(self, page: Page) -> Results:
        if "html" not in page.headers.get("content-type", ""):
            return
        yield page.follow_links()
        for kind in ("function", "class"):
            for entry in page.css(f"dl.py.{kind} > dt.sig"):
                if anchor := entry.attr("id"):
                    signature = (entry.text or "").removesuffix("¶").rstrip()
                    # Sphinx takes leading underscores off an anchor: __import__ is #import__
                    shown = (entry.css(".sig-prename").text or "") + (entry.css(".sig-name").text or "")
                    name = "_" * (len(shown) - len(shown.lstrip("_"))) + anchor.lstrip("_")
                    yield {"name": name, "kind": kind, "signature": signature, "url": page.url}
