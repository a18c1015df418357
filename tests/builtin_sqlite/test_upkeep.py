"""What the engine does by itself: pruning the feed, keeping the log short."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_sqlite import feed
from builtin_sqlite.config import SqliteOptions
from builtin_sqlite.service import SqliteEngine

from pbhost.database import Transaction


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(str(tmp_path / "data.db"), SqliteOptions(synchronous="OFF"))
    await engine.open()
    yield engine
    await engine.close()


def _fill(count: int, created: str = "") -> object:
    def write(transaction: Transaction) -> None:
        for number in range(count):
            transaction.record_change("c", f"r{number}", "create")
        if created:
            transaction.execute("UPDATE _pbhost_changes SET created = ?", (created,))

    return write


async def _prune(engine: SqliteEngine, max_rows: int, max_age: float) -> int:
    rounds = 1
    while await engine.write(lambda t: feed.prune(t, max_rows, max_age)):
        rounds += 1
    return rounds


async def test_the_feed_keeps_the_newest_rows(engine: SqliteEngine) -> None:
    await engine.write(_fill(5000))  # type: ignore[arg-type]
    assert await _prune(engine, 500, 3600) == 3
    assert await engine.last_change() == (4501, 5000)


async def test_the_feed_forgets_old_rows_but_never_a_number(engine: SqliteEngine) -> None:
    await engine.write(_fill(10, "2020-01-01 00:00:00.000Z"))  # type: ignore[arg-type]
    await _prune(engine, 500, 3600)
    assert await engine.last_change() == (0, 0)
    assert await engine.write(lambda t: t.record_change("c", "new", "create")) == 11
    watcher = engine.watch_changes()
    assert await anext(watcher) == 11
    await _prune(engine, 500, 3600)
    assert await engine.last_change() == (11, 11)


async def test_the_log_does_not_grow_without_end(engine: SqliteEngine, tmp_path: Path) -> None:
    """Writers never pause, so the log can start over only because the writer copies the rest of it."""
    await engine.write(lambda t: t.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, data BLOB)"))
    written = 0
    log = tmp_path / "data.db-wal"
    async with asyncio.timeout(60):
        previous = 0
        while True:
            await engine.write(lambda t: t.execute("INSERT OR REPLACE INTO big VALUES (1, zeroblob(1000000))"))
            written += 1_000_000
            size = log.stat().st_size
            if size == previous and written > 3 * size:
                break
            previous = size
    assert written > 3 * log.stat().st_size
