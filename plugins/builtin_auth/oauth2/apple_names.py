"""Names that Apple sends once, with the redirect, kept until the sign-in with the same code.

In the database, because the redirect and the sign-in may come to different worker processes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pbhost.database import Migration, Transaction
from pbhost.model import clock

if TYPE_CHECKING:
    from pbhost.app import App

_TABLE = "_pbhost_apple_names"
_SECONDS = 60.0
_MAX_KEY_BYTES = 1000 - len("@redirect_name_")
_MAX_NAME_BYTES = 150


class AppleNames:
    """Names by code, for one minute."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def keep(self, code: str, user: str) -> None:
        """Keep the name in Apple's ``user`` value; anything unreadable is ignored."""
        name = _name(user)
        if not name or len(code.encode("utf-8", "replace")) > _MAX_KEY_BYTES:
            return
        key, now = _key(code), clock.timestamp()

        def write(tx: Transaction) -> None:
            # Those that end too late were kept before the clock was set back.
            tx.execute(f"DELETE FROM {_TABLE} WHERE ends <= ? OR ends > ? OR id = ?", (now, now + _SECONDS, key))
            tx.execute(f"INSERT INTO {_TABLE} (id, name, ends) VALUES (?, ?, ?)", (key, name, now + _SECONDS))

        await self._app.db.write(write)

    async def take(self, code: str) -> str:
        """The name kept under ``code``, which is then gone; "" if there is none."""
        key, now = _key(code), clock.timestamp()
        query = f"SELECT name FROM {_TABLE} WHERE id = ? AND ends > ? AND ends <= ?"
        row = await self._app.db.read(lambda connection: connection.fetch_one(query, (key, now, now + _SECONDS)))
        if row is None:
            return ""
        await self._app.db.write(lambda tx: tx.execute(f"DELETE FROM {_TABLE} WHERE id = ?", (key,)))
        return str(row[0])


def _key(code: str) -> str:
    """A code is worth a sign-in until it is used; the database need not know it."""
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def _name(user: str) -> str:
    try:
        data = json.loads(user)
    except (ValueError, RecursionError):
        return ""
    parts = data.get("name") if isinstance(data, dict) else None
    if not isinstance(parts, dict):
        return ""
    first, last = (parts.get(key) or "" for key in ("firstName", "lastName"))
    if not isinstance(first, str) or not isinstance(last, str):
        return ""
    return f"{first} {last}".encode("utf-8", "replace")[:_MAX_NAME_BYTES].decode("utf-8", "ignore").strip()


def _create(tx: Transaction) -> None:
    tx.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (id TEXT PRIMARY KEY, name TEXT NOT NULL, ends REAL NOT NULL)")


def _drop(tx: Transaction) -> None:
    tx.execute(f"DROP TABLE IF EXISTS {_TABLE}")


MIGRATION = Migration("0003_apple_names", _create, _drop)
