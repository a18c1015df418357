"""Files that are being written: they lie in one directory of the storage until they are whole, then take their place.

The writer holds a lock on its draft, which the system gives free when the process ends, however that happens. So a
draft that nobody holds was left by a dead process, and anybody may delete it at any time, whoever else is writing: a
start needs one look into one directory, however large the storage is.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import quote, unquote

from builtin_files import attrs
from builtin_files.keys import PROCESS_PREFIX

DIRECTORY = f"{PROCESS_PREFIX}drafts"
#: Others may remove what is empty between two steps, but not for ever.
_ATTEMPTS = 100
#: Of a file name, by nearly every file system.
_MAX_NAME = 255

log = logging.getLogger("pbhost.files")


class Draft:
    """A file that is being written and is in nobody's way.

    Attributes:
        file: what to write to.
    """

    def __init__(self, path: Path, file: BinaryIO, target: Path) -> None:
        self.file = file
        self._path = path
        self._target = target

    def publish(self) -> None:
        """Puts the file in its place, whole and durable but for the entry in its directory; replaces what is there.

        Raises:
            OSError: the disk refuses.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        for _ in range(_ATTEMPTS):
            # A clean-up may remove the empty directory at the same moment.
            with suppress(FileNotFoundError):
                make_directories(self._target.parent)
                return self._move()
        raise OSError("the storage directory keeps disappearing")

    def _move(self) -> None:
        try:
            os.replace(self._path, self._target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # A directory below the root may be on another disk.
            beside = self._target.with_name(f"{PROCESS_PREFIX}{secrets.token_hex(8)}")
            try:
                with self._path.open("rb") as source, beside.open("xb") as copy:
                    shutil.copyfileobj(source, copy)
                    copy.flush()
                    os.fsync(copy.fileno())
                os.replace(beside, self._target)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        # Nobody who looks into the storage finds anything but files of records there.
        _remove_if_empty(self._path.parent)
        # Closing gives the lock free, and writes what is buffered, which fails once more on a full disk.
        with suppress(OSError):
            self.file.close()


class Drafts:
    """The drafts of one storage directory.

    Args:
        root: of the storage; it is created with the first draft.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._directory = root / DIRECTORY

    def open(self, target: Path) -> Draft:
        """A draft of a file; use it in a ``with`` block, which deletes what was not published.

        Raises:
            OSError: the disk refuses.
        """
        # The name tells where the file was to go, as far as names may be that long.
        place = quote(target.relative_to(self._root).as_posix(), safe="")
        for _ in range(_ATTEMPTS):
            name = secrets.token_hex(8)
            path = self._directory / (f"{name}-{place}" if len(name) + 1 + len(place) <= _MAX_NAME else name)
            try:
                file = path.open("xb")
            except FileNotFoundError:
                make_directories(self._root)
                self._directory.mkdir(exist_ok=True)
                continue
            with suppress(OSError):  # a file system without locks: there a start tidies nothing up
                fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:
                return Draft(path, file, target)
            file.close()  # swept away between its creation and the lock
        raise OSError("the directory of unfinished files keeps disappearing")

    def sweep(self) -> int:
        """Deletes what dead processes left; returns how many drafts that were."""
        try:
            left = list(self._directory.iterdir())
        except OSError:
            return 0
        swept = 0
        for path in left:
            with suppress(OSError), _abandoned(path):
                path.unlink()
                swept += 1
                self._undo_side_file(path.name)
        if swept:
            log.warning("deleted %d unfinished file(s) of writes that were cut short", swept)
        _remove_if_empty(self._directory)
        return swept

    def _undo_side_file(self, name: str) -> None:
        """The side file comes first; without the file it and its directories are for nothing."""
        _, _, place = name.partition("-")
        target = self._root / unquote(place)
        if not place or target.exists():
            return
        target.with_name(target.name + attrs.SUFFIX).unlink(missing_ok=True)
        for folder in target.parents:
            if folder == self._root:
                return
            folder.rmdir()


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def _abandoned(path: Path) -> Iterator[None]:
    """Holds a draft whose writer is gone.

    Raises:
        OSError: its writer lives, or has just published it.
    """
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def make_directories(folder: Path) -> None:
    """Creates missing directories, each durably entered in its parent."""
    missing: list[Path] = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for item in reversed(missing):
        item.mkdir(exist_ok=True)
        sync_directory(item.parent)


def sync_directory(folder: Path) -> None:
    """Makes renames in a directory durable, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
