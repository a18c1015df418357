"""What ``pbhost doctor`` looks at in the database files."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from builtin_sqlite import feed
from builtin_sqlite.config import SqliteOptions
from builtin_sqlite.inspection import Inspection
from pbhost.errors import DatabaseUnusableError
from pbhost.services import Budget, Check, Finding, Severity

if TYPE_CHECKING:
    from pbhost.app import App

_MIB = 1024 * 1024
#: SQLite with its JSON functions always built in, and ``RETURNING``.
OLDEST_SQLITE = (3, 38, 0)
#: More than ``journal_size_limit`` leaves of a log that was copied back.
_LARGE_LOG = 256 * _MIB
_LARGE_WASTE = 256 * _MIB
_WASTE_SHARE = 0.4
#: A client that comes back later than this has to load everything again.
_SHORT_FEED_SECONDS = 300
_MANY_FAULTS = 20
_STEPS_PER_LOOK = 50_000


def database_checks(app: App) -> list[Check]:
    """The checks of this plugin."""
    options = SqliteOptions.from_config(app.config, app.options("sqlite"))
    data, logs = app.config.dir / "data.db", app.config.dir / "auxiliary.db"
    needs = ("database",)

    async def whole(budget: Budget) -> list[Finding]:
        return [*await _read(data, _integrity, budget), *await _read(logs, _integrity, budget)]

    async def keys(budget: Budget) -> list[Finding]:
        return await _read(data, _foreign_keys, budget)

    async def size(budget: Budget) -> list[Finding]:
        return [*_log_size(data), *_log_size(logs), *await _read(data, _waste, budget)]

    async def kept(budget: Budget) -> list[Finding]:
        return await _read(data, lambda raw, _path, _budget: feed_findings(raw, options), budget)

    async def settings(_budget: Budget) -> list[Finding]:
        return [*version_findings(sqlite3.sqlite_version_info), *_durability(options)]

    return [
        # Not bound to the engine: a damaged database is what it is there for.
        Check("sqlite.integrity", "the database files are whole", whole),
        Check("sqlite.foreign-keys", "foreign keys of plugins' tables hold", keys, needs),
        Check("sqlite.size", "the write-ahead log and unused pages are in bounds", size, needs),
        Check("sqlite.feed", "the change feed is pruned and long enough", kept, needs),
        Check("sqlite.engine", "SQLite's version and durability", settings),
    ]


_Look = Callable[[sqlite3.Connection, Path, Budget], "list[Finding]"]


async def _read(path: Path, look: _Look, budget: Budget) -> list[Finding]:
    """Looks at a file over a connection of its own, which ends its statement when the time is up."""

    def work() -> list[Finding]:
        if not path.exists():
            return []
        with Inspection(str(path)) as inspection:
            try:
                uri = inspection.uri()
            except DatabaseUnusableError as error:
                return [_unreadable(path, str(error))]
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as raw:
                raw.set_progress_handler(lambda: int(budget.is_spent), _STEPS_PER_LOOK)
                try:
                    return look(raw, path, budget)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                        return [_not_finished(path)]
                    return [_unreadable(path, str(error))]
                except sqlite3.DatabaseError as error:
                    return [_damaged(path, [str(error)])]

    return await asyncio.to_thread(work)


def _integrity(raw: sqlite3.Connection, path: Path, budget: Budget) -> list[Finding]:
    pragma = "integrity_check" if budget.is_full else "quick_check"
    faults = [str(row[0]) for row in raw.execute(f"PRAGMA {pragma}({_MANY_FAULTS})")]
    return [] if faults == ["ok"] else [_damaged(path, faults)]


def _foreign_keys(raw: sqlite3.Connection, path: Path, _budget: Budget) -> list[Finding]:
    found = raw.execute("PRAGMA foreign_key_check").fetchmany(_MANY_FAULTS)
    if not found:
        return []
    return [
        Finding(
            severity=Severity.ERROR,
            what=f"{path.name}: rows refer to rows that do not exist",
            why="the plugin that owns the table reads data that contradicts itself",
            remedy="delete or mend those rows, or restore a backup",
            details=tuple(f"{table}, row {row}: nothing in {parent}" for table, row, parent, _ in found),
        )
    ]


def _log_size(path: Path) -> list[Finding]:
    log = Path(f"{path}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size <= _LARGE_LOG:
        return []
    return [
        Finding(
            severity=Severity.WARNING,
            what=f"{log.name} has {size // _MIB:,} MiB",
            why="it is copied back into the database all the time; that it grows means something reads the database "
            "without an end, and each read gets slower",
            remedy="close other programs that have the database open, then restart the server",
        )
    ]


def _waste(raw: sqlite3.Connection, path: Path, _budget: Budget) -> list[Finding]:
    pages, free, page_size = (
        int(raw.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    if free * page_size < _LARGE_WASTE or free < pages * _WASTE_SHARE:
        return []
    return [
        Finding(
            severity=Severity.ADVICE,
            what=f"{path.name}: {free * page_size // _MIB:,} of {pages * page_size // _MIB:,} MiB are unused",
            why="deleted rows leave room that only new rows fill; backups and disk carry it along",
            remedy="run VACUUM in the SQL console while there is little load; it needs as much free disk once more",
        )
    ]


def feed_findings(raw: sqlite3.Connection, options: SqliteOptions) -> list[Finding]:
    """What is wrong with the change feed and its bounds."""
    findings: list[Finding] = []
    tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if feed.TABLE in tables:
        first, last = raw.execute(f"SELECT min(seq), max(seq) FROM {feed.TABLE}").fetchone()
        kept = 0 if first is None else last - first + 1
        # It is pruned each minute; what a busy minute adds is not late.
        if kept > 2 * options.feed_max_rows + 100_000:
            findings.append(
                Finding(
                    severity=Severity.WARNING,
                    what=f"the change feed has {kept:,} rows, more than its bound of {options.feed_max_rows:,}",
                    why="it is pruned each minute while a server runs; that fails, and the database grows",
                    remedy="look for 'cannot prune the change feed' in the server's log",
                )
            )
    if options.feed_max_age < _SHORT_FEED_SECONDS:
        findings.append(
            Finding(
                severity=Severity.ADVICE,
                what=f"the change feed keeps only {options.feed_max_age:g} seconds",
                why="a client that was away for longer cannot resume its live updates and loads everything again",
                remedy="raise feed_max_age in [plugins.sqlite]",
            )
        )
    return findings


def version_findings(version: Sequence[int]) -> list[Finding]:
    """Whether the SQLite that Python brings is recent enough."""
    if tuple(version) >= OLDEST_SQLITE:
        return []
    has, needs = (".".join(map(str, numbers)) for numbers in (version, OLDEST_SQLITE))
    return [
        Finding(
            severity=Severity.ERROR,
            what=f"Python's SQLite is version {has}, older than {needs}",
            why="filters on JSON fields, multiple relations and files fail without its JSON functions",
            remedy="use a Python with a newer SQLite",
        )
    ]


def _durability(options: SqliteOptions) -> list[Finding]:
    if options.synchronous == "OFF":
        return [
            Finding(
                severity=Severity.WARNING,
                what="commits do not wait for the disk (synchronous = OFF)",
                why="a power cut may not only lose writes, but damage the database",
                remedy='set synchronous = "FULL" in [plugins.sqlite]',
            )
        ]
    if options.synchronous == "NORMAL":
        return [
            Finding(
                severity=Severity.ADVICE,
                what="commits do not wait for the disk (synchronous = NORMAL)",
                why="a power cut may lose the last writes that were acknowledged",
                remedy='set synchronous = "FULL" in [plugins.sqlite]; writes in groups cost little more then',
            )
        ]
    return []


def _damaged(path: Path, faults: Sequence[str]) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        what=f"{path.name} is damaged",
        why="reads give wrong answers or fail, and what is written may get lost",
        remedy="stop the server, keep a copy of the directory, and restore the last backup that passes this check; "
        f"`sqlite3 {os.fspath(path)} .recover` saves what can be read",
        details=tuple(line for fault in faults for line in fault.splitlines()),
    )


def _unreadable(path: Path, reason: str) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        what=f"{path.name} cannot be read: {reason}",
        why="nobody knows whether it is whole",
        remedy="run this as the user of the server, on the server's machine",
    )


def _not_finished(path: Path) -> Finding:
    return Finding(
        severity=Severity.ADVICE,
        what=f"{path.name} is too large to look at in that time",
        why="damage in the rest would not be seen",
        remedy="run `pbhost doctor --full` now and then, or give it more --seconds",
    )
