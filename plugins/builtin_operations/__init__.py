"""Settings, logs, cron jobs, rate limits, backups, the SQL console and the health check."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from builtin_operations.config import CONFIG_SCHEMA
from pbhost import hookimpl

if TYPE_CHECKING:
    import click

    from builtin_operations.service import Operations
    from pbhost.app import App
    from pbhost.hooks.events import (
        BootstrapEvent,
        CollectionEvent,
        CollectionRequestEvent,
        ServeEvent,
        TerminateEvent,
    )
    from pbhost.http import Route
    from pbhost.services import Check, Cron, CronJob, Logs, RateLimiter, Settings


class OperationsPlugin:
    """The built-in ``operations`` plugin."""

    requires_services = ("database",)
    CONFIG_SCHEMA = CONFIG_SCHEMA

    def __init__(self) -> None:
        self._operations: WeakKeyDictionary[App, Operations] = WeakKeyDictionary()

    def of(self, app: App) -> Operations:
        """What the plugin keeps for an application."""
        found = self._operations.get(app)
        if found is None:
            from builtin_operations.service import Operations

            found = self._operations[app] = Operations(app)
        return found

    @hookimpl
    def provide_settings(self, app: App) -> Settings:
        """The settings row of the database."""
        self.of(app).in_use.add("settings")
        return self.of(app).settings

    @hookimpl
    def provide_logs(self, app: App) -> Logs:
        """The table ``_logs`` of the auxiliary database."""
        self.of(app).in_use.add("logs")
        return self.of(app).logs

    @hookimpl
    def provide_rate_limiter(self, app: App) -> RateLimiter:
        """Fixed windows in memory."""
        self.of(app).in_use.add("rate_limiter")
        return self.of(app).rate_limiter

    @hookimpl
    def provide_cron(self, app: App) -> Cron:
        """A ticker in the first worker."""
        self.of(app).in_use.add("cron")
        return self.of(app).cron

    @hookimpl
    def register_cron_jobs(self, app: App) -> list[CronJob]:
        """Upkeep of the databases."""
        return self.of(app).cron_jobs()

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """The API of the services."""
        from builtin_operations.api import routes

        return routes(self.of(app))

    @hookimpl(wrapper=True, tryfirst=True)
    async def on_bootstrap(self, event: BootstrapEvent) -> AsyncIterator[None]:
        """Does a staged restore before any file of the data directory is opened."""
        from builtin_operations.backups import pending
        from builtin_operations.backups.presence import Presence

        directory = event.app.config.dir
        presence = Presence(directory)
        try:
            restored = await asyncio.to_thread(pending.apply, directory, presence)
            yield
            if restored:
                from builtin_operations.migrations.runner import Migrator

                await Migrator(event.app).adopt_automatic()
                await asyncio.to_thread(pending.adopted, directory)
        except BaseException:
            presence.end()
            raise
        self.of(event.app).presence = presence

    @hookimpl(wrapper=True, tryfirst=True)
    async def on_terminate(self, event: TerminateEvent) -> AsyncIterator[None]:
        """Leaves the data directory to others, when everything is closed."""
        try:
            yield
        finally:
            self.of(event.app).leave()

    @hookimpl
    async def on_collection_after_update_success(self, event: CollectionEvent) -> None:
        """Rate-limit rules follow a collection to its new name."""
        if event.old is not None and event.old.name != event.collection.name:
            await self.of(event.app).rename_labels(event.old.name, event.collection.name)

    @hookimpl(wrapper=True)
    async def on_collection_create_request(self, event: CollectionRequestEvent) -> AsyncIterator[None]:
        """Writes the change down as a migration."""
        from builtin_operations.migrations.automatic import CollectionChange

        change = CollectionChange("created", event)
        yield
        await change.write_down()

    @hookimpl(wrapper=True)
    async def on_collection_update_request(self, event: CollectionRequestEvent) -> AsyncIterator[None]:
        """Writes the change down as a migration."""
        from builtin_operations.migrations.automatic import CollectionChange

        change = CollectionChange("updated", event)
        yield
        await change.write_down()

    @hookimpl(wrapper=True)
    async def on_collection_delete_request(self, event: CollectionRequestEvent) -> AsyncIterator[None]:
        """Writes the change down as a migration."""
        from builtin_operations.migrations.automatic import CollectionChange

        change = CollectionChange("deleted", event)
        yield
        await change.write_down()

    @hookimpl
    def register_commands(self, app: App) -> list[click.Command]:
        """``pbhost migrate`` and ``pbhost backup``."""
        from builtin_operations.backup_commands import backup_group
        from builtin_operations.migrations.commands import migrate_group

        return [migrate_group(app), backup_group(app, lambda: self.of(app).backups)]

    @hookimpl
    def register_checks(self, app: App) -> list[Check]:
        """Settings, limits, disk, backups, logs, the clock."""
        from builtin_operations.doctor import operations_checks

        return operations_checks(app, self.of(app).backups)

    @hookimpl(tryfirst=True)
    async def on_serve(self, event: ServeEvent) -> None:
        """Applies pending migrations, before anybody is served, and starts the clock."""
        if event.worker == 0 and event.app.has("collections"):
            from builtin_operations.migrations.runner import Migrator

            await Migrator(event.app).apply()
        self.of(event.app).begin()


plugin = OperationsPlugin()
