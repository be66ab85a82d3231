"""From the text `spiders/books.py:Books` (or `package.module:Books`) to the user's spider.

This is the only room that imports the user's code, and only code that the user's own config names. Whatever is wrong
with it is said with file, line and cure, before anything is fetched.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from scraper.errors import SpiderError
from scraper.spider import Spider

__all__ = ["find_spider", "make_spider"]

_MODULE_PREFIX = "scraper_spider_"  # in sys.modules, so that no spider's file hides a library of the same name


def find_spider(named: str, folder: Path) -> type[Spider]:
    """Return the spider class that `named` means; a path is relative to `folder`, the config's own.

    Raises SpiderError when there is no such file, module or class, or when importing it fails.
    """
    where, _, wanted = named.partition(":")
    module = _from_file(folder / where) if where.endswith(".py") else _from_name(where, folder)
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Spider) and value.__module__ == module.__name__
    }
    if wanted:
        chosen = getattr(module, wanted, None)
        if isinstance(chosen, type) and issubclass(chosen, Spider):
            return chosen
        raise SpiderError(f"{where} has no spider {wanted!r}{_choice(found)}")
    if len(found) != 1:
        many = "has no class that subclasses scraper.Spider" if not found else "has several spiders; name one"
        raise SpiderError(f"{where} {many}{_choice(found)}")
    return next(iter(found.values()))


def _choice(found: dict[str, type[Spider]]) -> str:
    return f"; it has {', '.join(found)}" if found else ""


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise SpiderError(f"there is no file {path}; the path is relative to the config file")
    name = _MODULE_PREFIX + path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SpiderError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _reach(path.parent)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script that calls sys.exit() would end as a success
        raise SpiderError(_blame(path, error)) from error
    return module


def _from_name(name: str, folder: Path) -> ModuleType:
    _reach(folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            raise SpiderError(f"there is no module {name!r} on Python's path or beside the config file") from None
        raise SpiderError(_blame(Path(name), error)) from error
    except (Exception, SystemExit) as error:
        raise SpiderError(_blame(Path(name), error)) from error


def _reach(folder: Path) -> None:
    """Let a spider import what lies beside it, after everything that is installed."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _blame(path: Path, error: BaseException) -> str:
    """Return where in the spider's file importing it failed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename) == path]
    line = own[-1].lineno if own else getattr(error, "lineno", None)
    place = f"{path}:{line}" if line else str(path)
    return f"{place}: importing the spider failed: {type(error).__name__}: {error}"


def make_spider(spider: type[Spider]) -> Spider:
    """Return an instance of a spider class; raise SpiderError when it cannot be made or cannot be run."""
    if not (isinstance(spider, type) and issubclass(spider, Spider)):
        raise SpiderError(f"{spider!r} is not a subclass of scraper.Spider")
    try:
        made = spider()
    except (Exception, SystemExit) as error:
        raise SpiderError(
            f"{spider.__name__}() failed: {type(error).__name__}: {error}; it takes no arguments"
        ) from error
    if type(made).parse is Spider.parse and type(made).start is Spider.start:
        raise SpiderError(f"{spider.__name__} has no parse(self, page) method; write one")
    return made
