"""What was met lately: a bounded memory that may forget and never lies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scraper.recent import Recent, RecentGroups

SIZE = 4


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans())))
def test_it_forgets_but_never_lies(steps: list[tuple[int, bool]]) -> None:
    """What it says of a key was put for that key last; it holds twice its size at most."""
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


def test_what_was_put_last_stays() -> None:
    """Of what is put, the last ones are known, as many as its size says, and those put long ago are not."""
    recent = Recent[int, int](SIZE)
    for number in range(100):
        recent.put(number, 1)
        assert recent.others(range(max(0, number - SIZE + 1), number + 1)) == []
        assert recent.others(range(number - 2 * SIZE + 1)) == list(range(number - 2 * SIZE + 1))


@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 6), max_size=SIZE + 1, unique=True))))
def test_groups_forget_but_never_lie(steps: list[tuple[int, list[int]]]) -> None:
    """A key is known in the group where it was put, the last ones always; all groups together hold its size at most."""
    recent, put = RecentGroups[int, int, int](SIZE), dict[tuple[int, int], int]()
    for number, (group, keys) in enumerate(steps, start=1):
        room = recent.room(len(keys))
        for key in keys:
            room[group][key] = number
        if len(keys) <= SIZE:
            put.update({(group, key): number for key in keys})
        for one in range(3):
            assert all(put[one, key] == value for key, value in recent.group(one).items())
        assert len(keys) > SIZE or recent.group(group).keys() >= set(keys)
        assert len(recent) <= SIZE


def test_what_has_no_room_displaces_nothing() -> None:
    """A page of more links than there is room for is not remembered, and what others brought is."""
    recent = RecentGroups[str, int, int](SIZE)
    recent.room(1)["folder"][1] = 1
    recent.room(SIZE + 1)["folder"].update(dict.fromkeys(range(SIZE + 1), 2))
    assert recent.group("folder") == {1: 1}
