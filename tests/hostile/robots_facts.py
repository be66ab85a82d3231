"""Facts about robots.txt files and what they allow, as Google publishes them for its parser (google/robotstxt).

Restated as data: a file, a crawler's name, the paths that it may visit and those that it may not; a path is a check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["CHECKS", "DISAGREEMENTS", "LONG_PATH", "Check"]

LONGEST_LINE = 8 * 2083  # bytes of a line, beyond which Google cuts


@dataclass(frozen=True, slots=True)
class Check:
    """May the crawler `agent` visit `path`, says the file `text`?"""

    name: str
    text: str
    agent: str
    path: str
    allowed: bool


def _path(letter: str, field: str) -> str:
    """Return a path that fills a line of `field` up to where it is cut."""
    room = LONGEST_LINE - len("/x/") - len(field) + 1
    return "/x/" + letter * (room - len("/x/"))


LONG_PATH = _path("a", "disallow: ")
_RAW, _ESCAPED = "/foo/bar/ツ", "/foo/bar/%E3%83%84"
_A, _B = _path("a", "allow: "), _path("b", "allow: ")

_FOO = "user-agent: FooBot\n"
_SYSTEM = _FOO + "disallow: /"
_GROUPS = """allow: /foo/bar/

user-agent: FooBot
disallow: /
allow: /x/
user-agent: BarBot
disallow: /
allow: /y/


allow: /w/
user-agent: BazBot

user-agent: FooBot
allow: /z/
disallow: /
"""
_SITEMAP = "User-agent: BarBot\nSitemap: https://foo.bar/sitemap\nUser-agent: *\nDisallow: /\n"
_UNKNOWN = "User-agent: FooBot\nInvalid-Unknown-Line: unknown\nUser-agent: *\nDisallow: /\n"
_ONLY_SPECIFIC = "user-agent: FooBot\nallow: /\nuser-agent: BarBot\ndisallow: /\nuser-agent: BazBot\ndisallow: /"
_GLOBAL = "user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /"
_TWO_WORDS = "User-Agent: *\nDisallow: /\nUser-Agent: Foo Bar\nAllow: /x/\nDisallow: /"
_ANY_AND_FOO = "User-agent: *\nDisallow: /x/\nUser-agent: FooBot\nDisallow: /y/"
_INDEX = "User-Agent: *\nAllow: /allowed-slash/index.html\nDisallow: /"
_CLOSED = _FOO + "disallow: /\nallow: "
_FISH = "/fish /fish.html /fish/salmon.html /fishheads /fishheads/yummy.html /fish.html?id=anything"
_PHP = (
    "/filename.php /folder/filename.php /folder/filename.php?parameters //folder/any.php.file.html /filename.php/ "
    "/index?f=filename.php/"
)
_QUERY = "/foo/bar?qux=taz&baz=http://foo.bar?tar&par"

# name, file, crawler, paths that are allowed, paths that are not
_FACTS: list[tuple[str, str, str, str, str]] = [
    ("an-empty-file", "", "FooBot", "EMPTY", ""),
    ("a-crawler-without-a-name", _SYSTEM, "", "EMPTY", ""),
    ("an-empty-url", _SYSTEM, "FooBot", "", "EMPTY"),
    ("nothing-at-all", "", "", "EMPTY", ""),
    ("a-right-line", _SYSTEM, "FooBot", "", "/x/y"),
    ("unknown-fields", "foo: FooBot\nbar: /\n", "FooBot", "/x/y", ""),
    ("a-missing-colon", "user-agent FooBot\ndisallow /\n", "FooBot", "", "/x/y"),
    ("groups-of-foo", _GROUPS, "FooBot", "/x/b /z/d", "/y/c /foo/bar/"),
    ("groups-of-bar", _GROUPS, "BarBot", "/y/c /w/a", "/z/d /foo/bar/"),
    ("groups-of-baz", _GROUPS, "BazBot", "/z/d", "/foo/bar/"),
    ("a-sitemap-ends-no-group", _SITEMAP, "FooBot", "", "/"),
    ("a-sitemap-ends-no-group-of-bar", _SITEMAP, "BarBot", "", "/"),
    ("an-unknown-line-ends-no-group", _UNKNOWN, "FooBot", "", "/"),
    ("an-unknown-line-ends-no-group-of-bar", _UNKNOWN, "BarBot", "", "/"),
    ("fields-in-upper-case", "USER-AGENT: FooBot\nALLOW: /x/\nDISALLOW: /\n", "FooBot", "/x/y", "/a/b"),
    ("fields-in-lower-case", "user-agent: FooBot\nallow: /x/\ndisallow: /\n", "FooBot", "/x/y", "/a/b"),
    ("fields-in-camel-case", "uSeR-aGeNt: FooBot\nAlLoW: /x/\ndIsAlLoW: /\n", "FooBot", "/x/y", "/a/b"),
    *(
        (f"{asked}-of-{named[:3]}", f"User-Agent: {named}\nAllow: /x/\nDisallow: /", asked, "/x/y", "/a/b")
        for named in ("FOO BAR", "foo bar", "FoO bAr")
        for asked in ("Foo", "foo")
    ),
    ("a-name-up-to-its-space", _TWO_WORDS, "Foo", "/x/y", ""),
    ("a-crawler-of-two-words", _TWO_WORDS, "Foo Bar", "", "/x/y"),
    ("no-groups", "", "FooBot", "/x/y", ""),
    ("its-group-before-anybodys", _GLOBAL, "FooBot", "", "/x/y"),
    ("anybodys-group", _GLOBAL, "BarBot", "/x/y", ""),
    ("no-group-for-it", _ONLY_SPECIFIC, "QuxBot", "/x/y", ""),
    ("a-path-in-lower-case", _FOO + "disallow: /x/", "FooBot", "", "/x/y"),
    ("a-path-in-upper-case", _FOO + "disallow: /X/", "FooBot", "/x/y", ""),
    ("longest-is-disallow", _FOO + "disallow: /x/page.html\nallow: /x/", "FooBot", "", "/x/page.html"),
    ("longest-is-allow", _FOO + "allow: /x/page.html\ndisallow: /x/", "FooBot", "/x/page.html", "/x/"),
    ("both-are-empty", _FOO + "disallow: \nallow: ", "FooBot", "/x/page.html", ""),
    ("both-are-the-root", _FOO + "disallow: /\nallow: /", "FooBot", "/x/page.html", ""),
    ("a-slash-more", _FOO + "disallow: /x\nallow: /x/", "FooBot", "/x/", "/x"),
    ("both-are-the-page", _FOO + "disallow: /x/page.html\nallow: /x/page.html", "FooBot", "/x/page.html", ""),
    ("a-longer-wildcard", _FOO + "allow: /page\ndisallow: /*.html", "FooBot", "/page", "/page.html"),
    ("a-shorter-wildcard", _FOO + "allow: /x/page.\ndisallow: /*.html", "FooBot", "/x/page.html", "/x/y.html"),
    ("only-its-own-group", _ANY_AND_FOO, "FooBot", "/x/page", "/y/page"),
    ("a-url-in-a-query", f"{_FOO}Disallow: /\nAllow: {_QUERY}", "FooBot", _QUERY, ""),
    ("a-raw-letter", _FOO + "Disallow: /\nAllow: " + _RAW, "FooBot", _ESCAPED, _RAW),
    ("an-encoded-letter", _FOO + "Disallow: /\nAllow: " + _ESCAPED, "FooBot", _ESCAPED, _RAW),
    ("encoded-ascii", _FOO + "Disallow: /\nAllow: /foo/bar/%62%61%7A", "FooBot", "/foo/bar/%62%61%7A", "/foo/bar/baz"),
    (
        "a-star-inside", _FOO + "Disallow: /foo/bar/quz\nAllow: /foo/*/qux", "FooBot",
        "/foo/quz /foo//quz /foo/bax/quz", "/foo/bar/quz",
    ),
    (
        "a-dollar", _FOO + "Disallow: /foo/bar$\nAllow: /foo/bar/qux", "FooBot",
        "/foo/bar/qux /foo/bar/ /foo/bar/baz", "/foo/bar",
    ),
    ("comments", _FOO + "# Disallow: /\nDisallow: /foo/quz#qux\nAllow: /", "FooBot", "/foo/bar", "/foo/quz"),
    (
        "index-html", _INDEX, "foobot",
        "/allowed-slash/ /allowed-slash/index.html", "/allowed-slash/index.htm /anyother-url",
    ),
    ("a-cut-disallow", f"{_FOO}disallow: {LONG_PATH}/qux", "FooBot", "/fux", f"{LONG_PATH}/fux"),
    ("a-cut-allow", f"{_CLOSED}{_A}/qux\nallow: {_B}/qux", "FooBot", f"{_A}/qux {_B}/fux", "/"),
    ("fish", _CLOSED + "/fish", "FooBot", _FISH, "/bar /Fish.asp /catfish /?id=fish"),
    ("fish-star", _CLOSED + "/fish*", "FooBot", _FISH, "/bar /Fish.bar /catfish /?id=fish"),
    (
        "fish-slash", _CLOSED + "/fish/", "FooBot",
        "/fish/ /fish/salmon /fish/?salmon /fish/salmon.html /fish/?id=anything",
        "/bar /fish /fish.html /Fish/Salmon.html",
    ),
    ("php", _CLOSED + "/*.php", "FooBot", _PHP, "/bar /php/ /index?php /windows.PHP"),
    (
        "php-end", _CLOSED + "/*.php$", "FooBot", "/filename.php /folder/filename.php",
        "/bar /filename.php?parameters /filename.php/ /filename.php5 /php/ /filename?php /aaaphpaaa //windows.PHP",
    ),
    ("fish-php", _CLOSED + "/fish*.php", "FooBot", "/fish.php /fishheads/catfish.php?parameters", "/bar /Fish.PHP"),
    ("order-page", _FOO + "allow: /p\ndisallow: /", "FooBot", "/page", ""),
    ("order-folder", _FOO + "allow: /folder\ndisallow: /folder", "FooBot", "/folder/page", ""),
    ("order-htm", _FOO + "allow: /page\ndisallow: /*.htm", "FooBot", "", "/page.htm"),
    ("order-root", _FOO + "allow: /$\ndisallow: /", "FooBot", "/", "/page.html"),
]  # fmt: skip


def _checks() -> Iterator[Check]:
    for name, text, agent, allowed, refused in _FACTS:
        paths = [(path, True) for path in allowed.split()] + [(path, False) for path in refused.split()]
        for number, (path, wanted) in enumerate(paths, 1):
            label = name if len(paths) == 1 else f"{name}-{number}"
            yield Check(label, text, agent, "" if path == "EMPTY" else path, wanted)


CHECKS = list(_checks())

# Checks that this crawler answers otherwise, each with its reason.
DISAGREEMENTS = {
    "a-crawler-of-two-words": "a User-Agent header `Foo Bar` has the product token Foo (RFC 9309 2.2.1)",
    "encoded-ascii-2": "%62%61%7A and baz are the same path (RFC 9309 2.2.2, its own example)",
}
