"""A made-up bookshop of any size as files on disk, with the truth about every book."""
