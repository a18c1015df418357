"""Opening the files: permissions, pragmas, the tables of a fresh database, and what to say when it cannot be used."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Callable
from typing import Literal, TypeAlias

from builtin_sqlite import feed
from builtin_sqlite.config import SqliteOptions, Synchronous
from builtin_sqlite.driver_errors import translate
from pbhost.errors import DatabaseBusyError, DatabaseError, DatabaseUnusableError

#: What a connection is for: single rows, longer queries, or anything that writes.
Purpose: TypeAlias = Literal["read", "scan", "write"]
#: The application's database, or the one for logs.
Role: TypeAlias = Literal["data", "auxiliary"]

_ROW_ID = "`id` TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL"
_DATES = (
    "`created` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL, "
    "`updated` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL"
)
#: The tables that a fresh database starts with (operations §11.3).
_FRESH: dict[Role, tuple[str, ...]] = {
    "data": (
        "CREATE TABLE `_migrations` (file VARCHAR(255) PRIMARY KEY NOT NULL, applied INTEGER NOT NULL)",
        f"CREATE TABLE `_params` ({_ROW_ID}, `value` JSON DEFAULT NULL, {_DATES})",
        f"CREATE TABLE `_collections` ({_ROW_ID}, `system` BOOLEAN DEFAULT FALSE NOT NULL, "
        '`type` TEXT DEFAULT "base" NOT NULL, `name` TEXT UNIQUE NOT NULL, `fields` JSON DEFAULT "[]" NOT NULL, '
        '`indexes` JSON DEFAULT "[]" NOT NULL, `listRule` TEXT DEFAULT NULL, `viewRule` TEXT DEFAULT NULL, '
        "`createRule` TEXT DEFAULT NULL, `updateRule` TEXT DEFAULT NULL, `deleteRule` TEXT DEFAULT NULL, "
        f'`options` JSON DEFAULT "{{}}" NOT NULL, {_DATES})',
        "CREATE INDEX idx__collections_type on `_collections` (`type`)",
    ),
    "auxiliary": (
        f"CREATE TABLE `_logs` ({_ROW_ID}, `level` INTEGER DEFAULT 0 NOT NULL, "
        '`message` TEXT DEFAULT "" NOT NULL, `data` JSON DEFAULT "{}" NOT NULL, '
        "`created` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL)",
        "CREATE INDEX idx_logs_level on `_logs` (`level`)",
        "CREATE INDEX idx_logs_message on `_logs` (`message`)",
        "CREATE INDEX idx_logs_created_hour on `_logs` (strftime('%Y-%m-%d %H:00:00', `created`))",
    ),
}
#: By which a database of PocketBase's is known.
_MARK: dict[Role, str] = {"data": "_collections", "auxiliary": "_logs"}


def prepare_file(path: str) -> None:
    """Makes the directory and the file if they do not exist; the file holds secrets, so only its owner may read it.

    Raises:
        DatabaseUnusableError: the place is not writable, or not what it should be.
    """
    directory = os.path.dirname(path) or "."
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise DatabaseUnusableError(
            f"cannot create the data directory {directory}: {error.strerror}; choose another with --dir, "
            "or make its parent writable"
        ) from error
    if os.path.isdir(path):
        raise DatabaseUnusableError(f"{path} is a directory, but should be a database file; move it away")
    if not os.path.exists(path):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise DatabaseUnusableError(
                f"cannot create {path}: {error.strerror}; make the data directory writable for this user, "
                "or choose another with --dir"
            ) from error


def connector(
    path: str, options: SqliteOptions, synchronous: Synchronous, purpose: Purpose
) -> Callable[[], sqlite3.Connection]:
    """What opens a connection, in the thread that is to use it; ``path`` may be a ``file:`` URI."""

    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(
            path,
            timeout=options.busy_timeout,
            isolation_level=None,
            cached_statements=1024,
            uri=path.startswith("file:"),
        )
        try:
            _configure(raw, options, synchronous, purpose)
        except BaseException:
            raw.close()
            raise
        return raw

    return connect


def _configure(raw: sqlite3.Connection, options: SqliteOptions, synchronous: Synchronous, purpose: Purpose) -> None:
    raw.execute(f"PRAGMA synchronous = {synchronous}")
    raw.execute("PRAGMA foreign_keys = ON")
    raw.execute("PRAGMA temp_store = MEMORY")
    raw.execute("PRAGMA journal_size_limit = 200000000")
    # Checkpoints run in a thread of their own, not in the COMMIT of whoever happens to fill the log.
    raw.execute("PRAGMA wal_autocheckpoint = 0")
    cache = options.cache_kib
    if purpose == "scan":
        # A query that reads more than the cache holds finds nothing of it there the next time; mapped pages need no
        # copy at all, which halves what a scan costs.
        cache //= 4
        raw.execute(f"PRAGMA mmap_size = {options.map_kib * 1024}")
    elif purpose == "read":
        # Single rows are asked for again and again, each in a page of its own: a miss is a third of what a read costs.
        cache = cache * 3 // 2
    raw.execute(f"PRAGMA cache_size = -{cache}")
    if purpose in ("read", "scan"):
        raw.execute("PRAGMA query_only = ON")
    _register_functions(raw)


def set_up(raw: sqlite3.Connection, path: str, role: Role) -> None:
    """Makes the write-ahead log the journal, and the tables of a fresh database; adds ours to an existing one.

    Raises:
        DatabaseUnusableError: corrupt, foreign, read-only, no space left.
    """
    try:
        mode = raw.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise DatabaseUnusableError(
                f"{path} cannot use a write-ahead log (journal mode {mode}); "
                "data directories on network file systems are not supported, move it to a local disk"
            )
        raw.execute("BEGIN IMMEDIATE")
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        own = {name for name in tables if name.startswith(("sqlite_", "_pbhost_"))}
        if tables == own:
            for statement in _FRESH[role]:
                raw.execute(statement)
        elif _MARK[role] not in tables:
            raise DatabaseUnusableError(
                f"{path} is an SQLite database of another program (it has no table {_MARK[role]}); "
                "choose another data directory with --dir"
            )
        if role == "data" and feed.TABLE not in tables:
            feed.create(raw)
        raw.execute("COMMIT")
    except (sqlite3.Error, DatabaseError) as error:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise unusable(path, error) from error


def unusable(path: str, error: Exception) -> DatabaseError:
    """The error of opening a database, with its path and what to do."""
    translated = translate(error)
    if isinstance(translated, DatabaseBusyError):
        return DatabaseBusyError(
            f"{path} is locked by another program; close it (a database browser, a running backup) and try again"
        )
    text = str(translated)
    return DatabaseUnusableError(text if path in text else f"{path}: {text}")


def _register_functions(raw: sqlite3.Connection) -> None:
    """The functions of geoDistance() (records §8.10) for SQLite builds that lack them."""
    try:
        raw.execute("SELECT acos(1), cos(1), sin(1), radians(1)")
    except sqlite3.OperationalError:
        for function in (math.acos, math.cos, math.sin, math.radians):
            raw.create_function(function.__name__, 1, _null_if_impossible(function), deterministic=True)


def _null_if_impossible(function: Callable[[float], float]) -> Callable[[object], float | None]:
    def call(value: object) -> float | None:
        if not isinstance(value, int | float):
            return None
        try:
            return function(value)
        except (ValueError, OverflowError):
            return None

    return call
