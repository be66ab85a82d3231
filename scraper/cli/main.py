"""The command `scrape`: arguments in, exit code out.

    scrape config.yaml         run the crawl (the same as `scrape run config.yaml`)
    scrape check config.yaml   validate, import the spider, print what would run; nothing is fetched
    scrape schema              print the JSON Schema of the config, for editors
    scrape shop                serve the practice shop on loopback

Exit codes: 0 done; 1 failed; 2 the config or the command line is wrong; 3 stopped by limits.memory; 4 another run of
this crawl is going on; 130 interrupted. Each command imports what it needs when it is called, so that `--help` is there
at once.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from scraper.about import __version__
from scraper.cli.signals import INTERRUPTED, leave_on_signals
from scraper.cli.streams import flush, secure_streams, settle

__all__ = ["main"]

DONE, FAILED, WRONG_CONFIG, LOCKED = 0, 1, 2, 4


_OWN_OPTIONS = ("-h", "--help", "--version")


class _Commands(click.Group):
    """A group whose commands may be left out: `scrape config.yaml` runs it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in _OWN_OPTIONS and any(map(_is_config, args)):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-") and _is_config(args[0]):
            args = ["run", *args]
        return super().resolve_command(ctx, args)


def _is_config(word: str) -> bool:
    return word.lower().endswith((".yaml", ".yml")) or os.sep in word or Path(word).exists()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scrape")
def commands() -> None:
    """Run a web crawl that is described in a YAML file.

    \b
    scrape config.yaml          run it; after a kill or Ctrl-C the same command goes on
    scrape config.yaml --fresh  start over
    scrape check config.yaml    look at it first

    \b
    Exit codes: 0 done, 1 failed, 2 wrong config, 3 stopped at limits.memory,
    4 already running, 130 interrupted. After 3 and 130 the same command goes on.
    """


_CONFIG = click.argument("config", type=click.Path(path_type=Path))


@commands.command()
@_CONFIG
@click.option("--fresh", is_flag=True, help="Give up an unfinished run and start over.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless the run fails.")
@click.option("-v", "--verbose", is_flag=True, help="Log every visit.")
@click.option("--json-log", is_flag=True, help="Log every visit and the summary as JSON lines on stderr.")
@click.option("--memory", is_flag=True, help="Keep no state on disk: nothing can be gone on with.")
@click.pass_obj
def run(
    secrets: list[str], config: Path, *, fresh: bool, quiet: bool, verbose: bool, json_log: bool, memory: bool
) -> int:
    """Run the crawl that CONFIG describes."""
    from scraper.cli.prepare import prepare
    from scraper.cli.run import run_plan

    plan = prepare(config, os.environ, memory=memory)
    secrets.extend(plan.secrets)
    return run_plan(plan, fresh=fresh, quiet=quiet, verbose=verbose, json_log=json_log)


@commands.command()
@_CONFIG
def check(config: Path) -> int:
    """Validate CONFIG, import its spider and print what would run. Nothing is fetched or written."""
    from scraper.cli.prepare import describe, prepare

    click.echo(describe(prepare(config, os.environ, memory=False)))
    return DONE


@commands.command()
def schema() -> int:
    """Print the JSON Schema of the config file, for editors."""
    import json

    from scraper.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return DONE


@commands.command()
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option("--books", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="Size of the shop.")
def shop(port: int, books: int) -> int:
    """Serve the practice shop on loopback until Ctrl-C."""
    from scraper.cli.shop import serve_shop

    return serve_shop(port, books)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; errors of ours become messages, never tracebacks."""
    words, threads = sys.argv[1:] if arguments is None else arguments, threading.enumerate()
    gc.disable()  # nothing that is imported is garbage; looking for it takes a seventh of the start
    with leave_on_signals():
        try:
            code = _main(words)
        finally:
            settle()
            gc.freeze()  # nor is it looked at again at the end
            gc.enable()
        if threading.active_count() > len(threads):
            from scraper.cli.leaving import leave

            leave(code, threads, lambda text: _warn(text, words))
    return code


def _main(words: list[str]) -> int:
    secure_streams()
    secrets: list[str] = []
    try:
        code = int(commands.main(words, prog_name="scrape", standalone_mode=False, obj=secrets) or DONE)
        flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        with suppress(OSError):  # nobody listens
            error.show()
        return WRONG_CONFIG
    except BrokenPipeError:
        return FAILED  # the reader of a pipe has left (`scrape schema | head`)
    except Exception as error:
        return INTERRUPTED if _is_interruption(error) else _explain(error, words, secrets)
    return code


def _is_interruption(error: Exception) -> bool:
    """Tell whether an interruption became this error: the making of a class turns it into one, until Python 3.12."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _say(text: str) -> None:
    with suppress(OSError):  # nobody listens
        click.echo(text, err=True)


def _warn(text: str, words: list[str]) -> None:
    """Say something on stderr that is no error, as text or, with --json-log, as JSON."""
    from scraper.ui.words import json_line, safe

    _say(json_line({"level": "warning", "message": text}) if "--json-log" in words else f"scrape: {safe(text)}")


def _explain(error: Exception, words: list[str], secrets: Iterable[str] = ()) -> int:
    """Say on stderr what went wrong, a bug with its traceback, and return the exit code."""
    import traceback

    from scraper.errors import ConfigError, ScraperError, SpiderError, StateLocked
    from scraper.policy.secrets import hider
    from scraper.ui.words import json_line, safe

    known = isinstance(error, (ScraperError, OSError))
    message = hider(secrets)(str(error) if known else "".join(traceback.format_exception(error)))
    text = message if isinstance(error, ConfigError) or not known else f"scrape: {message}"
    if "--json-log" in words:
        text = json_line({"level": "error", "message": message, "error": type(error).__name__})
    _say(safe(text))
    if isinstance(error, (ConfigError, SpiderError)):
        return WRONG_CONFIG
    return LOCKED if isinstance(error, StateLocked) else FAILED


if __name__ == "__main__":
    sys.exit(main())
