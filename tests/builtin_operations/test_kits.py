"""Our own providers pass the kits that any replacement must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from pbhost.testing import Running, running_app
from pbhost.testing.cron_kit import CronKit
from pbhost.testing.logs_kit import LogsKit
from pbhost.testing.rate_limiter_kit import RateLimiterKit
from pbhost.testing.settings_kit import SettingsKit


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path, only=["sqlite", "operations"]) as made:
        yield made


class TestSettings(SettingsKit):
    pass


class TestCron(CronKit):
    pass


class TestRateLimiter(RateLimiterKit):
    pass


class TestLogs(LogsKit):
    @pytest.fixture
    def messages(self, running: Running) -> Callable[[], Awaitable[list[str]]]:
        async def stored() -> list[str]:
            assert running.app.db.auxiliary is not None
            rows = await running.app.db.auxiliary.read(
                lambda c: c.fetch_all("SELECT message FROM _logs ORDER BY rowid")
            )
            return [str(row[0]) for row in rows]

        return stored
