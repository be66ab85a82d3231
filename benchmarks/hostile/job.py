"""What a contestant is asked to do, in words that are nobody's; each contestant has its own way of saying them.

`None` means: as it is shipped. What a case sets here is set for all contestants alike, and stands in its row.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from urllib.parse import urlsplit

__all__ = ["ANY", "Job"]

ANY = ("*",)  # the author of the spider did not say which hosts he means
_SETTINGS = ("delay", "concurrency", "timeout", "resumable", "misspelt")


@dataclass(frozen=True, slots=True)
class Job:
    """One crawl."""

    seeds: tuple[str, ...]
    spider: str = "Follow"
    hosts: tuple[str, ...] = ()  # hosts of the crawl; none: those of the seeds; ANY: not said
    names: dict[str, str] = field(default_factory=dict)  # host names, and the address and port they stand for
    output: str = "items.jsonl"
    delay: float | None = None  # seconds between two requests to a host
    concurrency: int | None = None  # requests to a host at once
    timeout: float | None = None  # seconds for one request
    resumable: bool = False  # to be gone on with after a kill
    misspelt: bool = False  # the settings have a key that does not exist

    @property
    def scope(self) -> list[str]:
        """The hosts that are stated; empty when they are not."""
        if self.hosts == ANY:
            return []
        return sorted(set(self.hosts or (str(urlsplit(seed).hostname) for seed in self.seeds)))

    @property
    def told(self) -> str:
        """What is not as shipped, for the row of the case."""
        shipped = {one.name: one.default for one in fields(self)}
        words = [
            f"{name} {value:g}" for name, value in asdict(self).items() if name in _SETTINGS[:3] and value is not None
        ]
        words += [name for name in _SETTINGS[3:] if getattr(self, name) != shipped[name]]
        return ", ".join(words)
