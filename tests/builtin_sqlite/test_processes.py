"""Several processes on one database: kills, turns, announcements, caches that catch up."""

import asyncio
import fcntl
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_sqlite.config import SqliteOptions
from builtin_sqlite.lock import WriteTurn
from builtin_sqlite.service import SqliteEngine

from pbhost.database import Connection
from pbhost.errors import DatabaseBusyError

PROGRAM = Path(__file__).with_name("writing_process.py")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(str(tmp_path / "data.db"))
    await engine.open()
    await engine.write(lambda t: t.execute("CREATE TABLE t (id TEXT PRIMARY KEY, note TEXT)"))
    yield engine
    await engine.close()


def _start(path: Path, name: str, writers: int, limit: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(PROGRAM), str(path), name, str(writers), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def _check(path: Path, acknowledged: set[str]) -> None:
    raw = sqlite3.connect(path)
    try:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = {row[0] for row in raw.execute("SELECT id FROM t")}
        feed = [row[0] for row in raw.execute("SELECT record_id FROM _pbhost_changes ORDER BY seq")]
    finally:
        raw.close()
    assert acknowledged - rows == set()
    assert sorted(feed) == sorted(rows)
    assert not {row for row in rows if int(row.rpartition("-")[2]) % 7 == 3}


async def test_no_acknowledged_write_is_lost_by_a_kill(engine: SqliteEngine, tmp_path: Path) -> None:
    await engine.close()
    path = tmp_path / "data.db"
    acknowledged: set[str] = set()
    chance = random.Random(7)
    for attempt in range(5):
        process = _start(path, f"p{attempt}", 16, 1_000_000)
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged.add(line.decode().strip())
            if chance.random() < 0.002:
                break
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split(b"\n")
        acknowledged.update(line.decode() for line in rest[:-1])
        process.wait()
        process.stdout.close()
        assert acknowledged
        _check(path, acknowledged)


async def test_writes_of_several_processes_are_all_done(engine: SqliteEngine, tmp_path: Path) -> None:
    await engine.close()
    path = tmp_path / "data.db"
    processes = [_start(path, name, 8, 100) for name in ("a", "b", "c")]
    outputs = [await asyncio.to_thread(process.communicate) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    acknowledged = {line for output, _ in outputs for line in output.decode().split()}
    assert len(acknowledged) == 3 * 8 * (100 - 14)
    _check(path, acknowledged)


async def test_commits_of_another_process_are_announced(engine: SqliteEngine, tmp_path: Path) -> None:
    other = SqliteEngine(str(tmp_path / "data.db"), SqliteOptions(poll_interval=3600))
    await other.open()
    watcher = other.watch_changes()
    assert await anext(watcher) == 0
    # Each commit is announced; polling would take an hour.
    for _ in range(3):
        seq = await engine.write(lambda t: t.record_change("c", "r", "create"))
        assert await asyncio.wait_for(anext(watcher), 10) == seq
    await other.close()


async def test_commits_that_nobody_announces_are_found(engine: SqliteEngine, tmp_path: Path) -> None:
    watcher = engine.watch_changes()
    assert await anext(watcher) == 0
    with sqlite3.connect(tmp_path / "data.db") as raw:
        raw.execute(
            "INSERT INTO _pbhost_changes (collection_id, record_id, action, created) VALUES ('', '', 'update', '')"
        )
    raw.close()
    assert await asyncio.wait_for(anext(watcher), 10) == 1


async def test_caches_catch_up_before_a_write_that_follows_a_foreign_commit(
    engine: SqliteEngine, tmp_path: Path
) -> None:
    events: list[str] = []

    def catch_up(connection: Connection) -> None:
        row = connection.fetch_one("SELECT count(*) FROM t")
        assert row is not None
        events.append(f"caches see {row[0]}")

    engine.on_foreign_commit.append(catch_up)
    await engine.write(lambda t: events.append("write 1"))
    await engine.write(lambda t: t.execute("INSERT INTO t VALUES ('mine', '')"))
    with sqlite3.connect(tmp_path / "data.db") as raw:
        raw.execute("INSERT INTO t VALUES ('foreign', '')")
    raw.close()
    await engine.write(lambda t: events.append("write 2"))
    await engine.write(lambda t: events.append("write 3"), exclusive=True)
    assert events == ["write 1", "caches see 2", "write 2", "write 3"]


async def test_a_failing_cache_fails_the_write(engine: SqliteEngine, tmp_path: Path) -> None:
    def fail(connection: Connection) -> None:
        connection.fetch_all("SELECT * FROM nowhere")

    with sqlite3.connect(tmp_path / "data.db") as raw:
        raw.execute("INSERT INTO t VALUES ('foreign', '')")
    raw.close()
    engine.on_foreign_commit.append(fail)
    with pytest.raises(Exception, match="nowhere"):
        await engine.write(lambda t: t.execute("DELETE FROM t"))
    engine.on_foreign_commit.clear()
    assert await engine.write(lambda t: t.execute("DELETE FROM t")) == 1


def test_whoever_waits_goes_before_the_one_who_just_had_the_turn(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    holder, waiter = WriteTurn(path, 10), WriteTurn(path, 10)
    order: list[str] = []

    def wait() -> None:
        with waiter:
            order.append("waiter")

    thread = threading.Thread(target=wait)
    with holder:
        thread.start()
        probe = os.open(path + "-queue", os.O_RDWR)
        while _is_free(probe):
            os.sched_yield()
        os.close(probe)
    with holder:
        order.append("holder")
    thread.join()
    assert order == ["waiter", "holder"]
    holder.close()
    waiter.close()


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def test_a_turn_that_does_not_come_is_given_up(tmp_path: Path) -> None:
    holder = WriteTurn(str(tmp_path / "lock"), 10)
    waiter = WriteTurn(str(tmp_path / "lock"), 0.05)
    with holder:
        with pytest.raises(DatabaseBusyError, match="another process"):
            waiter.__enter__()
        with pytest.raises(DatabaseBusyError):
            waiter.__enter__()
    # What was given up is not taken later behind everybody's back.
    for _ in range(3):
        patient = WriteTurn(str(tmp_path / "lock"), 10)
        with patient:
            pass
        patient.close()
    holder.close()
    waiter.close()
