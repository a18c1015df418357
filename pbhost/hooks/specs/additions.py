"""What pbhost adds to the hooks that PocketBase has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.hooks.markers import hookspec

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.hooks import events


@hookspec
def on_request(event: events.RequestEvent, app: App) -> None:
    """Around every request, after identity and limits, before the handler.

    versionadded: 0.1
    """


@hookspec
def on_storage_write(event: events.StorageEvent, app: App) -> None:
    """Around the writing of a file to the storage.

    versionadded: 0.1
    """


@hookspec
def on_storage_delete(event: events.StorageEvent, app: App) -> None:
    """Around the deletion of a file from the storage.

    versionadded: 0.1
    """


@hookspec
def on_cron_run(event: events.CronEvent, app: App) -> None:
    """Around each run of a cron job.

    versionadded: 0.1
    """


@hookspec
def on_plugins_reload(event: events.PluginsReloadEvent, app: App) -> None:
    """After plugins were reloaded in development.

    versionadded: 0.1
    """
