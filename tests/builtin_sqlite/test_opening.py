"""What a user sees when the data directory is fresh, existing, or cannot be used."""

import asyncio
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from builtin_sqlite.config import SqliteOptions
from builtin_sqlite.service import SqliteEngine

from pbhost.database import Transaction
from pbhost.errors import DatabaseBusyError, DatabaseError, DatabaseUnusableError


def _engine(directory: Path, **options: float) -> SqliteEngine:
    settings = SqliteOptions(**options)  # type: ignore[arg-type]
    auxiliary = SqliteEngine(str(directory / "auxiliary.db"), settings, role="auxiliary")
    return SqliteEngine(str(directory / "data.db"), settings, auxiliary=auxiliary)


async def _refusal(directory: Path) -> str:
    with pytest.raises(DatabaseUnusableError) as caught:
        await _engine(directory).open()
    return str(caught.value)


def _tables(path: Path) -> set[str]:
    with sqlite3.connect(path) as raw:
        found = {name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")}
    raw.close()
    return found


async def test_a_fresh_directory_gets_its_files_and_tables(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "pb_data"
    engine = _engine(directory)
    await engine.open()
    mode = await engine.read(lambda c: c.fetch_one("PRAGMA journal_mode"))
    await engine.close()
    assert mode == ("wal",)
    assert _tables(directory / "data.db") == {
        "_migrations", "_params", "_collections", "idx__collections_type", "_pbhost_changes",
    }  # fmt: skip
    assert _tables(directory / "auxiliary.db") == {
        "_logs", "idx_logs_level", "idx_logs_message", "idx_logs_created_hour",
    }  # fmt: skip
    assert stat.S_IMODE((directory / "data.db").stat().st_mode) == 0o600


async def test_the_tables_of_a_fresh_directory_have_working_defaults(tmp_path: Path) -> None:
    engine = _engine(tmp_path)
    await engine.open()
    await engine.write(lambda t: t.execute("INSERT INTO _collections (name) VALUES ('posts')"))
    row = await engine.read(
        lambda c: c.fetch_one(
            "SELECT length(id), system, type, fields, indexes, options, length(created) FROM _collections"
        )
    )
    await engine.close()
    assert row == (15, 0, "base", "[]", "[]", "{}", 24)


async def test_a_directory_of_pocketbase_opens_in_place_and_keeps_its_schema(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "data" / "pb_data"
    for name in ("data.db", "auxiliary.db"):
        shutil.copyfile(source / name, tmp_path / name)
    before = {name: _tables(tmp_path / name) for name in ("data.db", "auxiliary.db")}
    engine = _engine(tmp_path)
    await engine.open()
    count = await engine.read(lambda c: c.fetch_one("SELECT count(*) FROM _collections"))
    await engine.close()
    assert count is not None
    assert count[0]
    assert _tables(tmp_path / "data.db") - before["data.db"] == {"_pbhost_changes"}
    assert _tables(tmp_path / "auxiliary.db") == before["auxiliary.db"]


async def test_closing_leaves_no_log_behind(tmp_path: Path) -> None:
    engine = _engine(tmp_path)
    await engine.open()
    await engine.write(lambda t: t.record_change("c", "r", "create"))
    await engine.close()
    left = {path.name for path in tmp_path.iterdir()}
    assert not {name for name in left if name.endswith(("-wal", "-shm"))}


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.db").write_bytes(b"hello, I am a text file\n" * 100)
    message = await _refusal(tmp_path)
    assert "data.db" in message
    assert "not an SQLite database" in message
    assert (tmp_path / "data.db").read_bytes().startswith(b"hello")


async def test_a_database_of_another_program_is_refused_and_untouched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "data.db") as raw:
        raw.execute("CREATE TABLE bookmarks (id INTEGER)")
    raw.close()
    message = await _refusal(tmp_path)
    assert "another program" in message
    assert "--dir" in message
    assert _tables(tmp_path / "data.db") == {"bookmarks"}


async def test_a_corrupt_database_is_refused(tmp_path: Path) -> None:
    engine = _engine(tmp_path)
    await engine.open()
    await engine.close()
    content = bytearray((tmp_path / "data.db").read_bytes())
    content[100:4096] = os.urandom(3996)  # the page with the schema; the header stays
    (tmp_path / "data.db").write_bytes(content)
    message = await _refusal(tmp_path)
    assert "corrupt" in message
    assert "backup" in message


async def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.db").mkdir()
    assert "is a directory" in await _refusal(tmp_path)


async def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pb_data").write_text("x")
    assert "cannot create the data directory" in await _refusal(tmp_path / "pb_data")


@contextmanager
def _as_nobody(directory: Path) -> Iterator[None]:
    """The super-user may write everywhere, so its tests look at their directory as somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(directory, _NOBODY, _NOBODY)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


_NOBODY = 65534


async def test_a_read_only_directory_is_refused() -> None:
    with tempfile.TemporaryDirectory() as outside:  # pytest's own directories are closed to others
        Path(outside).chmod(0o755)
        directory = Path(outside) / "pb_data"
        directory.mkdir()
        directory.chmod(0o500)
        with _as_nobody(directory):
            assert "writable" in await _refusal(directory)


async def test_a_full_disk_fails_the_write_and_the_next_one_works(tmp_path: Path) -> None:
    engine = _engine(tmp_path)
    await engine.open()
    await engine.write(lambda t: t.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, data BLOB)"))
    await engine.write(lambda t: t.fetch_all("PRAGMA max_page_count = 40"))
    with pytest.raises(DatabaseUnusableError, match="disk is full"):
        await engine.write(lambda t: t.execute("INSERT INTO big (data) VALUES (zeroblob(1000000))"))
    await engine.write(lambda t: t.fetch_all("PRAGMA max_page_count = 1000000"))
    await engine.write(lambda t: t.execute("INSERT INTO big (data) VALUES (zeroblob(1000000))"))
    rows = await engine.read(lambda c: c.fetch_all("SELECT id FROM big"))
    await engine.close()
    assert len(rows) == 1


async def test_a_write_that_ignores_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = _engine(tmp_path)
    await engine.open()
    await engine.write(lambda t: t.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, data BLOB)"))
    await engine.write(lambda t: t.fetch_all("PRAGMA max_page_count = 40"))

    def go_on_regardless(transaction: Transaction) -> None:
        with suppress(DatabaseUnusableError), transaction.savepoint():
            transaction.execute("INSERT INTO big (data) VALUES (zeroblob(1000000))")
        transaction.execute("INSERT INTO big (data) VALUES ('small')")

    for exclusive in (False, True):
        with pytest.raises(DatabaseError):
            await engine.write(go_on_regardless, exclusive=exclusive)
    neighbours = await asyncio.gather(
        engine.write(lambda t: t.execute("INSERT INTO big (data) VALUES ('first')")),
        engine.write(go_on_regardless),
        engine.write(lambda t: t.execute("INSERT INTO big (data) VALUES ('third')")),
        return_exceptions=True,
    )
    rows = await engine.read(lambda c: c.fetch_all("SELECT data FROM big"))
    await engine.close()
    assert isinstance(neighbours[1], DatabaseError)
    # Whoever was told "done" is there, whoever was told of an error is not.
    told = [data for data, result in zip(("first", "", "third"), neighbours, strict=True) if result == 1]
    assert [data for (data,) in rows] == told


async def test_a_database_locked_by_another_program_is_reported_as_busy(tmp_path: Path) -> None:
    engine = _engine(tmp_path, busy_timeout=0.01)
    await engine.open()
    other = sqlite3.connect(tmp_path / "data.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusyError, match="another program"):
        await engine.write(lambda t: t.record_change("c", "r", "create"), timeout=0.2)
    other.execute("COMMIT")
    other.close()
    assert await engine.write(lambda t: t.record_change("c", "r", "create")) == 1
    await engine.close()
