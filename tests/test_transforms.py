"""Numbers and white space as pages write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.transforms import collapse, integer, number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("£1,234.50", 1234.5),
        ("1.234,56 €", 1234.56),
        ("1 234,56", 1234.56),
        ("1\u00a0234,56", 1234.56),
        ("1\u202f234\u202f567", 1234567.0),
        ("1'234.50", 1234.5),
        ("CHF 1\u2019234.50", 1234.5),
        ("₹1,23,456.78", 123456.78),
        ("In stock (22 available)", 22.0),
        ("-3.5", -3.5),
        ("\u22123", -3.0),
        ("-£3.50", -3.5),
        ("1.5", 1.5),
        ("1,5", 1.5),
        ("1,500", 1500.0),
        ("1.500", 1.5),
        ("0,500", 0.5),
        ("1,234,567.89", 1234567.89),
        ("1.234.567", 1234567.0),
        ("1.234.567,8", 1234567.8),
        ("1234,567", 1234.567),
        ("$.99", 0.99),
        ("007", 7.0),
        ("１２３", 123.0),
    ],
)
def test_a_number_is_read_as_it_is_meant(text: str, value: float) -> None:
    """Groups and fractions of the usual notations are told apart."""
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A-5", 5.0),  # a model, not minus five
        ("10-20", 10.0),
        ("- 5", 5.0),
        ("12.03.2024", 12.0),
        ("12:30", 12.0),
        ("1,2,3", 1.0),
        ("3,500, 4,000", 3500.0),
        ("4.5 120 reviews", 4.5),
        ("2024 150", 2024.0),
        ("Loading...5", 5.0),
        ("No.5", 5.0),
        ("That is 7.", 7.0),
    ],
)
def test_only_the_first_number_counts(text: str, value: float) -> None:
    """What stands around a number does not become a part of it."""
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "none", "½", "-", ".", "9" * 400])
def test_no_number_is_none(text: str) -> None:
    """Nothing, or what no float can hold, is None and never 0 or infinity."""
    assert number(text) is None
    assert integer(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("In stock (22 available)", 22),
        ("1,234 items", 1234),
        ("4.00", 4),
        ("-7", -7),
        ("12345678901234567890", 12345678901234567890),
        ("3.7", None),
        ("3,5 stars", None),
    ],
)
def test_an_integer_is_exact_or_none(text: str, value: int | None) -> None:
    """Nothing is cut off or rounded."""
    assert integer(text) == value


amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False, allow_infinity=False)
SWAPPED = str.maketrans(",.", ".,")


@given(amounts)
def test_both_notations_of_an_amount_are_read_back(amount: object) -> None:
    """English and continental spelling of any amount with cents mean that amount."""
    english = f"{amount:,.2f}"
    assert number(f"Price: {english} each") == float(str(amount))
    assert number(f"{english.translate(SWAPPED)} €") == float(str(amount))
    assert number(english.replace(",", "\u00a0").replace(".", ",")) == float(str(amount))


@given(st.integers(-(10**30), 10**30))
def test_any_whole_number_is_read_back(value: int) -> None:
    """With and without commas, an integer is itself."""
    assert integer(str(value)) == value
    assert integer(f"{value:,}") == value


@given(st.text() | st.text("0123456789.,- '\u00a0"))
def test_no_text_raises(text: str) -> None:
    """Any text gives a finite number or None, and `integer` agrees with `number`."""
    value, whole = number(text), integer(text)
    assert value is None or abs(value) < float("inf")
    assert whole is None or float(whole) == value


@given(st.text())
def test_collapsed_text_has_single_spaces_inside_only(text: str) -> None:
    """Collapsing leaves the words, one space apart, and does nothing the second time."""
    once = collapse(text)
    assert once.split() == text.split()
    assert collapse(once) == once
    assert "  " not in once
    assert once == once.strip()


def test_a_no_break_space_is_white_space() -> None:
    """What looks like a space is one."""
    assert collapse("\u00a0a \u00a0\n b\u2003") == "a b"
