"""A deleted record is gone for everyone but the one who restores it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pbhost_soft_delete import SoftDeletePlugin
from pbhost_soft_delete.options import Options
from pbhost_soft_delete.trash import Trash

from pbhost.errors import JSON
from pbhost.testing import Answer, Client, MovableClock, RealtimeReader, Running, running_app

#: One server for all tests; each uses records of its own.
pytestmark = pytest.mark.asyncio(loop_scope="module")

OPTIONS: dict[str, JSON] = {
    "collections": ["posts", "comments"],
    "restore_rule": "@request.auth.id = author",
    "keep_versions": 5,
}
RULES: dict[str, JSON] = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    directory = tmp_path_factory.mktemp("soft_delete")
    async with running_app(directory, SoftDeletePlugin(), options={"soft_delete": OPTIONS}) as running:
        superuser = Client(running, await running.superuser())
        await collections(superuser)
        yield running


async def collections(superuser: Client) -> None:
    posts = await superuser.post(
        "/api/collections",
        {
            "name": "posts",
            "fields": [
                {"name": "slug", "type": "text"},
                {"name": "title", "type": "text"},
                {"name": "file", "type": "file"},
                {"name": "author", "type": "text"},
            ],
            "indexes": [
                "CREATE UNIQUE INDEX idx_slug ON posts (slug)",
                "CREATE UNIQUE INDEX idx_title ON posts (lower(title)) WHERE title != '' AND (1 = 1)",
            ],
            **RULES,
        },
    )
    assert posts.status == 200, posts.body
    relation = {"name": "post", "type": "relation", "collectionId": posts["id"], "cascadeDelete": True, "maxSelect": 1}
    for name in ("comments", "notes"):
        fields = [{"name": "text", "type": "text"}, {"name": "author", "type": "text"}, relation]
        rules = {**RULES, "viewRule": "text != 'private'"}
        made = await superuser.post("/api/collections", {"name": name, "fields": fields, **rules})
        assert made.status == 200, made.body


@pytest.fixture
def anyone(server: Running) -> Client:
    return Client(server)


@pytest_asyncio.fixture(loop_scope="module")
async def root(server: Running) -> Client:
    return Client(server, await server.superuser())


@pytest_asyncio.fixture(loop_scope="module")
async def member(server: Running) -> Client:
    record, token = await server.user()
    return Client(server, token, record)


def path(collection: str, id: JSON = "") -> str:
    return f"/api/collections/{collection}/records" + (f"/{id}" if id else "")


async def made(client: Client, collection: str, **values: JSON) -> Answer:
    answer = await client.post(path(collection), values)
    assert answer.status == 200, answer.body
    return answer


async def restore(client: Client, collection: str, id: JSON, query: str = "") -> Answer:
    return await client.post(f"/api/soft-delete/{collection}/{id}/restore{query}")


async def actions(root: Client, collection: str, id: JSON) -> list[JSON]:
    answer = await root.get(f"/api/soft-delete/{collection}/{id}/history")
    items = answer["items"]
    assert isinstance(items, list)
    return [item["action"] for item in items if isinstance(item, dict)]


async def shown(client: Client, collection: str, filter: str) -> JSON:
    return (await client.get(f"{path(collection)}?filter={filter}"))["totalItems"]


async def test_a_deleted_record_vanishes_and_comes_back(anyone: Client, root: Client) -> None:
    post = await made(anyone, "posts", slug="vanish", title="Vanish")
    comment = await made(anyone, "comments", text="vanish", post=post["id"])
    note = await made(anyone, "notes", text="note", post=post["id"])
    assert "deleted" not in (post.body if isinstance(post.body, dict) else {})
    assert (await anyone.delete(path("posts", post["id"]))).status == 204

    assert (await anyone.get(path("posts", post["id"]))).status == 404
    assert (await anyone.patch(path("posts", post["id"]), {"title": "x"})).status == 404
    assert (await anyone.delete(path("posts", post["id"]))).status == 404
    assert await shown(anyone, "posts", "slug='vanish'") == 0
    assert await shown(anyone, "comments", "text='vanish'") == 0, "what a delete cascades to goes along"
    answer = await anyone.get(path("notes", note["id"]) + "?expand=post")
    assert "expand" not in (answer.body if isinstance(answer.body, dict) else {}) or answer["expand"] == {}
    assert (await root.get(path("posts", post["id"])))["deleted"] != "", "a superuser sees it, with its mark"

    assert (await restore(root, "posts", post["id"])).status == 200
    for collection, record in (("posts", post), ("comments", comment)):
        again = await anyone.get(path(collection, record["id"]))
        assert again.body == record.body
    assert await actions(root, "comments", comment["id"]) == ["restore", "delete", "create"]


async def test_a_restore_leaves_what_was_deleted_before(anyone: Client, root: Client) -> None:
    post = await made(anyone, "posts", slug="before", title="Before")
    early, late = [await made(anyone, "comments", text=text, post=post["id"]) for text in ("early", "late")]
    await anyone.delete(path("comments", early["id"]))
    await anyone.delete(path("posts", post["id"]))
    await restore(root, "posts", post["id"])
    assert (await anyone.get(path("comments", early["id"]))).status == 404
    assert (await anyone.get(path("comments", late["id"]))).status == 200


async def test_live_updates_tell_of_a_delete_and_nothing_else(anyone: Client, root: Client) -> None:
    post = await made(anyone, "posts", slug="live", title="Live")
    comment = await made(anyone, "comments", text="live", post=post["id"])
    async with RealtimeReader.opened(anyone, ("posts/*", "comments/*")) as reader:
        await anyone.delete(path("posts", post["id"]))
        seen = [await reader.next(), await reader.next()]
        assert sorted((item.topic, item["action"], item["record"]["id"]) for item in seen) == [  # type: ignore[index,call-overload]
            ("comments/*", "delete", comment["id"]),
            ("posts/*", "delete", post["id"]),
        ]
        # The real delete of what nobody sees any more is silent: what comes next is the record made after it.
        assert (await root.delete(path("posts", post["id"]))).status == 204
        await made(anyone, "posts", slug="live-2", title="Live 2")
        assert (await reader.next())["action"] == "create"


async def test_a_unique_value_is_free_after_a_delete_and_may_be_taken_at_the_restore(
    anyone: Client, root: Client
) -> None:
    first = await made(anyone, "posts", slug="unique", title="Unique")
    for taken in ({"slug": "unique", "title": "x"}, {"slug": "x", "title": "UNIQUE"}):
        assert (await anyone.post(path("posts"), taken)).status == 400
    await anyone.delete(path("posts", first["id"]))
    second = await made(anyone, "posts", slug="unique", title="another")
    refused = await restore(root, "posts", first["id"])
    assert refused.status == 400
    data = refused["data"]
    assert isinstance(data, dict)
    assert list(data) == ["slug"]
    await anyone.delete(path("posts", second["id"]))
    assert (await restore(root, "posts", first["id"])).status == 200


async def test_an_old_version_is_restored(anyone: Client, root: Client) -> None:
    post = await made(anyone, "posts", slug="versions", title="one")
    for title in ("two", "three"):
        await anyone.patch(path("posts", post["id"]), {"title": title})
    assert await actions(root, "posts", post["id"]) == ["update", "update", "create"]
    assert (await restore(root, "posts", post["id"], "?version=1")).status == 200
    assert (await anyone.get(path("posts", post["id"])))["title"] == "one"
    for version, status in (("9", 404), ("x", 400), ("-1", 400)):
        assert (await restore(root, "posts", post["id"], f"?version={version}")).status == status
    for title in "abcdefg":
        await anyone.patch(path("posts", post["id"]), {"title": title})
    assert len(await actions(root, "posts", post["id"])) == 5, "the oldest versions go"


async def test_who_may_restore(anyone: Client, root: Client, member: Client) -> None:
    assert member.record is not None
    own = await made(anyone, "posts", slug="own", title="own", author=member.record.id)
    other = await made(anyone, "posts", slug="other", title="other", author="somebody")
    for post in (own, other):
        await anyone.delete(path("posts", post["id"]))
    assert (await restore(anyone, "posts", own["id"])).status == 401
    assert (await restore(member, "posts", other["id"])).status == 404
    assert (await restore(member, "posts", own["id"])).status == 200
    assert (await restore(root, "posts", own["id"])).status == 404, "it is not deleted"
    unseen = await root.post(path("comments"), {"text": "private", "author": member.record.id})
    await root.delete(path("comments", unseen["id"]))
    assert (await restore(member, "comments", unseen["id"])).status == 404, "what one could not see"
    assert (await restore(root, "comments", unseen["id"])).status == 200
    assert (await restore(root, "notes", own["id"])).status == 404
    assert (await member.get(f"/api/soft-delete/posts/{own['id']}/history")).status == 403


async def test_a_refused_delete_marks_nothing(anyone: Client, root: Client) -> None:
    post = await made(anyone, "posts", slug="refused", title="refused")
    await root.patch("/api/settings", {"batch": {"enabled": True}})
    requests = [
        {"method": "DELETE", "url": path("posts", post["id"])},
        {"method": "DELETE", "url": path("posts", "nothing00000000")},
    ]
    assert (await anyone.post("/api/batch", {"requests": requests})).status == 400
    assert (await anyone.get(path("posts", post["id"]))).status == 200


async def test_nobody_marks_a_record_by_hand(anyone: Client) -> None:
    post = await made(anyone, "posts", slug="hand", title="hand", deleted="2020-01-01 00:00:00.000Z")
    assert (await anyone.patch(path("posts", post["id"]), {"deleted": "2020-01-01"})).status == 200
    assert (await anyone.get(path("posts", post["id"]))).status == 200


async def test_what_was_deleted_long_ago_is_purged(server: Running, anyone: Client, clock: MovableClock) -> None:
    old = await made(anyone, "posts", slug="old", title="old")
    await made(anyone, "comments", text="old", post=old["id"])
    await anyone.delete(path("posts", old["id"]))
    clock.move(days=29)
    fresh = await made(anyone, "posts", slug="fresh", title="fresh")
    await anyone.delete(path("posts", fresh["id"]))
    trash = Trash(server.app, Options.of(server.app))
    await trash.purge()
    assert await server.app.records.find("posts", str(old["id"])) is not None
    clock.move(days=2)
    assert "soft_delete_purge" in [job.id for job in server.app.cron.jobs()]
    assert await trash.purge() >= 1
    assert await server.app.records.find("posts", str(old["id"])) is None
    assert await server.app.records.count("comments", "text = 'old'") == 0
    assert await server.app.records.find("posts", str(fresh["id"])) is not None
    root = Client(server, await server.superuser())
    assert await actions(root, "posts", old["id"]) == []


async def test_a_collection_of_users_is_refused(tmp_path: Path) -> None:
    async with running_app(tmp_path, SoftDeletePlugin(), options={"soft_delete": {"collections": ["posts"]}}) as other:
        superuser = Client(other, await other.superuser())
        refused = await superuser.post("/api/collections", {"name": "posts", "type": "auth"})
        assert refused.status == 400
        data = refused["data"]
        assert isinstance(data, dict)
        assert data["type"] == {"code": "soft_delete_type", "message": "Soft delete is for base collections."}


async def test_a_dropped_collection_takes_its_history_along(root: Client, anyone: Client, server: Running) -> None:
    await made(anyone, "comments", text="dropped")
    comments = server.app.collections.get("comments")
    count = ("SELECT COUNT(*) FROM _soft_delete_history WHERE collection = ?", (comments.id,))
    assert await server.app.db.read(lambda connection: connection.fetch_one(*count)) != (0,)
    assert (await root.delete("/api/collections/comments")).status == 204
    assert await server.app.db.read(lambda connection: connection.fetch_one(*count)) == (0,)
