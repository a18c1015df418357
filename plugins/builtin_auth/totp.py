"""Authenticator apps (TOTP, RFC 6238): secrets, codes that are good once, and recovery codes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builtin_auth.attempts import SharedAttempts
from pbhost.database import Migration, Transaction
from pbhost.errors import BadRequestError, TooManyRequestsError
from pbhost.model import Record, clock
from pbhost.model.ids import random_text

if TYPE_CHECKING:
    from pbhost.app import App

_TABLE = "_pbhost_totp"
_CODES = "_pbhost_totp_codes"
_OF = "collection = ? AND record = ?"
_SECONDS = 30
_DRIFT = 1
_ATTEMPTS = 5
_WINDOW = 180.0
_RECOVERY_CODES = 10
# 16 letters of 32 are 80 bits: too many to guess even from a stolen hash, so a quick hash will do.
_RECOVERY_LENGTH = 16
_RECOVERY_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"

INVALID_CODE = "Invalid or used code."


class Totp:
    """The authenticator app of each record; the secret leaves the server once, when it is made."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._guesses = SharedAttempts(app, "totp", _ATTEMPTS, _WINDOW)

    async def state(self, record: Record) -> tuple[bool, int]:
        """Whether the record has a confirmed app, and how many recovery codes are left."""
        key = _key(record)
        row = await self._app.db.read(lambda c: c.fetch_one(f"SELECT confirmed FROM {_TABLE} WHERE {_OF}", key))
        left = await self._app.db.read(lambda c: c.fetch_one(f"SELECT count(*) FROM {_CODES} WHERE {_OF}", key))
        return row is not None and row[0] == 1, int(str(left[0])) if left is not None else 0

    async def enrol(self, record: Record) -> tuple[str, str]:
        """A new secret and its ``otpauth:`` address; it counts once a code of it was confirmed.

        Raises:
            BadRequestError: a confirmed app stands already; it is to be disabled first.
        """
        import pyotp

        secret = pyotp.random_base32()

        def write(tx: Transaction) -> bool:
            row = tx.fetch_one(f"SELECT confirmed FROM {_TABLE} WHERE {_OF}", _key(record))
            if row is not None and row[0] == 1:
                return False
            tx.execute(f"DELETE FROM {_TABLE} WHERE {_OF}", _key(record))
            insert = f"INSERT INTO {_TABLE} (collection, record, secret, confirmed, step) VALUES (?, ?, ?, 0, 0)"
            tx.execute(insert, (*_key(record), secret))
            return True

        if not await self._app.db.write(write):
            raise BadRequestError("An authenticator app is registered already.")
        issuer = str(self._app.settings.section("meta").get("appName") or "")
        name = record.text("email") or record.id
        return secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer or None)

    async def confirm(self, record: Record, code: str) -> list[str]:
        """Make the enrolled app count; returns the recovery codes, which are never shown again.

        Raises:
            BadRequestError: the code is wrong, or there is nothing to confirm.
            TooManyRequestsError: too many guesses.
        """
        await self._count(record)
        codes = [random_text(_RECOVERY_LENGTH, _RECOVERY_ALPHABET) for _ in range(_RECOVERY_CODES)]

        def write(tx: Transaction) -> bool:
            if not _use_code(tx, record, code, confirmed=False):
                return False
            tx.execute(f"UPDATE {_TABLE} SET confirmed = 1 WHERE {_OF}", _key(record))
            tx.execute(f"DELETE FROM {_CODES} WHERE {_OF}", _key(record))
            rows = [(*_key(record), _hashed(record, item)) for item in codes]
            tx.execute_many(f"INSERT INTO {_CODES} (collection, record, hash) VALUES (?, ?, ?)", rows)
            return True

        if not await self._app.db.write(write):
            raise BadRequestError(INVALID_CODE)
        return codes

    async def use(self, record: Record, code: str) -> None:
        """Spend a code of the app or a recovery code. Looked at and spent in one write, so each is good once.

        Raises:
            BadRequestError: it is wrong, was used before, or there is no app.
            TooManyRequestsError: too many guesses for this record, from wherever.
        """
        await self._count(record)

        def write(tx: Transaction) -> bool:
            return _use_code(tx, record, code, confirmed=True) or _use_recovery_code(tx, record, code)

        if not await self._app.db.write(write):
            raise BadRequestError(INVALID_CODE)

    async def disable(self, record: Record, code: str) -> None:
        """Forget the app for a last code of it; raises as :meth:`use`."""
        await self.use(record, code)
        await self._app.db.write(lambda tx: forget(tx, *_key(record)))

    async def _count(self, record: Record) -> None:
        if not await self._guesses.allow(*_key(record)):
            raise TooManyRequestsError("Too many attempts, please try again later.")


def forget(tx: Transaction, collection_id: str, record_id: str = "") -> None:
    """Forget the app of a deleted record, or those of a whole collection."""
    where, params = ("collection = ?", (collection_id,)) if not record_id else (_OF, (collection_id, record_id))
    tx.execute(f"DELETE FROM {_TABLE} WHERE {where}", params)
    tx.execute(f"DELETE FROM {_CODES} WHERE {where}", params)


def _use_code(tx: Transaction, record: Record, code: str, *, confirmed: bool) -> bool:
    import pyotp

    row = tx.fetch_one(f"SELECT secret FROM {_TABLE} WHERE {_OF} AND confirmed = ?", (*_key(record), int(confirmed)))
    if row is None:
        return False
    app, now = pyotp.TOTP(str(row[0])), int(clock.timestamp()) // _SECONDS
    for step in range(now - _DRIFT, now + _DRIFT + 1):
        if pyotp.utils.strings_equal(app.generate_otp(step), code):
            # Only ever forwards: a code that somebody has looked over the shoulder is spent.
            return bool(
                tx.execute(f"UPDATE {_TABLE} SET step = ? WHERE {_OF} AND step < ?", (step, *_key(record), step))
            )
    return False


def _use_recovery_code(tx: Transaction, record: Record, code: str) -> bool:
    return bool(tx.execute(f"DELETE FROM {_CODES} WHERE {_OF} AND hash = ?", (*_key(record), _hashed(record, code))))


def _hashed(record: Record, code: str) -> str:
    return hashlib.sha256(f"{record.collection.id}\n{record.id}\n{code.strip().lower()}".encode()).hexdigest()


def _key(record: Record) -> tuple[str, str]:
    return record.collection.id, record.id


def _create(tx: Transaction) -> None:
    tx.execute(
        f"CREATE TABLE IF NOT EXISTS {_TABLE} (collection TEXT NOT NULL, record TEXT NOT NULL, secret TEXT NOT NULL, "
        "confirmed INTEGER NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (collection, record))"
    )
    tx.execute(
        f"CREATE TABLE IF NOT EXISTS {_CODES} (collection TEXT NOT NULL, record TEXT NOT NULL, hash TEXT NOT NULL, "
        "PRIMARY KEY (collection, record, hash))"
    )


def _drop(tx: Transaction) -> None:
    tx.execute(f"DROP TABLE IF EXISTS {_TABLE}")
    tx.execute(f"DROP TABLE IF EXISTS {_CODES}")


MIGRATION = Migration("0002_totp", _create, _drop)
