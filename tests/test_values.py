"""The values that travel through a crawl: URLs, requests, responses and their encodings, items, outcomes, errors.

Properties where there is a rule for everything, tables where a standard has one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import inspect
import json
import uuid
from collections import OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from functools import partial
from pathlib import PurePosixPath
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest
import webencodings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scraper import errors
from scraper.charset import declared_encoding, decode
from scraper.errors import (
    ConfigError,
    ConfigProblem,
    HTTPError,
    InvalidSchema,
    InvalidURL,
    ItemError,
    JSONDecodeError,
    MissingSchema,
    RequestException,
    ScraperError,
    SpiderError,
)
from scraper.item import MAX_BYTES, Record, is_item, to_record, weighed
from scraper.outcome import Failed, Fetched, Moved, Reason, Refused, Retry, kind_of
from scraper.request import Request, callback_name
from scraper.response import Headers, Response
from scraper.spider import Spider
from scraper.urls import Url, canonical, fingerprint, hostname, join, origin

bounded = settings(max_examples=200, deadline=None)

# -- URLs --------------------------------------------------------------------------------------------------------------

pieces = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
hosts = st.sampled_from(
    [
        "h.test",
        "H.TEST",
        "h.test:80",
        "h.test:8080",
        "127.0.0.1",
        "0x7f.1",
        "[::1]",
        "[::1]:81",
        "bücher.test",
        "h.test.",
    ]
)
absolute = st.builds(
    "{}://{}{}/{}?{}#{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["", "user@", "user:secret@", "@", ":@", "a%40b:c@"]),
    hosts,
    st.one_of(pieces, st.sampled_from(["a/../b", "./a", "a//b", "%7e", "%7E~", "a b", "ä", "a@b", "..", "%2e%2e/x"])),
    pieces,
    pieces,
)
references = st.one_of(
    pieces,
    absolute,
    st.builds("/{}".format, pieces),
    st.builds("?{}".format, pieces),
    st.builds("//{}/x".format, hosts),
)


class TestUrls:
    """One canonical form."""

    @bounded
    @given(absolute)
    @example("http://user:secret@h.test/#@")
    def test_the_canonical_form_is_its_own_canonical_form(self, text: str) -> None:
        """It is a fixed point, without fragment, user name and password, in ASCII, ready to go on the wire."""
        try:
            url = canonical(text)
        except InvalidURL:
            return
        assert canonical(str(url)) == url
        assert join(url, str(url)) == url
        assert url.isascii()
        assert url.isprintable()
        assert "#" not in url
        assert " " not in url
        assert "@" not in origin(url)
        assert url.startswith(origin(url) + "/")
        assert hostname(url) == hostname(origin(url))
        assert hostname(url) in origin(url)

    @bounded
    @given(absolute, references)
    def test_joining_gives_what_is_canonical(self, base: str, reference: str) -> None:
        """A link's URL is the seed's URL of the same text, whatever page it was found on."""
        try:
            page = canonical(base)
            url = join(page, reference)
        except InvalidURL:
            return
        assert canonical(str(url)) == url
        assert join(canonical("https://elsewhere.test/a/b?c"), str(url)) == url

    @bounded
    @given(absolute)
    def test_an_absolute_link_means_the_same_as_a_seed(self, text: str) -> None:
        """Both doors read one text alike."""
        try:
            seed = canonical(text)
        except InvalidURL:
            return
        assert join("https://elsewhere.test/a/b", text) == seed

    @pytest.mark.parametrize(
        "text", ["http://h.test/a\xa0", "http://h.test/a\u2003", "http://h.test/\x85", "\x00http://h.test/"]
    )
    def test_what_is_stripped_is_what_the_standard_strips(self, text: str) -> None:
        """C0 controls and spaces, and nothing that Python takes for white space besides."""
        assert canonical(text) == join("http://h.test/", text)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("HTTP://H.TEST", "http://h.test/"),
            ("http://h.test:80/", "http://h.test/"),
            ("https://h.test:443/", "https://h.test/"),
            ("http://h.test/a/../b/./c", "http://h.test/b/c"),
            ("http://h.test/%2e%2e/x", "http://h.test/x"),
            ("http://h.test/a b", "http://h.test/a%20b"),
            ("http://h.test/ä", "http://h.test/%C3%A4"),
            ("http://bücher.test/", "http://xn--bcher-kva.test/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://user:secret@h.test/a@b", "http://h.test/a@b"),
            ("http://h.test/#a#b", "http://h.test/"),
            ("  http://h.test/\n", "http://h.test/"),
            ("http://h.te\tst/a\nb", "http://h.test/ab"),
        ],
    )
    def test_spellings_of_one_url_are_one_request(self, one: str, other: str) -> None:
        """The same text on the wire, the same fingerprint."""
        assert canonical(one) == other
        assert Request(one).fingerprint == Request(other).fingerprint

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("http://h.test/a", "http://h.test/a/"),
            ("http://h.test/a", "https://h.test/a"),
            ("http://h.test/a", "http://h.test:8080/a"),
            ("http://h.test/a", "http://h.test/A"),
            ("http://h.test/?a=1&b=2", "http://h.test/?b=2&a=1"),
            ("http://h.test/%7E", "http://h.test/~"),
        ],
    )
    def test_what_a_server_may_tell_apart_stays_apart(self, one: str, other: str) -> None:
        """The standard does not say that they are one, so they are two."""
        assert canonical(one) != canonical(other)
        assert fingerprint(canonical(one)) != fingerprint(canonical(other))

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("example.com", MissingSchema),
            ("example.com:8080/x", MissingSchema),
            ("localhost:8080", MissingSchema),
            ("/path", MissingSchema),
            ("//h.test/", MissingSchema),
            ("", MissingSchema),
            ("   ", MissingSchema),
            ("mailto:a@b.test", InvalidSchema),
            ("javascript:void(0)", InvalidSchema),
            ("ftp://h.test/", InvalidSchema),
            ("file:///etc/passwd", InvalidSchema),
            ("http://", InvalidURL),
            ("http://[::1", InvalidURL),
            ("http://h.test:99999/", InvalidURL),
            ("http://a b/", InvalidURL),
            ("http://\ud800/", InvalidURL),
        ],
    )
    def test_what_cannot_be_requested_is_named_with_its_cure(self, text: str, kind: type[InvalidURL]) -> None:
        """The error quotes the text, and is no longer than a line."""
        with pytest.raises(InvalidURL) as caught:
            canonical(text)
        assert type(caught.value) is kind
        assert "\n" not in str(caught.value)
        if kind is MissingSchema:
            assert "write https://" in str(caught.value)

    def test_an_error_does_not_write_on_anybodys_terminal(self) -> None:
        """Foreign text is shortened and its control characters are spelt out."""
        for bad in ("mailto:\x1b[2J" + "x" * 9999, "http://[\x1b[31m", "\x1b[31mno scheme"):
            with pytest.raises(InvalidURL) as caught:
                canonical(bad)
            assert str(caught.value).isprintable()
            assert len(str(caught.value)) < 700

    @bounded
    @given(absolute, st.sampled_from(["GET", "POST", "PUT"]), st.binary(max_size=8))
    def test_a_fingerprint_is_url_method_and_body(self, text: str, method: str, body: bytes) -> None:
        """Never 0, always the same, and different as soon as one of the three is."""
        try:
            url = canonical(text)
        except InvalidURL:
            return
        mark = fingerprint(url, method, body)
        assert -(2**63) <= mark < 2**63
        assert mark
        assert mark == fingerprint(Url(str(url)), method, body)
        assert mark != fingerprint(url, method, body + b"x")
        assert mark != fingerprint(url, method + "X", body)


# -- requests ----------------------------------------------------------------------------------------------------------


class Books(Spider):
    """A spider with a callback."""

    def book(self, page: Any) -> None:
        """Take a book."""

    @classmethod
    def shared(cls, page: Any) -> None:
        """Take a book for everybody."""


class TestRequests:
    """What to fetch, as text and numbers."""

    def test_it_is_kept_in_one_form(self) -> None:
        """Canonical URL, method in capitals, headers as pairs, body as bytes, callback by name."""
        request = Request("HTTP://H.test", Books().book, method="post", headers={"A": "1", "B": "2"}, body="ä")
        assert (request.url, request.callback, request.method) == ("http://h.test/", "book", "POST")
        assert (request.headers, request.body) == ((("A", "1"), ("B", "2")), "ä".encode())
        assert isinstance(request.url, Url)
        assert dataclasses.replace(request, depth=3).url is request.url

    def test_it_cannot_be_changed(self) -> None:
        """Whoever holds one holds what others hold."""
        with pytest.raises(dataclasses.FrozenInstanceError):
            Request("http://h.test/").url = "http://x.test/"  # type: ignore[misc, assignment]

    @pytest.mark.parametrize("callback", [lambda page: None, partial(print), Books.book, Books, 5, None])
    def test_a_callback_without_a_name_is_refused(self, callback: Any) -> None:
        """A killed run finds its callbacks again by name."""
        with pytest.raises(SpiderError, match="by name"):
            callback_name(callback)

    def test_a_bound_method_has_a_name(self) -> None:
        """Of an instance or of the class."""
        assert callback_name(Books().book) == "book"
        assert callback_name(Books.shared) == "shared"

    @pytest.mark.parametrize("bad", ["h.test", "mailto:x", "http://["])
    def test_a_url_that_cannot_be_requested_is_refused(self, bad: str) -> None:
        """When it is made, not when it is fetched."""
        with pytest.raises(InvalidURL):
            Request(bad)

    @settings(max_examples=40, deadline=None)
    @given(
        st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.recursive(
                st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]))),
                lambda inner: (
                    st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
                ),
                max_leaves=8,
            ),
        )
    )
    def test_plain_meta_stays_what_it_is(self, meta: dict[str, Any]) -> None:
        """JSON data is not touched, and being plain twice is being plain."""
        plain = Request("http://h.test/", meta=meta).plain()
        assert plain.meta == meta
        assert plain.plain() == plain

    @pytest.mark.parametrize("bad", [{"x": object()}, {"x": "\ud800"}, {object(): 1}, {"x": len}])
    def test_meta_that_is_not_plain_is_refused(self, bad: dict[Any, Any]) -> None:
        """The error names the request."""
        with pytest.raises(SpiderError, match=r"http://h\.test/"):
            Request("http://h.test/", meta=bad).plain()

    def test_meta_that_holds_itself_is_refused(self) -> None:
        """It ends."""
        meta: dict[str, Any] = {}
        meta["self"] = meta
        with pytest.raises(SpiderError):
            Request("http://h.test/", meta=meta).plain()


# -- responses ---------------------------------------------------------------------------------------------------------


def response(body: bytes = b"", *, status: int = 200, content_type: str = "", **headers: str) -> Response:
    """Return an answer to a request for http://h.test/."""
    pairs = [("Content-Type", content_type)] if content_type else []
    raw = (*pairs, *((name.replace("_", "-"), value) for name, value in headers.items()))
    request = Request("http://h.test/")
    return Response(request, status=status, url=request.url, headers=Headers(raw), body=body)


class TestResponses:
    """What a server answered."""

    def test_headers_are_found_however_they_are_spelt(self) -> None:
        """Repeated ones are joined, and can be had one by one."""
        headers = Headers((("Set-Cookie", "a=1"), ("X-One", "1"), ("set-cookie", "b=2")))
        assert headers["SET-COOKIE"] == "a=1, b=2"
        assert headers.get_all("Set-cookie") == ("a=1", "b=2")
        assert "x-one" in headers
        assert 5 not in headers
        assert (len(headers), list(headers), headers.get("none")) == (2, ["set-cookie", "x-one"], None)

    def test_a_response_is_a_value(self) -> None:
        """Equal when its fields are, never changed, made anew with another field; the texts are worked out again."""
        one = response(b"<p>\xe9", content_type="text/html; charset=latin-1")
        assert (one.text, one.headers) == ("<p>é", one.headers)
        other = dataclasses.replace(one, body=b"<p>a")
        assert (other.text, other.url, other.status, other.history) == ("<p>a", one.url, 200, ())
        assert dataclasses.replace(other, body=one.body) == one != other
        assert len(Response(Request("http://h.test/"), status=204, url="http://h.test/").headers) == 0
        with pytest.raises(dataclasses.FrozenInstanceError):
            one.status = 404  # type: ignore[misc]

    def test_a_response_may_have_further_fields(self) -> None:
        """A subclass that is a dataclass has the defaults of this one."""
        made = dataclasses.make_dataclass("Kept", [("place", str, "here")], bases=(Response,), frozen=True)
        kept = made(Request("http://h.test/"), status=200, url="http://h.test/")
        assert (kept.place, kept.body, len(kept.headers), kept.ok) == ("here", b"", 0, True)

    @pytest.mark.parametrize("status", [100, 200, 204, 301, 304, 399])
    def test_a_status_below_400_raises_nothing(self, status: int) -> None:
        """As in `requests`."""
        answer = response(status=status)
        answer.raise_for_status()
        assert answer.ok
        assert bool(answer)

    @pytest.mark.parametrize(
        ("status", "side"), [(400, "Client"), (404, "Client"), (499, "Client"), (500, "Server"), (599, "Server")]
    )
    def test_a_status_from_400_raises(self, status: int, side: str) -> None:
        """The message has status, side and URL; the error carries request and response."""
        answer = response(status=status)
        with pytest.raises(HTTPError, match=f"{status} {side} Error: .*http://h.test/") as caught:
            answer.raise_for_status()
        assert (caught.value.response, caught.value.request) == (answer, answer.request)
        assert not answer

    @pytest.mark.parametrize(
        ("status", "location", "expected"),
        [
            (301, True, True),
            (303, True, True),
            (308, True, True),
            (300, True, False),
            (304, True, False),
            (302, False, False),
        ],
    )
    def test_a_redirect_says_where_to(self, status: int, location: bool, expected: bool) -> None:
        """A 3xx without Location, or of another meaning, is an answer."""
        assert response(status=status, **({"Location": "/x"} if location else {})).is_redirect is expected

    @pytest.mark.parametrize(
        "text", ["{}", "[1, 2.5, null, true]", '"text"', '{"ä": "日本 😀"}', "123456789012345678901234567890", " {} \n"]
    )
    @pytest.mark.parametrize("encoding", ["utf-8", pytest.param("utf-8-sig"), "utf-16", "utf-16le", "iso-8859-1"])
    def test_json_is_read_in_its_encoding(self, text: str, encoding: str) -> None:
        """UTF-8 with or without a mark, UTF-16 with one, or whatever the header says."""
        label = "utf-8" if encoding.startswith("utf-8") else encoding
        try:
            body = text.encode(encoding)
        except UnicodeEncodeError:
            pytest.skip("this encoding has no such letters")
        assert response(body, content_type=f"application/json; charset={label}").json() == json.loads(text)

    @pytest.mark.parametrize("mark", [pytest.param(b"", id="plain"), pytest.param(b"\xef\xbb\xbf", id="marked")])
    def test_json_without_a_header_is_utf8(self, mark: bytes) -> None:
        """A byte order mark may be ignored (RFC 8259, 8.1), and every other client does."""
        assert response(mark + '{"ä": 1}'.encode()).json() == {"ä": 1}

    def test_json_is_not_searched_for_the_meta_tags_of_pages(self) -> None:
        """JSON is UTF-8 (RFC 8259, 8.1), also when a text in it quotes a page of another encoding."""
        data = {"html": "<meta charset='windows-1251'>", "name": "日本"}
        body = json.dumps(data, ensure_ascii=False).encode()
        assert response(body, content_type="application/json").json() == data

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"{",
            b'{"a": NaN}',
            b"\xff",
            b'"\\ud800"',
            pytest.param(
                b"[" * 100_000,
            ),
        ],
    )
    def test_what_is_not_json_is_our_error(self, body: bytes) -> None:
        """JSONDecodeError, which is a ValueError too, with the URL."""
        with pytest.raises(JSONDecodeError, match=r"http://h\.test/") as caught:
            response(body).json()
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, RequestException)

    def test_a_reason_is_the_servers_or_the_standards(self) -> None:
        """And "" for a status that nobody knows."""
        assert (response(status=404).reason, response(status=799).reason) == ("Not Found", "")


PAGE = "<html><p>Größe 日本</p>"


class TestCharset:
    """WHATWG: mark, header, meta, XML, UTF-8, windows-1252."""

    @pytest.mark.parametrize(
        ("body", "header", "expected"),
        [
            (b"", "", "utf-8"),
            (b"plain", "", "utf-8"),
            ("é".encode(), "", "utf-8"),
            (b"caf\xe9", "", "windows-1252"),
            (b"\xef\xbb\xbfx", "text/html; charset=koi8-r", "utf-8"),
            (b"\xff\xfex\0", "text/html; charset=utf-8", "utf-16le"),
            (b"\xfe\xff\0x", "", "utf-16be"),
            (b"x", "text/html; charset=ISO-8859-1", "windows-1252"),
            (b"x", 'text/html; charset="Shift_JIS"', "shift_jis"),
            (b"x", "text/html;CHARSET = euc-kr ; x=y", "euc-kr"),
            (b"x", "text/html; charset=latin-1x", "utf-8"),
            (b"x", "text/html; charset=utf-7", "utf-8"),
            (b"x", "text/html; charset=rot13", "utf-8"),
            (b"x", "text/html; charset=", "utf-8"),
            (b'<meta charset="koi8-r">', "", "koi8-r"),
            (b"<META CHARSET=koi8-r>", "", "koi8-r"),
            (b"<meta charset='koi8-r'/>", "text/html; charset=euc-jp", "euc-jp"),
            (b'<meta charset="koi8-r">', "text/html; charset=nonsense", "koi8-r"),
            (b'<meta http-equiv="Content-Type" content="text/html; charset=gb2312">', "", "gbk"),
            (b'<meta content="text/html; charset=big5" http-equiv=content-type>', "", "big5"),
            (b'<!-- <meta charset="koi8-r"> --><meta charset="euc-kr">', "", "euc-kr"),
            (b'<!-- <meta charset="koi8-r">', "", "utf-8"),
            (b'<meta charset="utf-16">', "", "utf-8"),
            (b'<meta charset="x-user-defined">', "", "windows-1252"),
            (b"x" * 1024 + b'<meta charset="koi8-r">', "", "utf-8"),
            (b'<?xml version="1.0" encoding="koi8-r"?><a/>', "", "koi8-r"),
            (b'<metal charset="koi8-r">', "", "utf-8"),
        ],
    )
    def test_the_decision_is_that_of_browsers(self, body: bytes, header: str, expected: str) -> None:
        """Mark before header before meta; labels mean what they mean on the web; Python's own codecs never count."""
        assert declared_encoding(body, header) == expected

    @pytest.mark.parametrize("content", ['name="description" content="about charset=koi8-r"', 'data-charset="koi8-r"'])
    def test_only_the_attributes_that_say_so_say_it(self, content: str) -> None:
        """`charset`, or `content` together with `http-equiv`; a description may speak of encodings."""
        assert declared_encoding(f"<meta {content}>".encode()) == "utf-8"

    @pytest.mark.parametrize("label", sorted(webencodings.LABELS))
    def test_every_label_of_the_web_can_be_read(self, label: str) -> None:
        """No server can name an encoding that breaks the page."""
        encoding = declared_encoding(PAGE.encode(), f"text/html; charset={label}")
        assert isinstance(decode(bytes(range(256)), encoding), str)

    @bounded
    @given(st.binary(max_size=200), st.text(max_size=30))
    def test_no_body_and_no_header_can_break_it(self, body: bytes, header: str) -> None:
        """Whatever they are, there is an encoding, and the body is text in it."""
        encoding = declared_encoding(body, f"text/html; charset={header}")
        assert isinstance(decode(body, encoding), str)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_a_byte_order_mark_is_no_text(self, encoding: str) -> None:
        """It says what the rest is and is gone."""
        assert response(PAGE.encode(encoding)).text == PAGE

    def test_wrong_bytes_become_the_replacement_character(self) -> None:
        """Nothing is raised and nothing before or behind is lost."""
        assert response(b"a\xffb", content_type="text/html; charset=utf-8").text == "a\ufffdb"


# -- items -------------------------------------------------------------------------------------------------------------


class Typed(TypedDict):
    """An item as a typed dict."""

    n: int


class Struct(msgspec.Struct):
    """An item as a struct."""

    n: int
    inner: Any = None


@dataclasses.dataclass
class Data:
    """An item as a dataclass."""

    n: int
    inner: Any = None


@dataclasses.dataclass(slots=True)
class Slotted(Data):
    """An item whose class has another one's fields and one more."""

    more: Any = None


class Model(pydantic.BaseModel):
    """An item as a pydantic model."""

    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    n: int
    inner: Any = None


class Text(str):
    """A text of its own kind."""

    __slots__ = ()


class Number(float):
    """A number of its own kind."""

    __slots__ = ()


class Colour(enum.Enum):
    """A choice."""

    RED = "red"


class Size(enum.StrEnum):
    """A choice that is a text."""

    BIG = "big"


Point = namedtuple("Point", "x y")


def attrs_item(inner: Any) -> Any:
    """Return an item of an attrs class, where attrs is installed."""
    attrs = pytest.importorskip("attrs")
    return attrs.make_class("Attrs", {"n": attrs.field(), "inner": attrs.field(default=None)})(1, inner)


def kinds(inner: Any) -> list[Any]:
    """Return one item of each kind, with `inner` in the field of that name."""
    return [
        {"n": 1, "inner": inner},
        OrderedDict(n=1, inner=inner),
        Data(1, inner),
        Slotted(1, inner),
        Struct(1, inner),
        Model(n=1, inner=inner),
        attrs_item(inner),
    ]


UNWRITABLE = [
    *(float("nan"), float("inf"), -float("inf"), Number("nan"), 10**5000, object(), 1j, len, Data),
    *(PurePosixPath("/x"), iter([1]), {(1, 2): 3}, {None: 1, object(): 2}, [[object()]]),
]
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.dates(), st.decimals()
)
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
usual = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(Url("http://h.test/")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


class TestItems:
    """What a spider may yield as data, and what becomes of it."""

    @pytest.mark.parametrize("number", range(7))
    def test_every_kind_of_item_is_the_same_record(self, number: int) -> None:
        """A dict of JSON data with text keys, nested ones too."""
        item = kinds(Data(2, [Struct(3), Model(n=4), {"n": 5}]))[number]
        expected = {"n": 2, "inner": [{"n": 3, "inner": None}, {"n": 4, "inner": None}, {"n": 5}]}
        record = to_record(item)
        assert is_item(item)
        assert record.pop("more", None) is None
        assert record == {"n": 1, "inner": expected}
        assert to_record(Typed(n=1)) == {"n": 1}

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, None),
            (True, True),
            (10**30, 10**30),
            (-0.5, -0.5),
            ("ä\U0001f600", "ä\U0001f600"),
            (b"\0\xff", "AP8="),
            (frozenset({1}), [1]),
            (Decimal("1.10"), "1.10"),
            (dt.date(2024, 2, 29), "2024-02-29"),
            (dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.UTC), "2024-02-29T01:02:03Z"),
            (dt.datetime(2024, 2, 29, 1, 2, 3, 4), "2024-02-29T01:02:03.000004"),
            (dt.time(1, 2), "01:02:00"),
            (dt.timedelta(seconds=90), "PT90S"),
            (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (Colour.RED, "red"),
            (Size.BIG, "big"),
            (Text("ä"), "ä"),
            (Number(2.5), 2.5),
            (OrderedDict(a=1), {"a": 1}),
            (defaultdict(list, a=[1]), {"a": [1]}),
            ({1: "a", 2.5: "b", Colour.RED: "c"}, {"1": "a", "2.5": "b", "red": "c"}),
            ({Text("k"): {Text("l"): 1}}, {"k": {"l": 1}}),
            (Url("http://h.test/"), "http://h.test/"),
            ("\ud800a\udfff", "\ufffda\ufffd"),
            ("\ud83d\ude00", "\U0001f600"),
            ({"\ud800": "\udc00"}, {"\ufffd": "\ufffd"}),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_a_value_becomes_what_json_has(self, value: Any, expected: Any) -> None:
        """The same, wherever it stands, and always a valid text of UTF-8."""
        for item in kinds(value):
            assert to_record(item)["inner"] == expected
        record = to_record({"inner": [{"deep": value}]})
        assert record["inner"] == [{"deep": expected}]
        assert json.loads(msgspec.json.encode(record)) == record

    @pytest.mark.parametrize("value", UNWRITABLE, ids=lambda value: type(value).__name__)
    def test_what_json_has_not_is_refused_and_its_field_is_named(self, value: Any) -> None:
        """In every kind of item: the message says which field of a page with forty it was."""
        for item in kinds(value):
            with pytest.raises(ItemError) as caught:
                to_record(item)
            assert isinstance(item, Model) or "'inner" in str(caught.value), type(item).__name__

    def test_the_field_of_a_pydantic_model_is_named_too(self) -> None:
        """Not what pydantic keeps its fields in."""
        with pytest.raises(ItemError, match="'inner'"):
            to_record(Model(n=1, inner=object()))

    @pytest.mark.parametrize("wrap", [tuple, lambda values: Point(values[0], 1)], ids=["tuple", "named tuple"])
    def test_a_tuple_is_a_list(self, wrap: Any) -> None:
        """In JSON there is no difference, so what is inside one is looked at as closely."""
        assert to_record({"inner": wrap([1])})["inner"][:1] == [1]
        assert to_record({"inner": wrap(["\ud800"])})["inner"][:1] == ["\ufffd"]
        for bad in (float("nan"), 10**5000):
            with pytest.raises(ItemError, match="inner"):
                to_record({"inner": wrap([bad])})

    def test_what_is_broken_deep_inside_is_named_with_its_way(self) -> None:
        """So that a person finds it."""
        with pytest.raises(ItemError, match=r"'offers\[1\]\.price'"):
            to_record({"offers": [{"price": 1.0}, {"price": float("nan")}]})

    def test_loops_and_towers_end(self) -> None:
        """An item that holds itself, or is nested without end, is refused, not followed."""
        loop: dict[str, Any] = {"a": 1}
        loop["inner"] = loop
        tower: Any = "top"
        for _ in range(100_000):
            tower = [tower]
        twin = Data(1)
        twin.inner = twin
        for item in (loop, {"inner": tower}, twin):
            with pytest.raises(ItemError, match="inner"):
                to_record(item)
        flat: Any = "top"
        for _ in range(60):
            flat = [flat]
        assert to_record({"inner": flat})

    def test_what_is_held_often_weighs_as_often(self) -> None:
        """Forty fields that share one list are refused before any JSON is made of them, in whatever shape."""
        shared = [["x" * 1000] * 64] * 64
        for item in ({f"f{n}": shared for n in range(40)}, {"f": {"k" * 1000 + str(n): shared for n in range(40)}}):
            with pytest.raises(ItemError, match="larger than"):
                to_record(item)

    def test_two_keys_that_become_one_lose_nothing_silently(self) -> None:
        """1 and "1" are two keys of a dict and one of JSON."""
        with pytest.raises(ItemError, match="inner"):
            to_record({"inner": {1: "a", "1": "b"}})

    def test_what_is_no_item_is_said_so(self) -> None:
        """Classes, numbers and texts are none; a dict is."""
        assert not any(map(is_item, [Data, Struct, Model, 1, "x", None, [1], {1}, (1,)]))
        with pytest.raises(ItemError, match="not an item"):
            to_record([1])

    @bounded
    @given(values)
    def test_a_record_can_be_written_or_there_is_an_error(self, value: Any) -> None:
        """Nothing in between: what `to_record` returns goes through every writer of JSON and comes back."""
        try:
            record: Record = to_record({"value": value})
        except ItemError as refused:
            error = str(refused)
        else:
            assert msgspec.json.decode(msgspec.json.encode(record)) == record
            assert json.loads(json.dumps(record, allow_nan=False)) == record
            return
        assert "value" in error

    @bounded
    @given(st.dictionaries(st.text() | st.integers(), usual, max_size=4))
    @example({"value": ["\ud800"]})
    @example({"\ud800": 1})
    @example({"value": {"\ud800": 1}})
    @example({Url("http://h.test/"): 1})
    @example({"value": {Url("http://h.test/"): 1}})
    @example({"value": [{1: "a", "1": "b"}]})
    @example({"value": 10**4250})
    @example({"value": [[[[[[[[["deep"]]]]]]]]]})
    def test_the_usual_item_is_the_record_that_a_closer_look_gives(self, item: dict[Any, Any]) -> None:
        """A dict takes a short way, a subclass of dict takes none; in both the size is that of the JSON."""
        told: list[object] = []
        for one in (item, OrderedDict(item)):
            try:
                record, size = weighed(one)
            except ItemError:
                told.append(None)
            else:
                assert size == len(msgspec.json.encode(record))
                assert repr(record) == repr(to_record(one))
                assert "Url" not in str(set(map(type, (*record, *record.values()))))
                told.append(repr(record))
        assert told[0] == told[1]

    def test_what_is_weighed_is_small_enough(self) -> None:
        """An item that is too large is refused by the name of its largest field, whatever makes it large."""
        for item in (
            {"small": 1, "big": "x" * MAX_BYTES},
            {"small": 1, "big": ["é" * 200_000] * 64},
            {"big" * 6_000_000: 1},
        ):
            with pytest.raises(ItemError, match=r"field 'big(big)*'.* bytes"):
                weighed(item)

    def test_making_a_record_changes_nothing_and_shares_nothing(self) -> None:
        """The spider may go on using what it has yielded."""
        item = {"inner": {"list": [1, {"n": 2}]}}
        record = to_record(item)
        record["inner"]["list"][1]["n"] = 3
        assert item == {"inner": {"list": [1, {"n": 2}]}}


# -- outcomes and errors -----------------------------------------------------------------------------------------------


class TestOutcomes:
    """The ways a visit ends."""

    def test_the_numbers_that_are_stored_never_change(self) -> None:
        """A state file of last year says the same next year."""
        outcomes = [
            Fetched(200),
            Refused(Reason.ROBOTS),
            Failed("dns"),
            Retry("dns", 1.0),
            Moved(Url("http://h.test/"), 301),
        ]
        assert [kind_of(outcome) for outcome in outcomes] == [1, 2, 3, 4, 5]

    def test_reasons_are_their_own_words(self) -> None:
        """What is stored, shown and counted is one text each."""
        assert all(str(reason) == reason.value == reason.name.lower() for reason in Reason)


ALL_ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


class TestErrors:
    """The error tree."""

    def test_the_drawn_tree_has_every_error(self) -> None:
        """Whoever reads the top of the file has read the file; whatever is there can be imported by name."""
        for kind in ALL_ERRORS:
            assert kind.__name__ in (errors.__doc__ or "")
            assert kind.__name__ in errors.__all__
            assert issubclass(kind, ScraperError)

    @pytest.mark.parametrize(
        "kind", [k for k in ALL_ERRORS if issubclass(k, RequestException)], ids=lambda k: k.__name__
    )
    def test_an_error_of_a_request_speaks_for_itself(self, kind: type[RequestException]) -> None:
        """A code that outcomes use, a sentence without arguments, and room for request and response."""
        error = kind()
        assert error.reason.replace("_", "").isalpha()
        assert str(error).endswith((".", ";")) or str(error)
        assert (error.request, error.response) == (None, None)
        assert str(kind("because")) == "because"
        assert isinstance(error, OSError)

    def test_a_config_problem_says_where(self) -> None:
        """File, line and column as editors jump to them, then the key, then what is wrong."""
        problem = ConfigProblem("is no number", path="limits.pages", file="a.yaml", line=3, column=7)
        assert str(problem) == "a.yaml:3:7: limits.pages: is no number"
        assert str(ConfigProblem("missing", file="a.yaml")) == "a.yaml: missing"
        assert str(ConfigError(problem, "second")) == "a.yaml:3:7: limits.pages: is no number\nsecond"
        assert ConfigError("x").problems == (ConfigProblem("x"),)
