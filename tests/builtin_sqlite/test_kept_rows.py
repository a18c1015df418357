"""Rows of slow statements are given again, and never in place of newer ones."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_sqlite import kept_rows
from builtin_sqlite.config import SqliteOptions
from builtin_sqlite.connection import DIALECT
from builtin_sqlite.service import SqliteEngine

from pbhost.database import Connection, Row, Sql

NOTES = Sql("SELECT note FROM t ORDER BY note")


@pytest.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteEngine]:
    monkeypatch.setattr(kept_rows, "_SLOW", 0.0)  # every statement counts as slow
    engine = SqliteEngine(str(tmp_path / "data.db"), SqliteOptions())
    await engine.open()
    await engine.write(lambda t: t.execute("CREATE TABLE t (note TEXT)"))
    await engine.write(lambda t: t.execute("INSERT INTO t VALUES ('one')"))
    yield engine
    await engine.close()


class Counted:
    """A table function's stand-in: counts how often a statement really runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self) -> int:
        self.runs += 1
        return self.runs


async def read(engine: SqliteEngine, sql: Sql = NOTES) -> list[Row]:
    return await engine.read(lambda c: c.fetch_repeatable(sql), lane="list")


async def test_a_statement_runs_once_while_nothing_is_written(engine: SqliteEngine) -> None:
    counted = Counted()
    asked = Sql("SELECT counted() FROM t WHERE note = ?", ("one",))

    def define(connection: Connection) -> None:
        connection._raw.create_function("counted", 0, counted)  # type: ignore[attr-defined]

    await engine.read(define, lane="list")
    assert [await read(engine, asked) for _ in range(3)] == [[(1,)]] * 3
    assert await read(engine, Sql(asked.text, ("two",))) == []
    await engine.write(lambda t: t.execute("INSERT INTO t VALUES ('more')"))
    assert [await read(engine, asked) for _ in range(3)] == [[(2,)]] * 3


async def test_a_write_is_seen_by_the_next_read(engine: SqliteEngine) -> None:
    for number in range(20):
        before = await read(engine)
        await engine.write(lambda t, n=number: t.execute("INSERT INTO t VALUES (?)", (f"two {n:02}",)))  # type: ignore[misc]
        assert await read(engine) == [*before, (f"two {number:02}",)]


async def test_a_write_of_another_program_is_seen_by_the_next_read(engine: SqliteEngine, tmp_path: Path) -> None:
    assert await read(engine) == [("one",)]
    other = sqlite3.connect(tmp_path / "data.db")
    with other:
        other.execute("UPDATE t SET note = 'other'")
    other.close()
    assert await read(engine) == [("other",)]


async def test_a_snapshot_keeps_its_rows_and_leaves_none_behind(engine: SqliteEngine, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "data.db", isolation_level=None, check_same_thread=False)

    def across_a_write(connection: Connection) -> list[list[Row]]:
        first = connection.fetch_one("SELECT count(*) FROM t")
        other.execute("INSERT INTO t VALUES ('two')")
        return [[first or ()], connection.fetch_repeatable(NOTES), connection.fetch_repeatable(NOTES)]

    await read(engine)
    assert await engine.read(across_a_write, lane="list") == [[(1,)], [("one",)], [("one",)]]
    other.close()
    assert await read(engine) == [("one",), ("two",)]


async def test_a_transaction_sees_what_it_has_written(engine: SqliteEngine) -> None:
    async with engine.transaction() as transaction:
        await read(engine)
        await transaction.execute("INSERT INTO t VALUES ('two')")
        assert await read(engine) == [("one",), ("two",)]
    assert await read(engine) == [("one",), ("two",)]


async def test_callers_may_change_the_list_they_get(engine: SqliteEngine) -> None:
    (await read(engine)).clear()
    (await read(engine)).clear()
    assert await read(engine) == [("one",)]


async def test_equal_parameters_of_other_types_are_other_statements(engine: SqliteEngine) -> None:
    for value, kind in ((1, "integer"), (1.0, "real"), ("1", "text")):
        assert await read(engine, Sql("SELECT typeof(?)", (value,))) == [(kind,)]


async def test_what_is_kept_is_bounded(engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "_MOST_BYTES", 2_000)
    kept = engine._lanes["point"]._threads[0].kept_rows
    await engine.read(lambda c: c.fetch_repeatable(Sql("SELECT zeroblob(2000000)")))
    assert kept._bytes == 0
    for number in range(300):
        await engine.read(lambda c, n=number: c.fetch_repeatable(Sql("SELECT ?", (n,))))  # type: ignore[misc]
        assert kept._bytes <= 2_000
    assert 0 < len(kept._results) <= 64


@pytest.mark.parametrize(
    ("text", "params", "repeatable"),
    [
        ("SELECT note FROM t WHERE note > ?", ("2024-01-01",), True),
        ("SELECT strftime('%Y', note) FROM t", (), True),
        ("SELECT random_note, date FROM t", (), True),
        ("SELECT note FROM t WHERE strftime(?, note) = ?", ("%Y", "2024"), True),
        ("SELECT note FROM t ORDER BY RANDOM()", (), False),
        ("SELECT note FROM t WHERE note > datetime('now')", (), False),
        ("SELECT note FROM t WHERE note > datetime(\"NOW\", '-1 day')", (), False),
        ("SELECT note FROM t WHERE note > date ( )", (), False),
        ("SELECT note FROM t WHERE note > CURRENT_TIMESTAMP", (), False),
        ("SELECT strftime('%s') FROM t", (), False),
        ("SELECT strftime(?) FROM t", ("%s",), False),
        ("SELECT note FROM t WHERE strftime(?, ?) = note", ("%Y", "Now "), False),
        ("SELECT hex(randomblob(7)) FROM t", (), False),
    ],
)
def test_what_asks_for_the_time_or_for_chance_is_not_repeatable(
    text: str, params: tuple[str, ...], repeatable: bool
) -> None:
    assert DIALECT.is_repeatable(Sql(text, params)) is repeatable
