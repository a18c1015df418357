"""Reads: lanes that do not hold each other up, limits, and text that is not what it should be."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_sqlite.config import SqliteOptions
from builtin_sqlite.service import SqliteEngine

from pbhost.database import Connection
from pbhost.errors import DatabaseError

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(str(tmp_path / "data.db"), SqliteOptions(query_timeout=0.3))
    await engine.open()
    await engine.write(lambda t: t.execute("CREATE TABLE t (id TEXT, note TEXT)"))
    yield engine
    await engine.close()


async def test_a_query_that_takes_too_long_is_stopped(engine: SqliteEngine) -> None:
    with pytest.raises(DatabaseError, match="longer than allowed"):
        await engine.read(lambda c: c.fetch_all(ENDLESS), lane="list")
    assert await engine.read(lambda c: c.fetch_all("SELECT 1"), lane="list") == [(1,)]


async def test_a_query_nobody_waits_for_is_stopped(tmp_path: Path) -> None:
    engine = SqliteEngine(str(tmp_path / "data.db"), SqliteOptions(query_timeout=3600))
    await engine.open()
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(connection: Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        connection.fetch_all(ENDLESS)

    reading = asyncio.ensure_future(engine.read(endless, lane="list"))
    await asyncio.wait_for(started.wait(), 10)
    reading.cancel()
    await asyncio.wait_for(engine.close(), 10)


async def test_slow_lists_hold_up_neither_single_reads_nor_other_lists(engine: SqliteEngine) -> None:
    release = threading.Event()
    slow = [asyncio.ensure_future(engine.read(lambda c: release.wait(10), lane="list")) for _ in range(2)]
    for _ in range(50):
        assert await asyncio.wait_for(engine.read(lambda c: c.fetch_one("SELECT 1")), 5) == (1,)
        assert await asyncio.wait_for(engine.read(lambda c: c.fetch_one("SELECT 1"), lane="list"), 5) == (1,)
    assert not any(reading.done() for reading in slow)
    release.set()
    assert await asyncio.gather(*slow) == [True, True]


async def test_connections_of_a_rush_are_closed_when_it_is_over(engine: SqliteEngine) -> None:
    def connections() -> int:
        return sum(thread.name.endswith("data-list") for thread in threading.enumerate())

    async def until(count: int) -> None:
        async with asyncio.timeout(10):
            while connections() != count:
                await asyncio.sleep(0.01)

    release = threading.Event()
    slow = [asyncio.ensure_future(engine.read(lambda c: release.wait(10), lane="list")) for _ in range(3)]
    await until(3)
    lane = engine._lanes["list"]
    await lane.trim()
    assert connections() == 3
    release.set()
    await asyncio.gather(*slow)
    async with asyncio.timeout(10):
        while connections() != 1:  # a connection comes to rest a moment after its last answer
            await lane.trim()
            await asyncio.sleep(0.01)
    assert await engine.read(lambda c: c.fetch_one("SELECT 1"), lane="list") == (1,)


async def test_a_slow_read_does_not_hide_a_finished_write(engine: SqliteEngine) -> None:
    """A read that is queued behind another one must not share a snapshot that is older than its request."""
    release = threading.Event()
    first = asyncio.ensure_future(engine.read(lambda c: (c.fetch_all("SELECT id FROM t"), release.wait(10))))
    await asyncio.sleep(0)
    await engine.write(lambda t: t.execute("INSERT INTO t VALUES ('a', '')"))
    second = asyncio.ensure_future(engine.read(lambda c: c.fetch_all("SELECT id FROM t")))
    await asyncio.sleep(0)
    release.set()
    await first
    assert await second == [("a",)]


async def test_text_that_is_not_utf8_is_read_with_replacements(engine: SqliteEngine, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "data.db") as other:
        other.execute("INSERT INTO t VALUES ('a', CAST(x'61ff62' AS TEXT))")
    other.close()
    for _ in range(2):
        assert await engine.read(lambda c: c.fetch_one("SELECT id, note FROM t")) == ("a", "a�b")
    names, rows = await engine.read(lambda c: c.column_names("SELECT note FROM t"))
    assert (names, rows) == (("note",), [("a�b",)])


@pytest.mark.parametrize(
    ("value", "stored"),
    [("a\ud800b", "a�b"), (2**63 - 1, 2**63 - 1), (2**63, float(2**63)), (-(10**400), float("-inf"))],
    ids=["surrogate", "largest", "too large", "larger than any float"],
)
async def test_values_that_sqlite_cannot_hold_are_replaced(
    engine: SqliteEngine, value: str | int, stored: str | float
) -> None:
    assert await engine.read(lambda c: c.fetch_one("SELECT ?", (value,))) == (stored,)
    await engine.write(lambda t: t.execute("CREATE TABLE any_value (v)"))
    await engine.write(lambda t: t.execute("INSERT INTO any_value VALUES (?)", (value,)))
    await engine.write(lambda t: t.execute_many("INSERT INTO any_value VALUES (?)", [(value,), (value,)]))
    assert await engine.read(lambda c: c.fetch_all("SELECT v FROM any_value")) == [(stored,)] * 3


async def test_a_read_sees_what_was_written_before_it_was_asked_for(tmp_path: Path) -> None:
    """Also one that takes a place in a batch with an older snapshot, because another connection took the one before."""
    engine = SqliteEngine(str(tmp_path / "data.db"), SqliteOptions(list_lanes=2))
    await engine.open()
    await engine.write(lambda t: t.execute("CREATE TABLE t (id TEXT, note TEXT)"))
    release_old, release_other = threading.Event(), threading.Event()
    count = "SELECT count(*) FROM t"

    def hold(connection: Connection, until: threading.Event) -> object:
        counted = connection.fetch_one(count)  # from here on the snapshot stands
        until.wait(10)
        return counted

    # Counted for one batch together; the second is taken by the connection that helps while the first stands still.
    old = asyncio.ensure_future(engine.read(lambda c: hold(c, release_old), lane="list"))
    taken = asyncio.ensure_future(engine.read(lambda c: c.fetch_one(count), lane="list"))
    assert await asyncio.wait_for(taken, 10) == (0,)
    other = asyncio.ensure_future(engine.read(lambda c: hold(c, release_other), lane="list"))
    await engine.write(lambda t: t.execute("INSERT INTO t VALUES ('1', '')"))
    later = asyncio.ensure_future(engine.read(lambda c: c.fetch_one(count), lane="list"))
    await asyncio.sleep(0)
    release_old.set()
    seen = await asyncio.wait_for(later, 10)
    release_other.set()
    assert (await old, seen) == ((0,), (1,))
    await other
    await engine.close()
