"""What is wrong with a value, and where below the value that was read: refusals are gathered, so all are told at once.

A message may hold {shown}, which stands for the value as it may be quoted; what it becomes is for `problems` to say. No
key, no value and no file may enter this room.
"""

from __future__ import annotations

import msgspec

from scraper.config.tree import Step

__all__ = ["KEY", "UNKNOWN", "Fault", "Refusal", "fault"]

VALUE, KEY, UNKNOWN = "value", "key", "unknown"  # what is wrong: a value, the text of a key, that there is such a key


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong."""

    message: str
    private: str = ""  # instead of a message that quotes the value, when that came from the environment
    instead: str = ""  # the key beside this one at which the author can repair it
    inside: tuple[Step, ...] = ()  # the path below the value at which the author can repair it
    about: str = VALUE
    loc: tuple[Step, ...] = ()  # where it is, from the value that was read


class Refusal(Exception):
    """A value that cannot be taken, with every reason; none when it follows from one that is told already."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*(fault.message for fault in faults))
        self.faults = faults

    def below(self, step: Step, about: str = VALUE) -> list[Fault]:
        """Return the faults as those of what holds this value at `step`; `about` says of what, where this is new."""
        return [
            msgspec.structs.replace(each, loc=(step, *each.loc), about=each.about if each.loc else about)
            for each in self.faults
        ]


def fault(message: str, *, private: str = "", instead: str = "", inside: tuple[Step, ...] = ()) -> Refusal:
    """Return the error for a wrong value."""
    return Refusal(Fault(message, private, instead, inside))
