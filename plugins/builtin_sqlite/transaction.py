"""A write transaction, or the savepoint of one write in a shared group, as the function that writes sees it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from builtin_sqlite.connection import SqliteConnection
from builtin_sqlite.driver_errors import translate
from builtin_sqlite.feed import INSERT_CHANGE
from builtin_sqlite.statements import is_forbidden, split
from pbhost.database import Row, Sql, SqlValue
from pbhost.errors import DatabaseError
from pbhost.model import clock

if TYPE_CHECKING:
    from builtin_sqlite.pump import Pump


class SqliteTransaction(SqliteConnection):
    """Provides :class:`pbhost.database.Transaction`.

    Attributes:
        now: the time of this write in the stored form.
        last_seq: the newest change that this write recorded, 0 for none.
        commit_callbacks: to be called on the event loop once it is committed.
        rollback_callbacks: to be called on the event loop if it is rolled back.
        undone_callbacks: of nested savepoints that were rolled back already; called in either case.
    """

    __slots__ = (
        "_depth",
        "_has_feed",
        "_is_lost",
        "commit_callbacks",
        "last_seq",
        "now",
        "rollback_callbacks",
        "undone_callbacks",
    )

    def __init__(self, raw: sqlite3.Connection, *, has_feed: bool, pump: Pump | None = None) -> None:
        super().__init__(raw, pump)
        self._has_feed = has_feed
        self._depth = 0
        self._is_lost = False
        self.now = stored_now()
        self.last_seq = 0
        self.commit_callbacks: list[Callable[[], None]] = []
        self.rollback_callbacks: list[Callable[[], None]] = []
        self.undone_callbacks: list[Callable[[], None]] = []

    def execute(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> int:
        if isinstance(sql, Sql):
            params, sql = sql.params, sql.text
        try:
            return max(self._raw.execute(sql, params).rowcount, 0)
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            return max(self._again(error, sql, params)[0].rowcount, 0)

    def execute_many(self, sql: str, rows: Sequence[Sequence[SqlValue]]) -> int:
        try:
            # A failing row must not leave the rows before it behind.
            with self.savepoint():
                return max(self._raw.executemany(sql, rows).rowcount, 0)
        except (OverflowError, UnicodeError):
            with self.savepoint():
                return sum(self.execute(sql, row) for row in rows)
        except (sqlite3.Error, sqlite3.Warning) as error:
            self._end_if_lost()
            raise translate(error) from None

    def execute_script(self, sql: str) -> int:
        statements = split(sql)
        for statement in statements:
            if is_forbidden(statement):
                raise DatabaseError(f"cannot run {statement.split(None, 1)[0].upper()} from within a transaction")
        before = self._raw.total_changes
        for statement in statements:
            self.fetch_all(statement)
        return self._raw.total_changes - before

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self._depth += 1
        name = f"pbhost_{self._depth}"
        committed, rolled_back = len(self.commit_callbacks), len(self.rollback_callbacks)
        self._raw.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self._end_if_lost()
            if not self._is_lost:  # otherwise there is nothing left to go back to
                self._raw.execute(f"ROLLBACK TO {name}")
                self._raw.execute(f"RELEASE {name}")
            self.undone_callbacks += self.rollback_callbacks[rolled_back:]
            del self.commit_callbacks[committed:], self.rollback_callbacks[rolled_back:]
            raise
        else:
            self._raw.execute(f"RELEASE {name}")
        finally:
            self._depth -= 1

    def record_change(
        self, collection_id: str, record_id: str, action: Literal["create", "update", "delete"], payload: str = ""
    ) -> int:
        if not self._has_feed:
            raise RuntimeError("this database has no change feed")
        values = (collection_id, record_id, action, self.now, payload)
        try:
            seq = self._raw.execute(INSERT_CHANGE, values).lastrowid
        except (sqlite3.Error, UnicodeError) as error:
            seq = self._again(error, INSERT_CHANGE, values)[0].lastrowid
        assert seq is not None
        self.last_seq = seq
        return seq

    def _again(self, error: Exception, sql: str, params: Sequence[SqlValue]) -> tuple[sqlite3.Cursor, list[Row]]:
        try:
            return super()._again(error, sql, params)
        except DatabaseError:
            self._end_if_lost()
            raise

    def _end_if_lost(self) -> None:
        """Some errors (a full disk, a stopped write) make SQLite end the whole transaction.

        What a function that catches such an error writes afterwards would be committed statement by statement, while
        its caller is told that it failed. So it gets a connection that is closed.
        """
        if not self._is_lost and not self._raw.in_transaction:
            self._is_lost = True
            self._raw = sqlite3.connect(":memory:")
            self._raw.close()

    def on_commit(self, callback: Callable[[], None]) -> None:
        self.commit_callbacks.append(callback)

    def on_rollback(self, callback: Callable[[], None]) -> None:
        self.rollback_callbacks.append(callback)


_stamp: tuple[int, str] = (0, "")


def stored_now() -> str:
    """The current time in the stored form; as `pbhost.model.dates.now`, but made for thousands of calls a second."""
    global _stamp  # noqa: PLW0603  # a cache of one entry
    milliseconds = int(clock.timestamp() * 1000)
    second = milliseconds // 1000
    known, prefix = _stamp
    if second != known:
        prefix = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
        _stamp = (second, prefix)  # one assignment, for several threads come here
    return f"{prefix}.{milliseconds % 1000:03d}Z"
