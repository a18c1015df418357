"""What may be done only so often, counted in the database: more worker processes do not mean more of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.database import Migration, Transaction
from pbhost.model import clock

if TYPE_CHECKING:
    from pbhost.app import App

_TABLE = "_pbhost_attempts"
_SEPARATOR = "\n"


class SharedAttempts:
    """At most ``attempts`` per key in a fixed window of ``seconds`` that the first attempt opens.

    Args:
        name: keeps counters of different things apart.
    """

    def __init__(self, app: App, name: str, attempts: int, seconds: float) -> None:
        self._app = app
        self._name = name
        self._attempts = attempts
        self._seconds = seconds

    async def allow(self, *key: str) -> bool:
        """Count an attempt; False when the window's are used up. Counted before the guess is looked at, in the
        writer, so that guesses sent at once count like guesses sent one after another."""
        text = self._text(key)

        def count(tx: Transaction) -> bool:
            now = clock.timestamp()
            tx.execute(f"DELETE FROM {_TABLE} WHERE ends <= ?", (now,))
            # One that ends later than a window can was opened before the clock was set back: nobody waits for that.
            tx.execute(f"DELETE FROM {_TABLE} WHERE id = ? AND ends > ?", (text, now + self._seconds))
            row = tx.fetch_one(f"SELECT made FROM {_TABLE} WHERE id = ?", (text,))
            if row is None:
                tx.execute(f"INSERT INTO {_TABLE} (id, made, ends) VALUES (?, 1, ?)", (text, now + self._seconds))
                return True
            tx.execute(f"UPDATE {_TABLE} SET made = made + 1 WHERE id = ? AND made < ?", (text, self._attempts))
            return isinstance(row[0], int) and row[0] < self._attempts

        return await self._app.db.write(count)

    async def is_used_up(self, *key: str) -> bool:
        """Whether another attempt would be refused; counts nothing."""
        now = clock.timestamp()
        params = (self._text(key), self._attempts, now, now + self._seconds)
        query = f"SELECT 1 FROM {_TABLE} WHERE id = ? AND made >= ? AND ends > ? AND ends <= ?"
        return await self._app.db.read(lambda connection: connection.fetch_one(query, params)) is not None

    async def forget(self, *key: str) -> None:
        """Make as if there had been no attempt."""
        text = self._text(key)
        await self._app.db.write(lambda tx: tx.execute(f"DELETE FROM {_TABLE} WHERE id = ?", (text,)))

    def reset(self) -> None:
        """Forget all attempts of this name, soon."""
        self._app.background(self._forget_all(), name=f"auth: forget attempts ({self._name})")

    async def _forget_all(self) -> None:
        first = self._text(())
        last = first[:-1] + chr(ord(_SEPARATOR) + 1)
        await self._app.db.write(lambda tx: tx.execute(f"DELETE FROM {_TABLE} WHERE id >= ? AND id < ?", (first, last)))

    def _text(self, key: tuple[str, ...]) -> str:
        return self._name + _SEPARATOR + _SEPARATOR.join(key)


def _create(tx: Transaction) -> None:
    tx.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (id TEXT PRIMARY KEY, made INTEGER NOT NULL, ends REAL NOT NULL)")
    tx.execute(f"CREATE INDEX IF NOT EXISTS {_TABLE}_ends ON {_TABLE} (ends)")


def _drop(tx: Transaction) -> None:
    tx.execute(f"DROP TABLE IF EXISTS {_TABLE}")


MIGRATION = Migration("0001_attempts", _create, _drop)
