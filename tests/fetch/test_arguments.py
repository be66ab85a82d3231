"""What a requests-style call means: params, data, json, headers, and what is cut off a URL."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.fetch.arguments import encode_body, merge_headers, split_url, with_params


@pytest.mark.parametrize(
    ("url", "params", "expected"),
    [
        ("http://a.test/", None, "http://a.test/"),
        ("http://a.test/", {}, "http://a.test/"),
        ("http://a.test/", {"a": 1, "b": "x y"}, "http://a.test/?a=1&b=x+y"),
        ("http://a.test/?z=0", {"a": 1}, "http://a.test/?z=0&a=1"),
        ("http://a.test/?", {"a": 1}, "http://a.test/?a=1"),
        ("http://a.test/", {"a": ["1", "2"], "b": None, "c": [None, 3]}, "http://a.test/?a=1&a=2&c=3"),
        ("http://a.test/", [("b", 1), ("a", 2), ("b", 3)], "http://a.test/?b=1&a=2&b=3"),
        ("http://a.test/", "raw=%20&x", "http://a.test/?raw=%20&x"),
        ("http://a.test/", b"raw", "http://a.test/?raw"),
        ("http://a.test/", {"q": "\u00e9&="}, "http://a.test/?q=%C3%A9%26%3D"),
    ],
)
def test_params_are_appended_to_the_query(url, params, expected):
    """Lists repeat a key, None leaves it out, text is taken as it is."""
    assert with_params(url, params) == expected


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1))))
def test_a_form_keeps_every_pair_in_order(pairs):
    """Whatever the characters, the server reads what was given."""
    body, kind = encode_body(pairs, None)
    assert parse_qsl(body.decode(), keep_blank_values=True) == pairs
    assert kind == ("application/x-www-form-urlencoded" if pairs else "")


@pytest.mark.parametrize(
    ("data", "json", "expected"),
    [
        (None, None, (b"", "")),
        ({"a": "1", "b": None}, None, (b"a=1", "application/x-www-form-urlencoded")),
        ("caf\u00e9", None, ("caf\u00e9".encode(), "")),
        (b"\xff", None, (b"\xff", "")),
        (None, {"a": [1]}, (b'{"a": [1]}', "application/json")),
        (None, 0, (b"0", "application/json")),
        ("", {"a": 1}, (b'{"a": 1}', "application/json")),
        ({"a": 1}, {"b": 2}, (b"a=1", "application/x-www-form-urlencoded")),
    ],
)
def test_data_is_a_form_or_the_body_itself_and_wins_over_json(data, json, expected):
    """As requests has it."""
    assert encode_body(data, json) == expected


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_is_not_json_is_refused(value):
    """NaN is no JSON, nor is any object."""
    with pytest.raises((ValueError, TypeError)):
        encode_body(None, value)


def test_later_headers_win_and_none_takes_one_away():
    """Names are compared without case; None never goes out."""
    base = {"Accept": "*/*", "X-A": "1", "x-gone": "1"}
    assert merge_headers(base, {"accept": "text/html", "X-Gone": None}) == {"accept": "text/html", "X-A": "1"}
    assert merge_headers() == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://a.test/b", ("http://a.test/b", "", "")),
        (" http://a.test/b#c d ", ("http://a.test/b", "#c%20d", "")),
        ("http://a.test/b#%41#", ("http://a.test/b", "#%41#", "")),
        ("http://user:p%40ss@a.test/", ("http://a.test/", "", "Basic dXNlcjpwQHNz")),
        ("HTTP://user@a.test", ("HTTP://a.test", "", "Basic dXNlcjo=")),
        ("http://u:p@w@a.test/", ("http://a.test/", "", "Basic dTpwQHc=")),
        ("http:///u:p@a.test/", ("http:///a.test/", "", "Basic dTpw")),
        ("http://a.test/@b?c@d", ("http://a.test/@b?c@d", "", "")),
        ("/b?u=http://x:y@z#f", ("/b?u=http://x:y@z", "#f", "")),
    ],
)
def test_fragment_and_login_are_cut_off_a_url(text, expected):
    """They are for the client, not for the request line; a login becomes HTTP's own form."""
    assert split_url(text) == expected
