"""Which release this is. One line, read by the build and by whoever says who is calling."""

__version__ = "0.1.0"
