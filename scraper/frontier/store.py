"""The crawl's memory on disk: one SQLite file in WAL mode, used as a log.

`url`, `done`, `tried`, `hop` and `refused` are only appended to, so a commit writes each fact once; what is pending is
simply `url` minus `done`. `rest` has a row for each host that had to be left alone. Everything is plain columns and
JSON: no pickle, nothing that could run. The file says who made it (application_id) and in which layout (user_version);
any other file is named and left alone.

Synchronous, for one thread at a time. Decisions (whose turn, seen or not) do not belong here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec

from scraper.errors import StateDamaged, StateError
from scraper.frontier.base import History
from scraper.frontier.files import CURE, claim, keep_private
from scraper.frontier.tables import (
    ENDED_RUN,
    FAILURES,
    FAILURES_READ,
    HOPS,
    INSERTS,
    LAST_MOMENT,
    PRIORITIES_RUN,
    REQUESTS_RUN,
    SEEDS_IN_TROUBLE,
    STREAKS,
    TABLES,
)

__all__ = ["MEMORY", "Batch", "Store"]

MEMORY = ":memory:"
APPLICATION_ID = 0x5343_5250  # "SCRP"
LAYOUT = 4  # raised when the tables change
CACHE_KIB = 8 * 1024  # of SQLite's page cache
WAL_PAGES = 4000  # 16 MB of log before it is folded back: fewer, larger checkpoints
RUN_ROWS = 4096  # that are read at a time when a crawl goes on

Row = tuple[Any, ...]
_NUMBERS = msgspec.json.Decoder(list[int])


def _numbers(text: str | None) -> list[int]:
    """Return the numbers of a group_concat."""
    return _NUMBERS.decode(f"[{text or ''}]")


class Batch:
    """The rows of one transaction, by table."""

    __slots__ = ("offsets", "rows")

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {table: [] for table in INSERTS}
        self.offsets: dict[str, int] = {}


class Store:
    """One crawl's file (or, for MEMORY, nothing on disk at all)."""

    def __init__(self, path: Path | str, *, power_safe: bool) -> None:
        self._path = path
        self._power_safe = power_safe
        self._db: sqlite3.Connection

    def open(self) -> None:
        """Open the file, made when it is new; raise StateDamaged when it is not ours or not whole."""
        if self._path != MEMORY:
            claim(Path(self._path))
        with self._translated():
            self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            new = self._recognise()
            for pragma in self._pragmas():
                self._db.execute(pragma)
            if new:
                self._create()
        if self._path != MEMORY:
            keep_private(Path(self._path))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn SQLite's errors into ours: what cannot be done now, and what is wrong with the file for good."""
        try:
            yield
        except sqlite3.Error as error:
            if _primary(error) in _SURROUNDINGS:
                raise StateError(
                    f"{self._path}: {error}; free some space or mend the folder, "
                    "then run the same command again: it goes on from the last commit"
                ) from None
            raise StateDamaged(f"{self._path}: {error}; {CURE}") from None

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Raise StateDamaged for what does not fit together while rows are made into requests inside the block."""
        try:
            yield
        except (LookupError, ValueError, TypeError, OverflowError, AssertionError, msgspec.MsgspecError) as error:
            what = f"its rows contradict each other ({type(error).__name__}: {error})"
            raise StateDamaged(f"{self._path}: {what}; {CURE}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is executed inside becomes durable together, or none of it."""
        with self._translated():
            self._db.execute("begin immediate")
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise

    def _pragmas(self) -> list[str]:
        synchronous = "full" if self._power_safe else "normal"
        return [
            "pragma journal_mode = wal",
            f"pragma synchronous = {synchronous}",
            f"pragma cache_size = -{CACHE_KIB}",
            f"pragma wal_autocheckpoint = {WAL_PAGES}",
        ]

    def _create(self) -> None:
        with self._transaction() as db:
            for statement in filter(str.strip, TABLES.split(";")):
                db.execute(statement)
            db.execute(f"pragma application_id = {APPLICATION_ID}")
            db.execute(f"pragma user_version = {LAYOUT}")

    def _recognise(self) -> bool:
        """Tell whether the file is new (or died while it was made); raise StateDamaged when it is foreign."""
        owner = self._one("pragma application_id")[0]
        layout = self._one("pragma user_version")[0]
        if owner == 0 and self._one("select count(*) from sqlite_master")[0] == 0:
            return True
        if owner != APPLICATION_ID:
            raise StateDamaged(f"{self._path}: this is not a crawl's state file; {CURE}")
        if layout != LAYOUT:
            raise StateDamaged(f"{self._path}: is in layout {layout}, and this version reads layout {LAYOUT}; {CURE}")
        return False

    def write(self, batch: Batch) -> None:
        """Write `batch` in one transaction: all of it or, whatever happens, nothing."""
        with self._transaction() as db:
            for table, rows in batch.rows.items():
                if rows:
                    db.executemany(INSERTS[table], rows)
            for name, offset in batch.offsets.items():
                db.execute("update out set offset = ? where name = ?", (offset, name))

    def begin(self, run: int, started: float, outputs: Sequence[tuple[str, bytes, int]]) -> None:
        """Write down a new run and the places of its outputs."""
        with self._transaction() as db:
            db.execute("insert into run values (?, ?, null, 'running')", (run, started))
            db.executemany("insert into out values (?, ?, ?)", outputs)

    def mark(self, status: str, ended: float | None) -> None:
        """Write down the status of the run."""
        with self._transaction() as db:
            db.execute("update run set status = ?, ended = ?", (status, ended))

    def run(self) -> tuple[int, float, str] | None:
        """Return (number, start, status) of the run that this file holds, if it holds one."""
        found = self._all("select id, started, status from run")
        if len(found) > 1:
            raise StateDamaged(f"{self._path}: it holds {len(found)} runs, and one file is one run; {CURE}")
        return (int(found[0][0]), float(found[0][1]), str(found[0][2])) if found else None

    def accepted(self) -> int:
        """Return how many requests were accepted: they are numbered from 1 on."""
        return self._numbered("url", "id")

    def _numbered(self, table: str, number: str) -> int:
        """Return the last number of a table whose rows are numbered from 1 on; raise ValueError when they are not."""
        with self._translated():
            count, first, last = self._one(f"select count(*), min({number}), max({number}) from {table}")  # noqa: S608
        if count and (first, last) != (1, count):
            raise ValueError(f"{count} rows of {table} are numbered {first} to {last}")
        return int(count)

    def requests(self, accepted: int) -> Iterator[tuple[range, list[int], Iterable[int], list[int]]]:
        """Yield (ids, hosts, priorities, fingerprints) of all requests in their order, some thousand at a time."""
        for before in range(0, accepted, RUN_ROWS):
            ends = before, min(before + RUN_ROWS, accepted)
            with self._translated():
                *texts, special = self._db.execute(REQUESTS_RUN, ends).fetchone()
                if special:
                    texts += self._db.execute(PRIORITIES_RUN, ends).fetchone()
            ids, columns = range(ends[0] + 1, ends[1] + 1), [_numbers(text) for text in texts]
            if any(len(column) != len(ids) for column in columns):
                raise ValueError(f"requests {ids[0]} to {ids[-1]} are not all there, or not as they were")
            yield ids, columns[0], columns[2] if special else repeat(0), columns[1]

    def ended(self) -> Iterator[list[int]]:
        """Yield the ids of all requests that are done, in the order they ended, some thousand at a time."""
        for before in range(0, self._numbered("done", "rowid"), RUN_ROWS):
            with self._translated():
                ids = self._one(ENDED_RUN, (before, before + RUN_ROWS))[0]
            yield _numbers(ids)

    def refusals(self) -> Iterator[int]:
        """Yield the fingerprints of all links that were refused."""
        with self._translated():
            refused = self._db.execute("select mark from refused")
            while found := refused.fetchmany(RUN_ROWS):
                yield from chain.from_iterable(found)

    def place(self, number: int) -> tuple[int, int]:
        """Return (host, priority) of a request."""
        with self._translated():
            host, priority = self._db.execute("select host, priority from url where id = ?", (number,)).fetchone()
        return host, priority

    def hops(self, given_up: str) -> Iterator[Row]:
        """Yield (request, fingerprint) of every redirect that was taken, but of chains that ended as `given_up`."""
        with self._translated():
            yield from self._db.execute(HOPS, (given_up,))

    def urls_after(self, number: int) -> Iterator[Row]:
        """Yield (url, depth) of the requests that came after the one with this id."""
        with self._translated():
            yield from self._db.execute("select url, depth from url where id > ? order by rowid", (number,))

    def last_moment(self) -> float:
        """Return when the last thing on record happened, in epoch seconds; 0 when there is nothing."""
        with self._translated():
            return float(self._one(LAST_MOMENT)[0])

    def outputs(self) -> list[tuple[str, bytes, int]]:
        """Return (name, place, committed length) of each output."""
        found = self._all("select name, place, offset from out")
        if any(type(offset) is not int or offset < 0 for _, _, offset in found):
            raise StateDamaged(f"{self._path}: the committed length of an output is no number; {CURE}")
        return found

    def history(self) -> History:
        """Return what is on record of the run: counts by reason, and what a person should look at."""
        with self._translated():
            return History(
                self._all("select kind, reason, count(*), sum(items), sum(bytes) from done group by kind, reason"),
                self._all("select reason, count(*) from refused group by reason"),
                self._all("select reason, count(*) from fault group by reason"),
                self._all(FAILURES, (FAILURES_READ,)),
                self._all(SEEDS_IN_TROUBLE),
                self._one("select count(*) from tried where attempt > 0")[0],
                self._one("select count(*) from hop")[0],
                self._all(STREAKS),
            )

    def scan(self, table: str, columns: str) -> Iterator[Row]:
        """Yield the given columns of every row, in the order they were written."""
        with self._translated():
            yield from self._db.execute(f"select {columns} from {table} order by rowid")  # noqa: S608 - our own names

    def read(self, ids: Sequence[int]) -> list[Row]:
        """Return (id, url, priority, depth, parent, callback, extra) of the given requests."""
        marks = ",".join("?" * len(ids))
        query = f"select id, url, priority, depth, parent, callback, extra from url where id in ({marks})"  # noqa: S608
        return self._all(query, ids)

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._translated():
            return self._db.execute(query, values).fetchall()

    def _one(self, query: str, values: Sequence[Any] = ()) -> Any:
        return self._db.execute(query, values).fetchone()

    def close(self) -> None:
        """Close the file; what was not committed is gone, as it should be."""
        if hasattr(self, "_db"):
            self._db.close()

    def __repr__(self) -> str:
        return f"<Store {self._path}>"


def _primary(error: sqlite3.Error) -> int | None:
    """Return SQLite's result code without its extension; None for an error of Python's own, about what was read."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


# Result codes (https://sqlite.org/rescode.html) that tell of the disk, the folder or another process, not of the file.
_SURROUNDINGS = frozenset(
    {
        *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM),
        *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_AUTH),
    }
)
