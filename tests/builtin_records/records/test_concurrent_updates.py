"""Several who change one record at once: what one of them did not touch, or only added to, is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pbhost import hookimpl
from pbhost.hooks.events import RecordRequestEvent
from pbhost.model import Record
from pbhost.testing import Running, running_app

FIELDS = [
    {"name": "title", "type": "text"},
    {"name": "note", "type": "text"},
    {"name": "votes", "type": "number"},
    {"name": "tags", "type": "select", "maxSelect": 40, "values": [f"t{number}" for number in range(40)]},
    {"name": "papers", "type": "file", "maxSelect": 40},
]
MANY = 20


class Slow:
    """A request hook that waits, so that the row is read long before it is written."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.waiting = 0

    @hookimpl
    async def on_record_update_request(self, event: RecordRequestEvent) -> None:
        self.waiting += 1
        if self.waiting >= MANY:
            self.gate.set()
        async with asyncio.timeout(10):
            await self.gate.wait()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def running(tmp_path: Path, slow: Slow) -> AsyncIterator[Running]:
    async with running_app(tmp_path, slow) as running:
        token = await running.superuser()
        made = await running.request(
            "POST",
            "/api/collections",
            {"name": "posts", "type": "base", "fields": FIELDS, "updateRule": ""},
            token=token,
        )
        assert made.status == 200, made.body
        yield running


async def test_additions_of_many_requests_are_all_there(running: Running) -> None:
    record = await running.app.records.create("posts", {"votes": 1, "tags": ["t39"], "title": "as it was"})
    path = f"/api/collections/posts/records/{record.id}"
    answers = await asyncio.gather(
        *(running.request("PATCH", path, {"votes+": 2, "tags+": f"t{number}"}) for number in range(MANY))
    )
    assert [answer.status for answer in answers] == [200] * MANY
    after = await running.app.records.get("posts", record.id)
    assert after["votes"] == 1 + 2 * MANY
    assert after["tags"] is not None
    assert sorted(map(str, _list(after["tags"]))) == sorted(["t39", *(f"t{number}" for number in range(MANY))])


async def test_uploads_of_many_requests_are_all_there(running: Running) -> None:
    import aiohttp

    record = await running.app.records.create("posts", {})
    path = f"/api/collections/posts/records/{record.id}"

    def form(number: int) -> aiohttp.FormData:
        data = aiohttp.FormData()
        data.add_field("papers+", f"paper {number}".encode(), filename=f"paper{number}.txt")
        return data

    answers = await asyncio.gather(*(running.request("PATCH", path, data=form(number)) for number in range(MANY)))
    assert [answer.status for answer in answers] == [200] * MANY
    after = await running.app.records.get("posts", record.id)
    names = list(map(str, _list(after["papers"])))
    assert len(set(names)) == MANY
    contents = {(await running.request("GET", f"/api/files/posts/{record.id}/{name}")).text for name in names}
    assert contents == {f"paper {number}" for number in range(MANY)}


async def test_code_that_updates_or_saves_loses_nothing_of_others(running: Running) -> None:
    records = running.app.records
    record = await records.create("posts", {"votes": 0})
    held = await records.get("posts", record.id)
    held["note"] = "of the one who held it"
    await asyncio.gather(
        *(records.update("posts", record.id, {"votes+": 1}) for _ in range(MANY)),
        records.update("posts", record.id, {"title": "new"}),
    )
    await records.save(held)
    after = await records.get("posts", record.id)
    assert (after["votes"], after["title"], after["note"]) == (MANY, "new", "of the one who held it")


@pytest.mark.parametrize(
    ("before", "changed", "now", "merged"),
    [
        (5, 7, 10, 12),
        (5.5, 5, 1, 0.5),
        (["a", "b"], ["a", "b", "c"], ["a", "d"], ["a", "d", "c"]),
        (["a", "b"], ["c", "a", "b"], ["a", "d"], ["c", "a", "d"]),
        (["a"], ["c", "a", "b"], ["a", "d"], ["c", "a", "d", "b"]),
        (["a", "b"], ["b"], ["a", "b", "c"], ["b", "c"]),
        (["a"], ["a", "b"], ["b", "a"], ["b", "a"]),
        ("a", "b", "c", "b"),
    ],
)
def test_a_change_is_made_again_on_the_newer_value(
    before: object, changed: object, now: object, merged: object, posts: Record
) -> None:
    mine = posts.copy()
    mine.put("value", before)
    mine.mark_stored()
    newer = mine.copy()
    newer.put("value", now)
    mine.put("value", changed)
    mine.rebase(newer, relative={"value"})
    assert mine["value"] == merged
    mine.rebase(newer, relative={"value"})
    assert mine["value"] == merged


@pytest.fixture
def posts() -> Record:
    from pbhost.model import Collection

    return Record.stored(Collection(id="c1", name="posts"), {"id": "r1", "value": None})


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value
