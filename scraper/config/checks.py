"""What the texts of a config must look like: URLs, hosts, patterns, names, headers, paths.

Each function takes one text and returns it, in canonical form where there is one, or raises a `fault` that names the
cure. A message that quotes the text has a twin that does not, for texts that came from the environment. No key and
no default may enter this room, and nothing here looks at a disk or a network.
"""

from __future__ import annotations

import posixpath
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence

from scraper.config.faults import fault
from scraper.config.units import DURATION
from scraper.errors import InvalidSchema, InvalidURL, MissingSchema
from scraper.policy.addresses import network as parse_network
from scraper.policy.canon import ORDER, SESSIONS, TRACKING
from scraper.policy.proxy import ENVIRONMENT, parse_proxy
from scraper.policy.redirect import is_harmless
from scraper.urls import canonical, hostname

__all__ = [
    "MAX_NAME",
    "NAME_PATTERN",
    "PLACEHOLDERS",
    "PRACTICE_SHOP",
    "address",
    "distinct_fields",
    "distinct_headers",
    "distinct_paths",
    "field_name",
    "folder",
    "header_name",
    "header_value",
    "host",
    "ignored",
    "name",
    "network",
    "ordered",
    "output_path",
    "regex",
    "secret_values",
    "seed",
    "site",
    "spider",
    "user_agent",
]

IGNORED = (TRACKING, SESSIONS, ORDER)
PRACTICE_SHOP = "practice-shop"  # the word for the shop that the package serves itself
MAX_NAME = 64  # characters of a crawl's name: it becomes part of file names, which end at 255 bytes
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
PLACEHOLDERS = ("run", "date", "time", "name")  # all but the last differ from run to run
MAX_REGEX = 10_000  # characters: Python's compiler takes about 1 s for a million
MAX_PORT = 65535  # 16 bits, RFC 9293 section 3.1

# Compiled when first used: a crawl needs few of them, and its start is short.
_MODULE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"
_FILE = r"[^:]*[^:/\\]\.py(:[A-Za-z_]\w*)?"
_SPIDER = rf"{_FILE}|{_MODULE}"
_PLACEHOLDER = r"\{([^{}]*)\}|[{}]"
_USERINFO = r"(?i)https?:[/\\]*[^/\\?#]*@"
_FIELD_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2
_FIELD_VALUE = r"[\x21-\x7e\xa0-\xff]([\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?"  # section 5.5
_OURS = {"host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "keep-alive"}
_ADDRESS = r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/?#\[\]@\\]+):(?P<port>[0-9]{1,5})"


def name(text: str) -> str:
    """Check the name of a crawl."""
    if not re.fullmatch(NAME_PATTERN, text) or len(text) > MAX_NAME:
        raise fault(
            "{shown} cannot be a name; write letters, digits, '.', '_' and '-', a letter or digit first, "
            f"at most {MAX_NAME} characters"
        )
    return text


def spider(text: str) -> str:
    """Check where a spider is: a file with or without its class, or a class in a module."""
    if not re.fullmatch(_SPIDER, text):
        raise fault("{shown} names no spider; write spiders/books.py:Books or package.module:Books")
    return text


def folder(text: str) -> str:
    """Check the path of a folder."""
    if not text.strip():
        raise fault("the path is empty; write the name of a folder, e.g. .scrape")
    return text


def seed(text: str) -> str:
    """Return a seed in canonical form; the practice shop's word stays a word."""
    if text == PRACTICE_SHOP:
        return text
    if re.match(_USERINFO, re.sub(r"[\t\n\r]", "", text.strip())):
        raise fault(
            "a seed may not hold user:password@, which would get into logs and files; "
            "send an Authorization header instead (fetch.headers)"
        )
    try:
        return canonical(text)
    except InvalidURL as error:
        raise fault(str(error), private=_private_url(error)) from None


def _private_url(error: InvalidURL) -> str:
    if isinstance(error, MissingSchema):
        return "{shown} has no scheme; write https:// in front of it"
    if isinstance(error, InvalidSchema):
        return "{shown} is neither an http nor an https URL"
    return "{shown} is not a valid URL"


def site(text: str) -> str:
    """Return a host name in canonical form, with its port when it has one: example.com:8080."""
    name, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or (":" in name and not name.endswith("]")):
        return host(text)
    if len(port) > len(str(MAX_PORT)) or int(port) > MAX_PORT:
        raise fault(f"{{shown}}: a port is a number up to {MAX_PORT}")
    return f"{host(name)}:{int(port)}"


def host(text: str) -> str:
    """Return a host name in canonical form: lower case, punycode, IPv6 in brackets."""
    cure = "write the host name alone, e.g. example.com"
    if "*" in text:
        raise fault("{shown} has a star; write the domain alone, and subdomains: true for all below it")
    if not text or re.search(r"[\s/?#@\\]|:\d*$", text.partition("]")[2] if text.startswith("[") else text):
        raise fault(f"{{shown}} is not a host name; {cure}")
    try:
        return hostname(canonical(f"http://{text}/"))
    except InvalidURL:
        raise fault(f"{{shown}} is not a host name; {cure}") from None


def address(text: str) -> str:
    """Check the `address:port` that takes the place of a host."""
    match = re.fullmatch(_ADDRESS, text)
    if not match or not 1 <= int(match["port"]) <= MAX_PORT:
        raise fault("{shown} is not an address with a port; write e.g. 127.0.0.1:8000 or '[::1]:8000'")
    host(match["host"])
    return text


def network(text: str) -> str:
    """Return a network of addresses, or a single address, in canonical form."""
    try:
        return str(parse_network(text))
    except ValueError:
        raise fault("{shown} is no network of addresses; write e.g. 10.0.0.0/8, or a single address") from None


def ignored(text: str) -> str:
    """Check a part of URLs that does not matter."""
    if text in IGNORED or re.fullmatch(r"\?[^?&=#\s]+", text):
        return text
    raise fault("{shown} is none of " + ", ".join(IGNORED) + ", nor a parameter such as ?ref or ?ref_*")


def proxy(text: str) -> str:
    """Check the URL of a proxy, or the word that asks for the environment's; it may hold a password, so no quotes."""
    try:
        if text != ENVIRONMENT:
            parse_proxy(text)
    except ValueError as error:
        raise fault(str(error)) from None
    return text


def regex(text: str) -> str:
    """Check a regular expression (Python's `re`); doubtful ones, which Python warns of, are refused."""
    if not text:
        raise fault("an empty regular expression fits every URL; write .* when that is meant")
    if len(text) > MAX_REGEX:
        raise fault(f"the regular expression has more than {MAX_REGEX} characters; split it into several")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
    except re.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        raise fault(
            f"{{shown}} is not a regular expression: {error.msg}{place}",
            private=f"{{shown}} is not a regular expression: there is a mistake{place}",
        ) from None
    except (RecursionError, OverflowError, MemoryError):
        raise fault("{shown} is not a regular expression: it nests or repeats too much") from None
    except Warning as warning:
        private = "{shown} is a doubtful regular expression; escape the brackets in its sets"
        raise fault(
            f"{{shown}} is a doubtful regular expression: {warning}; escape it with \\", private=private
        ) from None
    return text


def user_agent(text: str) -> str:
    """Check the User-Agent header."""
    if not text.isascii() or not re.fullmatch(_FIELD_VALUE, text):
        raise fault("{shown} cannot be a User-Agent; write ASCII text such as bookbot/1.0 (+https://example.com/bot)")
    return text


def header_name(text: str) -> str:
    """Check the name of a request header, and that it is not one that another key or the client sets."""
    if text.lower() == "user-agent":
        raise fault("this header has a key of its own: politeness.user_agent")
    if text.lower() in _OURS:
        raise fault("this header is the connection's own; remove it")
    if not re.fullmatch(_FIELD_NAME, text):
        raise fault("a header's name is made of letters, digits and '-'; repair the name")
    return text


def header_value(text: str) -> str:
    """Check the value of a request header; it is often a secret, so no message quotes it."""
    if text and not re.fullmatch(_FIELD_VALUE, text):
        raise fault("the header's value has a space at its end or characters outside of latin-1; remove them")
    return text


def field_name(text: str) -> str:
    """Check the name of an item's field."""
    if not text:
        raise fault("a field's name is empty; write the name, or remove it")
    return text


def output_path(text: str) -> str:
    """Check the path of an output and its placeholders."""
    if not text.strip() or text.endswith(("/", "\\")) or text.rpartition("/")[2] in (".", ".."):
        raise fault("{shown} names no file; write e.g. items.jsonl")
    for match in re.finditer(_PLACEHOLDER, text):
        if match[1] not in PLACEHOLDERS:
            known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            wrong = repr(match[0][:MAX_NAME])
            message = f"{wrong} is no placeholder; there are {known}"
            raise fault(message, private=f"{{shown}} has an unknown placeholder; there are {known}")
    return text


def secret_values(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of those `headers` that may hold a secret, whole and without a word such as Bearer."""
    values = [value for name, value in headers.items() if value and not is_harmless(name)]
    return (*values, *(value.split()[-1] for value in values))


def ordered(small: str, shorter: float | None, large: str, longer: float | None, *, instead: str) -> None:
    """Refuse a duration `shorter` (of the key `small`) that exceeds `longer`; None is a value that is wrong already."""
    if shorter is None or longer is None or shorter <= longer:
        return
    cure = f"lower {small} or raise {large}"
    message = f"{small} ({DURATION.spell(shorter)}) is longer than {large} ({DURATION.spell(longer)}); {cure}"
    raise fault(message, private=f"{small} is longer than {large}; {cure}", instead=instead)


def distinct_headers(names: Iterable[str]) -> None:
    """Refuse two names that are one header."""
    seen: dict[str, str] = {}
    for each in names:
        first = seen.setdefault(each.lower(), each)
        if first != each:
            raise fault(f"this header stands here twice, the first time as {first}; remove one", inside=(each,))


def distinct_fields(fields: Sequence[str] | None) -> None:
    """Refuse a choice of fields that chooses none, or one twice."""
    if fields is not None and not fields:
        raise fault("no field is left to write; name at least one, or remove the key for all of them")
    seen: set[str] = set()
    for at, each in enumerate(fields or ()):
        if each in seen:
            raise fault("this field stands here twice; remove one", inside=(at,))
        seen.add(each)


def distinct_paths(paths: Sequence[str]) -> None:
    """Refuse two outputs that are one file."""
    seen: set[str] = set()
    for at, path in enumerate(map(posixpath.normpath, paths)):
        if path in seen:
            raise fault("another output has the same path; give each its own", inside=(at, "path"))
        seen.add(path)
