"""A fictitious bookshop, served on loopback: what a new user crawls first, and what tests and benchmarks crawl.

The books come from word lists, the pages are as untidy as real ones, and the right answer is known without them.
"""
