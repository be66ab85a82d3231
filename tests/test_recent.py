"""What was met lately: a bounded memory that may forget and never lies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scraper.recent import Recent, RecentGroups

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
            assert recent.others([key, -1, key]) == ([-1] if recent.has(key) else [key, -1, key])
        assert len(recent) <= 2 * SIZE


def test_what_is_asked_for_again_stays() -> None:
    """A link that stands on every page is known on every page."""
    recent = Recent[str, int](SIZE)
    recent.put("everywhere", 1)
    for number in range(100):
        recent.put(f"once-{number}", 1)
        assert recent.has("everywhere")
    assert not recent.has("once-0")


def test_what_is_asked_for_all_at_once_stays() -> None:
    """The same for the links of a page, asked for together."""
    recent = Recent[str, int](SIZE)
    recent.put("everywhere", 1)
    for number in range(100):
        recent.put(f"once-{number}", 1)
        assert recent.others(["new", "everywhere", "again"]) == ["new", "again"]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.booleans())))
def test_groups_forget_but_never_lie(steps: list[tuple[int, int, bool]]) -> None:
    """A key is known in the group where it was put; all groups together hold two generations at most."""
    recent, put = RecentGroups[int, int, int](SIZE), dict[tuple[int, int], int]()
    for number, (group, key, put_it) in enumerate(steps, start=1):
        if put_it:
            recent.put(group, key, number)
            put[group, key] = number
            assert recent.get(group, key) == recent.group(group)[key] == number
        else:
            assert recent.get(group, key) in (None, put.get((group, key)))
            assert recent.get(group, key) == recent.group(group).get(key)
        assert len(recent) <= 2 * SIZE


def test_what_is_asked_for_again_stays_in_its_group() -> None:
    """What stands on every page of a folder is known there, whatever other folders bring."""
    recent = RecentGroups[str, str, int](SIZE)
    recent.put("folder", "everywhere", 1)
    for number in range(100):
        recent.put(f"folder-{number}", "once", 1)
        assert recent.get("folder", "everywhere") == 1
    assert recent.get("folder-0", "once") is None
