"""Soft delete: a deleted record is marked, hidden and restorable, and every version of it is kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from pbhost import App, CronJob, Route, hookimpl
from pbhost.database import Migration
from pbhost.hooks.events import BootstrapEvent, CollectionEvent, RecordEvent
from pbhost_soft_delete.history import MIGRATIONS, History
from pbhost_soft_delete.marking import Marking
from pbhost_soft_delete.options import CONFIG_SCHEMA, NAME, Options
from pbhost_soft_delete.schema import Schema
from pbhost_soft_delete.trash import Trash

BASE = "/api/soft-delete/{collection}/{id}"


class SoftDeletePlugin:
    """The hooks of this plugin."""

    NAME = NAME
    requires_pbhost = ">=0.1,<1"
    requires_services = ("collections", "records")
    CONFIG_SCHEMA = CONFIG_SCHEMA

    def __init__(self) -> None:
        self._options: Options | None = None

    def _options_of(self, app: App) -> Options:
        if self._options is None:
            self._options = Options.of(app)
        return self._options

    # -- the schema --------------------------------------------------------------------------------------------------

    @hookimpl
    def register_migrations(self) -> list[Migration]:
        """The table of the versions."""
        return MIGRATIONS

    @hookimpl(wrapper=True)
    async def on_bootstrap(self, event: BootstrapEvent) -> AsyncGenerator[None, None]:
        """Once the services run: prepares the collections that are there already."""
        yield
        await Schema(event.app, self._options_of(event.app)).bring_up()

    @hookimpl(trylast=True)
    def on_collection_create(self, event: CollectionEvent) -> None:
        """A new collection has soft delete from its first moment."""
        self._apply(event)

    @hookimpl(trylast=True)
    def on_collection_update(self, event: CollectionEvent) -> None:
        """Whatever was changed, mark and rules are there when the collection is saved."""
        self._apply(event)

    def _apply(self, event: CollectionEvent) -> None:
        options = self._options_of(event.app)
        if event.collection.name in options.collections:
            Schema(event.app, options).apply(event.collection, event.old)

    @hookimpl
    def on_collection_delete_execute(self, event: CollectionEvent) -> None:
        """With a collection goes the history of its records."""
        if event.collection.name in self._options_of(event.app).collections:
            assert event.connection is not None, "a hook of a write has its transaction"
            History(event.connection).forget(event.connection, event.collection.id)

    # -- records -----------------------------------------------------------------------------------------------------

    @hookimpl(wrapper=True)
    def on_record_create_execute(self, event: RecordEvent) -> Generator[None, None, None]:
        """Keeps the first version."""
        yield
        self._keep_version(event)

    @hookimpl(wrapper=True)
    def on_record_update_execute(self, event: RecordEvent) -> Generator[None, None, None]:
        """Keeps the next version."""
        yield
        self._keep_version(event)

    def _keep_version(self, event: RecordEvent) -> None:
        options = self._options_of(event.app)
        if event.collection.name in options.collections:
            Marking(event.app, options).keep_version(event)

    @hookimpl(trylast=True)
    def on_record_delete(self, event: RecordEvent) -> None:
        """Instead of the delete; last, so that other plugins can refuse it."""
        options = self._options_of(event.app)
        if event.collection.name in options.collections:
            Marking(event.app, options).delete(event)

    # -- what was deleted --------------------------------------------------------------------------------------------

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """Versions and restoring."""
        trash = Trash(app, self._options_of(app))
        return [
            Route("GET", f"{BASE}/history", trash.history, guard="superuser", summary="Versions of a record"),
            Route("POST", f"{BASE}/restore", trash.restore, guard="auth", summary="Restore a deleted record"),
        ]

    @hookimpl
    def register_cron_jobs(self, app: App) -> list[CronJob]:
        """Every night."""

        async def purge() -> None:
            await Trash(app, self._options_of(app)).purge()

        return [CronJob("soft_delete_purge", "17 3 * * *", purge)]


#: The class: each application gets an instance of its own.
plugin = SoftDeletePlugin
