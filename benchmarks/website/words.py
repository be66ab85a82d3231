"""Made-up words, names and sentences, the same for the same seed; some with letters that legacy encodings have."""

from __future__ import annotations

from random import Random

__all__ = ["ALPHABETS", "CATEGORIES", "phrase", "sentence", "slug", "title"]


def _words(text: str) -> list[str]:
    return text.split()


_SOUNDS = _words(
    "an ar bel bra cor dal den dor el en fal fen gar gil har in ka kel la len lor ma mer mi nor o par pel qui ra "
    "ren ros sal sel ta ter tor u val ver wen wil ya zan"
)

# Words that need more than ASCII, by the alphabet they are from.
ALPHABETS = {
    "latin": _words("crêpe fjørd garçon über niño château Straße élan cœur smörgås"),
    "cyrillic": _words("зима лето море река книга город письмо вечер сказка поле"),
    "japanese": _words("雪国 山道 花見 古典 月夜 風景 旅人 小説 日記 海辺"),
    "central": _words("łąka źródło dům růže kůň žába świat ćma śnieg řada"),
}

CATEGORIES = (
    "Adventure", "Architecture", "Art", "Astronomy", "Biography", "Business", "Comics", "Cooking", "Crafts", "Drama",
    "Economics", "Fantasy", "Gardening", "Health", "History", "Horror", "Languages", "Law & Order", "Maps", "Music",
    "Nature", "Poetry", "Science", "Travel",
)  # fmt: skip

_FOREIGN_SHARE = 0.15  # of the words, where an alphabet is given


def _word(random: Random, foreign: list[str]) -> str:
    if foreign and random.random() < _FOREIGN_SHARE:
        return random.choice(foreign)
    return "".join(random.choices(_SOUNDS, k=random.randint(1, 4)))


def phrase(random: Random, low: int, high: int, foreign: list[str] | None = None) -> str:
    """Return `low` to `high` words."""
    return " ".join(_word(random, foreign or []) for _ in range(random.randint(low, high)))


def sentence(random: Random, foreign: list[str] | None = None) -> str:
    """Return one sentence of usual length."""
    text = phrase(random, 6, 18, foreign)
    return text[0].upper() + text[1:] + random.choice("....!?")


def title(random: Random, foreign: list[str] | None = None) -> str:
    """Return the title of a book; some hold characters that HTML must escape."""
    text = phrase(random, 2, 5, foreign).title()
    return text + random.choice(("", "", "", " & Sons", " <Revised>", ' "A Life"'))


def slug(random: Random) -> str:
    """Return the readable part of a URL."""
    return phrase(random, 2, 5).replace(" ", "-")
