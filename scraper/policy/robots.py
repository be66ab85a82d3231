"""robots.txt: what a site asks of crawlers, read as RFC 9309 says.

This room finds the lines that concern us: byte order mark, groups, product token, limits, sloppy spellings, and how
slow the site wants us to be. Which of the paths decides about a URL is said by `patterns`. Nothing that a site writes
raises.

Fetching the file and remembering it for a day is the gate's work; no host name and no clock may enter here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec

from scraper.policy.patterns import Pattern, Patterns

__all__ = ["ALLOW_ALL", "ENOUGH", "HOPS", "Rules", "Verdict", "judge", "parse", "product_token"]

MAX_BYTES = 500 * 1024  # RFC 9309, 2.5: at least 500 KiB must be read; what is beyond is ignored
ENOUGH = MAX_BYTES + 1  # bytes to ask for: with one more it is known that there is more
HOPS = 5  # RFC 9309, 2.3.1.2: at least five redirects are followed, to other hosts as well
MAX_LINE = 8 * 2083 - 1  # bytes; as Google's parser cuts longer ones
LONGEST_DELAY = 366 * 86_400.0  # seconds; a number of thousands of digits does not fit a float

# Google's parser takes a half mark for one too. UTF-16 is what Windows' editors once called Unicode; nothing of it can
# be read as UTF-8, so taking it for junk would allow what the site forbids.
_BOM = re.compile(rb"\xef\xbb\xbf|\xef\xbb(?=[ -~])|\xef(?=[ -~])")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ANYBODY = "*"
_ITSELF = "/robots.txt"  # RFC 9309, 2.2.2: it is always allowed
# One line, up to its value: field, then a colon or, as many sites write, only white space. Spellings beyond the
# standard's are misspellings that Google's published parser forgives too.
_LINE = re.compile(
    rb"[ \t]*(?:(?P<agent>user[- ]?agent)|(?P<disallow>dis+al+ow|diasllow|disallaw)|(?P<allow>allow)"
    rb"|(?P<delay>crawl[- ]?delay)|(?P<rate>request[- ]?rate)|(?P<sitemap>site-?maps?))"
    rb"(?:[ \t]*:|[ \t])",
    re.IGNORECASE,
)
_ENDS = re.compile(rb"[\r\n]+")
_DELAY = re.compile(rb"\+?(\d++(?:\.\d*+)?|\.\d++)")
# Pages, a slash, a period with its unit; hours of the day may follow, and we are slow in all of them.
_RATE = re.compile(rb"(\d+)\s*/\s*(\d+)\s*([smhd]?)(?:\s.*)?", re.IGNORECASE)
_UNITS = {b"": 1, b"s": 1, b"m": 60, b"h": 3600, b"d": 86_400}  # seconds
_TOKEN = re.compile(r"[A-Za-z0-9._-]*")
_COMPATIBLE = re.compile(r"\(\s*compatible\s*;\s*([A-Za-z0-9._-]+)", re.IGNORECASE)


class Verdict(Enum):
    """What the answer to the request for robots.txt means."""

    RULES = "rules"  # the body has the rules
    ALLOW = "allow"  # there are no rules
    UNREACHABLE = "unreachable"  # nobody knows, so everything is forbidden for now


def judge(status: int) -> Verdict:
    """Return what the final status of a robots.txt means (RFC 9309, 2.3.1).

    4xx is "unavailable": the site has no rules. 429 is not: it says that the crawler is too fast, not that the file is
    missing, and Google's documentation of its crawlers sets it apart from the other 4xx as a server error. A redirect
    that was not followed to its end also counts as unavailable (2.3.1.2).
    """
    if 200 <= status < 300:
        return Verdict.RULES
    if 300 <= status < 500 and status != 429:
        return Verdict.ALLOW
    return Verdict.UNREACHABLE


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What one robots.txt says to one crawler."""

    delay: float | None = None  # seconds between two requests that the site asks for; None: it does not ask
    sitemaps: tuple[str, ...] = ()  # as written, for any crawler
    paths: Patterns | None = None  # the allow and disallow lines for us; None: there are none

    def allows(self, url: str) -> bool:
        """Tell whether `url`, canonical and of the site that these rules are from, may be fetched."""
        if self.paths is None:
            return True
        start = url.find("/", url.find("//") + 2)
        path = url[start:] if start >= 0 else "/"
        return self.paths.allow(path) or path == _ITSELF

    def __repr__(self) -> str:
        paths = "everything allowed" if self.paths is None else "some paths"
        delay = "no delay" if self.delay is None else f"{self.delay:g} s"
        return f"<Rules {paths} | {delay} | {len(self.sitemaps)} sitemaps>"


ALLOW_ALL = Rules()


def product_token(user_agent: str) -> str:
    """Return the name by which robots.txt files speak to the sender of `user_agent` (RFC 9309, 2.2.1).

    The first product's name without its version, or for `Mozilla/5.0 (compatible; Name/1.0; …)` the name in there.
    """
    inner = _COMPATIBLE.search(user_agent)
    return inner[1] if inner else _name(user_agent)


def parse(body: bytes, user_agent: str) -> Rules:
    """Return what `body` says to the crawler that calls itself `user_agent`; garbage says nothing."""
    groups: list[_Group] = []
    sitemaps: list[str] = []
    for field, value in _records(body):
        if field == "sitemap":
            if value:
                sitemaps.append(value.decode("utf-8", "replace"))
        elif field == "agent":
            if not groups or groups[-1].closed:
                groups.append(_Group())
            groups[-1].agents.add(_agent(value))
        elif groups:
            groups[-1].add(field, value)
    return _merged(_ours(groups, product_token(user_agent).lower()), tuple(sitemaps))


class _Group:
    """The agents of one group and its lines; the first allow or disallow closes the list of agents."""

    __slots__ = ("agents", "closed", "delays", "patterns")

    def __init__(self) -> None:
        self.agents: set[str] = set()
        self.patterns: list[Pattern] = []
        self.delays: list[float] = []
        self.closed = False

    def add(self, field: str, value: bytes) -> None:
        # RFC 9309, 2.2.4: other records, Crawl-delay too, must not interfere with the standard's own.
        if field in ("allow", "disallow"):
            self.closed = True
            if value:
                self.patterns.append((value, field == "allow"))
        elif (seconds := _delay(value) if field == "delay" else _period(value)) is not None:
            self.delays.append(min(seconds, LONGEST_DELAY))


def _records(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield field and value of each line that is understood; all others are as if they were not there."""
    if len(body) > MAX_BYTES:
        # A line that is cut in two would say something else.
        body = body[:MAX_BYTES]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r"), 0)]
    if body.startswith(_UTF16):
        body = body.decode("utf-16", "replace").encode()
    mark = _BOM.match(body)
    for line in _ENDS.split(body[mark.end() :] if mark else body):
        line = line[:MAX_LINE].strip(b"\0")
        if (match := _LINE.match(line)) and (field := match.lastgroup):
            yield field, line[match.end() :].partition(b"#")[0].strip()


def _ours(groups: Sequence[_Group], token: str) -> list[_Group]:
    """Return every group that names `token`, else every group for anybody."""
    named = [group for group in groups if token and token in group.agents]
    return named or [group for group in groups if _ANYBODY in group.agents]


def _merged(groups: Sequence[_Group], sitemaps: tuple[str, ...]) -> Rules:
    """Return the rules of several groups, which are one (RFC 9309, 2.2.1); of several delays the longest counts."""
    patterns = Patterns(pattern for group in groups for pattern in group.patterns)
    delay = max((delay for group in groups for delay in group.delays), default=None)
    return Rules(delay=delay, sitemaps=sitemaps, paths=patterns or None)


def _delay(value: bytes) -> float | None:
    """Return the seconds of a Crawl-delay; None for what is no number of them."""
    number = _DELAY.fullmatch(value)
    return float(number[1]) if number else None


def _period(value: bytes) -> float | None:
    """Return the seconds for one page of a Request-rate; None for what makes no sense."""
    rate = _RATE.fullmatch(value)
    if rate is None or not (float(rate[1]) and float(rate[2])):
        return None
    pages, period = float(rate[1]), min(float(rate[2]) * _UNITS[rate[3].lower()], LONGEST_DELAY)
    return period / pages


def _agent(value: bytes) -> str:
    """Return whom a User-agent line speaks to: a product token in lower case, or `*`."""
    first = value.split(maxsplit=1)[:1]
    return _ANYBODY if first == [b"*"] else _name(value.decode("latin-1")).lower()


def _name(text: str) -> str:
    """Return what comes before the version or the first space."""
    found = _TOKEN.match(text.strip())
    return found[0] if found else ""
