"""Lists whose results are kept: only those that the same rows give again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_sqlite import kept_rows

from pbhost.errors import JSON
from pbhost.testing import Running, running_app

COLLECTIONS = (
    {"name": "posts", "type": "base", "fields": [{"name": "title", "type": "text"}]},
    {"name": "fixed", "type": "view", "viewQuery": "SELECT id, title FROM posts"},
    {"name": "timed", "type": "view", "viewQuery": "SELECT id, strftime('%f', 'now') AS at FROM posts"},
)


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(kept_rows, "_SLOW", 0.0)  # every list counts as slow
    async with running_app(tmp_path) as running:
        token = await running.superuser()
        for collection in COLLECTIONS:
            made = await running.request("POST", "/api/collections", {**collection, "listRule": ""}, token=token)
            assert made.status == 200, made.body
        for number in range(12):
            await running.app.records.create("posts", {"title": f"post {number:02}"})
        yield running


async def items(running: Running, path: str) -> JSON:
    answer = await running.request("GET", f"/api/collections/{path}")
    assert answer.status == 200, answer.body
    return answer["items"]


async def test_a_list_follows_every_write(running: Running) -> None:
    for path in ("posts/records?sort=title&perPage=100", "fixed/records?sort=title&perPage=100"):
        before = await items(running, path)
        made = await running.app.records.create("posts", {"title": "a new one"})
        after = await items(running, path)
        assert isinstance(before, list)
        assert isinstance(after, list)
        assert len(after) == len(before) + 1
        await running.app.records.delete(made)
        assert await items(running, path) == before


async def test_a_random_order_is_another_each_time(running: Running) -> None:
    orders = {str(await items(running, "posts/records?sort=@random")) for _ in range(5)}
    assert len(orders) > 1  # the chance of five equal orders of twelve is one in 10^34


async def test_a_view_that_asks_for_the_time_is_read_each_time(running: Running) -> None:
    times = {str(await items(running, "timed/records?perPage=1")) for _ in range(50)}
    assert len(times) > 1  # milliseconds, over fifty requests
