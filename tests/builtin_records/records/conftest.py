"""A running server with a small blog: teams, authors, posts, comments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from pbhost.errors import JSON
from pbhost.testing import Answer, Running, running_app


class Blog:
    """The server and shorthands for its API.

    Attributes:
        root: the token of a superuser.
    """

    def __init__(self, running: Running, root: str) -> None:
        self.running = running
        self.app = running.app
        self.root = root

    async def get(self, path: str, token: str = "") -> Answer:
        return await self.running.request("GET", f"/api/collections/{path}", token=token)

    async def post(self, collection: str, body: object, token: str = "") -> Answer:
        return await self.running.request("POST", f"/api/collections/{collection}/records", body, token=token)

    async def patch(self, collection: str, id_: str, body: object, token: str = "") -> Answer:
        path = f"/api/collections/{collection}/records/{id_}"
        return await self.running.request("PATCH", path, body, token=token)

    async def delete(self, collection: str, id_: str, token: str = "") -> Answer:
        return await self.running.request("DELETE", f"/api/collections/{collection}/records/{id_}", token=token)

    async def make(self, collection: str, **values: object) -> str:
        """A record made by a superuser; its id."""
        answer = await self.post(collection, values, self.root)
        assert answer.status == 200, answer.body
        return str(answer["id"])

    async def define(self, name: str, fields: Sequence[Mapping[str, JSON]], **options: JSON) -> str:
        """A new collection with public rules unless given; its id."""
        rules = {f"{kind}Rule": "" for kind in ("list", "view", "create", "update", "delete")}
        if options.get("type") == "view":
            rules = {"listRule": "", "viewRule": ""}
        body = {"name": name, "type": "base", "fields": list(fields), **rules, **options}
        answer = await self.running.request("POST", "/api/collections", body, token=self.root)
        assert answer.status == 200, answer.body
        return str(answer["id"])

    async def change(self, collection: str, **options: JSON) -> None:
        """Changes options of a collection."""
        answer = await self.running.request("PATCH", f"/api/collections/{collection}", options, token=self.root)
        assert answer.status == 200, answer.body


class StartBlog(Protocol):
    """Starts the server with plugins."""

    def __call__(self, *plugins: object) -> AbstractAsyncContextManager[Blog]: ...


@pytest.fixture
def start_blog(tmp_path: Path) -> StartBlog:
    @asynccontextmanager
    async def start(*plugins: object) -> AsyncIterator[Blog]:
        async with running_app(tmp_path, *plugins, block=("realtime", "dashboard")) as running:
            blog = Blog(running, await running.superuser())
            await _define_all(blog)
            yield blog

    return start


@pytest.fixture
async def blog(start_blog: StartBlog) -> AsyncIterator[Blog]:
    async with start_blog() as started:
        yield started


def text(name: str, **options: JSON) -> dict[str, JSON]:
    return {"name": name, "type": "text", **options}


def relation(name: str, target: str, **options: JSON) -> dict[str, JSON]:
    return {"name": name, "type": "relation", "collectionId": target, "maxSelect": 1, **options}


async def _define_all(blog: Blog) -> None:
    teams = await blog.define("teams", [text("name")])
    authors = await blog.define("authors", [text("name"), relation("team", teams), text("note", hidden=True)])
    tags = await blog.define("tags", [text("name", required=True)])
    posts = await blog.define(
        "posts",
        [
            text("title", required=True, max=20),
            {"name": "score", "type": "number"},
            {"name": "live", "type": "bool"},
            {"name": "meta", "type": "json"},
            relation("author", authors),
            relation("tags", tags, maxSelect=5),
            text("secret", hidden=True),
            text("slug", autogeneratePattern="[a-z]{8}"),
            {"name": "created", "type": "autodate", "onCreate": True},
            {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
        ],
        indexes=["CREATE UNIQUE INDEX `idx_posts_title` ON `posts` (`title`)"],
    )
    await blog.define("comments", [text("text"), relation("post", posts, cascadeDelete=True, required=True)])
