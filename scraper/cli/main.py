"""The command `scrape`: arguments in, exit code out.

    scrape config.yaml         run the crawl (the same as `scrape run config.yaml`)
    scrape check config.yaml   validate, import the spider, print what would run; nothing is fetched
    scrape schema              print the JSON Schema of the config, for editors
    scrape shop                serve the practice shop on loopback

Exit codes: 0 done; 1 failed; 2 the config or the command line is wrong; 4 another run of this crawl is going on;
130 interrupted. Each command imports what it needs when it is called, so that `--help` is there at once.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

import click

from scraper.about import __version__
from scraper.cli.streams import flush, secure_streams

__all__ = ["main"]

DONE, FAILED, WRONG_CONFIG, LOCKED, INTERRUPTED = 0, 1, 2, 4, 130


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

    Exit codes: 0 done, 1 failed, 2 wrong config, 4 already running, 130 interrupted.
    """


_CONFIG = click.argument("config", type=click.Path(path_type=Path))


@commands.command()
@_CONFIG
@click.option("--fresh", is_flag=True, help="Give up an unfinished run and start over.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless the run fails.")
@click.option("-v", "--verbose", is_flag=True, help="Log every visit.")
@click.option("--json-log", is_flag=True, help="Log every visit and the summary as JSON lines on stderr.")
@click.option("--memory", is_flag=True, help="Keep no state on disk: nothing can be gone on with.")
def run(config: Path, *, fresh: bool, quiet: bool, verbose: bool, json_log: bool, memory: bool) -> int:
    """Run the crawl that CONFIG describes."""
    from scraper.cli.prepare import prepare
    from scraper.cli.run import run_plan

    plan = prepare(config, os.environ, memory=memory)
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
    secure_streams()
    words = sys.argv[1:] if arguments is None else arguments
    gc.disable()  # nothing that is imported is garbage; looking for it takes a seventh of the start
    try:
        code = int(commands.main(words, prog_name="scrape", standalone_mode=False) or DONE)
        flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return WRONG_CONFIG
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return _nobody_listens()
        return _explain(error, words)
    except Exception as error:
        return _explain(error, words)
    finally:
        gc.freeze()  # nor is it looked at again at the end
        gc.enable()
    return code


def _nobody_listens() -> int:
    """End quietly when the reader of a pipe has left (`scrape schema | head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _explain(error: Exception, words: list[str]) -> int:
    """Say on stderr what went wrong, a bug with its traceback, and return the exit code."""
    import traceback

    from scraper.errors import ConfigError, ScraperError, SpiderError, StateLocked
    from scraper.ui.words import safe

    if not isinstance(error, (ScraperError, OSError)):
        click.echo(safe("".join(traceback.format_exception(error))), err=True)
        return FAILED
    text = str(error) if isinstance(error, ConfigError) else f"scrape: {error}"
    if "--json-log" in words:
        import json

        text = json.dumps({"level": "error", "message": str(error), "error": type(error).__name__})
    click.echo(safe(text), err=True)
    if isinstance(error, (ConfigError, SpiderError)):
        return WRONG_CONFIG
    if not isinstance(error, ScraperError):
        _nobody_listens()  # what is left unsaid would fail again at the end
    return LOCKED if isinstance(error, StateLocked) else FAILED


if __name__ == "__main__":
    sys.exit(main())
