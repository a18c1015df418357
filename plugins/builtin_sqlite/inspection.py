"""Opening a database that nobody may notice being read: not the server that uses it, not the directory it lies in."""

from __future__ import annotations

import os
import shutil
import tempfile
from types import TracebackType
from urllib.parse import quote

from pbhost.errors import DatabaseUnusableError


class Inspection:
    """Finds the way to read a database file without writing anything beside it.

    An ordinary read-only connection makes the files ``-wal`` and ``-shm`` where they are missing and leaves them there,
    owned by whoever looked: the server of another user could then not open its own database.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._copy: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Inspection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def uri(self) -> str:
        """What ``sqlite3.connect(…, uri=True)`` takes.

        Raises:
            DatabaseUnusableError: there is no such file, it cannot be read, or not be copied where it has to be.
        """
        path = self._path
        if not os.path.isfile(path):
            raise DatabaseUnusableError(
                f"there is no database {path}; name the data directory with --dir, or start the server once, which "
                "creates it"
            )
        if not os.access(path, os.R_OK):
            raise DatabaseUnusableError(f"{path} cannot be read by this user; run it as the user of the server")
        if os.path.exists(f"{path}-shm"):
            return _uri(path, "readonly_shm=1")
        if _size(f"{path}-wal"):
            # Left by a crash, and without its index: SQLite would write one. Nobody has it open, so a copy is whole.
            path = self._copied()
        # Nobody has it open and everything is in the file itself.
        return _uri(path, "immutable=1" if path == self._path else "readonly_shm=0")

    def _copied(self) -> str:
        self.close()
        directory = tempfile.TemporaryDirectory(prefix="pbhost-doctor-")
        self._copy = directory
        target = os.path.join(directory.name, os.path.basename(self._path))
        try:
            for suffix in ("", "-wal"):
                shutil.copyfile(self._path + suffix, target + suffix)
        except OSError as error:
            self.close()
            raise DatabaseUnusableError(
                f"{self._path} has a write-ahead log of a crash, so it is read in a copy, but that failed: "
                f"{error.strerror}; set TMPDIR to a place with more room, or start and stop the server once"
            ) from error
        return target

    def close(self) -> None:
        """Removes the copy, if one was made."""
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None


def _uri(path: str, options: str) -> str:
    return f"file:{quote(path)}?mode=ro&{options}"


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
