"""The outputs of one run: opened before anything is fetched, sealed only when the run has succeeded.

A run that goes on writes where it began, whatever the clock or a symbolic link says by now: its places are read from
the crawl's memory. All outputs share one thread for their files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import msgspec

from scraper.errors import ConfigError, StateDamaged
from scraper.frontier.base import OutputState
from scraper.frontier.files import CURE
from scraper.runs.plan import Plan
from scraper.runs.state import StateFolder
from scraper.sinks.base import Place, Sink
from scraper.sinks.factory import make_sink, place_for

__all__ = ["Outputs"]


class Outputs:
    """The sinks of a run, by the name that the config gives them; an async context manager that closes them."""

    def __init__(self, plan: Plan) -> None:
        self._plans = {output.path: output for output in plan.outputs}
        self._crawl = plan.name
        self._home = plan.home
        self._state = plan.state
        self._private = bool(plan.secrets)  # what a login or a key has fetched is not for everybody
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outputs")
        self.sinks: dict[str, Sink] = {}

    async def __aenter__(self) -> Self:
        return self

    async def begin(self, run: int, started: float) -> dict[str, OutputState]:
        """Open every output for a new run; return what the crawl's memory is to keep of them."""
        words = {"run": f"{run:06}", "name": self._crawl, **_moment(started)}
        for name, plan in self._plans.items():
            place = place_for(
                self._home / name.format_map(words),
                mode=plan.mode,
                format=plan.format,
                formulas=plan.formulas,
                private=self._private,
            )
            if self._state is None and place.work != place.final:
                # An unfinished run that waits to be gone on with has its own work file, and keeps it.
                place = msgspec.structs.replace(place, work=place.work.replace(place.final, place.final + ".memory"))
            self.sinks[name] = make_sink(place, executor=self._thread, fields=plan.fields)
        self._check_apart()
        offsets = {name: await sink.open(None) for name, sink in self.sinks.items()}
        return {name: OutputState(self._stored(name, sink.place), offsets[name]) for name, sink in self.sinks.items()}

    def _check_apart(self) -> None:
        """Raise ConfigError when two outputs would write one file, or one the crawl's memory, whatever their names."""
        owners: dict[str, str] = {}
        memory = None if self._state is None else os.path.realpath(self._state)
        for name, sink in self.sinks.items():
            for path in {sink.place.final, sink.place.work}:
                real = os.path.realpath(path)
                if (other := owners.setdefault(real, name)) != name:
                    raise ConfigError(f"the outputs {other} and {name} are one file, {real}; give each its own")
                if memory is not None and Path(real).is_relative_to(memory):
                    raise ConfigError(f"the output {name} stands in the crawl's own folder {memory}; choose another")

    async def resume(self, stored: Mapping[str, OutputState], *, sealing: bool) -> None:
        """Open every output of an unfinished run where it was committed to, cutting off what is beyond."""
        self.restore(stored)
        for name, sink in self.sinks.items():
            await sink.open(stored[name].offset, sealing=sealing)

    def restore(self, stored: Mapping[str, OutputState]) -> None:
        """Find the outputs of an unfinished run again, unopened; raise ConfigError when the config has others."""
        for name, plan in self._plans.items():
            known = stored.get(name)
            if known is None or self._meaning(known) != (plan.mode, plan.format, plan.fields, plan.formulas):
                self._refuse(stored)
        if stored.keys() - self._plans.keys():
            self._refuse(stored)
        for name, state in stored.items():
            self.sinks[name] = make_sink(self._place(state), executor=self._thread, fields=self._plans[name].fields)

    def _refuse(self, stored: Mapping[str, OutputState]) -> NoReturn:
        places = {name: self._kept(state) for name, state in stored.items()}
        was = ", ".join(f"{name} ({place.format}, {place.mode})" for name, place in places.items())
        raise ConfigError(
            f"the outputs are not those of the unfinished run ({was or 'none'}); "
            "put them back to go on with it, or start over with --fresh"
        )

    def _stored(self, name: str, place: Place) -> dict[str, object]:
        """Return a place as it is kept: paths below the config's folder are relative, so that all can be moved."""
        kept: dict[str, object] = {**place.to_dict(), "fields": self._plans[name].fields}
        for key in ("final", "work"):
            path = Path(str(kept[key]))
            if path.is_relative_to(self._home):
                kept[key] = str(path.relative_to(self._home))
        return kept

    def _place(self, state: OutputState) -> Place:
        place = self._kept(state)
        return msgspec.structs.replace(place, final=str(self._home / place.final), work=str(self._home / place.work))

    def _kept(self, state: OutputState) -> Place:
        """Return the place that the crawl's memory has kept; raise StateDamaged when it cannot be one."""
        try:
            return Place.from_dict(state.place)
        except (TypeError, msgspec.MsgspecError) as error:
            file = self._state and StateFolder(self._state).present
            raise StateDamaged(f"{file}: what it keeps of an output cannot be read: {error}; {CURE}") from None

    def _meaning(self, state: OutputState) -> tuple[Any, ...]:
        """Return what may not change while a run is unfinished."""
        place, fields = self._kept(state), state.place.get("fields")
        return place.mode, place.format, None if fields is None else tuple(fields), place.formulas

    async def discard(self, stored: Mapping[str, OutputState]) -> None:
        """Give up an unfinished run: as if it had never begun."""
        for state in stored.values():
            sink = make_sink(self._place(state), executor=self._thread)
            try:
                await sink.discard()
            finally:
                await sink.close()

    async def clear_away(self, stored: Mapping[str, OutputState]) -> None:
        """Remove the work that an earlier, failed run has left to be looked at."""
        await self.discard({name: state for name, state in stored.items() if self._kept(state).mode == "replace"})

    async def set_aside(self) -> None:
        """Leave every output as it was before the run, which has failed, and its items in the work files."""
        for sink in self.sinks.values():
            await sink.set_aside()

    async def seal(self) -> None:
        """Make every output show the run's result."""
        for sink in self.sinks.values():
            await sink.seal()

    def finished(self) -> tuple[str, ...]:
        """Return where the run's result is."""
        return tuple(sink.place.final for sink in self.sinks.values())

    def unfinished(self) -> tuple[str, ...]:
        """Return where the items of a run are that can be gone on with."""
        return tuple(sink.place.work for sink in self.sinks.values())

    def taken_back(self) -> tuple[str, ...]:
        """Return where the items of a run that failed can be looked at."""
        places = [sink.place for sink in self.sinks.values()]
        return tuple(f"{place.final}.part" if place.work == place.final else place.work for place in places)

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
