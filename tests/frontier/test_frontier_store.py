"""The state file: ours and whole, or named and left alone byte for byte.

Files of other programs, other versions, half a file, a file that somebody has cut or scribbled on, a folder that cannot
be written and a disk that is full.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scraper.clock import SystemClock
from scraper.errors import StateDamaged, StateError
from scraper.frontier.base import Resumed
from scraper.frontier.sqlite import SqliteFrontier
from scraper.frontier.store import LAYOUT, Batch, Store
from scraper.outcome import Fetched, Moved, Reason, Retry
from scraper.policy.politeness import host_of
from scraper.request import Request
from scraper.urls import canonical
from scraper.visit import Lease, Visit

PAGE = 4096  # bytes, of SQLite
NOBODY = 65534


def frontier_on(path: Path) -> SqliteFrontier:
    """Return a frontier without politeness on `path`."""
    return SqliteFrontier(
        path, clock=SystemClock(), per_host=9, gap=lambda asked: 0.0, host_of=host_of, ask_robots=False
    )


def opened(path: Path) -> Resumed:
    """Open a state file as a run does, and close it again."""

    async def main() -> Resumed:
        frontier = frontier_on(path)
        try:
            return await frontier.open()
        finally:
            await frontier.close()

    return asyncio.run(main())


def make_state(path: Path, *, urls: int = 400) -> None:
    """Leave the state of a crawl that was interrupted: requests in every condition."""

    async def main() -> None:
        frontier = frontier_on(path)
        await frontier.open()
        await frontier.begin(1, {})
        await frontier.offer(
            [Request(f"http://h{n % 7}.test/{n}", meta={"n": n}) for n in range(urls)], [("mailto:x", Reason.SCHEME)]
        )
        leases = await frontier.lease(40)
        for lease in leases:
            frontier.release(lease, None)
        ways = (Fetched(200), Retry("timeout", 5.0), Moved(canonical("http://new.test/"), 301))
        await frontier.commit([Visit(lease, ways[lease.id % 3]) for lease in leases], {})
        await frontier.close()

    asyncio.run(main())


def test_a_commit_changes_a_few_pages_in_whatever_order_requests_end(tmp_path: Path) -> None:
    """Of many hosts each ends one that was accepted long ago, here or there; their outcomes stand side by side."""
    store = Store(tmp_path / "run.db", power_safe=False)
    store.open()
    ids = list(range(1, 20_001))
    random.Random(1).shuffle(ids)
    log, grown = tmp_path / "run.db-wal", []
    for place in range(0, len(ids), 500):
        batch = Batch()
        batch.rows["done"] = [(number, 0, 1, "", 200, 0, 0, 0.0, 0.0, "") for number in ids[place : place + 500]]
        before = log.stat().st_size
        store.write(batch)
        grown.append((log.stat().st_size - before) // PAGE)
    store.close()
    assert max(grown) <= 10


def is_named_and_left_alone(path: Path) -> None:
    """Check that the file is refused with its name and a cure, and not changed in a single byte."""
    before = path.read_bytes()
    with pytest.raises(StateDamaged) as caught:
        opened(path)
    assert str(path) in str(caught.value)
    assert "--fresh" in str(caught.value)
    assert path.read_bytes() == before


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own for each example of a property."""
    with tempfile.TemporaryDirectory(prefix="state-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole state file, closed, that nobody changes."""
    path = tmp_path_factory.mktemp("whole") / "run.db"
    make_state(path)
    return path


class TestOthersFiles:
    """What is not ours."""

    @settings(max_examples=60, deadline=None)
    @given(st.binary(min_size=2, max_size=3000))  # SQLite takes a file of a single byte for an empty one
    @example(bytes(PAGE))
    @example(b"SQLite format 3\0")
    @example(b"SQLite format 3\0" + bytes(PAGE))
    def test_a_file_of_any_bytes(self, content: bytes) -> None:
        """Whatever it is, it is somebody's."""
        with folder() as where:
            (where / "run.db").write_bytes(content)
            is_named_and_left_alone(where / "run.db")

    @pytest.mark.parametrize("journal", ["delete", "wal"])
    def test_a_database_of_another_program(self, tmp_path: Path, journal: str) -> None:
        """Its tables stay as they are, and so does the way it keeps its journal."""
        path = tmp_path / "run.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute(f"pragma journal_mode = {journal}")
            database.execute("create table diary (entry text)")
            database.execute("insert into diary values ('dear diary')")
            database.execute("pragma user_version = 1")  # so do many programs
            database.commit()
        is_named_and_left_alone(path)

    def test_a_database_that_another_program_has_open(self, tmp_path: Path) -> None:
        """What it has in its write-ahead log stays there."""
        path = tmp_path / "run.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("pragma journal_mode = wal")
            database.execute("create table diary (entry text)")
            database.commit()
            is_named_and_left_alone(path)
            assert database.execute("select count(*) from diary").fetchone() == (0,)

    @pytest.mark.parametrize("layout", [0, LAYOUT - 1, LAYOUT + 1, 99])
    def test_our_file_in_another_layout(self, tmp_path: Path, layout: int) -> None:
        """The message says which layout it is in and which is read here."""
        path = tmp_path / "run.db"
        make_state(path, urls=3)
        with closing(sqlite3.connect(path)) as database:
            database.execute(f"pragma user_version = {layout}")
            database.commit()
        is_named_and_left_alone(path)
        with pytest.raises(StateDamaged, match=f"layout {layout}"):
            opened(path)


class TestHalfFiles:
    """What a crash, or a person, has left."""

    @pytest.mark.parametrize("begin", ["nothing", "no-tables", "tables"])
    def test_a_file_that_was_being_made_is_a_new_one(self, tmp_path: Path, begin: str) -> None:
        """A kill during the very first start leaves nothing that has to be cleared away."""
        path = tmp_path / "run.db"
        if begin == "nothing":
            path.touch()
        elif begin == "no-tables":
            with closing(sqlite3.connect(path)) as database:
                database.execute("pragma journal_mode = wal")
        else:
            opened(path)
        assert opened(path).status == "new"
        make_state(path, urls=3)
        assert opened(path).counts.accepted == 3

    def test_a_file_that_has_lost_pages_is_refused(self, whole: Path, tmp_path: Path) -> None:
        """However many: part of a memory is none."""
        content, path = whole.read_bytes(), tmp_path / "run.db"
        for pages in range(1, len(content) // PAGE):
            path.write_bytes(content[: pages * PAGE])
            is_named_and_left_alone(path)

    @pytest.mark.parametrize("lost", [300, 1000, 2500, 4000], ids=lambda lost: f"{lost}-bytes")
    def test_a_file_that_has_lost_part_of_its_last_page_is_refused(
        self, whole: Path, tmp_path: Path, lost: int
    ) -> None:
        """SQLite does not notice and reads zeros; a copy that was broken off ends like this."""
        path = tmp_path / "run.db"
        path.write_bytes(whole.read_bytes()[:-lost])
        is_named_and_left_alone(path)

    @settings(max_examples=40, deadline=None)
    @given(place=st.floats(0.0, 0.999), seed=st.integers(0, 99), zeros=st.booleans())
    def test_a_page_that_was_overwritten_is_refused_or_read_right(
        self, whole: Path, place: float, seed: int, zeros: bool
    ) -> None:
        """Never anything in between: no other error, no crawl that goes on with half of its memory."""
        content = whole.read_bytes()
        number = int(len(content) // PAGE * place)
        scribble = bytes(PAGE) if zeros else random.Random(seed).randbytes(PAGE)
        with folder() as where:
            path = where / "run.db"
            path.write_bytes(content[: number * PAGE] + scribble + content[(number + 1) * PAGE :])
            before = path.read_bytes()
            error: StateDamaged | None = None
            try:
                assert opened(path).counts.accepted == 400
            except StateDamaged as damaged:
                error = damaged
            if error is not None:
                assert str(path) in str(error)
                assert path.read_bytes() == before

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param("drop table done", id="table-missing"),
            pytest.param("delete from host where id = 3", id="host-missing"),
            pytest.param("delete from host", id="hosts-missing"),
            pytest.param("update url set host = 99 where id = 5", id="host-unknown"),
            pytest.param("update url set host = -1 where id = 5", id="host-below-zero"),
            pytest.param("update url set host = '1,2' where id = 5", id="two-hosts"),
            pytest.param("update url set fp = '1,2' where id = 5", id="two-fingerprints"),
            pytest.param("update url set fp = '' where id = 5", id="no-fingerprint"),
            pytest.param("update url set id = -7 where id = 5", id="number-below-one"),
            pytest.param("delete from url where id = 5", id="request-missing"),
            pytest.param("insert into done select 9999, 0, 1, '', 200, 0, 0, 0, 0, ''", id="done-unknown"),
            pytest.param("insert into done select 0, 0, 1, '', 200, 0, 0, 0, 0, ''", id="done-nobody"),
            pytest.param("insert into done select * from done limit 1", id="done-twice"),
            pytest.param("update url set id = 0 where id = 1", id="number-zero"),
            pytest.param("update url set id = 9000000000000 where id = 400", id="number-far-too-high"),
            pytest.param("update done set rowid = 9000000000000 where rowid = 1", id="ending-far-too-high"),
            pytest.param("update done set rowid = -1 where rowid = 1", id="ending-below-one"),
            pytest.param("insert into hop values (399, -1, 1, 'http://x.test/', 301, 0)", id="hop-below-zero"),
            pytest.param("insert into hop values (399, 99, 1, 'http://x.test/', 301, 0)", id="hop-to-nowhere"),
        ],
    )
    def test_rows_that_contradict_each_other_are_refused(self, tmp_path: Path, damage: str) -> None:
        """The error is ours and names the file."""
        path = tmp_path / "run.db"
        make_state(path)
        with closing(sqlite3.connect(path)) as database:
            database.execute(damage)
            database.commit()
        is_named_and_left_alone(path)

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param("update url set extra = x'7b' where id = 200", id="json-broken"),
            pytest.param("update url set url = cast(x'ff' as text) where id = 200", id="text-broken"),
        ],
    )
    def test_a_request_that_cannot_be_read_ends_the_run_with_our_error(self, tmp_path: Path, damage: str) -> None:
        """When its turn comes, or when the file is opened: StateDamaged, with the name of the file."""
        path = tmp_path / "run.db"
        make_state(path)
        with closing(sqlite3.connect(path)) as database:
            database.execute(damage)
            database.commit()

        async def crawl_all() -> None:
            frontier = frontier_on(path)
            try:
                await frontier.open()
                while leases := await frontier.lease(50):
                    for lease in leases:
                        frontier.release(lease, None)
                    await frontier.commit([Visit(lease, Fetched(200)) for lease in leases], {})
            finally:
                await frontier.close()

        with pytest.raises(StateDamaged) as caught:
            asyncio.run(crawl_all())
        assert str(path) in str(caught.value)


class TestDisks:
    """Where it cannot be."""

    @pytest.mark.parametrize("spoil", ["missing folder", "folder in its place", "folder is a file"])
    def test_a_place_that_cannot_be_used_is_named(self, tmp_path: Path, spoil: str) -> None:
        """It is no damage, so nobody is told to start over for good."""
        path = tmp_path / "state" / "run.db"
        if spoil == "folder in its place":
            path.mkdir(parents=True)
        elif spoil == "folder is a file":
            path.parent.touch()
        with pytest.raises(StateError, match=str(path)) as caught:
            opened(path)
        assert not isinstance(caught.value, StateDamaged)

    @pytest.mark.parametrize("there", [False, True], ids=["new", "resumed"])
    def test_a_folder_that_cannot_be_written_is_named(self, there: bool) -> None:
        """The same, with and without a state in it, and that state stays as it is."""
        with folder() as where:
            path = where / "run.db"
            if there:
                make_state(path, urls=3)
                path.chmod(0o444)
            before = path.read_bytes() if there else b""
            where.chmod(0o555)
            with as_somebody_else(), pytest.raises(StateError, match=str(path)):
                opened(path)
            where.chmod(0o755)
            assert not there or path.read_bytes() == before

    def test_a_full_disk_ends_the_run_and_the_next_one_goes_on(self, tmp_path: Path) -> None:
        """The commit that did not fit is not counted, and nothing of it is there afterwards."""
        path = tmp_path / "run.db"

        async def main() -> tuple[int, int]:
            frontier = frontier_on(path)
            await frontier.open()
            await frontier.begin(1, {})
            await frontier.offer([Request(f"http://h.test/{n}") for n in range(10)])
            leases: list[Lease] = await frontier.lease(9)
            for lease in leases:
                frontier.release(lease, None)
            links = tuple(Request(f"http://h.test/{n}/{'x' * 900}") for n in range(1000))
            size = path.with_name("run.db-wal").stat().st_size
            with file_size_limited_to(size + 20_000), pytest.raises(StateError) as caught:
                await frontier.commit([Visit(leases[0], Fetched(200), requests=links)], {})
            assert str(path) in str(caught.value)
            counts = frontier.counts()
            await frontier.close()
            return counts.accepted, counts.finished

        assert asyncio.run(main()) == (10, 0)
        resumed = opened(path)
        assert (resumed.counts.accepted, resumed.counts.finished) == (10, 0)

    def test_a_write_ahead_log_that_was_torn_loses_whole_commits_only(self, tmp_path: Path) -> None:
        """A power cut may take the last commits; it never takes half of one."""
        live, copy = tmp_path / "live.db", tmp_path / "copy.db"

        async def main() -> None:
            frontier = frontier_on(live)
            await frontier.open()
            await frontier.begin(1, {})
            for begin in range(0, 200, 10):
                await frontier.offer([Request(f"http://h.test/{n}") for n in range(begin, begin + 10)])
            log = live.with_name("live.db-wal").read_bytes()
            for part in (0.999, 0.9, 0.7, 0.5, 0.3):
                shutil.copy(live, copy)
                copy.with_name("copy.db-wal").write_bytes(log[: int(len(log) * part)])
                with closing(sqlite3.connect(copy)) as database:
                    found = database.execute("select count(*) from sqlite_master").fetchone()[0]
                if found:
                    again = frontier_on(copy)
                    counts = (await again.open()).counts
                    assert counts.accepted % 10 == 0
                    assert counts.conserved
                    await again.close()
                copy.unlink()
            await frontier.close()

        asyncio.run(main())


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Give up the right to write everywhere, where there is such a right."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def file_size_limited_to(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: what a full disk looks like to SQLite."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_helpers_make_what_they_say(tmp_path: Path) -> None:
    """Requests in every condition, or the tests above would be about an empty file."""
    make_state(tmp_path / "run.db")
    checks: dict[str, Callable[[int], bool]] = {"url": lambda n: n == 400, "done": bool, "tried": bool, "hop": bool}
    with closing(sqlite3.connect(tmp_path / "run.db")) as database:
        for table, check in checks.items():
            assert check(database.execute(f"select count(*) from {table}").fetchone()[0])
