"""The versions of records: what each write left, who made it, and what was deleted together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pbhost import RequestContext
from pbhost.database import Connection, Migration, SqlValue, Transaction
from pbhost.errors import JSON

TABLE = "_soft_delete_history"
Action: TypeAlias = Literal["create", "update", "delete", "restore"]
_COLUMNS = ("version", "action", "at", "actor", "cause", "state")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record.

    Attributes:
        number: counts from 1 for each record.
        action: what made it.
        at: when.
        actor: ``collectionId/recordId`` of who did it, "" for code and guests.
        cause: of a delete: ``collectionId/recordId`` of the record whose delete took this one along.
        state: the stored values by column.
    """

    number: int
    action: str
    at: str
    actor: str
    cause: str
    state: dict[str, JSON]


def create_table(tx: Transaction) -> None:
    """The first migration."""
    tx.execute(
        f"CREATE TABLE {tx.dialect.quote(TABLE)} ("
        "collection VARCHAR(100) NOT NULL, record VARCHAR(255) NOT NULL, version INTEGER NOT NULL, "
        "action VARCHAR(10) NOT NULL, at VARCHAR(30) NOT NULL, actor VARCHAR(400) NOT NULL, "
        "cause VARCHAR(400) NOT NULL, state TEXT NOT NULL, PRIMARY KEY (collection, record, version))"
    )
    tx.execute(f"CREATE INDEX _soft_delete_by_cause ON {tx.dialect.quote(TABLE)} (cause)")


def drop_table(tx: Transaction) -> None:
    """Takes the first migration back."""
    tx.execute(f"DROP TABLE {tx.dialect.quote(TABLE)}")


MIGRATIONS = [Migration("0001_history", create_table, drop_table)]


class History:
    """The history in one transaction or snapshot, from its thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = connection.dialect.quote(TABLE)

    def add(
        self,
        tx: Transaction,
        key: tuple[str, str],
        action: Action,
        state: dict[str, SqlValue],
        context: RequestContext | None,
        *,
        keep: int,
        cause: str = "",
    ) -> None:
        """Appends a version; of more than ``keep`` the oldest go."""
        row = tx.fetch_one(f"SELECT MAX(version) FROM {self._table} WHERE collection = ? AND record = ?", key)
        number = int(row[0] or 0) + 1 if row is not None else 1
        actor = context.auth if context is not None else None
        who = f"{actor.collection.id}/{actor.id}" if actor is not None else ""
        tx.execute(
            f"INSERT INTO {self._table} (collection, record, {', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, number, action, tx.now, who, cause, json.dumps(state)),
        )
        tx.execute(
            f"DELETE FROM {self._table} WHERE collection = ? AND record = ? AND version <= ?", (*key, number - keep)
        )

    def versions(self, collection_id: str, record_id: str, *, limit: int = 0) -> list[Version]:
        """The versions of a record, newest first."""
        rows = self._connection.fetch_all(
            f"SELECT {', '.join(_COLUMNS)} FROM {self._table} WHERE collection = ? AND record = ? "
            f"ORDER BY version DESC{' LIMIT ?' if limit else ''}",
            (collection_id, record_id, *((limit,) if limit else ())),
        )
        return [
            Version(int(number or 0), str(action), str(at), str(actor), str(cause), json.loads(str(state)))
            for number, action, at, actor, cause, state in rows
        ]

    def deleted_by(self, cause: str) -> list[tuple[str, str]]:
        """Collection and record id of everything whose last version is a delete of that cause."""
        rows = self._connection.fetch_all(
            f"SELECT collection, record FROM {self._table} AS item WHERE cause = ? AND action = 'delete' AND version = "
            f"(SELECT MAX(version) FROM {self._table} AS other "
            "WHERE other.collection = item.collection AND other.record = item.record)",
            (cause,),
        )
        return [(str(collection), str(record)) for collection, record in rows]

    def forget(self, tx: Transaction, collection_id: str, record_id: str = "") -> None:
        """Deletes the versions of a record, or of a whole collection."""
        tx.execute(
            f"DELETE FROM {self._table} WHERE collection = ?{' AND record = ?' if record_id else ''}",
            (collection_id, *((record_id,) if record_id else ())),
        )
