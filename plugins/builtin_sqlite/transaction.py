"""A write transaction, or the savepoint of one write in a shared group, as the function that writes sees it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from builtin_sqlite.connection import SqliteConnection
from builtin_sqlite.driver_errors import translate
from builtin_sqlite.feed import Appender, is_named_in
from builtin_sqlite.statements import is_forbidden, only_reads, split
from pbhost.database import Row, Sql, SqlValue
from pbhost.errors import DatabaseError
from pbhost.model import clock

if TYPE_CHECKING:
    from builtin_sqlite.pump import Pump


#: The savepoint of one write in a shared group.
GUARD = "pbhost_0"


class SqliteTransaction(SqliteConnection):
    """Provides :class:`pbhost.database.Transaction`.

    Args:
        raw: the connection.
        feed: takes the changes of the whole group; None if the database has no feed.
        pump: for waiting for the event loop.
        is_guest: whether other writes of the group have succeeded already. Then a savepoint is made before the first
            statement that may change something, so that this write can be rolled back alone.

    Attributes:
        is_guarded: whether that savepoint is there.
        is_concluded: whether something was changed without it, by :meth:`conclude`.
        now: the time of this write in the stored form.
        last_seq: the newest change that this write recorded, 0 for none.
        commit_callbacks: to be called on the event loop once it is committed.
        rollback_callbacks: to be called on the event loop if it is rolled back.
        undone_callbacks: of nested savepoints that were rolled back already; called in either case.
    """

    __slots__ = (
        "_depth",
        "_feed",
        "_is_guest",
        "_is_lost",
        "commit_callbacks",
        "is_concluded",
        "is_guarded",
        "last_seq",
        "now",
        "rollback_callbacks",
        "undone_callbacks",
    )

    def __init__(
        self, raw: sqlite3.Connection, feed: Appender | None, *, pump: Pump | None = None, is_guest: bool = False
    ) -> None:
        super().__init__(raw, pump)
        self._feed = feed
        self._is_guest = is_guest
        self.is_guarded = False
        self.is_concluded = False
        self._depth = 0
        self._is_lost = False
        self.now = stored_now()
        self.last_seq = 0
        self.commit_callbacks: list[Callable[[], None]] = []
        self.rollback_callbacks: list[Callable[[], None]] = []
        self.undone_callbacks: list[Callable[[], None]] = []

    # -- statements --------------------------------------------------------------------------------------------------

    def fetch_all(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> list[Row]:
        self._make_ready(sql)
        return super().fetch_all(sql, params)

    def fetch_one(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> Row | None:
        self._make_ready(sql)
        return super().fetch_one(sql, params)

    def column_names(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> tuple[tuple[str, ...], list[Row]]:
        self._make_ready(sql)
        return super().column_names(sql, params)

    def execute(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> int:
        self._make_ready(sql)
        return self._change(sql, params)

    def conclude(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> int:
        changed = self._change(sql, params)
        self.is_concluded = changed > 0 and not self.is_guarded
        return changed

    def _change(self, sql: Sql | str, params: Sequence[SqlValue]) -> int:
        if isinstance(sql, Sql):
            params, sql = sql.params, sql.text
        try:
            return max(self._raw.execute(sql, params).rowcount, 0)
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            return max(self._again(error, sql, params)[0].rowcount, 0)

    def _make_ready(self, sql: Sql | str) -> None:
        """Before a statement: the guard, if it may change something; the feed, if it looks there."""
        text = sql if isinstance(sql, str) else sql.text
        if is_named_in(text):
            self._flush()
        if self._is_guest and not self.is_guarded and not only_reads(text):
            self._guard()

    def _guard(self) -> None:
        self._flush()  # the changes of the neighbours are not to be rolled back with this write
        self._raw.execute(f"SAVEPOINT {GUARD}")
        self.is_guarded = True

    def _flush(self) -> None:
        if self._feed is None:
            return
        try:
            self._feed.flush()
        except DatabaseError:
            self._end_if_lost()
            raise

    def end_guard(self, *, is_failed: bool) -> None:
        """For the writer: the write is over."""
        if is_failed and self._feed is not None:
            self._feed.forget()
        if is_failed:
            self._raw.execute(f"ROLLBACK TO {GUARD}")
        self._raw.execute(f"RELEASE {GUARD}")

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
        if self._is_guest and not self.is_guarded:
            self._guard()
        else:
            self._flush()
        committed, rolled_back = len(self.commit_callbacks), len(self.rollback_callbacks)
        self._raw.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self._end_if_lost()
            if not self._is_lost:  # otherwise there is nothing left to go back to
                self._raw.execute(f"ROLLBACK TO {name}")
                self._raw.execute(f"RELEASE {name}")
                if self._feed is not None:
                    self._feed.forget()
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
        if self._feed is None:
            raise RuntimeError("this database has no change feed")
        if self._is_guest and not self.is_guarded and not self.is_concluded:
            self._guard()
        self.last_seq = self._feed.append(collection_id, record_id, action, self.now, payload)
        return self.last_seq

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
            if self._feed is not None:
                self._feed = Appender(SqliteConnection(self._raw))

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
