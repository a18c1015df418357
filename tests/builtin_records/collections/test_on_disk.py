"""Directories that are not as a fresh install makes them: plugins missing, hand-edited rows, old versions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from builtin_records.collections import CollectionsService

from pbhost.app import App
from pbhost.config import Config
from pbhost.errors import JSON, DatabaseUnusableError
from pbhost.plugins import PluginRegistry

from .conftest import SchemaPlugin
from .test_hooks import started
from .test_saving import change, create


def run(config: Config, *statements: str) -> list[tuple[object, ...]]:
    """Runs statements on the file itself; returns the rows of the last one."""
    with closing(sqlite3.connect(config.dir / "data.db")) as raw, raw:
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = raw.execute(statement).fetchall()
        return rows


async def test_a_field_of_a_missing_plugin_keeps_its_options(config: Config) -> None:
    async with started(config) as app:
        await create(service(app), name="posts", fields=[{"type": "text", "name": "doc", "id": "f1"}])
    odd = '{"id":"f1","name":"doc","type":"file","maxSelect":7,"thumbs":["1x1"],"system":false,"hidden":false}'
    run(config, f"UPDATE _collections SET fields = json_set(fields, '$[1]', json('{odd}')) WHERE name = 'posts'")
    async with started(config) as app:
        posts = app.collections.get("posts")
        field = posts.field("doc")
        assert field is not None
        assert (field.type, field.is_multiple) == ("file", True)
        saved = await change(service(app), "posts", listRule="")
        assert saved.fields[1].encode()["thumbs"] == ["1x1"]
    stored = str(run(config, "SELECT fields FROM _collections WHERE name = 'posts'")[0][0])
    assert '"maxSelect":7' in stored


async def test_rows_edited_by_hand_do_not_stop_the_server(config: Config) -> None:
    async with started(config) as app:
        for name in ("a", "b", "c", "d"):
            await create(service(app), name=name)
    run(
        config,
        "UPDATE _collections SET fields = 'no json', options = '[]', indexes = '{}' WHERE name = 'a'",
        'UPDATE _collections SET fields = \'[{"type":"text","name":5,"max":"x"}, 7]\' WHERE name = \'b\'',
        "UPDATE _collections SET type = 'future', options = '{\"secret\":1}', listRule = 5 WHERE name = 'c'",
        "UPDATE _collections SET created = 'x', viewRule = x'ff' WHERE name = 'd'",
    )
    async with started(config) as app:
        for name in ("a", "b", "c", "d"):
            assert app.collections.public_json(app.collections.get(name))["name"] == name
        assert "secret" not in app.collections.public_json(app.collections.get("c"))
        assert app.collections.get("c").list_rule == "5"
        assert app.collections.get("d").view_rule is None


async def test_columns_of_older_versions_are_enough(config: Config) -> None:
    async with started(config) as app:
        await create(service(app), name="posts", fields=[{"type": "text", "name": "t"}])
    run(config, "UPDATE _collections SET fields = json_remove(fields, '$[0].help', '$[1].help', '$[1].max')")
    async with started(config) as app:
        assert app.collections.get("posts").fields[1].encode()["max"] == 0


async def test_a_directory_from_before_0_23_is_refused(config: Config) -> None:
    async with started(config):
        pass
    run(config, "ALTER TABLE _collections RENAME COLUMN fields TO schema")
    registry = PluginRegistry(config.plugins)
    registry.manager.register(SchemaPlugin(), "schema")
    with pytest.raises(DatabaseUnusableError, match=r"before 0\.23"):
        await App(config, registry).bootstrap()


async def test_what_is_stored_is_what_pocketbase_stores(config: Config, tmp_path: Path) -> None:
    fields: list[JSON] = [{"type": "number", "name": "n", "min": 1.0, "max": 2.5}]
    async with started(config) as app:
        await create(service(app), name="posts", fields=fields, listRule="n < 2 && n > 1")
        await create(service(app), name="look", type="view", viewQuery="select id from posts where n < 2")
    stored, rule = run(config, "SELECT fields, listRule FROM _collections WHERE name = 'posts'")[0]
    assert '"max":2.5,"min":1,"name":"n","onlyInt":false' in str(stored)
    assert rule == "n < 2 && n > 1"
    options = run(config, "SELECT options FROM _collections WHERE name = 'look'")[0][0]
    assert options == '{"viewQuery":"select id from posts where n \\u003c 2"}'


def service(app: App) -> CollectionsService:
    found = app.collections
    assert isinstance(found, CollectionsService)
    return found
