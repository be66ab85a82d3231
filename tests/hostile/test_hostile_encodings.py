"""Character encodings: which one a page is in, and what its bytes mean then, as in a browser."""

from __future__ import annotations

import codecs

import pytest
from case import case, row, table
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scraper.charset import declared_encoding, decode, encoding_of_label
from scraper.page import Page
from scraper.request import Request
from scraper.response import Headers, Response

HTML = "HTML standard 13.2.3.2, prescan a byte stream"
ENCODING = "WHATWG Encoding standard"

# Encoding standard, 4.2: every label, by the name of the encoding that it means.
LABELS = {
    "big5": ("big5 big5-hkscs cn-big5 csbig5 x-x-big5"),
    "euc-jp": ("cseucpkdfmtjapanese euc-jp x-euc-jp"),
    "euc-kr": (
        "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949"
    ),
    "gb18030": ("gb18030"),
    "gbk": ("chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk"),
    "ibm866": ("866 cp866 csibm866 ibm866"),
    "iso-2022-jp": ("csiso2022jp iso-2022-jp"),
    "iso-8859-10": ("csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6"),
    "iso-8859-13": ("iso-8859-13 iso8859-13 iso885913"),
    "iso-8859-14": ("iso-8859-14 iso8859-14 iso885914"),
    "iso-8859-15": ("csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9"),
    "iso-8859-16": ("iso-8859-16"),
    "iso-8859-2": ("csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2"),
    "iso-8859-3": ("csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3"),
    "iso-8859-4": ("csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4"),
    "iso-8859-5": ("csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988"),
    "iso-8859-6": (
        "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
        "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987"
    ),
    "iso-8859-7": (
        "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7 "
        "iso_8859-7:1987 sun_eu_greek"
    ),
    "iso-8859-8": (
        "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 "
        "iso_8859-8:1988 visual"
    ),
    "iso-8859-8-i": ("csiso88598i iso-8859-8-i logical"),
    "koi8-r": ("cskoi8r koi koi8 koi8-r koi8_r"),
    "koi8-u": ("koi8-ru koi8-u"),
    "macintosh": ("csmacintosh mac macintosh x-mac-roman"),
    "replacement": ("csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement"),
    "shift_jis": ("csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis"),
    "utf-16be": ("unicodefffe utf-16be"),
    "utf-16le": ("csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le"),
    "utf-8": ("unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8"),
    "windows-1250": ("cp1250 windows-1250 x-cp1250"),
    "windows-1251": ("cp1251 windows-1251 x-cp1251"),
    "windows-1252": (
        "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
        "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252"
    ),
    "windows-1253": ("cp1253 windows-1253 x-cp1253"),
    "windows-1254": (
        "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 "
        "windows-1254 x-cp1254"
    ),
    "windows-1255": ("cp1255 windows-1255 x-cp1255"),
    "windows-1256": ("cp1256 windows-1256 x-cp1256"),
    "windows-1257": ("cp1257 windows-1257 x-cp1257"),
    "windows-1258": ("cp1258 windows-1258 x-cp1258"),
    "windows-874": ("dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874"),
    "x-mac-cyrillic": ("x-mac-cyrillic x-mac-ukrainian"),
    "x-user-defined": ("x-user-defined"),
}


@table(
    "content",
    "label, encoding",
    [row(f"label-{label}", label, name, behaviour=label) for name, words in LABELS.items() for label in words.split()],
    behaviour="The server says charset=",
    expectation="It is read as a browser reads that label.",
    source=f"{ENCODING} 4.2, names and labels",
)
def test_a_label_means_what_browsers_take_it_for(label: str, encoding: str) -> None:
    """Each label of the table, in any case and with white space around it, names its encoding."""
    assert encoding_of_label(label) == encoding
    assert encoding_of_label(f"\t\n\f\r {label.upper()} ") == encoding
    assert declared_encoding(b"\xe9", f'text/html; charset="{label}"') == encoding
    assert isinstance(decode(b"<p>\xe9\x80\xff", encoding), str)


@case(
    "content",
    "label-table-is-whole",
    behaviour="A page names any of the 228 labels, or none of them.",
    expectation="Exactly these are known.",
    source=f"{ENCODING} 4.2",
)
def test_the_table_is_whole() -> None:
    """There are 228 labels of 40 encodings (39 and replacement)."""
    assert sum(len(words.split()) for words in LABELS.values()) == 228
    assert len(LABELS) == 40


PYTHONS_OWN = (
    "base64 bz2 cp037 cp437 hex hz idna mbcs palmos ptcp154 punycode quopri raw_unicode_escape rot13 undefined "
    "unicode_escape utf-7 utf_8_sig utf-32 uu zlib big5_tw iso2022_jp_3 kz1048 latin_1 u8"
)


@table(
    "content",
    "label",
    [row(f"codec-{label}", label, behaviour=label) for label in PYTHONS_OWN.split()],
    behaviour="The server names a codec of Python's that is no label of the web:",
    expectation="The name is ignored; the body decides.",
    source="measured: base64 raised LookupError, unicode_escape made markup of \\u003c",
)
def test_a_server_cannot_choose_a_python_codec(label: str) -> None:
    """A codec name from the network never reaches Python's registry."""
    for content_type in (f"text/html; charset={label}", "text/html"):
        body = b"<meta charset=" + label.encode() + rb">\u003cscript\u003e"
        assert declared_encoding(body, content_type) == "utf-8"
        assert declared_encoding(body + b"\xe9", content_type) == "windows-1252"


FF = b"\xff"


@table(
    "content",
    "body, content_type, encoding",
    [
        row("bom-beats-header", codecs.BOM_UTF8 + b"x", "text/html; charset=koi8-r", "utf-8"),
        row("bom-utf-16le", b"\xff\xfex\0", "text/html; charset=utf-8", "utf-16le"),
        row("bom-utf-16be", b"\xfe\xff\0x", "", "utf-16be"),
        row("header-beats-meta", b"<meta charset=koi8-r>", "text/html; charset=shift_jis", "shift_jis"),
        row("header-quoted", FF, 'text/html;charset="windows-1251"', "windows-1251"),
        row("header-single-quotes", FF, "text/html; charset='windows-1251'", "windows-1251"),
        row("header-spaces", FF, "text/html ; CharSet = windows-1251 ; x=y", "windows-1251"),
        row("header-other-parameter", FF, "text/html; x-charset=windows-1251", "windows-1252"),
        row("header-unknown-label", b"<meta charset=koi8-r>", "text/html; charset=none", "koi8-r"),
        row("header-empty", b"<meta charset=koi8-r>", "text/html; charset=", "koi8-r"),
        row("header-not-ascii", FF, "text/html; charset=\udcff\u212a", "windows-1252"),
        row("header-utf-16", b"x\0", "text/html; charset=utf-16", "utf-16le"),
        row("meta", b"<meta charset=koi8-r>", "", "koi8-r"),
        row("meta-upper", b"<META CHARSET='KOI8-R'>", "", "koi8-r"),
        row("meta-slash", b'<meta/charset="koi8-r"/>', "", "koi8-r"),
        row("meta-spaces", b"<meta\n charset\t=\r 'koi8-r'>", "", "koi8-r"),
        row("meta-junk-attributes", b'<meta a=">" =b c charset=koi8-r d>', "", "koi8-r"),
        row("meta-first-attribute-counts", b"<meta charset=koi8-r charset=utf-8>", "", "koi8-r"),
        row("meta-unknown-then-known", b"<meta charset=no><meta charset=koi8-r>", "", "koi8-r"),
        row("meta-first-counts", b"<meta charset=koi8-r><meta charset=utf-8>", "", "koi8-r"),
        row("meta-in-comment", b"<!-- <meta charset=koi8-r> --><meta charset=big5>", "", "big5"),
        row("meta-after-short-comment", b"<!--><meta charset=koi8-r>", "", "koi8-r"),
        row("meta-in-open-comment", b"<!-- <meta charset=koi8-r>" + FF, "", "windows-1252"),
        row("meta-in-attribute", b"<a title='<meta charset=koi8-r>'>" + FF, "", "windows-1252"),
        row("meta-in-bogus-comment", b"<? <meta charset=koi8-r>" + FF, "", "windows-1252"),
        row("meta-in-end-tag", b"</p title='<meta charset=koi8-r>'>" + FF, "", "windows-1252"),
        row("metadata-is-no-meta", b"<metadata charset=koi8-r>" + FF, "", "windows-1252"),
        row("meta-cut-off", b"<meta charset=koi8-r", "", "utf-8"),
        row("meta-open-quote", b"<meta charset='koi8-r>", "", "utf-8"),
        row("meta-at-1023", b"<p>" + b" " * 1000 + b"<meta charset=koi8-r>", "", "koi8-r"),
        row("meta-behind-1024", b"<p>" + b" " * 1003 + b"<meta charset=koi8-r>", "", "utf-8"),
        row("meta-utf-16-is-utf-8", b"<meta charset=utf-16be>" + FF, "", "utf-8"),
        row("meta-user-defined", b"<meta charset=x-user-defined>", "", "windows-1252"),
        row("meta-in-script", b"<script>'<meta charset=koi8-r>'</script>", "", "koi8-r"),
        row("pragma", b"<meta http-equiv=content-type content='text/html; charset=koi8-r'>", "", "koi8-r"),
        row("pragma-reversed", b"<meta content='charset = \"koi8-r\"' http-equiv=Content-Type>", "", "koi8-r"),
        row("pragma-missing", b"<meta content='text/html; charset=koi8-r'>", "", "utf-8"),
        row("pragma-other", b"<meta http-equiv=refresh content='0; charset=koi8-r'>", "", "utf-8"),
        row("pragma-cut-at-semicolon", b"<meta http-equiv=content-type content='charset=koi8-r;x'>", "", "koi8-r"),
        row(
            "pragma-and-charset", b"<meta http-equiv=content-type content='charset=big5' charset=koi8-r>", "", "koi8-r"
        ),
        row("xml-declaration", b"<?xml version='1.0' encoding='koi8-r'?>", "", "koi8-r"),
        row("xml-declaration-spaces", b'<?xml encoding = "koi8-r"?>', "", "koi8-r"),
        row("xml-not-at-the-start", b" <?xml version='1.0' encoding='koi8-r'?>", "", "utf-8"),
        row("xml-says-utf-16", b"<?xml encoding='utf-16'?>" + FF, "", "utf-8"),
        row("meta-beats-xml", b"<?xml encoding='koi8-r'?><meta charset=big5>", "", "big5"),
        row("xml-utf-16le-no-bom", "<?xml version='1.0'?>".encode("utf-16-le"), "", "utf-16le"),
        row("xml-utf-16be-no-bom", "<?xml version='1.0'?>".encode("utf-16-be"), "", "utf-16be"),
        row("valid-utf-8", "é".encode(), "", "utf-8"),
        row("cut-utf-8", "é".encode()[:1], "", "windows-1252"),
        row("surrogates-are-not-utf-8", b"\xed\xa0\x80", "", "windows-1252"),
        row("empty", b"", "", "utf-8"),
    ],
    behaviour="A page declares its encoding well or badly.",
    expectation="The encoding is the one that a browser would take.",
    source=f"{HTML}; {ENCODING} 6",
)
def test_the_encoding_is_the_browsers(body: bytes, content_type: str, encoding: str) -> None:
    """Byte order mark, header, meta by the real prescan, XML declaration, UTF-8 if it is valid, windows-1252."""
    assert declared_encoding(body, content_type) == encoding


HEADS = st.lists(
    st.sampled_from(
        [
            b"<!DOCTYPE html>",
            b"<!doctype ",
            b"<html>",
            b'<html lang="en">',
            b'<html lang="a>b" dir="ltr">',
            b'<html a="',
            b"<HTML ",
            b"<head>",
            b"<head ",
            b"<meta ",
            b"<META charset=utf-8>",
            b"<meta charset=",
            b'"koi8-r"',
            b"koi8-r",
            b"'big5'",
            b"\"big5'",
            b"nonsense",
            b" />",
            b"/>",
            b">",
            b" ",
            b"\n",
            b"<!--",
            b"-->",
            b"<title>",
            b'"',
            b"'",
            b"</title>",
            b"<?xml ",
            b"charset=gbk",
            b' content="',
            b"text",
            b'<meta http-equiv="Content-Type" content="text/html; charset=gbk">',
            b'<meta http-equiv="Content-Type" ',
            b'content="text/html;charset=euc-kr"',
            b"utf-16",
            b"x-user-defined",
            b"\x0b",
            b"=",
        ]
    ),
    max_size=12,
).map(b"".join)


@case(
    "content",
    "prescan-short-cut",
    behaviour="A page begins in any way, the usual ones among them.",
    expectation="Its encoding is that of the whole prescan.",
    source=HTML,
)
@settings(max_examples=600, deadline=None)
@given(HEADS)
@example(b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="koi8-r">')
@example(b"<meta charset=koi8-r/>")
@example(b"<meta charset='koi8-r\"><meta charset=big5>")
@example(b"<meta charset=nonsense><meta charset=big5>")
def test_the_usual_beginning_is_read_like_any_other(head: bytes) -> None:
    """A tag in front of all, which the prescan steps over, changes nothing."""
    if not head.startswith(b"<?xml"):
        assert declared_encoding(head) == declared_encoding(b"<i>" + head)


@table(
    "content",
    "encoding, body, text",
    [
        row("latin1-quotes", "windows-1252", b"\x93\x80\x94\x9f", "“€”Ÿ"),
        row("windows-1252-c1", "windows-1252", b"\x81\x8d\x8f\x90\x9d", "\x81\x8d\x8f\x90\x9d"),
        row("windows-1250-c1", "windows-1250", b"\x81\x83\x8a", "\x81\x83Š"),
        row("windows-1251-98", "windows-1251", b"\x98\xcf", "\x98П"),
        row("windows-1253-holes", "windows-1253", b"\x81\xaa\xd2\xff", "\x81���"),
        row("windows-1255-holam", "windows-1255", b"\xca\xd9\xe0", "\u05ba�א"),
        row("windows-1257-holes", "windows-1257", b"\xa1\xa5\x81", "��\x81"),
        row("windows-874-euro", "windows-874", b"\x80\xa1\xdb\x9f", "€ก�\x9f"),
        row("macintosh-euro", "macintosh", b"\xdb\xbd", "€Ω"),
        row("x-mac-cyrillic", "x-mac-cyrillic", b"\xa2\xb6\xff", "Ґґ€"),
        row("koi8-u-is-koi8-ru", "koi8-u", b"\xae\xbe\xa4", "ўЎє"),
        row("iso-8859-8-i", "iso-8859-8-i", b"\xe0\xfd", "א\u200e"),
        row("ibm866-controls", "ibm866", b"\x1a\x7f\x80", "\x1a\x7fА"),
        row("x-user-defined", "x-user-defined", b"a\x80\xff", "a\uf780\uf7ff"),
        row("replacement", "replacement", b"<script>", "�"),
        row("replacement-empty", "replacement", b"", ""),
        row("gbk-euro", "gbk", b"\x80\xa2\xe3", "€€"),
        row("gbk-is-gb18030", "gbk", b"\x81\x30\x81\x30\x94\x39\xda\x33", "\x80💩"),
        row("gb18030-2022", "gb18030", b"\xa6\xd9\xfe\x59\xa3\xa0", "︐龴\u3000"),
        row("gb18030-keeps-ascii", "gb18030", b"\x81<p>\xff0", "�<p>�0"),
        row("gb18030-cut", "gb18030", b"a\x81\x30\x81", "a�"),
        row("gbk-cut", "gbk", b"\xd6", "�"),
        row("big5-hkscs", "big5", b"\x88\x62\xa4\xa4", "\u00ca\u0304中"),
        row("big5-symbols", "big5", b"\xa1\x45\xa1\xe3\xa2\x44", "‧～￥"),
        row("big5-keeps-ascii", "big5", b"\x81<p>\x80", "�<p>�"),
        row("big5-wrong-pair-is-one", "big5", b"\x81\xa1\xa4\xa4", "�中"),
        row("euc-kr-is-windows-949", "euc-kr", b"\x8c\x63\xb0\xa1", "똠가"),
        row("euc-kr-keeps-ascii", "euc-kr", b"\xb0<p>", "�<p>"),
        row("shift_jis-is-windows-31j", "shift_jis", b"\x87\x40\xfa\x40\x81\x60\\~", "①ⅰ～\\~"),
        row("shift_jis-user-defined", "shift_jis", b"\xf0\x40", "\ue000"),
        row("shift_jis-not-a-character", "shift_jis", b"\xa0\xfd\xff\x80", "���\x80"),
        row("shift_jis-keeps-ascii", "shift_jis", b"\x82<p>", "�<p>"),
        row("euc-jp-nec-row-13", "euc-jp", b"\xad\xa1\xf9\xa1\xfc\xfe", "①纊＂"),
        row("euc-jp-wave-dash", "euc-jp", b"\xa1\xc1\xa1\xdd\xa1\xc2\xa1\xf1\xa2\xcc", "～－∥￠￢"),
        row("euc-jp-three-bytes", "euc-jp", b"\x8f\xb0\xa1\x8e\xb1", "丂ｱ"),
        row("euc-jp-keeps-ascii", "euc-jp", b"\xa4<p>", "�<p>"),
        row("iso-2022-jp", "iso-2022-jp", b'\x1b$B$"\x1b(B<p>', "あ<p>"),
        row("iso-2022-jp-1978", "iso-2022-jp", b'\x1b$@$"\x1b(Ja\\~', "あa¥‾"),
        row("iso-2022-jp-katakana", "iso-2022-jp", b"\x1b(I1\x1b(B1", "ｱ1"),
        row("iso-2022-jp-nec-row-13", "iso-2022-jp", b"\x1b$B-!\x1b(B", "①"),
        row("iso-2022-jp-double-escape", "iso-2022-jp", b"\x1b$B\x1b(B<p>", "�<p>"),
        row("iso-2022-jp-shift-out", "iso-2022-jp", b"\x0e\x0f\x80x", "���x"),
        row("iso-2022-jp-unknown-escape", "iso-2022-jp", b"\x1b$Cx", "�$Cx"),
        row("utf-8-maximal-subpart", "utf-8", b"\xf0\x9f\x92<p>\xc0\x80\xed\xa0\x80", "�<p>�����"),
        row("utf-16-odd", "utf-16le", b"a\0\xd8", "a�"),
        row("utf-16-lone-surrogate", "utf-16le", b"\x00\xd8a\0", "�a"),
        row("bom-inside-other", "koi8-r", b"\xef\xbb\xbf\xd0\x9f", "П"),
    ],
    behaviour="Bytes that Python's codec of the same name reads otherwise than browsers, or refuses.",
    expectation="The text is the browser's; wrong bytes are U+FFFD and never swallow the markup behind them.",
    source=f"{ENCODING} 8 to 14 and its indexes; compared with ICU's decoders",
)
def test_bytes_mean_what_they_mean_in_a_browser(encoding: str, body: bytes, text: str) -> None:
    """Each decoder gives the standard's characters."""
    assert decode(body, encoding) == text


@pytest.mark.parametrize("encoding", sorted(LABELS))
def test_no_bytes_raise(encoding: str) -> None:
    """Every pair of bytes, and each cut off, is text in every encoding, without lone surrogates."""
    every = b"".join(bytes((lead, trail)) for lead in range(256) for trail in range(256))
    for body in (every, every[1:], every[:-1]):
        decode(body, encoding).encode()


@case(
    "content",
    "page-in-legacy-encoding",
    behaviour="A shop in euc-jp says so in a meta.",
    expectation="Selectors see its text.",
    source=HTML,
)
def test_a_page_in_a_legacy_encoding_is_read() -> None:
    """The tree has the decoded text."""
    body = b"<meta charset=euc-jp><p>" + b"\xad\xa1\xc3\xcd"
    response = Response(Request("http://s.test/"), status=200, url="http://s.test/", headers=Headers(()), body=body)
    assert Page(response).css("p").text == "①値"
