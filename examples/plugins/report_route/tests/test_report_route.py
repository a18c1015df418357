"""The report as a client gets it, and as the server describes it."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import aiohttp
import pbhost_report_route
import pytest

from pbhost import hookimpl
from pbhost.errors import JSON
from pbhost.hooks.events import RecordEnrichEvent
from pbhost.testing import Answer, Client

FIELDS = [
    {"name": "title", "type": "text"},
    {"name": "price", "type": "number"},
    {"name": "tags", "type": "select", "values": ["a", "b"], "maxSelect": 2},
    {"name": "cost", "type": "number", "hidden": True},
    {"name": "owner", "type": "relation", "collectionId": "_pb_users_auth_", "maxSelect": 1},
]


class Trouble:
    """A plugin that fails for a certain record, when half of the report is out; or waits."""

    def __init__(self) -> None:
        self.title = ""
        self.gate: asyncio.Event | None = None
        self.arrived = asyncio.Semaphore(0)

    @hookimpl(collections=["goods"])
    async def on_record_enrich(self, event: RecordEnrichEvent) -> None:
        if self.gate is not None:
            self.arrived.release()
            await self.gate.wait()
        if event.record.text("title") == self.title:
            raise RuntimeError("the disk is on fire")


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def pbhost_plugins(trouble: Trouble) -> Sequence[object]:
    return pbhost_report_route.plugin, trouble


@pytest.fixture
def pbhost_options() -> Mapping[str, Mapping[str, JSON]]:
    return {"report_route": {"at_once": 2, "max_rows": 3000}}


@pytest.fixture
async def goods(superuser: Client, user: Client) -> Client:
    """A superuser, beside a collection whose records are listed by their owners."""
    body = {"name": "goods", "fields": FIELDS, "listRule": "owner = @request.auth.id"}
    made = await superuser.post("/api/collections", body)
    assert made.status == 200, made.body
    return superuser


async def fill(client: Client, owner: Client, count: int) -> None:
    assert owner.record is not None
    records = client.running.app.records
    async with client.running.app.transaction() as tx:
        for index in range(count):
            values = {
                "title": f"t{index:05}",
                "price": index / 4,
                "tags": ["a", "b"],
                "cost": 7,
                "owner": owner.record.id,
            }
            await records.create("goods", values, tx=tx)


async def report(client: Client, **query: str) -> Answer:
    return await client.get(f"/api/reports/goods?{urlencode(query)}")


def rows(answer: Answer, separator: str = ",") -> list[list[str]]:
    assert answer.status == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text, newline=""), delimiter=separator))


async def test_a_caller_gets_what_he_may_list(goods: Client, user: Client, guest: Client) -> None:
    await fill(goods, user, 3)
    await goods.post("/api/collections/goods/records", {"title": "of nobody"})
    answer = await report(user, columns="title, price,tags", sort="-title")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="goods.csv"'
    assert rows(answer) == [
        ["title", "price", "tags"],
        ["t00002", "0.5", '["a","b"]'],
        ["t00001", "0.25", '["a","b"]'],
        ["t00000", "0", '["a","b"]'],
    ]
    assert rows(await report(user))[0] == ["id", "title", "price", "tags", "owner"]
    assert len(rows(await report(goods))) == 5
    assert rows(await report(goods))[0] == ["id", "title", "price", "tags", "cost", "owner"]
    assert rows(await report(user, columns="title", filter="price > 0.25", separator="tab"), "\t") == [
        ["title"],
        ["t00002"],
    ]
    assert rows(await report(user, columns="title", filter="price > 99")) == [["title"]]
    assert (await report(guest)).status == 401
    head = await user.request("HEAD", "/api/reports/goods")
    assert (head.status, head.text) == (200, "")


async def test_what_a_caller_may_not_see_is_in_no_report(goods: Client, user: Client, guest: Client) -> None:
    await fill(goods, user, 1)
    for query, key in (
        ({"columns": "cost"}, "columns"),
        ({"columns": "title,nope"}, "columns"),
        ({"columns": "title,title"}, "columns"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "3001"}, "limit"),
        ({"separator": "pipe"}, "separator"),
        ({"filter": "price > 0 && " * 400}, "filter"),
    ):
        answer = await report(user, **query)
        assert (answer.status, answer["message"]) == (400, "The report cannot be made."), query
        assert list(answer["data"] or ()) == [key]  # type: ignore[arg-type]  # JSON of the answer
    # A filter on a hidden field would tell of its values.
    for words in (
        {"filter": "cost = 7"},
        {"sort": "cost"},
        {"filter": "nope = 1"},
        {"filter": "@collection.users.id != ''"},
    ):
        assert (await report(user, **words)).status in (400, 403), words
    assert (await user.get("/api/reports/nothing")).status == 404
    assert (await user.get("/api/reports/_superusers")).status == 403
    await goods.patch("/api/collections/users", {"listRule": ""})
    await goods.running.app.records.create("users", {"email": "ann@example.com", "password": "password-of-ann"})
    emails = [row[1:] for row in rows(await user.get("/api/reports/users?columns=id,email"))[1:]]
    assert sorted(emails) == [[""], ["user@example.com"]]
    everything = await user.get("/api/reports/users")
    assert "password" not in rows(everything)[0]


async def test_a_long_report_is_streamed_whole(goods: Client, user: Client) -> None:
    await fill(goods, user, 1234)
    found = rows(await report(user, columns="title", sort="title"))
    assert [row[0] for row in found[1:]] == [f"t{index:05}" for index in range(1234)]
    assert len(rows(await report(user, columns="title", limit="501"))) == 502


async def test_text_cannot_become_a_formula(goods: Client, user: Client) -> None:
    assert user.record is not None
    for title in ("=1+1", "@SUM(A1)", "+5", "-5", 'say "hi", all', "two\nlines"):
        await goods.running.app.records.create("goods", {"title": title, "price": -5, "owner": user.record.id})
    found = rows(await report(user, columns="title,price"))
    assert {row[0] for row in found[1:]} == {"'=1+1", "'@SUM(A1)", "'+5", "'-5", 'say "hi", all', "two\nlines"}
    assert {row[1] for row in found[1:]} == {"-5"}


async def test_a_report_that_fails_halfway_breaks_off(goods: Client, user: Client, trouble: Trouble) -> None:
    await fill(goods, user, 600)
    trouble.title = "t00550"
    with pytest.raises(aiohttp.ClientError):
        await report(user, sort="title")
    trouble.title = "t00003"
    assert (await report(user, sort="title")).status == 500


async def test_only_so_many_are_made_at_once(goods: Client, user: Client, trouble: Trouble) -> None:
    await fill(goods, user, 1)
    trouble.gate = asyncio.Event()
    making = [asyncio.create_task(report(user)) for _ in range(2)]
    for _ in making:
        await trouble.arrived.acquire()
    assert (await report(user)).status == 429
    trouble.gate.set()
    assert [(await task).status for task in making] == [200, 200]
    assert (await report(user)).status == 200


async def test_the_server_describes_the_route(goods: Client) -> None:
    document = await goods.get("/api/openapi.json")
    operation = document.at("paths", "/api/reports/{collection}", "get")
    assert isinstance(operation, dict)
    assert operation["summary"] == "The records of a collection that the caller may list, as CSV"
    assert operation["security"] == [{"token": []}]
    assert document.at("paths", "/api/reports/{collection}", "get", "responses", "200", "content") == {
        "text/csv": {"schema": {"type": "string"}}
    }
    parameters = operation["parameters"]
    assert isinstance(parameters, list)
    names = [item["name"] for item in parameters if isinstance(item, dict)]
    assert names == ["collection", "columns", "filter", "sort", "limit", "separator"]
