"""Configs: bytes as a YAML file, to a plan that can be wired, or to one ConfigError that says where and what.

The environment has a secret in it, which may stand in a config and in no message.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fuzz.rules import printable
from fuzz.target import Target
from scraper.clock import SystemClock
from scraper.config.compile import compile_plan
from scraper.config.load import parse
from scraper.config.schema import known_keys
from scraper.errors import ConfigError
from scraper.page import Page
from scraper.policy.scope import Scope
from scraper.policy.secrets import hider
from scraper.request import Request
from scraper.runs.plan import Plan
from scraper.runs.wiring import make_fetcher
from scraper.sinks.factory import place_for
from scraper.spider import Spider

__all__ = ["ConfigTarget"]

SECRET = "s3cr3t-v4lue"
ENVIRON = {
    "TOKEN": SECRET,
    "EMPTY": "",
    "HOST": "site.test",
    "LIST": "http://a.test/,http://b.test/",
    "LONG": "x" * 9000,
    "ODD": "a: [b\n\x1b\ud800",
}
FILE = "shop.yaml"
_KEYS = sorted({key for keys in known_keys().values() for key in keys})


class _Fixed(Spider):
    async def parse(self, page: Page) -> None:
        """Do nothing."""


class ConfigTarget(Target):
    """A file is a plan or a ConfigError with a place."""

    name: ClassVar[str] = "config"
    rooms: ClassVar[str] = "config.*, runs.plan, runs.wiring (client), policy.scope, sinks.factory"
    weight: ClassVar[float] = 1.5
    largest: ClassVar[int] = 32 * 1024
    base_seconds: ClassVar[float] = 0.2
    kilobyte_seconds: ClassVar[float] = 0.02
    tokens: ClassVar[tuple[bytes, ...]] = (
        *(f"{key}: ".encode() for key in _KEYS), b"\n  ", b"\n- ", b"{", b"}", b"[", b"]", b"&a ", b"*a", b"<<: *a",
        b"!!python/object:os.system ", b"!!str ",
        b"${TOKEN}", b"${LIST}", b"${ODD}", b"${MISSING:-x}", b"${", b"$${", b"---\n", b"...\n", b"? ", b"| \n",
        b">-\n", b"# ", b"\t", b'"\\x1b"', b"'", b"no", b"yes",
        b".nan", b"-.inf", b"0o7", b"1e3", b"1_000", b"12:30:45", b"1s", b"250ms", b"16MiB", b"20%", b"null", b"~",
        b"true", b"2001-01-01", b"=", b"\xff\xfe", b"\xef\xbb\xbf",
        b"http://site.test/", b"practice-shop", b"spiders/a.py:A", b"socks5://u:p@h:1", b"10.0.0.0/8", b"(", b"a**",
        b"..", b"/etc/passwd", b"%YAML 1.1\n", b"\xc2\x85", b"\xe2\x80\xa8",
    )  # fmt: skip

    def seeds(self) -> Iterable[bytes]:
        """Return configs, whole and broken."""
        repository = Path(__file__).resolve().parent.parent.parent
        yield from (path.read_bytes() for path in sorted(repository.glob("*.yaml")))
        yield from (
            b"spider: a.py:A\nseeds: [http://site.test/]\noutput: out.jsonl\n",
            b"spider: a.py\nseeds:\n  - https://site.test/?t=${TOKEN}\nfetch: {headers: {X-Key: '${TOKEN}'},"
            b" proxy: 'http://u:${TOKEN}@h:1', timeout: 5s}\n",
            b"spider: m:A\nscope: {hosts: [site.test], deny: ['\\\\.pdf$'], depth: 3}\n"
            b"politeness: {delay: 250ms, jitter: 20%}\nlimits: {pages: 10, time: 1h}\n",
            b"spider: a.py\noutput: [{path: a.csv, fields: [a, b]}, b.jsonl.gz]\n"
            b"commit: {pages: 1}\nretry: {times: 0}\nshutdown: {drain: 0}\n",
            b"a: &a [*a]\n", b"x: &x [1,2]\ny: [*x,*x,*x]\n", b"spider: [", b"spider: a.py\nspider: b.py\n", b"- 1\n",
            b"", b"%TAG ! x\n", b"{" * 100, b"a:\n" + b" - " * 60,
        )  # fmt: skip

    def strategy(self) -> SearchStrategy[bytes]:
        """Return files of known keys with values of any kind."""
        scalar = st.one_of(
            st.sampled_from(self._words()),
            st.integers().map(str), st.floats().map(str), st.text(max_size=8), st.text(max_size=8).map(repr),
            st.builds("{}{}".format, st.integers(-10, 10**6),
            st.sampled_from(["s", "ms", "h", "d", "%", "MiB", "k", " ", ""])),
        )  # fmt: skip
        flow = st.recursive(
            scalar,
            lambda inner: st.one_of(
                st.lists(inner, max_size=3).map(lambda found: f"[{', '.join(found)}]"),
                st.dictionaries(st.one_of(st.sampled_from(_KEYS), scalar), inner, max_size=3).map(
                    lambda found: "{" + ", ".join(f"{key}: {value}" for key, value in found.items()) + "}"
                ),
            ),
            max_leaves=6,
        )
        known = {group: st.sampled_from(keys) for group, keys in known_keys().items()}
        line = st.builds(lambda key, value: f"{key}: {value}", known[""], flow)
        group = st.sampled_from([name for name in known if name]).flatmap(
            lambda name: st.lists(
                st.builds(lambda key, value: f"  {key}: {value}", known[name], flow), min_size=1, max_size=4
            ).map(lambda lines: "\n".join([f"{name}:", *lines]))
        )
        junk = st.text(max_size=10)
        lines = st.lists(st.one_of(line, group, group, junk), max_size=5)
        return lines.map(lambda found: "\n".join(["spider: a.py:A", *found]).encode("utf-8", "surrogatepass"))

    def _words(self) -> list[str]:
        """Return the tokens that are values of one line."""
        return [
            token.decode() for token in self.tokens if token.isascii() and token.strip() == token and token[-1:] != b":"
        ]

    def check(self, data: bytes) -> None:
        """Load, compile, wire."""
        try:
            config = parse(data, FILE, ENVIRON)
            plan = compile_plan(config, _Fixed(), Path("/nowhere"), version="1")
        except ConfigError as error:
            _explained(error, data)
            return
        _sane(plan)
        shown = hider(plan.secrets)(repr(plan) + repr(config))
        assert SECRET not in plan.secrets or SECRET not in shown, "a secret that is known is not shown"
        private = SECRET in plan.proxy or any(value == SECRET for value in plan.headers.values())
        assert not private or SECRET not in shown, "what stands in headers and proxies is not shown"
        try:
            Scope(
                hosts=plan.hosts, subdomains=plan.subdomains, allow=plan.allow, deny=plan.deny, depth=plan.depth,
                url_length=plan.url_length,
                ignore=plan.ignore,
            )  # fmt: skip
            make_fetcher(plan, plan.connect_to, [Request(seed) for seed in plan.seeds], clock=SystemClock())
            for output in plan.outputs:
                place_for(plan.home / output.path, mode=output.mode, format=output.format)
        except ConfigError as error:
            raise AssertionError(f"a config that loads can be wired: {error}") from error


def _explained(error: ConfigError, data: bytes) -> None:
    """Each problem says what, and where, in the order of the file; no secret, nothing that controls a terminal."""
    assert error.problems, "a ConfigError has a problem"
    message = str(error)
    printable(message)
    assert SECRET not in message or SECRET.encode() in data, "no message shows what the environment holds"
    lines = (
        data.count(b"\n")
        + data.count(b"\r")
        + data.count(b"\xc2\x85")
        + data.count(b"\xe2\x80\xa8")
        + data.count(b"\xe2\x80\xa9")
        + 2
    )
    for problem in error.problems:
        assert problem.message.strip(), "a problem says what it is"
        assert problem.file or "nothing to begin with" in message or "Fixed.seeds" in problem.path, (
            "a problem names its file"
        )
        assert 0 <= problem.line <= lines, "a problem's line is in the file"
    places = [(problem.line, problem.column) for problem in error.problems]
    assert places == sorted(places), "problems come in the order of the file"


def _sane(plan: Plan) -> None:
    for name in plan.__struct_fields__:
        value = getattr(plan, name)
        if isinstance(value, float):
            assert math.isfinite(value), f"{name} is a number"
            assert value >= 0, f"{name} is not below zero"
    assert plan.workers >= 1, "somebody works"
    assert plan.connect_timeout <= plan.timeout, "connecting is a part of the whole"
