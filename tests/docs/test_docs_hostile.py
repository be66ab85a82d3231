"""docs/hostile-web.md is made from the cases of tests/hostile and is never older than they are."""

from __future__ import annotations

import subprocess
import sys

from tests.docs.reading import ROOT

PAGE = ROOT / "docs" / "hostile-web.md"
LONGEST = 200_000  # bytes; more than that nobody can open
_PRINT = "import runpy, sys; sys.stdout.buffer.write(runpy.run_path(sys.argv[1])['page']().encode())"


def test_the_table_of_cases_is_up_to_date() -> None:
    """When this fails, run `python tests/hostile/table.py`. In a process of its own: cases register once."""
    made = subprocess.run(
        [sys.executable, "-c", _PRINT, str(ROOT / "tests" / "hostile" / "table.py")],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert PAGE.read_bytes() == made.stdout
    assert len(made.stdout) < LONGEST
