"""One job, many crawlers: interleaved rounds, every item compared with the truth, one table."""
