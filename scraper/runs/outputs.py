"""The outputs of one run: opened before anything is fetched, sealed only when the run has succeeded.

A run that goes on writes where it began, whatever the clock or a symbolic link says by now: its places are read from
the crawl's memory. All outputs share one thread for their files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Self

from scraper.errors import ConfigError
from scraper.frontier.base import OutputState
from scraper.runs.plan import OutputPlan
from scraper.sinks.base import Place, Sink
from scraper.sinks.factory import make_sink, place_for

__all__ = ["Outputs"]


class Outputs:
    """The sinks of a run, by the name that the config gives them; an async context manager that closes them."""

    def __init__(self, plans: Sequence[OutputPlan], *, crawl: str) -> None:
        self._plans = {plan.path: plan for plan in plans}
        self._crawl = crawl
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outputs")
        self.sinks: dict[str, Sink] = {}

    async def __aenter__(self) -> Self:
        return self

    async def begin(self, run: int, started: float) -> dict[str, OutputState]:
        """Open every output for a new run; return what the crawl's memory is to keep of them."""
        words = {"run": f"{run:06}", "name": self._crawl, **_moment(started)}
        for name, plan in self._plans.items():
            place = place_for(name.format_map(words), mode=plan.mode, format=plan.format)
            self.sinks[name] = make_sink(place, executor=self._thread, fields=plan.fields)
        offsets = {name: await sink.open(None) for name, sink in self.sinks.items()}
        return {name: OutputState(sink.place.to_dict(), offsets[name]) for name, sink in self.sinks.items()}

    async def resume(self, stored: Mapping[str, OutputState], *, sealing: bool) -> None:
        """Open every output of an unfinished run where it was committed to, cutting off what is beyond."""
        self._restore(stored)
        for name, sink in self.sinks.items():
            await sink.open(stored[name].offset, sealing=sealing)

    def _restore(self, stored: Mapping[str, OutputState]) -> None:
        if stored.keys() != self._plans.keys():
            raise ConfigError(
                f"the outputs are not those of the unfinished run ({', '.join(stored) or 'none'}); "
                "put them back to go on with it, or start over with --fresh"
            )
        for name, state in stored.items():
            place = Place.from_dict(state.place)
            self.sinks[name] = make_sink(place, executor=self._thread, fields=self._plans[name].fields)

    async def discard(self, stored: Mapping[str, OutputState]) -> None:
        """Give up an unfinished run: as if it had never begun."""
        for state in stored.values():
            sink = make_sink(Place.from_dict(state.place), executor=self._thread)
            try:
                await sink.discard()
            finally:
                await sink.close()

    async def seal(self) -> None:
        """Make every output show the run's result."""
        for sink in self.sinks.values():
            await sink.seal()

    def paths(self, *, finished: bool) -> tuple[str, ...]:
        """Return the finished outputs, or where the unfinished work is."""
        return tuple(sink.place.final if finished else sink.place.work for sink in self.sinks.values())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every output; what was committed stays for a resume."""
        try:
            for sink in self.sinks.values():
                await sink.close()
        finally:
            self._thread.shutdown(wait=False)


def _moment(started: float) -> dict[str, str]:
    """Return the local date and time of a run's start, in a form that file names may hold."""
    start = datetime.fromtimestamp(started).astimezone()
    return {"date": start.strftime("%Y-%m-%d"), "time": start.strftime("%H%M%S")}
