"""python -m benchmarks COMMAND: crawl, profile, micro, memory, check or limits; each explains itself with --help."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "crawl": "benchmarks.contest.command",
    "profile": "benchmarks.profiling.command",
    "micro": "benchmarks.micro.command",
    "memory": "benchmarks.memory.command",
    "check": "benchmarks.regression.command",
    "limits": "benchmarks.limits.command",
}


def main() -> int:
    """Hand the arguments to the command."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    if word not in COMMANDS:
        print(f"{__doc__}", file=sys.stderr)
        return 0 if word in ("-h", "--help") else 2
    return import_module(COMMANDS[word]).main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
