"""What plugins may provide and everyone else calls: one Protocol per service.

Each is reached as ``app.<name>`` and resolved once, at start, from the ``provide_<name>`` hooks (the latest plugin
wins). A provider that also has ``async start()`` and ``async stop()`` (:class:`Startable`) is started in the order of
:data:`SERVICES` and stopped in reverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pbhost.services.checks import Budget, Check, Finding, Inspectable, Severity
from pbhost.services.extension import DashboardExtension, FilterFunction
from pbhost.services.files import FileAttributes, Files, Storage
from pbhost.services.mail import MailAddress, Mailer, MailMessage
from pbhost.services.operations import (
    Cron,
    CronJob,
    LogLevel,
    Logs,
    RateLimiter,
    RequestLogEntry,
    Settings,
    SettingsSection,
)
from pbhost.services.realtime import Realtime, RealtimeClient, RealtimeMessage
from pbhost.services.records import Page, Records, SyncRecords, TableQuery
from pbhost.services.schema import Collections
from pbhost.services.sign_in import Auth, AuthMethod, MailKind, OAuth2Provider, OAuth2User, PasswordHasher, TokenType
from pbhost.services.typed import TypedRecords

if TYPE_CHECKING:
    from pbhost.database import Engine
    from pbhost.hooks import HookRegistry

#: Name of a service → the built-in plugin that provides it. The order is the order of start.
SERVICES: Mapping[str, str] = {
    "database": "sqlite",
    "collections": "records",
    "settings": "operations",
    "password_hasher": "auth",
    "records": "records",
    "auth": "auth",
    "storage": "files",
    "files": "files",
    "mailer": "mail",
    "logs": "operations",
    "rate_limiter": "operations",
    "realtime": "realtime",
    "cron": "operations",
}


@runtime_checkable
class Startable(Protocol):
    """A service with a life cycle."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Services(Protocol):
    """All services; :class:`pbhost.App` is one. A service nobody provides raises ``ServiceMissingError`` on access."""

    @property
    def db(self) -> Engine: ...
    @property
    def collections(self) -> Collections: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def password_hasher(self) -> PasswordHasher: ...
    @property
    def records(self) -> Records: ...
    @property
    def auth(self) -> Auth: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def files(self) -> Files: ...
    @property
    def mailer(self) -> Mailer: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def rate_limiter(self) -> RateLimiter: ...
    @property
    def realtime(self) -> Realtime: ...
    @property
    def cron(self) -> Cron: ...
    @property
    def hooks(self) -> HookRegistry: ...
    def has(self, service: str) -> bool:
        """Whether somebody provides the service."""
        ...


__all__ = [
    "SERVICES",
    "Auth",
    "AuthMethod",
    "Budget",
    "Check",
    "Collections",
    "Cron",
    "CronJob",
    "DashboardExtension",
    "FileAttributes",
    "Files",
    "FilterFunction",
    "Finding",
    "Inspectable",
    "LogLevel",
    "Logs",
    "MailAddress",
    "MailKind",
    "MailMessage",
    "Mailer",
    "OAuth2Provider",
    "OAuth2User",
    "Page",
    "PasswordHasher",
    "RateLimiter",
    "Realtime",
    "RealtimeClient",
    "RealtimeMessage",
    "Records",
    "RequestLogEntry",
    "Services",
    "Settings",
    "SettingsSection",
    "Severity",
    "Startable",
    "Storage",
    "SyncRecords",
    "TableQuery",
    "TokenType",
    "TypedRecords",
]
