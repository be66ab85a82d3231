"""A YAML file becomes a `Config`, or one ConfigError with every problem in the order of the file.

The only room that imports yaml, and it takes no more than the parser's events from it: no tag is ever resolved, no
Python object constructed. Whatever the bytes are, the answer comes quickly: size, nesting, aliases and substituted
variables are bounded before anything is built from them. No meaning of a key may enter this room.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from scraper.config.build import Builder
from scraper.config.checks import MAX_NAME
from scraper.config.schema import Config, validate
from scraper.config.tree import Leaf, Table, leaves, show
from scraper.config.variables import mask
from scraper.config.yaml11 import is_null
from scraper.errors import ConfigError, ConfigProblem
from scraper.policy.proxy import ENVIRONMENT, proxy_secrets

__all__ = ["MAX_BYTES", "load", "parse"]

MAX_BYTES = 1_000_000  # of a config file; a file of that size holds some 20,000 seeds

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is five times as fast, where it is installed
# What YAML forbids (1.2.2, section 5.1), and the two noncharacters that `variables.mask` uses.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_FORBIDDEN = rf"[{_CONTROL}\x80-\x84\x86-\x9f\ud800-\udfff\ufdd0\ufdd1\ufeff\ufffe\uffff]"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = "\ufeff"
_EXAMPLE = "write at least its spider, e.g. spider: spiders/books.py:Books"


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the config file `path`; variables come from `environ` alone. Raise ConfigError with every problem."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        message = "there is no such file; check the path"
    except IsADirectoryError:
        message = "this is a folder; give the YAML file in it"
    except PermissionError:
        message = "the file may not be read; give yourself the right to, e.g. with chmod u+r"
    except (OSError, ValueError) as error:
        message = f"the file cannot be read: {getattr(error, 'strerror', None) or error}; check the path"
    else:
        return parse(content, path, environ)
    raise ConfigError(ConfigProblem(message, file=str(path)))


def parse(text: str | bytes, file: Path | str, environ: Mapping[str, str]) -> Config:
    """Return the config in `text`; `file` is its name in messages. Raise ConfigError with every problem."""
    shown = str(file)
    builder = Builder(shown, environ)
    try:
        root = _root(_clean(text, shown), shown, builder)
    except ConfigError as error:
        raise ConfigError(*_in_order([*builder.problems, *error.problems])) from None
    problems = builder.problems
    if "spider" not in root:
        problems.append(ConfigProblem(f"this key is required; {_EXAMPLE}", "spider", shown, root.line, root.column))
    root.setdefault("name", Leaf(_name_for(Path(file)), line=root.line, column=root.column, quoted=True))
    result = validate(root, shown)
    if isinstance(result, Config) and not problems:
        result.keep_secret(_secrets(root, environ))
        return result
    raise ConfigError(*_in_order([*problems, *([] if isinstance(result, Config) else result)]))


def _secrets(root: Table, environ: Mapping[str, str]) -> set[str]:
    """Return the values from the environment that stand in headers, in the proxy, or in a seed behind its host.

    Also the logins of the proxies that the environment names, when the crawl goes through those.
    """
    fetch = root.get("fetch")
    private = [fetch.get("headers"), fetch.get("proxy")] if isinstance(fetch, Table) else []
    found = {environ.get(name, "") for leaf in leaves(private) for name in leaf.variables}
    for leaf in leaves(root.get("seeds")):
        behind = leaf.text.partition("://")[2].partition("/")[2]
        found |= {value for name in leaf.variables if (value := environ.get(name, "")) in behind}
    proxy = fetch.get("proxy") if isinstance(fetch, Table) else None
    if any(leaf.text == ENVIRONMENT for leaf in leaves(proxy)):
        found.update(proxy_secrets(ENVIRONMENT, environ))
    return found


def _name_for(file: Path) -> str:
    """Return the name of the crawl that `file` defines when it gives none: its stem, made fit for a name."""
    fit = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).lstrip("._-")[:MAX_NAME]
    return fit or str(Config.known["name"].default)


def _in_order(problems: list[ConfigProblem]) -> list[ConfigProblem]:
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _clean(text: str | bytes, file: str) -> str:
    """Return the text of a file without its BOM; refuse what is too large or no text."""
    if len(text) > MAX_BYTES:
        raise _refused(f"the file has more than {MAX_BYTES:,} bytes; a config is shorter", file)
    if isinstance(text, bytes):
        text = _decode(text, file)
    text = text.removeprefix(_BOM)
    wrong = re.search(f"[{_CONTROL}]" if text.isascii() else _FORBIDDEN, text)  # the former is compiled at once
    if wrong:
        message = f"the character U+{ord(wrong[0]):04X} may not stand in YAML; remove it"
        raise _refused(message, file, text[: wrong.start()])
    return text


def _decode(content: bytes, file: str) -> str:
    if content.startswith(_UTF16):
        raise _refused("the file is UTF-16; save it as UTF-8", file)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode().removeprefix(_BOM)
        raise _refused(
            f"the byte {content[error.start]:#04x} is not UTF-8; save the file as UTF-8", file, before
        ) from None


def _refused(message: str, file: str, before: str | None = None) -> ConfigError:
    """Return the error for the place that follows the text `before`; None: for the file as a whole."""
    if before is None:
        return ConfigError(ConfigProblem(message, file=file))
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return ConfigError(ConfigProblem(message, "", file, line, column))


def _root(text: str, file: str, builder: Builder) -> Table:
    try:
        _build(mask(text), builder)
    except yaml.YAMLError as error:
        raise ConfigError(_syntax(error, text, file)) from None
    root = builder.root
    if isinstance(root, Table):
        return root
    if root is None or (isinstance(root, Leaf) and root.plain and is_null(root.text)):
        holds = "holds nothing but comments" if text.strip() else "is empty"
        raise _refused(f"the file {holds}; {_EXAMPLE}", file)
    message = f"a config is keys with values (key: value), not {show(root)}; {_EXAMPLE}"
    raise ConfigError(ConfigProblem(message, "", file, root.line, root.column))


def _build(text: str, builder: Builder) -> None:
    events: Iterable[Any] = yaml.parse(text, Loader=_Loader)
    for event in events:
        place = event.start_mark.line + 1, event.start_mark.column + 1
        match event:
            case yaml.ScalarEvent():
                plain = event.style in ("", None)
                builder.scalar(event.value, place, quoted=not plain, tag=event.tag, anchor=event.anchor)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                table = isinstance(event, yaml.MappingStartEvent)
                builder.begin(place, table=table, tag=event.tag, anchor=event.anchor)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                builder.end()
            case yaml.AliasEvent():
                builder.alias(str(event.anchor), place)
            case yaml.DocumentStartEvent() if builder.root is not None:
                builder.note("a second document begins here; a config is one, so remove the line ---", place)
                return


def _syntax(error: yaml.YAMLError, text: str, file: str) -> ConfigProblem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be read"
    if mark is None:
        return ConfigProblem(f"this is not YAML: {what}", file=file)
    begun, context = getattr(error, "context_mark", None), getattr(error, "context", None)
    where = f" {context} (it begins in line {begun.line + 1})" if begun and context and begun.line < mark.line else ""
    hint = _hint(text, mark.line, mark.column, what)
    return ConfigProblem(f"this is not YAML: {what}{where}{hint}", "", file, mark.line + 1, mark.column + 1)


def _hint(text: str, line: int, column: int, what: str) -> str:
    lines = text.splitlines()
    character = lines[line][column : column + 1] if line < len(lines) else ""
    if character == "\t":
        return "; indent with spaces, not with tabs"
    if "mapping values" in what:
        return "; check the indentation, or put a value that holds ': ' in quotes"
    return "; put the value in quotes" if character in ("@", "`", "%", "&", "*") else ""
