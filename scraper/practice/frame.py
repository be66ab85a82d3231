"""What all pages of the practice shop have around their content: head, navigation, footer, links that lead astray.

Around the content stands whatever a crawler meets in the wild: schemes that are not requested, other hosts, dead links
in comments and scripts, fragments, forbidden areas. Nothing here may know a single book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scraper.practice.encodings import UTF8, Wire
from scraper.practice.markup import Hand, escape

__all__ = ["GONE", "MISSING", "NO_PICTURE", "Frame", "Sheet", "slug_of"]

MISSING = "/help/gift-wrapping.html"  # answers 404
GONE = "/catalogue/the-withdrawn-atlas_0/index.html"  # answers 410
NO_PICTURE = "/media/00/0-0.jpg"

_UP = "{up}"  # in the templates: the way from the page's folder to the root

_HEADER = """<!-- header; the old one was <a href="/header/old-logo.html">here</a> -->
<header class="header container-fluid">
  <div class="page_inner"><a href="{up}index.html" class=logo>The Practice Shop</a>
  <small>We sell books that nobody has written&nbsp;yet.</small>
  <form action="{up}basket/search" method=get>
    <input name=q placeholder="Title &amp; more"><button>Search</button></form>
  <p class=basket><a rel=nofollow href="{up}basket/">Basket</a>
  &nbsp;(<b>0</b>&nbsp;items&nbsp;&middot;&nbsp;nothing to pay)
  </div>
</header>
<aside class="sidebar">
  <nav><ul class="nav nav-list">
    <li><a href="{up}catalogue/page-1.html">
        Books
    </a>
    <ul>
{categories}
    </ul>
  </ul></nav>
  <a name="content"></a>
</aside>
"""

_FOOTER = """<footer class="footer">
  <p>Write to <a href="mailto:orders@practice-shop.test?subject=An%20order">orders@practice-shop.test</a>, ring
  <a href="tel:+442079460123">020&nbsp;7946&nbsp;0123</a>, or
  <a href="javascript:void(0)" onclick="chat()">talk to us</a>.
  <ul class=links>
    <li><a href="#top">Back to the top</a>
    <li><a HREF="https://example.org/" TARGET=_blank>Our publisher</a>
    <li><a href='//example.org/press?from=shop&amp;lang=en#latest'>Press</a>
    <li><a href="http://[not-an-address/">Partner</a>
    <li><a href="{up}help/gift-wrapping.html">Gift wrapping</a>
    <li><a href="{up}admin/" rel="nofollow">Staff</a>
    <li><a href="data:text/plain,Thank%20you">Thank you</a>
  </ul>
  <!-- <a href="/summer-sale.html">Summer sale</a> ended; <a href="../spring-sale.html">Spring sale</a> too -->
  <p>&copy; The Practice Shop &#8211; a fictitious shop: nothing here can be bought. Registered nowhere, no.&nbsp;0.
  <script>
    var menu = "<a href='/trap/in-a-script.html'>Menu<\\/a>";  // not a link
    if (1 < 2 && document.title) { document.title += ""; }
  </script>
  <noscript><img alt="" height=1 width=1 src="{up}media/00/0-0.jpg"></noscript>
</footer>
"""

_CATEGORY = '      <li><a href="{up}category/{slug}/page-1.html">\n        {name}\n      </a>'


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page before it is sent: its text, with ORIGIN marks, and how it goes on the wire."""

    text: str
    wire: Wire = field(kw_only=True, default=UTF8)


def slug_of(category: str) -> str:
    """Return a category's name as it stands in paths."""
    return category.lower().replace(" & ", "-").replace("’", "").replace(" ", "-")


class Frame:
    """Puts content into a page of the shop that has these categories (a mapping of slug to name)."""

    def __init__(self, categories: Mapping[str, str]) -> None:
        listed = "\n".join(_CATEGORY.format(up=_UP, slug=slug, name=escape(name)) for slug, name in categories.items())
        self._header = _HEADER.replace("{categories}", listed)

    def around(
        self, content: str, *, hand: Hand, title: str, wire: Wire = UTF8, language: str = "en", base: str = "",
        bare: bool = False,
    ) -> Sheet:  # fmt: skip
        """Return the whole page, with one `</div>` too many; a `bare` one lacks every tag that HTML lets it lack."""
        head = f"""{wire.head}
<title>
    {hand.text(title)} | The Practice Shop
</title>{f"{chr(10)}<base href={base}>" if base else ""}
<link rel="stylesheet" href="{hand.up}static/shop.css">
<meta name=viewport content="width=device-width">
"""
        up = hand.up or "./"
        body = f"{self._header.replace(_UP, up)}{content}</div>\n</div>\n{_FOOTER.replace(_UP, up)}"
        if bare:
            return Sheet(f"{head}{body}", wire=wire)
        doctype = f'<!DOCTYPE html>\n<html lang="{language}" class="no-js">\n<head>\n'
        return Sheet(f'{doctype}{head}</head>\n<body id="top" class="default">\n{body}</body>\n</html>\n', wire=wire)
