"""The driver's errors as ours: what was violated, whether waiting helps, what to do about an unusable file."""

from __future__ import annotations

import sqlite3

from pbhost.errors import (
    ConstraintError,
    DatabaseBusyError,
    DatabaseDiskError,
    DatabaseError,
    DatabaseUnusableError,
    MalformedValueError,
    UniqueViolationError,
)

_UNIQUE = "UNIQUE constraint failed: "

#: Primary result code (https://www.sqlite.org/rescode.html) → what is wrong and what to do.
_UNUSABLE: dict[int, str] = {
    sqlite3.SQLITE_READONLY: "the database is read-only; make the data directory and its files writable for this user",
    sqlite3.SQLITE_IOERR: "reading or writing the database failed; check the disk and its free space",
    sqlite3.SQLITE_CORRUPT: "the database is corrupt; restore a backup, or rescue what can be read with "
    "`sqlite3 FILE .recover`",
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened; check that the data directory exists and is writable "
    "for this user",
    sqlite3.SQLITE_PERM: "access to the database was denied; check the owner and the mode of its files",
    sqlite3.SQLITE_AUTH: "access to the database was denied",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database; choose another data directory, or move the file away",
    sqlite3.SQLITE_NOLFS: "the file system cannot hold files this large; move the data directory",
}


def primary_code(error: BaseException) -> int:
    """SQLite's primary result code of a driver error; 0 for the driver's own errors."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else 0


def translate(error: Exception) -> DatabaseError:
    """The error as one of pbhost's tree. One that is already of the tree comes back unchanged."""
    if isinstance(error, DatabaseError):
        return error
    text = str(error)
    code = primary_code(error)
    if code == sqlite3.SQLITE_CONSTRAINT or isinstance(error, sqlite3.IntegrityError):
        if text.startswith(_UNIQUE):
            return UniqueViolationError(_unique_columns(text), text)
        return ConstraintError(text)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseBusyError(text)
    if text == "malformed JSON":
        return MalformedValueError(text)
    if code == sqlite3.SQLITE_INTERRUPT:
        return DatabaseError("the query was stopped: it took longer than allowed or nobody waits for it any more")
    if code in _UNUSABLE:
        kind = DatabaseDiskError if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) else DatabaseUnusableError
        return kind(f"{_UNUSABLE[code]} ({text})")
    return DatabaseError(text)


def _unique_columns(text: str) -> tuple[str, ...]:
    """``UNIQUE constraint failed: c.a, c.b`` names columns; of an index over an expression only its own name."""
    named = text.removeprefix(_UNIQUE)
    if named.startswith("index '"):
        return ()
    return tuple(column.strip() for column in named.split(", "))
