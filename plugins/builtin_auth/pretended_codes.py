"""Ids of one-time codes that were never made: they behave like those of real ones.

Who asks for a code for an address that nobody has is given an id too. Were it not remembered, three things would tell
it from a real one: real guesses are counted for all codes of a record together, too many of them are answered 429, and
who has enough codes is given the newest id again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builtin_auth.unique_index import single_column
from pbhost.database import Migration, Transaction
from pbhost.model import Collection, clock
from pbhost.model.ids import record_id

if TYPE_CHECKING:
    from pbhost.app import App

_TABLE = "_pbhost_pretended_codes"
#: The most that a collection may have its codes live, in seconds.
_LONGEST = 86_400


class PretendedCodes:
    """The ids by address, for as long as a code would be good."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def issue(self, collection: Collection, email: str, *, seconds: int, most: int) -> str:
        """An id for that address: a new one, or the newest where ``most`` are out already."""
        whose, now = _whose(collection, email), clock.timestamp()

        def write(tx: Transaction) -> str:
            tx.execute(f"DELETE FROM {_TABLE} WHERE ends <= ? OR ends > ?", (now, now + _LONGEST))
            query = f"SELECT id, ends FROM {_TABLE} WHERE whose = ? ORDER BY ends DESC LIMIT ?"
            known = tx.fetch_all(query, (whose, most))
            otp_id, ends = known[0] if len(known) >= most else (record_id(), now + seconds)
            # A row is written in any case: time must not tell either.
            tx.execute(f"DELETE FROM {_TABLE} WHERE id = ?", (otp_id,))
            tx.execute(f"INSERT INTO {_TABLE} (id, whose, ends) VALUES (?, ?, ?)", (otp_id, whose, ends))
            return str(otp_id)

        return await self._app.db.write(write)

    async def whose(self, collection: Collection, otp_id: str) -> str:
        """What stands for the address in counting guesses; "" for an id that was not given out, or not lately."""
        now = clock.timestamp()
        query = f"SELECT whose FROM {_TABLE} WHERE id = ? AND ends > ? AND ends <= ?"
        row = await self._app.db.read(lambda connection: connection.fetch_one(query, (otp_id, now, now + _LONGEST)))
        known = str(row[0]) if row is not None else ""
        return known if known.startswith(f"{collection.id} ") else ""


def _whose(collection: Collection, email: str) -> str:
    index = single_column(collection, "email")
    same = email.lower() if index is not None and index.ignores_case else email
    return f"{collection.id} {hashlib.sha256(same.encode('utf-8', 'replace')).hexdigest()}"


def _create(tx: Transaction) -> None:
    tx.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (id TEXT PRIMARY KEY, whose TEXT NOT NULL, ends REAL NOT NULL)")
    tx.execute(f"CREATE INDEX IF NOT EXISTS {_TABLE}_whose ON {_TABLE} (whose, ends)")
    tx.execute(f"CREATE INDEX IF NOT EXISTS {_TABLE}_ends ON {_TABLE} (ends)")


def _drop(tx: Transaction) -> None:
    tx.execute(f"DROP TABLE IF EXISTS {_TABLE}")


MIGRATION = Migration("0004_pretended_codes", _create, _drop)
