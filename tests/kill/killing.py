"""How tests talk to the driver: each call is one process life of a crawl."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

KILLED = -signal.SIGKILL


class Driver:
    """The process of driver.py: each call is one process life of a crawl."""

    def __init__(self) -> None:
        self.errors = ""
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("driver.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, config: Path, *, boundary: str = "", count: int = 0, careless: bool = False) -> int:
        """Let a crawl run until it passes `boundary` for the count-th time; return its exit code, or -SIGKILL."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        command = {"config": str(config), "boundary": boundary, "count": count, "careless": careless}
        print(json.dumps(command), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate("")
