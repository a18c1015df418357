"""A full disk: what cannot be stored is refused whole, reading goes on, and with new space so does writing."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import aiohttp
import pytest

from .clients import THINGS, Api, Writer, make_collections
from .inspection import DataDirectory
from .ledger import Ledger
from .server import ServerTree

#: Fills the disk of a server for the time of a block.
Full: TypeAlias = Callable[[], AbstractContextManager[None]]

NO_SPACE = "The server cannot store or read data at the moment. Try again later."


def _is_mounted(place: Path) -> bool:
    """A small disk of its own, where this user may make one."""
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def _ballast(place: Path) -> Iterator[None]:
    """Takes every byte that is left."""
    file = place / "ballast"
    with file.open("wb", buffering=0) as target:
        try:
            while target.write(bytes(4096)):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    try:
        yield
    finally:
        file.unlink()


@contextmanager
def _limit(server: ServerTree) -> Iterator[None]:
    """Lets no file of the server grow, for users who may not make disks."""
    server.limit_files(8192)
    try:
        yield
    finally:
        server.limit_files(None)


@pytest.fixture(params=["a disk without space", "files that may not grow"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ServerTree, Full]]:
    """A server, and what fills its disk."""
    data = tmp_path / "pb_data"
    data.mkdir()
    server = ServerTree(data)
    mounted = request.param == "a disk without space" and _is_mounted(data)
    try:
        yield server, (lambda: _ballast(data)) if mounted else (lambda: _limit(server))
    finally:
        if server.process is not None:
            server.kill()
        if mounted:
            subprocess.run(["umount", "-l", str(data)], check=True)


@pytest.fixture
async def api(place: tuple[ServerTree, Full]) -> AsyncIterator[Api]:
    server, _ = place
    await asyncio.to_thread(server.create_superuser)
    await asyncio.to_thread(server.start)
    async with aiohttp.ClientSession() as session:
        api = Api(session, server.url)
        await api.sign_in()
        await make_collections(api)
        yield api


async def test_a_full_disk_costs_nothing_that_was_acknowledged(place: tuple[ServerTree, Full], api: Api) -> None:
    server, full = place
    ledger, chance = Ledger(), random.Random(7)
    writers = [Writer(api, ledger, f"w{number:03d}", chance) for number in range(4)]

    async def write(times: int) -> list[str]:
        """Some writes of each writer, side by side; what was refused."""
        for writer in writers:
            writer.refusals.clear()

        async def some(writer: Writer) -> None:
            for _ in range(times):
                assert await writer.write()

        await asyncio.gather(*(some(writer) for writer in writers))
        refusals = [refusal for writer in writers for refusal in writer.refusals]
        for refusal in refusals:
            assert (refusal.status, refusal.answer) == (503, {"data": {}, "message": NO_SPACE, "status": 503}), refusal
        return [refusal.operation for refusal in refusals]

    assert await write(6) == []
    with full():
        # Some go on for a while: what was copied out of the write-ahead log leaves room in its file.
        refused: list[str] = []
        async with asyncio.timeout(60):
            while len(refused) < 12:
                refused += await write(3)
        listed = await api.must("GET", f"/api/collections/{THINGS}/records?perPage=500")
        assert listed["totalItems"] == len(ledger.live(THINGS))
        refused_backup, answer = await api.send("POST", "/api/backups", {"name": "full.zip"})
        assert (refused_backup, answer["status"]) == (503, 503)
        # Dying now is the worst moment; also a start needs no space for what is only to be read.
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert await api.must("GET", f"/api/collections/{THINGS}/records?perPage=500") == listed
    async with asyncio.timeout(30):
        while await write(1):
            continue
    assert await write(4) == []
    await api.must("POST", "/api/backups", {"name": "space.zip"})

    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    data = DataDirectory(server.dir)
    stored, missing = data.records()
    assert data.integrity() + missing + ledger.settle(stored) == []
    assert data.feed() == ledger.actions
    assert data.strays() + data.archives(["space.zip"], {}) == []
    assert sorted(os.listdir(server.dir / "backups")) == ["space.zip", "space.zip.attrs"]
