"""What is logged, when it reaches the database, and how long it stays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import pytest

from pbhost.database import Sql
from pbhost.services import Logs
from pbhost.testing import Running

ROOT = "token-of-a-superuser"
Start = Callable[..., AbstractAsyncContextManager[Running]]


class Everything:
    """All rows; stands in for the filter language."""

    def __init__(self, order: str = "rowid") -> None:
        self.order = order

    def select(self, columns: Sequence[str], *, limit: int = 0, offset: int = 0) -> Sql:
        text = f"SELECT {', '.join(columns)} FROM _logs ORDER BY {self.order}"
        return Sql(f"{text} LIMIT {limit} OFFSET {offset}" if limit else text)

    def count(self) -> Sql:
        return Sql("SELECT count(*) FROM _logs")


async def entries(server: Running) -> list[dict[str, Any]]:
    logs = cast(Any, server.app.logs)
    await logs.flush()
    page = await logs.store.page(Everything("rowid"), limit=1000, offset=0, count=True)
    assert page.total == len(page.items)
    return cast("list[dict[str, Any]]", page.items)


async def test_requests_are_logged_with_their_outcome(server: Running) -> None:
    await server.request("GET", "/api/health?x=%20y", headers={"Referer": "http://r/", "User-Agent": "me"})
    await server.request("GET", "/api/settings")
    ok, failed = await entries(server)
    assert (ok["level"], ok["message"]) == (0, "GET /api/health?x= y")
    assert ok["data"]["status"] == 200
    assert (ok["data"]["referer"], ok["data"]["userAgent"]) == ("http://r/", "me")
    assert ok["data"]["userIP"] == ok["data"]["remoteIP"] == "127.0.0.1"
    assert (failed["level"], failed["data"]["status"]) == (8, 401)
    assert failed["data"]["error"] == "The request requires valid record authorization token."


async def test_the_settings_say_what_an_entry_tells(server: Running) -> None:
    await server.app.settings.update({"logs": {"logIP": False, "logAuthId": True}})
    await server.request("GET", "/api/settings", token=ROOT)
    (entry,) = await entries(server)
    assert "userIP" not in entry["data"]
    assert entry["data"]["auth"] == "_superusers"
    assert "authId" in entry["data"]


async def test_levels_below_the_minimum_are_dropped(server: Running) -> None:
    await server.app.settings.update({"logs": {"minLevel": 4}})
    server.app.logs.write(0, "dropped")
    server.app.logs.write(4, "kept", {"odd": cast(Any, object())})
    await server.request("GET", "/api/health")
    await server.request("GET", "/api/settings")
    assert [entry["message"] for entry in await entries(server)] == ["kept", "GET /api/settings"]


async def test_retention_of_no_days_stores_nothing_and_deletes_the_rest(server: Running) -> None:
    server.app.logs.write(0, "old")
    assert len(await entries(server)) == 1
    await server.app.settings.update({"logs": {"maxDays": 0}})
    server.app.logs.write(8, "not stored")
    await cast(Any, server.app.logs).purge()
    assert await entries(server) == []


async def test_opening_a_directory_deletes_nothing(start: Start) -> None:
    async with start() as server:
        logs: Any = server.app.logs
        server.app.logs.write(0, "kept")
        await logs.flush()
        sql = "UPDATE _logs SET created = '2001-01-01 00:00:00.000Z'"
        assert server.app.db.auxiliary is not None
        await server.app.db.auxiliary.write(lambda transaction: transaction.execute(sql))
    async with start() as server:
        assert [entry["message"] for entry in await entries(server)] == ["kept"]
        await cast(Any, server.app.logs).purge()
        assert await entries(server) == []


async def test_warnings_of_the_server_are_logged_with_their_traceback(server: Running) -> None:
    try:
        raise RuntimeError("the reason")
    except RuntimeError:
        logging.getLogger("pbhost.anything").error("it failed", exc_info=True)
    await server.request("GET", "/api/health")
    found = [entry for entry in await entries(server) if entry["message"] == "it failed"]
    assert found[0]["level"] == 8
    assert "RuntimeError: the reason" in found[0]["data"]["traceback"]


async def test_a_full_batch_is_stored_without_waiting(server: Running) -> None:
    logs: Any = server.app.logs
    for number in range(250):
        server.app.logs.write(0, f"entry {number}")
    async with asyncio.timeout(2):
        while (await logs.store.page(Everything(), limit=1, offset=0, count=True)).total < 200:
            await asyncio.sleep(0.01)


async def test_entries_are_stored_at_shutdown(start: Start) -> None:
    async with start() as server:
        server.app.logs.write(0, "last words")
    async with start() as server:
        assert [entry["message"] for entry in await entries(server)] == ["last words"]


async def test_memory_is_bounded_when_the_database_does_not_keep_up(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs: Any = server.app.logs
    monkeypatch.setattr(logs, "_start_flush", lambda: None)
    write = cast(Logs, logs).write
    for _ in range(50_500):
        write(0, "x")
    assert len(logs._queue) == 50_000
    await logs.flush()
    page = await logs.store.page(Everything("message <> 'x' DESC"), limit=1, offset=0, count=True)
    assert [item["message"] for item in page.items] == ["500 log entries were dropped: the database did not keep up"]


async def test_reading_the_log_is_not_logged_but_failing_to_is(server: Running) -> None:
    await server.request("GET", "/api/logs/missing", token=ROOT)
    await server.request("GET", "/api/health", token=ROOT)
    assert [entry["data"]["status"] for entry in await entries(server)] == [404, 200]


async def test_headers_that_are_no_text_do_not_lose_other_entries(server: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\xfe\r\nReferer: \xc3\x28\r\nConnection: close\r\n\r\n"
    )
    assert b" 200 " in await reader.read()
    writer.close()
    await writer.wait_closed()
    await server.request("GET", "/api/health")
    assert [entry["data"]["status"] for entry in await entries(server)] == [200, 200]
