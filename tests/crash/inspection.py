"""What is on disk: records with the contents of their files, the change feed, the schema, and what should not be."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .clients import BOXES, PICTURES, THINGS, digest
from .ledger import Action, Key, Ledger, Values

_TEMPORARY = re.compile(r"\.[0-9a-f]{12,20}\.tmp\Z")
#: How long the sweep after a start may take.
SETTLE_SECONDS = 20.0


class DataDirectory:
    """A read-only look at a data directory, also beside a running server."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _open(self, name: str) -> Iterator[sqlite3.Connection]:
        raw = sqlite3.connect(f"file:{self.path / name}?mode=ro", uri=True, timeout=30)
        try:
            yield raw
        finally:
            raw.close()

    def collection_ids(self) -> dict[str, str]:
        """Ids by name."""
        with self._open("data.db") as raw:
            return dict(raw.execute("SELECT name, id FROM _collections"))

    def integrity(self) -> list[str]:
        """What SQLite finds wrong."""
        faults: list[str] = []
        for name in ("data.db", "auxiliary.db"):
            with self._open(name) as raw:
                found = [str(row[0]) for row in raw.execute("PRAGMA integrity_check")]
                faults += [f"{name}: {line}" for line in found if line != "ok"]
                faults += [f"{name}: foreign key {row}" for row in raw.execute("PRAGMA foreign_key_check")]
        return faults

    def records(self) -> tuple[dict[Key, Values], list[str]]:
        """The records of the clients' collections, and rows whose file is missing."""
        faults: list[str] = []
        found: dict[Key, Values] = {}
        with self._open("data.db") as raw:
            ids = dict(raw.execute("SELECT name, id FROM _collections"))
            for id_, name in raw.execute(f"SELECT id, name FROM {BOXES}"):
                found[BOXES, id_] = {"name": name}
            for id_, title, n, box, docs in raw.execute(f"SELECT id, title, n, box, docs FROM {THINGS}"):
                contents: list[str] = []
                for name in json.loads(docs):
                    path = self.path / "storage" / ids[THINGS] / id_ / name
                    try:
                        contents.append(digest(path.read_bytes()))
                    except FileNotFoundError:
                        faults.append(f"lost: the file {name} that {id_} names")
                found[THINGS, id_] = {"title": title, "n": n, "box": box, "docs": contents}
        return found, faults

    def feed(self) -> dict[Key, list[Action]]:
        """The actions of the change feed by record, in order."""
        with self._open("data.db") as raw:
            names = {id_: name for name, id_ in raw.execute("SELECT name, id FROM _collections")}
            actions: dict[Key, list[Action]] = {}
            rows = raw.execute("SELECT collection_id, record_id, action FROM _pbhost_changes ORDER BY seq")
            for collection_id, record_id, action in rows:
                name = names.get(collection_id, "")
                if name in (BOXES, THINGS):
                    actions.setdefault((name, record_id), []).append(action)
            return actions

    def schema(self) -> tuple[dict[str, set[str]], list[str]]:
        """Field names by collection, and collections that do not agree with their tables."""
        faults: list[str] = []
        found: dict[str, set[str]] = {}
        with self._open("data.db") as raw:
            raw.execute("BEGIN")
            tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            known = {name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
            for name, fields, indexes in raw.execute("SELECT name, fields, indexes FROM _collections").fetchall():
                found[name] = {field["name"] for field in json.loads(fields)}
                columns = {row[1] for row in raw.execute(f"PRAGMA table_info(`{name}`)")}
                if columns != found[name]:
                    faults.append(f"half there: {name} has the fields {found[name]} and the columns {columns}")
                wanted = {match[1] for text in json.loads(indexes) if (match := re.search(r"INDEX `(\w+)`", text))}
                if wanted - known:
                    faults.append(f"half there: {name} lacks its indexes {wanted - known}")
            strays = {name for name in tables if name.startswith("crash_")} - found.keys()
            faults += [f"half there: the table {name} has no collection" for name in strays]
            raw.execute("COMMIT")
        return found, faults

    def strays(self) -> list[str]:
        """Files that no row names, unfinished writes, broken thumbnails. The last state before the time is over."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (found := self._strays()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def _strays(self) -> list[str]:
        named = self._named()
        found: list[str] = []
        for path in sorted((self.path / "storage").rglob("*")):
            if not path.is_file():  # a directory, or gone since it was listed
                continue
            parts = path.relative_to(self.path / "storage").parts
            owner, name = parts[:2], parts[2].removeprefix("thumbs_")
            if _TEMPORARY.search(parts[-1]):
                found.append(f"unfinished: {'/'.join(parts)}")
            elif name.removesuffix(".attrs") not in named.get((owner[0], owner[1]), set()):
                found.append(f"orphan: {'/'.join(parts)}")
            elif len(parts) == 4 and not parts[3].endswith(".attrs") and not _is_picture(path):
                found.append(f"half there: {'/'.join(parts)}")
        temporary = self.path / ".pb_temp_to_delete"
        left = [path.name for path in temporary.iterdir() if path.name != "lock"] if temporary.is_dir() else []
        return found + [f"unfinished: {name}" for name in left]

    def _named(self) -> dict[tuple[str, str], set[str]]:
        with self._open("data.db") as raw:
            ids = dict(raw.execute("SELECT name, id FROM _collections"))
            rows = [
                *((ids[THINGS], id_, docs) for id_, docs in raw.execute(f"SELECT id, docs FROM {THINGS}")),
                *(
                    (ids[PICTURES], id_, json.dumps([name]))
                    for id_, name in raw.execute(f"SELECT id, picture FROM {PICTURES}")
                ),
            ]
        return {(collection, id_): set(json.loads(names)) for collection, id_, names in rows}

    def archives(self, made: list[str], before: Mapping[str, Ledger]) -> list[str]:
        """Acknowledged backups that are not whole, and unfinished ones.

        Args:
            before: what was acknowledged before a backup began.
        """
        folder = self.path / "backups"
        files = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        faults = [f"lost: the backup {name}" for name in made if name not in files]
        for name in sorted(files):
            if name.endswith(".attrs"):
                faults += [] if name.removesuffix(".attrs") in files else [f"orphan: backups/{name}"]
            elif not name.endswith(".zip"):
                faults.append(f"unfinished: backups/{name}")
            else:
                faults += [f"{name}: {fault}" for fault in _archive_faults(folder / name, before.get(name))]
        return faults


def _archive_faults(path: Path, before: Ledger | None) -> list[str]:
    """What is wrong with an archive: it must be whole, and its rows and files must agree."""
    with zipfile.ZipFile(path) as archive:
        if (broken := archive.testzip()) is not None:
            return [f"half there: {broken}"]
        names = set(archive.namelist())
        raw = sqlite3.connect(":memory:")
        try:
            # The header of a database in WAL mode says so; in memory it can only be opened as one without.
            image = bytearray(archive.read("data.db"))
            image[18:20] = b"\x01\x01"
            raw.deserialize(bytes(image))
            faults = [str(row[0]) for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
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


def _is_picture(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
    except (OSError, SyntaxError):
        return False
    return True
