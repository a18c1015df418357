"""The change feed: a table that gets a row in the same transaction as the change that it tells of."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import cast

from pbhost.database import Change, Connection, Transaction
from pbhost.model import clock
from pbhost.model.dates import format_date

TABLE = "_pbhost_changes"

# AUTOINCREMENT, so that a number is never given twice even after the newest rows were pruned.
CREATE_TABLE = (
    "CREATE TABLE IF NOT EXISTS _pbhost_changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, collection_id TEXT NOT NULL, "
    "record_id TEXT NOT NULL, action TEXT NOT NULL, created TEXT NOT NULL, payload TEXT DEFAULT '' NOT NULL)"
)
INSERT_CHANGE = (
    "INSERT INTO _pbhost_changes (collection_id, record_id, action, created, payload) VALUES (?, ?, ?, ?, ?)"
)
_SELECT = (
    "SELECT seq, collection_id, record_id, action, created, payload FROM _pbhost_changes "
    "WHERE seq > ? ORDER BY seq LIMIT ?"
)
_NEWEST = "SELECT seq FROM sqlite_sequence WHERE name = '_pbhost_changes'"

#: Rows deleted by one write, so that pruning never holds up the writes that wait for it.
PRUNE_BATCH = 2000


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
