"""HTTP routes of the operations: one module for each of the services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_operations.api import backups, crons, health, logs, settings, sql
from builtin_operations.openapi import api as openapi

if TYPE_CHECKING:
    from builtin_operations.service import Operations
    from pbhost.http import Route


def routes(operations: Operations) -> list[Route]:
    """All routes of the plugin. Those of a service that another plugin provides are left to that plugin."""
    found = [*health.routes(operations), *crons.routes(operations), *backups.routes(operations)]
    found += sql.routes(operations)
    if operations.app.has("collections"):
        found += openapi.routes(operations.app)
    if "settings" in operations.in_use:
        found += settings.routes(operations)
    if "logs" in operations.in_use:
        found += logs.routes(operations)
    return found
