"""Plugins of different authors on one collection: each keeps its promise, whatever the order they are loaded in."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path

import pytest

from pbhost.errors import JSON
from pbhost.testing import Answer, Client, RealtimeReader, Running, running_app

PLUGINS = Path(__file__).parents[2] / "examples" / "plugins"
POSTS = "/api/collections/posts/records"
OPTIONS: dict[str, dict[str, JSON]] = {
    "tenancy": {"collections": ["posts"]},
    "soft_delete": {"collections": ["posts"], "restore_rule": "title != ''"},
    "search_index": {"collections": {"posts": ["title"]}},
}
RULES: dict[str, JSON] = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "")


async def members(running: Running, root: Client) -> list[Client]:
    """One member each of two tenants."""
    clients = []
    for name in ("ours", "theirs"):
        tenant = await root.post("/api/collections/tenants/records", {"name": name})
        values = {"email": f"{name}@example.com", "password": "password-of-user", "tenant": tenant["id"]}
        record = await running.app.records.create("users", values)
        clients.append(Client(running, await running.app.auth.issue_token(record), record))
    return clients


def found(answer: Answer) -> int:
    items = answer["items"]
    assert isinstance(items, list)
    return len(items)


@pytest.mark.parametrize("order", [1, -1], ids=["tenancy first", "tenancy last"])
async def test_tenants_deletes_and_search_respect_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    plugins = {}
    for name in list(OPTIONS)[::order]:
        monkeypatch.syspath_prepend(str(PLUGINS / name))
        plugins[name] = import_module(f"pbhost_{name}").plugin()
    async with running_app(tmp_path, *plugins.values(), options=OPTIONS) as running:
        root = Client(running, await running.superuser())
        fields = [{"name": "title", "type": "text"}]
        made = await root.post("/api/collections", {"name": "posts", "fields": fields, **RULES})
        assert made.status == 200, made.body
        again = await root.patch("/api/collections/posts", {"listRule": made["listRule"]})
        assert again["listRule"] == made["listRule"], "guards come to rest"
        ours, theirs = await members(running, root)

        async def searched(client: Client) -> int:
            async with asyncio.timeout(10):
                await plugins["search_index"].follower.caught_up()
            return found(await client.get("/api/search?q=hello"))

        async with (
            RealtimeReader.opened(ours, ("posts/*",)) as own,
            RealtimeReader.opened(theirs, ("posts/*",)) as other,
        ):
            post = await ours.post(POSTS, {"title": "hello"})
            assert ((await own.next())["action"], await searched(ours), await searched(theirs)) == ("create", 1, 0)
            record = f"{POSTS}/{post['id']}"
            assert (await theirs.delete(record)).status == 404
            assert (await ours.delete(record)).status == 204
            assert ((await own.next())["action"], await searched(ours)) == ("delete", 0)
            restore = f"/api/soft-delete/posts/{post['id']}/restore"
            assert (await theirs.post(restore)).status == 404, "a deleted record stays within its tenant"
            assert (await ours.post(restore)).status == 200
            assert (await searched(ours), (await ours.get(record)).body) == (1, post.body)
            await theirs.post(POSTS, {"title": "mine"})
            assert (await other.next())["record"]["title"] == "mine"  # type: ignore[index,call-overload]
