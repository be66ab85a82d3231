"""Every target by its name, in the order in which a run takes them."""

from __future__ import annotations

import importlib

from fuzz.target import Target
from fuzz.targets.body import BodyTarget
from fuzz.targets.config import ConfigTarget
from fuzz.targets.cookies import CookiesTarget
from fuzz.targets.encoding import EncodingTarget
from fuzz.targets.headers import HeadersTarget
from fuzz.targets.http import HttpTarget
from fuzz.targets.items import ItemsTarget
from fuzz.targets.page import PageTarget
from fuzz.targets.robots import RobotsTarget
from fuzz.targets.tables import TablesTarget
from fuzz.targets.urls import UrlsTarget

__all__ = ["NAMES", "make"]

_TARGETS: dict[str, type[Target]] = {
    target.name: target
    for target in (
        PageTarget, EncodingTarget, HttpTarget, BodyTarget, HeadersTarget, CookiesTarget, RobotsTarget, UrlsTarget,
        ConfigTarget, ItemsTarget, TablesTarget,
    )
}  # fmt: skip
NAMES = tuple(_TARGETS)


def make(name: str) -> Target:
    """Return a new target; `name` is one of NAMES, or `package.module:Class` of somebody else's."""
    module, colon, kind = name.partition(":")
    made: Target = getattr(importlib.import_module(module), kind)() if colon else _TARGETS[name]()
    return made
