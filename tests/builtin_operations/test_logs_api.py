"""Reading the log over HTTP, with the filter language."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pbhost.testing import Running, running_app


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path, block=["dashboard"]) as running:
        assert running.app.db.auxiliary is not None
        await running.app.db.auxiliary.write(fill)
        yield running


def fill(transaction: Any) -> None:
    transaction.execute("DELETE FROM _logs")
    rows = [
        ("one", 0, "first message", '{"status":200,"auth":"users"}', "2022-05-01 10:00:00.123Z"),
        ("two", 8, "second message", '{"status":400}', "2022-05-01 10:59:59.999Z"),
        ("three", 8, "third message", '{"status":404}', "2022-05-02 10:00:00.123Z"),
    ]
    transaction.execute_many("INSERT INTO _logs (id, level, message, data, created) VALUES (?, ?, ?, ?, ?)", rows)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["one", "two", "three"]),
        ("?sort=-created", ["three", "two", "one"]),
        ("?sort=-@rowid", ["three", "two", "one"]),
        ("?sort=level,-id", ["one", "two", "three"]),
        ("?filter=level%3E0", ["two", "three"]),
        ("?filter=data.status%3D200", ["one"]),
        ("?filter=data.auth%3D'users'", ["one"]),
        ("?filter=message~'third'", ["three"]),
        ("?filter=created%3C'2022-05-02'", ["one", "two"]),
        ("?perPage=1&page=2", ["two"]),
        ("?perPage=5000&page=-1", ["one", "two", "three"]),
        ("?page=99999999999999999999", ["one", "two", "three"]),
        ("?page=999999999999999999", []),
    ],
)
async def test_lists(server: Running, query: str, ids: list[str]) -> None:
    answer: Any = await server.request("GET", f"/api/logs{query}", token=await server.superuser())
    assert answer.status == 200, answer.body
    assert [item["id"] for item in answer["items"]] == ids


async def test_the_envelope_and_an_entry(server: Running) -> None:
    root = await server.superuser()
    answer: Any = await server.request("GET", "/api/logs?perPage=2", token=root)
    assert (answer["page"], answer["perPage"], answer["totalItems"], answer["totalPages"]) == (1, 2, 3, 2)
    first = {
        "id": "one",
        "created": "2022-05-01 10:00:00.123Z",
        "data": {"status": 200, "auth": "users"},
        "message": "first message",
        "level": 0,
    }
    assert answer["items"][0] == first
    assert (await server.request("GET", "/api/logs/one", token=root)).body == first
    skipped: Any = await server.request("GET", "/api/logs?skipTotal=1", token=root)
    assert (skipped["totalItems"], skipped["totalPages"]) == (-1, -1)


@pytest.mark.parametrize("query", ["filter=nope%3D1", "filter=((", "sort=nope", "filter=@collection.users.id%3D1"])
async def test_what_cannot_be_filtered_is_refused(server: Running, query: str) -> None:
    answer = await server.request("GET", f"/api/logs?{query}", token=await server.superuser())
    assert (answer.status, answer["message"]) == (400, "Something went wrong while processing your request.")


async def test_totals_per_hour(server: Running) -> None:
    root = await server.superuser()
    assert (await server.request("GET", "/api/logs/stats", token=root)).body == [
        {"date": "2022-05-01 10:00:00.000Z", "total": 2},
        {"date": "2022-05-02 10:00:00.000Z", "total": 1},
    ]
    filtered = await server.request("GET", "/api/logs/stats?filter=level%3E0%26%26data.status%3D404", token=root)
    assert filtered.body == [{"date": "2022-05-02 10:00:00.000Z", "total": 1}]
    refused = await server.request("GET", "/api/logs/stats?filter=((", token=root)
    assert (refused.status, refused["message"]) == (400, "Invalid filter format.")
