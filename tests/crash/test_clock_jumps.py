"""A clock that jumps by hours and days, forth and back: what was written stays in order, and nobody is locked out."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from . import moving_clock
from .clients import Api
from .inspection import DataDirectory
from .server import ServerTree

HOUR, DAY = 3600, 86_400
JUMPS = "crash_jumps"
#: From the true time, one after the other.
OFFSETS = (0, 2 * DAY, -5 * HOUR, 30 * DAY, 0)


class JumpingServer(ServerTree):
    """A server whose clock can be moved."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        super().__init__(directory, *arguments)
        self.plugins = directory.parent / "pb_plugins"
        self.plugins.mkdir()
        shutil.copy(moving_clock.__file__, self.plugins / "moving_clock.py")

    def jump(self, seconds: float) -> None:
        """Moves the clock so far from the true time, at once and for all workers."""
        draft = self.plugins / "offset.new"
        draft.write_text(str(seconds))
        draft.rename(self.plugins / "offset")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JumpingServer]:
    server = JumpingServer(tmp_path_factory.mktemp("clock") / "pb_data")
    server.create_superuser()
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def api(server: JumpingServer) -> AsyncIterator[Api]:
    server.jump(0)
    async with aiohttp.ClientSession() as session:
        api = Api(session, server.url)
        await api.sign_in()
        dates = [
            {"name": "created", "type": "autodate", "onCreate": True},
            {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
        ]
        body = {"name": JUMPS, "type": "base", "fields": [{"name": "n", "type": "number"}, *dates], "createRule": ""}
        status, _ = await api.send("GET", f"/api/collections/{JUMPS}")
        if status == 404:
            await api.must("POST", "/api/collections", body)
        yield api


def seconds_of(value: object) -> float:
    """A stored date in seconds since 1970."""
    return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()


async def test_dates_tokens_and_order_follow_a_clock_that_jumps(server: JumpingServer, api: Api) -> None:
    records = f"/api/collections/{JUMPS}/records"
    made: list[str] = []
    first_token, began = api.token, time.time()
    for number, offset in enumerate(OFFSETS):
        server.jump(offset)
        await api.sign_in()
        record = await api.must("POST", records, {"n": number})
        made.append(str(record["id"]))
        assert abs(seconds_of(record["created"]) - time.time() - offset) < 60
        # Dates are those of the clock, also where that is before those of an earlier write.
        changed = await api.must("PATCH", f"{records}/{made[0]}", {"n": 100 + number})
        assert abs(seconds_of(changed["updated"]) - time.time() - offset) < 60
        if number:
            assert changed["updated"] != changed["created"]
        # A superuser's token lasts a day, by whatever clock there is.
        own_token, api.token = api.token, first_token
        status, _ = await api.send("GET", "/api/settings")
        assert (offset, status) == (offset, 401 if offset > DAY else 200)
        api.token = own_token

    assert await asyncio.to_thread(server.stop) == 0
    await asyncio.to_thread(server.start)
    data = DataDirectory(server.dir)
    assert data.integrity() + data.strays() == []
    with data.open("data.db") as raw:
        changes = (
            f"SELECT action, record_id FROM _pbhost_changes WHERE record_id IN (SELECT id FROM {JUMPS}) ORDER BY seq"
        )
        rows = raw.execute(changes).fetchall()
    assert rows == [step for id_ in made for step in (("create", id_), ("update", made[0]))]
    with data.open("auxiliary.db") as raw:
        entries = f"SELECT created FROM _logs WHERE message = 'POST {records}' ORDER BY rowid"
        logged = [seconds_of(created) - began for (created,) in raw.execute(entries)]
    assert [round(seconds / HOUR) for seconds in logged] == [offset // HOUR for offset in OFFSETS]


async def test_backups_of_one_moment_have_names_of_their_own(server: JumpingServer, api: Api) -> None:
    moment = 2_000_000_000
    for _ in range(2):
        server.jump(moment - time.time())
        await api.sign_in()
        await api.must("POST", "/api/backups")
        server.jump(0)
        await api.sign_in()
    answer = await api.must("GET", "/api/backups")
    assert isinstance(answer["items"], list)
    names = [item["key"] for item in answer["items"]]
    assert len(names) == 2
    assert all(name.startswith("pb_backup_acme_203305180333") for name in names)


async def test_rate_limits_and_sign_in_recover_when_the_clock_is_set_back(server: JumpingServer, api: Api) -> None:
    server.jump(3 * DAY)
    await api.sign_in()
    rules = [{"label": f"{JUMPS}:create", "maxRequests": 2, "duration": 1, "audience": ""}]
    await api.must("PATCH", "/api/settings", {"rateLimits": {"enabled": True, "rules": rules}})
    guest = Api(api.session, server.url)
    statuses = [(await guest.send("POST", f"/api/collections/{JUMPS}/records", {}))[0] for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    server.jump(0)
    async with asyncio.timeout(20):
        while (await guest.send("POST", f"/api/collections/{JUMPS}/records", {}))[0] != 200:
            await asyncio.sleep(0.05)
    await api.sign_in()
