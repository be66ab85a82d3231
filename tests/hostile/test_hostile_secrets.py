"""Secrets: what the user must not find in a log, a report, a state file or a traceback."""

from __future__ import annotations

import io
import json
import logging
import os
import stat
import traceback
from pathlib import Path

import pytest
from case import case, row, table
from hypothesis import given
from hypothesis import strategies as st
from recording import page, recording, redirect

from scraper.cli.prepare import describe
from scraper.config.compile import compile_plan
from scraper.config.load import parse
from scraper.config.schema import from_kwargs
from scraper.errors import ConfigError, RequestException
from scraper.policy.secrets import hider
from scraper.request import Request
from scraper.runs.runner import Run
from scraper.session import AsyncSession
from scraper.spider import Spider
from scraper.ui.log import VisitLog, set_up
from scraper.ui.report import as_data, summary
from scraper.urls import canonical, join, without_secrets
from tests.helpers import make_plan

SECRET = "hunter2secret"
OWN = "the project's own measurement"


@table(
    "secrets",
    "text",
    [
        row("userinfo-blank-in-host", f"http://u:{SECRET}@ho st/"),
        row("userinfo-bad-port", f"https://u:{SECRET}@host:99999/"),
        row("userinfo-slash-in-password", f"https://u:{SECRET}/x@host:99999/"),
        row("userinfo-hash-in-password", f"https://u:{SECRET}#x@ho st/"),
        row("userinfo-question-in-password", f"https://u:{SECRET}?x@ho st/"),
        row("userinfo-at-in-password", f"https://u:{SECRET}@{SECRET}@ho st/"),
        row("userinfo-only-user", f"https://{SECRET}@ho st/"),
        row("userinfo-no-host", f"http://u:{SECRET}@"),
        row("userinfo-no-scheme", f"u:{SECRET}@ho st/"),
        row("userinfo-scheme-relative", f"//u:{SECRET}@ho st/"),
        row("userinfo-backslashes", f"http:\\\\u:{SECRET}@ho st\\"),
        row("userinfo-one-slash", f"http:/u:{SECRET}@ho st/"),
        row("userinfo-capitals", f"HTTP://u:{SECRET}@ho st/"),
        row("userinfo-blanks-in-front", f"  \thttp://u:{SECRET}@ho st/"),
        row("userinfo-ftp", f"ftp://u:{SECRET}@host/"),
        row("userinfo-ssh", f"ssh://u:{SECRET}@host/"),
        row("userinfo-odd-scheme", f"redis://u:{SECRET}@host/0"),
        row("userinfo-long", f"http://u:{'x' * 300}{SECRET}@ho st/"),
    ],
    behaviour="A text that is no URL that can be requested holds a user name and a password.",
    expectation="The error quotes the rest of it.",
    source=f"{OWN}: canonical('http://u:p@ho st/') showed the password",
)
@pytest.mark.parametrize("parse_it", [canonical, Request, lambda text: join("http://a.test/", text)])
def test_no_message_quotes_a_password(text, parse_it):
    told = ""
    try:
        found = parse_it(text)
    except RequestException as error:
        told = "".join(traceback.format_exception(error))
    else:
        assert "@" not in str(getattr(found, "url", found)).split("/")[2]
    assert SECRET not in told


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_stands_before_an_at_sign_is_never_shown(before, after):
    """Whatever surrounds it."""
    assert SECRET not in without_secrets(f"http://{before}{SECRET}@{after}")
    assert SECRET not in without_secrets(f"{before}{SECRET}@{after}")


class Leaky(Spider):
    """Follow links and break on one page."""

    seeds = ("http://a.test/",)

    def parse(self, page):
        yield {"url": page.url}
        yield page.follow("a")
        if page.url.endswith("/breaks"):
            raise RuntimeError("broken")


async def everything(tmp_path, site, **changes):
    """Crawl with secrets in every place, at every level of detail; return all texts and files that it left behind."""
    stream = io.StringIO()
    handler = set_up(stream, level=logging.DEBUG, as_json=False, before=lambda: None)
    try:
        async with recording(site) as server:
            plan = make_plan(
                seeds=(server.url(),), spider=Leaky(), state=tmp_path / "state", retries=1, backoff=0.01, **changes
            )
            report = await Run(plan, observers=(VisitLog(),)).execute()
    finally:
        logging.getLogger("scraper").removeHandler(handler)
    texts = [
        stream.getvalue(),
        summary(report),
        json.dumps(as_data(report)),
        repr(report),
        repr(plan),
        repr(list(plan.__rich_repr__())),
    ]
    files = {path.name: path.read_bytes() for path in (tmp_path / "state").iterdir()}
    return server, "\n".join(texts), files


SITE = {
    "/": page(
        f"<a href='http://u:{SECRET}@elsewhere.test/x'>1</a><a href='http://u:{SECRET}@ho st/'>2</a>"
        f"<a href='ftp://u:{SECRET}@host/'>3</a><a href='/go'>4</a><a href='/bad'>5</a><a href='/breaks'>6</a>"
        f"<a href='/missing'>7</a><a href='/scheme'>8</a><a href='/dead'>9</a>",
        f"Set-Cookie: sid={SECRET}; Path=/",
    ),
    "/go": redirect(f"http://u:{SECRET}@elsewhere.test/"),
    "/bad": redirect(f"http://u:{SECRET}@ho st/"),
    "/scheme": redirect(f"ftp://u:{SECRET}@host/"),
    "/breaks": page(),
    "/dead": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
}


@case(
    "secrets",
    "nothing-left-behind",
    behaviour="A crawl meets passwords in links, redirects and broken URLs, has secret headers and gets cookies.",
    expectation="None is in the log, the report, a repr, or any byte of the state folder.",
    source="Scrapy prints request headers and proxies' credentials in tracebacks; OWASP logging cheat sheet",
)
async def test_a_crawl_leaves_no_secret_behind(tmp_path):
    headers = {"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET}
    server, texts, files = await everything(tmp_path, SITE, headers=headers)
    assert all(SECRET in asked.headers["x-api-key"] for asked in server.asked)
    assert SECRET in server.to("/go").headers["cookie"]
    assert SECRET not in texts
    assert [name for name, content in files.items() if SECRET.encode() in content] == []


@case(
    "secrets",
    "files-are-private",
    behaviour="The user's umask lets everybody read new files.",
    expectation="The state folder is 0700, every file in it 0600, while the run goes on and afterwards.",
    source="CWE-732; URLs and request headers may hold logins",
)
async def test_the_state_is_for_its_owner_alone(tmp_path):
    modes = {}

    class Nosy(Spider):
        def parse(self, page):
            modes.update({path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()})

    before = os.umask(0)
    try:
        async with recording({"/": page()}) as server:
            await Run(make_plan(seeds=(server.url(),), spider=Nosy(), state=tmp_path / "state")).execute()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    modes |= {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    assert {"lock", "run.db", "run.db-wal", "run.db-shm"} <= modes.keys()
    assert set(modes.values()) == {0o600}


@case(
    "secrets",
    "config-repr",
    behaviour="Somebody prints a config that holds secret headers.",
    expectation="The headers are not shown.",
    source=OWN,
)
def test_a_printed_config_shows_no_header():
    config = from_kwargs({"fetch": {"headers": {"X-Api-Key": SECRET}}})
    assert config.fetch.headers["X-Api-Key"] == SECRET
    assert SECRET not in repr(config) + repr(config.fetch) + str(config)


@table(
    "secrets",
    "key, value",
    [
        row("variable-in-seed", "seeds", "ftp://host/?k=${KEY}"),
        row("variable-in-number", "fetch.concurrency", "${KEY}"),
        row("variable-in-duration", "fetch.timeout", "${KEY}"),
        row("variable-in-header", "fetch.headers", "{X-Key: '${KEY} '}"),
        row("variable-in-regex", "scope.allow", "'(${KEY}'"),
        row("variable-in-network", "fetch.allow_addresses", "'${KEY}'"),
        row("variable-in-host", "scope.hosts", "'${KEY}/x'"),
        row("variable-in-choice", "politeness.robots", "${KEY}"),
    ],
    behaviour="A value from the environment (${VAR}) is wrong where it stands in the config.",
    expectation="The problem names place, key and variable, never the value.",
    source=OWN,
)
def test_no_problem_quotes_the_environment(key, value):
    *groups, last = key.split(".")
    text = "".join(f"{group}: {{" for group in groups) + f"{last}: {value}" + "}" * len(groups)
    with pytest.raises(ConfigError) as caught:
        parse(f"spider: a.py\n{text}\n", "c.yaml", {"KEY": SECRET})
    assert key.partition(".")[0] in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@table(
    "secrets",
    "url",
    [
        row("session-refused", "http://u:hunter2secret@127.0.0.1:1/"),
        row("session-no-url", "http://u:hunter2secret@ho st/"),
        row("session-no-scheme", "u:hunter2secret@host/"),
        row("session-bad-port", "http://u:hunter2secret@127.0.0.1:99999/"),
        row("session-dns", "http://u:hunter2secret@no-such-host.invalid/"),
    ],
    behaviour="A session's request with a password in its URL fails.",
    expectation="Neither the message nor the traceback shows the password.",
    source="requests prints it in ConnectionError's URL",
)
async def test_a_sessions_errors_show_no_password(url):
    async with AsyncSession(timeout=1.0) as session:
        with pytest.raises(RequestException) as caught:
            await session.get(url, headers={"X-Api-Key": "hunter2secret"})
        told = str(caught.value) + repr(caught.value) + repr(caught.value.request) + repr(session)
    assert SECRET not in told
    error = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


@case(
    "secrets",
    "session-userinfo",
    behaviour="A session is given a URL with a user name and a password.",
    expectation="They become an Authorization header for that origin; the response's URL and history hold neither.",
    source="RFC 9110 4.2.4, RFC 7617",
)
async def test_a_password_in_a_sessions_url_is_sent_and_not_shown():
    async with recording({"/": redirect("/b"), "/b": page()}) as server, AsyncSession() as session:
        response = await session.get(f"http://u:{SECRET}@127.0.0.1:{server.port}/")
    assert [bool(asked.headers.get("authorization")) for asked in server.asked] == [True, True]
    assert SECRET not in response.url + repr(response) + repr(response.history) + repr(response.request)


# -- the way out to people ---------------------------------------------------------------------------------------------


def planned(text, environ):
    """Return the plan of a config file's text."""
    config = parse(f"spider: a.py:A\n{text}", "c.yaml", environ)
    return compile_plan(config, Leaky(), Path("/nowhere"), version="1")


@table(
    "secrets",
    "text, shown",
    [
        row("shown-header", "fetch: {headers: {X-Key: hunter2secret}}", "/?next=hunter2secret"),
        row("shown-header-variable", "fetch: {headers: {X-Key: '${KEY}'}}", "/hunter2secret/x"),
        row("shown-bearer", "fetch: {headers: {Authorization: 'Bearer ${KEY}'}}", "token hunter2secret is bad"),
        row("shown-seed-query", "seeds: 'http://a.test/?key=${KEY}'", "http://a.test/?key=hunter2secret 200"),
        row("shown-encoded", "fetch: {headers: {X-Key: 'hunter2 secret/'}}", "/?k=hunter2%20secret%2F"),
        row("shown-as-form", "fetch: {headers: {X-Key: 'hunter2 secret/'}}", "/?k=hunter2+secret%2F"),
    ],
    behaviour="A server repeats the user's key in a URL or a message, or it stands in a seed's query.",
    expectation="Logs, summaries and descriptions show *** in its place.",
    source="OWASP logging cheat sheet; CWE-532",
)
def test_what_people_read_passes_the_last_gate(text, shown):
    plan = planned(text, {"KEY": SECRET})
    told = hider(plan.secrets)(shown)
    assert "***" in told
    assert "secret" not in told + describe(plan)


def test_ordinary_words_are_not_taken_out():
    """Accept headers, hosts, paths and short values are no secrets."""
    text = "name: shop\nseeds: '${BASE}/list?page=1'\nfetch: {headers: {Accept-Language: german, X-A: abc}}"
    plan = planned(text, {"BASE": "http://shop.test"})
    assert hider(plan.secrets)("http://shop.test/list german abc page=1") == "http://shop.test/list german abc page=1"


async def test_the_log_passes_the_last_gate():
    """As text and as JSON."""
    for as_json in (False, True):
        stream = io.StringIO()
        handler = set_up(stream, level=logging.INFO, as_json=as_json, before=lambda: None, hide=hider([SECRET]))
        try:
            logging.getLogger("scraper").info("asked for /?k=%s", SECRET, extra={"url": f"/{SECRET}"})
        finally:
            logging.getLogger("scraper").removeHandler(handler)
        assert "***" in stream.getvalue()
        assert SECRET not in stream.getvalue()
