"""`python -m benchmarks.hostile`, from the repository's own folder."""

import sys

from benchmarks.hostile.program import main

if __name__ == "__main__":
    sys.exit(main())
