"""Collections on a server with all built-ins: what a change means for records, files, settings and sign-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from pbhost.app import App
from pbhost.errors import JSON, NotFoundError
from pbhost.hooks import hookimpl
from pbhost.hooks.events import CollectionRequestEvent, CollectionsImportRequestEvent, CollectionsListRequestEvent
from pbhost.model import Collection
from pbhost.testing import Answer, Running, running_app


class Recorder:
    """Notes the request hooks of collections; hides one collection from lists, refuses to delete another."""

    NAME = "recorder"

    def __init__(self) -> None:
        self.seen: list[str] = []

    @hookimpl
    async def on_collections_list_request(self, event: CollectionsListRequestEvent) -> None:
        self.seen.append("list")
        event.collections = [item for item in event.collections if item.name != "users"]

    @hookimpl
    def on_collection_view_request(self, event: CollectionRequestEvent) -> None:
        self.seen.append(f"view {event.collection.name}")

    @hookimpl
    def on_collection_create_request(self, event: CollectionRequestEvent) -> None:
        self.seen.append(f"create {event.collection.name}")

    @hookimpl
    def on_collection_update_request(self, event: CollectionRequestEvent) -> None:
        self.seen.append(f"update {event.collection.name}")

    @hookimpl
    def on_collection_delete_request(self, event: CollectionRequestEvent) -> None:
        self.seen.append(f"delete {event.collection.name}")

    @hookimpl
    def on_collections_import_request(self, event: CollectionsImportRequestEvent) -> None:
        self.seen.append(f"import {len(event.collections_data)} {event.delete_missing}")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def server(tmp_path: Path, recorder: Recorder) -> AsyncIterator[Running]:
    async with running_app(tmp_path, recorder) as running:
        yield running


async def call(server: Running, method: str, path: str, body: object = None) -> Answer:
    return await server.request(method, f"/api{path}", body, token=await server.superuser())


async def test_request_hooks_fire_and_change_the_answer(server: Running, recorder: Recorder) -> None:
    assert (await call(server, "POST", "/collections", {"name": "posts"})).status == 200
    listed = await call(server, "GET", "/collections?filter=system=false&fields=name")
    assert listed["items"] == [{"name": "posts"}]
    await call(server, "GET", "/collections/posts")
    await call(server, "PATCH", "/collections/posts", {"name": "notes"})
    await call(server, "PUT", "/collections/import", {"collections": [{"name": "more"}]})
    await call(server, "DELETE", "/collections/notes")
    assert recorder.seen == ["create posts", "list", "view posts", "update notes", "import 1 False", "delete notes"]


async def test_an_auth_collection_needs_no_more_than_a_name(server: Running) -> None:
    made = await call(server, "POST", "/collections", {"name": "members", "type": "auth"})
    assert made.status == 200
    fields = made["fields"]
    assert isinstance(fields, list)
    assert [item["name"] for item in fields if isinstance(item, dict)] == [
        "id",
        "password",
        "tokenKey",
        "email",
        "emailVisibility",
        "verified",
    ]
    assert made["indexes"] == [
        f"CREATE UNIQUE INDEX `idx_tokenKey_{made['id']}` ON `members` (`tokenKey`)",
        f"CREATE UNIQUE INDEX `idx_email_{made['id']}` ON `members` (`email`) WHERE `email` != ''",
    ]
    assert '"secret"' not in str(made.body).replace("'", '"')
    before = server.app.collections.get("members").options["authToken"]
    renamed = await call(server, "PATCH", "/collections/members", {"name": "people", "authToken": {"duration": 99}})
    assert renamed.status == 200
    after = server.app.collections.get("people").options["authToken"]
    assert isinstance(before, dict)
    assert after == {"secret": before["secret"], "duration": 99}
    wrong: JSON = [{"type": "text", "name": "email"}]
    refused = await call(server, "POST", "/collections", {"name": "odd", "type": "auth", "fields": wrong})
    assert refused.status == 400


async def test_a_rename_takes_the_rate_limits_along(server: Running) -> None:
    await call(server, "POST", "/collections", {"name": "posts"})
    rules: JSON = [{"label": "posts:list", "duration": 10, "maxRequests": 100}]
    assert (await call(server, "PATCH", "/settings", {"rateLimits": {"rules": rules}})).status == 200
    assert (await call(server, "PATCH", "/collections/posts", {"name": "notes"})).status == 200
    limits = (await call(server, "GET", "/settings"))["rateLimits"]
    assert isinstance(limits, dict)
    assert isinstance(limits["rules"], list)
    assert [item["label"] for item in limits["rules"] if isinstance(item, dict)] == ["notes:list"]


async def test_a_transaction_of_code_takes_everything_along_or_nothing(server: Running) -> None:
    app = server.app
    await call(server, "POST", "/collections", {"name": "posts", "fields": [{"type": "file", "name": "doc"}]})
    rules: JSON = [{"label": "posts:list", "duration": 10, "maxRequests": 100}]
    await call(server, "PATCH", "/settings", {"rateLimits": {"rules": rules}})
    form = aiohttp.FormData()
    form.add_field("doc", b"hello", filename="hello.txt")
    await server.request("POST", "/api/collections/posts/records", data=form, token=await server.superuser())
    folder = app.config.dir / "storage" / app.collections.get("posts").id
    renamed = app.collections.get("posts").copy()
    renamed.name = "notes"
    with pytest.raises(NotFoundError):
        await rename_delete_and_fail(app, renamed)
    assert app.collections.find("posts") is not None
    assert [path.name for path in folder.iterdir()] != []
    assert str(app.settings.section("rateLimits")["rules"]).count("posts:list") == 1
    async with app.transaction() as tx:
        await app.collections.save(renamed, tx=tx)
    assert app.collections.find("notes") is not None
    assert str(app.settings.section("rateLimits")["rules"]).count("notes:list") == 1


async def rename_delete_and_fail(app: App, renamed: Collection) -> None:
    async with app.transaction() as tx:
        saved = await app.collections.save(renamed, tx=tx)
        assert app.collections.find(renamed.name) is None
        await app.collections.delete(saved, tx=tx)
        raise NotFoundError


async def test_records_follow_the_schema_at_once(server: Running) -> None:
    await call(server, "POST", "/collections", {"name": "posts", "fields": [{"type": "text", "name": "a", "id": "f1"}]})
    made = await call(server, "POST", "/collections/posts/records", {"a": "x"})
    swapped: JSON = [{"type": "text", "name": "b", "id": "f1"}, {"type": "json", "name": "a", "id": "f2"}]
    assert (await call(server, "PATCH", "/collections/posts", {"fields": swapped})).status == 200
    seen = await call(server, "GET", f"/collections/posts/records/{made['id']}")
    assert (seen["b"], seen["a"]) == ("x", None)
    assert (await call(server, "GET", "/collections/posts/records?filter=b='x'"))["totalItems"] == 1


async def test_truncate_cascades_or_refuses_as_a_whole(server: Running) -> None:
    target = await call(server, "POST", "/collections", {"name": "target"})
    relation: dict[str, JSON] = {"type": "relation", "name": "to", "collectionId": target["id"], "required": True}
    await call(server, "POST", "/collections", {"name": "owner", "fields": [relation]})
    ids = [(await call(server, "POST", "/collections/target/records", {}))["id"] for _ in range(3)]
    await call(server, "POST", "/collections/owner/records", {"to": ids[1]})
    refused = await call(server, "DELETE", "/collections/target/truncate")
    assert (refused.status, refused["message"]) == (
        400,
        "Failed to truncate collection (most likely due to required cascade delete record references).",
    )
    assert (await call(server, "GET", "/collections/target/records"))["totalItems"] == 3
    field = server.app.collections.get("owner").fields[1].encode()
    await call(server, "PATCH", "/collections/owner", {"fields": [{**field, "cascadeDelete": True}]})
    assert (await call(server, "DELETE", "/collections/target/truncate")).status == 204
    for name in ("target", "owner"):
        assert (await call(server, "GET", f"/collections/{name}/records"))["totalItems"] == 0
    view: JSON = {"name": "look", "type": "view", "viewQuery": "select id from target"}
    assert (await call(server, "POST", "/collections", view)).status == 200
    refused = await call(server, "DELETE", "/collections/look/truncate")
    assert str(refused["message"]).startswith("View collections cannot be truncated")


async def test_the_files_of_a_deleted_collection_go(server: Running) -> None:
    made = await call(server, "POST", "/collections", {"name": "posts", "fields": [{"type": "file", "name": "doc"}]})
    form = aiohttp.FormData()
    form.add_field("doc", b"hello", filename="hello.txt")
    stored = await server.request("POST", "/api/collections/posts/records", data=form, token=await server.superuser())
    folder = server.app.config.dir / "storage" / str(made["id"])
    assert (folder / str(stored["id"]) / str(stored["doc"])).read_bytes() == b"hello"
    assert (await call(server, "DELETE", "/collections/posts")).status == 204
    async with asyncio.timeout(10):
        while folder.exists():
            await asyncio.sleep(0.01)
