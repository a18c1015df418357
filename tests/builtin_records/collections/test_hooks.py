"""Hooks around collection writes, and what other processes see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from builtin_records.collections import CollectionsService

from pbhost.app import App
from pbhost.config import Config
from pbhost.errors import BadRequestError, DatabaseError, ForbiddenError
from pbhost.hooks import hookimpl
from pbhost.hooks.events import CollectionEvent, ModelEvent
from pbhost.plugins import PluginRegistry

from .conftest import SchemaPlugin
from .test_saving import change, create, sql


class Watcher:
    """Notes what it sees, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.refuse = ""

    @hookimpl
    def on_collection_validate(self, event: CollectionEvent) -> None:
        self.seen.append(f"validate {event.collection.name}")

    @hookimpl
    async def on_collection_create(self, event: CollectionEvent) -> None:
        self.seen.append("create")
        assert event.tx is not None
        assert await event.tx.fetch_all("SELECT 1 FROM _collections WHERE name = ?", (event.collection.name,)) == []
        event.collection.list_rule = ""

    @hookimpl(wrapper=True)
    def on_collection_create_execute(self, event: CollectionEvent) -> Iterator[None]:
        self.seen.append("execute begins")
        yield
        assert event.connection is not None
        rows = event.connection.fetch_all(f"SELECT 1 FROM {event.collection.name}")
        self.seen.append(f"execute ends {len(rows)}")
        if self.refuse:
            raise ForbiddenError(self.refuse)

    @hookimpl
    def on_model_create(self, event: ModelEvent) -> None:
        self.seen.append("model create")

    @hookimpl
    def on_collection_after_create_success(self, event: CollectionEvent) -> None:
        self.seen.append("success")

    @hookimpl
    def on_collection_after_create_error(self, event: CollectionEvent) -> None:
        self.seen.append(f"error {event.error}")

    @hookimpl
    def on_collection_after_update_success(self, event: CollectionEvent) -> None:
        assert event.old is not None
        self.seen.append(f"updated {event.old.name} to {event.collection.name}")


@pytest.fixture
def watcher(registry: PluginRegistry) -> Watcher:
    """Registered before the application starts."""
    return Watcher()


async def test_hooks_run_in_order_inside_the_transaction(
    app: App, registry: PluginRegistry, watcher: Watcher, collections: CollectionsService
) -> None:
    registry.manager.register(watcher, "watcher")
    app.hooks.refresh()
    saved = await create(collections, name="posts")
    assert watcher.seen == [
        "create",
        "model create",
        "validate posts",
        "execute begins",
        "execute ends 0",
        "success",
    ]
    assert saved.list_rule == ""
    watcher.seen.clear()
    watcher.refuse = "not today"
    with pytest.raises(ForbiddenError, match="Not today"):
        await create(collections, name="more")
    assert watcher.seen[-1] == "error Not today."
    assert collections.find("more") is None
    assert await sql(app, "SELECT name FROM sqlite_master WHERE name = 'more'") == []
    watcher.seen.clear()
    await change(collections, "posts", name="articles")
    assert watcher.seen == ["validate articles", "updated posts to articles"]


async def test_a_surrounding_transaction_decides(app: App, collections: CollectionsService) -> None:
    async with app.transaction() as tx:
        await collections.save(collections.new(name="kept"), tx=tx)
        target = await tx.fetch_all("SELECT name FROM _collections WHERE name = 'kept'")
        assert target == [("kept",)]
        with pytest.raises(BadRequestError):
            await collections.delete(collections.get("_mfas"), tx=tx)
    assert collections.find("kept") is not None
    with pytest.raises(DatabaseError):
        await save_and_fail(app, collections)
    assert collections.find("lost") is None
    assert await sql(app, "SELECT name FROM sqlite_master WHERE name = 'lost'") == []


async def save_and_fail(app: App, collections: CollectionsService) -> None:
    async with app.transaction() as tx:
        await collections.save(collections.new(name="lost"), tx=tx)
        raise DatabaseError("undo")


async def test_another_process_sees_the_change(app: App, config: Config, collections: CollectionsService) -> None:
    async with started(config) as other:
        await create(collections, name="posts")
        async with asyncio.timeout(10):
            while other.collections.find("posts") is None:
                await asyncio.sleep(0.01)


async def test_every_worker_knows_a_change_before_it_is_answered(config: Config, tmp_path: Path) -> None:
    several = replace(config, workers=2)
    async with started(several.for_worker(0, tmp_path)) as first, started(several.for_worker(1, tmp_path)) as second:
        for number in range(5):
            await first.collections.save(first.collections.new(name=f"first{number}"))
            assert second.collections.find(f"first{number}") is not None
            await second.collections.save(second.collections.new(name=f"second{number}"))
            assert first.collections.find(f"second{number}") is not None


@asynccontextmanager
async def started(config: Config) -> AsyncIterator[App]:
    """A further application on the same directory."""
    registry = PluginRegistry(config.plugins)
    registry.manager.register(SchemaPlugin(), "schema")
    app = App(config, registry)
    await app.bootstrap()
    yield app
    await app.shutdown()
