"""What is in a backup: it must be whole, and its rows and files must agree."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from pathlib import Path

from .clients import THINGS
from .ledger import Ledger


def archive_faults(path: Path, before: Ledger | None) -> list[str]:
    """What is wrong with an archive.

    Args:
        before: what was acknowledged before it was begun.
    """
    with zipfile.ZipFile(path) as archive:
        if (broken := archive.testzip()) is not None:
            return [f"half there: {broken}"]
        names = set(archive.namelist())
        faults = [f"unfinished: {name}" for name in names if ".pbhost-" in name]
        raw = sqlite3.connect(":memory:")
        try:
            # The header of a database in WAL mode says so; in memory it can only be opened as one without.
            image = bytearray(archive.read("data.db"))
            image[18:20] = b"\x01\x01"
            raw.deserialize(bytes(image))
            faults += [str(row[0]) for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
            ids = dict(raw.execute("SELECT name, id FROM _collections"))
            for id_, docs in raw.execute(f"SELECT id, docs FROM {THINGS}"):
                wanted = {f"storage/{ids[THINGS]}/{id_}/{name}" for name in json.loads(docs)}
                faults += [f"lost: {name}" for name in wanted - names]
            if before is not None:
                counted: dict[str, int] = dict(
                    raw.execute("SELECT record_id, count(*) FROM _pbhost_changes GROUP BY record_id")
                )
                faults += [
                    f"lost: a change of {key}"
                    for key, actions in before.actions.items()
                    if counted.get(key[1], 0) < len(actions)
                ]
        finally:
            raw.close()
        return faults
