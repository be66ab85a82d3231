"""Fuzzing of the rooms that read what others wrote: `make fuzz`, or `python -m fuzz --help`.

Not a part of the package and not of `make test`, which only replays the inputs in `fuzz/found`.
"""
