"""Rules that several targets hold their rooms to.

Each raises AssertionError with a sentence. No room of the package may be asked here whether it is right: a rule says it
in other words, or with another library.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from scraper.item import Record, size_of, to_record
from scraper.sinks.jsonlines import encode_lines
from scraper.urls import Url, canonical, fingerprint, hostname, origin

__all__ = ["canonical_url", "json_lines", "printable", "unicode_text"]


def unicode_text(text: object) -> None:
    """`text` is a text that UTF-8 can hold."""
    assert isinstance(text, str), "it is text"
    try:
        text.encode()
    except UnicodeEncodeError:
        raise AssertionError("no lone surrogate comes out") from None


def printable(text: str) -> None:
    """`text`, a message for a log or a terminal, controls neither."""
    unicode_text(text)
    wrong = [char for char in text if (ord(char) < 0x20 and char != "\n") or 0x7F <= ord(char) < 0xA0]
    assert not wrong, "a message holds no control characters"


def canonical_url(url: str) -> None:
    """`url` is a canonical http(s) URL: to parse it again changes nothing, and its parts are where they should be."""
    assert type(url) is Url, "only `urls` makes URLs"
    assert url.isascii(), "a URL is ASCII"
    assert url.isprintable(), "a URL holds no control characters"
    assert " " not in url, "a URL holds no spaces"
    assert url.startswith(("http://", "https://")), "a URL is http or https"
    assert "#" not in url, "a URL has no fragment"
    again = canonical(str.__str__(url) + "")
    assert again == url, "the canonical form of a canonical form is itself"
    place = origin(url)
    assert "@" not in place, "a URL has no user name"
    assert url.startswith(place + "/"), "behind the origin comes the path"
    assert hostname(url), "a URL has a host"
    assert hostname(url) in place, "the host is in the origin"
    assert fingerprint(url) != 0, "a fingerprint is not 0"
    assert -(2**63) <= fingerprint(url) < 2**63, "a fingerprint is 64 bits"


def json_lines(items: Iterable[dict[str, Any]]) -> list[Record]:
    """Items become records, and these one line of JSON each that another reader reads as the same."""
    records = [to_record(item) for item in items]
    lines = encode_lines(records)
    text = lines.decode("utf-8", "strict")
    assert text.count("\n") == len(records), "one record, one line"
    for line, record in zip(text.split("\n"), records, strict=False):
        assert json.loads(line, parse_constant=_refuse) == record, "JSON reads as it was written"
        assert size_of(record) == len(line.encode()), "the size of a record is the size of its line"
    return records


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")
