"""Which kit a replacement of each service must pass, and how ``pbhost plugin check`` runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Service → module and class of its kit.
KITS: Final[Mapping[str, tuple[str, str]]] = {
    "database": ("pbhost.testing.database_kit", "DatabaseKit"),
    "collections": ("pbhost.testing.collections_kit", "CollectionsKit"),
    "settings": ("pbhost.testing.settings_kit", "SettingsKit"),
    "password_hasher": ("pbhost.testing.password_hasher_kit", "PasswordHasherKit"),
    "records": ("pbhost.testing.records_kit", "RecordsKit"),
    "auth": ("pbhost.testing.auth_kit", "AuthKit"),
    "storage": ("pbhost.testing.storage_kit", "StorageKit"),
    "files": ("pbhost.testing.files_kit", "FilesKit"),
    "mailer": ("pbhost.testing.mailer_kit", "MailerKit"),
    "logs": ("pbhost.testing.logs_kit", "LogsKit"),
    "rate_limiter": ("pbhost.testing.rate_limiter_kit", "RateLimiterKit"),
    "realtime": ("pbhost.testing.realtime_kit", "RealtimeKit"),
    "cron": ("pbhost.testing.cron_kit", "CronKit"),
}
