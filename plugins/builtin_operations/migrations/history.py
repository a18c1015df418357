"""``_migrations``: which files were applied, and when. Source: operations contract, section 22."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from pbhost.database import Connection, Transaction

TABLE: Final = "_migrations"
#: Those of PocketBase itself; either server may open the directory.
_FOREIGN: Final = (".go",)
_MICROSECOND_DIGITS: Final = 16


def applied_files(connection: Connection) -> list[str]:
    """The recorded files, the latest first."""
    rows = connection.fetch_all(f"SELECT file, applied FROM {connection.dialect.quote(TABLE)}")
    return [
        name for name, _ in sorted(((str(row[0]), _microseconds(row[1])) for row in rows), key=_latest, reverse=True)
    ]


def record(transaction: Transaction, file: str) -> None:
    """Notes a file as applied, after all others."""
    table = transaction.dialect.quote(TABLE)
    newest = max((_microseconds(row[0]) for row in transaction.fetch_all(f"SELECT applied FROM {table}")), default=0)
    applied = max(time.time_ns() // 1000, newest + 1)
    transaction.execute(f"INSERT INTO {table} (file, applied) VALUES (?, ?)", (file, applied))


def forget(transaction: Transaction, file: str) -> None:
    """Removes the note of a file."""
    transaction.execute(f"DELETE FROM {transaction.dialect.quote(TABLE)} WHERE file = ?", (file,))


def forget_unknown(transaction: Transaction, known: Collection[str]) -> list[str]:
    """Removes the notes of files that do not exist; returns their names. PocketBase's own stay."""
    unknown = [file for file in applied_files(transaction) if file not in known and not file.endswith(_FOREIGN)]
    for file in unknown:
        forget(transaction, file)
    return unknown


def is_foreign(file: str) -> bool:
    """Whether a recorded migration is not ours to revert."""
    return not file.endswith(".py")


def _microseconds(value: object) -> int:
    """Very old rows hold seconds: padded to the same number of digits."""
    number = int(value) if isinstance(value, int | float) else 0
    digits = len(str(number))
    return number * 10 ** (_MICROSECOND_DIGITS - digits) if number > 0 and digits < _MICROSECOND_DIGITS else number


def _latest(item: tuple[str, int]) -> tuple[int, str]:
    return item[1], item[0]
