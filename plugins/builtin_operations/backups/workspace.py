"""The temporary directory of a backup that is being made, locked by its process: what nobody holds may go."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from builtin_operations.backups.pending import remove
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text

_PREFIX: Final = "backup_"


class Workspace:
    """One of them.

    Args:
        temp: the temporary directory that it is made in.

    Raises:
        OSError: the disk refuses.
    """

    def __init__(self, temp: Path) -> None:
        while True:
            self.path = temp / f"{_PREFIX}{random_text(8, LOWER_ALPHANUMERIC)}"
            self.path.mkdir(parents=True)
            try:
                self._file = os.open(self.path, os.O_RDONLY)
            except FileNotFoundError:  # swept away at once, for nobody held it yet
                continue
            with suppress(OSError):  # a file system without locks: there only a start tidies up
                fcntl.flock(self._file, fcntl.LOCK_EX)
            if self.path.is_dir():
                return
            os.close(self._file)  # swept away before the lock

    def close(self) -> None:
        """Deletes it with all that is in it."""
        remove(self.path)
        os.close(self._file)


def sweep(temp: Path) -> None:
    """Deletes those of killed processes; others may be making backups meanwhile."""
    with suppress(OSError):
        for path in list(temp.glob(f"{_PREFIX}*")):
            with suppress(OSError), _abandoned(path):
                remove(path)


@contextmanager
def _abandoned(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(file)
