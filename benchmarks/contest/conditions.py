"""Under which conditions the job is done, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONDITIONS", "Condition"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One table's worth of runs."""

    name: str
    title: str
    contestants: tuple[str, ...]
    pages: int = 2000
    rounds: int = 5
    tiny: bool = False
    hosts: int = 1
    delay: str = ""  # milliseconds of each answer, by its path
    connections: int = 32


_ALL = ("scraper", "scraper --memory", "raw", "raw session", "scrapy", "crawlee")

CONDITIONS = {
    each.name: each
    for each in (
        Condition("realistic", "Realistic pages", _ALL),
        Condition("tiny", "Tiny pages", _ALL, pages=4000, tiny=True),
        Condition(
            "latency", "Realistic pages, answers after 50 to 200 ms, 128 connections",
            ("scraper", "raw", "scrapy", "crawlee"), rounds=3, delay="50-200", connections=128,
        ),
        Condition("hosts", "Realistic pages on 8 hosts", ("scraper", "raw", "scrapy"), rounds=3, hosts=8),
    )
}  # fmt: skip
