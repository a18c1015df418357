"""Exchanging the content of the data directory, before anything in it is opened.

A restore only stages the new content and leaves a note; the exchange is done by the next start, whichever process
comes first. So it cannot meet an open database, and a crash at any point leaves either the old or the new content.
"""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from builtin_operations.backups.archive import PROCESS_PREFIX
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text

log = logging.getLogger("pbhost.backups")

TEMP = ".pb_temp_to_delete"
_NOTE = "pending_restore.json"
_LOCK = "lock"


def stage(directory: Path, staged: Path, exclude: Collection[str]) -> None:
    """Leaves the note that the next start reads.

    Args:
        staged: the unpacked archive, below the temporary directory.
        exclude: root entries that stay as they are.
    """
    note = directory / TEMP / _NOTE
    draft = note.with_suffix(".tmp")
    draft.write_text(json.dumps({"staged": staged.name, "exclude": sorted(exclude)}))
    draft.replace(note)


def apply(directory: Path, *, clean: bool) -> bool:
    """Does a staged exchange, if there is one; returns whether it did.

    Args:
        clean: also remove what else is in the temporary directory; only for the first process of a server.
    """
    temp = directory / TEMP
    if not temp.is_dir():
        return False
    with _locked(temp):
        note = temp / _NOTE
        done = False
        if note.is_file():
            try:
                content = json.loads(note.read_text())
                done = _exchange(directory, temp / Path(str(content["staged"])).name, set(content["exclude"]))
            except (OSError, ValueError, KeyError, TypeError):
                log.exception("the restore failed; the data directory is as it was before")
            note.unlink(missing_ok=True)
        if clean or done:
            for entry in temp.iterdir():
                if entry.name != _LOCK:
                    remove(entry)
        return done


def _exchange(directory: Path, staged: Path, exclude: set[str]) -> bool:
    if not (staged / "data.db").is_file():
        log.error("the staged restore is not complete and was dropped")
        return False
    kept = {*exclude, TEMP} - {".notify"}
    old = directory / TEMP / f"old_pb_data_{random_text(8, LOWER_ALPHANUMERIC)}"
    old.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for source, target in ((directory, old), (staged, directory)):
            for entry in sorted(source.iterdir()):
                if entry.name not in kept and not entry.name.startswith(PROCESS_PREFIX):
                    destination = target / entry.name
                    entry.rename(destination)
                    moved.append((entry, destination))
    except OSError:
        for origin, destination in reversed(moved):
            destination.rename(origin)
        raise
    return True


@contextmanager
def _locked(temp: Path) -> Iterator[None]:
    # Several workers start at once: the first does the work, the others wait and find nothing left to do.
    with (temp / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remove(path: Path) -> None:
    """Deletes a file or a directory with its content; nothing happens if it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
