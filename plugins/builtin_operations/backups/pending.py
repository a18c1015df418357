"""Exchanging the content of the data directory, before anything in it is opened.

A restore only stages the new content and leaves a note; the exchange is done by the next start of a process that has
the directory for itself. So it cannot meet an open database, and a crash at any point leaves either the old or the new
content.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from builtin_operations.backups.archive import PROCESS_PREFIX
from builtin_operations.backups.presence import Presence
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text

log = logging.getLogger("pbhost.backups")

TEMP = ".pb_temp_to_delete"
_NOTE = "pending_restore.json"
#: Left from the exchange until what has to follow it is done.
_RESTORED = "restored"
#: How long a start waits for commands that have the directory open.
_PATIENCE = 10.0
#: The phases: the old content moves out, the new content moves in.
_OUT, _IN = "out", "in"


def stage(directory: Path, staged: Path, exclude: Collection[str]) -> None:
    """Leaves the note that the next start reads.

    Args:
        staged: the unpacked archive, below the temporary directory.
        exclude: root entries that stay as they are.
    """
    # What was unpacked must be on the disk before the old content leaves it.
    os.sync()
    old = f"old_pb_data_{random_text(8, LOWER_ALPHANUMERIC)}"
    _write_note(directory, {"staged": staged.name, "exclude": sorted(exclude), "old": old, "phase": _OUT})


def _write_note(directory: Path, content: Mapping[str, object]) -> None:
    note = directory / TEMP / _NOTE
    draft = note.with_suffix(".tmp")
    with draft.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(note)


def apply(directory: Path, presence: Presence) -> bool:
    """Does a staged exchange, or finishes one that a crash cut short, and shares the directory from then on.

    Returns:
        whether the content comes from a backup and :func:`adopted` was not called since.

    Raises:
        OSError: the exchange failed and could not be taken back either; the next start tries again.
    """
    temp = directory / TEMP
    if temp.is_dir():
        note = temp / _NOTE
        if presence.take(_PATIENCE if note.is_file() else 0.0):
            if note.is_file():
                _exchange(directory, note)
            # Nobody else is there, so nobody uses what lies here.
            for entry in temp.iterdir():
                if entry.name != _RESTORED:
                    remove(entry)
        elif note.is_file():
            log.error("another process has %s open; the restore is put off until the next start", directory)
    presence.share()
    return (temp / _RESTORED).is_file()


def _exchange(directory: Path, note: Path) -> None:
    try:
        content = json.loads(note.read_text())
        exchange = _Exchange(directory, content)
    except (ValueError, KeyError, TypeError):
        log.exception("the note of the staged restore cannot be read; the data directory is as it was before")
    else:
        if exchange.run():
            note.with_name(_RESTORED).touch()
            # The new content must be on the disk before the old one is deleted.
            os.sync()
    note.unlink(missing_ok=True)


def adopted(directory: Path) -> None:
    """What has to follow an exchange is done."""
    (directory / TEMP / _RESTORED).unlink(missing_ok=True)


class _Exchange:
    """The old content out, the new content in. The note tells which of both is going on, so that either can go on
    after a crash: what lies in the directory means something else before and after the old content has left."""

    def __init__(self, directory: Path, note: Mapping[str, object]) -> None:
        exclude = note["exclude"]
        if not isinstance(exclude, list):
            raise TypeError("exclude is no list")
        self._note = dict(note)
        self._directory = directory
        self._staged = directory / TEMP / Path(str(note["staged"])).name
        self._old = directory / TEMP / Path(str(note["old"])).name
        self._kept = {*map(str, exclude), TEMP} - {".notify"}

    def run(self) -> bool:
        """Whether the new content is in place; if not, the old one is."""
        if self._note["phase"] == _OUT and not (self._staged / "data.db").is_file():
            log.error("the staged restore is not complete and was dropped")
            return False
        try:
            if self._note["phase"] == _OUT:
                self._move(self._directory, self._old)
                self._note["phase"] = _IN
                _write_note(self._directory, self._note)
            self._move(self._staged, self._directory)
        except OSError:
            log.exception("the restore failed; the data directory is as it was before")
            if self._note["phase"] == _IN:
                self._move(self._directory, self._staged)
            self._move(self._old, self._directory)
            return False
        return True

    def _move(self, source: Path, target: Path) -> None:
        if not source.is_dir():
            return
        target.mkdir(exist_ok=True)
        for entry in sorted(source.iterdir()):
            if entry.name not in self._kept and not entry.name.startswith(PROCESS_PREFIX):
                entry.rename(target / entry.name)


def remove(path: Path) -> None:
    """Deletes a file or a directory with its content; nothing happens if it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
