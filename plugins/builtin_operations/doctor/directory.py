"""The data directory as files: room, permissions, what was left behind."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from builtin_operations.backups.pending import TEMP
from pbhost.services import Budget, Check, Finding, Severity

_MIB = 1024 * 1024
#: With less than this left the next burst of writes may fail.
LOW_BYTES = 512 * _MIB
CRITICAL_BYTES = 64 * _MIB
_LOW_SHARE = 0.05
_DATABASES = ("data.db", "auxiliary.db")
#: A backup or restore that takes longer than this has died.
_ABANDONED_SECONDS = 6 * 3600


class Room(NamedTuple):
    """What a file system has left for this user."""

    free: int
    total: int
    free_files: int
    total_files: int


def room_of(directory: Path) -> Room:
    """Of the file system of a directory; a file system without a limit of files counts as having one left of one."""
    found = os.statvfs(directory)
    files = (found.f_favail, found.f_files) if found.f_files else (1, 1)
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, *files)


def directory_checks(directory: Path) -> list[Check]:
    """Checks that need no database."""

    def check(id_: str, title: str, look: Callable[[], Iterator[Finding]]) -> Check:
        async def examine(_budget: Budget) -> list[Finding]:
            return await asyncio.to_thread(lambda: list(look()))

        return Check(id_, title, examine)

    return [
        check("operations.disk", "room on the disk", lambda: disk_findings(directory, room_of(directory))),
        check("operations.permissions", "who may read and write the files", lambda: _permissions(directory)),
        check("operations.leftovers", "what broken off backups and restores left", lambda: _leftovers(directory)),
    ]


# -- room --------------------------------------------------------------------------------------------------------------


def disk_findings(directory: Path, room: Room) -> Iterator[Finding]:
    """Whether there is room for writes, for a backup, and for the files of uploads."""
    if not directory.is_dir():
        return
    databases = sum(_size(directory / f"{name}{suffix}") for name in _DATABASES for suffix in ("", "-wal"))
    archives = [_size(path) for path in (directory / "backups").glob("*.zip")]
    needed = max([databases, *archives])
    if room.free < CRITICAL_BYTES:
        yield Finding(
            severity=Severity.ERROR,
            what=f"only {room.free // _MIB:,} MiB are free on the disk of the data directory",
            why="writes fail as soon as it is full; what was acknowledged is safe, new requests get errors",
            remedy="free some space: old backups, logs (logs.maxDays), other programs' files",
        )
    elif room.free < min(LOW_BYTES, room.total * _LOW_SHARE):
        yield Finding(
            severity=Severity.WARNING,
            what=f"only {room.free // _MIB:,} of {room.total // _MIB:,} MiB are free on the disk of the data directory",
            why="when it is full, writes fail",
            remedy="free some space: old backups, logs (logs.maxDays), other programs' files",
        )
    if room.free < needed:
        yield Finding(
            severity=Severity.WARNING,
            what=f"{room.free // _MIB:,} MiB are free, but the databases or the largest backup have "
            f"{needed // _MIB:,} MiB",
            why="the next backup, a restore or VACUUM may not find enough room",
            remedy="free some space, keep fewer backups (backups.cronMaxKeep), or keep them in S3 (backups.s3)",
        )
    if room.free_files * 20 < room.total_files:
        yield Finding(
            severity=Severity.WARNING,
            what=f"the disk can take only {room.free_files:,} more files",
            why="uploads fail then, however much room is left",
            remedy="delete files, or move the storage to a file system with more inodes",
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


# -- permissions -------------------------------------------------------------------------------------------------------


def _permissions(directory: Path) -> Iterator[Finding]:
    if os.name == "nt" or not directory.is_dir():
        return
    paths = [directory / f"{name}{suffix}" for name in _DATABASES for suffix in ("", "-wal")]
    readable = [path for path in paths if path.exists() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)]
    # A closed door in front of them keeps others out as well.
    door = directory.stat().st_mode
    if any(path.stat().st_mode & stat.S_IROTH for path in readable) and door & stat.S_IXOTH:
        yield Finding(
            severity=Severity.WARNING,
            what=f"every user of this machine can read {', '.join(path.name for path in readable)}",
            why="they hold all records, password hashes, and the secrets with which tokens are signed",
            remedy=f"chmod 600 {' '.join(str(path) for path in readable)}",
        )
    writable = [
        path
        for path in (directory, *paths, directory / "storage", directory / "backups")
        if path.exists() and path.stat().st_mode & stat.S_IWOTH and not path.stat().st_mode & stat.S_ISVTX
    ]
    if writable:
        yield Finding(
            severity=Severity.ERROR,
            what=f"every user of this machine can write to {', '.join(str(path) for path in writable)}",
            why="who can write there can make themselves a superuser",
            remedy=f"chmod o-w {' '.join(str(path) for path in writable)}",
        )
    owner = directory.stat().st_uid
    foreign = [path for path in paths if path.exists() and path.stat().st_uid != owner]
    if foreign:
        yield Finding(
            severity=Severity.WARNING,
            what=f"{', '.join(path.name for path in foreign)} and the data directory belong to different users",
            why="the server, which runs as one of them, may not be able to write",
            remedy=f"chown the whole directory to the user of the server: chown -R USER {directory}",
        )


# -- leftovers ---------------------------------------------------------------------------------------------------------


def _leftovers(directory: Path) -> Iterator[Finding]:
    temp = directory / TEMP
    oldest = time.time() - _ABANDONED_SECONDS
    left = [entry for entry in _entries(temp) if entry.name != "lock" and entry.stat().st_mtime < oldest]
    left += [entry for entry in _entries(directory / "backups") if _is_unfinished(entry, oldest)]
    if left:
        yield Finding(
            severity=Severity.ADVICE,
            what=f"{len(left)} unfinished backup(s) or restore(s) were left behind",
            why="they take room on the disk",
            remedy="restart the server: it deletes them when it starts",
            details=tuple(str(entry.relative_to(directory)) for entry in left),
        )


def _is_unfinished(entry: Path, oldest: float) -> bool:
    return (entry.suffix == ".tmp" or entry.name.startswith(".pbhost-")) and entry.stat().st_mtime < oldest


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []
