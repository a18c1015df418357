"""Whole services: the first result wins, and a later plugin comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.hooks.markers import hookspec

if TYPE_CHECKING:
    from pbhost import services
    from pbhost.app import App
    from pbhost.database import Engine


@hookspec(firstresult=True)
def provide_database(app: App) -> Engine | None:
    """The database engine.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_collections(app: App) -> services.Collections | None:
    """The schema.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_settings(app: App) -> services.Settings | None:
    """The settings.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_password_hasher(app: App) -> services.PasswordHasher | None:
    """How passwords are hashed and verified.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_records(app: App) -> services.Records | None:
    """Reading and writing records.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_auth(app: App) -> services.Auth | None:
    """Identity, tokens and sign-in.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_storage(app: App) -> services.Storage | None:
    """Where files are kept.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_files(app: App) -> services.Files | None:
    """File fields, thumbnails and downloads.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_realtime(app: App) -> services.Realtime | None:
    """The broker of live updates.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_mailer(app: App) -> services.Mailer | None:
    """How mail is sent.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_logs(app: App) -> services.Logs | None:
    """Where log entries go.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_cron(app: App) -> services.Cron | None:
    """The scheduler.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_rate_limiter(app: App) -> services.RateLimiter | None:
    """Who may go on and who has to wait.

    versionadded: 0.1
    """
    return None
