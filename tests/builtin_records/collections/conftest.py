"""An application with the real database engine and the schema service, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_records.collections import CollectionsService
from builtin_records.collections.types import BaseType, ViewType
from builtin_records.fieldtypes import FIELD_TYPES

from pbhost.app import App
from pbhost.config import Config, PluginsConfig
from pbhost.database import Engine
from pbhost.hooks import hookimpl
from pbhost.model import CollectionType, Field
from pbhost.plugins import PluginRegistry


class SchemaPlugin:
    """Provides just what the schema service needs."""

    @hookimpl
    def provide_database(self, app: App) -> Engine:
        from builtin_sqlite.config import SqliteOptions
        from builtin_sqlite.service import SqliteEngine

        options = SqliteOptions.from_config(app.config, {})
        return SqliteEngine(str(app.config.dir / "data.db"), options)

    @hookimpl
    def provide_collections(self, app: App) -> CollectionsService:
        return CollectionsService(app)

    @hookimpl
    def register_field_types(self) -> list[type[Field]]:
        return list(FIELD_TYPES)

    @hookimpl
    def register_collection_types(self) -> list[CollectionType]:
        return [BaseType(), ViewType()]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration on an empty data directory."""
    return Config(dir=tmp_path / "pb_data", public_dir=tmp_path, plugins=PluginsConfig(dir=tmp_path / "pb_plugins"))


@pytest.fixture
def registry(config: Config) -> PluginRegistry:
    """The plugins; a test may register more before the application starts."""
    registry = PluginRegistry(config.plugins)
    registry.manager.register(SchemaPlugin(), "schema")
    return registry


@pytest.fixture
async def app(config: Config, registry: PluginRegistry) -> AsyncIterator[App]:
    """The started application."""
    app = App(config, registry)
    await app.bootstrap()
    yield app
    await app.shutdown()


@pytest.fixture
def collections(app: App) -> CollectionsService:
    """The schema service."""
    service = app.collections
    assert isinstance(service, CollectionsService)
    return service
