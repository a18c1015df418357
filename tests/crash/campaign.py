"""Rounds of: start, write, kill, look. The server is the real one, as its own process tree."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import aiohttp

from . import clients, upkeep
from .clients import Api, Writer
from .inspection import DataDirectory
from .ledger import Ledger
from .schema import DroppedCollections, Migrations, SchemaChanges
from .server import ServerTree

#: What goes on beside the writers (of records, files and batches) when the server dies. In a round of "worker" one
#: worker dies before the others.
Kind: TypeAlias = Literal[
    "writes", "start", "backup", "schema", "drop", "logs", "thumbs", "restore", "migration", "worker"
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass
class Report:
    """What a campaign saw."""

    runs: int = 0
    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Acknowledged things that were not there."""
        return sum("lost:" in fault for fault in self.faults)

    def add(self, other: Report) -> None:
        """What another campaign saw besides."""
        self.runs += other.runs
        self.kills += other.kills
        self.acknowledged += other.acknowledged
        self.unanswered += other.unanswered
        self.by_kind += other.by_kind
        self.faults += other.faults

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {number}" for kind, number in self.by_kind.items())
        return (
            f"runs: {self.runs} ({kinds}), kills: {self.kills}, acknowledged writes: {self.acknowledged}, "
            f"unanswered: {self.unanswered}, lost: {self.lost}, other faults: {len(self.faults) - self.lost}"
        )


class Campaign:
    """Many crashes of one data directory.

    Args:
        directory: an empty directory; the data directory is made inside.
        workers: processes of the server.
        writers: clients that write at the same time.
        seed: repeats the same choices; the moments of the kills still differ a little.
        longest: seconds that they write before a kill, at most.
    """

    def __init__(
        self, directory: Path, *, workers: int = 1, writers: int = 6, seed: int = 1, longest: float = 1.0
    ) -> None:
        arguments = ("--workers", str(workers)) if workers > 1 else ()
        self.server = ServerTree(directory / "pb_data", *arguments)
        self.data = DataDirectory(self.server.dir)
        self.report = Report()
        self._chance = random.Random(seed)
        self._writers = writers
        self._longest = longest
        self._ledger = Ledger()
        self._schema = SchemaChanges()
        self._dropped = DroppedCollections()
        self._migrations = Migrations(directory / "pb_migrations")
        self._backups: list[str] = []
        self._before: dict[str, Ledger] = {}
        self._token = ""
        self._names = 0

    async def run(self, kinds: list[Kind]) -> Report:
        """One round of each; the server is killed in each, and stopped at the end."""
        await asyncio.to_thread(self.server.create_superuser)
        await asyncio.to_thread(self.server.start)
        try:
            async with aiohttp.ClientSession() as session:
                api = Api(session, self.server.url)
                await api.sign_in()
                self._token = api.token
                await clients.make_collections(api)
            # Another worker sees new settings a moment later only.
            await asyncio.to_thread(self.server.stop)
            await asyncio.to_thread(self.server.start)
            for kind in kinds:
                await self._round(kind)
                if self.report.faults:
                    break
            await self._round_trip()
        finally:
            await asyncio.to_thread(self.server.kill)
        changes = self._schema.acknowledged + self._dropped.acknowledged
        self.report.acknowledged = self._ledger.acknowledged + changes + len(self._backups)
        return self.report

    async def _round(self, kind: Kind) -> None:
        self.report.runs += 1
        self.report.by_kind[kind] += 1
        if kind == "restore":
            await self._restore_round()
        else:
            await self._write_and_kill(kind, self._chance.uniform(0.1, self._longest))
        if kind == "migration":
            self._migrations.write(self._chance)
        if kind in ("start", "migration"):
            await self._kill_while_starting()
        await asyncio.to_thread(self.server.start)
        faults = await asyncio.to_thread(self._look)
        self.report.faults += [f"round {self.report.runs} ({kind}): {fault}" for fault in faults]

    # -- writing until the end ---------------------------------------------------------------------------------------

    async def _write_and_kill(self, kind: Kind, seconds: float) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            api = Api(session, self.server.url, self._token)
            writers = [Writer(api, self._ledger, self._name(), self._chance) for _ in range(self._writers)]
            tasks = [asyncio.create_task(work) for work in self._beside(kind, api)]
            tasks += [asyncio.create_task(writer.run()) for writer in writers]
            if kind == "worker":
                await asyncio.sleep(seconds / 2)
                self._kill_one_worker()
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self._kill)
            await asyncio.gather(*tasks)
        refusals = [str(refusal) for writer in writers for refusal in writer.refusals]
        for changes in (self._schema, self._dropped):
            refusals += changes.refusals
            changes.refusals = []
        self.report.faults += [f"refused: {line}" for line in refusals]

    def _beside(self, kind: Kind, api: Api) -> list[Coroutine[object, object, None]]:
        match kind:
            case "backup":
                return [upkeep.make_backups(api, self._backups, self._chance)]
            case "schema":
                return [self._schema.run(api, self._chance)]
            case "drop":
                return [self._dropped.run(api, self._chance)]
            case "logs":
                return [upkeep.fill_logs(api, self._chance)]
            case "thumbs":
                return [upkeep.make_thumbs(api, self._chance) for _ in range(2)]
            case _:
                return []

    async def _kill_while_starting(self) -> None:
        for _ in range(2):
            self.server.spawn()
            await asyncio.sleep(self._chance.uniform(0.05, 1.2))
            await asyncio.to_thread(self._kill)

    def _kill_one_worker(self) -> None:
        """The others go on, and the parent replaces it."""
        workers = self.server.workers()
        if workers:
            os.kill(self._chance.choice(workers), signal.SIGKILL)
            self.report.kills += 1

    def _kill(self) -> None:
        self.server.kill()
        self.report.kills += 1

    def _name(self) -> str:
        self._names += 1
        return f"w{self._names:03d}"

    # -- restoring ---------------------------------------------------------------------------------------------------

    async def _restore_round(self) -> None:
        """A kill while a backup is restored leaves the old or the new content, never a mixture."""
        name = f"r{self._chance.randrange(10**12)}.zip"
        async with aiohttp.ClientSession() as session:
            api = Api(session, self.server.url, self._token)
            await self._write_some(api)
            restored = self._ledger.copy(), dict(self._schema.certain), dict(self._dropped.certain)
            await api.must("POST", "/api/backups", {"name": name})
            self._backups.append(name)
            self._before[name] = self._ledger.copy()
            await self._write_some(api)
            await api.must("POST", f"/api/backups/{name}/restore")
            # The restore starts a second later, unpacks, and starts the server anew.
            await asyncio.sleep(self._chance.uniform(0.9, 2.4))
        await asyncio.to_thread(self._kill)
        await asyncio.to_thread(self.server.start)
        stored, _ = await asyncio.to_thread(self.data.records)
        if stored == {key: values for key, values in restored[0].certain.items() if values is not None}:
            acknowledged = self._ledger.acknowledged
            self._ledger, self._schema.certain, self._dropped.certain = restored
            self._ledger.acknowledged = acknowledged
        # Else it must be the state of before, which the look after this finds out.
        await asyncio.to_thread(self._kill)

    async def _write_some(self, api: Api) -> None:
        writer = Writer(api, self._ledger, self._name(), self._chance)
        for _ in range(12):
            assert await writer.write()
        self.report.faults += [f"refused: {line}" for line in writer.refusals]

    # -- looking -----------------------------------------------------------------------------------------------------

    def _look(self) -> list[str]:
        self.report.unanswered += len(self._ledger.doubtful)
        faults = self.data.integrity()
        stored, missing = self.data.records()
        faults += missing
        faults += self._ledger.settle(stored)
        feed = self.data.feed()
        faults += [
            f"lost: feed rows of {key}: {feed.get(key)} instead of {actions}"
            for key, actions in self._ledger.actions.items()
            if feed.get(key) != actions
        ]
        schema, disagreements = self.data.schema()
        faults += disagreements + self._schema.settle(schema) + self._dropped.settle(self.data.dropped())
        faults += self._migrations.settle(*self.data.migrated())
        faults += self.data.strays()
        return faults + self.data.archives(self._backups, self._before)

    async def _round_trip(self) -> None:
        """After all this the server still reads, writes, and ends as it should."""
        async with aiohttp.ClientSession() as session:
            api = Api(session, self.server.url, self._token)
            await self._write_some(api)
            await api.must("GET", f"/api/collections/{clients.THINGS}/records?perPage=1")
            await api.must("GET", "/api/logs")
        code = await asyncio.to_thread(self.server.stop)
        if code != 0:
            self.report.faults.append(f"the server ended with {code}")
        self.report.faults += [f"after the end: {fault}" for fault in self._look()]
