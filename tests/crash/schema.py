"""Changes of the schema beside the writers: collections made, changed and dropped, migrations applied at a start."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from .clients import GONE, Api, digest

#: How the names of the collections begin.
CHANGED, DROPPED, MIGRATED = "crash_s", "crash_d", "crash_m"


class SchemaChanges:
    """Collections that are made, changed and deleted until the server is gone.

    Attributes:
        certain: the acknowledged field names of each collection; None for a deleted one.
        doubtful: the collection of the request that got no answer, and what it would have made of it.
    """

    def __init__(self) -> None:
        self.certain: dict[str, set[str] | None] = {}
        self.doubtful: tuple[str, set[str] | None] | None = None
        self.acknowledged = 0
        self.refusals: list[str] = []

    async def run(self, api: Api, chance: random.Random) -> None:
        ids: dict[str, str] = {}
        while True:
            alive = [name for name, fields in self.certain.items() if fields is not None and name in ids]
            name = chance.choice(alive) if alive and chance.random() < 0.7 else f"{CHANGED}{chance.randrange(10**9)}"
            fields = {"id", *(f"f{chance.randrange(40)}" for _ in range(6))}
            definitions = [{"name": field, "type": "text"} for field in sorted(fields - {"id"})]
            indexes = [f"CREATE INDEX `i_{name}` ON `{name}` (`{definitions[0]['name']}`)"]
            after: set[str] | None = fields
            try:
                if name not in alive:
                    body = {"name": name, "type": "base", "fields": definitions, "indexes": indexes}
                    status, answer = await api.send("POST", "/api/collections", body)
                    ids[name] = str(answer.get("id"))
                elif chance.random() < 0.3:
                    after = None
                    status, answer = await api.send("DELETE", f"/api/collections/{name}")
                else:
                    body = {"fields": definitions, "indexes": indexes}
                    status, answer = await api.send("PATCH", f"/api/collections/{name}", body)
            except GONE:
                self.doubtful = (name, after)
                return
            if status < 300:
                self.acknowledged += 1
                self.certain[name] = after
            else:
                self.refusals.append(f"schema {name}: {status} {answer}")

    def settle(self, stored: Mapping[str, set[str]]) -> list[str]:
        """Compares with the stored collections, as :meth:`Ledger.settle` does with records."""
        if self.doubtful is not None:
            name, after = self.doubtful
            if stored.get(name) == after:
                self.certain[name] = after
            self.doubtful = None
        return [
            f"lost: collection {name} should have {fields}, has {stored.get(name)}"
            for name, fields in self.certain.items()
            if stored.get(name) != fields
        ]


class DroppedCollections:
    """Collections with records and files that are deleted as a whole.

    Attributes:
        certain: the digest of each record's file by its id; None for a collection that is deleted.
        doubtful: the collection of the request that got no answer, and what it would have made of it.
    """

    def __init__(self) -> None:
        self.certain: dict[str, dict[str, str] | None] = {}
        self.doubtful: tuple[str, dict[str, str] | None] | None = None
        self.acknowledged = 0
        self.refusals: list[str] = []

    async def run(self, api: Api, chance: random.Random) -> None:
        """Until the server is gone."""
        while True:
            name = f"{DROPPED}{chance.randrange(10**9)}"
            body = {"name": name, "type": "base", "fields": [{"name": "doc", "type": "file", "maxSelect": 1}]}
            try:
                await self._send(api, name, {}, "POST", "/api/collections", body)
                for number in range(chance.randint(1, 8)):
                    await self._add(api, name, f"{number:015d}", chance.randbytes(chance.choice((10, 50_000))))
                if chance.random() < 0.8:
                    await self._send(api, name, None, "DELETE", f"/api/collections/{name}")
            except GONE:
                return

    async def _add(self, api: Api, name: str, id_: str, content: bytes) -> None:
        form = aiohttp.FormData()
        form.add_field("id", id_)
        form.add_field("doc", content, filename="doc.bin")
        after = {**(self.certain.get(name) or {}), id_: digest(content)}
        await self._send(api, name, after, "POST", f"/api/collections/{name}/records", form=form)

    async def _send(
        self,
        api: Api,
        name: str,
        after: dict[str, str] | None,
        method: str,
        path: str,
        body: object = None,
        form: aiohttp.FormData | None = None,
    ) -> None:
        self.doubtful = (name, after)
        status, answer = await api.send(method, path, body, form)
        self.doubtful = None
        if status < 300:
            self.acknowledged += 1
            self.certain[name] = after
        else:
            self.refusals.append(f"{method} {path}: {status} {answer}")

    def settle(self, stored: Mapping[str, Mapping[str, str]]) -> list[str]:
        """Compares with the stored collections, as :meth:`Ledger.settle` does with records."""
        if self.doubtful is not None:
            name, after = self.doubtful
            if stored.get(name) == after:
                self.certain[name] = after
            self.doubtful = None
        return [
            f"lost: {name} should have {records}, has {stored.get(name)}"
            for name, records in self.certain.items()
            if stored.get(name) != records
        ]


class Migrations:
    """Migration files that a start applies, each of which makes a collection and fills it.

    Args:
        directory: where the server looks for them.
    """

    ROWS = 200

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.names: list[str] = []

    def write(self, chance: random.Random) -> None:
        """One more file."""
        name = f"{MIGRATED}{chance.randrange(10**9)}"
        self.names.append(name)
        fields = [{"type": "text", "name": "title"}]
        self.directory.mkdir(exist_ok=True)
        (self.directory / f"{int(time.time())}_{name}.py").write_text(
            "async def up(app):\n"
            f"    await app.create_collection({{'name': '{name}', 'type': 'base', 'fields': {fields}}})\n"
            f"    for number in range({self.ROWS}):\n"
            f"        await app.records.create('{name}', {{'title': str(number)}})\n"
        )

    def settle(self, stored: Mapping[str, int], recorded: set[str]) -> list[str]:
        """What is wrong once a server has started: each file was applied whole and once, none is half written.

        Args:
            stored: the number of records by collection.
            recorded: the files that the database has as applied.
        """
        faults = [
            f"half there: the migration of {name} made {stored.get(name)} of {self.ROWS} records"
            for name in self.names
            if stored.get(name) != self.ROWS
        ]
        files = {path.name for path in self.directory.iterdir()} if self.directory.is_dir() else set()
        faults += [f"unfinished: pb_migrations/{name}" for name in files if name.startswith(".")]
        return faults + [f"not recorded: {name}" for name in files - recorded if not name.startswith((".", "__"))]
