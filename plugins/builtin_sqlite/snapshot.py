"""A consistent copy of the database in a new file."""

from __future__ import annotations

import os
import sqlite3

from builtin_sqlite.driver_errors import translate
from pbhost.errors import DatabaseError

#: Pages copied between two chances for others to run.
_PAGES = 2000


def copy(source: sqlite3.Connection, path: str) -> None:
    """Copies the state of one moment; writers go on meanwhile, for the copy reads from one snapshot.

    Raises:
        DatabaseError: the file exists already, or cannot be written; a half-written file is removed.
    """
    try:
        # Made first, with a mode of its own: it holds the same secrets as the original, and must not replace anything.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise DatabaseError(f"cannot write the copy to {path}: {error.strerror}") from error
    target = sqlite3.connect(path)
    try:
        source.execute("BEGIN")
        # A read pins the snapshot; without one each step would start over when somebody has written.
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        try:
            source.backup(target, pages=_PAGES, sleep=0)
        finally:
            source.execute("COMMIT")
        # The copy carries no log files of its own; the mode in its header still says WAL.
        target.close()
    except (sqlite3.Error, OSError) as error:
        target.close()
        os.unlink(path)
        raise translate(error) from error
