"""Which release this is. One line, read by the build and by whoever says who is calling."""

VERSION = "0.1.0"
