"""The set of fingerprints is a set: exact, growing, and small."""

from __future__ import annotations

import tracemalloc
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.frontier.seen import Seen

BYTES_EACH = 24  # at the worst moment of growth; 18 on average

marks = st.integers(-(2**63), 2**63 - 1).filter(bool)
# Numbers that fall into one shard, and there into few slots: the worst case of open addressing.
crowded = st.builds(lambda low, high: (low | high << 20) or 1, st.integers(0, 3), st.integers(0, 500))
few = st.builds(lambda low, high: low | high << 20, st.sampled_from([14, 15, 1, 2]), st.integers(0, 4))
edges = st.sampled_from([1, -1, 2**56 - 1, 2**56, 2**63 - 1, -(2**63), -(2**56)])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(marks, crowded, edges), max_size=300), st.lists(st.one_of(marks, crowded, edges), max_size=50)
)
def test_it_is_a_set(added: list[int], asked: list[int]) -> None:
    """`add` tells what is new, `in` what was added, `len` how many."""
    seen, real = Seen(), set[int]()
    for mark in added:
        assert seen.add(mark) == (mark not in real)
        real.add(mark)
    assert len(seen) == len(real)
    assert all((mark in seen) == (mark in real) for mark in [*asked, *added])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(marks, crowded, edges), max_size=50), st.lists(st.one_of(marks, crowded, edges), max_size=2000)
)
def test_filling_is_adding(there: list[int], added: list[int]) -> None:
    """Many at once make the same set, and each may come twice or be there already."""
    seen = Seen()
    for mark in there:
        seen.add(mark)
    seen.fill(added)
    assert len(seen) == len({*there, *added})
    assert all(mark in seen for mark in [*there, *added])
    assert not any(seen.add(mark) for mark in added)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.one_of(few, edges), st.booleans()), max_size=200))
def test_what_is_taken_out_is_gone_and_nothing_else(steps: list[tuple[int, bool]]) -> None:
    """Also where many numbers want one slot."""
    seen, real = Seen(), set[int]()
    for mark, add in steps:
        if add:
            assert seen.add(mark) == (mark not in real)
            real.add(mark)
        else:
            seen.discard(mark)
            real.discard(mark)
        assert len(seen) == len(real)
    assert all((mark in seen) == (mark in real) for mark, _ in steps)


def test_zero_is_never_in_it() -> None:
    """Zero marks a free slot."""
    seen = Seen()
    assert 0 not in seen
    for mark in range(1, 5000):
        seen.add((mark % 256 - 128) << 56 | mark)
    assert 0 not in seen


def test_it_grows_without_losing_anyone() -> None:
    """Every shard doubles many times on the way to 200,000."""
    random, seen = Random(7), Seen()
    numbers = [random.randrange(-(2**63), 2**63) or 1 for _ in range(200_000)]
    assert all(seen.add(number) for number in numbers)
    assert not any(seen.add(number) for number in numbers)
    assert all(number in seen for number in numbers)
    assert len(seen) == len(set(numbers))


def test_a_fingerprint_costs_a_few_bytes() -> None:
    """A Python set takes 82."""
    random = Random(8)
    tracemalloc.start()
    try:
        seen = Seen()
        empty = tracemalloc.get_traced_memory()[0]
        for _ in range(200_000):
            seen.add(random.randrange(-(2**63), 2**63) or 1)
        assert (tracemalloc.get_traced_memory()[0] - empty) / len(seen) <= BYTES_EACH
    finally:
        tracemalloc.stop()
