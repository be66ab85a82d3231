"""Is this markup harmless to a parser? A cheap look first, a closer one only when that is not sure.

What hurts (measured with Lexbor): elements nested by the ten thousand, formatting tags that are left open and copied
into every block behind them, thousands of attributes on one tag. A parser takes time with their square, and memory too.
The cheap look counts brackets in samples, in C: an honest page closes about as many tags as it opens. The closer look
goes by the tags' names. What passes neither is for `flatten`, which reads every tag.

Nothing here parses and nothing is changed; both looks err on the side of suspicion.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator

from scraper.parsing.flatten import MAX_DEPTH, OPTIONAL_END, VOID, flatten

__all__ = ["is_harmless", "is_suspicious"]

SHORT_PAGE = 16_384  # bytes; so few take a third of a second at most, whatever they are
WINDOW = 4096  # bytes in which an honest page has a tag, unless it has a script there
SAMPLE, SAMPLE_EVERY = 512, 16384  # bytes; the share of the page that is looked at
LONG_TAG = 2048  # bytes; an honest tag is as long when it holds a picture, so it is only looked at
MANY_CLOSES = 64  # ">" in a window without "<", from which they must be inside of attributes
MANY_TAGS = SAMPLE // 10  # in a sample; honest pages have half as many
SAMPLE_DEPTH = 24  # elements that are left open in the samples: 768 in the page
FEW_OPENED = 4  # brackets more than closed ones in a sample, from which names are looked at
FEW_CLOSES = 8  # end tags in a sample, from which they should have start tags
SEGMENT = 256  # tags that are counted at a time

_TAG = re.compile(rb"<(/?[a-zA-Z][^\0-\x20/>]*)")
_LONG_START = re.compile(rb"<(?!script|style|textarea)[a-zA-Z][^<]{%d}" % LONG_TAG, re.IGNORECASE)
_IN_TAG = rb"""(?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+'|)|["'])*+"""  # up to the end of a tag; values may hold one
_REST = re.compile(_IN_TAG)
_WHOLE = re.compile(rb"<[a-zA-Z]" + _IN_TAG)


def is_suspicious(body: bytes) -> bool:
    """Tell whether `body` must be looked at more closely; takes a few hundredths of the time of parsing it."""
    if len(body) <= SHORT_PAGE:
        tags = body.count(b"<")  # soon parsed, but as deep as it has tags
        return tags > MAX_DEPTH and tags - 2 * body.count(b"</") > MAX_DEPTH
    return _may_have_long_tag(body) or _opens_more(body)


def _may_have_long_tag(body: bytes) -> bool:
    for start in range(0, len(body) - WINDOW, WINDOW):
        if body.find(b"<", start, start + WINDOW) >= 0:
            continue
        opening = body.rfind(b"<", max(0, start - WINDOW), start)  # none: the window before was in the same tag
        if opening >= 0 and _LONG_START.match(body, opening):
            closes = body.count(b">", start, start + WINDOW)
            if closes > MANY_CLOSES or closes <= 1:
                return True
    return False


def _opens_more(body: bytes) -> bool:
    """Tell whether samples of a page open many more elements than they close, or close those that are not open."""
    balance = lowest = first = 0
    for start in _samples(body):
        end = start + SAMPLE
        if _REST.match(body, start, start + WINDOW).end() == start + WINDOW:  # type: ignore[union-attr]
            return True
        tags = body.count(b"<", start, end)
        opened = tags - 2 * body.count(b"</", start, end)
        if opened > FEW_OPENED or not first:
            first = end
            opened, ends, unmatched = _account(_names(body[start:end]))
            if ends >= FEW_CLOSES and 2 * unmatched > ends:
                return True
        balance += opened
        lowest = min(lowest, balance)
        if tags > MANY_TAGS or balance - lowest > SAMPLE_DEPTH:
            return True
    return False


def _samples(body: bytes) -> Iterator[int]:
    """Yield where to look: somewhere in each stretch of the page, so that nothing can be laid between the places."""
    spread = SAMPLE_EVERY - SAMPLE
    for start in range(0, len(body), SAMPLE_EVERY):
        yield start + int(random.random() * min(spread, len(body) - start))  # noqa: S311 - unforeseen, not secret


def is_harmless(body: bytes) -> bool:
    """Tell whether suspicious markup is harmless after all, going by the names of its tags (void elements, lists …)."""
    if any(tag.end() - tag.start() > LONG_TAG for tag in _WHOLE.finditer(body)):
        return False
    names = _names(body)
    _, _, unmatched = _account(names)
    if unmatched > MAX_DEPTH:
        return False
    balance = lowest = 0
    for start in range(0, len(names), SEGMENT):
        opened, _, _ = _account(names[start : start + SEGMENT])
        balance += opened
        lowest = min(lowest, balance)
        if balance - lowest > MAX_DEPTH - SEGMENT:
            return False
    middle = len(body) // 2  # names do not tell what is inside of comments, scripts or the wrong table
    return not flatten(body[middle : middle + WINDOW].decode("latin-1"), depth=SAMPLE_DEPTH).faults


def _names(body: bytes) -> list[bytes]:
    return [name.lower() for name in _TAG.findall(body)]


def _account(names: list[bytes]) -> tuple[int, int, int]:
    """Return how many more elements are opened than closed, of those that must be; the end tags; those without start.

    The last two count every end tag, also of an element that need not be closed.
    """
    counts = Counter(names)
    opened = ends = unmatched = 0
    for name, times in counts.items():
        closes = name[:1] == b"/"
        opened += times * _WEIGHTS.get(name, -1 if closes else 1)
        if closes:
            ends += times
            unmatched += max(0, times - counts.get(name[1:], 0))
    return opened, ends, unmatched


_WEIGHTS: dict[bytes, int] = {
    prefix + name.encode(): 0 for name in (*VOID, *OPTIONAL_END, "html", "head", "body") for prefix in (b"", b"/")
}
