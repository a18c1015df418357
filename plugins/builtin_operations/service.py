"""All services of this plugin for one application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_operations.backups.presence import Presence
from builtin_operations.backups.service import Backups
from builtin_operations.cron.service import CronService
from builtin_operations.limits.service import RateLimiterService
from builtin_operations.logs.service import LogsService
from builtin_operations.settings.service import SettingsService
from pbhost.database import Transaction
from pbhost.errors import JSON
from pbhost.services import CronJob

if TYPE_CHECKING:
    from pbhost.app import App


class Operations:
    """What the plugin keeps for an application. Another plugin may provide any of the services instead."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.settings = SettingsService(app, app.config.encryption_env)
        self.logs = LogsService(app)
        self.rate_limiter = RateLimiterService(app)
        self.cron = CronService(app)
        self.backups = Backups(app)
        #: The services of this plugin that are in use: itself, or behind one of another plugin that wraps it.
        self.in_use: set[str] = set()
        #: Of the running application in its data directory.
        self.presence: Presence | None = None

    def cron_jobs(self) -> list[CronJob]:
        """The jobs that keep the databases in shape."""
        return [
            CronJob("__pbDBOptimize__", "0 0 * * *", self._optimize),
            CronJob("__pbLogsCleanup__", "0 */6 * * *", self.logs.purge),
        ]

    def begin(self) -> None:
        """Starts what runs only in a server: the clock, and what follows the settings."""
        self.app.settings.on_change(self.backups.schedule)
        self.backups.schedule()
        self.backups.tidy_up()
        if "cron" in self.in_use:
            self.cron.serve()

    def leave(self) -> None:
        """The application has ended."""
        if self.presence is not None:
            self.presence.end()
            self.presence = None

    async def rename_labels(self, old: str, new: str) -> None:
        """Rules of the form ``old:tag`` become ``new:tag``."""
        rules = self.app.settings.section("rateLimits").get("rules")
        if not isinstance(rules, list):
            return
        prefix = f"{old}:"
        renamed: list[JSON] = []
        for rule in rules:
            label = rule.get("label") if isinstance(rule, dict) else None
            if isinstance(rule, dict) and isinstance(label, str) and label.startswith(prefix):
                renamed.append({**rule, "label": f"{new}:{label.removeprefix(prefix)}"})
            else:
                renamed.append(rule)
        if renamed != rules:
            await self.app.settings.update({"rateLimits": {"rules": renamed}})

    async def _optimize(self) -> None:
        def optimize(transaction: Transaction) -> None:
            for statement in transaction.dialect.optimize():
                transaction.execute(statement)

        await self.app.db.write(optimize, exclusive=True)
