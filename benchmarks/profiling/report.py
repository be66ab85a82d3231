"""What the samples of a crawl say, as text: by room, by the hottest places, by function with all that it calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.profiling.rooms import layer_of, room_of, where
from benchmarks.profiling.sampler import Sampler, expression

__all__ = ["Profile", "tables", "write_stacks"]


@dataclass(frozen=True, slots=True)
class Profile:
    """A crawl that was sampled."""

    sampler: Sampler
    pages: int
    main_seconds: float  # CPU of the main thread while it crawled, the sampler's own left out
    other_seconds: float  # CPU of the other threads: SQLite's and the files'

    def rooms(self) -> Counter[str]:
        """Return the microseconds a page of each room."""
        found: Counter[str] = Counter()
        for stack, seconds in self.sampler.stacks.items():
            found[room_of(stack)] += self._a_page(seconds)
        found["other threads: SQLite, files"] = self._a_page(self.other_seconds)
        return found

    def places(self) -> Counter[tuple[str, str]]:
        """Return the microseconds a page of each innermost place."""
        found: Counter[tuple[str, str]] = Counter()
        for stack, seconds in self.sampler.stacks.items():
            found[where(stack[0]), expression(stack[0])[1]] += self._a_page(seconds)
        return found

    def functions(self) -> Counter[str]:
        """Return the microseconds a page of each function of the package, with all that it calls."""
        found: Counter[str] = Counter()
        for stack, seconds in self.sampler.stacks.items():
            for name in {_function(place[0]) for place in stack}:
                if name:
                    found[name] += self._a_page(seconds)
        return found

    def _a_page(self, seconds: float) -> float:
        return seconds / self.pages * 1e6


def _function(code) -> str:
    file = code.co_filename
    return f"{file.partition('/scraper/')[2]} {code.co_qualname}" if "/scraper/" in file else ""


def tables(profile: Profile, *, top: int) -> Iterable[str]:
    """Yield the lines of the tables."""
    rooms = profile.rooms()
    total = sum(rooms.values())
    layers: Counter[str] = Counter()
    for room, cost in rooms.items():
        layers[layer_of(room)] += cost
    yield f"{profile.pages} pages, {total:.0f} us of CPU a page, {profile.sampler.samples} samples"
    for head, found in (("layer", layers), ("room", rooms)):
        yield ""
        yield f"| {head} or library (its own time) | us a page | % |"
        yield "|---|---|---|"
        for name, cost in found.most_common():
            if cost >= 0.0005 * total:
                yield f"| {name} | {cost:.1f} | {100 * cost / total:.1f} |"
    yield ""
    yield "Hottest places (own time, calls into C included):"
    for (place, text), cost in profile.places().most_common(top):
        yield f"{cost:7.1f} us {100 * cost / total:5.1f} %  {place}  {text}"
    yield ""
    yield "Functions of the package, with all that they call:"
    for name, cost in profile.functions().most_common(top):
        yield f"{cost:7.1f} us {100 * cost / total:5.1f} %  {name}"


def write_stacks(sampler: Sampler, file: Path) -> None:
    """Write the stacks as folded lines, outermost first, weighed in microseconds: what flame graph tools read."""
    with file.open("w", encoding="utf-8") as out:
        for stack, seconds in sampler.stacks.items():
            names = ";".join(where(place).replace(" ", "_") for place in reversed(stack))
            out.write(f"{names} {seconds * 1e6:.0f}\n")
