"""What holds for all tests: signals mean what they mean when a person starts a command.

A runner that was started in the background, or under nohup, ignores signals, and whatever it starts inherits that.
"""

from __future__ import annotations

import signal

signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
