"""The synchronous face of a connection, used in its own thread by the functions that are given it."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from builtin_sqlite.dialect import SqliteDialect
from builtin_sqlite.driver_errors import translate
from builtin_sqlite.kept_rows import KeptRows
from pbhost.database import AsyncTransaction, Row, Sql, SqlValue

if TYPE_CHECKING:
    from builtin_sqlite.pump import Pump

T = TypeVar("T")

DIALECT = SqliteDialect()

_SURROGATES = re.compile("[\ud800-\udfff]")


class SqliteConnection:
    """Provides :class:`pbhost.database.Connection` over a `sqlite3` connection.

    ``pump`` is set while the function that uses the connection may wait for the event loop; ``kept`` if the connection
    only reads.
    """

    __slots__ = ("_kept", "_raw", "pump")

    def __init__(self, raw: sqlite3.Connection, pump: Pump | None = None, kept: KeptRows | None = None) -> None:
        self._raw = raw
        self._kept = kept
        self.pump = pump

    @property
    def dialect(self) -> SqliteDialect:
        return DIALECT

    @property
    def may_wait(self) -> bool:
        return self.pump is not None

    def fetch_all(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> list[Row]:
        if isinstance(sql, Sql):
            params, sql = sql.params, sql.text
        try:
            return self._raw.execute(sql, params).fetchall()
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            return self._again(error, sql, params)[1]

    def fetch_repeatable(self, sql: Sql) -> list[Row]:
        if self._kept is None:
            return self.fetch_all(sql)
        try:
            return self._kept.fetch(self._raw, sql.text, sql.params)
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            return self._again(error, sql.text, sql.params)[1]

    def fetch_one(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> Row | None:
        if isinstance(sql, Sql):
            params, sql = sql.params, sql.text
        try:
            row: Row | None = self._raw.execute(sql, params).fetchone()
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            rows = self._again(error, sql, params)[1]
            return rows[0] if rows else None
        return row

    def column_names(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> tuple[tuple[str, ...], list[Row]]:
        if isinstance(sql, Sql):
            params, sql = sql.params, sql.text
        try:
            cursor = self._raw.execute(sql, params)
            rows: list[Row] = cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            cursor, rows = self._again(error, sql, params)
        return tuple(column[0] for column in cursor.description or ()), rows

    def run_async(self, make: Callable[[AsyncTransaction], Awaitable[T]]) -> T:
        if self.pump is None:
            raise RuntimeError(
                "run_async needs a transaction of its own: write(…, exclusive=True), or read(…, lane='hooked')"
            )
        return self.pump.run_async(make)

    def _again(self, error: Exception, sql: str, params: Sequence[SqlValue]) -> tuple[sqlite3.Cursor, list[Row]]:
        """Runs a failed statement once more if its failure was one of representation; raises a tree error if not.

        Values that SQLite cannot hold (lone surrogates, huge integers) are refused before the statement runs, so they
        are replaced and it is tried again. Text on disk that is not UTF-8 (other programs write such) is read with
        replacement characters.
        """
        try:
            if isinstance(error, OverflowError | UnicodeError):
                cursor = self._raw.execute(sql, [_representable(value) for value in params])
                return cursor, cursor.fetchall()
            if isinstance(error, sqlite3.OperationalError) and "Could not decode to UTF-8" in str(error):
                return self._tolerant(sql, params)
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as second:
            raise translate(second) from None
        raise translate(error) from None

    def _tolerant(self, sql: str, params: Sequence[SqlValue]) -> tuple[sqlite3.Cursor, list[Row]]:
        self._raw.text_factory = lambda data: data.decode("utf-8", "replace")
        try:
            cursor = self._raw.execute(sql, params)
            return cursor, cursor.fetchall()
        finally:
            self._raw.text_factory = str


def _representable(value: SqlValue) -> SqlValue:
    if isinstance(value, str):
        # A lone surrogate stands for a byte that was no UTF-8, or came as an escape; either way it has no UTF-8 form.
        return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return value
