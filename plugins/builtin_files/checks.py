"""What ``pbhost doctor`` looks at in the storage: whether files and records agree."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from builtin_files.config import FilesConfig
from builtin_files.drafts import DIRECTORY as DRAFTS
from builtin_files.field import names_of
from builtin_files.storage import DIRECTORY
from pbhost.database import Connection, Row
from pbhost.model import Collection, Field
from pbhost.services import Budget, Check, FileAttributes, Finding, Severity

if TYPE_CHECKING:
    from pbhost import App

_THUMBS = "thumbs_"
#: Records looked up at once.
_BATCH = 200
_SHOWN = 100
#: Younger files may belong to a record that is just being written.
_YOUNG = timedelta(minutes=15)
_ABANDONED_SECONDS = 3600
#: Names that are compared from memory; a larger storage needs ``--full``.
_MOST_KEYS = 1_000_000


def storage_checks(app: App, config: FilesConfig) -> list[Check]:
    """The checks of this plugin."""

    async def agreement(budget: Budget) -> list[Finding]:
        return await Comparison(app, budget).run()

    async def unfinished(_budget: Budget) -> list[Finding]:
        return await asyncio.to_thread(lambda: list(_unfinished(app.config.dir / DIRECTORY / DRAFTS)))

    async def place(_budget: Budget) -> list[Finding]:
        return list(_place(app, config))

    needs = ("database", "collections", "settings", "storage")
    return [
        Check("files.agreement", "files and records agree", agreement, needs),
        Check("files.unfinished", "files that were never finished", unfinished),
        Check("files.storage", "where files are kept", place, ("database", "settings")),
    ]


@dataclass
class Comparison:
    """Goes through the storage once, then through the records."""

    app: App
    budget: Budget
    seen: set[int] = field(default_factory=set)
    orphans: list[str] = field(default_factory=list)
    orphan_count: int = 0
    orphan_bytes: int = 0
    missing: list[str] = field(default_factory=list)
    is_cut_short: bool = False

    async def run(self) -> list[Finding]:
        """The findings."""
        await self._look_at_files()
        if not self.is_cut_short:
            for collection in self.app.collections.all():
                if fields := _file_fields(collection):
                    await self._look_at_records(collection, fields)
        return list(self._findings())

    # -- files that no record names ------------------------------------------------------------------------------------

    async def _look_at_files(self) -> None:
        group: dict[tuple[str, str], list[tuple[str, FileAttributes]]] = {}
        count = 0
        async for key, attributes in self.app.storage.list():
            collection, _, rest = key.partition("/")
            record, _, name = rest.partition("/")
            if (collection, record) not in group and len(group) >= _BATCH:
                await self._compare(group)
                group = {}
            group.setdefault((collection, record), []).append((name, attributes))
            self.seen.add(hash(key))
            count += 1
            if self.budget.is_spent or (count >= _MOST_KEYS and not self.budget.is_full):
                self.is_cut_short = True
                break
        await self._compare(group)

    async def _compare(self, group: Mapping[tuple[str, str], Sequence[tuple[str, FileAttributes]]]) -> None:
        by_collection: dict[str, list[str]] = {}
        for collection_id, record_id in group:
            by_collection.setdefault(collection_id, []).append(record_id)
        newest = datetime.now(UTC) - _YOUNG
        for collection_id, record_ids in by_collection.items():
            named = await self._named(collection_id, record_ids)
            for record_id in record_ids:
                for name, attributes in group[collection_id, record_id]:
                    if not _is_named(name, named.get(record_id, ())) and attributes.modified < newest:
                        self.orphan_count += 1
                        self.orphan_bytes += attributes.size
                        if len(self.orphans) < _SHOWN:
                            self.orphans.append(f"{collection_id}/{record_id}/{name}")

    async def _named(self, collection_id: str, record_ids: Sequence[str]) -> dict[str, list[str]]:
        """The file names of those records that exist."""
        collection = self.app.collections.find(collection_id)
        if collection is None or collection.id != collection_id or collection.is_view:
            return {}
        fields = _file_fields(collection)

        def read(connection: Connection) -> list[Row]:
            marks = ", ".join("?" * len(record_ids))
            sql = f"{_select(connection, collection, fields)} WHERE {connection.dialect.quote('id')} IN ({marks})"
            return connection.fetch_all(sql, record_ids)

        return {str(row[0]): list(_names(row, fields)) for row in await self.app.db.read(read, lane="list")}

    # -- files that are missing ----------------------------------------------------------------------------------------

    async def _look_at_records(self, collection: Collection, fields: Sequence[Field]) -> None:
        async for row in self._rows(collection, fields):
            record_id = str(row[0])
            for name in _names(row, fields):
                key = f"{collection.id}/{record_id}/{name}"
                if hash(key) not in self.seen and await self._is_missing(key, collection, record_id, name):
                    self.missing.append(f"{collection.name}, record {record_id}: {name}")
            if self.budget.is_spent or len(self.missing) >= _SHOWN:
                self.is_cut_short = self.budget.is_spent
                return

    async def _rows(self, collection: Collection, fields: Sequence[Field]) -> AsyncIterator[Row]:
        last = ""
        while True:

            def read(connection: Connection, after: str = last) -> list[Row]:
                id_ = connection.dialect.quote("id")
                sql = f"{_select(connection, collection, fields)} WHERE {id_} > ? ORDER BY {id_} LIMIT 1000"
                return connection.fetch_all(sql, (after,))

            rows = await self.app.db.read(read, lane="list")
            for row in rows:
                yield row
            if not rows or self.budget.is_spent:
                return
            last = str(rows[-1][0])

    async def _is_missing(self, key: str, collection: Collection, record_id: str, name: str) -> bool:
        """Whether a file that was not in the list is really missing: both sides may have changed meanwhile."""
        if await self.app.storage.exists(key):
            return False
        return name in (await self._named(collection.id, [record_id])).get(record_id, ())

    # -- what it comes to ----------------------------------------------------------------------------------------------

    def _findings(self) -> Iterator[Finding]:
        if self.orphan_count:
            yield Finding(
                severity=Severity.ADVICE,
                what=f"{self.orphan_count:,} file(s) that no record names, {_size(self.orphan_bytes)}",
                why="nobody can reach them through the API; they take room on the disk and in each backup",
                remedy=f"delete them from the storage, after a backup; `pbhost doctor --json` lists the first {_SHOWN}",
                details=tuple(self.orphans),
            )
        if self.missing:
            yield Finding(
                severity=Severity.ERROR,
                what=f"{'at least ' * (len(self.missing) >= _SHOWN)}{len(self.missing):,} file(s) that records name "
                "are not in the storage",
                why="downloads of them answer 404",
                remedy="copy them back from a backup into the storage, or upload them again; after a change of the "
                "storage: `pbhost storage copy`",
                details=tuple(self.missing),
            )
        if self.is_cut_short:
            yield Finding(
                severity=Severity.ADVICE,
                what=f"only {len(self.seen):,} files were looked at",
                why="the storage is too large for that time; files may be missing in the rest",
                remedy="run `pbhost doctor --full` now and then, or give it more --seconds",
            )


def _file_fields(collection: Collection) -> list[Field]:
    return [] if collection.is_view else [item for item in collection.fields if item.type == "file"]


def _select(connection: Connection, collection: Collection, fields: Sequence[Field]) -> str:
    quote = connection.dialect.quote
    return f"SELECT {', '.join(quote(name) for name in ('id', *(item.name for item in fields)))} FROM " + quote(
        collection.name
    )


def _names(row: Row, fields: Sequence[Field]) -> Iterator[str]:
    for item, value in zip(fields, row[1:], strict=True):
        yield from names_of(item.from_db(value))


def _is_named(name: str, named: Sequence[str]) -> bool:
    """Whether it is a file of the record, or a thumbnail of one."""
    folder, slash, _ = name.partition("/")
    if slash:
        return folder.startswith(_THUMBS) and folder.removeprefix(_THUMBS) in named
    return name in named


# -- the rest ----------------------------------------------------------------------------------------------------------


def _unfinished(directory: Path) -> Iterator[Finding]:
    """Drafts that their writer has left; a start of the server deletes them."""
    oldest = time.time() - _ABANDONED_SECONDS
    try:
        left = [entry for entry in directory.iterdir() if entry.stat().st_mtime < oldest]
    except OSError:
        return
    if left:
        yield Finding(
            severity=Severity.ADVICE,
            what=f"{len(left):,} upload(s) that were cut short, {_size(sum(entry.stat().st_size for entry in left))}",
            why="a process that was killed left them; no record names them",
            remedy="restart the server: it deletes them when it starts",
            details=tuple(entry.name for entry in left[:_SHOWN]),
        )


def _place(app: App, config: FilesConfig) -> Iterator[Finding]:
    s3 = app.settings.section("s3")
    if config.url and s3.get("enabled") is True:
        yield Finding(
            severity=Severity.WARNING,
            what="files are kept at the URL of the configuration, the enabled S3 bucket of the settings is not used",
            why="who looks at the settings looks for the files in the wrong place",
            remedy="switch S3 off in the settings, or remove url from [plugins.files]",
        )
    local = app.config.dir / DIRECTORY
    remote = bool(config.url) or s3.get("enabled") is True
    if remote and any(entry.is_dir() and not entry.name.startswith(".") for entry in _entries(local)):
        yield Finding(
            severity=Severity.ADVICE,
            what="files are kept elsewhere, but the directory storage still has some",
            why="they are not served; if they were never copied, their downloads answer 404",
            remedy="pbhost storage copy local settings, then delete the directory",
        )


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _size(count: int) -> str:
    size, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:,.0f} {units[0]}"
