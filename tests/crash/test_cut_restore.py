"""Exchanging the data directory, cut short before each of its renames, as by a kill or a power cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from builtin_operations.backups import pending
from builtin_operations.backups.presence import Presence

FILES = ("auxiliary.db", "data.db", "data.db-wal", "storage/c/r/a.txt", "storage/c/r/b.txt")


class Cut(BaseException):
    """The end of the process."""


def _fill(directory: Path, text: str) -> None:
    for name in FILES:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _content(directory: Path) -> dict[str, str]:
    return {name: (directory / name).read_text() for name in FILES if (directory / name).exists()}


@pytest.mark.parametrize("before", range(12))
def test_a_restore_cut_short_is_finished_by_the_next_start(
    before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "pb_data"
    _fill(data, "old")
    (data / "backups").mkdir()
    staged = data / pending.TEMP / "pb_restore_x"
    _fill(staged, "new")
    # It waits for all that this machine has to write, which a killed process does not need.
    monkeypatch.setattr(os, "sync", lambda: None)
    pending.stage(data, staged, ["backups", pending.TEMP])
    presence = Presence(data)
    rename, left = Path.rename, before

    def cut(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise Cut
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", cut)
    try:
        pending.apply(data, presence)
    except Cut:
        monkeypatch.setattr(Path, "rename", rename)
        pending.apply(data, presence)
    # Until what has to follow is done, a start knows that the content was restored.
    assert pending.apply(data, presence) is True
    pending.adopted(data)
    assert pending.apply(data, presence) is False
    presence.end()
    assert _content(data) == dict.fromkeys(FILES, "new")
    assert (data / "backups").is_dir()
    assert list((data / pending.TEMP).iterdir()) == []
