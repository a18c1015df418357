"""What every database engine must do: subclass :class:`DatabaseKit`, give it an engine, run pytest.

class TestMyEngine(DatabaseKit):
    def make_engine(self, directory: Path) -> Engine:
        return MyEngine(directory)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from pbhost.database import AsyncTransaction, Connection, Engine, Sql, SqlValue, Transaction, bind, join
from pbhost.errors import ConstraintError, DatabaseBusyError, DatabaseError, UniqueViolationError
from pbhost.testing.dialect_kit import DialectKit


def _insert(key: str, note: str = "") -> Callable[[Transaction], int]:
    """A write that adds a row and tells the feed."""

    def write(transaction: Transaction) -> int:
        quote = transaction.dialect.quote
        transaction.execute(f"INSERT INTO {quote('kit')} (id, note) VALUES (?, ?)", (key, note))  # quoted
        return transaction.record_change("kit_collection", key, "create")

    return write


def _keys(connection: Connection) -> list[SqlValue]:
    return [row[0] for row in connection.fetch_all("SELECT id FROM kit ORDER BY id")]


@pytest.mark.asyncio
class DatabaseKit(DialectKit):
    """The tests. Each gets a fresh, opened engine with a table ``kit(id, note, amount, items)``."""

    def make_engine(self, directory: Path) -> Engine:
        """A new engine over a database in an empty directory, not opened yet."""
        raise NotImplementedError

    @pytest.fixture
    async def engine(self, tmp_path: Path) -> AsyncIterator[Engine]:
        engine = self.make_engine(tmp_path)
        await engine.open()
        dialect = engine.dialect
        columns = ", ".join(
            (
                f"id {dialect.column_type('text', primary_key=True)}",
                f"note {dialect.column_type('text')}",
                f"amount {dialect.column_type('number')}",
                f"items {dialect.column_type('json')}",
            )
        )
        await engine.write(lambda transaction: transaction.execute(f"CREATE TABLE kit ({columns})"))
        yield engine
        await engine.close()

    # -- reading and writing -----------------------------------------------------------------------------------------

    async def test_a_read_sees_what_was_written_before_it(self, engine: Engine) -> None:
        for number in range(20):
            await engine.write(_insert(f"k{number:02}"))
            for lane in ("point", "list", "hooked"):
                assert len(await engine.read(_keys, lane=lane)) == number + 1

    async def test_values_come_back_as_they_were_bound(self, engine: Engine) -> None:
        await engine.write(
            lambda t: t.execute("INSERT INTO kit (id, note, amount) VALUES (?, ?, ?)", ("a", "Zürich 👋 'x'", 2.5))
        )
        row = await engine.read(lambda c: c.fetch_one("SELECT note, amount FROM kit WHERE id = ?", ("a",)))
        assert row == ("Zürich 👋 'x'", 2.5)
        assert await engine.read(lambda c: c.fetch_one("SELECT note FROM kit WHERE id = ?", ("b",))) is None

    async def test_fragments_carry_their_own_values(self, engine: Engine) -> None:
        for key in "abc":
            await engine.write(_insert(key))
        wanted = Sql("SELECT id FROM kit WHERE id IN (") + join(", ", [bind("a"), bind("c")]) + ") ORDER BY id"
        assert await engine.read(lambda c: c.fetch_all(wanted)) == [("a",), ("c",)]
        names, rows = await engine.read(lambda c: c.column_names(wanted))
        assert (names, rows) == (("id",), [("a",), ("c",)])

    async def test_all_statements_of_a_read_see_one_moment(self, engine: Engine) -> None:
        loop = asyncio.get_running_loop()

        def look_twice(connection: Connection) -> tuple[int, int]:
            before = len(_keys(connection))
            asyncio.run_coroutine_threadsafe(engine.write(_insert("meanwhile")), loop).result(10)
            return before, len(_keys(connection))

        assert await engine.read(look_twice, lane="list") == (0, 0)
        assert await engine.read(_keys) == ["meanwhile"]

    async def test_a_read_cannot_write(self, engine: Engine) -> None:
        with pytest.raises(DatabaseError):
            await engine.read(lambda c: c.fetch_all("INSERT INTO kit (id) VALUES ('x')"))
        assert await engine.read(_keys) == []

    async def test_a_failing_read_does_not_disturb_others(self, engine: Engine) -> None:
        def fail(connection: Connection) -> None:
            raise ValueError("mine")

        results = await asyncio.gather(
            engine.read(_keys),
            engine.read(fail),
            engine.read(lambda c: c.fetch_all("SELECT nonsense FROM kit")),
            engine.read(_keys),
            return_exceptions=True,
        )
        assert results[0] == results[3] == []
        assert isinstance(results[1], ValueError)
        assert isinstance(results[2], DatabaseError)

    async def test_rows_changed_are_counted(self, engine: Engine) -> None:
        def write(transaction: Transaction) -> tuple[int, int, int]:
            added = transaction.execute_many("INSERT INTO kit (id, note) VALUES (?, ?)", [("a", "1"), ("b", "1")])
            changed = transaction.execute("UPDATE kit SET note = 'x' WHERE note = '1'")
            script = "UPDATE kit SET note = ';'; -- a comment; with a semicolon\nDELETE FROM kit WHERE id = 'a';"
            return added, changed, transaction.execute_script(script)

        assert await engine.write(write) == (2, 2, 3)

    @pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK", "/* x */ BEGIN", "SAVEPOINT pbhost_0"])
    async def test_a_script_cannot_end_its_transaction(self, engine: Engine, statement: str) -> None:
        with pytest.raises(DatabaseError):
            await engine.write(lambda t: t.execute_script(f"INSERT INTO kit (id) VALUES ('x'); {statement}"))
        assert await engine.read(_keys) == []

    # -- groups ------------------------------------------------------------------------------------------------------

    async def test_a_failing_write_is_rolled_back_alone(self, engine: Engine) -> None:
        def write(number: int) -> Awaitable[object]:
            def run(transaction: Transaction) -> None:
                _insert(f"k{number:02}")(transaction)
                if number % 3 == 0:
                    raise ValueError(number)

            return engine.write(run)

        results = await asyncio.gather(*(write(number) for number in range(30)), return_exceptions=True)
        failed = [number for number, result in enumerate(results) if isinstance(result, ValueError)]
        assert failed == list(range(0, 30, 3))
        expected = [f"k{number:02}" for number in range(30) if number % 3]
        assert await engine.read(_keys) == expected
        assert [change.record_id for change in await engine.changes(0)] == expected

    async def test_a_unique_violation_names_its_columns(self, engine: Engine) -> None:
        await engine.write(lambda t: t.execute("CREATE UNIQUE INDEX kit_unique ON kit (note, amount)"))
        await engine.write(_insert("a", "same"))
        with pytest.raises(UniqueViolationError) as caught:
            await engine.write(_insert("b", "same"))
        assert caught.value.columns == ("kit.note", "kit.amount")
        with pytest.raises(UniqueViolationError) as caught:
            await engine.write(_insert("a", "other"))
        assert caught.value.columns == ("kit.id",)

    async def test_a_violation_over_an_expression_names_nothing(self, engine: Engine) -> None:
        lower = engine.dialect.lower("note")
        await engine.write(lambda t: t.execute(f"CREATE UNIQUE INDEX kit_lower ON kit ({lower})"))
        await engine.write(_insert("a", "Same"))
        with pytest.raises(UniqueViolationError) as caught:
            await engine.write(_insert("b", "sAME"))
        assert caught.value.columns == ()

    async def test_other_violations_are_constraints(self, engine: Engine) -> None:
        with pytest.raises(ConstraintError):
            await engine.write(lambda t: t.execute("INSERT INTO kit (id, note) VALUES ('a', NULL)"))

    async def test_a_last_statement_stands_or_falls_alone(self, engine: Engine) -> None:
        def conclude(key: str) -> Callable[[Transaction], int]:
            return lambda t: t.conclude("INSERT INTO kit (id, note) VALUES (?, '')", (key,))

        results = await asyncio.gather(
            *[engine.write(conclude(key)) for key in ("a", "a", "b")], return_exceptions=True
        )
        assert [results[0], results[2]] == [1, 1]
        assert isinstance(results[1], UniqueViolationError)
        assert await engine.write(lambda t: t.conclude("DELETE FROM kit WHERE id = ?", ("missing",))) == 0
        assert await engine.read(_keys) == ["a", "b"]

    async def test_a_savepoint_is_rolled_back_alone(self, engine: Engine) -> None:
        events: list[str] = []

        def write(transaction: Transaction) -> None:
            _insert("a")(transaction)
            transaction.on_commit(lambda: events.append("committed a"))
            with suppress(ValueError), transaction.savepoint():
                _insert("b")(transaction)
                transaction.on_commit(lambda: events.append("committed b"))
                transaction.on_rollback(lambda: events.append("rolled back b"))
                with transaction.savepoint():
                    _insert("c")(transaction)
                raise ValueError
            with transaction.savepoint():
                _insert("d")(transaction)

        await engine.write(write)
        assert await engine.read(_keys) == ["a", "d"]
        assert sorted(events) == ["committed a", "rolled back b"]

    async def test_callbacks_run_after_the_commit_and_before_the_caller(self, engine: Engine) -> None:
        events: list[str] = []
        loop = asyncio.get_running_loop()

        def write(transaction: Transaction) -> None:
            transaction.on_commit(lambda: events.append(f"commit {loop is asyncio.get_running_loop()}"))
            transaction.on_rollback(lambda: events.append("rollback"))

        await engine.write(write)
        events.append("caller")
        assert events == ["commit True", "caller"]

        def fail(transaction: Transaction) -> None:
            write(transaction)
            raise ValueError

        events.clear()
        with pytest.raises(ValueError, match=r"^$"):
            await engine.write(fail)
        assert events == ["rollback"]

    async def test_the_time_of_a_write_is_one(self, engine: Engine) -> None:
        first, second = await engine.write(lambda t: (t.now, t.now))
        assert first == second
        assert len(first) == 24
        assert first.endswith("Z")

    # -- transactions of their own -----------------------------------------------------------------------------------

    async def test_an_async_hook_works_in_the_transaction(self, engine: Engine) -> None:
        async def hook(transaction: AsyncTransaction) -> str:
            await asyncio.sleep(0)
            assert await transaction.fetch_all("SELECT id FROM kit") == [("a",)]
            await transaction.execute("INSERT INTO kit (id) VALUES (?)", ("b",))
            assert await transaction.run(_keys) == ["a", "b"]
            return transaction.now

        def write(transaction: Transaction) -> bool:
            _insert("a")(transaction)
            return transaction.run_async(hook) == transaction.now

        assert await engine.write(write, exclusive=True)
        assert await engine.read(_keys) == ["a", "b"]

    async def test_hooks_may_nest(self, engine: Engine) -> None:
        async def inner(transaction: AsyncTransaction) -> None:
            await transaction.run(_insert("inner"))

        def middle(transaction: Transaction) -> None:
            transaction.run_async(inner)
            _insert("middle")(transaction)

        async def outer(transaction: AsyncTransaction) -> None:
            # While the inner hook is served, another task of the outer one asks too.
            await asyncio.gather(transaction.run(middle), transaction.run(_insert("beside")))

        await engine.write(lambda transaction: transaction.run_async(outer), exclusive=True)
        assert await engine.read(_keys) == ["beside", "inner", "middle"]

    async def test_a_failing_hook_rolls_everything_back(self, engine: Engine) -> None:
        async def hook(transaction: AsyncTransaction) -> None:
            await transaction.run(_insert("b"))
            raise ValueError("no")

        def write(transaction: Transaction) -> None:
            _insert("a")(transaction)
            transaction.run_async(hook)

        with pytest.raises(ValueError, match="no"):
            await engine.write(write, exclusive=True)
        assert await engine.read(_keys) == []
        assert await engine.changes(0) == []

    async def test_a_hook_that_hangs_is_given_up(self, engine: Engine) -> None:
        ended = asyncio.Event()

        async def hook(transaction: AsyncTransaction) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        def write(transaction: Transaction) -> None:
            _insert("a")(transaction)
            # Swallowing the error does not help: what took too long is not committed.
            with suppress(DatabaseBusyError):
                transaction.run_async(hook)

        with pytest.raises(DatabaseBusyError):
            await engine.write(write, exclusive=True, timeout=0.05)
        await asyncio.wait_for(ended.wait(), 10)
        await engine.write(_insert("b"))
        assert await engine.read(_keys) == ["b"]

    async def test_a_write_with_a_limit_does_not_take_its_neighbours_with_it(self, engine: Engine) -> None:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

        def write(transaction: Transaction) -> None:
            _insert("slow")(transaction)
            transaction.fetch_all(endless)

        results = await asyncio.gather(
            engine.write(_insert("a")),
            engine.write(write, timeout=0.05),
            engine.write(_insert("b")),
            return_exceptions=True,
        )
        assert isinstance(results[1], DatabaseError)
        assert await engine.read(_keys) == ["a", "b"]

    async def test_a_transaction_that_is_over_is_refused(self, engine: Engine) -> None:
        kept: list[AsyncTransaction] = []

        async def hook(transaction: AsyncTransaction) -> None:
            kept.append(transaction)

        await engine.write(lambda transaction: transaction.run_async(hook), exclusive=True)
        with pytest.raises(RuntimeError, match="over"):
            await kept[0].execute("INSERT INTO kit (id) VALUES ('late')")

    async def test_only_a_transaction_of_its_own_may_wait_for_the_loop(self, engine: Engine) -> None:
        async def hook(transaction: AsyncTransaction) -> int:
            return 1

        with pytest.raises(RuntimeError, match="exclusive"):
            await engine.write(lambda transaction: transaction.run_async(hook))
        with pytest.raises(RuntimeError, match="exclusive"):
            await engine.read(lambda connection: connection.run_async(hook))
        assert await engine.read(lambda connection: connection.run_async(hook), lane="hooked") == 1

    async def test_cancelling_the_caller_rolls_back(self, engine: Engine) -> None:
        waiting = asyncio.Event()

        async def hook(transaction: AsyncTransaction) -> None:
            waiting.set()
            await asyncio.Event().wait()

        def write(transaction: Transaction) -> None:
            _insert("a")(transaction)
            transaction.run_async(hook)

        task = asyncio.ensure_future(engine.write(write, exclusive=True))
        await asyncio.wait_for(waiting.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await engine.write(_insert("b"))
        assert await engine.read(_keys) == ["b"]

    async def test_a_block_is_committed_or_rolled_back_as_a_whole(self, engine: Engine) -> None:
        async with engine.transaction() as transaction:
            await transaction.run(_insert("a"))
            await transaction.execute("INSERT INTO kit (id) VALUES ('b')")
        assert await engine.read(_keys) == ["a", "b"]

        async def fail() -> None:
            async with engine.transaction() as transaction:
                await transaction.execute("DELETE FROM kit")
                raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await fail()
        assert await engine.read(_keys) == ["a", "b"]

    async def test_a_block_that_takes_too_long_is_rolled_back(self, engine: Engine) -> None:
        async def never_end() -> None:
            async with engine.transaction(timeout=0.05) as transaction:
                await transaction.run(_insert("a"))
                while True:
                    await transaction.fetch_one("SELECT 1")
                    await asyncio.sleep(0.005)

        with pytest.raises(DatabaseBusyError):
            await never_end()
        assert await engine.read(_keys) == []

    async def test_reads_and_writes_inside_of_a_block_take_part(self, engine: Engine) -> None:
        async def outside() -> list[SqlValue]:
            return await engine.read(_keys)

        free = asyncio.create_task(asyncio.sleep(0, "made outside of the block"))
        with suppress(ValueError):
            async with engine.transaction():
                await engine.write(_insert("a"))
                assert await engine.read(_keys) == ["a"]
                with pytest.raises(UniqueViolationError):
                    await engine.write(_insert("a"))
                async with engine.transaction() as nested:
                    await nested.run(_insert("b"))
                assert await engine.read(_keys, lane="list") == ["a", "b"]
                raise ValueError
        await free
        assert await outside() == []

    # -- the change feed ---------------------------------------------------------------------------------------------

    async def test_the_feed_has_the_committed_changes_in_order(self, engine: Engine) -> None:
        assert await engine.last_change() == (0, 0)
        first = await engine.write(_insert("a"))
        second = await engine.write(lambda t: t.record_change("kit_collection", "a", "delete", '{"id":"a"}'))
        assert 0 < first < second
        assert await engine.last_change() == (first, second)
        changes = await engine.changes(0)
        assert [(c.seq, c.collection_id, c.record_id, c.action, c.payload) for c in changes] == [
            (first, "kit_collection", "a", "create", ""),
            (second, "kit_collection", "a", "delete", '{"id":"a"}'),
        ]
        assert await engine.changes(first) == changes[1:]
        assert await engine.changes(0, limit=1) == changes[:1]

    async def test_watching_tells_of_each_commit(self, engine: Engine) -> None:
        watcher = engine.watch_changes()
        assert await asyncio.wait_for(anext(watcher), 10) == 0
        for number in range(5):
            seq = await engine.write(_insert(f"k{number}"))
            assert await asyncio.wait_for(anext(watcher), 10) == seq
        others = [engine.watch_changes() for _ in range(3)]
        assert [await anext(other) for other in others] == [seq] * 3
        last = max(await asyncio.gather(*(engine.write(_insert(f"m{number}")) for number in range(50))))
        seen = 0
        while seen < last:
            seen = await asyncio.wait_for(anext(watcher), 10)
        assert seen == last

    # -- life --------------------------------------------------------------------------------------------------------

    async def test_closing_finishes_what_was_accepted(self, engine: Engine, tmp_path: Path) -> None:
        writes = [asyncio.ensure_future(engine.write(_insert(f"k{number}"))) for number in range(50)]
        await asyncio.sleep(0)
        await engine.close()
        await engine.close()
        assert len(await asyncio.gather(*writes)) == 50
        with pytest.raises(DatabaseError):
            await engine.write(_insert("late"))
        with pytest.raises(DatabaseError):
            await engine.read(_keys)
        again = self.make_engine(tmp_path)
        await again.open()
        try:
            assert len(await again.read(_keys)) == 50
            assert len(await again.changes(0)) == 50
        finally:
            await again.close()

    async def test_a_snapshot_is_one_moment_in_a_new_file(self, engine: Engine, tmp_path: Path) -> None:
        await engine.write(_insert("a"))
        target = tmp_path / "copy"
        await asyncio.gather(
            engine.snapshot_to(str(target)), *(engine.write(_insert(f"k{number}")) for number in range(20))
        )
        assert target.stat().st_size > 0
        with pytest.raises(DatabaseError):
            await engine.snapshot_to(str(target))

    async def test_the_auxiliary_database_is_another_one(self, engine: Engine) -> None:
        auxiliary = engine.auxiliary
        assert auxiliary is not None
        assert auxiliary.auxiliary is None
        await auxiliary.write(lambda t: t.execute("CREATE TABLE kit_aux (id INTEGER)"))
        with pytest.raises(DatabaseError):
            await engine.read(lambda c: c.fetch_all("SELECT * FROM kit_aux"))
