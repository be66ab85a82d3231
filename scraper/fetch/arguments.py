"""The arguments of a requests-style call, turned into the URL, headers and bytes of a Request.

The rules are those of `requests`: lists repeat a key, None leaves it out, a dict as `data` is a form. Pure functions
over plain values; neither the network nor a session's state may enter.
"""

from __future__ import annotations

import json as json_codec
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

__all__ = ["Fields", "encode_body", "merge_headers", "split_url", "with_params"]

Fields = Mapping[str, Any] | Iterable[tuple[str, Any]] | str | bytes

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_USERINFO = re.compile(r"(https?:[/\\]{2,})([^/\\?#]*)@", re.IGNORECASE)
_FRAGMENT_SAFE = "!#$%&'()*+,/:;=?@[]~"  # what stays as it is in a fragment; % because it may be encoded already


def split_url(text: str) -> tuple[str, str, str]:
    """Take `text` apart: the URL alone, its fragment ("" or "#part") and its user and password as an Authorization.

    A URL that holds a password must never reach a message, so it is cut off before anything can go wrong with it.
    """
    bare, mark, fragment = text.strip().partition("#")
    fragment = mark + quote(fragment, safe=_FRAGMENT_SAFE)
    found = _USERINFO.match(bare)
    if found is None:
        return bare, fragment, ""
    user, _, password = found[2].partition(":")
    secret = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return found[1] + bare[found.end() :], fragment, f"Basic {b64encode(secret).decode()}"


def with_params(url: str, params: Fields | None) -> str:
    """Append `params` to the query of `url`, which has no fragment."""
    extra = "" if params is None else _encoded(params)
    if not extra:
        return url
    if "?" not in url:
        return f"{url}?{extra}"
    return url + extra if url.endswith(("?", "&")) else f"{url}&{extra}"


def _encoded(fields: Fields) -> str:
    """Return `fields` as form-encoded text; text and bytes are taken as encoded already."""
    if isinstance(fields, bytes):
        return fields.decode()
    if isinstance(fields, str):
        return fields
    return urlencode(_pairs(fields))


def _pairs(fields: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    items = fields.items() if isinstance(fields, Mapping) else fields
    pairs: list[tuple[str, Any]] = []
    for key, value in items:
        values = [value] if isinstance(value, str | bytes) or not isinstance(value, Iterable) else value
        pairs.extend((key, one) for one in values if one is not None)
    return pairs


def encode_body(data: Fields | None, json: Any) -> tuple[bytes, str]:
    """Return the body and its Content-Type ("" for none); `data` wins over `json`.

    Raises TypeError or ValueError for what is not JSON.
    """
    if data:
        text = data if isinstance(data, bytes) else _encoded(data).encode()
        return text, "" if isinstance(data, str | bytes) else _FORM
    if json is not None:
        return json_codec.dumps(json, allow_nan=False).encode(), _JSON
    return b"", ""


def merge_headers(*layers: Mapping[str, str | None]) -> dict[str, str]:
    """Return the headers of all `layers`, whatever the case of their names; later ones win, None takes one away."""
    merged = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    return {name: value for name, value in merged.values() if value is not None}
