"""Guesses of a short secret, counted in the database: more worker processes do not mean more guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.database import Migration, Transaction
from pbhost.model import clock

if TYPE_CHECKING:
    from pbhost.app import App

_TABLE = "_pbhost_attempts"


class SharedAttempts:
    """At most ``attempts`` per key in a fixed window of ``seconds`` that the first attempt opens.

    Args:
        name: keeps the counters of different secrets apart.
    """

    def __init__(self, app: App, name: str, attempts: int, seconds: float) -> None:
        self._app = app
        self._name = name
        self._attempts = attempts
        self._seconds = seconds

    async def allow(self, *key: str) -> bool:
        """Count an attempt; False when the window's are used up. Counted before the guess is looked at, in the
        writer, so that guesses sent at once count like guesses sent one after another."""
        text = "\n".join((self._name, *key))

        def count(tx: Transaction) -> bool:
            now = clock.timestamp()
            tx.execute(f"DELETE FROM {_TABLE} WHERE ends <= ?", (now,))
            row = tx.fetch_one(f"SELECT made FROM {_TABLE} WHERE id = ?", (text,))
            if row is None:
                tx.execute(f"INSERT INTO {_TABLE} (id, made, ends) VALUES (?, 1, ?)", (text, now + self._seconds))
                return True
            tx.execute(f"UPDATE {_TABLE} SET made = made + 1 WHERE id = ? AND made < ?", (text, self._attempts))
            return isinstance(row[0], int) and row[0] < self._attempts

        return await self._app.db.write(count)

    def reset(self) -> None:
        """Forget all attempts, soon."""
        self._app.background(self._forget(), name="auth: forget attempts")

    async def _forget(self) -> None:
        await self._app.db.write(lambda tx: tx.execute(f"DELETE FROM {_TABLE}"))


def _create(tx: Transaction) -> None:
    tx.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (id TEXT PRIMARY KEY, made INTEGER NOT NULL, ends REAL NOT NULL)")
    tx.execute(f"CREATE INDEX IF NOT EXISTS {_TABLE}_ends ON {_TABLE} (ends)")


def _drop(tx: Transaction) -> None:
    tx.execute(f"DROP TABLE IF EXISTS {_TABLE}")


MIGRATION = Migration("0001_attempts", _create, _drop)
