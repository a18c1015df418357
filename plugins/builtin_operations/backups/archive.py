"""The zip file of a data directory: writing it, unpacking it. Plain synchronous code, run in threads."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import zipfile

#: Root entries that are never part of a backup: other backups, temporary and machine-bound things.
EXCLUDED = ("backups", ".pb_temp_to_delete", ".notify", ".autocert_cache", "lost+found")
#: Neither is anything with this prefix, wherever it lies: it only means something to running processes (locks, files
#: that are being written).
PROCESS_PREFIX = ".pbhost-"
_COPY_CHUNK = 1024 * 1024


class ArchiveError(ValueError):
    """The archive cannot be used; the text says why."""


def freeze(directory: Path, exclude: Collection[str], databases: Collection[str], target: Path) -> None:
    """Makes a second directory with the same files, in a moment: stored files never change, so links are enough.

    Args:
        exclude: names of root entries that are left out.
        databases: names of database files. They and their logs are never opened: closing them would drop the
            process's locks on them.
    """
    live = {f"{name}{suffix}" for name in databases for suffix in ("", "-wal", "-shm", "-journal")}
    target.mkdir()
    for path in _files(directory, {*exclude, *live}):
        frozen = target / path.relative_to(directory)
        frozen.parent.mkdir(parents=True, exist_ok=True)
        try:
            _link(path, frozen)
        except FileNotFoundError:
            # Deleted since it was listed, by a write that was committed before: nobody can miss it.
            continue


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise
    except OSError:
        # Not every file system has links.
        shutil.copy2(path, target)


def write_archive(directory: Path, databases: Mapping[str, Path], target: Path) -> None:
    """Packs a frozen directory.

    Args:
        databases: consistent copies, by the name that they get in the archive.
        target: where the archive is written.
    """
    import zipfile

    with zipfile.ZipFile(
        target, "x", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=1, strict_timestamps=False
    ) as archive:
        for name, path in databases.items():
            archive.write(path, name)
            # PocketBase's archives have these too; after a checkpoint they are empty.
            for suffix in ("-wal", "-shm"):
                archive.writestr(f"{name}{suffix}", b"")
        for path in _files(directory, ()):
            archive.write(path, path.relative_to(directory).as_posix())


def _files(directory: Path, skipped: Collection[str]) -> Iterator[Path]:
    for root, folders, names in os.walk(directory):
        top = Path(root)
        if top == directory:
            folders[:] = [name for name in folders if name not in skipped]
        folders[:] = sorted(name for name in folders if not name.startswith(PROCESS_PREFIX))
        for name in sorted(names):
            if name.startswith(PROCESS_PREFIX) or (top == directory and name in skipped):
                continue
            path = top / name
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            # No links: they could lead out of the directory. No sockets and the like.
            if stat.S_ISREG(mode):
                yield path


def extract_archive(source: Path, target: Path) -> None:
    """Unpacks an archive into a new directory.

    Raises:
        ArchiveError: it is no zip file, has entries that lead out of the directory, has no ``data.db``, or does not
            fit on the disk.
    """
    import zipfile

    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            _check_entries(entries, target)
            target.mkdir(parents=True)
            for entry in entries:
                if not entry.is_dir():
                    _extract(archive, entry, target)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise ArchiveError(f"the file is not a usable zip archive: {error}") from error


def _check_entries(entries: list[zipfile.ZipInfo], target: Path) -> None:
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        mode = entry.external_attr >> 16
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename or (mode and stat.S_ISLNK(mode)):
            raise ArchiveError(f"the archive has an entry that leads out of it: {entry.filename!r}")
    if not any(entry.filename == "data.db" for entry in entries):
        raise ArchiveError("data.db file is missing or invalid")
    needed = sum(entry.file_size for entry in entries)
    if needed > shutil.disk_usage(target.parent.parent).free:
        raise ArchiveError(f"the unpacked archive needs {needed} bytes, more than the disk has")


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    path = target.joinpath(*PurePosixPath(entry.filename.replace("\\", "/")).parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, path.open("xb") as file:
        while chunk := source.read(_COPY_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ArchiveError(f"the archive lies about the size of {entry.filename!r}")
            file.write(chunk)
