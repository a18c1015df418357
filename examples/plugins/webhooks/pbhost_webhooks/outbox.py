"""The outbox: messages are written in the transaction of the change that they tell of, and sent from there."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pbhost.database import Connection, Migration, Row, Transaction
from pbhost.errors import JSON
from pbhost.model.ids import ALPHANUMERIC, random_text

TABLE = "_webhooks_outbox"
State: TypeAlias = Literal["pending", "sent", "failed"]
_COLUMNS = "id, message, webhook, collection, payload, body, headers, attempts, due, state, error"


@dataclass(slots=True)
class Delivery:
    """One message to one webhook.

    Attributes:
        body: what is sent, "" until it was prepared.
        due: when it may be tried next, milliseconds since 1970.
        error: of the last attempt.
    """

    id: str
    message: str
    webhook: str
    collection: str
    payload: dict[str, JSON]
    body: str
    headers: dict[str, str]
    attempts: int
    due: int
    state: str
    error: str

    @classmethod
    def of(cls, row: Row) -> Delivery:
        """From a row of all columns."""
        id_, message, webhook, collection, payload, body, headers, attempts, due, state, error = row
        return cls(
            str(id_),
            str(message),
            str(webhook),
            str(collection),
            json.loads(str(payload)),
            str(body),
            json.loads(str(headers)),
            int(attempts or 0),
            int(due or 0),
            str(state),
            str(error),
        )


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def create_table(tx: Transaction) -> None:
    """The first migration."""
    table = tx.dialect.quote(TABLE)
    tx.execute(
        f"CREATE TABLE {table} (id VARCHAR(60) NOT NULL PRIMARY KEY, message VARCHAR(60) NOT NULL, "
        "webhook VARCHAR(50) NOT NULL, collection VARCHAR(100) NOT NULL, payload TEXT NOT NULL, body TEXT NOT NULL, "
        "headers TEXT NOT NULL, attempts INTEGER NOT NULL, due BIGINT NOT NULL, state VARCHAR(10) NOT NULL, "
        "error TEXT NOT NULL)"
    )
    tx.execute(f"CREATE INDEX _webhooks_due ON {table} (state, webhook, due)")


def drop_table(tx: Transaction) -> None:
    """Takes the first migration back."""
    tx.execute(f"DROP TABLE {tx.dialect.quote(TABLE)}")


MIGRATIONS = [Migration("0001_outbox", create_table, drop_table)]


# -- each runs in the thread of a connection ---------------------------------------------------------------------------


def add(tx: Transaction, webhooks: list[str], collection_id: str, payload: dict[str, JSON]) -> None:
    """Adds a message to some webhooks."""
    now = now_ms()
    # Ids sort by time, so that what is due at the same moment goes in the order of the changes.
    message = f"msg_{time.time_ns():020d}{random_text(10, ALPHANUMERIC)}"
    text = json.dumps(payload)
    tx.execute_many(
        f"INSERT INTO {tx.dialect.quote(TABLE)} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, '', '{{}}', 0, ?, 'pending', '')",
        [(f"{message}{index}", message, name, collection_id, text, now) for index, name in enumerate(webhooks)],
    )


def due(connection: Connection, webhook: str, limit: int) -> tuple[list[Delivery], int | None]:
    """What can be sent to a webhook now, oldest first, and when the next of the others is due."""
    table, now = connection.dialect.quote(TABLE), now_ms()
    rows = connection.fetch_all(
        f"SELECT {_COLUMNS} FROM {table} WHERE state = 'pending' AND webhook = ? AND due <= ? ORDER BY due, id LIMIT ?",
        (webhook, now, limit),
    )
    later = connection.fetch_one(
        f"SELECT MIN(due) FROM {table} WHERE state = 'pending' AND webhook = ? AND due > ?", (webhook, now)
    )
    return [Delivery.of(row) for row in rows], int(later[0]) if later is not None and later[0] is not None else None


def find(connection: Connection, *, state: str = "", limit: int = 100) -> list[Delivery]:
    """The newest deliveries, of one state or all."""
    where, params = ("WHERE state = ? ", (state,)) if state else ("", ())
    rows = connection.fetch_all(
        f"SELECT {_COLUMNS} FROM {connection.dialect.quote(TABLE)} {where}ORDER BY id DESC LIMIT ?", (*params, limit)
    )
    return [Delivery.of(row) for row in rows]


def store(tx: Transaction, delivery: Delivery) -> None:
    """Writes what became of a delivery."""
    tx.execute(
        f"UPDATE {tx.dialect.quote(TABLE)} SET body = ?, headers = ?, attempts = ?, due = ?, state = ?, error = ? "
        "WHERE id = ?",
        (
            delivery.body,
            json.dumps(delivery.headers),
            delivery.attempts,
            delivery.due,
            delivery.state,
            delivery.error,
            delivery.id,
        ),
    )


def drop(tx: Transaction, id_: str) -> None:
    """Takes out a delivery that is not to be made."""
    tx.execute(f"DELETE FROM {tx.dialect.quote(TABLE)} WHERE id = ?", (id_,))


def again(tx: Transaction, id_: str) -> int:
    """Makes a delivery that was given up due again; returns whether there is one."""
    return tx.execute(
        f"UPDATE {tx.dialect.quote(TABLE)} SET state = 'pending', attempts = 0, due = ? "
        "WHERE id = ? AND state = 'failed'",
        (now_ms(), id_),
    )


def give_up_on(tx: Transaction, known: list[str]) -> None:
    """Gives up what waits for webhooks that are configured no more."""
    marks = ", ".join("?" * len(known))
    others = f" AND webhook NOT IN ({marks})" if known else ""
    tx.execute(
        f"UPDATE {tx.dialect.quote(TABLE)} SET state = 'failed', error = 'the webhook is configured no more' "
        f"WHERE state = 'pending'{others}",
        known,
    )


def prune(tx: Transaction, before_ms: int) -> int:
    """Deletes what was done with before some moment."""
    return tx.execute(f"DELETE FROM {tx.dialect.quote(TABLE)} WHERE state <> 'pending' AND due < ?", (before_ms,))
