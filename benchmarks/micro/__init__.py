"""The steps of a page, timed."""
