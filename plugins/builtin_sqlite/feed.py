"""The change feed: a table that gets a row in the same transaction as the change that it tells of."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from functools import cache, lru_cache
from typing import cast

from pbhost.database import Change, Connection, SqlValue, Transaction
from pbhost.model import clock
from pbhost.model.dates import format_date

TABLE = "_pbhost_changes"

# AUTOINCREMENT, so that a number is never given twice even after the newest rows were pruned.
CREATE_TABLE = (
    "CREATE TABLE IF NOT EXISTS _pbhost_changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, collection_id TEXT NOT NULL, "
    "record_id TEXT NOT NULL, action TEXT NOT NULL, created TEXT NOT NULL, payload TEXT DEFAULT '' NOT NULL)"
)
_INSERT = "INSERT INTO _pbhost_changes (seq, collection_id, record_id, action, created, payload) VALUES "
#: The most rows of one statement: a group of writes has few more, and each size is a statement to be prepared.
_MOST_ROWS = 64
_SELECT = (
    "SELECT seq, collection_id, record_id, action, created, payload FROM _pbhost_changes "
    "WHERE seq > ? ORDER BY seq LIMIT ?"
)
_NEWEST = "SELECT seq FROM sqlite_sequence WHERE name = '_pbhost_changes'"

#: Rows deleted by one write, so that pruning never holds up the writes that wait for it.
PRUNE_BATCH = 2000


class Appender:
    """The changes of one transaction, kept back until somebody may look or the transaction ends.

    The writes of a group append one row each; written together they cost one statement instead of one each.

    Args:
        connection: of the transaction.
    """

    __slots__ = ("_connection", "_newest", "_rows")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[SqlValue, ...]] = []
        #: The newest number given, 0 while it is not known.
        self._newest = 0

    def append(self, collection_id: str, record_id: str, action: str, created: str, payload: str) -> int:
        """Adds a change; returns its number."""
        seq = (self._newest or newest(self._connection)) + 1
        self._rows.append((seq, collection_id, record_id, action, created, payload))
        self._newest = seq
        return seq

    def flush(self) -> None:
        """Writes what was added. Afterwards anybody may use the table.

        Raises:
            DatabaseError: it cannot be written; then the transaction cannot be committed either.
        """
        rows, at = self._rows, 0
        size = _MOST_ROWS
        while at < len(rows):
            while size > len(rows) - at:
                size //= 2
            self._connection.fetch_all(_insert(size), [value for row in rows[at : at + size] for value in row])
            at += size
        self._rows = []
        self._newest = 0

    def forget(self) -> None:
        """Drops what was added since the last flush, for that was rolled back."""
        self._rows = []
        self._newest = 0


@cache
def _insert(rows: int) -> str:
    return _INSERT + ", ".join(["(?, ?, ?, ?, ?, ?)"] * rows)


@lru_cache(maxsize=512)
def is_named_in(statement: str) -> bool:
    """Whether a statement names the table, in any case."""
    return TABLE in statement.lower()


def changes(connection: Connection, after: int, limit: int) -> list[Change]:
    """The rows after a sequence number, in order."""
    return [Change(*row) for row in connection.fetch_all(_SELECT, (after, max(limit, 0)))]  # type: ignore[arg-type]  # the columns have these types


def bounds(connection: Connection) -> tuple[int, int]:
    """``(oldest, newest)`` numbers held; ``(0, 0)`` for an empty feed."""
    row = connection.fetch_one("SELECT min(seq) FROM _pbhost_changes")
    oldest = cast("int | None", row[0]) if row else None
    if oldest is None:
        return (0, 0)
    row = connection.fetch_one("SELECT max(seq) FROM _pbhost_changes")
    return (oldest, cast("int", row[0]) if row else 0)


def newest(connection: Connection) -> int:
    """The last number ever given, also when its row was pruned; 0 for none."""
    row = connection.fetch_one(_NEWEST)
    return cast("int", row[0]) if row else 0


def prune(transaction: Transaction, max_rows: int, max_age: float) -> bool:
    """Deletes one batch of rows that are too old or too many; returns whether another batch may be due."""
    oldest, last = bounds(transaction)
    if not oldest:
        return False
    cutoff = format_date(clock.utc_now() - timedelta(seconds=max_age))
    batch = cast(
        "list[tuple[int, str]]",
        transaction.fetch_all("SELECT seq, created FROM _pbhost_changes ORDER BY seq LIMIT ?", (PRUNE_BATCH,)),
    )
    outdated = 0
    for seq, created in batch:
        if seq > last - max_rows and created >= cutoff:
            break
        outdated = seq
    if outdated:
        transaction.execute("DELETE FROM _pbhost_changes WHERE seq <= ?", (outdated,))
    return outdated == batch[-1][0] and len(batch) == PRUNE_BATCH


def create(raw: sqlite3.Connection) -> None:
    """Makes the table if the database has none."""
    raw.execute(CREATE_TABLE)
