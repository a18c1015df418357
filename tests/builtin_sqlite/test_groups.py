"""Writes that share a transaction: each stands or falls alone, as if they had been committed one after the other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from builtin_sqlite.config import SqliteOptions
from builtin_sqlite.service import SqliteEngine

from pbhost.database import Row, Transaction
from pbhost.errors import DatabaseError, UniqueViolationError

INSERT = "INSERT INTO t (id) VALUES (?)"
FEED = "SELECT seq, record_id FROM _pbhost_changes ORDER BY seq"


class Boom(Exception):
    """A write that fails by itself."""


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(str(tmp_path / "data.db"), SqliteOptions())
    await engine.open()
    await engine.write(lambda t: t.execute("CREATE TABLE t (id TEXT PRIMARY KEY)"))
    yield engine
    await engine.close()


async def _rows(engine: SqliteEngine) -> tuple[list[str], list[Row]]:
    keys = await engine.read(lambda c: [str(row[0]) for row in c.fetch_all("SELECT id FROM t ORDER BY id")])
    return keys, await engine.read(lambda c: c.fetch_all(FEED))


@dataclass
class State:
    """What a database should hold."""

    keys: set[str] = field(default_factory=set)
    feed: list[tuple[int, str]] = field(default_factory=list)

    def copy(self) -> State:
        return State(set(self.keys), list(self.feed))

    def become(self, other: State) -> None:
        self.keys, self.feed = other.keys, other.feed


#: One step of a write: runs on the transaction and does the same to the model.
Step = Callable[[Transaction, State], None]


def _insert(key: str) -> Step:
    def step(transaction: Transaction, state: State) -> None:
        if key in state.keys:
            with pytest.raises(UniqueViolationError):
                transaction.execute(INSERT, (key,))
            raise Boom
        assert transaction.execute(INSERT, (key,)) == 1
        state.keys.add(key)

    return step


def _conclude(key: str) -> Step:
    def step(transaction: Transaction, state: State) -> None:
        if key in state.keys:
            with pytest.raises(UniqueViolationError):
                transaction.conclude(INSERT, (key,))
            raise Boom
        assert transaction.conclude(INSERT, (key,)) == 1
        state.keys.add(key)
        _change(key)(transaction, state)

    return step


def _change(key: str) -> Step:
    def step(transaction: Transaction, state: State) -> None:
        seq = transaction.record_change("c", key, "create")
        assert seq > (state.feed[-1][0] if state.feed else 0)
        state.feed.append((seq, key))

    return step


def _look(transaction: Transaction, state: State) -> None:
    assert transaction.fetch_all(FEED) == state.feed
    assert {row[0] for row in transaction.fetch_all("SELECT id FROM t")} == state.keys


def _fail(_transaction: Transaction, _state: State) -> None:
    raise Boom


def _nested(steps: list[Step]) -> Step:
    def step(transaction: Transaction, state: State) -> None:
        inner = state.copy()
        with suppress(Boom):
            with transaction.savepoint():
                for each in steps:
                    each(transaction, inner)
            state.become(inner)

    return step


def _random_write(pick: random.Random) -> list[Step]:
    def simple() -> Step:
        key = f"k{pick.randrange(60):02d}"
        return pick.choice([_insert(key), _insert(key), _change(key), _look])

    def steps(most: int) -> list[Step]:
        out: list[Step] = []
        for _ in range(pick.randrange(most)):
            if pick.random() < 0.2:
                out.append(_nested([simple(), simple(), *([_fail] if pick.random() < 0.5 else [])]))
            else:
                out.append(simple())
        return out

    shape = pick.random()
    if shape < 0.4:
        return [_conclude(f"k{pick.randrange(60):02d}")]
    if shape < 0.5:
        return [*steps(3), _conclude(f"k{pick.randrange(60):02d}")]
    return [*steps(4), *([_fail] if pick.random() < 0.3 else [])]


@pytest.mark.parametrize("seed", range(6))
async def test_a_group_does_what_its_writes_would_have_done_in_turn(engine: SqliteEngine, seed: int) -> None:
    pick = random.Random(seed)
    state = State()
    shared: list[int] = []

    def job(steps: list[Step]) -> Callable[[Transaction], None]:
        def write(transaction: Transaction) -> None:
            after = state.copy()
            for step in steps:
                step(transaction, after)
            state.become(after)

        return write

    for _ in range(12):
        count = pick.randrange(1, 90)
        results = await asyncio.gather(
            *[engine.write(job(_random_write(pick))) for _ in range(count)], return_exceptions=True
        )
        assert all(result is None or isinstance(result, Boom) for result in results), results
        keys, feed = await _rows(engine)
        assert keys == sorted(state.keys)
        assert feed == state.feed
        shared.append(count)
        if pick.random() < 0.5:
            await engine.write(lambda t: t.execute("DELETE FROM t"))
            state.keys.clear()
    assert max(shared) > 40


async def test_a_write_that_fails_after_it_has_concluded_is_committed_by_nobody(engine: SqliteEngine) -> None:
    told: list[str] = []

    def good(key: str) -> Callable[[Transaction], None]:
        def write(transaction: Transaction) -> None:
            transaction.conclude(INSERT, (key,))
            transaction.record_change("c", key, "create")
            transaction.on_commit(lambda: told.append(f"{key} committed"))
            transaction.on_rollback(lambda: told.append(f"{key} rolled back"))

        return write

    def liar(transaction: Transaction) -> None:
        good("liar")(transaction)
        raise Boom

    results = await asyncio.gather(
        engine.write(good("a")), engine.write(liar), engine.write(good("b")), return_exceptions=True
    )
    assert isinstance(results[1], Boom)
    # Those before it in the group learn that they failed, the one behind it has a group of its own.
    assert isinstance(results[0], DatabaseError)
    assert results[2] is None
    assert sorted(told) == ["a rolled back", "b committed", "liar rolled back"]
    keys, feed = await _rows(engine)
    assert keys == ["b"]
    assert [row[1] for row in feed] == ["b"]


async def test_text_that_has_no_form_on_disk_is_replaced_in_the_feed_too(engine: SqliteEngine) -> None:
    def write(transaction: Transaction) -> None:
        transaction.conclude(INSERT, ("\ud800",))
        transaction.record_change("c", "\ud800", "create", '{"n":"\ud800"}')

    await asyncio.gather(*[engine.write(lambda t: t.record_change("c", "x", "create")), engine.write(write)])
    keys, feed = await _rows(engine)
    assert keys == ["\N{REPLACEMENT CHARACTER}"]
    assert [row[1] for row in feed] == ["x", "\N{REPLACEMENT CHARACTER}"]


async def test_a_feed_that_cannot_be_written_fails_the_group(engine: SqliteEngine) -> None:
    await engine.write(
        lambda t: t.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON _pbhost_changes WHEN new.record_id = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    )

    def write(key: str) -> Callable[[Transaction], None]:
        def function(transaction: Transaction) -> None:
            transaction.conclude(INSERT, (key,))
            transaction.record_change("c", key, "create")

        return function

    results = await asyncio.gather(*[engine.write(write(key)) for key in ("a", "bad", "b")], return_exceptions=True)
    assert all(isinstance(result, DatabaseError) for result in results)
    assert await _rows(engine) == ([], [])
    await engine.write(write("c"))
    assert (await _rows(engine))[0] == ["c"]


async def test_a_transaction_finds_its_changes_however_the_table_is_spelled(engine: SqliteEngine) -> None:
    def write(transaction: Transaction) -> list[Row]:
        transaction.record_change("c", "a", "create")
        return transaction.fetch_all("SELECT record_id FROM _PBHOST_Changes")

    assert await engine.write(write) == [("a",)]


async def test_numbers_go_on_after_the_feed_was_written_by_hand(engine: SqliteEngine) -> None:
    def write(transaction: Transaction) -> list[int]:
        first = transaction.record_change("c", "a", "create")
        transaction.execute(
            "INSERT INTO _pbhost_changes (seq, collection_id, record_id, action, created) VALUES (?, '', '', '', '')",
            (first + 10,),
        )
        return [first, transaction.record_change("c", "b", "create")]

    first, second = await engine.write(write)
    assert second == first + 11
    assert await engine.last_change() == (first, second)
