"""Logs under faults: a stop loses none, and a log database that takes nothing holds up no request."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pbhost.testing import Running
from tests.e2e.conftest import Server, free_port, pbhost

Start = Callable[..., AbstractAsyncContextManager[Running]]
ROOT = "token-of-a-superuser"
REQUESTS = 120


def stored(directory: Path, like: str = "%") -> list[str]:
    """The messages in the log of a directory."""
    with closing(sqlite3.connect(directory / "auxiliary.db")) as raw:
        sql = "SELECT message FROM _logs WHERE message LIKE ? ORDER BY rowid"
        return [str(message) for (message,) in raw.execute(sql, (like,))]


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Another program holds the log database, as a browser for SQLite files may."""
    with closing(sqlite3.connect(directory / "auxiliary.db", isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield
        raw.execute("ROLLBACK")


def test_a_stop_loses_no_entry_of_a_request_that_was_answered(tmp_path: Path) -> None:
    server = Server(tmp_path / "pb_data", free_port(), ("--workers", "2")).start()
    try:
        for number in range(REQUESTS):
            assert server.get(f"/api/health?number={number}")[0] == 200
        assert server.stop() == 0
    finally:
        server.kill()
    found = stored(server.dir, "GET /api/health?number=%")
    assert sorted(found) == sorted(f"GET /api/health?number={number}" for number in range(REQUESTS))


def test_what_a_command_logs_is_stored_too(tmp_path: Path) -> None:
    (tmp_path / "pb_plugins").mkdir()
    (tmp_path / "pb_plugins" / "noting.py").write_text(
        "import click\nfrom pbhost import hookimpl\n\n@hookimpl\ndef register_commands(app):\n"
        "    @click.command('note')\n    def note():\n        async def work(app):\n"
        "            app.logs.write(4, 'noted by a command')\n        app.run(work)\n    return [note]\n"
    )
    done = pbhost("note", "--dir", str(tmp_path / "pb_data"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert stored(tmp_path / "pb_data") == ["noted by a command"]


async def test_a_locked_log_holds_up_no_request_and_its_entries_come_later(start: Start, tmp_path: Path) -> None:
    directory = tmp_path / "pb_data"
    async with start(options={"sqlite": {"busy_timeout": 0.05}}) as server:
        with locked(directory):
            server.app.logs.write(0, "first")
            flushing = asyncio.create_task(server.app.logs.flush())
            for number in range(REQUESTS):
                answer = await server.request("GET", f"/api/health?number={number}")
                assert answer.status == 200
            # All were answered while the log still waits for the lock.
            assert not flushing.done()
            assert stored(directory) == []
        await flushing
        await server.app.logs.flush()
        assert stored(directory)[0] == "first"
        assert len(stored(directory, "GET /api/health?number=%")) == REQUESTS


async def test_a_full_disk_of_the_log_fails_no_request_and_says_so_once(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "pb_data"
    async with start() as server:
        logs: Any = server.app.logs
        async with full_log(server):
            for round_ in range(3):
                for number in range(40):
                    path = f"/api/health?round={round_}&number={number}&{'x' * 2000}"
                    assert (await server.request("GET", path)).status == 200
                await logs.flush()
            assert capsys.readouterr().err.count("log entries cannot be stored for now") == 1
            before = len(stored(directory, "GET /api/health%"))
        await logs.flush()
        assert before < len(stored(directory, "GET /api/health%")) == 120


@asynccontextmanager
async def full_log(server: Running) -> AsyncIterator[None]:
    """The log database may not grow, which SQLite reports as it reports a full disk."""
    auxiliary = server.app.db.auxiliary
    assert auxiliary is not None

    async def limit(pages: int) -> None:
        await auxiliary.write(lambda transaction: transaction.fetch_one(f"PRAGMA max_page_count = {pages}"))

    row = await auxiliary.read(lambda connection: connection.fetch_one("PRAGMA page_count"))
    assert row is not None
    await limit(int(str(row[0])) + 2)
    yield
    await limit(1_000_000_000)


async def test_what_is_never_taken_is_counted_when_the_server_ends(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    async with start() as server:
        for _ in range(3):
            server.app.logs.write(0, "lost" * 5000)
        filling = full_log(server)
        await filling.__aenter__()
    assert "3 log entries are lost" in capsys.readouterr().err


async def test_retention_works_in_the_next_life_of_the_server(start: Start, tmp_path: Path) -> None:
    directory = tmp_path / "pb_data"
    async with start() as server:
        for age in ("old", "new"):
            await server.request("GET", f"/api/health?{age}")
    with closing(sqlite3.connect(directory / "auxiliary.db")) as raw, raw:
        raw.execute("UPDATE _logs SET created = '2020-01-01 00:00:00.000Z' WHERE message LIKE '%?old'")
    async with start() as server:
        assert stored(directory) == ["GET /api/health?old", "GET /api/health?new"]
        assert (await server.request("POST", "/api/crons/__pbLogsCleanup__", token=ROOT)).status == 204
        await until(lambda: stored(directory, "GET /api/health?%") == ["GET /api/health?new"])
        changed = await server.request("PATCH", "/api/settings", {"logs": {"maxDays": 0}}, token=ROOT)
        assert changed.status == 200
        await until(lambda: stored(directory) == [])


async def test_who_keeps_no_logs_gets_their_room_back(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "pb_data" / "auxiliary.db"
    async with start() as server:
        for _ in range(300):
            server.app.logs.write(0, "x" * 10_000)
        await server.app.logs.flush()
    assert (before := file.stat().st_size) > 3_000_000
    async with start() as server:
        assert (await server.request("PATCH", "/api/settings", {"logs": {"maxDays": 0}}, token=ROOT)).status == 200
        await until(lambda: stored(tmp_path / "pb_data") == [])
    assert file.stat().st_size < before / 10


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)
