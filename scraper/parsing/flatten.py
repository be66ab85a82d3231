"""Markup that was built to hurt a parser, made harmless: the same text, links and order, less nesting.

One pass over the tags, in time with the length. Elements deeper than 512 become siblings at that depth, as in Blink and
WebKit; formatting tags beyond a few dozen open ones are dropped, since each block behind them would get a copy of all;
attributes beyond a few hundred on one tag are dropped. The nesting is followed roughly, as HTML's optional end tags
allow; where in doubt it is taken for deeper than it is.

This is no parser: what it returns is still markup.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["MAX_DEPTH", "OPTIONAL_END", "VOID", "Flat", "flatten"]

MAX_DEPTH = 512  # open elements; Blink's and WebKit's own limit
MAX_FORMATTING = 48  # formatting elements that are open at once; no page means more
MAX_ALIKE = 3  # of them with the same tag, HTML standard 13.2.4.3 ("Noah's Ark")
MAX_ATTRIBUTES = 256  # on one tag
MAX_COPIES = 4 * 1024 * 1024  # bytes of open formatting tags, summed over the blocks that get copies of them
SHORT_TAG = 512  # bytes of a formatting tag that may be copied without limit
LOOK_BACK = 24  # open elements among which one with an optional end tag is looked for


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID = _words("area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr")
OPTIONAL_END = _words("p li option optgroup td th tr dd dt thead tbody tfoot colgroup rt rp rb rtc")
FORMATTING = _words("a b big code em font i nobr s small strike strong tt u")
RAW_TEXT = _words("script style textarea title xmp iframe noembed noframes")
_BLOCKS = _words(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer form h1 h2 h3"
    " h4 h5 h6 header hgroup hr li main menu nav ol p pre search section summary table ul dd dt"
)
_CELLS = frozenset(("td", "th"))
_ROWS = frozenset(("td", "th", "tr"))
_GROUPS = frozenset(("td", "th", "tr", "thead", "tbody", "tfoot", "colgroup"))
# Which open elements a start tag ends, and the elements that it does not look beyond.
_ENDS: dict[str, frozenset[str]] = {
    **dict.fromkeys(_BLOCKS, frozenset(("p",))),
    "li": frozenset(("li", "p")),
    **dict.fromkeys(("dd", "dt"), frozenset(("dd", "dt", "p"))),
    "option": frozenset(("option",)),
    "optgroup": frozenset(("option", "optgroup")),
    **dict.fromkeys(_CELLS, _CELLS),
    "tr": _ROWS,
    **dict.fromkeys(("thead", "tbody", "tfoot", "colgroup"), _GROUPS),
    **dict.fromkeys(("rt", "rp", "rb", "rtc"), frozenset(("rt", "rp", "rb"))),
    "a": frozenset(("a",)),
}
_WALLS = _words("table select ul ol dl button object applet marquee template ruby svg math html body")
_SCOPES = _words("applet caption html table td th marquee object template")
_TABLE_PARTS = _GROUPS | _SCOPES
_CELL_WALLS = frozenset(("table", "template", "html", "body"))

_TOKEN = re.compile(
    r"""<(?:!--(?s:.*?)(?:-->|--!>|\Z)
    |(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)
     (?P<tail>(?:[^>=]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+|))*+)(?:>|\Z)
    |[!?/][^>]*+>?)""",
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""[\s/]*+[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+))?""")


@dataclass(frozen=True, slots=True)
class Flat:
    """What became of a piece of markup."""

    text: str
    faults: tuple[str, ...]  # what would have hurt; (): the text is as it was


@dataclass(slots=True)
class _State:
    depth: int
    out: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    too_deep: int = 0  # elements that were made siblings and whose end tags are still to come
    formatting: list[str] = field(default_factory=list)  # open formatting tags, as written
    sizes: int = 0  # characters of those
    dropped: Counter[str] = field(default_factory=Counter)  # formatting tags that were left out, not yet closed
    copied: int = 0
    faults: dict[str, None] = field(default_factory=dict)

    def push(self, name: str) -> None:
        if len(self.open) >= self.depth:
            self.faults[f"elements nested more than {self.depth} deep"] = None
            self.out.append(f"</{self.open.pop()}>")
            self.too_deep += 1
        self.open.append(name)


def flatten(text: str, *, depth: int = MAX_DEPTH) -> Flat:
    """Return `text` with its nesting bounded; `faults` says what was."""
    state = _State(depth)
    position = 0
    while token := _TOKEN.search(text, position):
        start, end = token.span()
        state.out.append(text[position:start])
        name = token["name"]
        if name is None:
            state.out.append(token[0])
        elif token["close"]:
            _close(state, name.lower(), token[0])
        else:
            name = name.lower()
            _open(state, name, _bounded(state, token))
            if name in RAW_TEXT:
                end = _skip(state, text, name, end)
            elif name == "plaintext":
                break
        position = end
    state.out.append(text[position:])
    return Flat("".join(state.out) if state.faults else text, tuple(state.faults))


def _bounded(state: _State, token: re.Match[str]) -> str:
    """Return a start tag with no more attributes than a parser bears."""
    tag = token[0]
    if len(tag) <= 2 * MAX_ATTRIBUTES:
        return tag
    kept: list[str] = []
    for number, attribute in enumerate(_ATTRIBUTE.finditer(token["tail"])):
        if number == MAX_ATTRIBUTES:
            state.faults[f"more than {MAX_ATTRIBUTES} attributes on a tag"] = None
            return f"<{token['name']}{''.join(kept)}>"
        kept.append(attribute[0])
    return tag


def _open(state: _State, name: str, tag: str) -> None:
    if name in VOID:
        state.out.append(tag)
        return
    ends = _ENDS.get(name)
    if ends is not None:
        _end_optional(state, name, ends)
    if name in FORMATTING:
        if not _open_formatting(state, name, tag):
            return
    elif name in _BLOCKS or name in _CELLS:
        _copy_formatting(state)
    state.push(name)
    state.out.append(tag)


def _end_optional(state: _State, name: str, ends: frozenset[str]) -> None:
    walls = _CELL_WALLS if name in _GROUPS else _WALLS
    found = None
    for place in range(len(state.open) - 1, max(-1, len(state.open) - LOOK_BACK), -1):
        if state.open[place] in ends:
            found = place
        elif state.open[place] in walls:
            break
    if found is not None:
        del state.open[found:]


def _open_formatting(state: _State, name: str, tag: str) -> bool:
    """Take note of a formatting tag; False when there are so many open that this one is left out."""
    if name == "a":
        _forget(state, "a")
    if state.formatting.count(tag) >= MAX_ALIKE:
        return True
    if len(state.formatting) >= MAX_FORMATTING and name != "a":  # of links only one is open at a time
        state.faults[f"more than {MAX_FORMATTING} formatting tags open at once"] = None
        state.dropped[name] += 1
        return False
    state.formatting.append(tag)
    state.sizes += len(tag)
    return True


def _copy_formatting(state: _State) -> None:
    """A block begins: a parser copies every open formatting tag into it."""
    state.copied += state.sizes
    if state.copied > MAX_COPIES and state.sizes > SHORT_TAG * max(1, len(state.formatting)):
        state.faults["a long formatting tag, copied into every block"] = None
        for tag in state.formatting:
            name = _name(tag)
            state.out.append(f"</{name}>")
        state.formatting.clear()
        state.sizes = 0


def _forget(state: _State, name: str) -> None:
    for place in range(len(state.formatting) - 1, -1, -1):
        if _name(state.formatting[place]) == name:
            state.sizes -= len(state.formatting.pop(place))
            return


def _name(tag: str) -> str:
    return re.split(r"[\s/>]", tag[1:], maxsplit=1)[0].lower()


def _close(state: _State, name: str, tag: str) -> None:
    if name in FORMATTING:
        if state.dropped[name]:
            state.dropped[name] -= 1
            return
        _forget(state, name)
    if state.too_deep and state.open[-1:] == [name]:  # none may be open: what ends, ends what is in it
        state.too_deep -= 1
        return
    for place in range(len(state.open) - 1, -1, -1):
        if state.open[place] == name:
            del state.open[place:]
            break
        if state.open[place] in _SCOPES and name not in _TABLE_PARTS:
            break  # HTML standard 13.2.4.2: it is not in scope, so a parser ignores it
    state.out.append(tag)


def _skip(state: _State, text: str, name: str, start: int) -> int:
    """Step over the text of an element that holds no tags."""
    found = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(text, start)
    end = len(text) if found is None else found.start()
    state.out.append(text[start:end])
    return end
