"""Whose time is it? The room of the package, or the library, that a place in the source belongs to.

Rooms are those of ARCHITECTURE.md. A library written in Python is known by its file; one written in C by the call's
text in the one room that knows it, since a C function has no frame of its own. Helpers of the standard library count
to whoever called them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import scraper
from benchmarks.profiling.sampler import Place, expression

__all__ = ["layer_of", "room_of", "where"]

_PACKAGE = str(Path(scraper.__file__).parent) + "/"
_LIBRARIES = re.compile(
    r"/(aiohttp|aiohappyeyeballs|aiosignal|yarl|multidict|propcache|frozenlist|asyncio|selectors|uvloop|ada_url"
    r"|protego|msgspec|pydantic|yaml|aiofiles|webencodings|publicsuffixlist|click|importlib)[/.]"
)
_EVENT_LOOP = ("asyncio", "selectors", "uvloop")
# What a call looks like that goes into a library written in C, by the library.
_CALLS = {
    "selectolax: parse": re.compile(r"LexborHTMLParser\("),
    "selectolax: select, read": re.compile(
        r"\.(css|css_first|find|find_first|select|tags|text|traverse|iter|sget)\(|LexborNode"
        r"|\.(attributes|attrs|text_content|next|first_child|tag)\b"
    ),
    "sqlite3": re.compile(r"\.(execute|executemany|fetchall|fetchone)\("),
    "msgspec": re.compile(r"msgspec|encod\w*\.?encode|encode_lines\("),
    "ada-url": re.compile(r"(join_url|normalize_url|\bURL)\("),
    "re": re.compile(r"\.(fullmatch|match|search|sub|subn|finditer|findall)\("),
    "hashlib": re.compile(r"blake2b|\.digest\("),
}
# Folders of the package whose rooms are one line of the short table; rooms at the top are values, but for these.
_LAYERS = {
    "policy": "rules",
    "parsing": "reading",
    "transforms": "reading",
    "selection": "reading",
    "page": "reading",
    "frontier": "frontier",
    "fetch": "fetch",
    "sinks": "sinks",
    "engine": "engine",
}
_SMALL = ("yarl", "re", "ada-url", "ada_url", "msgspec", "hashlib", "multidict", "imports", "other")
_ABOVE = ("runs", "config", "ui", "cli", "api")
_KNOW_SELECTOLAX = ("parsing.tree", "parsing.nodes", "selection", "page")


def layer_of(room: str) -> str:
    """Return the line of the short table that a room, as `room_of` names it, belongs to."""
    if not room.startswith("scraper."):
        return "yarl, re, ada-url, msgspec, hashlib" if room in _SMALL else room
    folder = room.split(".")[1]
    if folder in _ABOVE:
        return "scraper: runs, config, ui"
    return f"scraper: {_LAYERS.get(folder, 'values (URLs, requests, encodings)')}"


def room_of(stack: Sequence[Place]) -> str:
    """Return whose time a sample of `stack`, innermost place first, is."""
    for depth, place in enumerate(stack):
        owner = _owner(place[0].co_filename)
        if owner.startswith("scraper."):
            return (_library_called(owner.removeprefix("scraper."), place) if depth == 0 else "") or owner
        if owner:
            return owner
    return "other"


@cache
def _owner(file: str) -> str:
    if file.startswith(_PACKAGE):
        return "scraper." + file.removeprefix(_PACKAGE).removesuffix(".py").replace("/", ".")
    if "/benchmarks/harness/" in file:
        return "the spider itself"
    if "importlib" in file:
        return "imports"
    if found := _LIBRARIES.search(file):
        return "event loop" if found[1] in _EVENT_LOOP else found[1]
    return ""


@cache
def _library_called(room: str, place: Place) -> str:
    text = expression(place)[1]
    for library, call in _CALLS.items():
        if call.search(text) and (room in _KNOW_SELECTOLAX or not library.startswith("selectolax")):
            return library
    return ""


def where(place: Place) -> str:
    """Return the short form of a place: file, line, function."""
    code = place[0]
    file = code.co_filename
    short = file.removeprefix(_PACKAGE) if file.startswith(_PACKAGE) else "/".join(Path(file).parts[-2:])
    return f"{short}:{expression(place)[0]} {code.co_name}"
