"""Cookies on disk: who may read them, what comes back, what is left alone."""

from __future__ import annotations

import json
import stat

import pytest
from msgspec.structs import replace

from scraper.errors import StateDamaged, StateError
from scraper.fetch.cookies import load_cookies, save_cookies
from scraper.policy.cookies import CookieJar
from scraper.urls import canonical

NOW = 1_800_000_000.0


@pytest.fixture
def jar():
    jar = CookieJar()
    url = canonical("https://shop.example.com:8443/a/b")
    jar.receive(url, ["own=1", "wide=2; Domain=example.com; Path=/; Max-Age=60", "s=3; Secure; HttpOnly"], NOW)
    return jar


def test_what_was_saved_comes_back_as_it_was(jar, tmp_path):
    """Host-only stays host-only, secure stays secure, a life stays as long as it was."""
    save_cookies(tmp_path / "jar.json", jar)
    again = CookieJar()
    again.restore(load_cookies(tmp_path / "jar.json"), NOW)
    assert [replace(cookie, created=0) for cookie in again] == [replace(cookie, created=0) for cookie in jar]


def test_only_the_owner_may_read_them(jar, tmp_path):
    """A login is a secret, also when the file stood there for all to read."""
    path = tmp_path / "jar.json"
    path.write_text("old")
    path.chmod(0o644)
    save_cookies(path, jar)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "\x80\x04", '{"format":"other 1","cookies":[]}', "password=hunter2"]
)
def test_a_foreign_file_is_named_and_left_alone(content, tmp_path):
    """What is not ours is not read, not quoted and not touched."""
    path = tmp_path / "jar.json"
    path.write_text(content)
    with pytest.raises(StateDamaged) as caught:
        load_cookies(path)
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert path.read_text() == content


@pytest.mark.parametrize(
    "change", [{"domain": "exa mple.com"}, {"domain": ""}, {"value": "1\r\nX: y"}, {"path": "b"}, {"name": "a;b"}]
)
def test_a_cookie_that_no_server_could_have_set_is_not_taken(change, jar, tmp_path):
    """A file that was edited by hand can put nothing into a header that HTTP could not."""
    path = tmp_path / "jar.json"
    save_cookies(path, jar)
    saved = json.loads(path.read_text())
    saved["cookies"][0] |= change
    path.write_text(json.dumps(saved))
    with pytest.raises(StateDamaged):
        load_cookies(path)


def test_a_file_cannot_widen_a_cookie_to_a_public_suffix(jar, tmp_path):
    """A loaded cookie passes the jar's rules again (CVE-2026-54279 was a jar that forgot host-only)."""
    path = tmp_path / "jar.json"
    save_cookies(path, jar)
    saved = json.loads(path.read_text())
    saved["cookies"][0] |= {"domain": "co.uk", "host_only": False}
    path.write_text(json.dumps(saved))
    again = CookieJar()
    again.restore(load_cookies(path), NOW)
    assert "co.uk" not in {cookie.domain for cookie in again}


def test_trouble_with_the_disk_is_told(jar, tmp_path):
    """No file, or no place for one, is an error of ours that names the path."""
    with pytest.raises(StateError, match=r"none\.json"):
        load_cookies(tmp_path / "none.json")
    with pytest.raises(StateError, match=r"jar\.json"):
        save_cookies(tmp_path / "missing" / "jar.json", jar)
