"""What surrounds the content of real pages: styles, scripts, icons, reviews, tables, and markup that is wrong.

Made once and put together again and again, so that a site of 100 MB is written in seconds.
"""

from __future__ import annotations

import html
import json
from random import Random

from benchmarks.website.words import ALPHABETS, phrase, sentence

__all__ = ["Filler"]

REVIEWS, ROWS, SCRIPTS, WRONG = 300, 200, 60, 40  # pieces of each kind


class Filler:
    """Pieces of markup to fill pages with."""

    def __init__(self, seed: int) -> None:
        random = Random(f"{seed}/filler")
        self.reviews = [_review(random, number) for number in range(REVIEWS)]
        self.rows = [_row(random) for _ in range(ROWS)]
        self.scripts = [_script(random, number) for number in range(SCRIPTS)]
        self.wrong = [_wrong(random) for _ in range(WRONG)]
        self.style = (
            "<style>" + "".join(f".c{n}-{n % 5}{{margin:{n}px;color:#{n:03x}}}" for n in range(40)) + "</style>\n"
        )
        self.icon = '<svg viewBox="0 0 16 16" class="icon"><path d="M1 1h14v14H1z"></path><circle r="3"></circle></svg>'

    def piece(self, random: Random, *, with_faults: bool) -> str:
        """Return one piece for the lower part of a page."""
        lot = random.random()
        if lot < 0.08:
            return random.choice(self.scripts)
        if with_faults and lot < 0.16:
            return random.choice(self.wrong)
        if lot < 0.3:
            return "<table>" + "".join(random.choices(self.rows, k=4)) + "</table>\n"
        return random.choice(self.reviews)


def _review(random: Random, number: int) -> str:
    text = " ".join(sentence(random, ALPHABETS["latin"]) for _ in range(random.randint(2, 6)))
    return (
        f'<div class="review panel mt-3" id="review-{number}" data-stars="{random.randint(1, 5)}">\n'
        f'  <header class="row"><b class="author">{phrase(random, 1, 2).title()}</b>'
        f' <time datetime="2026-0{random.randint(1, 9)}-11">{random.randint(2, 30)} days ago</time></header>\n'
        f"  <p>{html.escape(text)}</p>\n"
        f'  <p class="votes"><em>{random.randint(0, 99)}</em> of <em>{random.randint(99, 300)}</em> found this '
        f'<span class="mark">helpful</span></p>\n</div>\n'
    )


def _row(random: Random) -> str:
    name, value = phrase(random, 1, 2).title(), phrase(random, 1, 6, ALPHABETS["latin"])
    return f'<tr><th scope="row" class="w-25">{name}</th><td class="muted">{html.escape(value)}</td></tr>\n'


def _script(random: Random, number: int) -> str:
    state = {
        "page": number,
        "flags": {f"f{n}": random.random() < 0.5 for n in range(20)},
        "entries": [{"key": phrase(random, 1, 1), "value": random.randrange(10**6)} for _ in range(25)],
    }
    return f"<script>window.state{number} = {json.dumps(state)}; if (1 < 2 && window.go) {{ go(); }}</script>\n"


def _wrong(random: Random) -> str:
    """Return markup with a fault that browsers repair."""
    one, two, three = sentence(random), sentence(random), sentence(random)
    return random.choice(
        (
            f"<div class=promo><p>{one}<p>{two}<ul><li>{three}<li>{one}</ul></div>\n",
            f"<p><b><i>{one}</b></i> {two}</p></section>\n",
            f"<TABLE border=1><TR><TD>{one}<TD>{two}<TR><TD>{three}</TABLE>\n",
            f"<font color=red>{one} &nbsp {two} P&L </font></font>\n",
            f'<div id="a" id="b">{one}</div><!-- note -- {two} -->\n',
            f"<span>{one} <br/> 3 < 4 > 2 {two}</span></div>\n",
        )
    )
