"""What a body is: by its label as far as a browser believes it, by its first bytes where the label lies."""

from __future__ import annotations

import pytest
from case import case, row, table

from scraper.mime import Kind, essence, kind_of_body
from scraper.page import Page
from scraper.request import Request
from scraper.response import Headers, Response

SNIFFING = "WHATWG MIME Sniffing"
MP4 = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8
NOISE = bytes(range(256)) * 8


def page(body: bytes, content_type: str = "", **more: str) -> Page:
    fields = [("Content-Type", content_type)] if content_type else []
    fields += [(name.replace("_", "-"), value) for name, value in more.items()]
    return Page(
        Response(Request("http://s.test/"), status=200, url="http://s.test/", headers=Headers(tuple(fields)), body=body)
    )


@table(
    "content",
    "body, content_type, kind",
    [
        row("html", b"<p>x", "text/html", "html"),
        row("html-upper-label", b"<p>x", "Text/HTML; Charset=utf-8", "html"),
        row("html-without-markup", b"hello", "text/html", "html"),
        row("html-empty", b"", "text/html", "html"),
        row("html-nul-inside", b"<!doctype html>\0\0<p>x", "text/html", "html"),
        row("html-in-utf-16", "<p>x".encode("utf-16"), "text/html", "html"),
        row("html-in-utf-16-by-header", "\n<p>x".encode("utf-16-le"), "text/html; charset=utf-16le", "html"),
        row("xhtml", b"<?xml version='1.0'?><html>", "application/xhtml+xml", "html"),
        row("last-of-two-labels", b"<p>", "text/plain, text/html", "html"),
        row("pdf-called-html", b"%PDF-1.7\n%\xe2\xe3", "text/html", "pdf"),
        row("png-called-html", b"\x89PNG\r\n\x1a\n\0\0", "text/html", "image"),
        row("gif-called-html", b"GIF89a\1\0\1\0", "text/html; charset=utf-8", "image"),
        row("jpeg-called-html", b"\xff\xd8\xff\xe0\0\x10JFIF", "text/html", "image"),
        row("webp-called-html", b"RIFF\x24\0\0\0WEBPVP8 ", "text/html", "image"),
        row("bmp-called-html", b"BM\x46\0\0\0\0\0\0\0", "text/html", "image"),
        row("ico-called-html", b"\0\0\1\0\1\0\x10\x10", "text/html", "image"),
        row("mp4-called-html", MP4, "text/html", "video"),
        row("webm-called-html", b"\x1aE\xdf\xa3\x01\0\0\0", "text/html", "video"),
        row("avi-called-html", b"RIFF\x24\0\0\0AVI LIST", "text/html", "video"),
        row("mp3-called-html", b"ID3\x03\0\0\0\0", "text/html", "audio"),
        row("ogg-called-html", b"OggS\0\2\0\0", "text/html", "audio"),
        row("zip-called-html", b"PK\x03\x04\x14\0\0\0", "text/html", "archive"),
        row("gzip-called-html", b"\x1f\x8b\x08\0\0\0", "text/html", "archive"),
        row("7z-called-html", b"7z\xbc\xaf\x27\x1c\0\4", "text/html", "archive"),
        row("woff-called-html", b"wOF2\0\1\0\0", "text/html", "font"),
        row("elf-called-html", b"\x7fELF\2\1\1\0", "text/html", "binary"),
        row("sqlite-called-html", b"SQLite format 3\0", "text/html", "binary"),
        row("noise-called-html", NOISE, "text/html", "binary"),
        row("bmw-is-no-bitmap", b"BMW sells cars", "text/html", "html"),
        row("html-called-plain", b"\n <!DOCTYPE HTML><p>x", "text/plain", "html"),
        row("html-called-bytes", b"<html><p>x", "application/octet-stream", "html"),
        row("html-called-json", b"<html><p>error", "application/json", "html"),
        row("html-with-bom-called-plain", b"\xef\xbb\xbf<html>", "text/plain", "html"),
        row("html-unlabelled", b"<table><tr>", "", "html"),
        row("html-comment-unlabelled", b"<!-- x --><p>", "", "html"),
        row("any-tag-unlabelled", b"<meta charset=koi8-r><p>", "", "html"),
        row("sitemap-unlabelled", b"<urlset><url>", "", "xml"),
        row("html-unknown-label", b"<h1>x</h1>", "unknown/unknown", "html"),
        row("tag-that-only-begins-alike", b"<paragraph>", "text/plain", "text"),
        row("plain", b"1 < 2 <b>", "text/plain", "text"),
        row("plain-noise", NOISE, "text/plain", "binary"),
        row("plain-utf-16", "x".encode("utf-16"), "text/plain", "text"),
        row("css", b"<!-- a {} -->", "text/css", "text"),
        row("script", b"<!-- x", "text/javascript", "text"),
        row("csv", b"a,b\n", "text/csv", "text"),
        row("json", b' {"a": 1}', "application/json", "json"),
        row("json-suffix", b"[]", "application/ld+json; charset=utf-8", "json"),
        row("json-unlabelled", b' {"a": 1}', "", "json"),
        row("xml", b"<rss>", "text/xml", "xml"),
        row("xml-suffix", b"<feed>", "application/atom+xml", "xml"),
        row("svg", b"<svg xmlns='x'>", "image/svg+xml", "xml"),
        row("xml-unlabelled", b"<?xml version='1.0'?><rss>", "", "xml"),
        row("image", b"\x89PNG\r\n\x1a\n", "image/png", "image"),
        row("image-with-a-wrong-name", b"GIF87a\1\0", "image/png", "image"),
        row("pdf-called-bytes", b"%PDF-1.4", "application/octet-stream", "pdf"),
        row("bytes", NOISE, "application/octet-stream", "binary"),
        row("text-called-bytes", b"hello\n", "application/octet-stream", "text"),
        row("unlabelled-noise", NOISE, "", "binary"),
        row("unlabelled-text", b"hello\n", "", "text"),
        row("unlabelled-empty", b"", "", "text"),
        row("broken-label", b"hello", ";;;", "text"),
    ],
    behaviour="A body comes with the right label, a wrong one or none.",
    expectation="It is taken for what it is.",
    source=f"{SNIFFING} 5 to 7",
)
def test_a_body_is_what_it_is(body: bytes, content_type: str, kind: str) -> None:
    """Label and first bytes together tell the kind, and selectors see markup only."""
    one = page(body, content_type)
    assert one.kind == kind
    assert one.is_html == (kind == "html")
    if kind not in ("html", "xml"):
        assert one.css("*").html is None


@case(
    "content",
    "nosniff",
    behaviour="X-Content-Type-Options: nosniff with text/plain and HTML in it.",
    expectation="It is text, as the server insists.",
    source=f"{SNIFFING} 5.1",
)
def test_a_server_may_forbid_sniffing() -> None:
    """nosniff keeps plain text plain, but makes no film into a page."""
    assert page(b"<html>", "text/plain", x_content_type_options="nosniff").kind is Kind.TEXT
    assert page(MP4, "text/html", x_content_type_options="NoSniff").kind is Kind.VIDEO


@case(
    "content",
    "film-of-16-mib-called-html",
    behaviour="A film of 16 MiB is labelled text/html.",
    expectation="It is not parsed; selectors and links find nothing; the bytes are there.",
    source="measured: a parsed page takes 16 times its size",
)
def test_a_film_is_never_parsed() -> None:
    """Asking a film for elements costs nothing and gives nothing."""
    film = page(MP4 + b"<a href=/x>" * 10 + bytes(16 * 1024 * 1024 - 200), "text/html")
    assert (film.kind, film.is_html) == (Kind.VIDEO, False)
    film.parse()
    assert film.title is None
    assert film.css("a").attr("href") is None
    assert film.follow("a").requests == film.follow_links().requests == ()
    assert film.base_url == "http://s.test/"


@case(
    "content",
    "links-of-html-only",
    behaviour="XML, JSON and text with things that look like links.",
    expectation="Only links of HTML pages are followed; a URL that the spider read can still be followed.",
    source="HTML standard 4.6.1",
)
def test_links_are_those_of_html() -> None:
    """follow_links sees HTML pages only."""
    for content_type in ("text/xml", "text/plain", "application/json"):
        one = page(b"<x><a href='/a'>a</a></x>", content_type)
        assert one.follow_links().requests == ()
        assert len(one.follow_url("/a").requests) == 1
    assert len(page(b"<a href=/a>", "text/html").follow_links().requests) == 1


@pytest.mark.parametrize(("label", "plain"), [("a/b", "a/b"), (" A/B ; c=d", "a/b"), ("", ""), ("x/y, a/b", "a/b")])
def test_the_essence_is_the_bare_type(label: str, plain: str) -> None:
    """Parameters, case and white space do not matter."""
    assert essence(label) == plain
    assert kind_of_body(b"", {"content-type": label}) in Kind
