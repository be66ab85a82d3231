"""Which release this is.

The build reads the version from here, and so does whoever tells a server or a person who is calling; it stands nowhere
else. Nothing may be imported here: the build reads the file without running it.
"""

__version__ = "0.1.0"
