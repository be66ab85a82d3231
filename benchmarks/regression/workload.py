"""The process that is counted: every step once, between two marks. Run by `counting`, under callgrind.

A mark is a call of getloadavg, which nobody else makes: callgrind writes its count down before each. A step is done
once before it is counted, so that caches are filled and modules are imported; the garbage collector rests meanwhile.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

mark = os.getloadavg
PAGES = 40  # of the material: an instruction takes fifty times its time under callgrind
START = "start: import what a run needs"


def main() -> None:
    """Do the steps whose names are given as arguments, all when none is; tell the units of each as JSON."""
    mark()
    import_module("scraper.cli.run")
    mark()
    from benchmarks.steps.all import STEPS
    from benchmarks.steps.material import Material

    units = {START: 1}
    with tempfile.TemporaryDirectory(prefix="bench-count-") as folder:
        for step in STEPS:
            if sys.argv[1:] and step.name not in sys.argv[1:]:
                continue
            work = step.prepare(Material(Path(folder), size=PAGES))
            work()
            gc.collect()
            gc.disable()
            mark()
            units[step.name] = work()
            mark()
            gc.enable()
    print(json.dumps(units))


if __name__ == "__main__":
    main()
