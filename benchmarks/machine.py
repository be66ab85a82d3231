"""The machine that measures: its processors, what a process tree takes, and a line that describes it all."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path

__all__ = ["busy_seconds", "describe", "environment", "own_memory", "pinned", "processors", "tree_memory"]

ROOT = Path(__file__).resolve().parents[1]
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def processors() -> tuple[int, int]:
    """Return the processor for servers and the one for crawlers; the same when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def pinned(processor: int) -> Callable[[], None]:
    """Return what a child process calls to stay on one processor."""
    return lambda: os.sched_setaffinity(0, {processor})


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a child that imports this folder and the package beside it."""
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), "PYTHONHASHSEED": "0", **more}


def own_memory() -> int:
    """Return the resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def tree_memory(group: int) -> int:
    """Return the resident bytes of a process group, the sum of its members."""
    return sum(int(fields[21]) * _PAGE for fields in map(_stat, _processes()) if fields and int(fields[2]) == group)


def busy_seconds(pid: int) -> float:
    """Return the CPU seconds, user and system, that a living process has used."""
    fields = _stat(str(pid))
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: str) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; none when the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def describe() -> str:
    """Return one line: processors, system, Python, how busy the machine is."""
    model = next((line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), "processor")
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {load:.2f}"
    )


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
