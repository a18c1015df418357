"""What is on disk: records with the contents of their files, the change feed, the schema, and what should not be."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .archives import archive_faults
from .clients import BOXES, THINGS, digest
from .ledger import Action, Key, Ledger, Values
from .schema import DROPPED, MIGRATED

#: How long the sweep after a start may take.
SETTLE_SECONDS = 20.0


class DataDirectory:
    """A read-only look at a data directory, also beside a running server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        #: What was found in files that have not changed since, by path, size and time.
        self._digests: dict[tuple[Path, int, int], str] = {}
        self._pictures: set[tuple[Path, int, int]] = set()
        self._whole: set[str] = set()

    @contextmanager
    def open(self, name: str) -> Iterator[sqlite3.Connection]:
        """A connection to one of the databases that only reads."""
        raw = sqlite3.connect(f"file:{self.path / name}?mode=ro", uri=True, timeout=30)
        try:
            yield raw
        finally:
            raw.close()

    def integrity(self) -> list[str]:
        """What SQLite finds wrong."""
        faults: list[str] = []
        for name in ("data.db", "auxiliary.db"):
            with self.open(name) as raw:
                found = [str(row[0]) for row in raw.execute("PRAGMA integrity_check")]
                faults += [f"{name}: {line}" for line in found if line != "ok"]
                faults += [f"{name}: foreign key {row}" for row in raw.execute("PRAGMA foreign_key_check")]
        return faults

    # -- records -----------------------------------------------------------------------------------------------------

    def records(self) -> tuple[dict[Key, Values], list[str]]:
        """The records of the writers' collections, and rows of any collection whose file is missing."""
        faults: list[str] = []
        found: dict[Key, Values] = {}
        with self.open("data.db") as raw:
            raw.execute("BEGIN")
            ids = dict(raw.execute("SELECT name, id FROM _collections"))
            for id_, name in raw.execute(f"SELECT id, name FROM {BOXES}"):
                found[BOXES, id_] = {"name": name}
            for id_, title, n, box, docs in raw.execute(f"SELECT id, title, n, box, docs FROM {THINGS}"):
                contents = [self._digest(ids[THINGS], id_, name) for name in json.loads(docs)]
                found[THINGS, id_] = {"title": title, "n": n, "box": box, "docs": contents}
        for (collection, id_), names in self._named().items():
            missing = [name for name in names if self._digest(collection, id_, name) is None]
            faults += [f"lost: the file {collection}/{id_}/{name}" for name in missing]
        return found, faults

    def _digest(self, collection: str, id_: str, name: str) -> str | None:
        path = self.path / "storage" / collection / id_ / name
        try:
            status = path.stat()
            mark = (path, status.st_size, status.st_mtime_ns)
            if mark not in self._digests:
                self._digests[mark] = digest(path.read_bytes())
        except FileNotFoundError:
            return None
        return self._digests[mark]

    def dropped(self) -> dict[str, dict[str, str]]:
        """The digest of each record's file by its id, for each collection that was there to be deleted."""
        found: dict[str, dict[str, str]] = {}
        with self.open("data.db") as raw:
            raw.execute("BEGIN")
            for name, collection in raw.execute("SELECT name, id FROM _collections").fetchall():
                if name.startswith(DROPPED):
                    rows = raw.execute(f"SELECT id, doc FROM `{name}`").fetchall()
                    found[name] = {id_: self._digest(collection, id_, doc) or "missing" for id_, doc in rows}
        return found

    def feed(self) -> dict[Key, list[Action]]:
        """The actions of the change feed by record, in order."""
        with self.open("data.db") as raw:
            names = {id_: name for name, id_ in raw.execute("SELECT name, id FROM _collections")}
            actions: dict[Key, list[Action]] = {}
            rows = raw.execute("SELECT collection_id, record_id, action FROM _pbhost_changes ORDER BY seq")
            for collection_id, record_id, action in rows:
                name = names.get(collection_id, "")
                if name in (BOXES, THINGS):
                    actions.setdefault((name, record_id), []).append(action)
            return actions

    # -- the schema --------------------------------------------------------------------------------------------------

    def schema(self) -> tuple[dict[str, set[str]], list[str]]:
        """Field names by collection, and collections that do not agree with their tables."""
        faults: list[str] = []
        found: dict[str, set[str]] = {}
        with self.open("data.db") as raw:
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
        return found, faults

    def migrated(self) -> tuple[dict[str, int], set[str]]:
        """The number of records of each collection that a migration made, and the files recorded as applied."""
        with self.open("data.db") as raw:
            raw.execute("BEGIN")
            names = [name for (name,) in raw.execute("SELECT name FROM _collections") if name.startswith(MIGRATED)]
            counts = {name: int(raw.execute(f"SELECT count(*) FROM `{name}`").fetchone()[0]) for name in names}
            return counts, {file for (file,) in raw.execute("SELECT file FROM _migrations")}

    # -- what should not be there ------------------------------------------------------------------------------------

    def strays(self) -> list[str]:
        """Files that no row names, unfinished writes, broken thumbnails. The last state before the time is over."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (found := self._strays()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def _strays(self) -> list[str]:
        named = self._named()
        found: list[str] = []
        for path in _files(self.path / "storage"):
            parts = path.relative_to(self.path / "storage").parts
            if any(part.startswith(".") or part.endswith(".tmp") for part in parts):
                found.append(f"unfinished: {'/'.join(parts)}")
            elif parts[2].removeprefix("thumbs_").removesuffix(".attrs") not in named.get(parts[:2], ()):
                found.append(f"orphan: {'/'.join(parts)}")
            elif len(parts) == 4 and not parts[3].endswith(".attrs") and not self._is_picture(path):
                found.append(f"half there: {'/'.join(parts)}")
        found += [f"unfinished: backups/{path.name}" for path in _files(self.path / "backups" / ".pbhost-drafts")]
        left = [path.name for path in _files(self.path / ".pb_temp_to_delete")]
        return found + [f"unfinished: {name}" for name in left]

    def _named(self) -> dict[tuple[str, ...], set[str]]:
        """The files that rows name, by collection and record id."""
        named: dict[tuple[str, ...], set[str]] = {}
        with self.open("data.db") as raw:
            raw.execute("BEGIN")
            for name, collection, fields in raw.execute("SELECT name, id, fields FROM _collections").fetchall():
                for field in json.loads(fields):
                    if field["type"] == "file":
                        for id_, value in raw.execute(f"SELECT id, `{field['name']}` FROM `{name}`"):
                            names = json.loads(value) if value.startswith("[") else [value] if value else []
                            named.setdefault((collection, id_), set()).update(names)
        return named

    def _is_picture(self, path: Path) -> bool:
        from PIL import Image

        try:
            status = path.stat()
            mark = (path, status.st_size, status.st_mtime_ns)
            if mark not in self._pictures:
                with Image.open(path) as image:
                    image.load()
                self._pictures.add(mark)
        except FileNotFoundError:
            return True  # deleted since it was listed
        except (OSError, SyntaxError):
            return False
        return True

    def archives(self, made: list[str], before: Mapping[str, Ledger]) -> list[str]:
        """Acknowledged backups that are not whole, and unfinished ones.

        Args:
            before: what was acknowledged before a backup began.
        """
        folder = self.path / "backups"
        files = {path.name: path for path in _files(folder) if path.parent == folder}
        faults = [f"lost: the backup {name}" for name in made if name not in files]
        for name, path in sorted(files.items()):
            if name.endswith(".attrs"):
                faults += [] if name.removesuffix(".attrs") in files else [f"orphan: backups/{name}"]
            elif not name.endswith(".zip"):
                faults.append(f"unfinished: backups/{name}")
            elif name not in self._whole:
                wrong = archive_faults(path, before.get(name))
                faults += [f"{name}: {fault}" for fault in wrong]
                self._whole.update([] if wrong else [name])
        return faults


def _files(folder: Path) -> Iterator[Path]:
    """The files below a directory; what vanishes while this looks is not there."""
    for root, _, names in os.walk(folder):
        yield from (Path(root, name) for name in sorted(names))
