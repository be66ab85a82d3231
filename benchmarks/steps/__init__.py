"""The steps of a page, each by itself, on the same few pages: timed by `micro`, counted by `regression`."""
