"""What was met lately: a bounded memory that may forget and never lies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scraper.recent import Recent

SIZE = 4


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans())))
def test_it_forgets_but_never_lies(steps: list[tuple[int, bool]]) -> None:
    """What it says of a key was put for that key last; it holds two generations at most."""
    recent, put = Recent[int, int](SIZE), dict[int, int]()
    for number, (key, put_it) in enumerate(steps, start=1):
        if put_it:
            recent.put(key, number)
            put[key] = number
            assert recent.get(key) == number
        else:
            assert recent.get(key) in (None, put.get(key))
            assert recent.has(key) == (recent.get(key) is not None)
        assert len(recent) <= 2 * SIZE


def test_what_is_asked_for_again_stays() -> None:
    """A link that stands on every page is known on every page."""
    recent = Recent[str, int](SIZE)
    recent.put("everywhere", 1)
    for number in range(100):
        recent.put(f"once-{number}", 1)
        assert recent.has("everywhere")
    assert not recent.has("once-0")
