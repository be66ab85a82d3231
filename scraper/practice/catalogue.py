"""The practice shop's books: the truth that its pages tell in their untidy way.

Book number n is the same in every catalogue that has it, on every machine and Python version: it is drawn by a
generator seeded with n, using only `random()`, whose sequence Python guarantees. The one thing that other books decide
is the volume number of a title that has come before. Nothing here may know HTML, an encoding or a host.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TypeVar
from urllib.parse import quote

from scraper.practice.words import CATEGORIES, ENGLISH, LANGUAGES

__all__ = ["RHYTHM", "Book", "catalogue"]

T = TypeVar("T")

RHYTHM = 20  # books; the languages come back in this step
FIRST_SEED = 51_770
CHEAPEST, DEAREST = 499, 5_999  # pence
LARGEST_STOCK = 30  # copies
MOST_STARS = 5

# Which languages take turns at a place of the rhythm; English has all the other places.
_TURNS = {
    3: ("fr", "en", "de", "fr"),
    13: ("ru", "ja", "pl", "el", "zh", "cs", "ar"),
    17: ("ja", "de", "el", "pl", "fr", "ru", "ar", "cs", "zh"),
}
_LATIN = frozenset({"en", "fr", "de", "pl", "cs"})
_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "ø": "o", "œ": "oe", "æ": "ae", "ß": "ss", "½": "-and-a-half", "’": "", "&": "and", "–": "-", "—": "-"}
)
_NOT_A_WORD = re.compile(r"\W+")
_SLOT = re.compile(r"\{(\w+)\}")
_THINGS = frozenset({"adj", "noun", "noun2"})


@dataclass(frozen=True, slots=True)
class Book:
    """One book as the shop's owner knows it."""

    number: int  # 1-based
    slug: str = field(kw_only=True)  # in the book's own script, not percent-encoded
    title: str = field(kw_only=True)
    price: float = field(kw_only=True)  # pounds, whole pence
    stock: int = field(kw_only=True)  # copies
    rating: int = field(kw_only=True)  # stars, 1 to 5
    description: str = field(kw_only=True)
    category: str = field(kw_only=True)
    sku: str = field(kw_only=True)
    language: str = field(kw_only=True)  # BCP 47
    images: tuple[str, ...] = field(kw_only=True)  # absolute paths

    @property
    def path(self) -> str:
        """The path of the detail page, percent-encoded as the WHATWG URL standard does it."""
        return f"/catalogue/{quote(self.slug)}_{self.number}/index.html"

    def __repr__(self) -> str:
        return f"<Book {self.number} {self.title!r}>"


class _Dice:
    """Draws for one book; a number always draws the same."""

    def __init__(self, number: int) -> None:
        self._random = Random(FIRST_SEED + number).random  # noqa: S311 - books, not secrets

    def up_to(self, count: int) -> int:
        return int(self._random() * count)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self._random() * len(choices))]


def catalogue(count: int = 1000) -> tuple[Book, ...]:
    """Return books 1 to `count`, each with a title of its own; raise ValueError when there is none."""
    if count < 1:
        raise ValueError(f"a shop needs at least one book, not {count}")
    taken: dict[str, int] = {}
    return tuple(_book(number, taken) for number in range(1, count + 1))


def _book(number: int, taken: dict[str, int]) -> Book:
    dice = _Dice(number)
    language = _language(number)
    title = _unique(_title(dice, language), taken)
    slug = _slug(title, language)
    return Book(
        number,
        slug=slug,
        title=title,
        price=(CHEAPEST + dice.up_to(DEAREST - CHEAPEST + 1)) / 100,
        stock=1 + dice.up_to(LARGEST_STOCK),
        rating=1 + dice.up_to(MOST_STARS),
        description=_description(dice, language),
        category=dice.pick(CATEGORIES),
        sku=f"PS-{number:06d}-{dice.up_to(16**4):04X}",
        language=language,
        images=tuple(f"/media/{number % 100:02d}/{number}-{k}.jpg" for k in range(1, 3 + dice.up_to(3))),
    )


def _language(number: int) -> str:
    turns = _TURNS.get(number % RHYTHM)
    return "en" if turns is None else turns[number // RHYTHM % len(turns)]


def _title(dice: _Dice, code: str) -> str:
    if code == "en":
        return _filled(dice.pick(ENGLISH.titles), dice)
    language = LANGUAGES[code]
    return dice.pick(language.heads) + language.joint + dice.pick(language.tails)


def _filled(pattern: str, dice: _Dice, *, lower: bool = False) -> str:
    """Fill `{noun}` and its like: the same word wherever a slot comes back, another one for `{noun2}`.

    Inside a sentence (`lower`) things are in small letters, places and people are not.
    """
    parts = list(_split(pattern))
    words: dict[str, str] = {}
    for at in range(1, len(parts), 2):
        slot = parts[at]
        if slot not in words:
            words[slot] = _word(slot, dice, words.get("noun"))
        parts[at] = words[slot].lower() if lower and slot in _THINGS else words[slot]
    return "".join(parts)


@cache
def _split(pattern: str) -> tuple[str, ...]:
    return tuple(_SLOT.split(pattern))


def _word(slot: str, dice: _Dice, other_than: str | None) -> str:
    choices = ENGLISH.lists[slot.rstrip("2")]
    place = dice.up_to(len(choices))
    return choices[place - 1] if choices[place] == other_than else choices[place]


def _unique(title: str, taken: dict[str, int]) -> str:
    """Return `title`, or its next volume when another book has it."""
    volume = taken.get(title, 0) + 1
    taken[title] = volume
    return title if volume == 1 else _unique(f"{title} {volume}", taken)


def _description(dice: _Dice, code: str) -> str:
    sentences = ENGLISH.sentences if code == "en" else LANGUAGES[code].sentences
    first, step = dice.up_to(len(sentences)), 1 + dice.up_to(2)
    length = 3 + dice.up_to(3) if code == "en" else 3
    chosen = [sentences[(first + step * k) % len(sentences)] for k in range(length)]
    joint = "" if code in ("ja", "zh") else " "
    return joint.join(_filled(sentence, dice, lower=True) if code == "en" else sentence for sentence in chosen)


def _slug(title: str, code: str) -> str:
    text = title.lower()
    if code in _LATIN:
        text = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED)).encode("ascii", "ignore").decode()
    return _NOT_A_WORD.sub("-", text).strip("-")
