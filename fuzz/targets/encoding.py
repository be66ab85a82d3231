"""Encodings and kinds: which encoding a body is in, its text, what kind of thing it is, and JSON read from it.

The first line of an input is the Content-Type, the rest is the body. Python's own decoders are asked for a second
opinion where they and the web agree: UTF-8, UTF-16 and plain ASCII.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from webencodings.labels import LABELS

from fuzz.rules import unicode_text
from fuzz.target import Target
from scraper.charset import declared_encoding, decode, encoding_of_label
from scraper.errors import JSONDecodeError
from scraper.hrefs import with_encoded_query
from scraper.mime import Kind, kind_of_body
from scraper.request import Request
from scraper.response import Headers, Response

__all__ = ["EncodingTarget"]

ENCODINGS = tuple(sorted(set(LABELS.values())))
NOT_ASCII = ("utf-16be", "utf-16le", "replacement", "iso-2022-jp")  # where an ASCII byte may mean something else
LONGEST_CHARACTERS = 1.0  # a byte: no encoding of the web makes more of one
QUERY_LENGTH = 200  # characters of a text that is put into a query


class EncodingTarget(Target):
    """Every body has an encoding of the web, and a text."""

    name: ClassVar[str] = "encoding"
    rooms: ClassVar[str] = "charset, decoding, mime, hrefs (queries), response (text, json)"
    largest: ClassVar[int] = 32 * 1024
    base_seconds: ClassVar[float] = 0.1
    kilobyte_seconds: ClassVar[float] = 0.01  # of all forty encodings
    tokens: ClassVar[tuple[bytes, ...]] = (
        b"charset=", b"<meta charset=", b'<meta http-equiv="content-type" content="text/html; charset=',
        b"<?xml encoding='",
        b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x1b$B", b"\x1b(J", b"\x1b(I", b"\x1b(B", b"\x1b$@",
        b"\x81\x30\x81\x30",
        b"\xff\xff\xff\xff", b"\x8e\xa1", b"\x8f\xa1\xa1", b"\xfe\x50", b"\x84\x31\xa4\x37", b"\xe3\x32\x9a\x35",
        b"\xa4\xe8",
        b"<!--", b"-->", b"<", b">", b"</x a=", b"{", b"[", b'"\\ud800"', b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
        b"%PDF-",
        b"\0\0\0\x18ftypavif", b"RIFF", b"nan", b"1e999", *(name.encode() for name in ENCODINGS),
    )  # fmt: skip

    def seeds(self) -> Iterable[bytes]:
        """Return a sentence in every encoding, and declarations of every kind."""
        for name in ENCODINGS:
            yield b"text/html; charset=%s\nText \xd0\xa4 \x83\x41 \xb0\xa1 \xff" % name.encode()
        yield from (
            b"\n<meta charset=shift_jis>\x83e", b"\n<?xml version='1.0' encoding='koi8-r'?>\xd0",
            b'application/json\n{"a": [1]}',
            b"text/html; charset=\"utf-8\"\n<meta charset='x",
            b"text/html\n<meta http-equiv=content-type content='a;charset=big5'>\xa4\x40",
            b"application/json; charset=utf-16\n\xff\xfe{\0}\0", b"text/plain\n" + bytes(range(256)),
        )  # fmt: skip

    def strategy(self) -> SearchStrategy[bytes]:
        """Return declarations that agree or not, before text in some encoding or bytes in none."""
        name = st.sampled_from(ENCODINGS)
        declared = st.one_of(
            st.just(b""),
            st.builds(lambda label, quote: f"<meta charset={quote}{label}{quote}>".encode(), name,
            st.sampled_from(["", "'", '"'])),
            st.builds(lambda label: f"<?xml version='1.0' encoding='{label}'?>".encode(), name),
            name.map(
                lambda label: f"<!-- {label} --><meta http-equiv=content-type content='x; charset={label}'>".encode()
            ),
        )  # fmt: skip
        kind = st.one_of(
            st.just("text/html"), name.map("text/html; charset={}".format),
            st.text(st.characters(max_codepoint=255), max_size=40)
        )  # fmt: skip
        piece = st.one_of(
            st.binary(max_size=40),
            st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
            st.builds(lambda text, codec: text.encode(codec, "ignore"), st.text(max_size=20),
                      st.sampled_from(["gb18030", "shift_jis", "euc_jp", "big5", "euc_kr", "iso2022_jp", "cp1255",
                      "utf-16"])),
        )  # fmt: skip
        body = st.lists(piece, max_size=5).map(b"".join)
        return st.builds(
            lambda kind, declared, body: kind.replace("\n", " ").encode("latin-1") + b"\n" + declared + body,
            kind, declared, body,
        )  # fmt: skip

    def check(self, data: bytes) -> None:
        """Decide, decode, decode in every other encoding as well, sniff, read as JSON."""
        kind, _, body = data.partition(b"\n")
        label = kind.decode("latin-1")
        name = declared_encoding(body, label)
        assert name in ENCODINGS, "a server never chooses a codec of Python"
        assert encoding_of_label(label) in (None, *ENCODINGS), "a label means an encoding of the web or nothing"
        for encoding in ENCODINGS:
            _text(body, encoding)
        text = decode(body, name)
        assert decode(text.removeprefix("\ufeff").encode(), "utf-8").startswith(text[:1].strip("\ufeff")), "UTF-8 of it"
        _query(text[:QUERY_LENGTH], name)
        headers = Headers((("Content-Type", label),))
        assert isinstance(kind_of_body(body, headers), Kind), "every body is of some kind"
        _response(body, headers, text)


def _text(body: bytes, encoding: str) -> None:
    text = decode(body, encoding)
    unicode_text(text)
    assert len(text) <= LONGEST_CHARACTERS * len(body) + 1, "no byte makes two characters"
    if encoding == "utf-8":
        plain = body.removeprefix(b"\xef\xbb\xbf")
        assert text == plain.decode("utf-8", "replace"), "UTF-8 is as Python reads it"
    elif encoding not in NOT_ASCII and body.isascii():
        assert text == body.decode("ascii"), "ASCII is ASCII in every encoding that has it"


def _query(text: str, encoding: str) -> None:
    reference = f"/a?q={text.replace('#', '')}"
    written = with_encoded_query(reference, encoding)
    unicode_text(written)
    assert encoding.startswith(("utf", "replacement", "x-user")) or written.isascii(), "a query goes out as ASCII"


def _response(body: bytes, headers: Headers, text: str) -> None:
    response = Response(Request("http://s.test/"), status=200, url="http://s.test/", headers=headers, body=body)
    assert response.text == text, "a response decides alike"
    try:
        response.json()
    except JSONDecodeError as error:
        unicode_text(str(error))
