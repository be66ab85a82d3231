"""Where items go: files that a crawl may be killed over at any instant and still finish with each item once."""

from __future__ import annotations

from scraper.sinks.base import Mode, Place, Sink
from scraper.sinks.factory import FORMATS, make_sink, place_for

__all__ = ["FORMATS", "Mode", "Place", "Sink", "make_sink", "place_for"]
