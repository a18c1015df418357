"""What plugins add: every result is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.hooks.markers import hookspec

if TYPE_CHECKING:
    import click

    from pbhost import services
    from pbhost.app import App
    from pbhost.database import Migration
    from pbhost.http import Middleware, Route
    from pbhost.model import CollectionType, Field


@hookspec
def register_routes(app: App) -> list[Route]:
    """HTTP routes. A later registration of the same method and path replaces the earlier one.

    versionadded: 0.1
    """
    return []


@hookspec
def register_middlewares(app: App) -> list[Middleware]:
    """Steps around every request, ordered by priority (lower is outer).

    versionadded: 0.1
    """
    return []


@hookspec
def register_field_types(app: App) -> list[type[Field]]:
    """Field types; a later one of the same ``type`` replaces the earlier one.

    versionadded: 0.1
    """
    return []


@hookspec
def register_collection_types(app: App) -> list[CollectionType]:
    """Kinds of collections; a later one of the same name replaces the earlier one.

    versionadded: 0.1
    """
    return []


@hookspec
def register_filter_functions(app: App) -> list[services.FilterFunction]:
    """Functions of the filter language.

    versionadded: 0.1
    """
    return []


@hookspec
def register_auth_methods(app: App) -> list[services.AuthMethod]:
    """Ways to sign in.

    versionadded: 0.1
    """
    return []


@hookspec
def register_oauth2_providers(app: App) -> list[services.OAuth2Provider]:
    """OAuth2 providers; a later one of the same name replaces the earlier one.

    versionadded: 0.1
    """
    return []


@hookspec
def register_commands(app: App) -> list[click.Command]:
    """Commands of the ``pbhost`` command line.

    versionadded: 0.1
    """
    return []


@hookspec
def register_cron_jobs(app: App) -> list[services.CronJob]:
    """Scheduled jobs.

    versionadded: 0.1
    """
    return []


@hookspec
def register_migrations(app: App) -> list[Migration]:
    """Changes of the plugin's own tables, applied at start, each once.

    versionadded: 0.1
    """
    return []


@hookspec
def register_settings_sections(app: App) -> list[services.SettingsSection]:
    """Further sections of the settings.

    versionadded: 0.1
    """
    return []


@hookspec
def register_dashboard_extensions(app: App) -> list[services.DashboardExtension]:
    """Scripts and files added to the admin interface.

    versionadded: 0.1
    """
    return []


@hookspec
def register_checks(app: App) -> list[services.Check]:
    """What ``pbhost doctor`` looks at. The application is not started then: checks read, and write nothing.

    versionadded: 0.1
    """
    return []
