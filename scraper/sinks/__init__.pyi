from scraper.sinks.base import Mode as Mode
from scraper.sinks.base import Place as Place
from scraper.sinks.base import Sink as Sink
from scraper.sinks.factory import FORMATS as FORMATS
from scraper.sinks.factory import make_sink as make_sink
from scraper.sinks.factory import place_for as place_for

__all__ = ["FORMATS", "Mode", "Place", "Sink", "make_sink", "place_for"]
