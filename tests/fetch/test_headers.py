"""The headers of an answer are what `Headers` says of its bytes, whoever is asked and whenever."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from scraper.fetch.headers import CameHeaders
from scraper.response import Headers

NAMES = st.sampled_from([b"Content-Type", b"content-type", b"Location", b"X-One", b"x-one"])
VALUES = st.one_of(
    st.sampled_from([b"", b"text/html", b"caf\xc3\xa9", b"caf\xe9", b"a, b"]),
    st.binary(max_size=4).map(lambda value: value.replace(b"\0", b"0")),
)
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(tuple)
ASKED = ("content-type", "CONTENT-TYPE", "Location", "x-one", "X-Two")


def came(raw: tuple[tuple[bytes, bytes], ...]) -> CameHeaders:
    """Return the headers of an answer with these lines, as aiohttp's parser hands them over."""
    parsed = CIMultiDict((name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in raw)
    return CameHeaders(CIMultiDictProxy(parsed), raw)


def text(name: bytes, value: bytes) -> str:
    """Return what a value means: UTF-8, else latin-1; the bytes of a Location stay what they are."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        if name.lower() == b"location":
            return "".join(chr(byte) if byte < 128 else f"%{byte:02X}" for byte in value)
        return value.decode("latin-1")


@given(LINES)
def test_they_are_the_headers_of_the_bytes(raw: tuple[tuple[bytes, bytes], ...]) -> None:
    """Each way to ask says what it says of headers that were read at once."""
    right = Headers(tuple((name.decode(), text(name, value)) for name, value in raw))
    for name in ASKED:
        assert came(raw).get(name) == right.get(name)
        assert came(raw).get(name, "none") == right.get(name, "none")
        assert came(raw).get_all(name) == right.get_all(name)
        assert (name in came(raw)) is (name in right)
        if name in right:
            assert came(raw)[name] == right[name]
    assert came(raw).raw == right.raw
    assert (dict(came(raw)), list(came(raw)), repr(came(raw))) == (dict(right), list(right), repr(right))
    assert came(raw) == right


def test_what_is_not_there_is_an_error_as_with_any_mapping() -> None:
    """A header that did not come, and a name that no header has."""
    headers = came(((b"A", b"1"),))
    with pytest.raises(KeyError):
        headers["B"]
    with pytest.raises(AttributeError):
        _ = headers.nothing
    assert 1 not in headers


def test_they_can_be_copied_and_kept() -> None:
    """A response that somebody keeps is worth no less for where its headers came from."""
    headers = came(((b"A", b"1"), (b"a", b"caf\xe9")))
    for again in (copy.copy(headers), copy.deepcopy(headers), pickle.loads(pickle.dumps(headers))):
        assert (again, again.raw) == (headers, (("A", "1"), ("a", "café")))
