"""`python -m scraper.parsing.child`: make markup harmless and prove it, in a process that may die.

Markup comes in on stdin as UTF-8. What goes out on stdout is one line, `same`, `cleaned` or `refused`, then for
`cleaned` the markup and for `refused` why. Memory and processor time are bounded by the kernel before anything is read,
so whatever a page does to a parser happens here and ends here.

No network, no files, no crawl: this process gets bytes and gives bytes.
"""

from __future__ import annotations

import gc
import resource
import sys

from scraper.parsing.flatten import flatten
from scraper.parsing.gate import is_harmless
from scraper.parsing.tree import markup_tree

__all__ = ["MEMORY", "SECONDS", "main"]

MEMORY = 1024 * 1024 * 1024  # bytes of address space; an honest 16 MiB page takes a quarter
SECONDS = 10  # of processor time; an honest 16 MiB page takes one
PARSE_SECONDS = 2.0  # that the crawl can spare for one page; an honest 16 MiB page takes a third of one


def main() -> int:
    """Read markup, answer, end."""
    memory = int(sys.argv[1]) if len(sys.argv) > 1 else MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.disable()
    body = sys.stdin.buffer.read()
    try:
        answer = _answer(body)
    except MemoryError:
        answer = b"refused\nparsing it takes too much memory"
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    return 0


def _answer(body: bytes) -> bytes:
    answer, markup = b"same\n", body
    if not is_harmless(body):
        flat = flatten(body.decode("utf-8", "replace"))
        if flat.faults:
            markup = flat.text.encode()
            answer = b"cleaned\n" + markup
    before = _spent()
    markup_tree(markup)
    taken = _spent() - before
    return answer if taken <= PARSE_SECONDS else f"refused\nparsing it takes {taken:.1f} s".encode()


def _spent() -> float:
    """Return the seconds of processor time that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
