"""Exchanging the content of the data directory, before anything in it is opened.

A restore only stages the new content and leaves a note; the exchange is done by the next start, whichever process
comes first. So it cannot meet an open database, and a crash at any point leaves either the old or the new content.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from builtin_operations.backups.archive import PROCESS_PREFIX
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text

log = logging.getLogger("pbhost.backups")

TEMP = ".pb_temp_to_delete"
#: How the local storage names a file that is not whole yet.
_UNFINISHED = re.compile(r"\.[0-9a-f]{12,20}\.tmp\Z")
_NOTE = "pending_restore.json"
_LOCK = "lock"
#: The phases: the old content moves out, the new content moves in.
_OUT, _IN = "out", "in"


def stage(directory: Path, staged: Path, exclude: Collection[str]) -> None:
    """Leaves the note that the next start reads.

    Args:
        staged: the unpacked archive, below the temporary directory.
        exclude: root entries that stay as they are.
    """
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


def apply(directory: Path, *, clean: bool) -> bool:
    """Does a staged exchange, or finishes one that a crash cut short; returns whether it did.

    Args:
        clean: also remove what else is in the temporary directory; only for the first process of a server.

    Raises:
        OSError: the exchange failed and could not be taken back either; the next start tries again.
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
                exchange = _Exchange(directory, content)
            except (ValueError, KeyError, TypeError):
                log.exception("the note of the staged restore cannot be read; the data directory is as it was before")
            else:
                done = exchange.run()
            note.unlink(missing_ok=True)
        if clean or done:
            for entry in temp.iterdir():
                if entry.name != _LOCK:
                    remove(entry)
        return done


def remove_unfinished(directory: Path) -> None:
    """Removes backups that a server was writing when it was killed; for a server that is about to start."""
    backups = directory / "backups"
    if backups.is_dir():
        for path in backups.iterdir():
            if _UNFINISHED.search(path.name):
                path.unlink(missing_ok=True)


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
