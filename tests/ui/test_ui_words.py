"""Numbers and foreign text as a person may read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.ui.words import amount, duration, plural, reasons, safe


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (1, "1"), (1.25, "1.2"), (9.96, "10.0"), (10.4, "10"), (1234567, "1,234,567"), (0.04, "0.0")],
)
def test_an_amount_has_the_digits_that_matter(number: float, text: str) -> None:
    """Thousands are grouped; only small fractions show one."""
    assert amount(number) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (1000, "1,000 pages")])
def test_a_noun_agrees_with_its_number(number: int, text: str) -> None:
    """One page, two pages."""
    assert plural(number, "page") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (0.314, "0.31 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (60, "1m 00s"),
        (245, "4m 05s"),
        (3599.9, "59m 59s"),
        (3600, "1h 00m"),
        (11_220, "3h 07m"),
        (86_399, "23h 59m"),
        (86_400, "1d 00h"),
        (187_200, "2d 04h"),
        (9.999, "10.0 s"),
        (59.96, "1m 00s"),
    ],
)
def test_a_duration_has_two_parts_at_most(seconds: float, text: str) -> None:
    """The unit fits the size."""
    assert duration(seconds) == text


def test_reasons_come_the_most_frequent_first_and_end_somewhere() -> None:
    """Eight reasons at most, zeros never."""
    assert reasons({"robots": 3, "too_deep": 1, "scheme": 0}) == "3 robots, 1 too_deep"
    many = reasons({f"reason{n}": n for n in range(1, 20)})
    assert many.startswith("19 reason19, 18 reason18")
    assert many.endswith(", …")
    assert many.count("reason") == 8
    assert reasons({}) == ""


@given(st.text())
def test_safe_text_cannot_command_a_terminal(text: str) -> None:
    """Whatever comes in, no control, format or surrogate character comes out but line feed and tab."""
    out = safe(text)
    assert all(character.isprintable() or character in "\n\t" for character in out)
    out.encode()


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_readable_text_stays_as_it_is(text: str) -> None:
    """Letters of every script, digits and symbols are not touched."""
    assert safe(text) == text


@given(st.text(max_size=20), st.text(max_size=20))
def test_safe_text_is_escaped_part_by_part(one: str, other: str) -> None:
    """Escaping a whole is escaping its parts: nothing is formed at a seam."""
    assert safe(one + other) == safe(one) + safe(other)
