"""The rate limiter service: rules of the settings, windows in memory, and the superuser IP list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from builtin_operations.addresses import AddressList
from builtin_operations.limits.rules import RateLimitRule, RuleTable
from builtin_operations.limits.window import FixedWindows
from pbhost.errors import JSON
from pbhost.model import RequestContext
from pbhost.services import CronJob

if TYPE_CHECKING:
    from pbhost.app import App

CLEANUP_JOB = "__pbRateLimitersCleanup__"


class RateLimiterService:
    """See :class:`pbhost.services.RateLimiter`. Counters are per process and forgotten when the settings change."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._windows = FixedWindows()
        self._enabled = False
        self._rules = RuleTable(())
        self._excluded = AddressList(())
        self._superusers = AddressList(())
        self._cleaned = False

    async def start(self) -> None:
        """Reads the settings, now and at each change."""
        self._app.settings.on_change(self._configure)
        self._configure()

    async def stop(self) -> None:
        """Forgets the counters."""
        self._windows.clear()

    @property
    def is_active(self) -> bool:
        """Whether rate limits are switched on."""
        return self._enabled

    def allow(self, labels: Sequence[str], bucket: str, context: RequestContext) -> bool:
        """Counts a request; False if it must wait. Superusers and excluded addresses are never counted."""
        if not self._enabled or context.is_superuser:
            return True
        rule = self._rules.find(labels, context.auth is not None)
        if rule is None or context.ip in self._excluded:
            return True
        if not self._cleaned:
            self._schedule_cleanup()
        counted = f"{bucket or rule.label}@@{rule.audience}"
        return self._windows.allow(counted, context.ip, rule.max_requests, rule.duration)

    def allows_superuser(self, ip: str) -> bool:
        """Whether the superuser IP list lets this address act as a superuser."""
        return not self._superusers or ip in self._superusers

    def _configure(self) -> None:
        limits = self._app.settings.section("rateLimits")
        self._enabled = limits.get("enabled") is True
        self._rules = RuleTable(_rules(limits))
        self._excluded = AddressList(_texts(limits.get("excludedIPs")))
        self._superusers = AddressList(_texts(self._app.settings.full().get("superuserIPs")))
        self._windows.clear()

    def _schedule_cleanup(self) -> None:
        self._cleaned = True
        if self._app.has("cron"):
            self._app.cron.add(CronJob(CLEANUP_JOB, "2 * * * *", _async(self._windows.purge)))


def _rules(limits: Mapping[str, JSON]) -> list[RateLimitRule]:
    stored = limits.get("rules")
    return [
        RateLimitRule(
            label=str(rule.get("label", "")),
            audience=str(rule.get("audience", "")),
            duration=_integer(rule.get("duration")),
            max_requests=_integer(rule.get("maxRequests")),
        )
        for rule in (stored if isinstance(stored, list) else [])
        if isinstance(rule, dict)
    ]


def _texts(value: JSON) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _integer(value: JSON) -> int:
    return value if isinstance(value, int) else 0


def _async(function: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        function()

    return run
