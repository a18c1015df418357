"""The life of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.hooks.markers import hookspec

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.hooks import events


@hookspec
def on_bootstrap(event: events.BootstrapEvent, app: App) -> None:
    """Around the start of the services (databases, collections, settings). Raising stops the start.

    versionadded: 0.1
    """


@hookspec
def on_serve(event: events.ServeEvent, app: App) -> None:
    """Before the server accepts requests. Raising stops it.

    versionadded: 0.1
    """


@hookspec
def on_terminate(event: events.TerminateEvent, app: App) -> None:
    """Around the shutdown.

    versionadded: 0.1
    """


@hookspec
def on_backup_create(event: events.BackupEvent, app: App) -> None:
    """Around the making of a backup. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_backup_restore(event: events.BackupEvent, app: App) -> None:
    """Around the restoring of a backup. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_settings_reload(event: events.SettingsReloadEvent, app: App) -> None:
    """After the settings were loaded from the database.

    versionadded: 0.1
    """
