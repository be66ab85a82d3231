"""One measurement in a process of its own, so that no other's memory is in it: JSON on stdout.

python -m benchmarks.memory.probe NAME JSON-ARGUMENTS
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.memory import crawls, hot, queues

__all__ = ["PROBES"]

PROBES: dict[str, Callable[..., dict[str, Any]]] = {
    "queued": queues.queued,
    "resumed": queues.resumed,
    "turns": queues.turns,
    "long": crawls.long,
    "broad": crawls.broad,
    "bulk": crawls.bulk,
    "hot": hot.hot_host,
}


def main() -> None:
    """Run the probe that is named."""
    name, arguments = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(PROBES[name](Path(arguments.pop("folder")), **arguments)))


if __name__ == "__main__":
    main()
