"""The HTTP API of collections: answers and refusals as a superuser sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_records.api.collections import collection_routes
from builtin_records.collections import CollectionsService

from pbhost.app import App
from pbhost.errors import JSON
from pbhost.hooks import hookimpl
from pbhost.http import Route
from pbhost.model import Collection, Record
from pbhost.testing import Answer, Running, running_app

from .conftest import SchemaPlugin


class RootAuth:
    """Takes the token ``root`` for a superuser and ``user`` for somebody."""

    def cached_identity(self, token: str) -> Record | None:
        name = {"root": "_superusers", "user": "users"}.get(token)
        return Record(Collection(id=f"id of {name}", name=name)) if name else None

    async def identify(self, token: str) -> Record | None:
        return None


class ApiPlugin(SchemaPlugin):
    """The schema service with its routes."""

    NAME = "schema"

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        service = app.collections
        assert isinstance(service, CollectionsService)
        return collection_routes(app, service)

    @hookimpl
    def provide_auth(self) -> RootAuth:
        return RootAuth()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path, ApiPlugin(), only=("sqlite",)) as running:
        yield running


async def call(server: Running, method: str, path: str, body: object = None, token: str = "root") -> Answer:
    return await server.request(method, f"/api/collections{path}", body, token=token)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/_mfas"),
        ("PATCH", "/_mfas"),
        ("DELETE", "/_mfas"),
        ("DELETE", "/_mfas/truncate"),
        ("PUT", "/import"),
        ("GET", "/meta/scaffolds"),
        ("POST", "/meta/dry-run-view"),
    ],
)
async def test_only_superusers_may(server: Running, method: str, path: str) -> None:
    assert (await call(server, method, path, token="")).status == 401
    assert (await call(server, method, path, token="user")).status == 403


async def test_a_collection_is_created_viewed_changed_and_deleted(server: Running) -> None:
    created = await call(
        server,
        "POST",
        "",
        {
            "NAME": "new",
            "fields": [{"type": "text", "id": "12345789", "name": "test"}],
            "created": "2000-01-01",
            "unknown": 1,
        },
    )
    assert created.status == 200
    assert created["fields"] == [
        {
            "autogeneratePattern": "[a-z0-9]{15}",
            "help": "",
            "hidden": False,
            "id": "text3208210256",
            "max": 15,
            "min": 15,
            "name": "id",
            "pattern": "^[a-z0-9]+$",
            "presentable": False,
            "primaryKey": True,
            "required": True,
            "system": True,
            "type": "text",
        },
        {
            "autogeneratePattern": "",
            "help": "",
            "hidden": False,
            "id": "12345789",
            "max": 0,
            "min": 0,
            "name": "test",
            "pattern": "",
            "presentable": False,
            "primaryKey": False,
            "required": False,
            "system": False,
            "type": "text",
        },
    ]
    assert str(created["created"]) > "2020"
    assert list(created.body or ()) == [
        "id",
        "listRule",
        "viewRule",
        "createRule",
        "updateRule",
        "deleteRule",
        "name",
        "type",
        "fields",
        "indexes",
        "created",
        "updated",
        "system",
    ]
    assert (await call(server, "GET", "/NEW")).body == created.body
    changed = await call(server, "PATCH", f"/{created['id']}", {"listRule": "test = 'a'", "created": "2000-01-01"})
    assert (changed["listRule"], changed["created"]) == ("test = 'a'", "2000-01-01 00:00:00.000Z")
    cleared = await call(server, "PATCH", "/new", {"listRule": None, "name": None, "fields": None})
    assert (cleared["listRule"], cleared["name"]) == (None, "new")
    assert len(cleared["fields"] if isinstance(cleared["fields"], list) else []) == 1
    deleted = await call(server, "DELETE", "/new")
    assert (deleted.status, deleted.body) == (204, None)
    assert (await call(server, "GET", "/new")).status == 404


async def test_the_list_is_filtered_sorted_and_paged(server: Running) -> None:
    everything = await call(server, "GET", "")
    assert (everything["page"], everything["perPage"]) == (1, 30)
    assert (everything["totalItems"], everything["totalPages"]) == (4, 1)
    assert names(everything) == ["_mfas", "_otps", "_externalAuths", "_authOrigins"]
    page = await call(server, "GET", "?page=2&perPage=1&sort=-name&filter=name~'s'%26%26system=true")
    assert (names(page), page["totalItems"], page["totalPages"]) == (["_mfas"], 4, 4)
    assert (await call(server, "GET", "?skipTotal=1"))["totalItems"] == -1
    assert (await call(server, "GET", "?fields=name"))["items"] == [{"name": name} for name in names(everything)]
    for query in ("filter=missing=1", "sort=missing", "page=x", "filter=name ="):
        refused = await call(server, "GET", f"?{query}")
        assert (refused.status, refused["data"]) == (400, {})


def names(answer: Answer) -> list[str]:
    items = answer["items"]
    assert isinstance(items, list)
    return [str(item["name"]) for item in items if isinstance(item, dict)]


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "", [], "Failed to load the collection type data due to invalid formatting."),
        ("POST", "", {"name": 5}, "Failed to load the submitted data due to invalid formatting."),
        (
            "POST",
            "",
            {"name": "x", "fields": [{"type": "nope", "name": "a"}]},
            "Failed to load the submitted data due to invalid formatting.",
        ),
        ("POST", "", {}, "Failed to create collection."),
        ("PATCH", "/_mfas", {"name": "x"}, "Failed to update collection."),
        (
            "PATCH",
            "/_mfas",
            {"id": "other"},
            "Failed to update collection. Raw error: \n"
            "failed to retrieve old cached collection: sql: no rows in result set.",
        ),
        ("DELETE", "/_mfas", None, "Failed to delete collection."),
        ("PUT", "/import", {"collections": []}, "An error occurred while validating the submitted data."),
        ("PUT", "/import", {"collections": 5}, "An error occurred while loading the submitted data."),
        ("POST", "/meta/dry-run-view", {}, "An error occurred while validating the submitted data."),
        ("POST", "/meta/dry-run-view", {"query": "x" * 5001}, "An error occurred while validating the submitted data."),
    ],
)
async def test_refusals(server: Running, method: str, path: str, body: object, message: str) -> None:
    refused = await call(server, method, path, body)
    assert (refused.status, refused["message"]) == (400, message)


async def test_scaffolds_show_the_defaults(server: Running) -> None:
    scaffolds = await call(server, "GET", "/meta/scaffolds")
    base, view = scaffolds["base"], scaffolds["view"]
    assert isinstance(base, dict)
    assert isinstance(view, dict)
    assert (base["id"], base["name"], base["created"], base["type"]) == ("", "", "", "base")
    assert (view["fields"], view["viewQuery"]) == ([], "")


async def test_a_view_query_is_tried_without_leaving_anything(server: Running) -> None:
    tried = await call(server, "POST", "/meta/dry-run-view", {"query": "select 1 as id, (2+3) as n, 'x' as t;  "})
    assert tried.status == 200
    fields = tried["fields"]
    assert isinstance(fields, list)
    assert [(item["name"], item["type"]) for item in fields if isinstance(item, dict)] == [
        ("id", "text"),
        ("n", "json"),
        ("t", "json"),
    ]
    sample = tried["sample"]
    assert isinstance(sample, list)
    assert isinstance(sample[0], dict)
    assert (sample[0]["id"], sample[0]["n"], sample[0]["t"]) == ("1", 5, "x")
    for query in (
        "CREATE TABLE t1(x INT)",
        "select 1 as id; select 2 as id",
        "select * from _mfas",
        "select id from missing",
        "select 1 as a",
        "select '' as id",
        "select 1 as id union select 1 as id",
        "select id from (select 1 as id union all select 1 as id)",
        "select 1 as id, count(*)",
        "select 1 as id) union select (2",
        "delete from _mfas",
        "select 'open",
    ):
        refused = await call(server, "POST", "/meta/dry-run-view", {"query": query})
        assert refused.status == 400, query
        assert str(refused["message"]).startswith("Invalid view query. Raw error: \n"), query
    left = await server.app.db.read(
        lambda connection: connection.fetch_all("SELECT 1 FROM sqlite_master WHERE name LIKE '_temp%' OR name = 't1'")
    )
    assert left == []


async def test_an_import_is_all_or_nothing(server: Running) -> None:
    body: dict[str, JSON] = {
        "collections": [
            {"name": "look", "type": "view", "viewQuery": "select id, title from posts"},
            {
                "id": "custom_posts_id",
                "name": "posts",
                "fields": [
                    {"type": "text", "name": "title"},
                    {"type": "relation", "name": "twin", "collectionId": "custom_twins_id"},
                ],
            },
            {"id": "custom_twins_id", "name": "twins", "listRule": "posts_via_twin.title = 'a'"},
        ]
    }
    assert (await call(server, "PUT", "/import", body)).status == 204
    assert names(await call(server, "GET", "?filter=system=false")) == ["posts", "twins", "look"]
    broken: dict[str, JSON] = {
        "collections": [{"name": "good"}, {"id": "custom_posts_id", "listRule": "missing = 1"}],
        "deleteMissing": True,
    }
    refused = await call(server, "PUT", "/import", broken)
    assert (refused.status, refused["message"]) == (400, "Failed to import collections.")
    data = refused["data"]
    assert isinstance(data, dict)
    assert isinstance(data["collections"], dict)
    assert data["collections"]["code"] == "validation_collections_import_failure"
    assert "validation_invalid_rule" in str(data["collections"]["message"])
    assert names(await call(server, "GET", "?filter=system=false")) == ["posts", "twins", "look"]
    kept: dict[str, JSON] = {"collections": [{"id": "custom_posts_id", "name": "articles"}], "deleteMissing": True}
    assert (await call(server, "PUT", "/import", kept)).status == 204
    assert names(await call(server, "GET", "?filter=system=false")) == ["articles"]
    articles = await call(server, "GET", "/articles")
    fields = articles["fields"]
    assert isinstance(fields, list)
    assert [item["name"] for item in fields if isinstance(item, dict)] == ["id"]
