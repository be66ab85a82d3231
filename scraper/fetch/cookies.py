"""Cookies on disk: a jar as a JSON file that only its owner may read, and back again.

What is read is data and nothing more: a file that is not ours is named and left alone, and every cookie passes the
jar's own rules again, so host-only stays host-only and no file can widen a cookie.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import inf
from pathlib import Path

import msgspec

from scraper.errors import InvalidURL, StateDamaged, StateError
from scraper.policy.cookies import Cookie
from scraper.policy.setcookie import CONTROLS
from scraper.urls import canonical, hostname

__all__ = ["load_cookies", "save_cookies"]

PRIVATE = 0o600  # a cookie may be a login
FORMAT = "scraper cookies 1"


class _Saved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    port: str
    secure: bool
    tls: bool
    http_only: bool
    expires: float | None  # epoch seconds; None: with the session


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    cookies: list[_Saved]


def save_cookies(path: Path, cookies: Iterable[Cookie]) -> None:
    """Write `cookies` to `path`, all of them or, whatever happens, nothing; raise StateError when that fails."""
    saved = [
        _Saved(
            *(cookie.name, cookie.value, cookie.domain, cookie.host_only, cookie.path, cookie.port),
            *(cookie.secure, cookie.tls, cookie.http_only, None if cookie.expires == inf else cookie.expires),
        )
        for cookie in sorted(cookies, key=lambda cookie: cookie.created)
    ]
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(_File(FORMAT, saved)), indent=1) + b"\n")
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StateError(f"{path}: the cookies cannot be saved: {error.strerror}") from None


def load_cookies(path: Path) -> list[Cookie]:
    """Return the cookies of a file; raise StateDamaged for a file that is not ours, StateError when there is none."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
        if file.format != FORMAT:
            raise ValueError(file.format)
        return [_checked(saved, number) for number, saved in enumerate(file.cookies)]
    except OSError as error:
        raise StateError(f"{path}: the cookies cannot be loaded: {error.strerror}") from None
    except ValueError:
        # Not quoted: it may be anybody's file, with anything in it.
        raise StateDamaged(f"{path}: these are not saved cookies; name another file") from None


def _checked(saved: _Saved, number: int) -> Cookie:
    """Return a cookie that could have come from a server; raise ValueError for one that could not."""
    try:
        known = hostname(canonical(f"http://{saved.domain}/")) == saved.domain
    except InvalidURL:
        known = False
    text = f"{saved.name}{saved.value}{saved.path}{saved.port}"
    if not known or CONTROLS.search(text) or ";" in saved.name + saved.value or not saved.path.startswith("/"):
        raise ValueError(saved.domain)
    return Cookie(
        name=saved.name,
        value=saved.value,
        domain=saved.domain,
        host_only=saved.host_only,
        path=saved.path,
        port=saved.port,
        secure=saved.secure,
        tls=saved.tls,
        http_only=saved.http_only,
        expires=inf if saved.expires is None else saved.expires,
        created=number,
    )
